//! A table that a portal has already, taken over while it is written and read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use output_port_usage::chart::*;

use super::*;
use crate::chart::plans::explain;
use crate::portal::{consumer, port, queries, scope};

/// Names of the host's own.
fn model() -> UsageModel {
    let names = TableNames::new("dataset_query_stats_daily")
        .column(Column::OutputPortId, "dataset_id")
        .column(Column::ConsumerId, "consumer_data_product_id");
    builder().queries_table(names).build().unwrap()
}

/// As an ORM declares it, with so many days of 10 output ports and 10 consumers.
async fn portal_with_its_own_table(days: u32) -> Portal {
    let portal = Portal::with(model()).await;
    run(
        &portal,
        &format!(
            "DROP TABLE usage.dataset_query_stats_daily;
             CREATE TABLE usage.dataset_query_stats_daily (
                date date NOT NULL,
                dataset_id uuid NOT NULL REFERENCES portal.datasets ON DELETE CASCADE,
                consumer_data_product_id uuid NOT NULL REFERENCES portal.data_products,
                query_count int NOT NULL,
                PRIMARY KEY (date, dataset_id, consumer_data_product_id)
             );
             CREATE INDEX ix_dataset ON usage.dataset_query_stats_daily (dataset_id);
             CREATE INDEX ix_consumer ON usage.dataset_query_stats_daily (consumer_data_product_id);
             SET session_replication_role = replica;
             INSERT INTO usage.dataset_query_stats_daily
             SELECT d::date, p.id, c.id, 1 + (row_number() OVER () % 7)::int
             FROM generate_series(date '2026-01-01' - {days}, date '2025-12-31', interval '1 day') AS d,
                (SELECT id FROM portal.datasets ORDER BY id LIMIT 10) AS p,
                (SELECT id FROM portal.data_products ORDER BY id LIMIT 10) AS c;
             RESET session_replication_role"
        ),
    )
    .await;
    run(&portal, "VACUUM ANALYZE usage.dataset_query_stats_daily").await;
    portal
}

/// What the table's constraints and indexes are in the end.
const ADOPTED: [&str; 7] = [
    "usage.dataset_query_stats_daily CHECK ((query_count >= 0))",
    "usage.dataset_query_stats_daily CREATE INDEX ON usage.dataset_query_stats_daily USING brin (date) WITH (pages_per_range='32', autosummarize='on')",
    "usage.dataset_query_stats_daily CREATE UNIQUE INDEX ON usage.dataset_query_stats_daily USING btree (dataset_id, date, consumer_data_product_id) INCLUDE (query_count)",
    // refuses as RESTRICT does, at the end of the statement
    "usage.dataset_query_stats_daily FOREIGN KEY (consumer_data_product_id) REFERENCES portal.data_products(id)",
    "usage.dataset_query_stats_daily FOREIGN KEY (dataset_id) REFERENCES portal.datasets(id) ON DELETE CASCADE",
    "usage.dataset_query_stats_daily PRIMARY KEY (dataset_id, date, consumer_data_product_id) INCLUDE (query_count)",
    "dataset_query_stats_daily autovacuum_analyze_scale_factor=0.02, autovacuum_vacuum_insert_scale_factor=0.0, autovacuum_vacuum_insert_threshold=5000, autovacuum_vacuum_scale_factor=0.01",
];

async fn of_the_table(portal: &Portal) -> Vec<String> {
    let all = definitions(portal).await;
    all.into_iter()
        .filter(|of| of.split(' ').next().unwrap().ends_with("dataset_query_stats_daily"))
        .collect()
}

fn sorted(lines: [&str; 7]) -> Vec<String> {
    let mut lines = lines.map(str::to_owned).to_vec();
    lines.sort();
    lines
}

#[tokio::test]
async fn a_table_of_an_orm_is_taken_over_while_it_is_written_and_charts_are_read() {
    taken_over(1_000).await;
}

#[tokio::test]
#[ignore = "takes a minute; run it with -- --ignored five_million"]
async fn five_million_rows_are_taken_over_while_they_are_written_and_charts_are_read() {
    taken_over(50_000).await;
}

/// Takes over 100 rows a day. What is there stays, every chart is right at any moment, and reads a third in the end.
async fn taken_over(days: u32) {
    let portal = portal_with_its_own_table(days).await;
    let history = day(2025, 10, 1)..day(2026, 1, 1);
    let chart = QueriesOverTime::new(port(1), history.clone()).granularity(Granularity::Month);
    let expected: Vec<i64> = sqlx::query_scalar(
        "SELECT sum(query_count) FROM usage.dataset_query_stats_daily
         WHERE dataset_id = $1 AND date >= '2025-10-01' GROUP BY date_trunc('month', date) ORDER BY date_trunc('month', date)",
    )
    .bind(port(1))
    .fetch_all(&portal.pool)
    .await
    .unwrap();
    let before = buffers(&portal, &chart).await;
    let rows = "SELECT count(*) || ' ' || sum(hashtextextended(t::text, 0)::numeric)
        FROM usage.dataset_query_stats_daily AS t WHERE date < '2026-01-01'";
    let old = portal.texts(rows).await;

    let found = differences(&portal).await;
    assert_eq!(
        found.iter().map(|of| (of.severity(), of.kind())).collect::<Vec<_>>(),
        [
            (Severity::Errors, DifferenceKind::NoCheck),
            (Severity::Slow, DifferenceKind::Key),
            (Severity::Slow, DifferenceKind::NeedlessIndex),
            (Severity::Slow, DifferenceKind::NeedlessIndex),
            (Severity::Slow, DifferenceKind::NoIndex),
            (Severity::Slow, DifferenceKind::StorageParameters),
        ]
    );
    let done = AtomicBool::new(false);
    let writer = async {
        let mut rounds = 0;
        while !done.load(Ordering::Relaxed) || rounds < 3 {
            rounds += 1;
            let row = |of| queries(day(2026, 1, 2), port(of), consumer(1), rounds);
            let batch = UsageBatch::builder(scope(day(2026, 1, 2)..day(2026, 1, 3), (0..10).map(port)))
                .queries((0..10).map(row).collect())
                .build();
            portal.try_ingest(portal.model.upsert(&batch).unwrap()).await.unwrap();
        }
        rounds
    };
    let reader = async {
        let mut reads = 0;
        while !done.load(Ordering::Relaxed) || reads < 3 {
            reads += 1;
            let points = portal.rows(&chart).await;
            assert_eq!(points.iter().map(|point| point.query_count).collect::<Vec<_>>(), expected);
        }
        reads
    };
    let adoption = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        mend(&portal.pool, &found).await;
        done.store(true, Ordering::Relaxed);
    };
    let (rounds, reads, ()) = tokio::join!(writer, reader, adoption);
    assert!(rounds > 3 && reads > 3, "{rounds} writes and {reads} reads beside the adoption");

    assert_eq!(shown(&differences(&portal).await), Vec::<String>::new());
    assert_eq!(of_the_table(&portal).await, sorted(ADOPTED));
    assert_eq!(portal.texts(rows).await, old);
    let written =
        "SELECT DISTINCT query_count::text FROM usage.dataset_query_stats_daily WHERE date = '2026-01-02'";
    assert_eq!(portal.texts(written).await, [rounds.to_string()]);
    run(&portal, "VACUUM ANALYZE usage.dataset_query_stats_daily").await;
    let after = buffers(&portal, &chart).await;
    println!(
        "{} rows: {rounds} writes and {reads} charts meanwhile, a chart read {before} buffers, then {after}",
        old[0]
    );
    assert!(3 * after < before, "{before} buffers before, {after} afterwards");
}

/// What a chart reads.
async fn buffers(portal: &Portal, chart: &QueriesOverTime) -> u64 {
    let (sql, values) = portal.model.query(chart).unwrap().into_parts();
    let mut connection = portal.pool.acquire().await.unwrap();
    explain(&mut connection, &sql, values).await.buffers
}

#[tokio::test]
async fn a_half_done_adoption_goes_on_where_it_stopped() {
    let portal = portal_with_its_own_table(10).await;
    let found = differences(&portal).await;
    let all: Vec<Statement> = found.iter().flat_map(Difference::mend).cloned().collect();
    // every statement may be the last one that ran, and the next one may have broken off
    for done in 0..all.len() {
        let portal = portal_with_its_own_table(10).await;
        for statement in &all[..done] {
            statement.clone().into_sqlx().execute(&portal.pool).await.unwrap();
        }
        break_off(&portal, &all[done]).await;
        for _ in 0..2 {
            let found = differences(&portal).await;
            mend(&portal.pool, &found).await;
        }
        assert_eq!(shown(&differences(&portal).await), Vec::<String>::new(), "after {done}");
        assert_eq!(of_the_table(&portal).await, sorted(ADOPTED), "after {done}");
    }
}

/// Runs a statement that cannot end, because another transaction has written to the table.
async fn break_off(portal: &Portal, statement: &Statement) {
    let mut other = portal.pool.begin().await.unwrap();
    let touch =
        "UPDATE usage.dataset_query_stats_daily SET query_count = query_count WHERE date = '2025-12-31'";
    sqlx::query(touch).execute(&mut *other).await.unwrap();
    let mut connection = portal.pool.acquire().await.unwrap();
    sqlx::raw_sql("SET statement_timeout = '300ms'").execute(&mut *connection).await.unwrap();
    // some statements wait for nobody
    let _ = statement.clone().into_sqlx().execute(&mut *connection).await;
    sqlx::raw_sql("RESET statement_timeout").execute(&mut *connection).await.unwrap();
    other.rollback().await.unwrap();
}
