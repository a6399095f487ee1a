//! Deleting one consumer's day on an output port, and purging what is old.

use output_port_usage::*;

use crate::portal::{
    COMBINATION_STATS, Portal, QUERY_STATS, TOUCH_STATS, asset, builder, combination, consumer, day, port,
    queries, scope, touches,
};

fn script(removal: &Removal) -> String {
    removal.statements()[2..].iter().map(|statement| format!("{statement};\n\n")).collect()
}

#[test]
fn removals_are_one_statement_a_table_behind_the_lock_of_the_ingests() {
    let model = builder().combinations().build().unwrap();
    let delete = model.delete(port(1), consumer(2), day(2026, 1, 1)).unwrap();
    let purge = model.purge(&Purge::before(day(2025, 1, 1))).unwrap();
    let row = queries(day(2026, 1, 1), port(1), consumer(1), 1);
    let batch =
        UsageBatch::builder(scope(day(2026, 1, 1)..day(2026, 1, 2), [port(1)])).queries(vec![row]).build();
    let ingest = model.replace(&batch).unwrap().statements();
    assert_eq!(delete.statements()[..2], ingest[..2]);
    assert_eq!(purge.statements()[..2], ingest[..2]);
    insta::assert_snapshot!(script(&delete), @r#"
    DELETE /* output-port-usage: delete one day of queries */ FROM "usage"."output_port_query_stats_daily"
    WHERE "output_port_id" = '00000000-0000-0000-0000-0000a0000001' AND "date" = '2026-01-01' AND "consumer_id" = '00000000-0000-0000-0000-0000c0000002'
    RETURNING 1;

    DELETE /* output-port-usage: delete one day of touches */ FROM "usage"."tech_asset_stats_daily"
    WHERE "output_port_id" = '00000000-0000-0000-0000-0000a0000001' AND "date" = '2026-01-01' AND "consumer_id" = '00000000-0000-0000-0000-0000c0000002'
    RETURNING 1;

    DELETE /* output-port-usage: delete one day of combinations */ FROM "usage"."output_port_combined_with_daily"
    WHERE ("output_port_id_1" = '00000000-0000-0000-0000-0000a0000001' OR "output_port_id_2" = '00000000-0000-0000-0000-0000a0000001') AND "date" = '2026-01-01' AND "consumer_id" = '00000000-0000-0000-0000-0000c0000002'
    RETURNING 1;
    "#);
    insta::assert_snapshot!(script(&purge), @r#"
    DELETE /* output-port-usage: purge queries */ FROM "usage"."output_port_query_stats_daily"
    WHERE "date" < '2025-01-01'
    RETURNING 1;

    DELETE /* output-port-usage: purge touches */ FROM "usage"."tech_asset_stats_daily"
    WHERE "date" < '2025-01-01'
    RETURNING 1;

    DELETE /* output-port-usage: purge combinations */ FROM "usage"."output_port_combined_with_daily"
    WHERE "date" < '2025-01-01'
    RETURNING 1;
    "#);
}

/// Ports 1, 2 and 3 by consumers 1 and 2 on 31 December, 1 and 2 January, every pair of ports combined.
async fn filled() -> Portal {
    let portal = Portal::with_combinations().await;
    let keys = || {
        (0..3).flat_map(|offset| {
            (1..4).flat_map(move |of| {
                [1, 2].map(|by| (day(2025, 12, 31) + chrono::Days::new(offset), of, consumer(by)))
            })
        })
    };
    let rows = keys().map(|(date, of, by)| queries(date, port(of), by, 3)).collect();
    let read = keys().map(|(date, of, by)| touches(date, port(of), asset(of), by, 3)).collect();
    let pairs = keys().map(|(date, of, by)| {
        let (one, other) = [(1, 2), (1, 3), (2, 3)][of as usize - 1];
        combination(date, port(one), port(other), by, 1)
    });
    let stated = scope(day(2025, 12, 31)..day(2026, 1, 3), (1..4).map(port));
    let batch = UsageBatch::builder(stated).queries(rows).touches(read).combinations(pairs.collect()).build();
    let outcome = portal.replace(&batch).await;
    assert_eq!((outcome.queries.written, outcome.combinations.unwrap().written), (18, 18));
    portal
}

fn removed(outcome: &Outcome) -> (u64, Option<u64>, Option<u64>) {
    let removed = |outcome: Option<TableOutcome>| outcome.map(|table| table.removed);
    (outcome.queries.removed, removed(outcome.touches), removed(outcome.combinations))
}

#[tokio::test]
async fn deleting_a_consumers_day_on_a_port_takes_its_pairs_on_either_side() {
    let portal = filled().await;
    let delete = || portal.model.delete(port(2), consumer(1), day(2026, 1, 1)).unwrap();
    let outcome = portal.remove(delete()).await;
    // the pairs 1 with 2 and 2 with 3; the pair 1 with 3 stays
    assert_eq!(removed(&outcome), (1, Some(1), Some(2)));
    let gone = |table: &str, port: &str| {
        format!(
            "SELECT count(*)::text FROM usage.{table}
            WHERE date = '2026-01-01' AND right(consumer_id::text, 1) = '1' AND ({port})"
        )
    };
    let of_2 = |column: &str| format!("right({column}::text, 1) = '2'");
    assert_eq!(portal.texts(&gone(QUERY_STATS, &of_2("output_port_id"))).await, ["0"]);
    assert_eq!(portal.texts(&gone(TOUCH_STATS, &of_2("output_port_id"))).await, ["0"]);
    let either = format!("{} OR {}", of_2("output_port_id_1"), of_2("output_port_id_2"));
    assert_eq!(portal.texts(&gone(COMBINATION_STATS, &either)).await, ["0"]);
    assert_eq!(portal.texts(&gone(COMBINATION_STATS, "true")).await, ["1"]);
    assert_eq!(portal.contents(QUERY_STATS).await.len(), 17);
    assert_eq!(removed(&portal.remove(delete()).await), (0, Some(0), Some(0)));
    assert!(portal.model.delete(port(2), consumer(1), day(0, 1, 1)).unwrap_err().is_request());
    assert!(portal.model.delete(port(2), consumer(1), day(10000, 1, 1)).unwrap_err().is_request());
}

#[tokio::test]
async fn purging_removes_every_day_before_the_date_and_not_that_day() {
    let portal = filled().await;
    let purge = Purge::before(day(2026, 1, 1));
    let outcome = portal.remove(portal.model.purge(&purge).unwrap()).await;
    assert_eq!(removed(&outcome), (6, Some(6), Some(6)));
    for table in [QUERY_STATS, TOUCH_STATS, COMBINATION_STATS] {
        let oldest = format!("SELECT min(date)::text FROM usage.{table}");
        assert_eq!(portal.texts(&oldest).await, ["2026-01-01"]);
    }
    assert_eq!(removed(&portal.remove(portal.model.purge(&purge).unwrap()).await), (0, Some(0), Some(0)));
    assert!(portal.model.purge(&Purge::before(day(10000, 1, 1))).unwrap_err().is_request());
}

#[test]
fn purging_days_that_are_still_to_be_replaced_is_refused_where_that_is_asked_for() {
    let model = builder().build().unwrap();
    let window = scope(day(2026, 1, 5)..day(2026, 1, 8), [port(1)]);
    let purge = |date| model.purge(&Purge::before(date).keeping(window.clone()));
    assert!(purge(day(2026, 1, 4)).is_ok());
    assert!(purge(day(2026, 1, 5)).is_ok(), "the window's first day stays");
    for date in [day(2026, 1, 6), day(2026, 1, 8), day(2026, 2, 1)] {
        assert!(purge(date).unwrap_err().is_request());
    }
    assert_eq!(
        purge(day(2026, 1, 6)).unwrap_err().to_string(),
        "purging before 2026-01-06 would remove days of a scope that is still to be replaced: \
         2026-01-05 to 2026-01-08 (the end is exclusive)"
    );
    assert!(model.purge(&Purge::before(day(2026, 2, 1))).is_ok());
}

#[tokio::test]
async fn a_model_without_combinations_removes_from_its_two_tables() {
    let portal = Portal::new().await;
    let outcome = portal.remove(portal.model.purge(&Purge::before(day(2026, 1, 1))).unwrap()).await;
    assert_eq!(removed(&outcome), (0, Some(0), None));
}

#[tokio::test]
async fn removals_refuse_repeatable_read_too() {
    let portal = filled().await;
    let mut transaction = portal.pool.begin().await.unwrap();
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        .execute(&mut *transaction)
        .await
        .unwrap();
    let removal = portal.model.purge(&Purge::before(day(2027, 1, 1))).unwrap();
    let error = removal.run_sqlx(&mut transaction).await.unwrap_err();
    assert!(error.rejected().unwrap().is_transaction());
}
