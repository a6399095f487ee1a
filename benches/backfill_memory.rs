//! A back-fill of so many rows, day by day: how fast, and how much memory the host needs at most.
//!
//! ```text
//! cargo bench --package output-port-usage-benches --bench backfill_memory -- 1000000
//! cargo bench --package output-port-usage-benches --bench backfill_memory -- --help
//! ```
//!
//! A day has 10,000 rows: 5,000 of queries and as many of touches, of 500 output ports by 10 consumers each. Memory is
//! that of this process; PostgreSQL is another. Linux only, for `/proc`.

use std::convert::Infallible;
use std::fs;
use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate};
use futures_util::stream;
use lexopt::prelude::*;
use output_port_usage::{
    BackfillProgress, BackfillStep, ConsumerId, OnDelete, Outcome, OutputPortId, OutputPortQueries,
    Reference, Scope, TechAssetId, TechAssetTouches, UsageBatch, UsageModel,
};
use sqlx::postgres::{PgPool, PgPoolOptions};
use uuid::Uuid;

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

const PORTS: u128 = 500;
const CONSUMERS: u128 = 10;
const ROWS_A_DAY: u64 = 2 * (PORTS * CONSUMERS) as u64;

const USAGE: &str = "\
Usage: backfill_memory [OPTIONS] ROWS

  --foreign-keys      with parent tables that foreign keys point to
  --keep-keys         load into the keys as they are
  --tokio-postgres    by tokio-postgres; by SQLx without it
  -h, --help          this text
";

#[derive(Debug, Default, Clone, Copy)]
struct Task {
    rows: u64,
    foreign_keys: bool,
    keep_keys: bool,
    tokio_postgres: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Some(task) = task()? else {
        print!("{USAGE}");
        return Ok(());
    };
    let database = throwaway_postgres::database().unwrap_or_else(|error| panic!("{error}"));
    let pool = PgPoolOptions::new().max_connections(2).connect(database.url()).await?;
    let model = model(task)?;
    create(&pool, &model, task).await?;

    let days = task.rows.div_ceil(ROWS_A_DAY);
    let before = peak_kib()?;
    let start = Instant::now();
    let (outcome, loaded) = run(database.url(), &pool, &model, days, task).await?;
    let took = start.elapsed();
    let rows = outcome.queries.written + outcome.touches.map_or(0, |touches| touches.written);
    println!(
        "{rows} rows in {:.1} s: {:.0} rows/s ({:.1} s of it keys); peak memory {} kB, {} kB before it started",
        took.as_secs_f64(),
        rows as f64 / took.as_secs_f64(),
        (took - loaded).as_secs_f64(),
        peak_kib()?,
        before,
    );
    pool.close().await;
    Ok(())
}

/// What the command line asks for; `None` is help.
fn task() -> Result<Option<Task>, lexopt::Error> {
    let mut parser = lexopt::Parser::from_env();
    let mut task = Task::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(None),
            Long("foreign-keys") => task.foreign_keys = true,
            Long("keep-keys") => task.keep_keys = true,
            Long("tokio-postgres") => task.tokio_postgres = true,
            // what cargo says to every bench
            Long("bench") => {}
            Value(rows) => task.rows = rows.parse()?,
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Some(task).filter(|task| task.rows > 0))
}

/// The outcome, and how long loading took without adding the keys.
async fn run(
    url: &str,
    pool: &PgPool,
    model: &UsageModel,
    days: u64,
    task: Task,
) -> Result<(Outcome, Duration)> {
    let batches = stream::iter((0..days).map(|number| Ok::<_, Infallible>(batch(number))));
    let start = Instant::now();
    let mut loaded = None;
    let backfill = model.backfill(Scope::new(day(0)..day(days), ports())?)?;
    let backfill = if task.keep_keys { backfill.keep_keys() } else { backfill };
    let backfill = backfill.on_progress(|progress: &BackfillProgress| {
        let rows = progress.outcome.queries.written * 2;
        match progress.step {
            BackfillStep::Loaded => eprint!("\r{rows} rows, until {}", progress.days.end),
            _ => eprint!(", adding keys"),
        }
        if progress.days.end == day(days) {
            loaded.get_or_insert(start.elapsed());
        }
    });
    let outcome = if task.tokio_postgres {
        let (mut client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        let connection = tokio::spawn(connection);
        let mut transaction = client.transaction().await?;
        let outcome = backfill.run_tokio_postgres(&mut transaction, batches).await?;
        transaction.commit().await?;
        drop(client);
        connection.await??;
        outcome
    } else {
        let mut transaction = pool.begin().await?;
        let outcome = backfill.run_sqlx(&mut transaction, batches).await?;
        transaction.commit().await?;
        outcome
    };
    eprintln!();
    Ok((outcome, loaded.unwrap_or_default()))
}

/// The most memory that this process has had at once.
fn peak_kib() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in /proc/self/status")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn day(number: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2001, 1, 1).expect("a date of the calendar") + Days::new(number)
}

/// Ids without order, as portals have them: the same for a number every time.
fn id(space: u128, number: u128) -> Uuid {
    Uuid::from_u128((space << 64 | number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

fn ports() -> impl Iterator<Item = OutputPortId> {
    (0..PORTS).map(|number| OutputPortId(id(1, number)))
}

fn batch(number: u64) -> UsageBatch {
    let date = day(number);
    let (mut queries, mut touches) = (Vec::new(), Vec::new());
    for (of, output_port_id) in (0..).zip(ports()) {
        for by in 0..CONSUMERS {
            let consumer_id = ConsumerId(id(2, of / 10 * 10 + by));
            let tech_asset_id = TechAssetId(id(3, of));
            let query_count = 1 + (u64::try_from(of * by).unwrap_or(0) + number) % 40;
            queries.push(OutputPortQueries::new(date, output_port_id, consumer_id, query_count));
            touches.push(TechAssetTouches::new(
                date,
                output_port_id,
                tech_asset_id,
                consumer_id,
                query_count,
            ));
        }
    }
    let scope = Scope::new(date..day(number + 1), ports()).expect("a day of the calendar");
    UsageBatch::builder(scope).queries(queries).touches(touches).build()
}

fn model(task: Task) -> Result<UsageModel, output_port_usage::Error> {
    let on_delete = if task.foreign_keys { OnDelete::Restrict } else { OnDelete::Keep };
    let parent = |table| Reference::to(table).on_delete(on_delete);
    UsageModel::builder()
        .schema("usage")
        .output_ports(parent("datasets"))
        .consumers(parent("data_products"))
        .tech_assets(parent("technical_assets"))
        .build()
}

async fn create(pool: &PgPool, model: &UsageModel, task: Task) -> Result<()> {
    if task.foreign_keys {
        let parents =
            "CREATE TABLE datasets (id uuid PRIMARY KEY); CREATE TABLE data_products (id uuid PRIMARY KEY);
            CREATE TABLE technical_assets (id uuid PRIMARY KEY)";
        sqlx::raw_sql(parents).execute(pool).await?;
        let ids = |space| (0..PORTS).map(|number| id(space, number)).collect::<Vec<_>>();
        for (insert, space) in [
            ("INSERT INTO datasets SELECT unnest($1::uuid[])", 1),
            ("INSERT INTO data_products SELECT unnest($1::uuid[])", 2),
            ("INSERT INTO technical_assets SELECT unnest($1::uuid[])", 3),
        ] {
            sqlx::query(insert).bind(ids(space)).execute(pool).await?;
        }
    }
    model.create_schema().into_sqlx().execute(pool).await?;
    for statement in model.create_tables() {
        statement.into_sqlx().execute(pool).await?;
    }
    Ok(())
}
