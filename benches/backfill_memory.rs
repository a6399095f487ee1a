//! A back-fill of so many rows, day by day, or a replace of them at once: how fast, and how much memory the host needs at
//! most.
//!
//! ```text
//! cargo bench --package output-port-usage-benches --bench backfill_memory -- 1000000
//! cargo bench --package output-port-usage-benches --bench backfill_memory -- --replace 1000000
//! cargo bench --package output-port-usage-benches --bench backfill_memory -- --help
//! ```
//!
//! A day has 10,000 rows: 5,000 of queries and as many of touches, of 500 output ports by 10 consumers each. Memory is
//! that of this process; PostgreSQL is another. Linux only, for `/proc`.
//!
//! The batch of a replace has two rows of touches for each of queries, spread evenly over output ports and days.

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
use sqlx::AssertSqlSafe;
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
  --replace           replace one batch of all rows, and then the same again
  --ports PORTS       output ports of a replace; 500 without it
  --days DAYS         days of a replace; as few as hold the rows without it
  --tokio-postgres    by tokio-postgres; by SQLx without it
  -h, --help          this text
";

#[derive(Debug, Default, Clone, Copy)]
struct Task {
    rows: u64,
    foreign_keys: bool,
    keep_keys: bool,
    tokio_postgres: bool,
    replace: bool,
    ports: Option<u64>,
    days: Option<u64>,
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
    if task.replace {
        replace(&pool, &model, task).await?;
        pool.close().await;
        return Ok(());
    }

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
            Long("replace") => task.replace = true,
            Long("ports") => task.ports = Some(parser.value()?.parse()?),
            Long("days") => task.days = Some(parser.value()?.parse()?),
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

/// Replaces one batch of all rows, and then the same again.
/// A replace into empty tables, the same again, and what the server alone needs for the rows: its floor.
async fn replace(pool: &PgPool, model: &UsageModel, task: Task) -> Result<()> {
    let before = peak_kib()?;
    let batch = whole(task);
    println!("peak memory {before} kB before the batch was there, {} kB with it", peak_kib()?);
    for what in ["first", "again"] {
        let start = Instant::now();
        let ingest = model.replace(&batch)?;
        let checked = start.elapsed();
        let mut transaction = pool.begin().await?;
        let outcome = ingest.run_sqlx(&mut transaction).await?;
        transaction.commit().await?;
        let touches = outcome.touches.unwrap_or_default();
        println!(
            "{what}: {} rows written, {} unchanged in {:.1} s ({:.1} s of it checks); peak memory {} kB",
            outcome.queries.written + touches.written,
            outcome.queries.unchanged + touches.unchanged,
            start.elapsed().as_secs_f64(),
            checked.as_secs_f64(),
            peak_kib()?,
        );
    }
    let floor = floor(pool, model).await?;
    println!(
        "floor: the same rows from table to table on the server, sorted, in {:.1} s",
        floor.as_secs_f64()
    );
    Ok(())
}

/// Copies the tables, in the order of their keys, into empty ones with the same keys and indexes.
async fn floor(pool: &PgPool, model: &UsageModel) -> Result<Duration> {
    let mut took = Duration::ZERO;
    for table in [model.queries_table(), model.touches_table()] {
        let from = format!("\"{}\".\"{}\"", table.schema(), table.name());
        let create = format!("CREATE TABLE floor_of_{} (LIKE {from} INCLUDING ALL)", table.name());
        sqlx::raw_sql(AssertSqlSafe(create)).execute(pool).await?;
        let start = Instant::now();
        let fill = format!(
            "INSERT INTO floor_of_{} SELECT * FROM {from} ORDER BY output_port_id, date, consumer_id",
            table.name()
        );
        sqlx::raw_sql(AssertSqlSafe(fill)).execute(pool).await?;
        took += start.elapsed();
    }
    Ok(took)
}

/// A third of the rows of queries and two thirds of touches.
fn whole(task: Task) -> UsageBatch {
    let (rows, ports) = (task.rows / 3, task.ports.unwrap_or(PORTS as u64));
    let a_day = ports * CONSUMERS as u64;
    let days = task.days.unwrap_or_else(|| rows.div_ceil(a_day));
    // odd, so that every output port has some
    let step = ((days * a_day / rows).max(1) - 1) | 1;
    let port = |number: u64| OutputPortId(id(1, number.into()));
    let mut queries = Vec::with_capacity(rows as usize);
    let mut touches = Vec::with_capacity(2 * rows as usize);
    for cell in (0..rows).map(|number| number * step) {
        let (date, of, by) = (day(cell / a_day), cell % a_day % ports, cell % a_day / ports);
        let (output_port_id, consumer_id) = (port(of), ConsumerId(id(2, (of / 10 * 10 + by).into())));
        let query_count = 1 + cell % 40;
        queries.push(OutputPortQueries::new(date, output_port_id, consumer_id, query_count));
        for tech_asset_id in [2 * of, 2 * of + 1].map(|number| TechAssetId(id(3, number.into()))) {
            touches.push(TechAssetTouches::new(
                date,
                output_port_id,
                tech_asset_id,
                consumer_id,
                query_count,
            ));
        }
    }
    let scope = Scope::new(day(0)..day(days), (0..ports).map(port)).expect("days of the calendar");
    UsageBatch::builder(scope).queries(queries).touches(touches).build()
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
