//! What is large and still works, each beside a floor.
//!
//! ```text
//! cargo bench --package output-port-usage-benches --bench sizes
//! cargo bench --package output-port-usage-benches --bench sizes -- checks --rows 15000000
//! ```
//!
//! Three rounds, ours and the floor in turns; the table has the medians. What needs no server is measured in processor
//! time, so that other work on the machine does not count. That and peak memory are from `/proc`, on Linux only.

mod aggregator;

use std::collections::HashMap;
use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use access_log::Mapping;
use anyhow::{Context, Result, ensure};
use chrono::{Days, NaiveDate};
use lexopt::prelude::*;
use output_port_usage::chart::QueriesOverTime;
use output_port_usage::{
    Attribution, AttributionBuilder, ConsumerId, Granularity, OutputPortId, OutputPortQueries, Scope,
    TechAssetId, TechAssetTouches, UsageBatch, UsageModel, UsageModelBuilder,
};
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

const USAGE: &str = "\
Usage: sizes [attribution | aggregator | mapping | checks | ports]... [--rows ROWS]
       sizes --peak-of ours|floor --log LOG

  --rows ROWS     of the batch whose checks are measured; 3,000,000 without it
  --peak-of WAY   count the log of `aggregator` in this way, and print the most memory that this took, in MB
  -h, --help      this text
";

const ROUNDS: usize = 3;
const OBJECTS: u64 = 1_000_000;
const ASSETS: u64 = 200_000;
const PORTS: u64 = 10_000;

fn main() -> Result<()> {
    let (mut tasks, mut rows, mut bench) = (Vec::new(), 3_000_000, false);
    let (mut peak_of, mut log) = (None, PathBuf::new());
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("rows") => rows = parser.value()?.parse()?,
            Long("peak-of") => peak_of = Some(parser.value()?.parse::<aggregator::Way>()?),
            Long("log") => log = parser.value()?.into(),
            // from cargo bench; cargo test gives none
            Long("bench") => bench = true,
            Long("help") | Short('h') => {
                print!("{USAGE}");
                return Ok(());
            }
            Value(task) => tasks.push(task.string()?),
            _ => return Err(argument.unexpected()).context("see --help"),
        }
    }
    if !bench {
        println!("not run by tests: cargo bench --package output-port-usage-benches --bench sizes");
        return Ok(());
    }
    if let Some(way) = peak_of {
        return aggregator::print_peak(way, &log);
    }
    let wanted = |task: &str| tasks.is_empty() || tasks.iter().any(|wanted| wanted == task);
    let mut peaks = None;
    println!("| what | s | floor | s | ours ÷ floor |\n| --- | --- | --- | --- | --- |");
    if wanted("attribution") {
        attribution()?;
    }
    if wanted("aggregator") {
        peaks = Some(aggregator::measure()?);
    }
    if wanted("mapping") {
        mapping()?;
    }
    if wanted("checks") {
        checks(rows)?;
    }
    if wanted("ports") {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(ports())?;
    }
    if let Some([ours, floor]) = peaks {
        println!("\npeak memory of a process that only counts the log: {ours} MB, by the floor {floor} MB");
    }
    Ok(())
}

/// Two ways in turns, as a row of the table.
fn compare(
    what: &str,
    floor: &str,
    mut ours: impl FnMut() -> Result<()>,
    mut least: impl FnMut() -> Result<()>,
) -> Result<()> {
    let mut times: [Vec<f64>; 2] = Default::default();
    for _ in 0..ROUNDS {
        let start = processor_seconds()?;
        ours()?;
        let between = processor_seconds()?;
        least()?;
        times[0].push(between - start);
        times[1].push(processor_seconds()? - between);
    }
    row(what, floor, times);
    Ok(())
}

/// The processor time of this thread so far.
fn processor_seconds() -> Result<f64> {
    let schedule = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = schedule.split_whitespace().next().context("an empty schedstat")?;
    Ok(nanos.parse::<u64>()? as f64 / 1e9)
}

fn row(what: &str, floor: &str, times: [Vec<f64>; 2]) {
    let [ours, least] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    println!("| {what} | {ours:.2} | {floor} | {least:.2} | {:.1} |", ours / least);
}

fn object_name(number: u64) -> String {
    format!("DB_{}.SCHEMA_{}.TABLE_{number}", number % 7, number % 100)
}

/// Ten objects for each tech asset, ten tech assets for each output port.
fn object_attribution(names: impl IntoIterator<Item = impl AsRef<str>>) -> AttributionBuilder {
    let mut builder = Attribution::builder();
    for (number, name) in (0..).zip(names) {
        builder = builder.object(name.as_ref(), TechAssetId(id(3, number / 10)));
    }
    for number in 0..OBJECTS / 10 {
        builder = builder.tech_asset(TechAssetId(id(3, number)), [port(number / 10)]);
    }
    builder
}

fn attribution() -> Result<()> {
    let names: Vec<String> = (0..OBJECTS).map(object_name).collect();
    compare(
        "an attribution of 1,000,000 objects",
        "the names, copied, in a `HashMap`",
        || {
            let builder = object_attribution(&names).user("SOMEBODY", ConsumerId(id(2, 0)));
            black_box(builder.build()?);
            Ok(())
        },
        || {
            let asset = |number: u64| TechAssetId(id(3, number / 10));
            let names = (0..).zip(&names).map(|(number, name)| (name.clone(), asset(number)));
            let map: HashMap<String, TechAssetId> = names.collect();
            black_box(map);
            Ok(())
        },
    )
}

/// One object for each tech asset, ten tech assets for each output port.
fn mapping() -> Result<()> {
    let assets: Vec<_> = (0..ASSETS)
        .map(|number| {
            serde_json::json!({
                "id": id(3, number), "name": format!("Asset {number}"), "object": format!("DB.SCHEMA.TABLE_{number}"),
                "output_ports": [id(1, number / 10)],
            })
        })
        .collect();
    let ports: Vec<_> = (0..ASSETS / 10)
        .map(|number| serde_json::json!({"id": id(1, number), "name": format!("Port {number}")}))
        .collect();
    let text = serde_json::json!({
        "time_zone": "Europe/Brussels",
        "domains": [{"id": id(4, 0), "name": "Domain"}],
        "output_ports": ports,
        "tech_assets": assets,
        "consumers": [{"id": id(2, 0), "name": "Consumer", "domain": id(4, 0), "users": ["SOMEBODY"], "roles": []}],
    })
    .to_string();
    compare(
        "a mapping of 200,000 tech assets, read, checked and made an attribution",
        "the file as a `serde_json::Value`",
        || {
            let mapping = Mapping::read(text.as_bytes())?;
            black_box(mapping.attribution()?);
            Ok(())
        },
        || {
            black_box(serde_json::from_str::<serde_json::Value>(&text)?);
            Ok(())
        },
    )
}

/// What a write checks before it sends anything.
fn checks(rows: u64) -> Result<()> {
    let model = model()?;
    let batch = batch(rows)?;
    compare(
        &format!("what is checked of a batch of {rows} rows"),
        "the keys of its rows, sorted",
        || {
            let _ = black_box(model.replace(&batch)?);
            Ok(())
        },
        || {
            let queries = batch.queries().iter();
            let mut queries: Vec<_> =
                queries.map(|row| (row.output_port_id.0, row.date, row.consumer_id.0)).collect();
            queries.sort_unstable();
            black_box(queries);
            let touches = batch.touches().unwrap_or_default().iter();
            let mut touches: Vec<_> = touches
                .map(|row| (row.output_port_id.0, row.date, row.tech_asset_id.0, row.consumer_id.0))
                .collect();
            touches.sort_unstable();
            black_box(touches);
            Ok(())
        },
    )
}

/// A third of the rows of queries and two thirds of touches, day by day: of 500 output ports by 10 consumers each.
fn batch(rows: u64) -> Result<UsageBatch> {
    let (mut queries, mut touches) = (Vec::new(), Vec::new());
    for cell in 0..rows / 3 {
        let (date, of, by) = (day(cell / 5_000), cell % 500, cell % 5_000 / 500);
        let (output_port_id, consumer_id) = (port(of), ConsumerId(id(2, of / 10 * 10 + by)));
        queries.push(OutputPortQueries::new(date, output_port_id, consumer_id, 1 + cell % 40));
        for asset in [2 * of, 2 * of + 1].map(|number| TechAssetId(id(3, number))) {
            touches.push(TechAssetTouches::new(date, output_port_id, asset, consumer_id, 1 + cell % 40));
        }
    }
    let scope = Scope::new(day(0)..day(rows / 15_000 + 1), (0..500).map(port))?;
    Ok(UsageBatch::builder(scope).queries(queries).touches(touches).build())
}

/// Two consumers of each output port on every fifth day of a year.
async fn ports() -> Result<()> {
    let database = throwaway_postgres::database()?;
    let mut connection = PgConnection::connect(database.url()).await?;
    sqlx::raw_sql(access_log::PARENTS).execute(&mut connection).await?;
    let model = model()?;
    model.create_schema().into_sqlx().execute(&mut connection).await?;
    for statement in model.create_tables() {
        statement.into_sqlx().execute(&mut connection).await?;
    }
    let of: Vec<Uuid> = (0..PORTS).map(|number| port(number).0).collect();
    let fill =
        "INSERT INTO usage.output_port_query_stats_daily (date, output_port_id, consumer_id, query_count)
        SELECT d::date, p, c, 1 FROM generate_series($1::date, $2::date - 1, '5 days') AS d,
            unnest($3::uuid[]) AS p, unnest($4::uuid[]) AS c ORDER BY d, p, c";
    let consumers = vec![id(2, 0), id(2, 1)];
    let fill = sqlx::query(fill).bind(day(0)).bind(day(365)).bind(&of).bind(consumers);
    fill.execute(&mut connection).await?;
    for statement in model.vacuum() {
        statement.into_sqlx().execute(&mut connection).await?;
    }

    let chart =
        QueriesOverTime::of_ports((0..PORTS).map(port), day(0)..day(365)).granularity(Granularity::Week);
    let floor = "SELECT output_port_id, SUM(query_count)::bigint FROM usage.output_port_query_stats_daily
        WHERE output_port_id = ANY($1) AND date >= $2 AND date < $3 GROUP BY output_port_id";
    let mut times: [Vec<f64>; 2] = Default::default();
    for _ in 0..=ROUNDS {
        let start = Instant::now();
        let series = model.query(&chart)?.into_sqlx().fetch_all(&mut connection).await?;
        times[0].push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        let sums: Vec<(Uuid, i64)> =
            sqlx::query_as(floor).bind(&of).bind(day(0)).bind(day(365)).fetch_all(&mut connection).await?;
        times[1].push(start.elapsed().as_secs_f64());
        let total: i64 = series.iter().flat_map(|series| &series.counts).sum();
        ensure!(total == sums.iter().map(|(_, sum)| sum).sum::<i64>() && series.len() == sums.len());
    }
    // the first reads the pages
    row(
        "10,000 output ports at once, a year by week, in real time",
        "an index-only sum of each output port",
        times.map(|times| times[1..].to_vec()),
    );
    Ok(())
}

/// The model of the examples, without foreign keys.
fn model() -> Result<UsageModel> {
    let mut model: serde_json::Value = serde_json::from_str(access_log::MODEL)?;
    for parent in ["output_ports", "consumers", "tech_assets"] {
        model[parent]["on_delete"] = "keep".into();
    }
    let model: UsageModelBuilder = serde_json::from_value(model)?;
    Ok(model.build()?)
}

fn day(number: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2001, 1, 1).expect("a date of the calendar") + Days::new(number)
}

fn port(number: u64) -> OutputPortId {
    OutputPortId(id(1, number))
}

/// Ids without order, as portals have them: the same for a number every time.
fn id(space: u128, number: u64) -> Uuid {
    Uuid::from_u128(
        (space << 64 | u128::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
    )
}
