//! What a chart of one output port costs as others come to the tables.

use output_port_usage::chart::*;
use output_port_usage::*;

use crate::chart::plans::{PORTS, costs, filled, on_large_tables, usual};
use crate::portal::{Portal, day, port};

#[test]
fn ten_times_the_table_costs_a_chart_few_more_buffers() {
    on_large_tables(async |large: &Portal| {
        let small = filled(usual(PORTS / 10)).await;
        let port = port(3);
        for days in [
            day(2026, 6, 1)..day(2026, 7, 1),
            day(2026, 4, 1)..day(2026, 7, 1),
            day(2026, 1, 1)..day(2027, 1, 1),
            day(2024, 1, 1)..day(2027, 1, 1),
        ] {
            for granularity in [Granularity::Day, Granularity::Week, Granularity::Month] {
                let chart = QueriesOverTime::new(port, days.clone()).granularity(granularity);
                stays(&small, large, &chart).await;
                stays(&small, large, &chart.clone().compared_with(Comparison::PreviousPeriod)).await;
                stays(&small, large, &chart.split_by_consumer(5)).await;
                stays(&small, large, &Overview::new(port, days.clone()).granularity(granularity)).await;
            }
            let distribution = QueryDistribution::new(port, days.clone());
            stays(&small, large, &distribution).await;
            stays(&small, large, &distribution.by_group()).await;
            stays(&small, large, &MostPopularAssets::new(port, days.clone())).await;
            stays(&small, large, &Summary::new(port, days)).await;
        }
    });
}

/// The goal: at most 15% more.
async fn stays<C: Chart>(small: &Portal, large: &Portal, chart: &C) {
    let of = async |portal: &Portal| costs(portal, &portal.model, chart).await.map(|cost| cost.buffers);
    let (few, many) = (of(small).await, of(large).await);
    let text = large.model.query(chart).unwrap().to_string();
    for (few, many) in few.into_iter().zip(many) {
        assert!(many * 100 <= few * 115, "{few} buffers, then {many}: {text}");
    }
}
