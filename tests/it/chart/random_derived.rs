//! The charts that other charts lead to, on random facts: held against plain folds, and against each other.

use std::cell::Cell;

use chrono::{Days, Months, NaiveDate};
use output_port_usage::chart::*;
use output_port_usage::*;

use crate::chart::random::{Facts, GRANULARITIES, facts};
use crate::fold;
use crate::portal::{Portal, day, port};
use crate::sample;

#[test]
fn derived_charts_of_random_facts_equal_plain_folds() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let portal = runtime.block_on(Portal::new());
    let (folds, years) = (Cell::new(0), Cell::new(0));
    sample::runner(48)
        .run(&facts(), |facts| {
            runtime.block_on(async {
                facts.ingest(&portal).await;
                many_ports_agree(&portal, &facts).await;
                for of in (0..4).map(port) {
                    let other = split_agrees(&portal, &facts, of).await;
                    folds.set(folds.get() + i32::from(other));
                    overview_is_its_parts(&portal, &facts, of).await;
                    summary_agrees(&portal, &facts, of).await;
                    halves_are_read_as_if_alone(&portal, &facts, of).await;
                    let year = over_time_compared_agrees(&portal, &facts, of).await;
                    years.set(years.get() + i32::from(year));
                }
            });
            Ok(())
        })
        .unwrap();
    // the facts must meet the rules that they are here to try
    let (folds, years) = (folds.get(), years.get());
    assert!(folds > 10 && years > 30 || !sample::is_whole(), "folds {folds}, years {years}");
}

async fn many_ports_agree(portal: &Portal, facts: &Facts) {
    for granularity in GRANULARITIES {
        let ports = [2, 0, 3, 2, 1].map(port);
        let chart = QueriesOverTime::of_ports(ports, facts.days.clone()).granularity(granularity);
        let (axis, rows) = (axis(chart.buckets()), portal.rows(&chart).await);
        let read: Vec<_> = rows.iter().map(|s| (port_of(s), dense(&axis, &s.counts))).collect();
        assert!(rows.iter().all(|s| s.query_count == s.counts.iter().sum::<i64>()));
        let expected =
            (0..4).map(port).map(|of| (of, fold::over_time(&facts.queries, of, &facts.days, granularity)));
        assert_eq!(read, Vec::from_iter(expected), "{granularity:?}");
    }
}

fn port_of(series: &QueriesOverTimeSeries) -> OutputPortId {
    match series.member {
        Member::OutputPort { id, .. } => id,
        ref other => panic!("{other:?}"),
    }
}

fn axis(buckets: Result<Vec<Bucket>, Error>) -> Vec<(NaiveDate, bool)> {
    buckets.unwrap().iter().map(|bucket| (bucket.start, bucket.partial)).collect()
}

/// A series as [`fold::over_time`] has it.
fn dense(axis: &[(NaiveDate, bool)], counts: &[i64]) -> Vec<(NaiveDate, i64, bool)> {
    assert_eq!(axis.len(), counts.len());
    axis.iter().zip(counts).map(|(&(bucket, partial), &count)| (bucket, count, partial)).collect()
}

async fn split_agrees(portal: &Portal, facts: &Facts, of: OutputPortId) -> bool {
    let mut other = false;
    for granularity in GRANULARITIES {
        let chart = QueriesOverTime::new(of, facts.days.clone()).granularity(granularity);
        let split = chart.clone().split_by_consumer(facts.top);
        let (axis, rows) = (axis(split.buckets()), portal.rows(&split).await);
        let read: Vec<_> = rows
            .iter()
            .flat_map(|series| {
                let id = match series.member {
                    Member::Consumer { id, .. } => Some(id),
                    _ => None,
                };
                let points = dense(&axis, &series.counts).into_iter();
                points.map(move |(bucket, count, partial)| (id, bucket, count, partial))
            })
            .collect();
        let expected = fold::split(&facts.queries, of, &facts.days, granularity, facts.top as usize);
        assert_eq!(read, expected, "{granularity:?}");
        assert!(rows.iter().all(|s| s.query_count == s.counts.iter().sum::<i64>() && s.query_count > 0));
        let (top, rest) =
            fold::ranking(fold::by_consumer(&facts.queries, of, &facts.days), facts.top as usize);
        let members = rows.iter().filter_map(|series| match series.member {
            Member::Other { members } => Some((members, series.query_count)),
            _ => None,
        });
        assert_eq!(members.collect::<Vec<_>>(), Vec::from_iter(rest), "{granularity:?}");
        assert!(rows.iter().zip(&top).all(|(series, (_, count))| series.query_count == *count));
        other |= rest.is_some();
        let totals = portal.rows(&chart).await;
        let points: Vec<_> = totals.iter().map(|p| (p.bucket, p.partial)).collect();
        assert_eq!(points, axis);
        for (place, total) in totals.iter().enumerate() {
            assert_eq!(rows.iter().map(|series| series.counts[place]).sum::<i64>(), total.query_count);
        }
    }
    other
}

async fn overview_is_its_parts(portal: &Portal, facts: &Facts, of: OutputPortId) {
    let distribution = QueryDistribution::new(of, facts.days.clone()).top(facts.top);
    let distribution = portal.rows(&distribution).await;
    let shares: f64 = distribution.iter().map(|slice| slice.share).sum();
    assert!(distribution.is_empty() || (shares - 1.0).abs() < 1e-9, "shares add up to {shares}");
    let summary = portal.rows(&Summary::new(of, facts.days.clone())).await;
    for granularity in GRANULARITIES {
        let chart = Overview::new(of, facts.days.clone()).granularity(granularity).top(facts.top);
        let charts = chart.charts(portal.rows(&chart).await).unwrap();
        let over_time = QueriesOverTime::new(of, facts.days.clone()).granularity(granularity);
        assert_eq!(charts.over_time, portal.rows(&over_time).await);
        assert_eq!(charts.split, portal.rows(&over_time.split_by_consumer(facts.top)).await);
        assert_eq!(charts.distribution, distribution);
        assert_eq!(vec![charts.summary], summary);
    }
}

async fn summary_agrees(portal: &Portal, facts: &Facts, of: OutputPortId) {
    let rows = portal.rows(&Summary::new(of, facts.days.clone())).await;
    let summary = rows.iter().map(|s| (s.query_count, s.consumers, s.active_days, s.last_used));
    let expected = fold::summary(&facts.queries, of, &facts.days);
    assert_eq!(Vec::from_iter(summary), [expected]);
}

const COMPARISONS: [Comparison; 3] =
    [Comparison::PreviousPeriod, Comparison::YearBefore, Comparison::YearBeforeByWeekday];

fn change(now: i64, before: i64) -> Option<f64> {
    (before > 0).then(|| (now as f64 - before as f64) / before as f64)
}

/// A compared chart is the chart of the days beside the counts of the days before, each read alone.
async fn halves_are_read_as_if_alone(portal: &Portal, facts: &Facts, of: OutputPortId) {
    let all = u32::MAX;
    // as many days right after the chart's first half, so that facts lie in both
    let length = (facts.days.end - facts.days.start).num_days().div_euclid(2).max(1);
    let days = facts.days.start + chrono::Duration::days(length)
        ..facts.days.start + chrono::Duration::days(2 * length);
    for comparison in COMPARISONS {
        let before = comparison.days(&days).unwrap();
        let (now_total, before_total) =
            (fold::summary(&facts.queries, of, &days).0, fold::summary(&facts.queries, of, &before).0);
        let summary = portal.rows(&Summary::new(of, days.clone()).compared_with(comparison)).await;
        assert_eq!(summary[0].current.query_count, now_total);
        assert_eq!((summary[0].previous, summary[0].change), (before_total, change(now_total, before_total)));

        let chart = QueryDistribution::new(of, days.clone()).top(facts.top);
        let compared = portal.rows(&chart.clone().compared_with(comparison)).await;
        let now: Vec<_> = compared.iter().map(|slice| slice.current.clone()).collect();
        assert_eq!(now, portal.rows(&chart).await);
        let counts = fold::by_consumer(&facts.queries, of, &before);
        let mut rest: i64 =
            fold::by_consumer(&facts.queries, of, &days).keys().filter_map(|id| counts.get(id)).sum();
        for slice in &compared {
            let previous = match slice.current.member {
                Member::Consumer { id, .. } => counts.get(&id).copied().unwrap_or(0),
                _ => rest,
            };
            rest -= previous;
            let expected = (previous, change(slice.current.query_count, previous));
            assert_eq!((slice.previous, slice.change), expected);
        }

        let groups = QueryDistribution::new(of, days.clone()).top(all).by_group();
        let compared = portal.rows(&groups.clone().compared_with(comparison)).await;
        let now: Vec<_> = compared.iter().map(|slice| slice.current.clone()).collect();
        assert_eq!(now, portal.rows(&groups).await);
        // a year before 29 February alone lies no day, of which no chart can be asked
        let alone = match before.is_empty() {
            true => Vec::new(),
            false => portal.rows(&QueryDistribution::new(of, before.clone()).top(all).by_group()).await,
        };
        for slice in &compared {
            let previous = alone.iter().find(|other| other.member == slice.current.member);
            assert_eq!(slice.previous, previous.map_or(0, |other| other.query_count));
        }

        let assets = MostPopularAssets::new(of, days.clone()).top(facts.top);
        let compared = portal.rows(&assets.clone().compared_with(comparison)).await;
        let now: Vec<_> = compared.iter().map(|row| row.current.clone()).collect();
        assert_eq!(now, portal.rows(&assets).await);
        let alone = fold::by_asset(&facts.touches, of, &before);
        for row in &compared {
            let previous = alone.get(&row.current.tech_asset_id).map_or(0, |asset| asset.0);
            assert_eq!((row.previous, row.change), (previous, change(row.current.touches, previous)));
        }
    }
}

/// The buckets before add up to the days before, and each is the sum of its own days.
async fn over_time_compared_agrees(portal: &Portal, facts: &Facts, of: OutputPortId) -> bool {
    let mut has_year_before = false;
    for comparison in COMPARISONS {
        let before = comparison.days(&facts.days).unwrap();
        let total = fold::summary(&facts.queries, of, &before).0;
        for granularity in [Granularity::Day, Granularity::Week, Granularity::Month] {
            let chart = QueriesOverTime::new(of, facts.days.clone()).granularity(granularity);
            let compared = portal.rows(&chart.clone().compared_with(comparison)).await;
            let now: Vec<_> = compared.iter().map(|point| point.current.clone()).collect();
            assert_eq!(now, portal.rows(&chart).await);
            assert_eq!(compared.iter().map(|point| point.previous).sum::<i64>(), total);
            has_year_before |= comparison != Comparison::PreviousPeriod && total > 0;
            for point in &compared {
                let bucket = point.current.bucket;
                let back = |bound: NaiveDate| match comparison {
                    Comparison::YearBefore if bound == day(2028, 2, 29) => day(2027, 3, 1),
                    Comparison::YearBefore => bound - Months::new(12),
                    Comparison::YearBeforeByWeekday => bound - Days::new(7 * 52),
                    _ => bound - (facts.days.end - facts.days.start),
                };
                let days =
                    back(bucket).max(before.start)..back(granularity.next_bucket(bucket)).min(before.end);
                assert_eq!(
                    point.previous,
                    fold::summary(&facts.queries, of, &days).0,
                    "{comparison:?} {bucket}"
                );
            }
        }
    }
    has_year_before
}
