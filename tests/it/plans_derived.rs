//! What the planner makes of the charts that other charts lead to; the goals are those of `plans`.

use output_port_usage::chart::*;
use output_port_usage::*;

use crate::plans::{check, floor, on_large_tables};
use crate::portal::{Portal, QUERY_STATS, day, port};

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
