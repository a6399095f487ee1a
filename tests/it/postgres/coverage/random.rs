//! Random histories of writes: coverage, gaps and every chart's flags equal a plain set of days.

use std::cell::Cell;
use std::ops::Range;

use chrono::{Days, NaiveDate};
use futures_util::stream;
use output_port_usage::chart::*;
use output_port_usage::*;
use proptest::prelude::*;
use uuid::Uuid;

use crate::chart::random::GRANULARITIES;
use crate::driver::twins_agree::twins::connect;
use crate::kept::{self, Kept};
use crate::portal::{COVERAGE, Portal, asset, builder, consumer, day, port, queries, scope, touches};
use crate::postgres::writes_random::empty;
use crate::rows::Listed;
use crate::sample;

/// Around the end of a leap February, with the year before in reach of comparisons.
const FIRST: (i32, u32, u32) = (2028, 2, 14);
const PORTS: u128 = 3;

#[derive(Debug, Clone)]
struct Stated {
    from: u64,
    length: u64,
    back: u64,
    ports: u8,
    /// How many of the last days are unsettled.
    unsettled: u64,
    /// By which rules: none, or one of two.
    rules: u8,
}

#[derive(Debug, Clone)]
enum Step {
    Replace(Stated),
    Backfill(Stated, u64),
    Upsert(Stated),
    Declare(Stated),
    Purge(u64),
    Delete(u64, u128),
}

impl Stated {
    fn days(&self) -> Range<NaiveDate> {
        let from = first() + Days::new(self.from) - Days::new(self.back);
        from..from + Days::new(self.length)
    }

    fn scope(&self) -> Scope {
        scope(self.days(), (0..PORTS).filter(|of| self.ports & (1 << of) != 0).map(port))
    }

    fn unsettled_from(&self) -> Option<NaiveDate> {
        (self.unsettled > 0).then(|| self.days().end - Days::new(self.unsettled.min(self.length)))
    }

    fn batch(&self) -> UsageBatch {
        let (days, scope) = (self.days(), self.scope());
        let mut rows = (Vec::new(), Vec::new());
        for &of in scope.output_ports() {
            rows.0.push(queries(days.start, of, consumer(1), 2));
            rows.1.push(touches(days.start, of, asset(1), consumer(1), 2));
        }
        UsageBatch::builder(scope)
            .queries(rows.0)
            .touches(rows.1)
            .unsettled_from(self.unsettled_from())
            .rules(Rules::new((0..PORTS).filter_map(|of| Some((port(of), fingerprint(self.rules)?)))))
            .build()
    }
}

fn first() -> NaiveDate {
    let (year, month, of_month) = FIRST;
    day(year, month, of_month)
}

fn fingerprint(rules: u8) -> Option<Uuid> {
    (rules > 0).then(|| Uuid::from_u128(0xf000 + u128::from(rules)))
}

fn stated() -> impl Strategy<Value = Stated> {
    let back = prop_oneof![3 => Just(0u64), 1 => Just(364), 1 => Just(366)];
    (0..20u64, 1..16u64, back, 1..8u8, 0..4u64, 0..3u8).prop_map(
        |(from, length, back, ports, unsettled, rules)| Stated {
            from,
            length,
            back,
            ports,
            unsettled,
            rules,
        },
    )
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => stated().prop_map(Step::Replace),
        2 => (stated(), 1..8u64).prop_map(|(stated, part)| Step::Backfill(stated, part)),
        1 => stated().prop_map(Step::Upsert),
        1 => stated().prop_map(Step::Declare),
        1 => (0..36u64).prop_map(Step::Purge),
        1 => (0..36u64, 0..PORTS).prop_map(|(day, of)| Step::Delete(day, of)),
    ];
    prop::collection::vec(step, 1..7)
}

#[test]
fn coverage_after_random_histories_equals_a_plain_set_of_days() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let portal = runtime.block_on(Portal::with(builder().combinations().coverage().build().unwrap()));
    let client = runtime.block_on(connect(&portal));
    let met = Cell::new([0; 4]);
    let asked = (0..30u64, 1..30u64);
    sample::runner(48)
        .run(&(steps(), asked), |(steps, (from, length))| {
            runtime.block_on(async {
                empty(&portal).await;
                let table = "DELETE FROM usage.output_port_usage_coverage";
                sqlx::query(table).execute(&portal.pool).await.unwrap();
                let mut kept = Kept::default();
                for step in &steps {
                    run(&portal, &mut kept, step).await;
                }
                let both = Both { portal: &portal, client: &client };
                let days = first() + Days::new(from)..first() + Days::new(from + length);
                reports_agree(&both, &kept, &days).await;
                charts_of_all_agree(&both, &kept, &days).await;
                for of in (0..PORTS).map(port) {
                    charts_agree(&both, &kept, of, &days, &met).await;
                    comparisons_agree(&both, &kept, of, &days).await;
                }
            });
            Ok(())
        })
        .unwrap();
    // the histories must meet every flag
    assert!(!sample::is_whole() || met.get().iter().all(|count| *count > 20), "{:?}", met.get());
}

async fn run(portal: &Portal, kept: &mut Kept, step: &Step) {
    let by = |rules: u8| move |_| fingerprint(rules);
    match step {
        Step::Replace(stated) => {
            let outcome = portal.replace(&stated.batch()).await;
            let changed = kept.mark(&stated.scope(), stated.unsettled_from(), by(stated.rules));
            assert_eq!(outcome.coverage, Some(changed), "{step:?}");
            let again = portal.versions(COVERAGE).await;
            assert_eq!(portal.replace(&stated.batch()).await.coverage, Some(0));
            assert_eq!(portal.versions(COVERAGE).await, again);
        }
        Step::Backfill(stated, part) => {
            let mut batches = Vec::new();
            let mut from = stated.days().start;
            while from < stated.days().end {
                let until = stated.days().end.min(from + Days::new(*part));
                let of_part = scope(from..until, stated.scope().output_ports().iter().copied());
                let unsettled = stated.unsettled_from().map(|day| day.max(from)).filter(|day| *day < until);
                let rows = of_part.output_ports().iter().map(|of| queries(from, *of, consumer(2), 1));
                let batch = UsageBatch::builder(of_part.clone()).queries(rows.collect());
                batches.push(Ok::<_, Error>(
                    batch.unsettled_from(unsettled).rules(stated.batch().rules().clone()).build(),
                ));
                from = until;
            }
            let mut transaction = portal.pool.begin().await.unwrap();
            let backfill = portal.model.backfill(stated.scope()).unwrap().replace_existing();
            let outcome = backfill.run_sqlx(&mut transaction, stream::iter(batches)).await.unwrap();
            transaction.commit().await.unwrap();
            let changed = kept.mark(&stated.scope(), stated.unsettled_from(), by(stated.rules));
            assert_eq!(outcome.coverage, Some(changed), "{step:?}");
        }
        Step::Upsert(stated) => {
            let upsert = portal.model.upsert(&stated.batch()).unwrap();
            assert_eq!(portal.try_ingest(upsert).await.unwrap().coverage, None);
        }
        Step::Declare(stated) => {
            let outcome =
                portal.try_ingest(portal.model.declare_measured(&stated.scope()).unwrap()).await.unwrap();
            assert_eq!(outcome.coverage, Some(kept.mark(&stated.scope(), None, by(0))), "{step:?}");
        }
        Step::Purge(offset) => {
            let before = first() + Days::new(*offset);
            let outcome = portal.remove(portal.model.purge(&Purge::before(before)).unwrap()).await;
            assert_eq!(outcome.coverage, Some(kept.purge(before)), "{step:?}");
        }
        Step::Delete(offset, of) => {
            let day = first() + Days::new(*offset);
            let delete = portal.model.delete(port(*of), consumer(1), day).unwrap();
            assert_eq!(portal.remove(delete).await.coverage, None);
        }
    }
}

/// One portal, read by both drivers.
/// A portal that both drivers read.
pub(crate) struct Both<'a> {
    pub(crate) portal: &'a Portal,
    pub(crate) client: &'a tokio_postgres::Client,
}

impl Both<'_> {
    async fn query<R>(&self, query: impl Fn() -> Query<R>) -> Vec<R>
    where
        R: Listed + PartialEq + std::fmt::Debug,
    {
        let by_sqlx: Vec<R> = query().into_sqlx().fetch_all(&self.portal.pool).await.unwrap();
        let query = query().into_tokio_postgres();
        let rows = self.client.query_typed(query.sql(), &query.params()).await.unwrap();
        assert_eq!(by_sqlx, query.decode(&rows).unwrap());
        by_sqlx
    }

    pub(crate) async fn rows<C: Chart>(&self, chart: &C) -> Vec<C::Row>
    where
        C::Row: Listed,
    {
        self.query(|| self.portal.model.query(chart).unwrap()).await
    }
}

async fn reports_agree(both: &Both<'_>, kept: &Kept, days: &Range<NaiveDate>) {
    // the last is an output port that nobody ever measured
    let ports = (0..=PORTS).map(port);
    let reports = both.query(|| both.portal.model.coverage(ports.clone()).unwrap()).await;
    let read: Vec<_> = reports
        .iter()
        .map(|row| {
            let of = (row.first_measured, row.last_measured, row.settled_until, row.missing_days);
            (row.output_port_id, of)
        })
        .collect();
    assert_eq!(read, ports.clone().map(|of| (of, kept.report(of))).collect::<Vec<_>>());
    for rules in 0..3 {
        let asked = scope(days.clone(), ports.clone());
        let by = Rules::new(ports.clone().filter_map(|of| Some((of, fingerprint(rules)?))));
        let gaps = Gaps::of(asked.clone()).counted_by(by);
        let gaps = both.query(|| both.portal.model.gaps(&gaps).unwrap()).await;
        let mut read = Vec::new();
        for gap in &gaps {
            read.extend(crate::fold::days(&gap.days).map(|day| (gap.output_port_id, day, gap.reason)));
        }
        assert_eq!(read, kept.gaps(&asked, |_| fingerprint(rules)));
        let mut all: Vec<NaiveDate> = read.iter().map(|(_, day, _)| *day).collect();
        all.sort_unstable();
        all.dedup();
        let healed = Gap::days(&gaps);
        assert_eq!(healed.iter().flat_map(crate::fold::days).collect::<Vec<_>>(), all);
        assert!(healed.windows(2).all(|pair| pair[0].end < pair[1].start), "{healed:?}");
    }
}

async fn charts_agree(
    both: &Both<'_>,
    kept: &Kept,
    of: OutputPortId,
    days: &Range<NaiveDate>,
    met: &Cell<[u32; 4]>,
) {
    let whole = kept.of(of, days);
    for granularity in GRANULARITIES {
        let expected = kept.of_buckets(of, days, granularity);
        let over_time = QueriesOverTime::new(of, days.clone()).granularity(granularity);
        let points = both.rows(&over_time).await;
        let read: Vec<_> = points.iter().map(|point| point.coverage.unwrap()).collect();
        assert_eq!(read, expected, "{granularity:?}");
        let mut counts = met.get();
        read.iter().for_each(|flag| counts[*flag as usize] += 1);
        met.set(counts);

        for series in both.rows(&over_time.clone().split_by_consumer(1)).await {
            assert_eq!(series.coverage.as_ref(), Some(&expected), "{granularity:?}");
        }
        let of_ports = QueriesOverTime::of_ports([of, port(PORTS)], days.clone()).granularity(granularity);
        for series in both.rows(&of_ports).await {
            let Member::OutputPort { id, .. } = series.member else { panic!("{:?}", series.member) };
            let expected = kept.of_buckets(id, days, granularity);
            assert_eq!(series.coverage, Some(expected), "{granularity:?}");
        }
        let overview = Overview::new(of, days.clone()).granularity(granularity);
        let charts = overview.charts(both.rows(&overview).await).unwrap();
        assert_eq!(charts.over_time, points);
        assert_eq!(charts.summary.coverage, Some(whole));
        assert!(charts.split.iter().all(|series| series.coverage.as_ref() == Some(&expected)));
    }
    assert_eq!(both.rows(&Summary::new(of, days.clone())).await[0].coverage, Some(whole));
}

/// Charts of the portal, and of a tech asset that may be anywhere.
async fn charts_of_all_agree(both: &Both<'_>, kept: &Kept, days: &Range<NaiveDate>) {
    let before = Comparison::PreviousPeriod.days(days).unwrap();
    let (now, then) = (kept.of_all(days), kept.of_all(&before));
    for subject in [Subject::Portal, asset(0).into()] {
        let summary = Summary::new(subject, days.clone()).compared_with(Comparison::PreviousPeriod);
        let summary = both.rows(&summary).await;
        assert_eq!(summary[0].current.coverage, Some(now));
        check(&summary, then, now.is_complete() && then.is_complete());
        for granularity in GRANULARITIES {
            let buckets = kept::buckets(days, granularity);
            let expected: Vec<Coverage> = buckets.iter().map(|days| kept.of_all(days)).collect();
            let chart = QueriesOverTime::new(subject, days.clone()).granularity(granularity);
            let points = both.rows(&chart).await;
            let read: Vec<_> = points.iter().map(|point| point.coverage.unwrap()).collect();
            assert_eq!(read, expected, "{granularity:?}");
            for series in both.rows(&chart.of_consumer(consumer(0)).split_by_consumer(1)).await {
                assert_eq!(series.coverage.as_ref(), Some(&expected), "{granularity:?}");
            }
        }
    }
}

async fn comparisons_agree(both: &Both<'_>, kept: &Kept, of: OutputPortId, days: &Range<NaiveDate>) {
    let fewer = days.start - Days::new(6)..days.start - Days::new(2);
    for comparison in [
        Comparison::PreviousPeriod,
        Comparison::YearBefore,
        Comparison::YearBeforeByWeekday,
        Comparison::from(fewer),
    ] {
        let before = comparison.days(days).unwrap();
        let (flag_now, flag_before) = (kept.of(of, days), kept.of(of, &before));
        let complete = flag_now.is_complete() && flag_before.is_complete();
        let distribution = QueryDistribution::new(of, days.clone());
        let assets = MostPopularAssets::new(of, days.clone());
        check(&both.rows(&distribution.clone().compared_with(comparison)).await, flag_before, complete);
        check(&both.rows(&distribution.by_group().compared_with(comparison)).await, flag_before, complete);
        check(&both.rows(&assets.compared_with(comparison)).await, flag_before, complete);
        let summary = both.rows(&Summary::new(of, days.clone()).compared_with(comparison)).await;
        check(&summary, flag_before, complete);
        assert_eq!(summary[0].current.coverage, Some(flag_now));

        for granularity in GRANULARITIES {
            let chart = QueriesOverTime::new(of, days.clone()).granularity(granularity);
            let points = both.rows(&chart.compared_with(comparison)).await;
            for (point, bucket) in points.iter().zip(kept::buckets(days, granularity)) {
                // each bound of a bucket is moved as those of the whole are, and that of the leap day to 1 March
                let bound = |bound: NaiveDate| moved(bound, days, comparison).clamp(before.start, before.end);
                let before = bound(bucket.start)..bound(bucket.end);
                let (now, then) = (kept.of(of, &bucket), kept.of(of, &before));
                assert_eq!(point.current.coverage, Some(now));
                check(std::slice::from_ref(point), then, now.is_complete() && then.is_complete());
            }
        }
    }
}

/// A bound of the earlier days, by the calendar.
fn moved(bound: NaiveDate, days: &Range<NaiveDate>, comparison: Comparison) -> NaiveDate {
    match comparison {
        Comparison::PreviousPeriod => bound - (days.end - days.start),
        Comparison::YearBefore if bound == day(2028, 2, 29) => day(2027, 3, 1),
        Comparison::YearBefore => bound - chrono::Months::new(12),
        Comparison::YearBeforeByWeekday => bound - Days::new(364),
        Comparison::Days { start, .. } => bound - (days.start - start),
        other => unreachable!("{other:?}"),
    }
}

#[track_caller]
fn check<R: chart::Row>(rows: &[WithPrevious<R>], before: Coverage, complete: bool) {
    for row in rows {
        assert_eq!(row.previous_coverage, Some(before));
        assert_eq!(row.change.is_some(), complete && row.previous > 0);
    }
}
