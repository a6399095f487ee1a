//! The pages of a tech asset and of a consumer, and the charts of an output port for one consumer or one group, each beside a
//! floor; and charts of parents that repeat their ids, beside the same of parents with a key.
//!
//! ```text
//! cargo bench --package output-port-usage-benches --bench pages
//! ```
//!
//! Rounds of a chart and its floor alternate. The pages are read with the keys that they want, and without.

mod beside;
mod portal;
mod repeated;

use std::ops::Range;

use anyhow::Result;
use chrono::{Days, NaiveDate};
use output_port_usage::chart::{
    MostOftenCombinedWith, MostPopularAssets, QueriesOverTime, QueryDistribution, Subject, Summary,
};
use output_port_usage::{ConsumerId, Granularity, OutputPortId, TechAssetId};
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::beside::{Beside, Floor, Goal};
use crate::portal::{ASSET, BUSY, END, GROUP, HEAVY, MEDIAN, SHARED, USUAL, builder, fill};

/// Twice the floor of the chart without a filter.
const FILTERS: Goal = Goal(2.0, 0.0);
/// Twice the floor of the page's own rows, and what any small chart takes besides.
const PAGES: Goal = Goal(2.0, 0.25);

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
    let (plain, keyed) = (builder().build()?, builder().read_by_consumer().read_by_tech_asset().build()?);
    fill(&plain, &mut connection).await?;
    let mut beside = Beside { model: plain.clone(), to: connection };
    repeated::rows(&mut beside, &plain).await?;
    beside.model = plain;
    for (name, port) in [("M", MEDIAN), ("H", HEAVY)] {
        filters(&mut beside, name, port).await?;
    }
    pages(&mut beside, "without the keys", None).await?;
    beside.model = keyed;
    for statement in beside.model.create_tables() {
        statement.into_sqlx().execute(&mut beside.to).await?;
    }
    for statement in beside.model.vacuum() {
        statement.into_sqlx().execute(&mut beside.to).await?;
    }
    pages(&mut beside, "with the keys", Some(PAGES)).await
}

async fn pages(beside: &mut Beside, how: &str, goal: Option<Goal>) -> Result<()> {
    for (name, asset) in [("of one output port", ASSET), ("of three", SHARED)] {
        of_asset(beside, &format!("a tech asset {name}, {how}"), asset, goal).await?;
    }
    for (name, consumer) in [("of eight output ports", USUAL), ("of 60", BUSY)] {
        of_consumer(beside, &format!("a consumer {name}, {how}"), consumer, goal).await?;
    }
    Ok(())
}

fn ranges() -> [(&'static str, Range<NaiveDate>); 2] {
    [("90 days", END - Days::new(90)..END), ("1 year", END - Days::new(365)..END)]
}

/// An index-only sum of a table's rows with an id, on some days.
fn floor(table: &str, column: &str, id: Uuid, days: &Range<NaiveDate>) -> Floor {
    let sql =
        format!("SELECT sum(query_count) FROM {table} WHERE {column} = $1 AND date >= $2 AND date < $3");
    Floor { sql, values: vec![id.into(), days.start.into(), days.end.into()] }
}

const QUERIES: &str = "output_port_query_stats_daily";
const TOUCHES: &str = "tech_asset_stats_daily";

/// The two runs of the pairs, and the run of the queries that they are a share of.
const COMBINATIONS: &str = "SELECT (SELECT sum(query_count) FROM output_port_combined_with_daily
        WHERE output_port_id_1 = $1 AND date >= $2 AND date < $3),
    (SELECT sum(query_count) FROM output_port_combined_with_daily
        WHERE output_port_id_2 = $1 AND date >= $2 AND date < $3),
    (SELECT sum(query_count) FROM output_port_query_stats_daily
        WHERE output_port_id = $1 AND date >= $2 AND date < $3)";

async fn filters(beside: &mut Beside, name: &str, port: OutputPortId) -> Result<()> {
    for (range, days) in ranges() {
        let over_time = QueriesOverTime::new(port, days.clone());
        let by_week = over_time.clone().granularity(Granularity::Week);
        let summary = Summary::new(port, days.clone());
        let assets = MostPopularAssets::new(port, days.clone());
        let combined = MostOftenCombinedWith::new(port, days.clone());
        let queries = floor(QUERIES, "output_port_id", port.0, &days);
        let touches = floor(TOUCHES, "output_port_id", port.0, &days);
        let values = vec![port.0.into(), days.start.into(), days.end.into()];
        let pairs = Floor { sql: COMBINATIONS.to_owned(), values };
        let goal = Some(FILTERS);

        beside.head(&format!("{name}, {range}, for one consumer"));
        beside.row("queries over time by day", &over_time.clone().of_consumer(USUAL), &queries, goal).await?;
        beside.row("queries over time by week", &by_week.clone().of_consumer(USUAL), &queries, goal).await?;
        beside.row("summary", &summary.clone().of_consumer(USUAL), &queries, goal).await?;
        beside.row("popular assets", &assets.clone().of_consumer(USUAL), &touches, goal).await?;
        beside.row("combined with", &combined.clone().of_consumer(USUAL), &pairs, goal).await?;
        let of_consumer = over_time.clone().of_consumer(USUAL).split_by_consumer(5);
        beside.row("split by day", &of_consumer, &queries, goal).await?;
        let of_consumer = by_week.clone().of_consumer(USUAL).split_by_consumer(5);
        beside.row("split by week", &of_consumer, &queries, goal).await?;

        beside.head(&format!("{name}, {range}, for one group"));
        beside.row("queries over time by day", &over_time.clone().of_group(GROUP), &queries, goal).await?;
        beside.row("queries over time by week", &by_week.clone().of_group(GROUP), &queries, goal).await?;
        beside.row("summary", &summary.of_group(GROUP), &queries, goal).await?;
        beside.row("popular assets", &assets.of_group(GROUP), &touches, goal).await?;
        beside.row("combined with", &combined.of_group(GROUP), &pairs, goal).await?;
        let of_group = over_time.of_group(GROUP).split_by_consumer(5);
        beside.row("split by day", &of_group, &queries, goal).await?;
        let of_group = by_week.of_group(GROUP).split_by_consumer(5);
        beside.row("split by week", &of_group, &queries, goal).await?;
    }
    Ok(())
}

async fn of_asset(beside: &mut Beside, page: &str, asset: TechAssetId, goal: Option<Goal>) -> Result<()> {
    for (range, days) in ranges() {
        beside.head(&format!("{range}, {page}"));
        let own = floor(TOUCHES, "tech_asset_id", asset.0, &days);
        let by_week = QueriesOverTime::new(asset, days.clone()).granularity(Granularity::Week);
        beside.row("touches by week", &by_week, &own, goal).await?;
        beside.row("touches by day", &QueriesOverTime::new(asset, days.clone()), &own, goal).await?;
        beside
            .row("who touches it", &QueryDistribution::new(asset, days.clone()).with_last_used(), &own, goal)
            .await?;
        beside.row("summary", &Summary::new(asset, days), &own, goal).await?;
    }
    Ok(())
}

async fn of_consumer(
    beside: &mut Beside,
    page: &str,
    consumer: ConsumerId,
    goal: Option<Goal>,
) -> Result<()> {
    for (range, days) in ranges() {
        beside.head(&format!("{range}, {page}"));
        let queries = floor(QUERIES, "consumer_id", consumer.0, &days);
        let touches = floor(TOUCHES, "consumer_id", consumer.0, &days);
        let over_time = QueriesOverTime::new(Subject::Portal, days.clone()).of_consumer(consumer);
        let by_week = over_time.clone().granularity(Granularity::Week);
        beside.row("queries by week", &by_week, &queries, goal).await?;
        beside.row("queries by day", &over_time, &queries, goal).await?;
        beside.row("by output port, by week", &by_week.split_by_port(5), &queries, goal).await?;
        beside.row("by output port, by day", &over_time.split_by_port(5), &queries, goal).await?;
        let summary = Summary::new(Subject::Portal, days.clone()).of_consumer(consumer);
        beside.row("summary", &summary, &queries, goal).await?;
        let assets = MostPopularAssets::of_portal(days.clone()).of_consumer(consumer);
        beside.row("most popular assets", &assets, &touches, goal).await?;
    }
    Ok(())
}
