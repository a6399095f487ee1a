//! Charts of every subject for anyone, a consumer, a group and no group, held against plain folds of random facts.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::NaiveDate;
use output_port_usage::chart::*;
use output_port_usage::*;
use proptest::strategy::Strategy;

use crate::chart::random::{Facts, GRANULARITIES, facts};
use crate::fold::subject::{Counted, Who, queries, sums, touches};
use crate::fold::{bucket, days, ranking};
use crate::portal::{Portal, asset, builder, consumer, group, group_of, port};
use crate::sample;

#[test]
fn charts_of_every_subject_for_anyone_equal_plain_folds() {
    agree(builder(), "", group_of);
}

#[test]
fn charts_of_every_subject_equal_plain_folds_with_every_way_to_read() {
    agree(builder().read_by_consumer().read_by_tech_asset(), "", group_of);
}

#[test]
fn charts_of_every_subject_equal_plain_folds_in_the_forms_for_citus() {
    agree(builder().read_by_consumer().read_by_tech_asset().on_citus(), "", group_of);
}

/// Parents without foreign keys: port 1, asset 1 and consumer 1 are gone, and port 2, asset 2, consumer 2 and every group
/// are there more than once.
#[test]
fn charts_of_every_subject_equal_plain_folds_where_parents_are_gone_or_repeat() {
    let keep = |table| Reference::to(table).schema("portal").label("name").on_delete(OnDelete::Keep);
    let domains = Reference::to("domains").schema("portal").label("name");
    let builder = builder()
        .output_ports(keep("datasets"))
        .consumers(keep("data_products").group("domain_id", domains))
        .tech_assets(keep("technical_assets"));
    let change = format!(
        "ALTER TABLE portal.data_products DROP CONSTRAINT data_products_pkey;
         ALTER TABLE portal.domains DROP CONSTRAINT domains_pkey CASCADE;
         INSERT INTO portal.domains SELECT id, 'again ' || name FROM portal.domains;
         ALTER TABLE portal.datasets DROP CONSTRAINT datasets_pkey;
         INSERT INTO portal.datasets SELECT id, 'again ' || name FROM portal.datasets WHERE id = '{port_2}';
         ALTER TABLE portal.technical_assets DROP CONSTRAINT technical_assets_pkey;
         INSERT INTO portal.technical_assets SELECT id, 'again' FROM portal.technical_assets WHERE id = '{asset_2}';
         INSERT INTO portal.data_products VALUES ('{twice}', 'a second name', '{other}'), ('{twice}', 'a third', NULL);
         DELETE FROM portal.datasets WHERE id = '{port}';
         DELETE FROM portal.technical_assets WHERE id = '{asset}';
         DELETE FROM portal.data_products WHERE id = '{gone}'",
        twice = consumer(2),
        other = group(5),
        port_2 = port(2),
        asset_2 = asset(2),
        port = port(1),
        asset = asset(1),
        gone = consumer(1),
    );
    // of its groups 0 and 5, consumer 2 is in the smaller; consumer 1 is in none
    agree(builder, &change, |id| if id == consumer(1) { None } else { group_of(id) });
}

type GroupOf = fn(ConsumerId) -> Option<GroupId>;

fn agree(builder: UsageModelBuilder, change: &str, group_of: GroupOf) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let portal = runtime.block_on(async {
        let portal = Portal::with(builder.build().unwrap()).await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(change)).execute(&portal.pool).await.unwrap();
        portal
    });
    let met = Cell::new(0);
    sample::runner(12)
        .run(&facts().prop_filter("some facts", |facts| !facts.queries.is_empty()), |facts| {
            runtime.block_on(async {
                facts.ingest(&portal).await;
                for subject in SUBJECTS {
                    for who in whos() {
                        let of = Asked { portal: &portal, facts: &facts, subject: subject(), who, group_of };
                        met.set(met.get() + of.agrees().await);
                    }
                }
            });
            Ok(())
        })
        .unwrap();
    assert!(met.get() > 100 || !sample::is_whole(), "{} charts had queries", met.get());
}

const SUBJECTS: [fn() -> Subject; 4] = [
    || port(2).into(),
    || asset(1).into(),
    || Subject::TechAssetOfPort { id: asset(1), output_port_id: port(2) },
    || Subject::Portal,
];

fn whos() -> [Who; 6] {
    let of = |number| Who::Consumer(consumer(number));
    [Who::Anyone, of(1), of(2), Who::Group(group(0)), Who::Group(group(1)), Who::NoGroup]
}

/// A subject, for someone.
struct Asked<'a> {
    portal: &'a Portal,
    facts: &'a Facts,
    subject: Subject,
    who: Who,
    group_of: GroupOf,
}

/// Asks a request for those that a [`Who`] stands for.
macro_rules! of {
    ($chart:expr, $who:expr) => {
        match $who {
            Who::Anyone => $chart,
            Who::Consumer(id) => $chart.of_consumer(id),
            Who::Group(id) => $chart.of_group(id),
            Who::NoGroup => $chart.of_no_group(),
        }
    };
}

impl Asked<'_> {
    async fn agrees(&self) -> u32 {
        let counted = self.of(queries(self.all(), self.subject, &self.facts.days));
        self.over_time_agrees(&counted).await;
        self.summary_agrees(&counted).await;
        self.distribution_agrees(&counted).await;
        self.split_agrees(&counted).await;
        if !matches!(self.subject, Subject::TechAsset { .. } | Subject::TechAssetOfPort { .. }) {
            self.assets_agree().await;
        }
        if self.subject == Subject::Portal {
            self.ports_agree(&counted).await;
        }
        u32::from(!counted.is_empty())
    }

    /// The output ports that they read, with those that they read only before.
    async fn ports_agree(&self, counted: &[Counted<OutputPortId>]) {
        let before = Comparison::PreviousPeriod.days(&self.facts.days).unwrap();
        let before = sums(&self.of(queries(self.all(), Subject::Portal, &before)), |fact| fact.of);
        let now = sums(counted, |fact| fact.of);
        let total: i64 = now.values().map(|sum| sum.0).sum();
        for gone in [false, true] {
            let chart = MostUsedPorts::new(self.facts.days.clone()).top(self.facts.top);
            let chart = of!(chart, self.who).compared_with(Comparison::PreviousPeriod);
            let chart = if gone { chart.include_gone() } else { chart };
            let ids = now.keys().chain(before.keys().filter(|_| gone));
            let counts = ids.map(|id| (*id, now.get(id).map_or(0, |sum| sum.0))).collect();
            let (top, _) = ranking(counts, self.facts.top as usize);
            let rows = self.portal.rows(&chart).await;
            let read: Vec<_> =
                rows.iter().map(|row| (row.current.output_port_id, row.current.query_count)).collect();
            assert_eq!(read, top, "{:?} {gone}", self.who);
            for row in &rows {
                let id = row.current.output_port_id;
                let of_port = counted.iter().filter(|fact| fact.of == id);
                let consumers: BTreeSet<ConsumerId> = of_port.map(|fact| fact.by).collect();
                assert_eq!(row.current.consumers, consumers.len() as i64);
                assert_eq!(row.current.last_used, now.get(&id).map(|sum| sum.1));
                assert_eq!(row.previous, before.get(&id).map_or(0, |sum| sum.0));
                let share = if total == 0 { 0.0 } else { row.current.query_count as f64 / total as f64 };
                assert_eq!(row.current.share, share);
            }
        }
    }

    fn all(&self) -> (&[OutputPortQueries], &[TechAssetTouches]) {
        (&self.facts.queries, &self.facts.touches)
    }

    /// The facts of those that are counted.
    fn of<Id>(&self, mut counted: Vec<Counted<Id>>) -> Vec<Counted<Id>> {
        counted.retain(|fact| self.who.holds(fact.by, self.group_of));
        counted
    }

    fn buckets<Id: Copy>(
        &self,
        granularity: Granularity,
        counted: &[Counted<Id>],
    ) -> BTreeMap<NaiveDate, i64> {
        let range: &Range<NaiveDate> = &self.facts.days;
        let mut points: BTreeMap<NaiveDate, i64> = BTreeMap::new();
        for day in days(range) {
            let of_day: i64 = counted.iter().filter(|fact| fact.date == day).map(|fact| fact.count).sum();
            *points.entry(bucket(granularity, day)).or_default() += of_day;
        }
        points
    }

    async fn over_time_agrees(&self, counted: &[Counted<OutputPortId>]) {
        for granularity in GRANULARITIES {
            let chart = QueriesOverTime::new(self.subject, self.facts.days.clone()).granularity(granularity);
            let chart = of!(chart, self.who);
            let points = self.portal.rows(&chart).await;
            let read: Vec<_> = points.iter().map(|point| (point.bucket, point.query_count)).collect();
            let expected = self.buckets(granularity, counted);
            assert_eq!(read, Vec::from_iter(expected), "{:?} {:?} {granularity:?}", self.subject, self.who);

            let before = Comparison::PreviousPeriod.days(&self.facts.days).unwrap();
            let before = self.of(queries(self.all(), self.subject, &before));
            let compared = self.portal.rows(&chart.compared_with(Comparison::PreviousPeriod)).await;
            let previous: i64 = compared.iter().map(|point| point.previous).sum();
            assert_eq!(previous, before.iter().map(|fact| fact.count).sum::<i64>());
        }
    }

    async fn summary_agrees(&self, counted: &[Counted<OutputPortId>]) {
        let chart = of!(Summary::new(self.subject, self.facts.days.clone()), self.who);
        let rows = self.portal.rows(&chart).await;
        let read: Vec<_> =
            rows.iter().map(|row| (row.query_count, row.consumers, row.active_days, row.last_used)).collect();
        let active: BTreeSet<NaiveDate> = counted.iter().map(|fact| fact.date).collect();
        let consumers: BTreeSet<ConsumerId> = counted.iter().map(|fact| fact.by).collect();
        let sum = counted.iter().map(|fact| fact.count).sum();
        assert_eq!(read, [(sum, consumers.len() as i64, active.len() as i64, active.last().copied())]);
    }

    async fn distribution_agrees(&self, counted: &[Counted<OutputPortId>]) {
        let top = self.facts.top;
        let chart = QueryDistribution::new(self.subject, self.facts.days.clone()).top(top).with_last_used();
        let chart = match self.who {
            Who::Anyone => chart,
            Who::Group(id) => chart.of_group(id),
            Who::NoGroup => chart.of_no_group(),
            Who::Consumer(_) => return,
        };
        let by_consumer = sums(counted, |fact| fact.by);
        let slices = self.portal.rows(&chart).await;
        let read: Vec<_> = slices.iter().map(|s| (key(&s.member), s.query_count, s.last_used)).collect();
        assert_eq!(read, members(by_consumer, top, Key::Consumer), "{:?} {:?}", self.subject, self.who);
        let total: i64 = counted.iter().map(|fact| fact.count).sum();
        assert!(slices.iter().all(|slice| slice.share == slice.query_count as f64 / total as f64));

        let slices = self.portal.rows(&chart.by_group()).await;
        let read: Vec<_> = slices.iter().map(|s| (key(&s.member), s.query_count, s.last_used)).collect();
        assert_eq!(read, self.groups(counted), "{:?} {:?}", self.subject, self.who);
    }

    /// The top groups, those without one, and Other.
    fn groups(&self, counted: &[Counted<OutputPortId>]) -> Vec<(Key, i64, Option<NaiveDate>)> {
        let mut by_group = sums(counted, |fact| (self.group_of)(fact.by));
        let none = by_group.remove(&None);
        let by_group = by_group.into_iter().map(|(id, sum)| (id.unwrap(), sum)).collect();
        let mut expected = members(by_group, self.facts.top, Key::Group);
        let other = expected.pop_if(|(key, ..)| matches!(key, Key::Other(_)));
        expected.extend(none.map(|(count, last)| (Key::NoGroup, count, Some(last))));
        expected.extend(other);
        expected
    }

    async fn split_agrees(&self, counted: &[Counted<OutputPortId>]) {
        for granularity in [Granularity::Day, Granularity::Week, Granularity::Month] {
            let chart = QueriesOverTime::new(self.subject, self.facts.days.clone()).granularity(granularity);
            let chart = of!(chart, self.who);
            let by_consumer = chart.clone().split_by_consumer(self.facts.top);
            let expected = members(sums(counted, |fact| fact.by), self.facts.top, Key::Consumer);
            self.series_agree(&by_consumer, counted, granularity, &expected, |fact| Key::Consumer(fact.by))
                .await;
            let by_group = chart.clone().split_by_group(self.facts.top);
            let of_group =
                |fact: &Counted<OutputPortId>| (self.group_of)(fact.by).map_or(Key::NoGroup, Key::Group);
            self.series_agree(&by_group, counted, granularity, &self.groups(counted), of_group).await;
            let by_port = chart.split_by_port(self.facts.top);
            if self.subject != Subject::Portal {
                assert!(self.portal.model.query(&by_port).unwrap_err().is_request());
                continue;
            }
            let expected = members(sums(counted, |fact| fact.of), self.facts.top, Key::OutputPort);
            self.series_agree(&by_port, counted, granularity, &expected, |fact| Key::OutputPort(fact.of))
                .await;
        }
    }

    async fn series_agree(
        &self,
        chart: &QueriesOverTimeSplit,
        counted: &[Counted<OutputPortId>],
        granularity: Granularity,
        expected: &[(Key, i64, Option<NaiveDate>)],
        of: impl Fn(&Counted<OutputPortId>) -> Key,
    ) {
        let series = self.portal.rows(chart).await;
        let read: Vec<_> = series.iter().map(|s| (key(&s.member), s.query_count)).collect();
        let members: Vec<_> = expected.iter().map(|(key, count, _)| (*key, *count)).collect();
        assert_eq!(read, members, "{chart:?} {granularity:?}");
        let shown: Vec<Key> = expected.iter().map(|(key, ..)| *key).collect();
        for (series, shown_key) in series.iter().zip(&shown) {
            let facts = counted.iter().filter(|fact| match shown_key {
                Key::Other(_) => !shown.contains(&of(fact)),
                key => of(fact) == *key,
            });
            let facts: Vec<_> = facts.copied().collect();
            let counts: Vec<i64> = self.buckets(granularity, &facts).into_values().collect();
            assert_eq!(series.counts, counts, "{chart:?} {granularity:?} {shown_key:?}");
        }
    }

    async fn assets_agree(&self) {
        let (chart, touched) = match self.subject {
            Subject::OutputPort { id } => {
                let chart = MostPopularAssets::new(id, self.facts.days.clone());
                (chart, touches(&self.facts.touches, Some(id), &self.facts.days))
            }
            _ => {
                let chart = MostPopularAssets::of_portal(self.facts.days.clone());
                (chart, touches(&self.facts.touches, None, &self.facts.days))
            }
        };
        let touched = self.of(touched);
        let total: i64 = touched.iter().map(|fact| fact.count).sum();
        let by_asset = sums(&touched, |fact| fact.of);
        let (top, _) =
            ranking(by_asset.iter().map(|(id, sum)| (*id, sum.0)).collect(), self.facts.top as usize);
        let rows = self.portal.rows(&of!(chart.top(self.facts.top), self.who)).await;
        let read: Vec<_> = rows.iter().map(|row| (row.tech_asset_id, row.touches)).collect();
        assert_eq!(read, top, "{:?} {:?}", self.subject, self.who);
        for row in &rows {
            let of_row = touched.iter().filter(|fact| fact.of == row.tech_asset_id);
            let consumers: BTreeSet<ConsumerId> = of_row.map(|fact| fact.by).collect();
            assert_eq!(row.consumers, consumers.len() as i64);
            assert_eq!(row.last_used, Some(by_asset[&row.tech_asset_id].1));
            assert_eq!(row.share, row.touches as f64 / total as f64);
        }
    }
}

/// A member without its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Consumer(ConsumerId),
    Group(GroupId),
    OutputPort(OutputPortId),
    NoGroup,
    Other(i64),
}

fn key(member: &Member) -> Key {
    match member {
        Member::Consumer { id, .. } => Key::Consumer(*id),
        Member::Group { id, .. } => Key::Group(*id),
        Member::OutputPort { id, .. } => Key::OutputPort(*id),
        Member::NoGroup => Key::NoGroup,
        Member::Other { members } => Key::Other(*members),
        other => panic!("{other:?}"),
    }
}

/// The top of a ranking and Other, with counts and last days.
fn members<Id: Ord + Copy>(
    sums: BTreeMap<Id, (i64, NaiveDate)>,
    top: u32,
    key: fn(Id) -> Key,
) -> Vec<(Key, i64, Option<NaiveDate>)> {
    let (ranked, other) = ranking(sums.iter().map(|(id, sum)| (*id, sum.0)).collect(), top as usize);
    let shown: Vec<Id> = ranked.iter().map(|(id, _)| *id).collect();
    let mut members: Vec<_> =
        ranked.into_iter().map(|(id, count)| (key(id), count, Some(sums[&id].1))).collect();
    let rest = sums.iter().filter(|(id, _)| !shown.contains(id)).map(|(_, sum)| sum.1).max();
    members.extend(other.map(|(number, count)| (Key::Other(number), count, rest)));
    members
}
