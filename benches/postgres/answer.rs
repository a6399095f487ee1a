//! A chart's numbers in one form, whoever computed them, so that they can be compared.

use std::collections::HashMap;
use std::ops::Range;

use chrono::{Datelike, Days, NaiveDate};
use output_port_usage::Granularity;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Series {
    All,
    Of { id: Uuid, label: Option<String> },
    NoGroup,
    Other { members: i64 },
}

/// A point, a slice or a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) series: Series,
    pub(crate) bucket: Option<NaiveDate>,
    /// The count first; what else the chart has behind it.
    pub(crate) numbers: [i64; 5],
}

impl Entry {
    pub(crate) fn new(series: Series, bucket: Option<NaiveDate>, count: i64) -> Self {
        Self { series, bucket, numbers: [count, 0, 0, 0, 0] }
    }

    pub(crate) fn point(bucket: NaiveDate, count: i64) -> Self {
        Self::new(Series::All, Some(bucket), count)
    }
}

/// A share to nine digits.
pub(crate) fn billionths(share: f64) -> i64 {
    (share * 1e9).round() as i64
}

/// A day as a number.
pub(crate) fn number(day: NaiveDate) -> i64 {
    i64::from(day.num_days_from_ce())
}

/// The buckets that hold a day of these.
pub(crate) fn buckets(days: &Range<NaiveDate>, granularity: Granularity) -> Vec<NaiveDate> {
    let mut buckets = Vec::new();
    let mut day = days.start;
    while day < days.end {
        let bucket = granularity.expand(day..day + Days::new(1));
        buckets.push(bucket.start);
        day = bucket.end;
    }
    buckets
}

/// Zero fill, as an application does it over grouped rows.
pub(crate) fn filled(rows: Vec<(NaiveDate, i64)>, buckets: &[NaiveDate]) -> Vec<Entry> {
    let counts: HashMap<_, _> = rows.into_iter().collect();
    buckets.iter().map(|&bucket| Entry::point(bucket, counts.get(&bucket).copied().unwrap_or(0))).collect()
}

/// A member of a ranking: its id (none for consumers without a group), its name and its count.
pub(crate) type Member = (Option<Uuid>, Option<String>, i64);

/// The top n, then those without a group, then Other, with shares.
pub(crate) fn ranked(members: Vec<Member>, top: usize) -> Vec<Entry> {
    let total: i64 = members.iter().map(|(_, _, count)| count).sum();
    let (mut grouped, without): (Vec<Member>, Vec<Member>) =
        members.into_iter().partition(|(id, ..)| id.is_some());
    grouped.sort_by_key(|&(id, _, count)| (-count, id));
    let rest = grouped.split_off(top.min(grouped.len()));
    let mut entries: Vec<Entry> = grouped
        .into_iter()
        .chain(without)
        .map(|(id, label, count)| match id {
            Some(id) => Entry::new(Series::Of { id, label }, None, count),
            None => Entry::new(Series::NoGroup, None, count),
        })
        .collect();
    if !rest.is_empty() {
        let count = rest.iter().map(|(_, _, count)| count).sum();
        entries.push(Entry::new(Series::Other { members: rest.len() as i64 }, None, count));
    }
    for entry in &mut entries {
        entry.numbers[1] = billionths(entry.numbers[0] as f64 / total as f64);
    }
    entries
}

/// A dense grid of the top n consumers' series, then Other.
pub(crate) fn grid(
    rows: Vec<(NaiveDate, Uuid, String, i64)>,
    buckets: &[NaiveDate],
    top: usize,
) -> Vec<Entry> {
    let mut totals: HashMap<Uuid, (String, i64)> = HashMap::new();
    for (_, consumer, name, count) in &rows {
        match totals.get_mut(consumer) {
            Some((_, total)) => *total += count,
            None => drop(totals.insert(*consumer, (name.clone(), *count))),
        }
    }
    let members = totals.into_iter().map(|(id, (name, count))| (Some(id), Some(name), count)).collect();
    let series: Vec<Series> = ranked(members, top).into_iter().map(|entry| entry.series).collect();
    let ids = series.iter().enumerate().filter_map(|(place, series)| match series {
        Series::Of { id, .. } => Some((*id, place)),
        _ => None,
    });
    let places: HashMap<Uuid, usize> = ids.collect();
    let columns: HashMap<NaiveDate, usize> =
        buckets.iter().enumerate().map(|(column, bucket)| (*bucket, column)).collect();
    let mut counts = vec![0; series.len() * buckets.len()];
    for (bucket, consumer, _, count) in rows {
        let place = places.get(&consumer).copied().unwrap_or(series.len() - 1);
        counts[place * buckets.len() + columns[&bucket]] += count;
    }
    let mut counts = counts.into_iter();
    let mut entries = Vec::with_capacity(series.len() * buckets.len());
    for series in series {
        for &bucket in buckets {
            entries.push(Entry::new(series.clone(), Some(bucket), counts.next().unwrap_or(0)));
        }
    }
    entries
}
