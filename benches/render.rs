//! Rendering a chart's statement, beside writing the same text with `format!`, and beside running it.
//!
//! ```text
//! cargo bench --package output-port-usage-benches --bench render
//! ```
//!
//! `render` against `format` says what the library costs over a text that somebody wrote by hand; against `run`, what
//! share of a chart's time it is. The chart's output port has 2 years of 20 consumers, a small one.

use std::hint::black_box;
use std::ops::Range;

use chrono::{Days, NaiveDate};
use criterion::{Criterion, criterion_group, criterion_main};
use output_port_usage::chart::{MostPopularAssets, Overview, QueriesOverTime, QueryDistribution};
use output_port_usage::{
    Chart, ConsumerId, Granularity, OnDelete, OutputPortId, OutputPortQueries, Reference, Scope, TechAssetId,
    TechAssetTouches, UsageBatch, UsageModel,
};
use sqlx::postgres::{PgPool, PgPoolOptions, PgRow};
use tokio::runtime::Runtime;
use uuid::Uuid;

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

const PORT: OutputPortId = OutputPortId(Uuid::from_u128(1));

fn charts(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime can be built");
    let days = days();
    let database = throwaway_postgres::database().unwrap_or_else(|error| panic!("{error}"));
    let model = model().expect("the names are names");
    let pool = runtime.block_on(fill(&model, database.url(), &days)).expect("the database takes the batch");
    let host = Host { runtime, model, pool };

    let over_time = || QueriesOverTime::new(PORT, days.clone());
    host.measure(criterion, "queries_over_time_by_day", &over_time());
    host.measure(criterion, "queries_over_time_by_week", &over_time().granularity(Granularity::Week));
    let split = over_time().granularity(Granularity::Week).split_by_consumer(5);
    host.measure(criterion, "queries_over_time_split", &split);
    host.measure(criterion, "query_distribution", &QueryDistribution::new(PORT, days.clone()));
    host.measure(criterion, "most_popular_assets", &MostPopularAssets::new(PORT, days.clone()));
    host.measure(criterion, "overview", &Overview::new(PORT, days).granularity(Granularity::Week));
    host.runtime.block_on(host.pool.close());
}

struct Host {
    runtime: Runtime,
    model: UsageModel,
    pool: PgPool,
}

impl Host {
    fn measure<C: Chart>(&self, criterion: &mut Criterion, name: &str, chart: &C)
    where
        C::Row: for<'r> sqlx::FromRow<'r, PgRow> + Send + Unpin,
    {
        let render = || self.model.query(chart).expect("the request is right");
        let query = render();
        let mut group = criterion.benchmark_group(name);
        group.bench_function("render", |bencher| bencher.iter(render));
        // the same text around the names, written and the values bound by hand
        let [before, after] = halves(query.sql());
        let (schema, table) = ("usage", "output_port_query_stats_daily");
        group.bench_function("format", |bencher| {
            bencher.iter(|| {
                let sql = format!("{}\"{}\".\"{}\"{}", black_box(before), schema, table, black_box(after));
                (sql, query.values().clone())
            });
        });
        group.bench_function("run", |bencher| {
            let fetch = || self.runtime.block_on(query.clone().into_sqlx().fetch_all(&self.pool));
            bencher.iter(|| fetch().expect("the chart can be read"));
        });
        group.finish();
    }
}

/// The text before and after the first table of the model.
fn halves(sql: &str) -> [&str; 2] {
    let at = sql.find("\"usage\".").expect("every chart reads a table of the schema usage");
    let (before, rest) = sql.split_at(at);
    let end = rest.find(" AS ").unwrap_or(rest.len());
    [before, &rest[end..]]
}

fn days() -> Range<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(2024, 1, 1).expect("a date of the calendar");
    first..first + Days::new(731)
}

fn model() -> Result<UsageModel, output_port_usage::Error> {
    // without parents to fill: no foreign keys, no labels
    let kept = |table| Reference::to(table).on_delete(OnDelete::Keep);
    UsageModel::builder()
        .schema("usage")
        .output_ports(kept("datasets"))
        .consumers(kept("data_products"))
        .tech_assets(kept("technical_assets"))
        .build()
}

async fn fill(model: &UsageModel, url: &str, days: &Range<NaiveDate>) -> Result<PgPool> {
    let pool = PgPoolOptions::new().max_connections(1).connect(url).await?;
    model.create_schema().into_sqlx().execute(&pool).await?;
    for statement in model.create_tables() {
        statement.into_sqlx().execute(&pool).await?;
    }
    let (mut queries, mut touches) = (Vec::new(), Vec::new());
    for date in days.start.iter_days().take_while(|date| *date < days.end) {
        for number in 0..20 {
            let consumer_id = ConsumerId(Uuid::from_u128(100 + number));
            let tech_asset_id = TechAssetId(Uuid::from_u128(200 + number % 5));
            let query_count = 1 + number as u64;
            queries.push(OutputPortQueries { date, output_port_id: PORT, consumer_id, query_count });
            touches.push(TechAssetTouches {
                date,
                output_port_id: PORT,
                tech_asset_id,
                consumer_id,
                query_count,
            });
        }
    }
    let batch = UsageBatch::new(Scope::new(days.clone(), [PORT])?, queries).touches(touches);
    let mut transaction = pool.begin().await?;
    model.replace(&batch)?.run_sqlx(&mut transaction).await?;
    transaction.commit().await?;
    model.vacuum().into_sqlx().execute(&pool).await?;
    Ok(pool)
}

criterion_group!(render, charts);
criterion_main!(render);
