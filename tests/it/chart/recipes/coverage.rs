//! What the guide's page on coverage says.

use std::ops::Range;

use chrono::NaiveDate;
use output_port_usage::chart::{Coverage, QueriesOverTime};
use output_port_usage::query_log::{self, AccessedObject, Record};
use output_port_usage::*;

use crate::portal::{Portal, asset, builder, consumer, day, port, queries, scope};

const TODAY: (i32, u32, u32) = (2026, 7, 15);

async fn covered() -> Portal {
    Portal::with(builder().combinations().coverage().build().unwrap()).await
}

/// Two output ports; the second is of the tables of `second`.
fn attribution(second: &[&str], consumers: &[(&str, u128)]) -> Attribution {
    let mut mapping = Attribution::builder().object("db.s.one", asset(1)).tech_asset(asset(1), [port(1)]);
    for object in second {
        mapping = mapping.object(*object, asset(2));
    }
    for (user, number) in consumers {
        mapping = mapping.user(*user, consumer(*number));
    }
    mapping.tech_asset(asset(2), [port(2)]).build().unwrap()
}

/// Three queries of Ana's and one of Bo's on each day.
fn log(days: Range<NaiveDate>) -> Vec<Record> {
    let mut log = Vec::new();
    for date in days.start.iter_days().take_while(|date| days.contains(date)) {
        for (number, user, object) in
            [(1, "ANA", "DB.S.ONE"), (2, "ANA", "DB.S.TWO"), (3, "ANA", "DB.S.THREE"), (4, "BO", "DB.S.TWO")]
        {
            let mut record =
                Record::new(format!("{date}/{number}"), format!("{date}T12:00:00Z").parse().unwrap());
            record.user_name = Some(user.to_owned());
            record.direct_objects_accessed = vec![AccessedObject::new("Table", object)];
            log.push(record);
        }
    }
    log
}

/// The page's loop, with a log instead of an account; what it found, as days and reasons.
async fn heal(
    portal: &Portal,
    attribution: &Attribution,
    kept: &Range<NaiveDate>,
) -> Vec<(Range<NaiveDate>, GapReason)> {
    let asked = Gaps::of(scope(kept.clone(), attribution.output_ports())).counted_by(attribution.rules());
    let gaps = portal.model.gaps(&asked).unwrap().into_sqlx().fetch_all(&portal.pool).await.unwrap();
    for days in Gap::days(&gaps) {
        let batch = query_log::aggregate(attribution, days.clone(), log(days.clone())).unwrap();
        let today = day(TODAY.0, TODAY.1, TODAY.2);
        let batch = batch.with_unsettled_from(Some(today).filter(|today| days.contains(today)));
        portal.try_ingest(portal.model.replace(&batch).unwrap().allow_empty()).await.unwrap();
    }
    gaps.into_iter().filter(|gap| gap.output_port_id == port(2)).map(|gap| (gap.days, gap.reason)).collect()
}

#[tokio::test]
async fn gaps_are_healed_by_a_loop_that_does_not_know_what_went_wrong() {
    let july = |from, until| day(2026, 7, from)..day(2026, 7, until);
    let kept = july(1, 16);
    let portal = covered().await;
    let ana: [(&str, u128); 1] = [("ana", 1)];
    let first = attribution(&["db.s.two"], &ana);
    assert_eq!(heal(&portal, &first, &kept).await, [(kept.clone(), GapReason::NeverMeasured)]);
    assert_eq!(heal(&portal, &first, &kept).await, [(july(15, 16), GapReason::Unsettled)]);

    for (mapping, queries_a_day) in [
        (attribution(&["db.s.two", "db.s.three"], &ana), 2),
        (attribution(&["db.s.two", "db.s.three"], &[("ana", 1), ("bo", 2)]), 3),
        (first, 1),
    ] {
        let found = heal(&portal, &mapping, &kept).await;
        assert_eq!(found, [(july(1, 15), GapReason::OtherRules), (july(15, 16), GapReason::Unsettled)]);
        let total =
            portal.rows(&QueriesOverTime::new(port(2), kept.clone()).granularity(Granularity::Year)).await;
        assert_eq!(total[0].query_count, 15 * queries_a_day);
        assert_eq!(heal(&portal, &mapping, &kept).await, [(july(15, 16), GapReason::Unsettled)]);
    }
}

#[tokio::test]
async fn two_accounts_are_asked_for_by_their_merged_rules() {
    let portal = covered().await;
    let days = day(2026, 7, 1)..day(2026, 7, 4);
    let (one, other) =
        (attribution(&["db.s.two"], &[("ana", 1)]), attribution(&["db.s.three"], &[("bo", 2)]));
    let count = |of: &Attribution| query_log::aggregate(of, days.clone(), log(days.clone())).unwrap();
    portal.replace(&count(&one).merge(count(&other)).unwrap()).await;
    let gaps = async |rules| {
        let asked = Gaps::of(scope(days.clone(), [port(1)])).counted_by(rules);
        let gaps = portal.model.gaps(&asked).unwrap().into_sqlx().fetch_all(&portal.pool).await.unwrap();
        gaps.into_iter().map(|gap| gap.reason).collect::<Vec<_>>()
    };
    assert_eq!(gaps(one.rules().merge(&other.rules())).await, []);
    assert_eq!(gaps(other.rules().merge(&one.rules())).await, []);
    assert_eq!(gaps(one.rules()).await, [GapReason::OtherRules]);
}

#[tokio::test]
async fn declaring_days_that_were_counted_by_known_rules_forgets_these() {
    let portal = covered().await;
    let mapping = attribution(&["db.s.two"], &[("ana", 1)]);
    let kept = day(2026, 7, 1)..day(2026, 7, 11);
    heal(&portal, &mapping, &kept).await;
    assert_eq!(heal(&portal, &mapping, &kept).await, []);
    let declared = day(2026, 7, 3)..day(2026, 7, 5);
    let ingest = portal.model.declare_measured(&scope(declared.clone(), [port(2)])).unwrap();
    portal.try_ingest(ingest).await.unwrap();
    assert_eq!(heal(&portal, &mapping, &kept).await, [(declared, GapReason::OtherRules)]);
}

#[tokio::test]
async fn rows_that_are_skipped_leave_their_day_measured_without_them() {
    let portal = covered().await;
    let days = day(2026, 7, 1)..day(2026, 7, 2);
    let rows =
        vec![queries(days.start, port(1), consumer(1), 2), queries(days.start, port(1), consumer(77), 5)];
    let batch = UsageBatch::builder(scope(days.clone(), [port(1)])).queries(rows).build();
    let outcome = portal.try_ingest(portal.model.replace(&batch).unwrap().skip_unknown()).await.unwrap();
    assert_eq!(outcome.unknown.consumers().collect::<Vec<_>>(), [consumer(77)]);
    let points = portal.rows(&QueriesOverTime::new(port(1), days)).await;
    assert_eq!((points[0].query_count, points[0].coverage), (2, Some(Coverage::Measured)));
}

#[tokio::test]
async fn a_bucket_that_reaches_into_days_to_come_is_partly_measured() {
    let portal = covered().await;
    let measured = day(2026, 6, 1)..day(2026, 7, 16);
    let row = queries(measured.start, port(1), consumer(1), 2);
    let batch = UsageBatch::builder(scope(measured.clone(), [port(1)])).queries(vec![row]);
    portal.replace(&batch.unsettled_from(day(2026, 7, 15)).build()).await;
    let flags = async |days| {
        let months = QueriesOverTime::new(port(1), days).granularity(Granularity::Month);
        portal
            .rows(&months)
            .await
            .into_iter()
            .map(|month| (month.coverage.unwrap(), month.partial))
            .collect::<Vec<_>>()
    };
    let asked = last_days(30, day(TODAY.0, TODAY.1, TODAY.2));
    assert_eq!(
        flags(Granularity::Month.expand(asked.clone())).await,
        [(Coverage::Measured, false), (Coverage::Partly, false)]
    );
    assert_eq!(
        flags(Granularity::Month.expand_start(asked)).await,
        [(Coverage::Measured, false), (Coverage::Unsettled, true)]
    );
}
