//! The keys by consumer and by tech asset: what reads them, and how they come to a table that holds rows.

use std::sync::LazyLock;

use output_port_usage::chart::*;
use output_port_usage::*;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, raw_sql};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::portal::{
    COMBINATION_STATS, Portal, QUERY_STATS, TOUCH_STATS, asset, builder, consumer, day, port,
};

/// One runtime for the tests of one database, because its connections belong to it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static SHARED: LazyLock<Portal> = LazyLock::new(|| {
    RUNTIME.block_on(async {
        let portal = Portal::with(whole()).await;
        fill(&portal).await;
        portal
    })
});

/// Runs a test on tables that several share, and none changes.
fn on_shared_tables<F: Future<Output = ()>>(test: impl FnOnce(&'static Portal) -> F) {
    let portal = &*SHARED;
    RUNTIME.block_on(test(portal));
}

fn whole() -> UsageModel {
    builder().combinations().read_by_consumer().read_by_tech_asset().build().unwrap()
}

/// 100 days around New Year of 20 ports, each read by consumers 0 to 18; day by day, as ingests lay rows out. A touch is of those tech
/// assets whose number with those of the port and the consumer adds up to a multiple of 9.
pub(super) async fn fill(portal: &Portal) {
    let rows = "BEGIN;
        -- without the checks of foreign keys, which take most of the time
        SET LOCAL session_replication_role = replica;
        INSERT INTO usage.output_port_query_stats_daily (date, output_port_id, consumer_id, query_count)
        SELECT d, p.id, c.id, 9
        FROM generate_series('2025-12-01'::timestamp, '2026-03-10', '1 day') AS d,
            portal.datasets AS p, portal.data_products AS c
        WHERE c.name <> 'consumer 19'
        ORDER BY d, p.id, c.id;
        INSERT INTO usage.tech_asset_stats_daily (date, output_port_id, tech_asset_id, consumer_id, query_count)
        SELECT q.date, q.output_port_id, a.id, q.consumer_id, 4
        FROM usage.output_port_query_stats_daily AS q
        JOIN portal.datasets AS p ON p.id = q.output_port_id
        JOIN portal.data_products AS c ON c.id = q.consumer_id
        JOIN portal.technical_assets AS a
            ON (substr(p.name, 6)::int + substr(c.name, 10)::int + substr(a.name, 7)::int) % 9 = 0
        ORDER BY q.date, q.output_port_id, a.id, q.consumer_id;
        INSERT INTO usage.output_port_combined_with_daily
            (date, output_port_id_1, output_port_id_2, consumer_id, query_count)
        SELECT q.date, q.output_port_id, p.id, q.consumer_id, 1
        FROM usage.output_port_query_stats_daily AS q
        JOIN portal.datasets AS p ON p.id > q.output_port_id AND p.name IN ('port 9', 'port 19')
        ORDER BY q.date, q.output_port_id, p.id, q.consumer_id;
        COMMIT";
    raw_sql(rows).execute(&portal.pool).await.unwrap();
    portal.vacuum().await;
}

/// The plan, run, of a statement of one id and days, planned for any, as what drivers keep prepared comes to be.
pub(super) async fn plan(portal: &Portal, sql: &str, id: Uuid) -> String {
    let mut connection = portal.pool.acquire().await.unwrap();
    raw_sql("SET plan_cache_mode = force_generic_plan").execute(&mut *connection).await.unwrap();
    let prepare = format!("PREPARE one (uuid, date, date) AS {sql}");
    raw_sql(AssertSqlSafe(prepare)).execute(&mut *connection).await.unwrap();
    let explain = "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF)";
    let explain = format!("{explain} EXECUTE one ('{id}', '2026-02-01', '2026-03-03')");
    let mut lines: Vec<String> = Vec::new();
    // the first run also reads catalogs into the session's caches
    for _ in 0..2 {
        let again = sqlx::query_scalar(AssertSqlSafe(explain.clone()));
        lines = again.fetch_all(&mut *connection).await.unwrap();
    }
    connection.close().await.unwrap();
    lines.join("\n")
}

/// The buffers of a whole plan, which its first node shows.
fn buffers(plan: &str) -> u64 {
    let (_, counts) = plan.split_once("Buffers: shared").unwrap();
    let counts = counts.lines().next().unwrap().split_whitespace();
    let found = counts.filter_map(|count| count.strip_prefix("hit=").or(count.strip_prefix("read=")));
    found.map(|count| count.parse::<u64>().unwrap()).sum()
}

/// Each way to read: its table, by what, an id, and how many rows that id has in the 30 days of [`plan`].
fn ways() -> [(&'static str, &'static str, Uuid, usize); 3] {
    let pairs = |of: fn(usize, usize) -> bool| {
        (0..20).map(|one| (0..20).filter(|other| of(one, *other)).count()).sum::<usize>()
    };
    // the other two numbers beside consumer 7, and beside asset 7: a port and an asset, a port and a consumer
    let of_consumer = pairs(|port, asset| (port + asset + 7).is_multiple_of(9));
    let of_asset = pairs(|port, consumer| consumer < 19 && (port + consumer + 7).is_multiple_of(9));
    [
        (QUERY_STATS, "consumer", consumer(7).0, 30 * 20),
        (TOUCH_STATS, "consumer", consumer(7).0, 30 * of_consumer),
        (TOUCH_STATS, "tech_asset", asset(7).0, 30 * of_asset),
    ]
}

#[test]
fn what_names_no_output_port_reads_one_run_of_a_key() {
    on_shared_tables(async |portal| {
        for (table, by, id, rows) in ways() {
            let sql = format!(
                "SELECT date, sum(query_count) FROM usage.{table}
                WHERE {by}_id = $1 AND date >= $2 AND date < $3 GROUP BY date"
            );
            let plan = plan(portal, &sql, id).await;
            assert!(plan.contains(&format!("Index Only Scan using {table}_by_{by}_idx ")), "{plan}");
            assert!(plan.contains("Heap Fetches: 0"), "{plan}");
            assert!(plan.contains(&format!("(actual rows={rows}")), "{rows}: {plan}");
            // the way down, and leaves that are half full at least of entries with two ids or three
            let entry = if table == QUERY_STATS { 56 } else { 72 };
            let most = 3 + (2 * rows * entry).div_ceil(8192) as u64;
            assert!(buffers(&plan) <= most, "{most}: {plan}");
        }
    });
}

#[test]
fn a_last_use_is_one_descent_of_a_key() {
    on_shared_tables(async |portal| {
        for (table, by, id, _) in ways() {
            let sql = format!("SELECT max(date) FROM usage.{table} WHERE {by}_id = $1 AND date < $3");
            let plan = plan(portal, &sql, id).await;
            assert!(plan.contains(&format!("Index Only Scan Backward using {table}_by_{by}_idx ")), "{plan}");
            // the way down, the leaf beside the one where it ends, and what says that the page is visible
            assert!(buffers(&plan) <= 5, "{plan}");
        }
    });
}

#[test]
fn charts_of_an_output_port_read_its_key_as_before() {
    on_shared_tables(async |portal| {
        let days = day(2026, 2, 1)..day(2026, 3, 3);
        let model = &portal.model;
        for text in [
            model.query(&QueriesOverTime::new(port(3), days.clone())).unwrap().to_string(),
            model
                .query(&QueriesOverTime::new(port(3), days.clone()).split_by_consumer(3))
                .unwrap()
                .to_string(),
            model.query(&QueryDistribution::new(port(3), days.clone())).unwrap().to_string(),
            model.query(&MostPopularAssets::new(port(3), days.clone())).unwrap().to_string(),
            model.query(&MostOftenCombinedWith::new(port(3), days.clone())).unwrap().to_string(),
        ] {
            let plan = portal.texts(&format!("EXPLAIN (COSTS OFF) {text}")).await.join("\n");
            assert!(plan.contains("_daily_pkey"), "{plan}");
            assert!(!plan.contains("_by_consumer_idx") && !plan.contains("_by_tech_asset_idx"), "{plan}");
        }
    });
}

#[test]
fn charts_of_a_consumer_or_a_tech_asset_read_the_key_by_it() {
    on_shared_tables(async |portal| {
        let days = day(2026, 2, 1)..day(2026, 3, 3);
        let (one, of_asset) = (consumer(7), asset(7));
        let model = &portal.model;
        for (by, text) in [
            (
                "consumer",
                model
                    .query(&QueriesOverTime::new(Subject::Portal, days.clone()).of_consumer(one))
                    .unwrap()
                    .to_string(),
            ),
            (
                "consumer",
                model
                    .query(&Summary::new(Subject::Portal, days.clone()).of_consumer(one))
                    .unwrap()
                    .to_string(),
            ),
            (
                "consumer",
                model
                    .query(&MostPopularAssets::of_portal(days.clone()).of_consumer(one))
                    .unwrap()
                    .to_string(),
            ),
            ("tech_asset", model.query(&QueriesOverTime::new(of_asset, days.clone())).unwrap().to_string()),
            ("tech_asset", model.query(&QueryDistribution::new(of_asset, days.clone())).unwrap().to_string()),
        ] {
            let plan = portal.texts(&format!("EXPLAIN (COSTS OFF) {text}")).await.join("\n");
            let scans: Vec<&str> = plan.lines().filter(|line| line.contains("_daily")).collect();
            let index = format!("_by_{by}_idx");
            assert!(!scans.is_empty() && scans.iter().all(|scan| scan.contains(&index)), "{plan}");
        }
    });
}

/// How often the transaction has read a table from end to end, or has scanned an index.
pub(super) async fn scans(connection: &mut PgConnection, relation: &str) -> i64 {
    sqlx::query_scalar("SELECT pg_stat_get_xact_numscans($1::text::regclass)")
        .bind(format!("usage.{relation}"))
        .fetch_one(connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn deleting_a_parent_finds_its_rows_by_a_key() {
    let portal = Portal::with(whole()).await;
    fill(&portal).await;
    let by_consumer = [QUERY_STATS, TOUCH_STATS, COMBINATION_STATS];
    let by_consumer = by_consumer.map(|table| (table, format!("{table}_by_consumer_idx")));
    let by_asset = [(TOUCH_STATS, format!("{TOUCH_STATS}_by_tech_asset_idx"))];
    // consumers without a row, because their rows would keep them; tech assets with rows that go with them
    let unused = "INSERT INTO portal.data_products SELECT id, 'unused' FROM unnest($1::uuid[]) AS u(id)";
    let consumers: Vec<Uuid> = (100..108).map(|n| consumer(n).0).collect();
    let assets: Vec<Uuid> = (0..8).map(|n| asset(n).0).collect();
    for (parent, ids, found_by) in
        [("data_products", &consumers, &by_consumer[..]), ("technical_assets", &assets, &by_asset[..])]
    {
        let mut transaction = portal.pool.begin().await.unwrap();
        sqlx::query(unused).bind(&consumers).execute(&mut *transaction).await.unwrap();
        let mut before = Vec::new();
        for (table, index) in found_by {
            before.push((scans(&mut transaction, table).await, scans(&mut transaction, index).await));
        }
        // the first five are planned for the id, the others for any
        for id in ids {
            let delete = AssertSqlSafe(format!("DELETE FROM portal.{parent} WHERE id = $1"));
            let deleted = sqlx::query(delete).bind(id).execute(&mut *transaction).await.unwrap();
            assert_eq!(deleted.rows_affected(), 1);
        }
        for ((table, index), before) in found_by.iter().zip(before) {
            let after = (scans(&mut transaction, table).await, scans(&mut transaction, index).await);
            assert_eq!(after, (before.0, before.1 + ids.len() as i64), "{index}");
        }
        transaction.rollback().await.unwrap();
    }
}

/// Every index of the model's tables: its name and definition, whether it is valid, and its file.
async fn indexes(portal: &Portal) -> Vec<String> {
    let sql =
        "SELECT pg_get_indexdef(indexrelid) || ' ' || indisvalid || ' ' || pg_relation_filenode(indexrelid)
        FROM pg_index WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'usage'::regnamespace)
        ORDER BY 1";
    portal.texts(sql).await
}

fn without_files(indexes: &[String]) -> Vec<&str> {
    indexes.iter().map(|index| index.rsplit_once(' ').unwrap().0).collect()
}

#[tokio::test]
async fn what_was_built_beforehand_without_blocking_is_left_alone_by_the_migrations() {
    let (portal, created) = (Portal::with_combinations().await, Portal::with(whole()).await);
    fill(&portal).await;
    let before = portal.versions(QUERY_STATS).await;
    let ways = whole().migrations().into_iter().filter(|migration| [3, 4, 6].contains(&migration.id()));
    let ways: Vec<Migration> = ways.collect();
    assert_eq!(ways.len(), 3);
    for statement in whole().create_ways_to_read_concurrently() {
        assert!(statement.runs_outside_transaction());
        statement.into_sqlx().execute(&portal.pool).await.unwrap();
    }
    let built = indexes(&portal).await;
    assert_eq!(without_files(&built), without_files(&indexes(&created).await));
    for migration in &ways {
        raw_sql(AssertSqlSafe(migration.up().to_owned())).execute(&portal.pool).await.unwrap();
    }
    assert_eq!(indexes(&portal).await, built);
    assert_eq!(portal.versions(QUERY_STATS).await, before);

    // without that, the migrations make the same
    for migration in &ways {
        raw_sql(AssertSqlSafe(migration.down().to_owned())).execute(&portal.pool).await.unwrap();
    }
    assert_eq!(indexes(&portal).await.len(), built.len() - 4);
    for migration in &ways {
        raw_sql(AssertSqlSafe(migration.up().to_owned())).execute(&portal.pool).await.unwrap();
    }
    assert_eq!(without_files(&indexes(&portal).await), without_files(&built));
}
