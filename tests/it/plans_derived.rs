//! What the planner makes of the charts that other charts lead to; the goals are those of `plans`.

use output_port_usage::chart::*;
use output_port_usage::*;

use crate::plans::{check, floor, on_large_tables};
use crate::portal::{Portal, QUERY_STATS, TOUCH_STATS, day, port};

#[test]
fn a_split_scans_once_whatever_the_granularity() {
    on_large_tables(splits);
}

async fn splits(portal: &Portal) {
    for days in [day(2024, 1, 1)..day(2027, 1, 1), day(2026, 4, 1)..day(2026, 7, 1)] {
        let queries = floor(portal, QUERY_STATS, port(7), &days).await;
        for granularity in [Granularity::Day, Granularity::Week, Granularity::Month, Granularity::Year] {
            let chart = QueriesOverTime::new(port(7), days.clone()).granularity(granularity);
            let buckets = portal.rows(&chart).await.len() as u64;
            let above = if granularity == Granularity::Day { 5 } else { 4 * buckets + 5 };
            check(portal, &chart.split_by_consumer(5), QUERY_STATS, 1, queries + above).await;
        }
    }
}

#[test]
fn many_ports_are_one_index_scan() {
    on_large_tables(many_ports);
}

async fn many_ports(portal: &Portal) {
    let days = day(2026, 4, 1)..day(2026, 7, 1);
    let mut sum = 0;
    for of in (0..20).map(port) {
        sum += floor(portal, QUERY_STATS, of, &days).await;
    }
    for granularity in [Granularity::Day, Granularity::Week, Granularity::Month] {
        let chart = QueriesOverTime::of_ports((0..20).map(port), days.clone()).granularity(granularity);
        check(portal, &chart, QUERY_STATS, 1, sum + 5).await;
    }
}

#[test]
fn a_comparison_reads_two_ranges_and_no_more() {
    on_large_tables(comparisons);
}

async fn comparisons(portal: &Portal) {
    let days = day(2026, 4, 1)..day(2026, 7, 1);
    for comparison in [Comparison::PreviousPeriod, Comparison::YearBefore] {
        let before = comparison.days(&days).unwrap();
        let queries = floor(portal, QUERY_STATS, port(7), &days).await
            + floor(portal, QUERY_STATS, port(7), &before).await;
        let touches = floor(portal, TOUCH_STATS, port(7), &days).await
            + floor(portal, TOUCH_STATS, port(7), &before).await;
        let summary = Summary::new(port(7), days.clone()).compared_with(comparison);
        check(portal, &summary, QUERY_STATS, 2, queries + 5).await;
        let distribution = QueryDistribution::new(port(7), days.clone()).top(5);
        check(portal, &distribution.clone().compared_with(comparison), QUERY_STATS, 2, queries + 5).await;
        check(portal, &distribution.by_group().compared_with(comparison), QUERY_STATS, 2, queries + 5).await;
        let assets = MostPopularAssets::new(port(7), days.clone()).compared_with(comparison);
        check(portal, &assets, TOUCH_STATS, 2, touches + 5).await;
        let weeks = QueriesOverTime::new(port(7), days.clone()).granularity(Granularity::Week);
        let buckets = portal.rows(&weeks).await.len() as u64;
        check(portal, &weeks.compared_with(comparison), QUERY_STATS, 2, queries + 8 * buckets).await;
    }
}

#[test]
fn summary_and_overview_scan_once() {
    on_large_tables(summary_and_overview);
}

async fn summary_and_overview(portal: &Portal) {
    for days in [day(2024, 1, 1)..day(2027, 1, 1), day(2026, 4, 1)..day(2026, 7, 1)] {
        let queries = floor(portal, QUERY_STATS, port(7), &days).await;
        check(portal, &Summary::new(port(7), days.clone()), QUERY_STATS, 1, queries + 5).await;
        for granularity in [Granularity::Day, Granularity::Week, Granularity::Month, Granularity::Year] {
            let chart = QueriesOverTime::new(port(7), days.clone()).granularity(granularity);
            let buckets = portal.rows(&chart).await.len() as u64;
            let above = if granularity == Granularity::Day { 5 } else { 4 * buckets + 5 };
            let overview = Overview::new(port(7), days.clone()).granularity(granularity).top(5);
            check(portal, &overview, QUERY_STATS, 1, queries + above).await;
        }
    }
}
