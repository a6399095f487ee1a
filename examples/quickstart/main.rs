//! From an access log to the charts of an output port, on a real PostgreSQL.
//!
//! ```console
//! $ cargo run --features sqlx --example quickstart
//! $ cargo run --features sqlx --example quickstart -- LOG.jsonl MAPPING.json
//! ```
//!
//! It starts a throw-away PostgreSQL, makes a small portal and the model's tables there, counts an access
//! log, writes the counts in one transaction and draws the charts. What a host does in production is in
//! `examples/sample_portal` (the model, the log, the tables), the mapping's `attribution()` in `examples/access_log`, and
//! here (the rest).

mod arguments;
mod charts;
mod dashboard;
mod portal;
mod report;

use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use access_log::printable;
use anyhow::{Context, Result, ensure};
use arguments::Arguments;
use charts::Page;
use chrono::NaiveDate;
use dashboard::Dashboard;
use output_port_usage::{Severity, UsageModel};
use sqlx::PgPool;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::from_env() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {} (--help shows the usage)", printable(&error.to_string()));
            return ExitCode::from(2);
        }
    };
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // the causes behind it, each after a colon
            eprintln!("error: {}", printable(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    // Whatever is wrong with the input is said before a server starts.
    let mapping = arguments.input.mapping()?;
    let attribution = mapping.attribution().with_context(|| arguments.input.mapping_name())?;
    let port =
        arguments.port.as_deref().map(|text| portal::port_of(text, &mapping, &attribution)).transpose()?;
    let log = arguments.input.open_log()?;

    // not print!, which panics where a pipe such as `| head` was closed
    let mut out = std::io::stdout();
    let database = throwaway_postgres::database()?;
    writeln!(out, "using {}", database.server())?;
    let pool = PgPool::connect(database.url()).await.context("cannot connect to the database")?;
    let model = sample_portal::model()?;
    sample_portal::create_parents(&pool, &mapping).await.context("cannot make the portal's tables")?;
    sample_portal::create_tables(&pool, &model).await.context("cannot create the model's tables")?;

    let counted = log.count(&attribution)?;
    check(&pool, &model, counted.days.end).await?;
    write!(out, "{}", report::of_log(&counted, &mapping))?;
    ensure!(
        !counted.batch.queries().is_empty(),
        "no query of the log counts, so there is nothing to chart: the lines above say why"
    );

    let began = Instant::now();
    let outcomes = sample_portal::ingest(&pool, &model, &counted.batches()?).await?;
    write!(out, "{}", report::of_ingest(&outcomes, began.elapsed()))?;

    let port = port.unwrap_or_else(|| portal::busiest(&counted.batch));
    let dashboard = Dashboard::read(&pool, &model, port, counted.days.clone(), arguments.granularity).await?;
    write!(out, "{}", dashboard.draw(&Page::of_stdout(), &mapping))?;

    let expected = report::Totals::of(&counted.batch, port);
    let charted = dashboard.totals();
    writeln!(out, "\nin-process: {expected}\ncharts:     {charted}")?;
    pool.close().await;
    ensure!(expected == charted, "the charts disagree with the in-process result");
    Ok(())
}

/// What a service does when it starts: it learns what the database has otherwise than its model.
async fn check(pool: &PgPool, model: &UsageModel, today: NaiveDate) -> Result<()> {
    let check = model.check(today);
    let rows = check.query().into_sqlx().fetch_all(pool).await.context("cannot read the catalogs")?;
    for difference in check.differences(rows)? {
        let severity = difference.severity();
        ensure!(
            severity < Severity::Errors,
            "the database is not as the model says: {severity}: {difference}"
        );
        eprintln!("{severity}: {difference}");
    }
    Ok(())
}
