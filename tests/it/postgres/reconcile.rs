//! What the tables contradict each other in.

use output_port_usage::*;

use crate::portal::{Portal, asset, combination, consumer, day, port, queries, scope, touches};

fn first() -> chrono::NaiveDate {
    day(2026, 1, 1)
}

async fn violations(portal: &Portal) -> Vec<Violation> {
    let query = portal.model.reconcile(first()..day(2026, 1, 3)).unwrap();
    query.into_sqlx().fetch_all(&portal.pool).await.unwrap()
}

/// Ports 1, 2 and 3 by consumer 1: 4 queries a day, each touching asset 1; every pair combined 4 times.
async fn filled() -> Portal {
    let portal = Portal::with_combinations().await;
    let days = [day(2025, 12, 31), first(), day(2026, 1, 2)];
    let keys = || days.into_iter().flat_map(|date| (1..4).map(move |of| (date, port(of))));
    let pairs = days.into_iter().flat_map(|date| {
        [(1, 2), (1, 3), (2, 3)].map(|(one, other)| combination(date, port(one), port(other), consumer(1), 4))
    });
    let stated = scope(days[0]..day(2026, 1, 3), (1..4).map(port));
    let batch = UsageBatch::builder(stated)
        .queries(keys().map(|(date, of)| queries(date, of, consumer(1), 4)).collect())
        .touches(keys().map(|(date, of)| touches(date, of, asset(1), consumer(1), 4)).collect())
        .combinations(pairs.collect())
        .build();
    portal.replace(&batch).await;
    portal
}

async fn run(portal: &Portal, sql: &'static str) {
    sqlx::raw_sql(sql).execute(&portal.pool).await.unwrap();
}

#[tokio::test]
async fn an_ingest_leaves_nothing_to_list() {
    assert_eq!(violations(&filled().await).await, []);
}

#[tokio::test]
async fn queries_above_the_sum_of_touches_are_what_a_cascade_leaves() {
    let portal = filled().await;
    let delete = "DELETE FROM portal.technical_assets WHERE id = $1";
    sqlx::query(delete).bind(asset(1)).execute(&portal.pool).await.unwrap();
    assert_eq!(violations(&portal).await, []);
}

#[tokio::test]
async fn touches_and_pairs_above_queries_are_listed_in_order() {
    let portal = filled().await;
    // on the 1st port 2 has one query too few; on the 2nd port 1 has none left; the 31st is not asked for
    run(
        &portal,
        "UPDATE usage.output_port_query_stats_daily SET query_count = 3
            WHERE date IN ('2025-12-31', '2026-01-01') AND right(output_port_id::text, 1) = '2';
        DELETE FROM usage.output_port_query_stats_daily
            WHERE date = '2026-01-02' AND right(output_port_id::text, 1) = '1'",
    )
    .await;
    insta::assert_json_snapshot!(violations(&portal).await, @r#"
    [
      {
        "kind": "touches_above_queries",
        "date": "2026-01-01",
        "output_port_id": "00000000-0000-0000-0000-0000a0000002",
        "tech_asset_id": "00000000-0000-0000-0000-0000e0000001",
        "consumer_id": "00000000-0000-0000-0000-0000c0000001",
        "touches": 4,
        "queries": 3
      },
      {
        "kind": "combination_above_queries",
        "date": "2026-01-01",
        "output_port_id": "00000000-0000-0000-0000-0000a0000002",
        "other_output_port_id": "00000000-0000-0000-0000-0000a0000001",
        "consumer_id": "00000000-0000-0000-0000-0000c0000001",
        "combinations": 4,
        "queries": 3
      },
      {
        "kind": "combination_above_queries",
        "date": "2026-01-01",
        "output_port_id": "00000000-0000-0000-0000-0000a0000002",
        "other_output_port_id": "00000000-0000-0000-0000-0000a0000003",
        "consumer_id": "00000000-0000-0000-0000-0000c0000001",
        "combinations": 4,
        "queries": 3
      },
      {
        "kind": "touches_above_queries",
        "date": "2026-01-02",
        "output_port_id": "00000000-0000-0000-0000-0000a0000001",
        "tech_asset_id": "00000000-0000-0000-0000-0000e0000001",
        "consumer_id": "00000000-0000-0000-0000-0000c0000001",
        "touches": 4,
        "queries": 0
      },
      {
        "kind": "combination_above_queries",
        "date": "2026-01-02",
        "output_port_id": "00000000-0000-0000-0000-0000a0000001",
        "other_output_port_id": "00000000-0000-0000-0000-0000a0000002",
        "consumer_id": "00000000-0000-0000-0000-0000c0000001",
        "combinations": 4,
        "queries": 0
      },
      {
        "kind": "combination_above_queries",
        "date": "2026-01-02",
        "output_port_id": "00000000-0000-0000-0000-0000a0000001",
        "other_output_port_id": "00000000-0000-0000-0000-0000a0000003",
        "consumer_id": "00000000-0000-0000-0000-0000c0000001",
        "combinations": 4,
        "queries": 0
      }
    ]
    "#);
}

#[tokio::test]
async fn pairs_out_of_order_are_listed_in_a_table_without_the_constraint() {
    let portal = filled().await;
    run(
        &portal,
        "ALTER TABLE usage.output_port_combined_with_daily
            DROP CONSTRAINT output_port_combined_with_daily_ordered_check;
        INSERT INTO usage.output_port_combined_with_daily
        SELECT date, output_port_id_2, output_port_id_1, consumer_id, 2 FROM usage.output_port_combined_with_daily
            WHERE date = '2026-01-01' AND right(output_port_id_1::text, 1) = '2';
        INSERT INTO usage.output_port_combined_with_daily
        SELECT date, output_port_id, output_port_id, consumer_id, 1 FROM usage.output_port_query_stats_daily
            WHERE date = '2026-01-02' AND right(output_port_id::text, 1) = '1'",
    )
    .await;
    insta::assert_json_snapshot!(violations(&portal).await, @r#"
    [
      {
        "kind": "pair_out_of_order",
        "date": "2026-01-01",
        "output_port_id_1": "00000000-0000-0000-0000-0000a0000003",
        "output_port_id_2": "00000000-0000-0000-0000-0000a0000002",
        "consumer_id": "00000000-0000-0000-0000-0000c0000001",
        "combinations": 2
      },
      {
        "kind": "pair_out_of_order",
        "date": "2026-01-02",
        "output_port_id_1": "00000000-0000-0000-0000-0000a0000001",
        "output_port_id_2": "00000000-0000-0000-0000-0000a0000001",
        "consumer_id": "00000000-0000-0000-0000-0000c0000001",
        "combinations": 1
      }
    ]
    "#);
}

#[tokio::test]
async fn a_model_without_combinations_reconciles_its_two_tables() {
    let portal = Portal::new().await;
    assert_eq!(violations(&portal).await, []);
}
