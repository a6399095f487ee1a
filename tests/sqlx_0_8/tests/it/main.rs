//! The recipe on a real PostgreSQL, beside the library's driver for SQLx 0.9.

use std::ops::Range;

use chrono::NaiveDate;
use output_port_usage::chart::*;
use output_port_usage::{
    Combination, ConsumerId, Granularity, OutputPortId, OutputPortQueries, Reference, Scope, TechAssetId,
    TechAssetTouches, UsageBatch, UsageModel, Violation,
};
use sqlx_0_8_host::{arguments, ingest, rows, typed};
use sqlx_core::row::Row;
use uuid::Uuid;

const PORTS: [OutputPortId; 2] = [OutputPortId(Uuid::from_u128(1)), OutputPortId(Uuid::from_u128(2))];
const ASSETS: [TechAssetId; 2] = [TechAssetId(Uuid::from_u128(11)), TechAssetId(Uuid::from_u128(12))];
const CONSUMERS: [ConsumerId; 3] =
    [ConsumerId(Uuid::from_u128(21)), ConsumerId(Uuid::from_u128(22)), ConsumerId(Uuid::from_u128(23))];

fn days() -> Range<NaiveDate> {
    "2026-03-01".parse().unwrap().."2026-04-01".parse().unwrap()
}

/// Each consumer's queries on both ports, each port by an asset of its own, more of them every day.
fn batch() -> UsageBatch {
    let scope = Scope::new(days(), PORTS).unwrap();
    let (mut queries, mut touches, mut combinations) = (Vec::new(), Vec::new(), Vec::new());
    for (date, day) in days().start.iter_days().take_while(|date| days().contains(date)).zip(1..) {
        for (consumer_id, by) in CONSUMERS.into_iter().zip(1..) {
            let query_count = day * by % 7;
            for (output_port_id, tech_asset_id) in PORTS.into_iter().zip(ASSETS) {
                queries.push(OutputPortQueries::new(date, output_port_id, consumer_id, query_count));
                touches.push(TechAssetTouches::new(
                    date,
                    output_port_id,
                    tech_asset_id,
                    consumer_id,
                    query_count,
                ));
            }
            let [output_port_id_1, output_port_id_2] = PORTS;
            let query_count = query_count / 2;
            combinations.push(Combination::new(
                date,
                output_port_id_1,
                output_port_id_2,
                consumer_id,
                query_count,
            ));
        }
    }
    UsageBatch::builder(scope).queries(queries).touches(touches).combinations(combinations).build()
}

/// A host with SQLx 0.8, and a pool of SQLx 0.9 on the same database to compare with.
struct Host {
    model: UsageModel,
    pool: sqlx_postgres::PgPool,
    beside: sqlx::PgPool,
    _database: throwaway_postgres::Database,
}

impl Host {
    async fn new() -> Self {
        let database = throwaway_postgres::database().unwrap_or_else(|error| panic!("{error}"));
        let pool = sqlx_postgres::PgPool::connect(database.url()).await.unwrap();
        let beside = sqlx::PgPool::connect(database.url()).await.unwrap();
        let parents = "CREATE TABLE datasets (id uuid PRIMARY KEY, name text NOT NULL);
            CREATE TABLE technical_assets (id uuid PRIMARY KEY, name text NOT NULL);
            CREATE TABLE data_products (id uuid PRIMARY KEY, name text NOT NULL);";
        sqlx_core::raw_sql::raw_sql(parents).execute(&pool).await.unwrap();
        for (table, ids) in [
            ("datasets", PORTS.map(Uuid::from).to_vec()),
            ("technical_assets", ASSETS.map(Uuid::from).to_vec()),
            ("data_products", CONSUMERS.map(Uuid::from).to_vec()),
        ] {
            let insert =
                format!("INSERT INTO {table} SELECT id, 'number ' || id FROM unnest($1::uuid[]) AS u(id)");
            sqlx_core::query::query(&insert).bind(ids).execute(&pool).await.unwrap();
        }
        let model = UsageModel::builder()
            .schema("usage")
            .output_ports(Reference::to("datasets").label("name"))
            .consumers(Reference::to("data_products").label("name"))
            .tech_assets(Reference::to("technical_assets").label("name"))
            .combinations()
            .build()
            .unwrap();
        for statement in [vec![model.create_schema()], model.create_tables(), model.vacuum()].concat() {
            let (sql, values) = statement.into_parts();
            let query = sqlx_core::query::query_with(&sql, arguments(values).unwrap());
            query.execute(&pool).await.unwrap();
        }
        Self { model, pool, beside, _database: database }
    }

    /// Reads a chart both ways and requires equal rows.
    async fn agree<C: Chart>(&self, chart: &C) {
        let query = self.model.query(chart).unwrap();
        let expected = query.clone().into_sqlx().fetch_all(&self.beside).await.unwrap();
        assert!(!expected.is_empty(), "the comparison compares nothing");
        assert_eq!(typed(&self.pool, query).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_host_of_sqlx_0_8_ingests_and_reads_the_rows_of_the_driver() {
    let host = Host::new().await;
    let not_zero = batch().queries().iter().filter(|row| row.query_count > 0).count();
    let statements = host.model.replace(&batch()).unwrap();
    assert!(ingest(&host.pool, statements.clone()).await.unwrap() > 2 * not_zero);
    assert_eq!(ingest(&host.pool, statements).await.unwrap(), 0, "twice is the same as once");
    // the library's driver finds nothing left to write either
    let mut transaction = host.beside.begin().await.unwrap();
    let outcome = host.model.replace(&batch()).unwrap().run_sqlx(&mut transaction).await.unwrap();
    assert_eq!((outcome.queries.written, outcome.queries.unchanged), (0, not_zero as u64));
    transaction.rollback().await.unwrap();

    let before = Comparison::PreviousPeriod;
    for granularity in [Granularity::Day, Granularity::Week, Granularity::Month] {
        let over_time = || QueriesOverTime::new(PORTS[0], days()).granularity(granularity);
        host.agree(&over_time()).await;
        host.agree(&over_time().compared_with(before)).await;
        host.agree(&QueriesOverTime::of_ports(PORTS, days()).granularity(granularity)).await;
    }
    host.agree(&MostPopularAssets::new(PORTS[0], days())).await;
    host.agree(&MostPopularAssets::new(PORTS[0], days()).compared_with(before)).await;
    host.agree(&MostOftenCombinedWith::new(PORTS[0], days())).await;
    host.agree(&Summary::new(PORTS[0], days())).await;
    host.agree(&Summary::new(PORTS[0], days()).compared_with(before)).await;
}

#[tokio::test]
async fn rows_with_a_consumer_are_read_by_column() {
    let host = Host::new().await;
    ingest(&host.pool, host.model.upsert(&batch()).unwrap()).await.unwrap();
    let query = host.model.query(&QueryDistribution::new(PORTS[0], days()).top(2)).unwrap();
    let expected = query.clone().into_sqlx().fetch_all(&host.beside).await.unwrap();
    let read = rows(&host.pool, query).await.unwrap();
    assert_eq!((read.len(), expected.len()), (3, 3));
    for (row, slice) in read.iter().zip(expected) {
        assert_eq!(row.get::<i64, _>("query_count"), slice.query_count);
        assert_eq!(row.get::<f64, _>("share"), slice.share);
        assert_eq!(row.get::<Option<i64>, _>("rank"), slice.rank);
        match slice.member {
            Member::Consumer { id, label } => {
                assert_eq!(row.get::<Uuid, _>("id"), id.0);
                assert_eq!(row.get::<Option<String>, _>("label"), label);
            }
            Member::Other { members } => assert_eq!(row.get::<i64, _>("members"), members),
            other => panic!("{other:?}"),
        }
    }
    let violations: Vec<Violation> =
        host.model.reconcile(days()).unwrap().into_sqlx().fetch_all(&host.beside).await.unwrap();
    assert_eq!(violations, []);
    assert!(rows(&host.pool, host.model.reconcile(days()).unwrap()).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_unknown_id_is_named_and_nothing_is_written() {
    let host = Host::new().await;
    let date = days().start;
    let stranger = ConsumerId(Uuid::from_u128(99));
    let row = |consumer_id| OutputPortQueries::new(date, PORTS[0], consumer_id, 1);
    let scope = Scope::new(days(), PORTS).unwrap();
    let unknown = UsageBatch::builder(scope).queries(vec![row(CONSUMERS[0]), row(stranger)]).build();
    let error = ingest(&host.pool, host.model.replace(&unknown).unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("unknown id {stranger}"));
    let points = typed(&host.pool, host.model.query(&Summary::new(PORTS[0], days())).unwrap()).await.unwrap();
    assert_eq!(points, [SummaryTotals::default()]);
}

#[tokio::test]
async fn removals_are_run_in_order() {
    let host = Host::new().await;
    ingest(&host.pool, host.model.replace(&batch()).unwrap()).await.unwrap();
    let removal = host.model.delete(PORTS[0], CONSUMERS[0], days().start).unwrap();
    let mut transaction = host.pool.begin().await.unwrap();
    let mut removed = Vec::new();
    for statement in removal.statements() {
        let (sql, values) = statement.into_parts();
        let query = sqlx_core::query::query_with(&sql, arguments(values).unwrap());
        removed.push(query.fetch_all(&mut *transaction).await.unwrap().len());
    }
    transaction.commit().await.unwrap();
    // the isolation level and the lock, then one row of each table; the pair of half a query was never there
    assert_eq!(removed, [1, 1, 1, 1, 0]);
}
