//! What coverage costs: charts with it beside the same charts without, its part of a replace, and gaps of many ports.
//!
//! ```text
//! cargo bench --package output-port-usage-benches --bench coverage
//! ```
//!
//! Both models share the daily tables; one has the table of coverage besides. Rounds of both alternate.

use std::ops::Range;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use chrono::{Days, NaiveDate};
use output_port_usage::chart::{Comparison, Overview, QueriesOverTime, Summary};
use output_port_usage::{
    Chart, ConsumerId, Gaps, Granularity, OutputPortId, OutputPortQueries, Reference, Scope, TechAssetId,
    TechAssetTouches, UsageBatch, UsageModel, UsageModelBuilder,
};
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

/// Rounds of each of the two, after as many to warm up as a driver makes before it may keep a plan for any values.
const ROUNDS: usize = 101;
const WARM_UP: usize = 6;
/// A median output port and one of the 99th percentile, by their consumers.
const MEDIAN: (OutputPortId, i32) = (OutputPortId(Uuid::from_u128(0xa001)), 19);
const HEAVY: (OutputPortId, i32) = (OutputPortId(Uuid::from_u128(0xa002)), 137);
/// Other output ports of the same tables, with so many consumers: so many that a plan for any values expects few rows.
const OTHERS: (u128, i32) = (200, 5);
/// The output ports of a replace, with so many consumers each.
const WRITTEN: u128 = 2_000;
const CONSUMERS: u128 = 10;
/// The output ports whose coverage of ten years has fifty gaps each.
const COVERED: u128 = 10_000;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run())
}

async fn run() -> Result<()> {
    let database = throwaway_postgres::database()?;
    let mut connection = PgConnection::connect(database.url()).await?;
    let to = &mut connection;
    let (plain, covered) = (builder().build()?, builder().coverage().build()?);
    fill(&covered, to).await?;
    charts(&plain, &covered, to).await?;
    writes(&covered, to).await?;
    many_gaps(&covered, to).await
}

fn builder() -> UsageModelBuilder {
    UsageModel::builder()
        .output_ports(Reference::to("datasets").label("name"))
        .consumers(Reference::to("data_products").label("name"))
        .tech_assets(Reference::to("technical_assets").label("name"))
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a date of the calendar")
}

fn written(number: u128) -> OutputPortId {
    OutputPortId(Uuid::from_u128(0xb_0000 + number))
}

/// Three years of both output ports, each consumer on two days of three.
async fn fill(model: &UsageModel, to: &mut PgConnection) -> Result<()> {
    for table in ["datasets", "data_products", "technical_assets"] {
        let create = format!("CREATE TABLE {table} (id uuid PRIMARY KEY, name text NOT NULL)");
        sqlx::raw_sql(sqlx::AssertSqlSafe(create)).execute(&mut *to).await?;
    }
    for statement in model.create_tables() {
        statement.into_sqlx().execute(&mut *to).await?;
    }
    let ids = |first: u128, count: u128| (first..first + count).map(Uuid::from_u128).collect::<Vec<_>>();
    for (table, ids) in [
        ("datasets", [ids(0xa001, 2), ids(0xb_0000, COVERED), ids(0xd_0000, OTHERS.0)].concat()),
        ("data_products", ids(0xc000, 137)),
        ("technical_assets", ids(0xe000, 1)),
    ] {
        let insert = format!("INSERT INTO {table} SELECT id, id::text FROM unnest($1::uuid[]) AS u(id)");
        sqlx::query(sqlx::AssertSqlSafe(insert)).bind(ids).execute(&mut *to).await?;
    }
    let others = ids(0xd_0000, OTHERS.0).into_iter().map(|id| (OutputPortId(id), OTHERS.1));
    for (port, consumers) in [MEDIAN, HEAVY].into_iter().chain(others) {
        let rows =
            "INSERT INTO output_port_query_stats_daily (date, output_port_id, consumer_id, query_count)
            SELECT d, $1, c.id, 3 + (c.n + extract(doy FROM d)::int) % 9
            FROM generate_series('2023-01-01'::timestamp, '2025-12-31', '1 day') AS d,
                unnest($2::uuid[]) WITH ORDINALITY AS c(id, n)
            WHERE c.n <= $3 AND (c.n + extract(doy FROM d)::int) % 3 > 0
            ORDER BY d, c.id";
        sqlx::query(rows).bind(port.0).bind(ids(0xc000, 137)).bind(consumers).execute(&mut *to).await?;
    }
    // all measured but two outages, the last days unsettled
    for days in [
        day(2023, 1, 1)..day(2024, 3, 1),
        day(2024, 3, 5)..day(2025, 8, 20),
        day(2025, 8, 22)..day(2026, 1, 1),
    ] {
        let scope = Scope::new(days, [MEDIAN.0, HEAVY.0])?;
        let mut transaction = to.begin().await?;
        model.declare_measured(&scope)?.run_sqlx(&mut transaction).await?;
        transaction.commit().await?;
    }
    for statement in model.vacuum() {
        statement.into_sqlx().execute(&mut *to).await?;
    }
    Ok(())
}

async fn charts(plain: &UsageModel, covered: &UsageModel, to: &mut PgConnection) -> Result<()> {
    println!("| chart | without, ms | with coverage, ms | ratio |\n| --- | ---: | ---: | ---: |");
    for (name, (port, _)) in [("M", MEDIAN), ("H", HEAVY)] {
        for (range, first) in [("90 days", day(2025, 10, 3)), ("1 year", day(2025, 1, 1))] {
            let days = first..day(2026, 1, 1);
            let mut beside = Beside { what: format!("{name}, {range}"), plain, covered, to };
            for granularity in [Granularity::Day, Granularity::Week] {
                let unit = if granularity == Granularity::Day { "day" } else { "week" };
                let over_time = QueriesOverTime::new(port, days.clone()).granularity(granularity);
                beside.row(&format!("queries over time by {unit}"), &over_time).await?;
                let compared = over_time.clone().compared_with(Comparison::PreviousPeriod);
                beside.row(&format!("the same, compared, by {unit}"), &compared).await?;
                beside.row(&format!("split by {unit}"), &over_time.split_by_consumer(5)).await?;
                let overview = Overview::new(port, days.clone()).granularity(granularity);
                beside.row(&format!("overview by {unit}"), &overview).await?;
            }
            beside.row("summary", &Summary::new(port, days.clone())).await?;
        }
    }
    Ok(())
}

struct Beside<'a> {
    what: String,
    plain: &'a UsageModel,
    covered: &'a UsageModel,
    to: &'a mut PgConnection,
}

impl Beside<'_> {
    async fn row<C: Chart>(&mut self, chart: &str, request: &C) -> Result<()> {
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..WARM_UP + ROUNDS {
            for place in 0..2 {
                // neither is always right after the other
                let which = if round % 2 == 0 { place } else { 1 - place };
                let query = [self.plain, self.covered][which].query(request)?;
                let start = Instant::now();
                let rows = query.into_sqlx().persistent(true).fetch_all(&mut *self.to).await?;
                let time = start.elapsed().as_secs_f64() * 1e3;
                ensure!(!rows.is_empty(), "{}, {chart}: no rows", self.what);
                if round >= WARM_UP {
                    times[which].push(time);
                }
            }
        }
        let ratios = times[0].iter().zip(&times[1]).map(|(plain, covered)| covered / plain).collect();
        let [plain, covered] = times.map(median);
        println!("| {}, {chart} | {plain:.2} | {covered:.2} | {:.2} |", self.what, median(ratios));
        Ok(())
    }
}

/// Three days of 2,000 output ports, of which the last is new in each round.
async fn writes(model: &UsageModel, to: &mut PgConnection) -> Result<()> {
    let mut shares = [Vec::new(), Vec::new()];
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..9 {
        let from = day(2025, 1, 1) + Days::new(round);
        let batch = batch(from..from + Days::new(3), 1 + round)?;
        for (which, changes) in [true, false].into_iter().enumerate() {
            let replace = model.replace(&batch)?;
            let mark = replace.statements().pop().context("a replace has statements")?;
            ensure!(mark.title() == "mark days as measured", "{}", mark.title());
            let mut transaction = to.begin().await?;
            let start = Instant::now();
            let outcome = replace.run_sqlx(&mut transaction).await?;
            transaction.commit().await?;
            let whole = start.elapsed().as_secs_f64() * 1e3;
            let expected = if changes { WRITTEN as u64 } else { 0 };
            ensure!(outcome.coverage == Some(expected), "{:?} changed", outcome.coverage);
            times[which].push(whole);
            // the statement by itself, on what the replace came upon
            let mut transaction = to.begin().await?;
            if changes {
                let back =
                    "UPDATE output_port_usage_coverage SET measured = '{}', settled = '{}', counted = '{}'";
                sqlx::query(back).execute(&mut *transaction).await?;
            }
            let start = Instant::now();
            let rows = mark.into_sqlx().fetch_all(&mut *transaction).await?.len() as u64;
            let part = start.elapsed().as_secs_f64() * 1e3;
            ensure!(rows == expected, "{rows} rows");
            transaction.rollback().await?;
            shares[which].push(part / whole);
        }
        for statement in model.vacuum() {
            statement.into_sqlx().execute(&mut *to).await?;
        }
    }
    let [changed, again] = times.map(median);
    let [share, share_again] = shares.map(|shares| median(shares) * 1e2);
    println!(
        "\nReplacing 3 days of 2,000 output ports (60,000 rows, a third new, all counts changed): {changed:.0} ms, of \
         which marking them as measured is {share:.1} %. The same again: {again:.0} ms, of which it is {share_again:.1} %."
    );
    Ok(())
}

fn batch(days: Range<NaiveDate>, count: u64) -> Result<UsageBatch> {
    let (mut queries, mut touches) = (Vec::new(), Vec::new());
    let asset = TechAssetId(Uuid::from_u128(0xe000));
    for date in days.start.iter_days().take_while(|date| *date < days.end) {
        for port in (0..WRITTEN).map(written) {
            for consumer in (0..CONSUMERS).map(|number| ConsumerId(Uuid::from_u128(0xc000 + number))) {
                queries.push(OutputPortQueries::new(date, port, consumer, count));
                touches.push(TechAssetTouches::new(date, port, asset, consumer, count));
            }
        }
    }
    let scope = Scope::new(days, (0..WRITTEN).map(written))?;
    Ok(UsageBatch::builder(scope).queries(queries).touches(touches).build())
}

async fn many_gaps(model: &UsageModel, to: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql("TRUNCATE output_port_usage_coverage").execute(&mut *to).await?;
    let rows = "INSERT INTO output_port_usage_coverage (output_port_id, measured, settled, rules, counted)
        SELECT id, days, days, id, days
        FROM unnest($1::uuid[]) WITH ORDINALITY AS u(id, n), LATERAL (
            SELECT range_agg(daterange('2016-01-01'::date + (73 * gap + n % 5)::int,
                '2016-01-01'::date + (73 * gap + n % 5 + 70)::int)) AS days
            FROM generate_series(0, 50) AS gap) AS stretches";
    let ids: Vec<Uuid> = (0..COVERED).map(|number| written(number).0).collect();
    sqlx::query(rows).bind(&ids).execute(&mut *to).await?;
    for statement in model.vacuum() {
        statement.into_sqlx().execute(&mut *to).await?;
    }
    let size = "SELECT pg_total_relation_size('output_port_usage_coverage')";
    let bytes: i64 = sqlx::query_scalar(size).fetch_one(&mut *to).await?;
    let ports = || (0..COVERED).map(written);
    let all = Gaps::of(Scope::new(day(2016, 1, 1)..day(2026, 1, 1), ports())?);
    let year = Gaps::of(Scope::new(day(2025, 1, 1)..day(2026, 1, 1), ports())?);
    let one = Gaps::of(Scope::new(day(2016, 1, 1)..day(2026, 1, 1), [written(7)])?);
    println!("\n{COVERED} output ports with ten years and 50 gaps each: {:.1} MB", bytes as f64 / 1e6);
    for (what, gaps) in [("all gaps", &all), ("the gaps of the last year", &year), ("those of one", &one)] {
        let (mut times, mut found) = (Vec::new(), 0);
        for _ in 0..5 {
            let query = model.gaps(gaps)?;
            let start = Instant::now();
            found = query.into_sqlx().persistent(true).fetch_all(&mut *to).await?.len();
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        println!("- {what}: {found} in {:.1} ms", median(times));
    }
    let mut times = Vec::new();
    for _ in 0..5 {
        let query = model.coverage(ports())?;
        let start = Instant::now();
        ensure!(
            query.into_sqlx().persistent(true).fetch_all(&mut *to).await?.len() as u128 == COVERED,
            "not one row each"
        );
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    println!("- what was measured of each, in a row: {:.1} ms", median(times));
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
