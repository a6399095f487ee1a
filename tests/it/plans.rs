//! What the planner makes of the charts: default settings, 500,000 rows and more, vacuumed.
//!
//! The measured goals: index-only scans, no heap fetch, no temporary block, and few buffers above the floor, which
//! is an index-only SUM of the same rows.

use std::ops::Range;
use std::sync::LazyLock;

use chrono::NaiveDate;
use output_port_usage::chart::*;
use output_port_usage::*;
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgConnection;
use tokio::runtime::Runtime;

use crate::portal::{Portal, QUERY_STATS, TOUCH_STATS, asset, consumer, day, port};

pub(crate) const PORTS: u128 = 40;
const CONSUMERS: u128 = 20;
const ASSETS: u128 = 5;

/// One runtime for all tests of this module, because the connections of its one database belong to it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static LARGE: LazyLock<Portal> = LazyLock::new(|| RUNTIME.block_on(large()));

/// Runs a test on the tables that all tests of plans share, and none changes.
pub(crate) fn on_large_tables<F: Future<Output = ()>>(test: impl FnOnce(&'static Portal) -> F) {
    let portal = &*LARGE;
    RUNTIME.block_on(test(portal));
}

/// 3 years of 40 ports: 20 consumers on two days of three, and a touch of one to three of 5 tech assets for each.
async fn large() -> Portal {
    let portal = Portal::new().await;
    let parents = "INSERT INTO portal.datasets (id, name)
        SELECT id, id::text FROM unnest($1::uuid[]) AS u(id) ON CONFLICT DO NOTHING";
    let ports: Vec<_> = (0..PORTS).map(|n| port(n).0).collect();
    sqlx::query(parents).bind(&ports).execute(&portal.pool).await.unwrap();
    let consumers: Vec<_> = (0..CONSUMERS).map(|n| consumer(n).0).collect();
    let assets: Vec<_> = (0..ASSETS).map(|n| asset(n).0).collect();
    // without the checks of foreign keys, which take most of the time
    let mut connection = portal.pool.acquire().await.unwrap();
    sqlx::query("SET session_replication_role = replica").execute(&mut *connection).await.unwrap();
    // day by day, as daily ingests lay rows out
    let queries =
        "INSERT INTO usage.output_port_query_stats_daily (date, output_port_id, consumer_id, query_count)
        SELECT d, p.id, c.id, 3 + (p.n + c.n + extract(doy FROM d)::int) % 9
        FROM generate_series('2024-01-01'::timestamp, '2026-12-31', '1 day') AS d,
            unnest($1::uuid[]) WITH ORDINALITY AS p(id, n), unnest($2::uuid[]) WITH ORDINALITY AS c(id, n)
        WHERE (p.n + c.n + extract(doy FROM d)::int) % 3 > 0
        ORDER BY d, p.id, c.id";
    let written = sqlx::query(queries).bind(&ports).bind(&consumers).execute(&mut *connection).await.unwrap();
    assert!(written.rows_affected() >= 500_000);
    let touches = "INSERT INTO usage.tech_asset_stats_daily (date, output_port_id, tech_asset_id, consumer_id, query_count)
        SELECT q.date, q.output_port_id, a.id, q.consumer_id, 1 + q.query_count % 3
        FROM usage.output_port_query_stats_daily AS q, unnest($1::uuid[]) WITH ORDINALITY AS a(id, n)
        WHERE a.n <= 1 + q.query_count % 3
        ORDER BY q.date, q.output_port_id, a.id, q.consumer_id";
    let written = sqlx::query(touches).bind(&assets).execute(&mut *connection).await.unwrap();
    assert!(written.rows_affected() >= 500_000);
    connection.close().await.unwrap();
    portal.model.vacuum().into_sqlx().execute(&portal.pool).await.unwrap();
    sqlx::raw_sql(
        "VACUUM ANALYZE portal.datasets, portal.data_products, portal.technical_assets, portal.domains",
    )
    .execute(&portal.pool)
    .await
    .unwrap();
    portal
}

#[derive(Debug)]
pub(crate) struct Cost {
    pub(crate) buffers: u64,
    pub(crate) heap_fetches: u64,
    pub(crate) temp_blocks: u64,
    pub(crate) nodes: Vec<String>,
}

impl Cost {
    fn of(plan: &Value) -> Self {
        let number = |node: &Value, key: &str| node[key].as_u64().unwrap_or(0);
        let mut cost = Cost {
            buffers: number(plan, "Shared Hit Blocks") + number(plan, "Shared Read Blocks"),
            heap_fetches: 0,
            temp_blocks: number(plan, "Temp Read Blocks") + number(plan, "Temp Written Blocks"),
            nodes: Vec::new(),
        };
        let mut open = vec![plan];
        while let Some(node) = open.pop() {
            let relation = node["Relation Name"].as_str().unwrap_or("");
            if relation.ends_with("_daily") {
                cost.heap_fetches += number(node, "Heap Fetches");
                cost.nodes.push(format!("{} on {relation}", node["Node Type"].as_str().unwrap()));
            }
            open.extend(node["Plans"].as_array().into_iter().flatten());
        }
        cost
    }
}

/// The cost of the second run: the first also reads catalogs into the session's caches.
pub(crate) async fn explain(connection: &mut PgConnection, sql: &str, values: sea_query::Values) -> Cost {
    explain_once(connection, sql, values.clone()).await;
    explain_once(connection, sql, values).await
}

async fn explain_once(connection: &mut PgConnection, sql: &str, values: sea_query::Values) -> Cost {
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {sql}");
    let query = sqlx::query_with(sqlx::AssertSqlSafe(explain), sea_query_binder::SqlxValues(values));
    // a custom plan, as the first five executions of any prepared statement have
    let row = query.persistent(false).fetch_one(connection).await.unwrap();
    let plan: sqlx::types::Json<Value> = row.get(0);
    Cost::of(&plan[0]["Plan"])
}

/// The buffers of an index-only SUM of the same rows.
pub(crate) async fn floor(portal: &Portal, table: &str, of: OutputPortId, days: &Range<NaiveDate>) -> u64 {
    let mut connection = portal.pool.acquire().await.unwrap();
    let sql = format!(
        "SELECT sum(query_count) FROM usage.{table} WHERE output_port_id = $1 AND date >= $2 AND date < $3"
    );
    let values = sea_query::Values(vec![of.0.into(), days.start.into(), days.end.into()]);
    explain(&mut connection, &sql, values).await.buffers
}

/// One chart, its scans of one table, and the most buffers.
pub(crate) async fn check<C: Chart>(portal: &Portal, chart: &C, table: &str, scans: usize, most: u64) {
    let mut connection = portal.pool.acquire().await.unwrap();
    let (sql, values) = portal.model.query(chart).unwrap().into_parts();
    let cost = explain(&mut connection, &sql, values).await;
    assert_eq!((cost.heap_fetches, cost.temp_blocks), (0, 0), "{cost:?}");
    assert_eq!(cost.nodes, vec![format!("Index Only Scan on {table}"); scans], "{sql}");
    assert!(cost.buffers <= most, "{} buffers, at most {most}: {sql}", cost.buffers);
}

#[test]
fn charts_read_the_index_alone_and_few_buffers_above_the_floor() {
    on_large_tables(charts_read_the_index);
}

async fn charts_read_the_index(portal: &Portal) {
    let years = day(2024, 1, 1)..day(2027, 1, 1);
    let quarter = day(2026, 4, 1)..day(2026, 7, 1);
    for days in [years, quarter] {
        let queries = floor(portal, QUERY_STATS, port(7), &days).await;
        let touches = floor(portal, TOUCH_STATS, port(7), &days).await;
        for granularity in [Granularity::Day, Granularity::Week, Granularity::Month, Granularity::Year] {
            let chart = QueriesOverTime::new(port(7), days.clone()).granularity(granularity);
            let buckets = match granularity {
                Granularity::Day => 1,
                _ => portal.rows(&chart).await.len() as u64,
            };
            check(portal, &chart, QUERY_STATS, 1, queries + 4 * buckets).await;
        }
        let distribution = QueryDistribution::new(port(7), days.clone()).top(5);
        check(portal, &distribution, QUERY_STATS, 1, queries + 5).await;
        let by_group = distribution.by_group();
        check(portal, &by_group, QUERY_STATS, 1, queries + 5).await;
        let assets = MostPopularAssets::new(port(7), days.clone());
        check(portal, &assets, TOUCH_STATS, 1, touches + 5).await;
    }
}

#[test]
fn every_granularity_gives_the_same_total() {
    on_large_tables(granularities_agree);
}

async fn granularities_agree(portal: &Portal) {
    let days = day(2024, 1, 1)..day(2027, 1, 1);
    let expected: i64 = sqlx::query_scalar(
        "SELECT sum(query_count) FROM usage.output_port_query_stats_daily WHERE output_port_id = $1",
    )
    .bind(port(3))
    .fetch_one(&portal.pool)
    .await
    .unwrap();
    for granularity in
        [Granularity::Day, Granularity::Week, Granularity::Month, Granularity::Quarter, Granularity::Year]
    {
        let points = portal.rows(&QueriesOverTime::new(port(3), days.clone()).granularity(granularity)).await;
        assert_eq!(points.iter().map(|point| point.query_count).sum::<i64>(), expected, "{granularity:?}");
    }
}
