use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};
use url::Url;

use crate::error::{Error, Kind};

/// Runs work on a runtime of its own, so that callers may be in any runtime or in none.
pub(crate) fn on_own_runtime<T: Send>(
    work: impl AsyncFnOnce() -> Result<T, Error> + Send,
) -> Result<T, Error> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|source| Kind::Runtime { source })?;
            runtime.block_on(work())
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

pub(crate) async fn connect_as(url: &Url, application: &str) -> Result<PgConnection, sqlx::Error> {
    PgConnectOptions::from_url(url)?.application_name(application).connect().await
}

pub(crate) async fn run(
    connection: &mut PgConnection,
    text: impl Into<String>,
    what: &'static str,
) -> Result<(), Error> {
    // Fixed texts, and names that are ours.
    sqlx::raw_sql(AssertSqlSafe(text.into()))
        .execute(connection)
        .await
        .map(drop)
        .map_err(|source| Kind::Sql { what, source }.into())
}

/// The same URL with another database.
pub(crate) fn with_database(url: &Url, name: &str) -> Url {
    let mut url = url.clone();
    url.set_path(name);
    let pairs: Vec<(String, String)> =
        url.query_pairs().filter(|(key, _)| key != "dbname").map(|(k, v)| (k.into(), v.into())).collect();
    url.set_query(None);
    if !pairs.is_empty() {
        url.query_pairs_mut().extend_pairs(pairs);
    }
    url
}
