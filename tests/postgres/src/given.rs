use std::env;

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use url::Url;

use crate::error::{Error, Kind};
use crate::names;
use crate::server::{Origin, Started};
use crate::sql;

/// A server's URL: its databases are made there.
pub(crate) const VARIABLE: &str = "OUTPUT_PORT_USAGE_DATABASE_URL";

/// The URL in the environment, if any.
pub(crate) fn url() -> Result<Option<Url>, Error> {
    let Some(value) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) else { return Ok(None) };
    let url = value.to_str().ok_or(Kind::UrlInvalid { source: None })?;
    let url = Url::parse(url).map_err(|source| Kind::UrlInvalid { source: Some(source) })?;
    match url.scheme() {
        "postgres" | "postgresql" => Ok(Some(url)),
        _ => Err(Kind::UrlInvalid { source: None }.into()),
    }
}

/// Drops what dead processes left on the server.
pub(crate) async fn start(admin: Url) -> Result<Started, Error> {
    let mut connection =
        sql::connect_as(&admin, names::owner()).await.map_err(|source| Kind::Given { source })?;
    drop_orphans(&mut connection).await?;
    Ok(Started {
        admin,
        origin: Origin::Url,
        #[cfg(unix)]
        watcher: None,
    })
}

/// Drops databases that bear our name and whose process holds no connection any more.
///
/// A process announces itself before it makes a database, and the databases are read before the connections,
/// so a database without a connection is an orphan. Without FORCE: what somebody looks at stays.
async fn drop_orphans(connection: &mut PgConnection) -> Result<(), Error> {
    const ORPHANS: &str = "SELECT datname::text FROM pg_database AS d \
         WHERE datname::text ~ '^output_port_usage_[0-9]+_[0-9a-f]{16}_[0-9]+$' \
         AND pg_get_userbyid(datdba) = current_user AND NOT EXISTS (SELECT FROM pg_stat_activity AS a \
         WHERE a.application_name = regexp_replace(d.datname::text, '_[0-9]+$', ''))";
    let orphans: Vec<String> = sqlx::query_scalar(ORPHANS)
        .fetch_all(&mut *connection)
        .await
        .map_err(|source| Kind::Sql { what: "list databases", source })?;
    for orphan in orphans {
        let drop = format!("DROP DATABASE IF EXISTS \"{orphan}\"");
        // Another process may be dropping it too, or somebody is connected: the next start tries again.
        let _ = sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut *connection).await;
    }
    Ok(())
}
