//! Charts on random facts, held against plain folds of the same facts.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{Days, NaiveDate};
use output_port_usage::chart::*;
use output_port_usage::*;
use proptest::prelude::*;

use crate::fold;
use crate::portal::{Portal, asset, consumer, day, group_of, port, queries, scope, touches};
use crate::sample;

/// Facts of 4 ports, 4 tech assets and 4 consumers around a year's end, where ISO weeks, months, quarters and years
/// end within days of each other; small counts, so that ties are common.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) queries: Vec<OutputPortQueries>,
    pub(crate) touches: Vec<TechAssetTouches>,
    pub(crate) days: Range<NaiveDate>,
    pub(crate) top: u32,
}

impl Facts {
    /// Everything that the tables hold afterwards.
    pub(crate) async fn ingest(&self, portal: &Portal) {
        let everything = scope(day(2024, 1, 1)..day(2029, 1, 1), (0..4).map(port));
        let batch = UsageBatch::builder(everything)
            .queries(self.queries.clone())
            .touches(self.touches.clone())
            .build();
        let replace = portal.model.replace(&batch).unwrap().allow_empty();
        portal.try_ingest(replace).await.unwrap();
    }
}

const EDGES: [(i32, u32, u32); 4] = [(2026, 12, 24), (2028, 2, 20), (2025, 9, 25), (2027, 12, 28)];

pub(crate) fn facts() -> impl Strategy<Value = Facts> {
    // some a year before, by date or by weekday, for the charts that compare
    let years_back = prop_oneof![3 => Just(0u64), 1 => Just(364), 1 => Just(365)];
    let cell = (0..24u64, years_back, 0..4u128, 0..4u128, prop::collection::vec(0..3u64, 4), 0..2u64);
    (0..EDGES.len(), prop::collection::vec(cell, 0..90), 0..24u64, 1..40u64, 1..5u32).prop_map(
        |(edge, cells, first, length, top)| {
            let (year, month, of_month) = EDGES[edge];
            let start = day(year, month, of_month);
            let mut by_key = BTreeMap::new();
            for (offset, back, of, by, read, spare) in cells {
                by_key.insert((start + Days::new(offset) - Days::new(back), of, by), (read, spare));
            }
            let mut facts = Facts {
                queries: Vec::new(),
                touches: Vec::new(),
                days: start + Days::new(first)..start + Days::new(first + length),
                top,
            };
            for ((date, of, by), (read, spare)) in by_key {
                let (most, sum) = (read.iter().copied().max().unwrap_or(0), read.iter().sum::<u64>());
                if sum == 0 {
                    continue;
                }
                // any count from the largest number of touches to their sum can come from a log
                facts.queries.push(queries(date, port(of), consumer(by), (most + spare).min(sum)));
                for (number, count) in read.into_iter().enumerate().filter(|(_, count)| *count > 0) {
                    facts.touches.push(touches(date, port(of), asset(number as u128), consumer(by), count));
                }
            }
            facts
        },
    )
}

pub(crate) const GRANULARITIES: [Granularity; 5] =
    [Granularity::Day, Granularity::Week, Granularity::Month, Granularity::Quarter, Granularity::Year];

#[test]
fn charts_of_random_facts_equal_plain_folds() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let portal = runtime.block_on(Portal::new());
    let met = Cell::new((0, 0, 0));
    sample::runner(96)
        .run(&facts(), |facts| {
            runtime.block_on(async {
                facts.ingest(&portal).await;
                for of in (0..4).map(port) {
                    let partial = over_time_agrees(&portal, &facts, of).await;
                    let (tie, other) = distribution_agrees(&portal, &facts, of).await;
                    let (ties, folds, partials) = met.get();
                    met.set((ties + i32::from(tie), folds + i32::from(other), partials + i32::from(partial)));
                    groups_agree(&portal, &facts, of).await;
                    assets_agree(&portal, &facts, of).await;
                }
            });
            Ok(())
        })
        .unwrap();
    // the facts must meet the rules that they are here to try
    let (ties, folds, partials) = met.get();
    let all = ties > 20 && folds > 20 && partials > 20;
    assert!(all || !sample::is_whole(), "ties {ties}, folds {folds}, partials {partials}");
}

async fn over_time_agrees(portal: &Portal, facts: &Facts, of: OutputPortId) -> bool {
    let mut any_partial = false;
    for granularity in GRANULARITIES {
        for days in [facts.days.clone(), granularity.expand(facts.days.clone())] {
            let chart = QueriesOverTime::new(of, days.clone()).granularity(granularity);
            let points = portal.rows(&chart).await;
            let read: Vec<_> = points.iter().map(|p| (p.bucket, p.query_count, p.partial)).collect();
            assert_eq!(
                read,
                fold::over_time(&facts.queries, of, &days, granularity),
                "{granularity:?} {days:?}"
            );
            any_partial |= points.iter().any(|point| point.partial && point.query_count > 0);
        }
    }
    any_partial
}

async fn distribution_agrees(portal: &Portal, facts: &Facts, of: OutputPortId) -> (bool, bool) {
    let counts = fold::by_consumer(&facts.queries, of, &facts.days);
    let total: i64 = counts.values().sum();
    let (top, other) = fold::ranking(counts, facts.top as usize);
    let slices = portal.rows(&QueryDistribution::new(of, facts.days.clone()).top(facts.top)).await;
    let mut expected: Vec<(Member, i64, Option<i64>)> = Vec::new();
    for (index, (id, count)) in top.iter().enumerate() {
        let label = Some(format!("consumer {}", id.0.as_u128() - 0xc000_0000));
        expected.push((Member::Consumer { id: *id, label }, *count, Some(index as i64 + 1)));
    }
    if let Some((members, count)) = other {
        expected.push((Member::Other { members }, count, None));
    }
    let read: Vec<_> = slices.iter().map(|s| (s.member.clone(), s.query_count, s.rank)).collect();
    assert_eq!(read, expected);
    for slice in &slices {
        assert_eq!(slice.share, slice.query_count as f64 / total as f64);
    }
    (top.windows(2).any(|pair| pair[0].1 == pair[1].1), other.is_some())
}

async fn groups_agree(portal: &Portal, facts: &Facts, of: OutputPortId) {
    let mut counts: BTreeMap<Option<GroupId>, i64> = BTreeMap::new();
    for (id, count) in fold::by_consumer(&facts.queries, of, &facts.days) {
        *counts.entry(group_of(id)).or_default() += count;
    }
    let none = counts.remove(&None);
    let (top, other) = fold::ranking(counts, facts.top as usize);
    let ranked = top
        .into_iter()
        .enumerate()
        .map(|(index, (id, count))| (id, None::<i64>, count, Some(index as i64 + 1)));
    let mut expected: Vec<_> = ranked.collect();
    expected.extend(none.map(|count| (None, None, count, None)));
    expected.extend(other.map(|(members, count)| (None, Some(members), count, None)));
    let slices = portal.rows(&QueryDistribution::new(of, facts.days.clone()).top(facts.top).by_group()).await;
    let read: Vec<_> = slices
        .into_iter()
        .map(|slice| match slice.member {
            Member::Group { id, .. } => (Some(id), None, slice.query_count, slice.rank),
            Member::NoGroup => (None, None, slice.query_count, slice.rank),
            Member::Other { members } => (None, Some(members), slice.query_count, slice.rank),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(read, expected);
}

async fn assets_agree(portal: &Portal, facts: &Facts, of: OutputPortId) {
    let assets = fold::by_asset(&facts.touches, of, &facts.days);
    let total: i64 = assets.values().map(|asset| asset.0).sum();
    let counts = assets.iter().map(|(id, asset)| (*id, asset.0)).collect();
    let (top, _) = fold::ranking(counts, facts.top as usize);
    let rows = portal.rows(&MostPopularAssets::new(of, facts.days.clone()).top(facts.top)).await;
    assert_eq!(rows.len(), top.len());
    for (index, (row, (id, count))) in rows.iter().zip(top).enumerate() {
        let (_, consumers, last_used) = &assets[&id];
        assert_eq!((row.tech_asset_id, row.touches, row.rank), (id, count, index as i64 + 1));
        assert_eq!((row.consumers, row.last_used), (consumers.len() as i64, Some(*last_used)));
        assert_eq!(row.share, count as f64 / total as f64);
        assert_eq!(row.label, Some(format!("asset {}", id.0.as_u128() - 0xe000_0000)));
    }
}
