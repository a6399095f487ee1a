//! The library's rows as [`Entry`]s.

use output_port_usage::chart::*;

use crate::answer::{Entry, Series, billionths, number};

pub(crate) fn points(rows: Vec<QueriesOverTimePoint>) -> Vec<Entry> {
    rows.into_iter().map(|row| Entry::point(row.bucket, row.query_count)).collect()
}

pub(crate) fn of_ports(chart: &QueriesOverTimeOfPorts, rows: Vec<QueriesOverTimeSeries>) -> Vec<Entry> {
    series(&chart.buckets().expect("it was queried"), &rows)
}

pub(crate) fn split(chart: &QueriesOverTimeSplit, rows: Vec<QueriesOverTimeSeries>) -> Vec<Entry> {
    series(&chart.buckets().expect("it was queried"), &rows)
}

fn series(axis: &[Bucket], rows: &[QueriesOverTimeSeries]) -> Vec<Entry> {
    rows.iter().flat_map(|row| counts(member(row.member.clone()), axis, &row.counts)).collect()
}

fn counts(series: Series, axis: &[Bucket], counts: &[i64]) -> Vec<Entry> {
    let buckets = axis.iter().zip(counts);
    buckets.map(|(bucket, count)| Entry::new(series.clone(), Some(bucket.start), *count)).collect()
}

pub(crate) fn slices(rows: Vec<QueryDistributionSlice>) -> Vec<Entry> {
    let entry = |row: QueryDistributionSlice| with_share(member(row.member), row.query_count, row.share);
    rows.into_iter().map(entry).collect()
}

pub(crate) fn assets(rows: Vec<WithPrevious<MostPopularAsset>>) -> Vec<Entry> {
    let entry = |WithPrevious { current: row, previous, .. }| {
        let row: MostPopularAsset = row;
        let mut entry =
            with_share(Series::Of { id: row.tech_asset_id.0, label: row.label }, row.touches, row.share);
        [entry.numbers[2], entry.numbers[3], entry.numbers[4]] =
            [row.consumers, row.last_used.map_or(0, number), previous];
        entry
    };
    rows.into_iter().map(entry).collect()
}

pub(crate) fn combined(rows: Vec<MostOftenCombined>) -> Vec<Entry> {
    let entry = |row: MostOftenCombined| {
        with_share(Series::Of { id: row.output_port_id.0, label: row.label }, row.query_count, row.share)
    };
    rows.into_iter().map(entry).collect()
}

pub(crate) fn summary(rows: Vec<SummaryTotals>) -> Vec<Entry> {
    rows.into_iter().map(totals).collect()
}

/// Over time, split, distribution and summary, one after the other.
pub(crate) fn overview(chart: &Overview, rows: Vec<OverviewRow>) -> Vec<Entry> {
    let axis = chart.buckets().expect("it was queried");
    let charts = chart.charts(rows).expect("it was queried");
    let mut entries = points(charts.over_time);
    entries.extend(series(&axis, &charts.split));
    entries.extend(slices(charts.distribution));
    entries.push(totals(charts.summary));
    entries
}

fn totals(row: SummaryTotals) -> Entry {
    let last_used = row.last_used.map_or(0, number);
    let numbers = [row.query_count, row.consumers, row.active_days, last_used, 0];
    Entry { series: Series::All, bucket: None, numbers }
}

fn with_share(series: Series, count: i64, share: f64) -> Entry {
    let mut entry = Entry::new(series, None, count);
    entry.numbers[1] = billionths(share);
    entry
}

fn member(member: Member) -> Series {
    match member {
        Member::Consumer { id, label } => Series::Of { id: id.0, label },
        Member::Group { id, label } => Series::Of { id: id.0, label },
        Member::OutputPort { id, label } => Series::Of { id: id.0, label },
        Member::NoGroup => Series::NoGroup,
        Member::Other { members } => Series::Other { members },
        other => unreachable!("a member of a kind that this bench does not know: {other:?}"),
    }
}
