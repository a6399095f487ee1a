//! The charts that other charts lead to, on random facts: held against plain folds, and against each other.

use std::cell::Cell;

use output_port_usage::chart::*;
use output_port_usage::*;
use proptest::test_runner::{Config, TestRunner};

use crate::charts_random::{Facts, GRANULARITIES, facts};
use crate::fold;
use crate::portal::{Portal, port};

#[test]
fn derived_charts_of_random_facts_equal_plain_folds() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let portal = runtime.block_on(Portal::new());
    let folds = Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    runner
        .run(&facts(), |facts| {
            runtime.block_on(async {
                facts.ingest(&portal).await;
                many_ports_agree(&portal, &facts).await;
                for of in (0..4).map(port) {
                    let other = split_agrees(&portal, &facts, of).await;
                    folds.set(folds.get() + i32::from(other));
                }
            });
            Ok(())
        })
        .unwrap();
    // the facts must meet the rules that they are here to try
    assert!(folds.get() > 10, "folds {}", folds.get());
}

async fn many_ports_agree(portal: &Portal, facts: &Facts) {
    for granularity in GRANULARITIES {
        let ports = [2, 0, 3, 2, 1].map(port);
        let chart = QueriesOverTime::of_ports(ports, facts.days.clone()).granularity(granularity);
        let points = portal.rows(&chart).await;
        let read: Vec<_> =
            points.iter().map(|p| (p.output_port_id, (p.bucket, p.query_count, p.partial))).collect();
        let expected = (0..4).map(port).flat_map(|of| {
            fold::over_time(&facts.queries, of, &facts.days, granularity)
                .into_iter()
                .map(move |point| (of, point))
        });
        assert_eq!(read, Vec::from_iter(expected), "{granularity:?}");
    }
}

async fn split_agrees(portal: &Portal, facts: &Facts, of: OutputPortId) -> bool {
    let mut other = false;
    for granularity in GRANULARITIES {
        let chart = QueriesOverTime::new(of, facts.days.clone()).granularity(granularity);
        let points = portal.rows(&chart.clone().split_by_consumer(facts.top)).await;
        let read: Vec<_> = points
            .iter()
            .map(|p| match p.consumer {
                ConsumerOrOther::Consumer { id, .. } => (Some(id), p.bucket, p.query_count, p.partial),
                _ => (None, p.bucket, p.query_count, p.partial),
            })
            .collect();
        let expected = fold::split(&facts.queries, of, &facts.days, granularity, facts.top as usize);
        assert_eq!(read, expected, "{granularity:?}");
        other |= points.iter().any(|point| point.rank.is_none());
        for total in portal.rows(&chart).await {
            let of_bucket = points.iter().filter(|point| point.bucket == total.bucket);
            assert_eq!(of_bucket.map(|point| point.query_count).sum::<i64>(), total.query_count);
        }
    }
    other
}
