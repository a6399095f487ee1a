//! What the planner makes of the charts: default settings, 500,000 rows and more, vacuumed.
//!
//! The measured goals: index-only scans, no heap fetch, no temporary block, and few buffers above the floor, which
//! is an index-only SUM of the same rows. They hold for a plan made for the values, which the first executions of a
//! prepared statement have, and for one that serves any, which a driver's cache of statements may come to.

use std::ops::Range;
use std::sync::LazyLock;

use chrono::NaiveDate;
use output_port_usage::chart::Chart;
use output_port_usage::*;
use serde_json::Value;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row};
use tokio::runtime::Runtime;

use crate::portal::{Portal, asset, consumer, port, unlabelled};

pub(crate) const PORTS: u128 = 50;
const ASSETS: u128 = 5;

/// One runtime for all tests of this module, because the connections of its one database belong to it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static LARGE: LazyLock<Portal> =
    LazyLock::new(|| RUNTIME.block_on(filled(usual(PORTS).chain([(heavy(), 137)]))));
/// The usual model without labels, for the same tables.
static UNLABELLED: LazyLock<UsageModel> = LazyLock::new(|| unlabelled().build().unwrap());

/// Runs a test on the tables that all tests of plans share, and none changes.
pub(crate) fn on_large_tables<F: Future<Output = ()>>(test: impl FnOnce(&'static Portal) -> F) {
    let portal = &*LARGE;
    RUNTIME.block_on(test(portal));
}

/// A port of 137 consumers and 100,000 rows, as one of a hundred may be.
pub(crate) fn heavy() -> OutputPortId {
    port(1000)
}

/// So many ports of 20 consumers, thrice as many of 5, and their consumers.
pub(crate) fn usual(ports: u128) -> impl Iterator<Item = (OutputPortId, i32)> {
    let light = (0..3 * ports).map(|n| (port(100 + n), 5));
    (0..ports).map(|n| (port(n), 20)).chain(light)
}

/// 3 years of ports with so many consumers, each on two days of three, and for the ports of 20 a touch of one to three
/// of 5 tech assets for each.
pub(crate) async fn filled(ports: impl Iterator<Item = (OutputPortId, i32)>) -> Portal {
    let portal = Portal::new().await;
    let (ports, counts): (Vec<_>, Vec<_>) = ports.map(|(port, consumers)| (port.0, consumers)).unzip();
    let parents = "INSERT INTO portal.datasets (id, name)
        SELECT id, id::text FROM unnest($1::uuid[]) AS u(id) ON CONFLICT DO NOTHING";
    sqlx::query(parents).bind(&ports).execute(&portal.pool).await.unwrap();
    let consumers: Vec<_> = (0..137).map(|n| consumer(n).0).collect();
    let assets: Vec<_> = (0..ASSETS).map(|n| asset(n).0).collect();
    // without the checks of foreign keys, which take most of the time
    let mut connection = portal.pool.acquire().await.unwrap();
    sqlx::query("SET session_replication_role = replica").execute(&mut *connection).await.unwrap();
    // day by day, as daily ingests lay rows out
    let queries =
        "INSERT INTO usage.output_port_query_stats_daily (date, output_port_id, consumer_id, query_count)
        SELECT d, p.id, c.id, 3 + (p.n + c.n + extract(doy FROM d)::int) % 9
        FROM generate_series('2024-01-01'::timestamp, '2026-12-31', '1 day') AS d,
            unnest($1::uuid[], $2::int[]) WITH ORDINALITY AS p(id, consumers, n),
            unnest($3::uuid[]) WITH ORDINALITY AS c(id, n)
        WHERE c.n <= p.consumers AND (p.n + c.n + extract(doy FROM d)::int) % 3 > 0
        ORDER BY d, p.id, c.id";
    let queries = sqlx::query(queries).bind(&ports).bind(&counts).bind(&consumers);
    let written = queries.execute(&mut *connection).await.unwrap().rows_affected();
    assert!(written >= 730 * counts.iter().sum::<i32>() as u64, "{written}");
    let touches = "INSERT INTO usage.tech_asset_stats_daily (date, output_port_id, tech_asset_id, consumer_id, query_count)
        SELECT q.date, q.output_port_id, a.id, q.consumer_id, 1 + q.query_count % 3
        FROM usage.output_port_query_stats_daily AS q, unnest($1::uuid[]) WITH ORDINALITY AS a(id, n)
        WHERE a.n <= 1 + q.query_count % 3 AND q.output_port_id = ANY($2)
        ORDER BY q.date, q.output_port_id, a.id, q.consumer_id";
    let touched: Vec<_> =
        ports.iter().zip(&counts).filter(|(_, count)| **count == 20).map(|(id, _)| id).collect();
    let touches = sqlx::query(touches).bind(&assets).bind(&touched);
    let written = touches.execute(&mut *connection).await.unwrap().rows_affected();
    assert!(written >= 14_000 * touched.len() as u64, "{written}");
    connection.close().await.unwrap();
    portal.vacuum().await;
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
    fn of(row: PgRow) -> Self {
        let explained: sqlx::types::Json<Value> = row.get(0);
        let plan = &explained[0]["Plan"];
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

/// The cost of a plan for these very values, as the first five executions of a prepared statement have.
///
/// Of the second run: the first also reads catalogs into the session's caches.
pub(crate) async fn explain(connection: &mut PgConnection, sql: &str, values: sea_query::Values) -> Cost {
    explain_once(connection, sql, values.clone()).await;
    explain_once(connection, sql, values).await
}

async fn explain_once(connection: &mut PgConnection, sql: &str, values: sea_query::Values) -> Cost {
    let query = AssertSqlSafe(format!("{EXPLAIN} {sql}"));
    let query = sqlx::query_with(query, sea_query_binder::SqlxValues(values)).persistent(false);
    Cost::of(query.fetch_one(connection).await.unwrap())
}

/// The cost of a plan for any values, which a prepared statement may get from its sixth execution on.
async fn explain_generic(connection: &mut PgConnection, sql: &str, values: &sea_query::Values) -> Cost {
    sqlx::raw_sql("SET plan_cache_mode = force_generic_plan").execute(&mut *connection).await.unwrap();
    let execute = format!("{EXPLAIN} {}", prepare(connection, sql, values).await);
    let mut cost = None;
    for _ in 0..2 {
        let row = sqlx::raw_sql(AssertSqlSafe(execute.clone())).fetch_one(&mut *connection).await.unwrap();
        cost = Some(Cost::of(row));
    }
    sqlx::raw_sql("DEALLOCATE chart; RESET plan_cache_mode").execute(&mut *connection).await.unwrap();
    cost.unwrap()
}

/// How many of ten executions of a prepared statement took a plan for any values, which is made once.
pub(crate) async fn generic_plans<C: Chart>(portal: &Portal, model: &UsageModel, chart: &C) -> i64 {
    let mut connection = portal.pool.acquire().await.unwrap();
    let (sql, values) = model.query(chart).unwrap().into_parts();
    let execute = prepare(&mut connection, &sql, &values).await;
    for _ in 0..10 {
        sqlx::raw_sql(AssertSqlSafe(execute.clone())).execute(&mut *connection).await.unwrap();
    }
    let plans = "SELECT generic_plans FROM pg_prepared_statements WHERE name = 'chart'";
    let plans = sqlx::query_scalar(plans).fetch_one(&mut *connection).await.unwrap();
    sqlx::raw_sql("DEALLOCATE chart").execute(&mut *connection).await.unwrap();
    plans
}

/// Prepares a statement as `chart`, and gives what executes it.
async fn prepare(connection: &mut PgConnection, sql: &str, values: &sea_query::Values) -> String {
    let (types, literals): (Vec<_>, Vec<_>) = values.iter().map(literal).unzip();
    let prepare = format!("PREPARE chart ({}) AS {sql}", types.join(", "));
    sqlx::raw_sql(AssertSqlSafe(prepare)).execute(connection).await.unwrap();
    format!("EXECUTE chart ({})", literals.join(", "))
}

const EXPLAIN: &str = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON)";

/// The type and the literal of a value, as the drivers bind it.
fn literal(value: &sea_query::Value) -> (&'static str, String) {
    use sea_query::Value;
    match value {
        Value::Uuid(Some(id)) => ("uuid", format!("'{id}'")),
        Value::ChronoDate(Some(date)) => ("date", format!("'{date}'")),
        Value::Int(Some(number)) => ("integer", number.to_string()),
        Value::BigInt(Some(number)) => ("bigint", number.to_string()),
        Value::Array(_, Some(items)) => {
            let (types, literals): (Vec<_>, Vec<_>) = items.iter().map(literal).unzip();
            let of = match types[0] {
                "date" => "date[]",
                "integer" => "integer[]",
                _ => "uuid[]",
            };
            assert!(types.iter().all(|one| of.starts_with(one)), "{types:?}");
            (of, format!("ARRAY[{}]::{of}", literals.join(", ")))
        }
        other => panic!("no chart binds {other:?}"),
    }
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

/// One chart, its scans of one table, and the most buffers; with labels and without, and planned either way.
pub(crate) async fn check<C: Chart>(portal: &Portal, chart: &C, table: &str, scans: usize, most: u64) {
    check_labelled(portal, chart, table, scans, most, 0).await;
}

/// As [`check`], for a chart that looks up so many labels one by one: a page of the parent's key, its root and one of the
/// parent each, where the planner does not read the small parent as it is.
pub(crate) async fn check_labelled<C: Chart>(
    portal: &Portal,
    chart: &C,
    table: &str,
    scans: usize,
    most: u64,
    labels: u64,
) {
    for (model, most) in [(&portal.model, most + 3 * labels), (&*UNLABELLED, most)] {
        for cost in costs(portal, model, chart).await {
            assert_eq!((cost.heap_fetches, cost.temp_blocks), (0, 0), "{cost:?}");
            let text = model.query(chart).unwrap().to_string();
            assert_eq!(cost.nodes, vec![format!("Index Only Scan on {table}"); scans], "{text}");
            assert!(cost.buffers <= most, "{} buffers, at most {most}: {text}", cost.buffers);
        }
    }
}

/// The costs of a chart's plan for its values, and of its plan for any.
pub(crate) async fn costs<C: Chart>(portal: &Portal, model: &UsageModel, chart: &C) -> [Cost; 2] {
    let mut connection = portal.pool.acquire().await.unwrap();
    let (sql, values) = model.query(chart).unwrap().into_parts();
    let generic = explain_generic(&mut connection, &sql, &values).await;
    [explain(&mut connection, &sql, values).await, generic]
}
