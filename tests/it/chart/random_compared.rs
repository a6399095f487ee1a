//! Comparisons on random facts, held against plain folds: any other days, series, and what is gone.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::{Days, NaiveDate};
use output_port_usage::chart::*;
use output_port_usage::*;

use crate::chart::random::{Facts, GRANULARITIES, facts};
use crate::fold;
use crate::portal::{Portal, combination, consumer, group_of, port, scope};
use crate::sample;

#[test]
fn comparisons_of_random_facts_equal_plain_folds() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let portal = runtime.block_on(Portal::with_combinations());
    let met = Cell::new((0, 0));
    sample::runner(32)
        .run(&facts(), |facts| {
            runtime.block_on(async {
                facts.ingest(&portal).await;
                let pairs = combine(&portal, &facts).await;
                for of in (0..2).map(port) {
                    for comparison in comparisons(&facts.days) {
                        let before = comparison.days(&facts.days).unwrap();
                        let asked = Asked { portal: &portal, facts: &facts, of, comparison, before };
                        let (gone, others) = met.get();
                        met.set((
                            gone + asked.distribution_agrees().await,
                            others + asked.split_agrees().await,
                        ));
                        asked.buckets_agree().await;
                        asked.combined_agree(&pairs).await;
                        asked.assets_agree().await;
                        asked.ports_agree().await;
                    }
                }
            });
            Ok(())
        })
        .unwrap();
    let (gone, others) = met.get();
    assert!(
        gone > 20 && others > 20 || !sample::is_whole(),
        "{gone} consumers were gone, {others} splits had an Other"
    );
}

/// The days before; fewer and more than the days, earlier, later and across them.
fn comparisons(days: &Range<NaiveDate>) -> [Comparison; 4] {
    let fewer = days.start - Days::new(9)..days.start - Days::new(2);
    let more = days.start - Days::new(20)..days.end + Days::new(3);
    [
        Comparison::PreviousPeriod,
        Comparison::from(fewer),
        Comparison::from(more),
        Comparison::from(days.end..days.end + Days::new(5)),
    ]
}

/// Combinations of each port with the next, half as many as queries of either.
async fn combine(portal: &Portal, facts: &Facts) -> Vec<Combination> {
    let mut pairs = Vec::new();
    for row in &facts.queries {
        let next = OutputPortId(uuid::Uuid::from_u128(row.output_port_id.0.as_u128() + 1));
        let other = facts.queries.iter().find(|other| {
            (other.date, other.output_port_id, other.consumer_id) == (row.date, next, row.consumer_id)
        });
        if let Some(other) = other {
            let count = row.query_count.min(other.query_count);
            pairs.push(combination(row.date, row.output_port_id, next, row.consumer_id, count));
        }
    }
    let all = scope(
        NaiveDate::from_ymd_opt(2020, 1, 1).unwrap()..NaiveDate::from_ymd_opt(2030, 1, 1).unwrap(),
        (0..4).map(port),
    );
    let batch = UsageBatch::builder(all).queries(facts.queries.clone()).combinations(pairs.clone()).build();
    portal.try_ingest(portal.model.replace(&batch).unwrap().allow_empty()).await.unwrap();
    pairs
}

fn change(now: i64, before: i64) -> Option<f64> {
    (before > 0).then(|| (now as f64 - before as f64) / before as f64)
}

struct Asked<'a> {
    portal: &'a Portal,
    facts: &'a Facts,
    of: OutputPortId,
    comparison: Comparison,
    before: Range<NaiveDate>,
}

impl Asked<'_> {
    /// Rows with what is gone: those of now by count, then the others, with Other over all of them.
    async fn distribution_agrees(&self) -> i32 {
        let chart = QueryDistribution::new(self.of, self.facts.days.clone()).top(self.facts.top);
        let now = fold::by_consumer(&self.facts.queries, self.of, &self.facts.days);
        let then = fold::by_consumer(&self.facts.queries, self.of, &self.before);
        let total: i64 = now.values().sum();
        let with_gone: BTreeMap<ConsumerId, i64> =
            now.keys().chain(then.keys()).map(|id| (*id, now.get(id).copied().unwrap_or(0))).collect();
        let gone = with_gone.values().filter(|count| **count == 0).count();
        let (top, other) = fold::ranking(with_gone, self.facts.top as usize);

        let rows = self.portal.rows(&chart.clone().compared_with(self.comparison).include_gone()).await;
        let mut rest: i64 = then.values().sum();
        let mut expected = Vec::new();
        for (id, count) in top {
            let previous = then.get(&id).copied().unwrap_or(0);
            rest -= previous;
            expected.push((Some(id), None, count, previous));
        }
        expected.extend(other.map(|(members, count)| (None, Some(members), count, rest)));
        let read = rows.iter().map(|row| {
            let (id, members) = match &row.current.member {
                Member::Consumer { id, .. } => (Some(*id), None),
                Member::Other { members } => (None, Some(*members)),
                other => panic!("{other:?}"),
            };
            (id, members, row.current.query_count, row.previous)
        });
        assert_eq!(Vec::from_iter(read), expected, "{:?}", self.comparison);
        for row in &rows {
            assert_eq!(row.change, change(row.current.query_count, row.previous));
            let share = if total == 0 { 0.0 } else { row.current.query_count as f64 / total as f64 };
            assert_eq!(row.current.share, share);
        }

        let groups = self.portal.rows(&chart.by_group().compared_with(self.comparison).include_gone()).await;
        let sum = |of: fn(&WithPrevious<QueryDistributionSlice>) -> i64| groups.iter().map(of).sum::<i64>();
        assert_eq!(sum(|row| row.current.query_count), total);
        assert_eq!(sum(|row| row.previous), then.values().sum::<i64>());
        gone as i32
    }

    /// Each series beside the sum of its members in the earlier days.
    async fn split_agrees(&self) -> i32 {
        let over_time = QueriesOverTime::new(self.of, self.facts.days.clone()).granularity(Granularity::Week);
        let then = fold::by_consumer(&self.facts.queries, self.of, &self.before);
        let now = fold::by_consumer(&self.facts.queries, self.of, &self.facts.days);
        let split = over_time.clone().split_by_consumer(self.facts.top);
        let rows = self.portal.rows(&split.clone().compared_with(self.comparison)).await;
        let alone = self.portal.rows(&split).await;
        assert_eq!(rows.iter().map(|row| row.current.clone()).collect::<Vec<_>>(), alone);
        let mut rest: i64 = now.keys().filter_map(|id| then.get(id)).sum();
        for row in &rows {
            let previous = match row.current.member {
                Member::Consumer { id, .. } => then.get(&id).copied().unwrap_or(0),
                _ => rest,
            };
            rest -= previous;
            assert_eq!((row.previous, row.change), (previous, change(row.current.query_count, previous)));
        }

        let overview = Overview::new(self.of, self.facts.days.clone()).top(self.facts.top);
        let overview = self.portal.rows(&overview.compared_with(self.comparison)).await;
        let series: Vec<_> = overview.iter().skip(1).map(|row| (row.previous, row.change)).collect();
        assert_eq!(series, rows.iter().map(|row| (row.previous, row.change)).collect::<Vec<_>>());
        let (total, before) = (now.values().sum(), then.values().sum());
        assert_eq!((overview[0].previous, overview[0].change), (before, change(total, before)));

        let by_group = over_time.split_by_group(100);
        for row in self.portal.rows(&by_group.compared_with(self.comparison)).await {
            let of_group = then.iter().filter(|(id, _)| match row.current.member {
                Member::Group { id: group, .. } => group_of(**id) == Some(group),
                _ => group_of(**id).is_none(),
            });
            assert_eq!(row.previous, of_group.map(|(_, count)| count).sum::<i64>());
        }
        i32::from(rows.iter().any(|row| matches!(row.current.member, Member::Other { .. })))
    }

    /// Each bucket beside the same bucket, moved by the distance of the first days.
    async fn buckets_agree(&self) {
        for granularity in GRANULARITIES {
            let chart = QueriesOverTime::new(self.of, self.facts.days.clone()).granularity(granularity);
            for point in self.portal.rows(&chart.compared_with(self.comparison)).await {
                let moved = |day: NaiveDate| day + (self.before.start - self.facts.days.start);
                let (start, end) = (point.current.bucket, granularity.next_bucket(point.current.bucket));
                let last = moved(end.min(self.facts.days.end));
                let days = moved(start).max(self.before.start)..last.min(self.before.end);
                let previous = match days.is_empty() {
                    true => 0,
                    false => fold::summary(&self.facts.queries, self.of, &days).0,
                };
                assert_eq!(point.previous, previous, "{granularity:?} {:?}", self.comparison);
                assert_eq!(point.change, change(point.current.query_count, previous));
            }
        }
    }

    /// Each output port beside its own earlier days, one that nobody knows included.
    async fn ports_agree(&self) {
        let ports = [port(0), self.of, port(99)];
        let chart = QueriesOverTime::of_ports(ports, self.facts.days.clone()).granularity(Granularity::Week);
        let alone = self.portal.rows(&chart).await;
        let rows = self.portal.rows(&chart.compared_with(self.comparison)).await;
        assert_eq!(rows.iter().map(|row| row.current.clone()).collect::<Vec<_>>(), alone);
        for row in rows {
            let Member::OutputPort { id, .. } = row.current.member else {
                panic!("{:?}", row.current.member)
            };
            let previous = fold::summary(&self.facts.queries, id, &self.before).0;
            assert_eq!((row.previous, row.change), (previous, change(row.current.query_count, previous)));
        }
    }

    async fn assets_agree(&self) {
        let now = fold::by_asset(&self.facts.touches, self.of, &self.facts.days);
        let then = fold::by_asset(&self.facts.touches, self.of, &self.before);
        let count = |of: &BTreeMap<TechAssetId, _>, id| {
            of.get(id).map_or(0, |asset: &(i64, BTreeSet<ConsumerId>, NaiveDate)| asset.0)
        };
        let with_gone = now.keys().chain(then.keys()).map(|id| (*id, count(&now, id))).collect();
        let (ranked, _) = fold::ranking(with_gone, self.facts.top as usize);
        let chart = MostPopularAssets::new(self.of, self.facts.days.clone()).top(self.facts.top);
        let rows = self.portal.rows(&chart.compared_with(self.comparison).include_gone()).await;
        let total: i64 = now.values().map(|asset| asset.0).sum();
        let read: Vec<_> =
            rows.iter().map(|row| (row.current.tech_asset_id, row.current.touches, row.previous)).collect();
        let expected: Vec<_> = ranked.iter().map(|(id, touches)| (*id, *touches, count(&then, id))).collect();
        assert_eq!(read, expected, "{:?}", self.comparison);
        for row in &rows {
            let of_now = now.get(&row.current.tech_asset_id);
            assert_eq!(row.current.last_used, of_now.map(|asset| asset.2));
            assert_eq!(row.current.consumers, of_now.map_or(0, |asset| asset.1.len() as i64));
            let share = if total == 0 { 0.0 } else { row.current.touches as f64 / total as f64 };
            assert_eq!(row.current.share, share);
        }
    }

    async fn combined_agree(&self, pairs: &[Combination]) {
        let now = fold::by_other_port(pairs, self.of, &self.facts.days);
        let then = fold::by_other_port(pairs, self.of, &self.before);
        let chart = MostOftenCombinedWith::new(self.of, self.facts.days.clone());
        let compared = chart.compared_with(self.comparison);
        let rows = self.portal.rows(&compared.clone()).await;
        let read: Vec<_> = rows
            .iter()
            .map(|row| (row.current.output_port_id, row.current.query_count, row.previous))
            .collect();
        let before = |id: &OutputPortId| then.get(id).copied().unwrap_or(0);
        let (ranked, _) = fold::ranking(now.clone(), 10);
        let expected: Vec<_> = ranked.iter().map(|(id, count)| (*id, *count, before(id))).collect();
        assert_eq!(read, expected);
        let rows = self.portal.rows(&compared.include_gone()).await;
        let gone = then.iter().filter(|(id, _)| !now.contains_key(id));
        let expected: Vec<_> = expected.into_iter().chain(gone.map(|(id, count)| (*id, 0, *count))).collect();
        let read: Vec<_> = rows
            .iter()
            .map(|row| (row.current.output_port_id, row.current.query_count, row.previous))
            .collect();
        assert_eq!(read, expected);
        assert!(rows.iter().all(|row| row.change == change(row.current.query_count, row.previous)));
    }
}

#[tokio::test]
async fn other_days_that_are_empty_are_refused() {
    let portal = Portal::new().await;
    let day = |day| crate::portal::day(2026, 1, day);
    let chart = QueriesOverTime::new(port(1), day(3)..day(5));
    for days in [day(2)..day(2), day(2)..day(1)] {
        let error = portal.model.query(&chart.clone().compared_with(days.clone().into())).unwrap_err();
        assert!(error.is_request(), "{error}");
        assert!(error.to_string().contains("empty or reversed"), "{error}");
    }
}

#[tokio::test]
async fn a_group_of_a_model_without_groups_is_refused_and_ids_that_no_parent_knows_have_no_use() {
    let portal = Portal::new().await;
    let days = || crate::portal::day(2026, 1, 3)..crate::portal::day(2026, 1, 5);
    let stranger = QueriesOverTime::new(port(1), days()).of_consumer(consumer(99));
    assert!(portal.rows(&stranger).await.iter().all(|point| point.query_count == 0));
    let nobody =
        QueriesOverTime::new(port(1), days()).of_group(crate::portal::group(99)).split_by_consumer(3);
    assert_eq!(portal.rows(&nobody).await, []);
    let nothing = Summary::new(crate::portal::asset(99), days());
    assert_eq!(portal.rows(&nothing).await[0].query_count, 0);

    let consumers = Reference::to("data_products").schema("portal");
    let without = crate::portal::builder().consumers(consumers).build().unwrap();
    let over_time = || QueriesOverTime::new(port(1), days());
    let group = crate::portal::group(1);
    for error in [
        without.query(&over_time().of_group(group)).unwrap_err(),
        without.query(&over_time().of_no_group().split_by_consumer(3)).unwrap_err(),
        without.query(&over_time().split_by_group(3)).unwrap_err(),
        without.query(&QueryDistribution::new(port(1), days()).of_group(group)).unwrap_err(),
        without.query(&MostPopularAssets::of_portal(days()).of_group(group)).unwrap_err(),
        without.query(&Summary::new(Subject::Portal, days()).of_no_group()).unwrap_err(),
    ] {
        assert!(error.is_configuration() && error.to_string().contains("group"), "{error}");
    }
}
