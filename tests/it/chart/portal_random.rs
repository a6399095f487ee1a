//! The charts of the whole portal on random facts, held against plain folds of the same facts.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{Days, NaiveDate};
use output_port_usage::chart::*;
use output_port_usage::*;
use proptest::prelude::*;
use uuid::Uuid;

use crate::chart::random::{Facts, facts};
use crate::driver::twins_agree::twins::connect;
use crate::fold;
use crate::kept::Kept;
use crate::portal::{Portal, asset, builder, consumer, port, scope};
use crate::postgres::coverage::random::Both;
use crate::sample;

const COMPARISONS: [Comparison; 3] =
    [Comparison::PreviousPeriod, Comparison::YearBefore, Comparison::YearBeforeByWeekday];

/// What somebody measured: so many days of some ports, from so many days before the chart's on.
type Measured = Vec<(u64, u64, u8)>;

fn measured() -> impl Strategy<Value = Measured> {
    // often everything, of most ports
    let part = (0..60u64, 1..60u64, 1..16u8);
    let everything = (Just(420u64), Just(500u64), 7..16u8);
    prop::collection::vec(prop_oneof![part, everything], 0..4)
}

/// The models: parents by a foreign key; parents that lack an id, repeat one and have others; the first as on Citus.
fn models() -> [UsageModelBuilder; 3] {
    let names = |table| Reference::to(table).schema("portal").label("name").on_delete(OnDelete::Keep);
    let kept = builder()
        .output_ports(names("port_names"))
        .tech_assets(names("asset_names"))
        .consumers(names("consumer_names"));
    let citus = builder().read_by_consumer().read_by_tech_asset().coverage().on_citus();
    [builder().coverage(), kept.read_by_consumer().read_by_tech_asset().coverage(), citus]
}

/// The parents of the second: the first label by name counts.
const NAMES: &str = "CREATE TABLE portal.port_names (id uuid, name text);
    INSERT INTO portal.port_names (id, name)
    SELECT id, name FROM portal.datasets WHERE name IN ('port 0', 'port 2', 'port 9')
    UNION ALL SELECT id, 'z ' || name FROM portal.datasets WHERE name = 'port 0'
    UNION ALL SELECT id, NULL FROM portal.datasets WHERE name = 'port 3'
    UNION ALL SELECT NULL, 'nobody';
    CREATE TABLE portal.asset_names AS
    SELECT id, name FROM portal.technical_assets UNION ALL SELECT id, 'z ' || name FROM portal.technical_assets;
    CREATE TABLE portal.consumer_names AS
    SELECT id, name FROM portal.data_products UNION ALL SELECT id, NULL FROM portal.data_products";

fn label(repeated: bool, of: OutputPortId) -> Option<String> {
    let number = of.0.as_u128() - 0xa000_0000;
    (!repeated || [0, 2, 9].contains(&number)).then(|| format!("port {number}"))
}

#[test]
fn rankings_and_what_is_unused_of_random_portals_equal_plain_folds() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let portals: Vec<_> = models()
        .into_iter()
        .enumerate()
        .map(|(place, model)| {
            runtime.block_on(async {
                let portal = Portal::without_tables(model.build().unwrap()).await;
                sqlx::raw_sql(NAMES).execute(&portal.pool).await.unwrap();
                portal.create_tables().await;
                let client = connect(&portal).await;
                (portal, client, place == 1)
            })
        })
        .collect();
    let met = Cell::new([0; 6]);
    sample::runner(24)
        .run(&(facts(), measured()), |(facts, measured)| {
            runtime.block_on(async {
                for (portal, client, repeated) in &portals {
                    let kept = fill(portal, &facts, &measured, *repeated).await;
                    let all = Everything { facts: &facts, kept: &kept, repeated: *repeated, met: &met };
                    let both = Both { portal, client };
                    all.agrees(&both).await;
                    all.unused_agrees(&both, &facts.days).await;
                    let last = facts.days.end - Days::new(1)..facts.days.end + Days::new(4);
                    all.unused_agrees(&both, &last).await;
                }
            });
            Ok(())
        })
        .unwrap();
    // ties, gone ones, unmeasured ones, full lists, ports that are unused and assets that are not must be met
    assert!(!sample::is_whole() || met.get().iter().all(|count| *count > 10), "{:?}", met.get());
}

/// Writes the facts, and says of some days alone that they were measured.
pub(crate) async fn fill(portal: &Portal, facts: &Facts, measured: &Measured, repeated: bool) -> Kept {
    // the parent table knows it only while it is written
    let come = "INSERT INTO portal.port_names SELECT id, name FROM portal.datasets WHERE name = 'port 1'";
    sqlx::raw_sql(come).execute(&portal.pool).await.unwrap();
    facts.ingest(portal).await;
    sqlx::raw_sql("DELETE FROM usage.output_port_usage_coverage").execute(&portal.pool).await.unwrap();
    let mut kept = Kept::default();
    for (back, length, ports) in measured {
        let from = facts.days.start - Days::new(*back);
        let stated =
            scope(from..from + Days::new(*length), (0..4).filter(|of| ports & (1 << of) != 0).map(port));
        let mut transaction = portal.pool.begin().await.unwrap();
        portal.model.declare_measured(&stated).unwrap().run_sqlx(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        kept.mark(&stated, None, |_| None);
    }
    if repeated {
        let go = "DELETE FROM portal.port_names WHERE name = 'port 1'";
        sqlx::raw_sql(go).execute(&portal.pool).await.unwrap();
    }
    kept
}

/// A constructor of the chart.
type Ask = fn(Range<NaiveDate>) -> Unused;

struct Everything<'a> {
    facts: &'a Facts,
    kept: &'a Kept,
    repeated: bool,
    met: &'a Cell<[u32; 6]>,
}

impl Everything<'_> {
    async fn agrees(&self, both: &Both<'_>) {
        let (days, top) = (self.facts.days.clone(), self.facts.top);
        let some = [port(2), port(0), port(2), port(17)];
        for (list, most) in [(None, Some(top)), (None, None), (Some(&some[..]), Some(top))] {
            let of = |chart: MostUsedPorts| match list {
                Some(list) => chart.of_ports(list.iter().copied()),
                None => chart,
            };
            let chart = of(match most {
                Some(top) => MostUsedPorts::new(days.clone()).top(top),
                None => MostUsedPorts::new(days.clone()).all(),
            });
            let expected = self.expected(list, None, PortOrder::Queries, false, most);
            let rows = both.rows(&chart).await;
            assert_eq!(rows, expected.iter().map(|row| row.0.clone()).collect::<Vec<_>>());
            let longer = Comparison::from(days.start - Days::new(30)..days.start + Days::new(2));
            for comparison in COMPARISONS.into_iter().chain([longer]) {
                let before = comparison.days(&days).unwrap();
                let compared = chart.clone().compared_with(comparison);
                for (order, gone) in [
                    (PortOrder::Queries, false),
                    (PortOrder::Queries, true),
                    (PortOrder::Risers, false),
                    (PortOrder::Fallers, false),
                ] {
                    let compared = compared.clone().order(order);
                    let compared = if gone { compared.include_gone() } else { compared };
                    let rows = both.rows(&compared).await.into_iter();
                    let rows = rows.map(|row| (row.current, row.previous, row.change, row.previous_coverage));
                    let expected = self.expected(list, Some(&before), order, gone, most);
                    let read = rows.collect::<Vec<_>>();
                    assert_eq!(read, expected, "{comparison:?} {order:?} {gone}");
                    self.meet(&read);
                }
            }
        }
    }

    fn meet(&self, rows: &[Row]) {
        let mut met = self.met.get();
        met[0] += u32::from(rows.windows(2).any(|pair| pair[0].0.query_count == pair[1].0.query_count));
        met[1] += u32::from(rows.iter().any(|row| row.0.query_count == 0));
        met[2] += u32::from(rows.iter().any(|row| row.2.is_none() && row.1 > 0));
        met[3] += u32::from(rows.len() > 3);
        self.met.set(met);
    }

    async fn unused_agrees(&self, both: &Both<'_>, days: &Range<NaiveDate>) {
        let facts = self.facts;
        let queries = facts.queries.iter();
        let ports = queries.clone().map(|fact| (fact.output_port_id.0, fact.date));
        let consumers = queries.map(|fact| (fact.consumer_id.0, fact.date));
        let assets = facts.touches.iter().map(|fact| (fact.tech_asset_id.0, fact.date));

        let known = if self.repeated { vec![0, 2, 3, 9] } else { (0..20).collect() };
        let known = known.into_iter().map(port);
        let measured = known.filter(|of| self.kept.of(*of, days).is_complete());
        let measured =
            measured.map(|of| (of.0, Member::OutputPort { id: of, label: label(self.repeated, of) }));
        let listed = self.check(both, (Unused::output_ports, days), measured, ports).await;
        let mut met = self.met.get();
        met[4] += u32::from(listed > 0);

        let all_measured = self.all_measured(days);
        met[5] += u32::from(all_measured);
        self.met.set(met);
        let numbers = (0..20).filter(|_| all_measured);
        let members = numbers.clone().map(asset).enumerate();
        let members =
            members.map(|(n, id)| (id.0, Member::TechAsset { id, label: Some(format!("asset {n}")) }));
        self.check(both, (Unused::tech_assets, days), members, assets).await;
        let members = numbers.map(consumer).enumerate();
        let members =
            members.map(|(n, id)| (id.0, Member::Consumer { id, label: Some(format!("consumer {n}")) }));
        self.check(both, (Unused::consumers, days), members, consumers).await;
    }

    /// Whether every output port that is there and was ever measured was, from its first such day on, and any on each day.
    fn all_measured(&self, days: &Range<NaiveDate>) -> bool {
        // port 1 is not among the second model's parents
        let ports = (0..4).filter(|number| !self.repeated || *number != 1).map(port);
        let ports: Vec<OutputPortId> = ports.collect();
        let is =
            |of: OutputPortId, date: NaiveDate| self.kept.of(of, &(date..date + Days::new(1))).is_complete();
        fold::days(days).all(|date| {
            let missing = |of: &&OutputPortId| {
                let first = self.kept.report(**of).0;
                !is(**of, date) && first.is_some_and(|first| first <= date)
            };
            ports.iter().any(|of| is(*of, date)) && !ports.iter().any(|of| missing(&of))
        })
    }

    /// The members without use since the first of the days, among all that may be listed.
    async fn check(
        &self,
        both: &Both<'_>,
        (chart, days): (Ask, &Range<NaiveDate>),
        members: impl Iterator<Item = (Uuid, Member)>,
        uses: impl Iterator<Item = (Uuid, NaiveDate)>,
    ) -> usize {
        let mut last: BTreeMap<Uuid, NaiveDate> = BTreeMap::new();
        for (id, date) in uses {
            let one = last.entry(id).or_insert(date);
            *one = date.max(*one);
        }
        let members = members.map(|(id, member)| (last.get(&id).copied(), id, member));
        let mut unused: Vec<_> =
            members.filter(|(last, ..)| last.is_none_or(|last| last < days.start)).collect();
        let chart = chart(days.clone());
        // None is the least
        unused.sort_by_key(|(last, id, _)| (*last, *id));
        let expected: Vec<_> = unused.into_iter().map(|(last, _, member)| (member, last)).collect();
        let rows = both.rows(&chart.clone().top(3)).await.into_iter().map(|row| (row.member, row.last_used));
        assert_eq!(rows.collect::<Vec<_>>(), expected[..expected.len().min(3)]);
        let rows = both.rows(&chart).await.into_iter().map(|row| (row.member, row.last_used));
        assert_eq!(rows.collect::<Vec<_>>(), expected);
        expected.len()
    }

    /// A port's queries, consumers and last day of use.
    fn usage(&self, of: OutputPortId, days: &Range<NaiveDate>) -> (i64, i64, Option<NaiveDate>) {
        let (count, consumers, _, last) = fold::summary(&self.facts.queries, of, days);
        (count, consumers, last)
    }

    fn expected(
        &self,
        list: Option<&[OutputPortId]>,
        before: Option<&Range<NaiveDate>>,
        order: PortOrder,
        gone: bool,
        top: Option<u32>,
    ) -> Vec<Row> {
        let days = &self.facts.days;
        let ports = (0..4).map(port).filter(|of| list.is_none_or(|list| list.contains(of)));
        let counts: BTreeMap<OutputPortId, i64> = ports.map(|of| (of, self.usage(of, days).0)).collect();
        let used: Vec<i64> = counts.values().copied().filter(|count| *count > 0).collect();
        let percent = |count: i64| match used.len() {
            0 | 1 => 0.0,
            others => {
                used.iter().filter(|other| **other < count).count() as f64 / (others - 1) as f64 * 100.0
            }
        };
        let total: i64 = used.iter().sum();
        let mut rows: Vec<Row> = Vec::new();
        for (&of, &count) in &counts {
            let previous = before.map_or(0, |before| self.usage(of, before).0);
            let there = match order {
                PortOrder::Risers => count > previous,
                PortOrder::Fallers => count < previous,
                _ => count > 0 || gone && previous > 0,
            };
            if !there {
                continue;
            }
            let coverage = self.kept.of(of, days);
            let previous_coverage = before.map(|before| self.kept.of(of, before));
            let known = coverage.is_complete() && previous_coverage.is_some_and(Coverage::is_complete);
            let change = (known && previous > 0).then(|| (count - previous) as f64 / previous as f64);
            let (_, consumers, last_used) = self.usage(of, days);
            let share = if count == 0 { 0.0 } else { count as f64 / total as f64 };
            let json = serde_json::json!({
                "output_port_id": of, "label": label(self.repeated, of), "query_count": count, "share": share, "rank": 0,
                "percentile_rank": percent(count), "consumers": consumers, "last_used": last_used, "coverage": coverage,
            });
            rows.push((serde_json::from_value(json).unwrap(), previous, change, previous_coverage));
        }
        let unknown = |row: &Row| {
            let complete = row.3.is_some_and(Coverage::is_complete);
            !(complete && row.0.coverage.is_some_and(Coverage::is_complete))
        };
        rows.sort_by_key(|row| {
            let growth = row.0.query_count - row.1;
            let (first, second) = match order {
                PortOrder::Risers => (unknown(row), -growth),
                PortOrder::Fallers => (unknown(row), growth),
                _ => (false, -row.0.query_count),
            };
            (first, second, row.0.output_port_id)
        });
        for (place, row) in rows.iter_mut().enumerate() {
            row.0.rank = place as i64 + 1;
        }
        rows.truncate(top.map_or(usize::MAX, |top| top as usize));
        rows
    }
}

type Row = (MostUsedPort, i64, Option<f64>, Option<Coverage>);
