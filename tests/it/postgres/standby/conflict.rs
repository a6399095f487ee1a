//! Recovery conflicts: the primary vacuums what a chart on the standby still reads.

use std::time::Duration;

use output_port_usage::chart::*;
use sqlx::AssertSqlSafe;

use super::{DAYS, Replicated, days, round};
use crate::portal::port;

/// A chart that takes a second for each row that it shows: the label of a consumer is slow to find.
const SLOW: &str = "ALTER TABLE portal.data_products RENAME TO products;
    CREATE FUNCTION portal.slowly(text) RETURNS text STABLE LANGUAGE plpgsql
        AS 'BEGIN PERFORM pg_sleep(1); RETURN $1; END';
    CREATE VIEW portal.data_products AS SELECT id, portal.slowly(name) AS name, domain_id FROM portal.products;";

async fn slow() -> Replicated {
    let replicated = Replicated::new().await;
    replicated.primary.replace(&round(1)).await;
    sqlx::raw_sql(SLOW).execute(&replicated.primary.pool).await.unwrap();
    replicated.catch_up().await;
    replicated
}

/// Writes new versions of all rows and vacuums the old ones, once so many charts on the standby read these.
async fn replace_and_vacuum(replicated: &Replicated, readers: i64, count: u64) {
    let reads = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    let is_reading = || sqlx::query_scalar::<_, i64>(reads).fetch_one(&replicated.standby);
    while is_reading().await.unwrap() < readers {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    replicated.primary.replace(&round(count)).await;
    replicated.vacuum().await;
}

async fn set(replicated: &Replicated, setting: &str) {
    for sql in [&format!("ALTER SYSTEM SET {setting}"), "SELECT pg_reload_conf()"] {
        sqlx::query(AssertSqlSafe(sql)).execute(&replicated.standby).await.unwrap();
    }
}

/// One test, because feedback makes the primary keep rows for every standby.
#[tokio::test]
#[ignore = "needs server programs, pg_basebackup too; run it with -- --ignored standby"]
async fn a_recovery_conflict_on_a_standby_is_40001_unless_the_primary_keeps_what_a_chart_reads() {
    let replicated = slow().await;
    set(&replicated, "max_standby_streaming_delay = '100ms'").await;
    let chart = QueryDistribution::new(port(1), days()).top(3);
    let (client, connection) = tokio_postgres::connect(&replicated.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let query = replicated.model().query(&chart).unwrap().into_tokio_postgres();
    let params = query.params();
    let by_tokio_postgres = client.query_typed(query.sql(), &params);
    let (by_sqlx, by_tokio_postgres, ()) =
        tokio::join!(replicated.rows(&chart), by_tokio_postgres, replace_and_vacuum(&replicated, 2, 2));
    let error = by_sqlx.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().unwrap(), "40001", "{error}");
    let error = by_tokio_postgres.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "40001", "{error}");

    // the next try is right, by the same connections
    replicated.catch_up().await;
    let slices = replicated.rows(&chart).await.unwrap();
    assert_eq!(slices[0].query_count, DAYS * 2);
    let rows = client.query_typed(query.sql(), &params).await.unwrap();
    assert_eq!(query.decode(&rows).unwrap(), slices);

    set(&replicated, "wal_receiver_status_interval = '1s'").await;
    set(&replicated, "hot_standby_feedback = on").await;
    let held = "SELECT count(backend_xmin) FROM pg_stat_replication";
    let is_held = || sqlx::query_scalar::<_, i64>(held).fetch_one(&replicated.primary.pool);
    while is_held().await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (slices, ()) = tokio::join!(replicated.rows(&chart), replace_and_vacuum(&replicated, 1, 3));
    assert_eq!(slices.unwrap()[0].query_count, DAYS * 2, "of the commit that it began with");
    replicated.catch_up().await;
    assert_eq!(replicated.rows(&chart).await.unwrap()[0].query_count, DAYS * 3);
}
