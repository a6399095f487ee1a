//! The database that the pages read: a throw-away one with a log's usage, or a portal's own.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use access_log::{MODEL, Zone};
use anyhow::{Context, Result, bail, ensure};
use chrono::NaiveDate;
use output_port_usage::{Role, Severity, UsageModel, UsageModelBuilder};
use sample_portal::Input;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool};
use throwaway_postgres::Database as Throwaway;
use usage_dashboard::{Host, Parents, Today};

use crate::arguments::Source;

/// A database that is open.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) host: Host,
    /// Dropped with this value.
    _throwaway: Option<Throwaway>,
}

pub(crate) async fn open(source: &Source) -> Result<Database> {
    match source {
        Source::Log(input) => of_log(input).await,
        Source::Database { url, model, zone } => of_portal(url, model, zone).await,
    }
}

/// What the quickstart does, without its charts.
async fn of_log(input: &Input) -> Result<Database> {
    // whatever is wrong with the input is said before a server starts
    let mapping = input.mapping()?;
    let attribution = mapping.attribution().with_context(|| input.mapping_name())?;
    let log = input.open_log()?;

    let database = throwaway_postgres::database()?;
    writeln!(std::io::stdout(), "using {}", database.server())?;
    let pool = connect(database.url()).await?;
    let (model, parents) = read_model(MODEL)?;
    sample_portal::create_parents(&pool, &mapping).await.context("cannot make the portal's tables")?;
    sample_portal::create_tables(&pool, &model).await.context("cannot create the model's tables")?;
    let counted = log.count(&attribution)?;
    ensure!(!counted.batch.queries().is_empty(), "no query of the log counts, so there is nothing to show");
    sample_portal::ingest(&pool, &model, &counted.batches()?).await?;

    let last = counted.days.end.pred_opt().context("the log has no last day")?;
    writeln!(std::io::stdout(), "counted {} until {last}, which is today for the pages", counted.name)?;
    let host = Host { pool, model, parents, today: Today::Fixed(last) };
    Ok(Database { host, _throwaway: Some(database) })
}

/// A database whose tables somebody else fills.
async fn of_portal(url: &str, model: &Path, zone: &Zone) -> Result<Database> {
    let text =
        fs::read_to_string(model).with_context(|| format!("cannot read the model {}", model.display()))?;
    let (model, parents) = read_model(&text).with_context(|| format!("the model {}", model.display()))?;
    let pool = connect(url).await?;
    let host = Host { pool, model, parents, today: Today::In(zone.clone()) };
    check(&host.pool, &host.model, host.today.date()).await?;
    Ok(Database { host, _throwaway: None })
}

/// An error names the key.
fn read_model(text: &str) -> Result<(UsageModel, Parents)> {
    let mut json = serde_json::Deserializer::from_str(text);
    let builder: UsageModelBuilder = serde_path_to_error::deserialize(&mut json)?;
    json.end()?;
    let parents = Parents::of(&builder)?;
    Ok((builder.build()?, parents))
}

/// Ten connections, for which a request waits three seconds at most.
async fn connect(url: &str) -> Result<PgPool> {
    // the URL may hold a password: no message repeats it
    let is_postgres = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
    ensure!(is_postgres, "the database's URL does not begin with postgres://");
    let options: PgConnectOptions = url.parse().context("the database's URL is none")?;
    let options = options.application_name("usage-dashboard");
    // a pool would try again until its time is up, and not say why it could not
    let first = PgConnection::connect_with(&options).await.context("cannot connect to the database")?;
    first.close().await.context("cannot connect to the database")?;
    PgPoolOptions::new()
        .max_connections(10)
        .acquire_timeout(Duration::from_secs(3))
        .connect_with(options)
        .await
        .context("cannot connect to the database")
}

/// What the database has otherwise than the model says; an error where a chart would fail or be wrong.
async fn check(pool: &PgPool, model: &UsageModel, today: NaiveDate) -> Result<()> {
    let check = model.check(today).of_role(Role::Reader);
    let mut transaction = pool.begin().await.context("cannot begin a transaction")?;
    let rows =
        check.query().into_sqlx().fetch_all(&mut *transaction).await.context("cannot read the catalogs")?;
    transaction.commit().await.context("cannot read the catalogs")?;
    let mut worst = Severity::Cosmetic;
    for difference in check.differences(rows)? {
        worst = worst.max(difference.severity());
        eprintln!("{}: {difference}", difference.severity());
        for statement in difference.mend() {
            eprintln!("    {statement};");
        }
    }
    if worst >= Severity::Errors {
        bail!("the database is not as the model says: the lines above say how");
    }
    Ok(())
}
