//! Coverage: written with the rows, in a table that hosts turn on when they like.

pub(crate) mod random;

use output_port_usage::*;

use crate::portal::{COVERAGE, Portal, builder, consumer, day, port, queries, scope};

fn model() -> UsageModel {
    builder().coverage().build().unwrap()
}

fn batch(days: std::ops::Range<chrono::NaiveDate>) -> UsageBatchBuilder {
    let row = queries(days.start, port(1), consumer(1), 3);
    UsageBatch::builder(scope(days, [port(1), port(2)])).queries(vec![row])
}

async fn text(portal: &Portal) -> Vec<String> {
    portal
        .contents(COVERAGE)
        .await
        .into_iter()
        .map(|row| row.replace("00000000-0000-0000-0000-0000a000000", ""))
        .collect()
}

#[tokio::test]
async fn a_replace_marks_its_scope_and_nothing_else() {
    let portal = Portal::with(model()).await;
    let first = batch(day(2026, 1, 1)..day(2026, 1, 11)).unsettled_from(day(2026, 1, 9)).build();
    assert_eq!(portal.replace(&first).await.coverage, Some(2));
    assert_eq!(
        text(&portal).await,
        [
            r#"(1,"{[2026-01-01,2026-01-11)}","{[2026-01-01,2026-01-09)}",,{})"#,
            r#"(2,"{[2026-01-01,2026-01-11)}","{[2026-01-01,2026-01-09)}",,{})"#,
        ]
    );
    // port 1 alone, after a hole, by known rules
    let days = day(2026, 1, 20)..day(2026, 1, 22);
    let row = queries(days.start, port(1), consumer(1), 3);
    let rules = Rules::new([(port(1), uuid::Uuid::from_u128(7)), (port(2), uuid::Uuid::from_u128(8))]);
    let later = UsageBatch::builder(scope(days, [port(1)])).queries(vec![row]).rules(rules).build();
    assert_eq!(portal.replace(&later).await.coverage, Some(1));
    assert_eq!(
        text(&portal).await,
        [
            r#"(1,"{[2026-01-01,2026-01-11),[2026-01-20,2026-01-22)}","{[2026-01-01,2026-01-09),[2026-01-20,2026-01-22)}",00000000-0000-0000-0000-000000000007,"{[2026-01-20,2026-01-22)}")"#,
            r#"(2,"{[2026-01-01,2026-01-11)}","{[2026-01-01,2026-01-09)}",,{})"#,
        ]
    );
    let versions = portal.versions(COVERAGE).await;
    assert_eq!(portal.replace(&later).await.coverage, Some(0));
    assert_eq!(portal.versions(COVERAGE).await, versions);
}

#[tokio::test]
async fn an_empty_scope_that_is_allowed_is_measured_and_a_refused_one_is_not() {
    let portal = Portal::with(model()).await;
    let empty = UsageBatch::builder(scope(day(2026, 1, 1)..day(2026, 1, 3), [port(1)])).build();
    let refused = portal.try_ingest(portal.model.replace(&empty).unwrap()).await.unwrap_err();
    assert!(refused.rejected().unwrap().is_empty_batch());
    assert!(text(&portal).await.is_empty());
    let allowed = portal.model.replace(&empty).unwrap().allow_empty();
    assert_eq!(portal.try_ingest(allowed).await.unwrap().coverage, Some(1));
    assert_eq!(text(&portal).await, [r#"(1,"{[2026-01-01,2026-01-03)}","{[2026-01-01,2026-01-03)}",,{})"#]);
}

#[tokio::test]
async fn an_output_port_without_a_parent_is_found_even_without_a_row() {
    let portal = Portal::with(model()).await;
    let days = day(2026, 1, 1)..day(2026, 1, 3);
    let row = queries(days.start, port(1), consumer(1), 3);
    let batch = UsageBatch::builder(scope(days, [port(1), port(77)])).queries(vec![row]).build();
    let refused = portal.try_ingest(portal.model.replace(&batch).unwrap()).await.unwrap_err();
    assert_eq!(
        refused.rejected().unwrap().unknown_ids().unwrap().output_ports().collect::<Vec<_>>(),
        [port(77)]
    );
    assert!(text(&portal).await.is_empty());
    let skipped = portal.try_ingest(portal.model.replace(&batch).unwrap().skip_unknown()).await.unwrap();
    assert_eq!((skipped.coverage, skipped.queries.written), (Some(1), 1));
    assert_eq!(skipped.unknown.output_ports().collect::<Vec<_>>(), [port(77)]);
    let unknown = portal.model.declare_measured(batch.scope()).unwrap();
    assert!(portal.try_ingest(unknown).await.unwrap_err().rejected().unwrap().unknown_ids().is_some());
}

/// An installation with data turns coverage on: its days are not measured until somebody says so.
#[tokio::test]
async fn an_installation_with_data_adopts_coverage_by_its_migration() {
    let portal = Portal::new().await;
    let days = day(2026, 1, 1)..day(2026, 2, 1);
    portal.replace(&batch(days.clone()).build()).await;
    let covered = model();
    let migrations = covered.migrations();
    let migration = migrations.last().unwrap();
    assert_eq!((migration.id(), migration.name()), (5, "usage_coverage"));
    // twice is as once
    for _ in 0..2 {
        sqlx::raw_sql(sqlx::AssertSqlSafe(migration.up())).execute(&portal.pool).await.unwrap();
    }
    let portal = Portal { model: covered, ..portal };
    let chart = chart::QueriesOverTime::new(port(1), days.clone()).granularity(Granularity::Month);
    let before = portal.rows(&chart).await;
    assert_eq!((before[0].query_count, before[0].coverage), (3, Some(chart::Coverage::NotMeasured)));
    let declared = portal.model.declare_measured(&scope(days, [port(1), port(2)])).unwrap();
    assert_eq!(portal.try_ingest(declared).await.unwrap().coverage, Some(2));
    assert_eq!(portal.rows(&chart).await[0].coverage, Some(chart::Coverage::Measured));
    sqlx::raw_sql(sqlx::AssertSqlSafe(migration.down())).execute(&portal.pool).await.unwrap();
}

#[tokio::test]
async fn deleting_an_output_port_takes_its_coverage() {
    let portal = Portal::with(model()).await;
    portal.replace(&batch(day(2026, 1, 1)..day(2026, 1, 3)).build()).await;
    portal.texts(&format!("DELETE FROM portal.datasets WHERE id = '{}' RETURNING ''", port(1))).await;
    assert_eq!(text(&portal).await.len(), 1);
}

#[tokio::test]
async fn coverage_alone_keeps_no_output_port_from_being_deleted() {
    let restrict = Reference::to("datasets").schema("portal").on_delete(OnDelete::Restrict);
    let portal = Portal::with(builder().output_ports(restrict).coverage().build().unwrap()).await;
    portal.replace(&batch(day(2026, 1, 1)..day(2026, 1, 3)).build()).await;
    let delete = |of| format!("DELETE FROM portal.datasets WHERE id = '{}'", port(of));
    let used = sqlx::raw_sql(sqlx::AssertSqlSafe(delete(1))).execute(&portal.pool).await.unwrap_err();
    assert!(
        used.as_database_error().unwrap().constraint().unwrap().contains(crate::portal::QUERY_STATS),
        "{used}"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(delete(2))).execute(&portal.pool).await.unwrap();
    assert_eq!(text(&portal).await.len(), 1);
}

#[tokio::test]
async fn a_table_that_others_filled_reads_within_the_calendar() {
    let portal = Portal::with(model()).await;
    let fill = format!(
        "ALTER TABLE usage.{COVERAGE} ALTER measured DROP NOT NULL, ALTER settled DROP NOT NULL, ALTER counted DROP NOT NULL;
         INSERT INTO usage.{COVERAGE} VALUES
            ('{}', '{{(,2026-01-03),[2026-01-05,infinity)}}', '{{(,2026-01-02)}}', NULL, '{{}}'),
            ('{}', '{{[290000-01-01,)}}', '{{[290000-01-01,)}}', NULL, '{{}}'),
            ('{}', NULL, NULL, NULL, NULL)",
        port(1),
        port(2),
        port(3),
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(fill)).execute(&portal.pool).await.unwrap();
    let rows = portal.model.coverage((1..=3).map(port)).unwrap().into_sqlx();
    let rows = rows.fetch_all(&portal.pool).await.unwrap();
    assert_eq!(rows[0].first_measured, Some(day(1, 1, 1)));
    assert_eq!(rows[0].last_measured, Some(day(9999, 12, 31)));
    assert_eq!((rows[0].settled_until, rows[0].missing_days), (Some(day(2026, 1, 2)), 2));
    for row in &rows[1..] {
        assert_eq!((row.first_measured, row.settled_until, row.missing_days), (None, None, 0));
    }
    let asked = Gaps::of(scope(day(2026, 1, 1)..day(2026, 1, 8), (1..=3).map(port)));
    let gaps = portal.model.gaps(&asked).unwrap().into_sqlx().fetch_all(&portal.pool).await.unwrap();
    let read: Vec<_> =
        gaps.iter().map(|gap| (gap.output_port_id, gap.days.start, gap.days.end, gap.reason)).collect();
    let january = |of| day(2026, 1, of);
    assert_eq!(
        read,
        [
            (port(1), january(2), january(3), GapReason::Unsettled),
            (port(1), january(3), january(5), GapReason::NeverMeasured),
            (port(1), january(5), january(8), GapReason::Unsettled),
            (port(2), january(1), january(8), GapReason::NeverMeasured),
            (port(3), january(1), january(8), GapReason::NeverMeasured),
        ]
    );
    // and a write mends the rows
    let row = queries(january(1), port(3), consumer(1), 3);
    let batch = UsageBatch::builder(scope(january(1)..january(4), [port(3)])).queries(vec![row]).build();
    assert_eq!(portal.replace(&batch).await.coverage, Some(1));
    assert!(text(&portal).await[2].starts_with(r#"(3,"{[2026-01-01,2026-01-04)}""#));
}

#[tokio::test]
async fn names_of_the_hosts_own_work_or_are_refused() {
    // a name that an upsert gives to the new row
    let named = TableNames::new("excluded").column(Column::Measured, "excluded").column(Column::Rules, "id");
    let portal = Portal::with(builder().coverage_table(named).build().unwrap()).await;
    let days = day(2026, 1, 1)..day(2026, 1, 3);
    assert_eq!(portal.replace(&batch(days.clone()).build()).await.coverage, Some(2));
    let summary = portal.rows(&chart::Summary::new(port(1), days.clone())).await;
    assert_eq!(summary[0].coverage, Some(chart::Coverage::Measured));
    assert_eq!(portal.remove(portal.model.purge(&Purge::before(days.end)).unwrap()).await.coverage, Some(2));
    // the table of the consumers' groups is a parent like others
    let taken = builder().schema("portal").coverage_table(TableNames::new("domains")).build().unwrap_err();
    assert!(taken.is_configuration());
    assert_eq!(
        taken.to_string(),
        "the table of consumer groups and the table of the coverage are both named \"domains\""
    );
}

#[test]
fn a_batch_from_json_says_nothing_that_is_not_read() {
    let days = day(2026, 1, 1)..day(2026, 1, 3);
    let batch = batch(days.clone()).unsettled_from(day(2026, 1, 2)).build();
    let json = serde_json::to_string(&batch).unwrap();
    assert_eq!(serde_json::from_str::<UsageBatch>(&json).unwrap(), batch);
    let typo = json.replace("unsettled_from", "unsettledFrom");
    let error = serde_json::from_str::<UsageBatch>(&typo).unwrap_err();
    assert!(error.to_string().starts_with("unknown field `unsettledFrom`"), "{error}");
}

#[test]
fn merged_batches_are_settled_and_counted_as_both() {
    let days = day(2026, 1, 1)..day(2026, 1, 5);
    let rules = |id| Rules::new([(port(1), uuid::Uuid::from_u128(id))]);
    let of = |unsettled, rules| batch(days.clone()).unsettled_from(unsettled).rules(rules).build();
    let two = || Rules::new([(port(1), uuid::Uuid::from_u128(3)), (port(2), uuid::Uuid::from_u128(9))]);
    let (one, other) = (of(Some(day(2026, 1, 4)), rules(5)), of(Some(day(2026, 1, 3)), two()));
    let merged = one.clone().merge(other.clone()).unwrap();
    assert_eq!(merged, other.clone().merge(one.clone()).unwrap());
    assert_eq!(merged.unsettled_from(), Some(day(2026, 1, 3)));
    assert_eq!(*merged.rules(), rules(5).merge(&two()));
    // one of which only an account knows, and one of which nobody knows the rules of a part
    assert_eq!(merged.rules().of(port(2)), two().of(port(2)));
    assert_eq!(one.clone().merge(of(None, Rules::default())).unwrap().rules().of(port(1)), None);
    let outside = of(Some(day(2026, 2, 1)), rules(5));
    for error in [one.clone().merge(outside.clone()).unwrap_err(), outside.merge(one).unwrap_err()] {
        assert!(error.is_batch() && error.to_string().contains("unsettled from 2026-02-01 on"), "{error}");
    }
}

#[tokio::test]
async fn settled_days_that_were_not_measured_are_reconciled() {
    let portal = Portal::with(model()).await;
    let days = day(2026, 1, 1)..day(2026, 2, 1);
    portal.replace(&batch(day(2026, 1, 1)..day(2026, 1, 11)).build()).await;
    let reconcile = || async {
        let query = portal.model.reconcile(days.clone()).unwrap();
        serde_json::to_string(&query.into_sqlx().fetch_all(&portal.pool).await.unwrap()).unwrap()
    };
    assert_eq!(reconcile().await, "[]");
    let refused = format!("UPDATE usage.{COVERAGE} SET settled = '{{[2026-01-01,2026-01-12)}}'");
    let error = sqlx::raw_sql(sqlx::AssertSqlSafe(refused)).execute(&portal.pool).await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("23514"));
    let wrong = format!(
        "ALTER TABLE usage.{COVERAGE} DROP CONSTRAINT {COVERAGE}_settled_check;
         UPDATE usage.{COVERAGE} SET settled = '{{(,2025-06-01),[2026-01-05,2026-01-12),[2026-01-20,2026-03-01)}}'
         WHERE output_port_id = '{}'",
        port(2)
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(wrong)).execute(&portal.pool).await.unwrap();
    // the 11th, and the 20th to the 31st
    let expected = format!(
        r#"[{{"kind":"settled_not_measured","date":"2026-01-11","output_port_id":"{}","days":13}}]"#,
        port(2)
    );
    assert_eq!(reconcile().await, expected);
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_name() {
    let without = builder().build().unwrap();
    let asked = scope(day(2026, 1, 1)..day(2026, 1, 3), [port(1)]);
    for error in [
        without.coverage([port(1)]).unwrap_err(),
        without.gaps(&Gaps::of(asked.clone())).unwrap_err(),
        without.declare_measured(&asked).unwrap_err(),
    ] {
        assert!(error.is_configuration());
        assert_eq!(error.to_string(), "the model has no table for coverage: build it with coverage()");
    }
    assert!(model().coverage([]).unwrap_err().is_request());
    assert!(model().gaps(&Gaps::of(scope(asked.days(), []))).unwrap_err().is_request());
    for (unsettled, model) in [(day(2026, 1, 3), model()), (day(2025, 12, 31), without)] {
        let error = model.replace(&batch(asked.days()).unsettled_from(unsettled).build()).unwrap_err();
        assert!(error.is_batch());
        let expected = format!(
            "the batch is unsettled from {unsettled} on, a day outside its scope: 2026-01-01 to 2026-01-03 (the end is exclusive)"
        );
        assert_eq!(error.to_string(), expected);
    }
    let named = TableNames::new("cover").column(Column::Date, "day");
    let error = builder().coverage_table(named).build().unwrap_err();
    assert_eq!(error.to_string(), "there is no column date in the coverage");
    let taken =
        builder().coverage_table(TableNames::new("output_port_query_stats_daily")).build().unwrap_err();
    assert!(taken.is_configuration(), "{taken}");
}

#[tokio::test]
async fn an_output_port_that_is_gone_leaves_no_gap_in_the_portal() {
    use output_port_usage::chart::{Coverage, Subject, Summary, Unused};

    let ports = Reference::to("datasets").schema("portal").on_delete(OnDelete::Keep);
    let portal = Portal::with(builder().output_ports(ports).coverage().build().unwrap()).await;
    portal.replace(&batch(day(2026, 1, 1)..day(2026, 1, 11)).build()).await;
    let days = || day(2026, 1, 11)..day(2026, 1, 21);
    let row = queries(days().start, port(1), consumer(1), 3);
    portal.replace(&UsageBatch::builder(scope(days(), [port(1)])).queries(vec![row]).build()).await;

    let in_short = Summary::new(Subject::Portal, days());
    let unused = Unused::consumers(days());
    assert_eq!(portal.rows(&in_short).await[0].coverage, Some(Coverage::Partly));
    assert_eq!(portal.rows(&unused).await, []);

    sqlx::query("DELETE FROM portal.datasets WHERE id = $1")
        .bind(port(2))
        .execute(&portal.pool)
        .await
        .unwrap();
    assert_eq!(portal.rows(&in_short).await[0].coverage, Some(Coverage::Measured));
    assert_eq!(portal.rows(&unused).await.len(), 19);
}
