//! Rendering each statement, beside writing the same text with `format!`, and beside running it.
//!
//! ```text
//! cargo bench --package output-port-usage-benches --bench render
//! ```
//!
//! `render` against `format` says what the library costs over a text that somebody wrote by hand; against `run`, what
//! share of a statement's time it is. The output port has 2 years of 20 consumers, a small one. Running a write that
//! changes nothing is the shortest that it can be.

use std::hint::black_box;
use std::ops::Range;
use std::time::Duration;

use chrono::{Days, NaiveDate};
use criterion::{Criterion, criterion_group, criterion_main};
use output_port_usage::chart::{
    Comparison, MostOftenCombinedWith, MostPopularAssets, Overview, QueriesOverTime, QueryDistribution, Row,
    Summary,
};
use output_port_usage::{
    Chart, Combination, ConsumerId, Error, Granularity, OnDelete, OutputPortId, OutputPortQueries, Purge,
    Query, Scope, Statement, TechAssetId, TechAssetTouches, UsageBatch, UsageModel, UsageModelBuilder,
    Values,
};
use sqlx::postgres::{PgPool, PgPoolOptions};
use tokio::runtime::Runtime;
use uuid::Uuid;

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

const PORT: OutputPortId = OutputPortId(Uuid::from_u128(1));
const OTHER: OutputPortId = OutputPortId(Uuid::from_u128(2));

fn statements(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime can be built");
    let database = throwaway_postgres::database().unwrap_or_else(|error| panic!("{error}"));
    let model = model().expect("the names are names");
    let batch = batch(&days()).expect("the scope has days and an output port");
    let pool = runtime.block_on(fill(&model, database.url(), &batch)).expect("the database takes the batch");
    let host = Host { runtime, model, pool };
    charts(criterion, &host);
    compared(criterion, &host);
    writes(criterion, &host, &batch);
    host.runtime.block_on(host.pool.close());
}

fn charts(criterion: &mut Criterion, host: &Host) {
    let over_time = || QueriesOverTime::new(PORT, days());
    let by_week = || over_time().granularity(Granularity::Week);
    let of_ports = QueriesOverTime::of_ports([PORT, OTHER], days()).granularity(Granularity::Week);
    host.chart(criterion, "queries_over_time_by_day", &over_time());
    host.chart(criterion, "queries_over_time_by_week", &by_week());
    host.chart(criterion, "queries_over_time_split", &by_week().split_by_consumer(5));
    host.chart(criterion, "queries_over_time_of_ports", &of_ports);
    host.chart(criterion, "query_distribution", &QueryDistribution::new(PORT, days()));
    host.chart(criterion, "query_distribution_by_group", &QueryDistribution::new(PORT, days()).by_group());
    host.chart(criterion, "most_popular_assets", &MostPopularAssets::new(PORT, days()));
    host.chart(criterion, "most_often_combined_with", &MostOftenCombinedWith::new(PORT, days()));
    host.chart(criterion, "summary", &Summary::new(PORT, days()));
    host.chart(criterion, "overview", &Overview::new(PORT, days()).granularity(Granularity::Week));
    host.query(criterion, "reconcile", || host.model.reconcile(days()));
}

fn compared(criterion: &mut Criterion, host: &Host) {
    let before = Comparison::PreviousPeriod;
    let over_time = QueriesOverTime::new(PORT, days()).granularity(Granularity::Week).compared_with(before);
    let distribution = QueryDistribution::new(PORT, days()).compared_with(before);
    let assets = MostPopularAssets::new(PORT, days()).compared_with(before);
    host.chart(criterion, "queries_over_time_compared", &over_time);
    host.chart(criterion, "query_distribution_compared", &distribution);
    host.chart(criterion, "most_popular_assets_compared", &assets);
    host.chart(criterion, "summary_compared", &Summary::new(PORT, days()).compared_with(before));
}

fn writes(criterion: &mut Criterion, host: &Host, batch: &UsageBatch) {
    let consumer = ConsumerId(Uuid::from_u128(1));
    let purge = Purge::before(days().start);
    host.write(criterion, "replace", || host.model.replace(batch), |ingest| ingest.statements());
    host.write(criterion, "upsert", || host.model.upsert(batch), |ingest| ingest.statements());
    let delete = || host.model.delete(PORT, consumer, days().end);
    host.write(criterion, "delete", delete, |removal| removal.statements());
    host.write(criterion, "purge", || host.model.purge(&purge), |removal| removal.statements());
}

struct Host {
    runtime: Runtime,
    model: UsageModel,
    pool: PgPool,
}

impl Host {
    fn chart<C: Chart>(&self, criterion: &mut Criterion, name: &str, chart: &C) {
        self.query(criterion, name, || self.model.query(chart));
    }

    fn query<T>(&self, criterion: &mut Criterion, name: &str, render: impl Fn() -> Result<Query<T>, Error>)
    where
        T: Row,
    {
        let render = || render().expect("the request is right");
        let query = render();
        let mut group = criterion.benchmark_group(name);
        group.bench_function("render", |bencher| bencher.iter(render));
        let text = (query.sql().to_owned(), query.values());
        group.bench_function("format", |bencher| bencher.iter(|| by_hand(&text)));
        group.bench_function("run", |bencher| {
            let fetch =
                || self.runtime.block_on(query.clone().into_sqlx().persistent(true).fetch_all(&self.pool));
            bencher.iter(|| fetch().expect("the chart can be read"));
        });
        group.finish();
    }

    /// Rendering all statements of a write; `run` executes them in a transaction that is rolled back.
    fn write<W>(
        &self,
        criterion: &mut Criterion,
        name: &str,
        request: impl Fn() -> Result<W, Error>,
        render: impl Fn(&W) -> Vec<Statement>,
    ) {
        let render = || render(&request().expect("the batch is right"));
        let statements = render();
        let mut group = criterion.benchmark_group(name);
        group.sample_size(20);
        group.bench_function("render", |bencher| bencher.iter(render));
        let texts: Vec<_> =
            statements.iter().map(|one| (one.sql().to_owned(), one.values().clone())).collect();
        group.bench_function("format", |bencher| {
            bencher.iter(|| texts.iter().map(by_hand).collect::<Vec<_>>());
        });
        group.bench_function("run", |bencher| {
            let run = || self.runtime.block_on(self.roll_back(&statements));
            bencher.iter(|| run().expect("the statements run"));
        });
        group.finish();
    }

    async fn roll_back(&self, statements: &[Statement]) -> sqlx::Result<()> {
        let mut transaction = self.pool.begin().await?;
        for statement in statements {
            statement.clone().into_sqlx().execute(&mut *transaction).await?;
        }
        transaction.rollback().await
    }
}

/// The same text around the names, written and the values bound by hand.
fn by_hand((sql, values): &(String, Values)) -> (String, Values) {
    let [before, after] = halves(sql);
    let (schema, table) = ("usage", "output_port_query_stats_daily");
    (format!("{}\"{}\".\"{}\"{}", black_box(before), schema, table, black_box(after)), values.clone())
}

/// The text before and after the first table of the model; one that names none is all before.
fn halves(sql: &str) -> [&str; 2] {
    let Some(at) = sql.find("\"usage\".") else { return [sql, ""] };
    let (before, rest) = sql.split_at(at);
    let end = rest.find(" AS ").unwrap_or(rest.len());
    [before, &rest[end..]]
}

fn days() -> Range<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(2024, 1, 1).expect("a date of the calendar");
    first..first + Days::new(731)
}

/// The model of the examples, without foreign keys.
fn model() -> Result<UsageModel> {
    let mut model: serde_json::Value = serde_json::from_str(access_log::MODEL)?;
    for parent in ["output_ports", "consumers", "tech_assets"] {
        model[parent]["on_delete"] = serde_json::to_value(OnDelete::Keep)?;
    }
    let model: UsageModelBuilder = serde_json::from_value(model)?;
    Ok(model.build()?)
}

fn batch(days: &Range<NaiveDate>) -> Result<UsageBatch, Error> {
    let (mut queries, mut touches, mut combinations) = (Vec::new(), Vec::new(), Vec::new());
    for date in days.start.iter_days().take_while(|date| *date < days.end) {
        for number in 0..20 {
            let consumer_id = ConsumerId(Uuid::from_u128(100 + number));
            let tech_asset_id = TechAssetId(Uuid::from_u128(200 + number % 5));
            let query_count = 1 + number as u64;
            queries.push(OutputPortQueries::new(date, PORT, consumer_id, query_count));
            touches.push(TechAssetTouches::new(date, PORT, tech_asset_id, consumer_id, query_count));
            combinations.push(Combination::new(date, PORT, OTHER, consumer_id, 1));
        }
    }
    Ok(UsageBatch::builder(Scope::new(days.clone(), [PORT])?)
        .queries(queries)
        .touches(touches)
        .combinations(combinations)
        .build())
}

async fn fill(model: &UsageModel, url: &str, batch: &UsageBatch) -> Result<PgPool> {
    let pool = PgPoolOptions::new().max_connections(1).connect(url).await?;
    sqlx::raw_sql(access_log::PARENTS).execute(&pool).await?;
    model.create_schema().into_sqlx().execute(&pool).await?;
    for statement in model.create_tables() {
        statement.into_sqlx().execute(&pool).await?;
    }
    let mut transaction = pool.begin().await?;
    model.replace(batch)?.run_sqlx(&mut transaction).await?;
    transaction.commit().await?;
    for statement in model.vacuum() {
        statement.into_sqlx().execute(&pool).await?;
    }
    Ok(pool)
}

criterion_group! {
    name = render;
    // Nineteen statements three ways: two and a half minutes.
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = statements
}
criterion_main!(render);
