//! What keeping a statement prepared gains a chart, and what a transaction around it costs.
//!
//! ```text
//! cargo bench --package output-port-usage-benches --bench prepared
//! ```
//!
//! The ways alternate, by a local socket, where a round trip takes next to nothing.

#[path = "../pages/portal.rs"]
mod portal;

use std::time::Instant;

use anyhow::{Result, ensure};
use chrono::Days;
use output_port_usage::chart::{
    MostOftenCombinedWith, MostPopularAssets, Overview, QueriesOverTime, QueryDistribution, Summary,
};
use output_port_usage::{Chart, Granularity, UsageModel};
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use tokio_postgres::{Client, NoTls};

use crate::portal::{ASSET, BUSY, END, GROUP, HEAVY, MEDIAN, SHARED, USUAL, builder, fill};

/// Rounds, after as many to warm up as a server makes before it may keep a plan for any values.
const ROUNDS: usize = 101;
const WARM_UP: usize = 12;

/// How a chart is read.
#[derive(Clone, Copy)]
enum Way {
    /// SQLx, prepared once for the connection.
    Kept,
    /// SQLx, prepared under no name each time.
    Unnamed,
    /// The same, in a transaction of its own.
    InTransaction,
    /// tokio-postgres with `query_typed`.
    Typed,
}

const WAYS: [Way; 4] = [Way::Kept, Way::Unnamed, Way::InTransaction, Way::Typed];

struct Host {
    model: UsageModel,
    /// Two connections, because SQLx takes a text that a connection has prepared from its cache, asked to or not.
    kept: PgConnection,
    unnamed: PgConnection,
    tokio_postgres: Client,
    /// Each way's median times, chart by chart.
    medians: [Vec<f64>; 4],
}

fn main() -> Result<()> {
    // from cargo bench; cargo test gives none
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run())
}

async fn run() -> Result<()> {
    let database = throwaway_postgres::database()?;
    let mut connection = PgConnection::connect(database.url()).await?;
    let model = builder().read_by_consumer().read_by_tech_asset().build()?;
    fill(&model, &mut connection).await?;
    let unnamed = PgConnection::connect(database.url()).await?;
    let (client, tokio_postgres) = tokio_postgres::connect(database.url(), NoTls).await?;
    tokio::spawn(tokio_postgres);
    let mut host =
        Host { model, kept: connection, unnamed, tokio_postgres: client, medians: Default::default() };
    println!(
        "\n| chart | kept, ms | unnamed | in a transaction | `query_typed` | unnamed ÷ kept | in a transaction ÷ kept |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (name, port) in [("M", MEDIAN), ("H", HEAVY)] {
        for days in [30, 365] {
            let range = END - Days::new(days)..END;
            let over_time = QueriesOverTime::new(port, range.clone());
            let by_week = over_time.clone().granularity(Granularity::Week);
            let of = |chart: &str| format!("{name}, {days} days: {chart}");
            host.row(&of("queries over time by day"), &over_time).await?;
            host.row(&of("queries over time by week"), &by_week).await?;
            host.row(&of("by week, of one group"), &by_week.clone().of_group(GROUP)).await?;
            host.row(&of("split by consumer, by day"), &over_time.split_by_consumer(5)).await?;
            host.row(&of("distribution"), &QueryDistribution::new(port, range.clone()).top(5)).await?;
            host.row(&of("most popular assets"), &MostPopularAssets::new(port, range.clone())).await?;
            host.row(&of("combined with"), &MostOftenCombinedWith::new(port, range.clone())).await?;
            host.row(&of("summary"), &Summary::new(port, range.clone())).await?;
            host.row(&of("overview by week"), &Overview::new(port, range).granularity(Granularity::Week))
                .await?;
        }
    }
    let range = END - Days::new(90)..END;
    for (name, asset) in [("M", ASSET), ("H", SHARED)] {
        let who = QueryDistribution::new(asset, range.clone());
        host.row(&format!("{name}, 90 days: who touches a tech asset"), &who).await?;
    }
    for (name, consumer) in [("8", USUAL), ("60", BUSY)] {
        let assets = MostPopularAssets::of_portal(range.clone()).of_consumer(consumer);
        host.row(&format!("a consumer of {name}, 90 days: most popular assets"), &assets).await?;
    }
    let [kept, unnamed, transaction, typed] = host.medians.map(|medians| medians.iter().sum::<f64>());
    println!(
        "\nall charts once: {kept:.2} ms kept, {unnamed:.2} unnamed, {transaction:.2} in transactions, {typed:.2} by `query_typed`"
    );
    let bytes: i64 = sqlx::query_scalar(
        "SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts WHERE name LIKE 'CachedPlan%'",
    )
    .fetch_one(&mut host.kept)
    .await?;
    let names: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_prepared_statements").fetch_one(&mut host.kept).await?;
    println!("the connection that keeps {names} statements has {bytes} bytes of them on the server");
    Ok(())
}

impl Host {
    async fn row<C: Chart>(&mut self, what: &str, chart: &C) -> Result<()> {
        let mut times: [Vec<f64>; 4] = Default::default();
        for round in 0..WARM_UP + ROUNDS {
            for place in 0..WAYS.len() {
                // none is always right after the same other
                let at = if round % 2 == 0 { place } else { WAYS.len() - 1 - place };
                let time = self.time(WAYS[at], what, chart).await?;
                if round >= WARM_UP {
                    times[at].push(time);
                }
            }
        }
        // round by round, because what else the machine does changes from one to the next
        let ratio =
            |at: usize| median(times[at].iter().zip(&times[0]).map(|(time, kept)| time / kept).collect());
        let ratios = [ratio(1), ratio(2)];
        let [kept, unnamed, transaction, typed] = times.map(median);
        println!(
            "| {what} | {kept:.2} | {unnamed:.2} | {transaction:.2} | {typed:.2} | {:.2} | {:.2} |",
            ratios[0], ratios[1]
        );
        for (medians, median) in self.medians.iter_mut().zip([kept, unnamed, transaction, typed]) {
            medians.push(median);
        }
        Ok(())
    }

    /// Milliseconds until the rows are there.
    async fn time<C: Chart>(&mut self, way: Way, what: &str, chart: &C) -> Result<f64> {
        let query = self.model.query(chart)?;
        let start;
        let rows = match way {
            Way::Kept => {
                let query = query.into_sqlx().persistent(true);
                start = Instant::now();
                query.fetch_all(&mut self.kept).await?.len()
            }
            Way::Unnamed => {
                let query = query.into_sqlx();
                start = Instant::now();
                query.fetch_all(&mut self.unnamed).await?.len()
            }
            Way::InTransaction => {
                let query = query.into_sqlx();
                start = Instant::now();
                let mut transaction = self.unnamed.begin().await?;
                let rows = query.fetch_all(&mut *transaction).await?.len();
                transaction.commit().await?;
                rows
            }
            Way::Typed => {
                let query = query.into_tokio_postgres();
                start = Instant::now();
                query.decode(&self.tokio_postgres.query_typed(query.sql(), &query.params()).await?)?.len()
            }
        };
        let time = start.elapsed().as_secs_f64() * 1e3;
        ensure!(rows > 0, "{what}: no rows");
        Ok(time)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
