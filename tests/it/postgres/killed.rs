//! A connection that dies in the middle of an ingest leaves the old state, byte for byte.

use std::time::Duration;

use output_port_usage::*;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};

use crate::portal::{
    COVERAGE, Portal, asset, builder, combination, consumer, day, port, queries, scope, touches,
};
use crate::tables;

/// Ports 1 and 2 by consumers 1 to `consumers` on two days, each count `count`.
pub(crate) fn batch(consumers: u128, count: u64) -> UsageBatch {
    let days = [day(2026, 1, 1), day(2026, 1, 2)];
    let keys = || days.into_iter().flat_map(move |date| (1..=consumers).map(move |by| (date, consumer(by))));
    let of = |number| keys().map(move |(date, by)| (date, port(number), by));
    let ports = || of(1).chain(of(2));
    UsageBatch::builder(scope(days[0]..day(2026, 1, 3), [port(1), port(2)]))
        .queries(ports().map(|(date, of, by)| queries(date, of, by, count)).collect())
        .touches(ports().map(|(date, of, by)| touches(date, of, asset(1), by, count)).collect())
        .combinations(keys().map(|(date, by)| combination(date, port(1), port(2), by, count)).collect())
        .build()
}

/// Old rows; the batch that replaces them removes, changes and adds some in every table.
pub(crate) async fn filled() -> (Portal, Ingest) {
    let portal = Portal::with(builder().combinations().coverage().build().unwrap()).await;
    let later = batch(2, 1);
    let more = UsageBatch::builder(later.scope().clone())
        .queries([later.queries(), &[queries(day(2026, 1, 1), port(1), consumer(9), 4)]].concat());
    let read = [later.touches().unwrap(), &[touches(day(2026, 1, 1), port(1), asset(2), consumer(9), 4)]];
    let pairs =
        [later.combinations().unwrap(), &[combination(day(2026, 1, 1), port(1), port(3), consumer(9), 4)]];
    let more = more.touches(read.concat()).combinations(pairs.concat()).unsettled_from(day(2026, 1, 2));
    portal.replace(&more.build()).await;
    let ingest = portal.model.replace(&batch(3, 2)).unwrap();
    (portal, ingest)
}

/// The rows of every table, with their versions.
async fn versions(portal: &Portal) -> ([Vec<String>; 3], Vec<String>) {
    (tables::versions(portal).await, portal.versions(COVERAGE).await)
}

pub(crate) async fn terminate(portal: &Portal, pid: i32) {
    let terminated: bool = sqlx::query_scalar("SELECT pg_terminate_backend($1, 5000)")
        .bind(pid)
        .fetch_one(&portal.pool)
        .await
        .unwrap();
    assert!(terminated);
}

pub(crate) async fn pid(connection: &mut PgConnection) -> i32 {
    sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn a_connection_killed_after_any_statement_leaves_the_old_state() {
    let (portal, ingest) = filled().await;
    let before = versions(&portal).await;
    let statements = ingest.statements();
    assert_eq!(statements.len(), 2 + 3 + 9 + 1);
    for after in 0..=statements.len() {
        let mut connection = portal.pool.acquire().await.unwrap().detach();
        connection.execute("BEGIN").await.unwrap();
        let mut rows = 0;
        for statement in &statements[..after] {
            rows = statement.clone().into_sqlx().fetch_all(&mut connection).await.unwrap().len();
        }
        // each statement from the first that looks for vanished rows on has found or written some
        assert!(after <= 5 || rows > 0, "statement {after}");
        let pid = pid(&mut connection).await;
        terminate(&portal, pid).await;
        assert!(connection.execute("COMMIT").await.is_err());
        assert_eq!(versions(&portal).await, before, "killed after {after} statements");
    }
    // nothing of the dead is in the way
    let outcome = portal.try_ingest(ingest).await.unwrap();
    assert_eq!((outcome.queries.written, outcome.queries.removed), (12, 1));
}

/// What holds an ingest up, in the order in which it comes upon them.
const OBSTACLES: [&str; 8] = [
    "the lock of the ingests",
    "portal.datasets",
    "portal.technical_assets",
    "portal.data_products",
    "usage.output_port_query_stats_daily",
    "usage.tech_asset_stats_daily",
    "usage.output_port_combined_with_daily",
    "usage.output_port_usage_coverage",
];

#[tokio::test]
async fn a_running_ingest_killed_anywhere_leaves_the_old_state() {
    let (portal, ingest) = filled().await;
    let before = versions(&portal).await;
    for obstacle in OBSTACLES {
        let mut holder = portal.pool.begin().await.unwrap();
        match obstacle {
            "the lock of the ingests" => {
                let [_, lock, ..] = &ingest.statements()[..] else { unreachable!("every ingest has a lock") };
                lock.clone().into_sqlx().execute(&mut *holder).await.unwrap();
            }
            table => {
                let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
                sqlx::raw_sql(sqlx::AssertSqlSafe(lock)).execute(&mut *holder).await.unwrap();
            }
        }
        let mut connection = portal.pool.acquire().await.unwrap().detach();
        let pid = pid(&mut connection).await;
        let ingest = ingest.clone();
        let running = tokio::spawn(async move {
            let mut transaction = connection.begin().await.unwrap();
            ingest.run_sqlx(&mut transaction).await
        });
        wait_until_it_waits(&portal, pid).await;
        terminate(&portal, pid).await;
        let error = running.await.unwrap().unwrap_err();
        assert!(matches!(error, WriteError::Driver(_)), "{obstacle}: {error:?}");
        holder.rollback().await.unwrap();
        assert_eq!(versions(&portal).await, before, "killed waiting for {obstacle}");
    }
}

pub(crate) async fn wait_until_it_waits(portal: &Portal, pid: i32) {
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted)";
    loop {
        if sqlx::query_scalar(waits).bind(pid).fetch_one(&portal.pool).await.unwrap() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn an_ingest_killed_before_its_commit_leaves_the_old_state() {
    let (portal, ingest) = filled().await;
    let before = versions(&portal).await;
    let mut connection = portal.pool.acquire().await.unwrap().detach();
    let pid = pid(&mut connection).await;
    let mut transaction = connection.begin().await.unwrap();
    let outcome = ingest.clone().run_sqlx(&mut transaction).await.unwrap();
    assert!(outcome.combinations.unwrap().written > 0);
    terminate(&portal, pid).await;
    assert!(transaction.commit().await.is_err());
    assert_eq!(versions(&portal).await, before);
    assert!(portal.try_ingest(ingest).await.is_ok());
}
