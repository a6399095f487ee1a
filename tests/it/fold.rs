//! The charts computed by plain folds of the facts, without SQL: what the statements are held against.

pub(crate) mod subject;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::{Datelike, NaiveDate};
use output_port_usage::*;

/// The first day of the bucket that holds `day`, by walking back a day at a time.
pub(crate) fn bucket(granularity: Granularity, day: NaiveDate) -> NaiveDate {
    let starts = |day: NaiveDate| match granularity {
        Granularity::Day => true,
        Granularity::Week => day.weekday() == chrono::Weekday::Mon,
        Granularity::Month => day.day() == 1,
        Granularity::Quarter => day.day() == 1 && [1, 4, 7, 10].contains(&day.month()),
        Granularity::Year => day.ordinal() == 1,
        _ => unreachable!("the tests know every granularity"),
    };
    day.iter_days().rev().find(|day| starts(*day)).unwrap()
}

pub(crate) fn days(range: &Range<NaiveDate>) -> impl Iterator<Item = NaiveDate> {
    range.start.iter_days().take_while(|day| *day < range.end)
}

/// `(bucket, queries, partial)`.
pub(crate) fn over_time(
    facts: &[OutputPortQueries],
    port: OutputPortId,
    range: &Range<NaiveDate>,
    granularity: Granularity,
) -> Vec<(NaiveDate, i64, bool)> {
    let mut points: BTreeMap<NaiveDate, i64> = BTreeMap::new();
    for day in days(range) {
        let counted = facts.iter().filter(|fact| fact.date == day && fact.output_port_id == port);
        *points.entry(bucket(granularity, day)).or_default() +=
            counted.map(|fact| fact.query_count as i64).sum::<i64>();
    }
    points
        .into_iter()
        .map(|(start, count)| {
            let whole = start.iter_days().take_while(|day| bucket(granularity, *day) == start);
            (start, count, whole.into_iter().any(|day| !range.contains(&day)))
        })
        .collect()
}

/// The points of every series: the top consumers of the range, then all others together.
pub(crate) fn split(
    facts: &[OutputPortQueries],
    port: OutputPortId,
    range: &Range<NaiveDate>,
    granularity: Granularity,
    top: usize,
) -> Vec<(Option<ConsumerId>, NaiveDate, i64, bool)> {
    let (top, other) = ranking(by_consumer(facts, port, range), top);
    let top: Vec<ConsumerId> = top.into_iter().map(|(id, _)| id).collect();
    let mut series: Vec<(Option<ConsumerId>, Vec<OutputPortQueries>)> = Vec::new();
    for id in &top {
        let of_one = facts.iter().filter(|fact| fact.consumer_id == *id).cloned().collect();
        series.push((Some(*id), of_one));
    }
    if other.is_some() {
        series.push((None, facts.iter().filter(|fact| !top.contains(&fact.consumer_id)).cloned().collect()));
    }
    let points = series.iter().flat_map(|(id, facts)| {
        over_time(facts, port, range, granularity)
            .into_iter()
            .map(|(bucket, count, partial)| (*id, bucket, count, partial))
    });
    points.collect()
}

/// Members by count descending, then by id; the first `top`, and what is left as `(members, count)`.
pub(crate) type Ranking<Id> = (Vec<(Id, i64)>, Option<(i64, i64)>);

pub(crate) fn ranking<Id: Ord + Copy>(counts: BTreeMap<Id, i64>, top: usize) -> Ranking<Id> {
    let mut ranked: Vec<(Id, i64)> = counts.into_iter().collect();
    ranked.sort_by_key(|(id, count)| (-count, *id));
    let rest = ranked.split_off(top.min(ranked.len()));
    let other = (!rest.is_empty()).then(|| (rest.len() as i64, rest.iter().map(|(_, count)| count).sum()));
    (ranked, other)
}

pub(crate) fn by_consumer(
    facts: &[OutputPortQueries],
    port: OutputPortId,
    range: &Range<NaiveDate>,
) -> BTreeMap<ConsumerId, i64> {
    let mut counts = BTreeMap::new();
    for fact in facts.iter().filter(|fact| fact.output_port_id == port && range.contains(&fact.date)) {
        *counts.entry(fact.consumer_id).or_default() += fact.query_count as i64;
    }
    counts
}

/// `(queries, consumers, active days, last used day)`.
pub(crate) fn summary(
    facts: &[OutputPortQueries],
    port: OutputPortId,
    range: &Range<NaiveDate>,
) -> (i64, i64, i64, Option<NaiveDate>) {
    let counts = by_consumer(facts, port, range);
    let points = over_time(facts, port, range, Granularity::Day);
    let used: Vec<NaiveDate> = points.into_iter().filter(|point| point.1 > 0).map(|point| point.0).collect();
    (counts.values().sum(), counts.len() as i64, used.len() as i64, used.last().copied())
}

/// For each tech asset: touches, distinct consumers, last used day.
pub(crate) fn by_asset(
    facts: &[TechAssetTouches],
    port: OutputPortId,
    range: &Range<NaiveDate>,
) -> BTreeMap<TechAssetId, (i64, BTreeSet<ConsumerId>, NaiveDate)> {
    let mut assets: BTreeMap<TechAssetId, (i64, BTreeSet<ConsumerId>, NaiveDate)> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| fact.output_port_id == port && range.contains(&fact.date)) {
        let asset = assets.entry(fact.tech_asset_id).or_insert((0, BTreeSet::new(), fact.date));
        asset.0 += fact.query_count as i64;
        asset.1.insert(fact.consumer_id);
        asset.2 = asset.2.max(fact.date);
    }
    assets
}

/// For each other output port: the queries that read both.
pub(crate) fn by_other_port(
    facts: &[Combination],
    port: OutputPortId,
    range: &Range<NaiveDate>,
) -> BTreeMap<OutputPortId, i64> {
    let mut counts = BTreeMap::new();
    for fact in facts.iter().filter(|fact| range.contains(&fact.date)) {
        let other = match (fact.output_port_id_1 == port, fact.output_port_id_2 == port) {
            (true, _) => fact.output_port_id_2,
            (_, true) => fact.output_port_id_1,
            _ => continue,
        };
        *counts.entry(other).or_default() += fact.query_count as i64;
    }
    counts
}
