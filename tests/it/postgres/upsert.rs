//! Upserts, and rows with unknown ids that are skipped.

use output_port_usage::*;

use crate::portal::{
    COMBINATION_STATS, Portal, QUERY_STATS, TOUCH_STATS, asset, builder, combination, consumer, day, port,
    queries, scope, touches,
};

fn first() -> chrono::NaiveDate {
    day(2026, 1, 1)
}

fn one_day(ports: impl IntoIterator<Item = u128>) -> Scope {
    scope(first()..day(2026, 1, 2), ports.into_iter().map(port))
}

/// Queries of consumer 1, each with one touch of asset 1 for each query.
fn row(of: u128, by: u128, count: u64) -> (OutputPortQueries, TechAssetTouches) {
    (
        queries(first(), port(of), consumer(by), count),
        touches(first(), port(of), asset(1), consumer(by), count),
    )
}

fn batch(
    ports: &[u128],
    rows: impl IntoIterator<Item = (OutputPortQueries, TechAssetTouches)>,
) -> UsageBatch {
    let (rows, read) = rows.into_iter().unzip();
    UsageBatch::builder(one_day(ports.iter().copied())).queries(rows).touches(read).build()
}

fn counts(outcome: TableOutcome) -> (u64, u64, u64, u64) {
    (outcome.written, outcome.unchanged, outcome.removed, outcome.skipped)
}

async fn held(portal: &Portal, table: &str) -> Vec<String> {
    portal.texts(&format!("SELECT right(output_port_id::text, 1) || ' by ' || right(consumer_id::text, 2) || ': ' || query_count
        FROM usage.{table} ORDER BY 1")).await
}

#[test]
fn an_upsert_is_a_replace_without_its_removals() {
    let model = builder().combinations().build().unwrap();
    let pair = combination(first(), port(1), port(2), consumer(1), 1);
    let batch = batch(&[1, 2], [row(1, 1, 2), row(2, 1, 2)]).into_builder().combinations(vec![pair]).build();
    let without_removals: Vec<Statement> = model
        .replace(&batch)
        .unwrap()
        .statements()
        .into_iter()
        .filter(|statement| !statement.title().contains("vanished"))
        .collect();
    assert_eq!(without_removals.len(), 2 + 3 + 3);
    assert_eq!(model.upsert(&batch).unwrap().statements(), without_removals);
}

#[tokio::test]
async fn an_upsert_writes_the_rows_it_names_and_removes_nothing() {
    let portal = Portal::new().await;
    portal.replace(&batch(&[1, 2], [row(1, 1, 5), row(1, 2, 5), row(2, 1, 5)])).await;
    // 1 by 1 changes, 1 by 2 is equal, 1 by 3 is new, 2 by 1 is not named; a zero names nothing
    let changes = batch(&[1, 2], [row(1, 1, 6), row(1, 2, 5), row(1, 3, 1), row(2, 1, 0)]);
    let outcome = portal.try_ingest(portal.model.upsert(&changes).unwrap()).await.unwrap();
    assert_eq!(counts(outcome.queries), (2, 1, 0, 0));
    assert_eq!(counts(outcome.touches.unwrap()), (2, 1, 0, 0));
    assert_eq!(outcome.combinations, None);
    let expected = ["1 by 01: 6", "1 by 02: 5", "1 by 03: 1", "2 by 01: 5"];
    assert_eq!(held(&portal, QUERY_STATS).await, expected);
    assert_eq!(held(&portal, TOUCH_STATS).await, expected);

    let versions = (portal.versions(QUERY_STATS).await, portal.versions(TOUCH_STATS).await);
    let outcome = portal.try_ingest(portal.model.upsert(&changes).unwrap()).await.unwrap();
    assert_eq!(counts(outcome.queries), (0, 3, 0, 0));
    assert_eq!((portal.versions(QUERY_STATS).await, portal.versions(TOUCH_STATS).await), versions);
}

#[tokio::test]
async fn an_upsert_without_rows_writes_nothing_and_is_no_error() {
    let portal = Portal::new().await;
    portal.replace(&batch(&[1], [row(1, 1, 5)])).await;
    let outcome = portal.try_ingest(portal.model.upsert(&batch(&[1], [])).unwrap()).await.unwrap();
    assert_eq!(counts(outcome.queries), (0, 0, 0, 0));
    assert_eq!(portal.contents(QUERY_STATS).await.len(), 1);
}

#[test]
fn an_upsert_is_checked_where_it_names_a_key_in_two_tables() {
    let model = builder().combinations().build().unwrap();
    let of_port_1 = |query_count| queries(first(), port(1), consumer(1), query_count);
    let touch = |of, number, count| touches(first(), port(of), asset(number), consumer(1), count);
    let upsert = |rows: Vec<OutputPortQueries>, read: Vec<TechAssetTouches>, pairs: Vec<Combination>| {
        model
            .upsert(
                &UsageBatch::builder(one_day([1, 2])).queries(rows).touches(read).combinations(pairs).build(),
            )
            .map(|_| ())
    };
    // named in one table only: nothing to contradict
    assert!(upsert(vec![of_port_1(3)], vec![], vec![]).is_ok());
    assert!(upsert(vec![], vec![touch(1, 1, 3)], vec![]).is_ok());
    assert!(upsert(vec![of_port_1(3)], vec![touch(2, 1, 9)], vec![]).is_ok());
    let pair = |count| combination(first(), port(1), port(2), consumer(1), count);
    assert!(upsert(vec![], vec![], vec![pair(7)]).is_ok());
    // a zero names nothing
    assert!(upsert(vec![of_port_1(0)], vec![touch(1, 1, 3)], vec![]).is_ok());
    assert!(upsert(vec![of_port_1(3)], vec![touch(1, 1, 0)], vec![]).is_ok());
    // named in both
    assert!(upsert(vec![of_port_1(3)], vec![touch(1, 1, 3), touch(1, 2, 1)], vec![]).is_ok());
    assert!(upsert(vec![of_port_1(3)], vec![touch(1, 1, 4)], vec![]).unwrap_err().is_batch());
    assert!(upsert(vec![of_port_1(3)], vec![touch(1, 1, 2)], vec![]).unwrap_err().is_batch());
    assert!(upsert(vec![of_port_1(3)], vec![], vec![pair(3)]).is_ok());
    assert!(upsert(vec![of_port_1(3)], vec![], vec![pair(4)]).unwrap_err().is_batch());

    // what holds for a replace without looking at other rows holds here too
    assert!(upsert(vec![of_port_1(1), of_port_1(1)], vec![], vec![]).unwrap_err().is_batch());
    assert!(upsert(vec![], vec![touch(3, 1, 1)], vec![]).unwrap_err().is_batch());
    let reversed = combination(first(), port(2), port(1), consumer(1), 1);
    assert!(upsert(vec![], vec![], vec![reversed]).unwrap_err().is_batch());
    let without = builder().build().unwrap();
    let pairs = UsageBatch::builder(one_day([1, 2])).combinations(vec![pair(1)]).build();
    assert!(without.upsert(&pairs).unwrap_err().is_configuration());
}

/// Known: ports 1 and 2, asset 1, consumer 1. Unknown: ports 77 and 78, asset 99, consumer 88.
fn partly_unknown() -> UsageBatch {
    let known = batch(&[1, 2, 77], [row(1, 1, 2), row(2, 1, 1), row(1, 88, 1), row(77, 1, 1)]);
    let one_more = touches(first(), port(1), asset(99), consumer(1), 1);
    let read = [known.touches().unwrap(), &[one_more]].concat();
    let pairs = vec![
        combination(first(), port(1), port(2), consumer(1), 1),
        combination(first(), port(1), port(77), consumer(1), 1),
        combination(first(), port(1), port(78), consumer(88), 1), // two unknown ids, one row
    ];
    known.into_builder().touches(read).combinations(pairs).build()
}

#[tokio::test]
async fn rows_with_unknown_ids_are_skipped_and_reported_where_that_is_asked_for() {
    let portal = Portal::with_combinations().await;
    let batch = partly_unknown();
    for again in [false, true] {
        let ingest = match again {
            false => portal.model.replace(&batch).unwrap(),
            true => portal.model.upsert(&batch).unwrap(),
        };
        let error = portal.try_ingest(ingest.clone()).await.unwrap_err();
        let rejected = error.rejected().unwrap().unknown_ids().unwrap().clone();
        let outcome = portal.try_ingest(ingest.skip_unknown()).await.unwrap();
        let (written, unchanged) = if again { (0, 2) } else { (2, 0) };
        assert_eq!(counts(outcome.queries), (written, unchanged, 0, 2));
        assert_eq!(counts(outcome.touches.unwrap()), (written, unchanged, 0, 3));
        let (written, unchanged) = if again { (0, 1) } else { (1, 0) };
        assert_eq!(counts(outcome.combinations.unwrap()), (written, unchanged, 0, 2));
        assert_eq!(outcome.unknown, rejected);
    }
    let outcome = portal.try_ingest(portal.model.replace(&batch).unwrap().skip_unknown()).await.unwrap();
    insta::assert_json_snapshot!(outcome, @r#"
    {
      "queries": {
        "written": 0,
        "unchanged": 2,
        "removed": 0,
        "skipped": 2
      },
      "touches": {
        "written": 0,
        "unchanged": 2,
        "removed": 0,
        "skipped": 3
      },
      "combinations": {
        "written": 0,
        "unchanged": 1,
        "removed": 0,
        "skipped": 2
      },
      "unknown": {
        "output_ports": [
          "00000000-0000-0000-0000-0000a000004d",
          "00000000-0000-0000-0000-0000a000004e"
        ],
        "tech_assets": [
          "00000000-0000-0000-0000-0000e0000063"
        ],
        "consumers": [
          "00000000-0000-0000-0000-0000c0000058"
        ]
      }
    }
    "#);
    assert_eq!(held(&portal, QUERY_STATS).await, ["1 by 01: 2", "2 by 01: 1"]);
    assert_eq!(held(&portal, TOUCH_STATS).await, ["1 by 01: 2", "2 by 01: 1"]);
    assert_eq!(portal.contents(COMBINATION_STATS).await.len(), 1);
}

#[tokio::test]
async fn skipping_finds_nothing_to_skip_where_every_id_is_known() {
    let portal = Portal::new().await;
    let ingest = portal.model.replace(&batch(&[1], [row(1, 1, 2)])).unwrap().skip_unknown();
    let outcome = portal.try_ingest(ingest).await.unwrap();
    assert_eq!(counts(outcome.queries), (1, 0, 0, 0));
    assert!(outcome.unknown.is_empty());
}

#[tokio::test]
async fn a_replace_whose_rows_are_all_skipped_does_not_wipe_its_scope() {
    let portal = Portal::new().await;
    portal.replace(&batch(&[1], [row(1, 1, 2)])).await;
    let stranger = batch(&[1], [row(1, 88, 2)]);
    let ingest = portal.model.replace(&stranger).unwrap().skip_unknown();
    let error = portal.try_ingest(ingest.clone()).await.unwrap_err();
    let error = error.rejected().unwrap();
    assert!(error.is_empty_batch());
    assert_eq!(error.unknown_ids().unwrap().consumers().collect::<Vec<_>>(), [consumer(88)]);
    assert_eq!(
        error.to_string(),
        format!(
            "every row of the batch names an unknown id, so nothing would be left in its whole scope: \
             unknown consumer {}",
            consumer(88)
        )
    );
    assert_eq!(portal.contents(QUERY_STATS).await.len(), 1);

    let upsert = portal.model.upsert(&stranger).unwrap().skip_unknown();
    assert_eq!(counts(portal.try_ingest(upsert).await.unwrap().queries), (0, 0, 0, 1));
    let outcome = portal.try_ingest(ingest.allow_empty()).await.unwrap();
    assert_eq!(counts(outcome.queries), (0, 0, 1, 1));
}

#[tokio::test]
async fn ids_of_a_kept_reference_are_never_unknown() {
    let consumers = Reference::to("data_products").schema("portal").on_delete(OnDelete::Keep);
    let portal = Portal::with(builder().consumers(consumers).build().unwrap()).await;
    let ingest = portal.model.replace(&batch(&[1], [row(1, 88, 2)])).unwrap().skip_unknown();
    let outcome = portal.try_ingest(ingest).await.unwrap();
    assert_eq!((counts(outcome.queries), outcome.unknown.is_empty()), ((1, 0, 0, 0), true));
}
