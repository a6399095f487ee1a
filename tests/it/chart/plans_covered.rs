//! What coverage adds to the plans of the charts: one row of one small table, whatever else they read.

use output_port_usage::chart::*;
use output_port_usage::*;

use crate::chart::plans::{PORTS, costs, generic_plans, heavy, on_large_tables};
use crate::portal::{Portal, day, port, scope, unlabelled};

/// What reading the row of an output port takes: the root and a leaf of the key, and a page of the table.
const ROW: u64 = 3;

#[test]
fn coverage_is_three_buffers_more_and_changes_no_scan() {
    on_large_tables(covered);
}

async fn covered(portal: &Portal) {
    let (model, plain) = (unlabelled().coverage().build().unwrap(), unlabelled().build().unwrap());
    for statement in model.create_tables() {
        statement.into_sqlx().execute(&portal.pool).await.unwrap();
    }
    // the days of the tables but their weekends, of the output ports that are asked for and of as many as make a second
    // page: so many ranges would leave the row, if it were a usual one
    for week in 0..157 {
        let from = day(2024, 1, 1) + chrono::Days::new(7 * week);
        let stated = scope(from..from + chrono::Days::new(5), (0..150).map(port).chain([heavy()]));
        let mut transaction = portal.pool.begin().await.unwrap();
        let declared = model.declare_measured(&stated).unwrap().skip_unknown();
        declared.run_sqlx(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
    }
    for statement in model.vacuum() {
        statement.into_sqlx().execute(&portal.pool).await.unwrap();
    }
    let beside = Beside { portal, model: &model, plain: &plain };
    for of in [port(7), heavy()] {
        for days in [day(2026, 4, 1)..day(2026, 7, 1), day(2026, 1, 1)..day(2027, 1, 1)] {
            for granularity in [Granularity::Day, Granularity::Week, Granularity::Month] {
                let over_time = QueriesOverTime::new(of, days.clone()).granularity(granularity);
                beside.check(&over_time).await;
                beside.check(&over_time.clone().split_by_consumer(5)).await;
                beside.check(&over_time.compared_with(Comparison::PreviousPeriod)).await;
                beside.check(&Overview::new(of, days.clone()).granularity(granularity)).await;
            }
            let summary = Summary::new(of, days.clone());
            beside.check(&summary).await;
            beside.check(&summary.compared_with(Comparison::YearBefore)).await;
            let distribution = QueryDistribution::new(of, days.clone());
            beside.check(&distribution.clone().compared_with(Comparison::PreviousPeriod)).await;
            beside.check(&distribution.by_group().compared_with(Comparison::PreviousPeriod)).await;
            let assets = MostPopularAssets::new(of, days.clone());
            beside.check(&assets.compared_with(Comparison::PreviousPeriod)).await;
        }
    }
    // planned once and not at each execution, which would take longer than everything else of it
    let year = day(2026, 1, 1)..day(2027, 1, 1);
    for granularity in [Granularity::Week, Granularity::Month] {
        let chart = QueriesOverTime::new(port(7), year.clone()).granularity(granularity);
        let overview = Overview::new(port(7), year.clone()).granularity(granularity);
        assert_eq!(generic_plans(portal, &model, &chart).await, 5);
        assert_eq!(
            generic_plans(portal, &model, &chart.clone().compared_with(Comparison::YearBefore)).await,
            5
        );
        assert_eq!(generic_plans(portal, &model, &chart.split_by_consumer(5)).await, 5);
        assert_eq!(generic_plans(portal, &model, &overview).await, 5);
    }
    // of many output ports, a row and its way each
    let days = day(2026, 1, 1)..day(2027, 1, 1);
    let many = QueriesOverTime::of_ports((0..PORTS).map(port), days);
    let [with, without] = [costs(portal, &model, &many).await, costs(portal, &plain, &many).await];
    for (with, without) in with.into_iter().zip(without) {
        assert!(with.buffers <= without.buffers + ROW * PORTS as u64, "{with:?} {without:?}");
    }
}

struct Beside<'a> {
    portal: &'a Portal,
    model: &'a UsageModel,
    plain: &'a UsageModel,
}

impl Beside<'_> {
    async fn check<C: Chart>(&self, chart: &C) {
        let with = costs(self.portal, self.model, chart).await;
        let without = costs(self.portal, self.plain, chart).await;
        for (with, without) in with.into_iter().zip(without) {
            assert_eq!((with.heap_fetches, with.temp_blocks), (0, 0), "{with:?}");
            assert_eq!(with.nodes, without.nodes);
            let text = self.model.query(chart).unwrap().to_string();
            assert!(with.buffers <= without.buffers + ROW, "{with:?} {without:?}: {text}");
        }
    }
}
