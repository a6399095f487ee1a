//! The overview: several charts from one scan.

use output_port_usage::chart::*;
use output_port_usage::*;

use crate::chart::worked::worked_example;
use crate::portal::{Portal, builder, day, port};

#[test]
fn overviews_that_mean_nothing_are_refused() {
    let model = builder().build().unwrap();
    let days = day(2026, 1, 1)..day(2026, 1, 2);
    let error = model.query(&Overview::new(port(1), days.clone()).top(0)).unwrap_err();
    assert_eq!(error.to_string(), "the number of consumers is zero: ask for at least one");
    assert!(model.query(&Overview::new(port(1), days.end..days.start)).unwrap_err().is_request());
}

#[tokio::test]
async fn an_overview_is_its_parts() {
    let portal = worked_example().await;
    let chart = Overview::new(port(1), day(2026, 1, 1)..day(2026, 1, 4)).top(2);
    let charts = chart.charts(portal.rows(&chart).await).unwrap();
    // 6 queries on the 1st, 4 on the 2nd: 5 by consumer 1, 3 by consumer 4, 1 each by 2 and 3
    let counts: Vec<_> = charts.over_time.iter().map(|p| p.query_count).collect();
    assert_eq!(counts, [6, 4, 0]);
    let split: Vec<_> = charts.split.iter().map(|s| (s.rank, s.counts.as_slice())).collect();
    let (first, second) = (Some(1), Some(2));
    let expected: [(_, &[i64]); 3] = [(first, &[5, 0, 0]), (second, &[0, 3, 0]), (None, &[1, 1, 0])];
    assert_eq!(split, expected);
    let slices: Vec<_> = charts.distribution.iter().map(|s| (s.rank, s.query_count, s.share)).collect();
    assert_eq!(slices, [(first, 5, 0.5), (second, 3, 0.3), (None, 2, 0.2)]);
    assert_eq!(charts.distribution[2].member, Member::Other { members: 2 });
    insta::assert_json_snapshot!(charts.summary, @r#"
    {
      "query_count": 10,
      "consumers": 4,
      "active_days": 2,
      "last_used": "2026-01-02"
    }
    "#);
}

#[tokio::test]
async fn an_overview_of_an_unused_port_has_zeros_and_no_series() {
    let portal = Portal::new().await;
    let days = day(2026, 1, 1)..day(2026, 1, 3);
    for granularity in [Granularity::Day, Granularity::Week] {
        let chart = Overview::new(port(1), days.clone()).granularity(granularity);
        let charts = chart.charts(portal.rows(&chart).await).unwrap();
        let over_time = QueriesOverTime::new(port(1), days.clone()).granularity(granularity);
        assert_eq!(charts.over_time, portal.rows(&over_time).await);
        assert!(charts.split.is_empty() && charts.distribution.is_empty());
        assert_eq!(charts.summary, SummaryTotals::default());
    }
}
