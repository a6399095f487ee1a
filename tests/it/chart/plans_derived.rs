//! What the planner makes of the charts that other charts lead to; the goals are those of `plans`.

use output_port_usage::chart::*;
use output_port_usage::*;

use crate::chart::plans::{PORTS, check, check_labelled, floor, generic_plans, heavy, on_large_tables};
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
            check_labelled(portal, &chart.split_by_consumer(5), QUERY_STATS, 1, queries + above, 5).await;
        }
    }
}

#[test]
fn fifty_ports_are_one_index_scan() {
    on_large_tables(many_ports);
}

async fn many_ports(portal: &Portal) {
    for days in [day(2026, 4, 1)..day(2026, 6, 30), day(2026, 1, 1)..day(2027, 1, 1)] {
        let mut sum = 0;
        for of in (0..PORTS).map(port) {
            sum += floor(portal, QUERY_STATS, of, &days).await;
        }
        for granularity in [Granularity::Day, Granularity::Week, Granularity::Month, Granularity::Quarter] {
            let chart =
                QueriesOverTime::of_ports((0..PORTS).map(port), days.clone()).granularity(granularity);
            check_labelled(portal, &chart, QUERY_STATS, 1, sum + 5, PORTS as u64).await;
        }
    }
}

const COMPARISONS: [Comparison; 3] =
    [Comparison::PreviousPeriod, Comparison::YearBefore, Comparison::YearBeforeByWeekday];

#[test]
fn a_comparison_reads_two_ranges_and_no_more() {
    on_large_tables(comparisons);
}

async fn comparisons(portal: &Portal) {
    let days = day(2026, 4, 1)..day(2026, 7, 1);
    for comparison in COMPARISONS {
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
    }
}

#[test]
fn a_comparison_over_time_descends_once_a_bucket_but_not_once_a_day() {
    on_large_tables(comparisons_over_time);
}

async fn comparisons_over_time(portal: &Portal) {
    for days in [day(2026, 4, 1)..day(2026, 7, 1), day(2026, 1, 1)..day(2027, 1, 1)] {
        for comparison in COMPARISONS {
            let before = comparison.days(&days).unwrap();
            let queries = floor(portal, QUERY_STATS, port(7), &days).await
                + floor(portal, QUERY_STATS, port(7), &before).await;
            for granularity in [Granularity::Day, Granularity::Week, Granularity::Month, Granularity::Quarter]
            {
                let chart = QueriesOverTime::new(port(7), days.clone()).granularity(granularity);
                let buckets = portal.rows(&chart).await.len() as u64;
                let above = if granularity == Granularity::Day { 5 } else { 8 * buckets };
                check(portal, &chart.compared_with(comparison), QUERY_STATS, 2, queries + above).await;
            }
        }
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
            check_labelled(portal, &overview, QUERY_STATS, 1, queries + above, 5).await;
        }
    }
}

#[test]
fn three_years_of_days_of_a_heavy_port_fit_into_work_mem() {
    on_large_tables(heavy_days);
}

async fn heavy_days(portal: &Portal) {
    let days = day(2024, 1, 1)..day(2027, 1, 1);
    let queries = floor(portal, QUERY_STATS, heavy(), &days).await;
    let over_time = QueriesOverTime::new(heavy(), days.clone());
    check(portal, &over_time, QUERY_STATS, 1, queries + 5).await;
    check_labelled(portal, &over_time.split_by_consumer(5), QUERY_STATS, 1, queries + 5, 5).await;
    check_labelled(portal, &Overview::new(heavy(), days), QUERY_STATS, 1, queries + 5, 10).await;
}

#[test]
fn a_chart_by_week_or_month_is_planned_once_and_not_at_each_execution() {
    on_large_tables(plans_are_kept);
}

async fn plans_are_kept(portal: &Portal) {
    for days in [day(2024, 1, 1)..day(2027, 1, 1), day(2026, 1, 1)..day(2027, 1, 1)] {
        for granularity in [Granularity::Week, Granularity::Month] {
            let chart = QueriesOverTime::new(port(7), days.clone()).granularity(granularity);
            let overview = Overview::new(port(7), days.clone()).granularity(granularity);
            let split = chart.clone().split_by_consumer(5);
            let compared = chart.clone().compared_with(Comparison::YearBefore);
            // the first five are planned for their values
            assert_eq!(generic_plans(portal, &portal.model, &chart).await, 5);
            assert_eq!(generic_plans(portal, &portal.model, &compared).await, 5);
            assert_eq!(generic_plans(portal, &portal.model, &split).await, 5);
            assert_eq!(generic_plans(portal, &portal.model, &overview).await, 5);
        }
    }
}
