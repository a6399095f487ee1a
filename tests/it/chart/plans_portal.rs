//! What the planner makes of the charts of the whole portal; the goals are those of `plans`.

use std::ops::Range;

use chrono::NaiveDate;
use output_port_usage::chart::*;
use output_port_usage::*;

use crate::chart::plans::{PORTS, costs, explain, filled, floor, heavy, on_large_tables, usual};
use crate::portal::{Portal, QUERY_STATS, TOUCH_STATS, builder, day};

/// The buffers of an index-only SUM for each output port.
async fn floor_of_all(portal: &Portal, days: &Range<NaiveDate>) -> u64 {
    let mut connection = portal.pool.acquire().await.unwrap();
    let sql = "SELECT p.id, (SELECT sum(query_count) FROM usage.output_port_query_stats_daily
        WHERE output_port_id = p.id AND date >= $1 AND date < $2) FROM portal.datasets AS p";
    explain(&mut connection, sql, sea_query::Values(vec![days.start.into(), days.end.into()])).await.buffers
}

/// Reads one index alone, with so many buffers at most, planned either way.
async fn check<C: Chart>(portal: &Portal, model: &UsageModel, chart: &C, index_of: &str, most: u64) {
    let text = model.query(chart).unwrap().to_string();
    for cost in costs(portal, model, chart).await {
        assert_eq!((cost.heap_fetches, cost.temp_blocks), (0, 0), "{cost:?}");
        assert!(!cost.nodes.is_empty());
        let scan = format!("Index Only Scan on {index_of}");
        assert!(cost.nodes.iter().all(|node| *node == scan), "{cost:?} {text}");
        assert!(cost.buffers <= most, "{} buffers, at most {most}: {text}", cost.buffers);
    }
}

#[test]
fn a_ranking_reads_each_port_once_and_the_few_result_rows_again() {
    on_large_tables(ranking);
}

async fn ranking(portal: &Portal) {
    let check = async |chart: &Compared<MostUsedPorts>, most| {
        check(portal, &portal.model, chart, QUERY_STATS, most).await;
    };
    for days in [day(2026, 6, 1)..day(2026, 7, 1), day(2026, 4, 1)..day(2026, 7, 1)] {
        let before = Comparison::PreviousPeriod.days(&days).unwrap();
        let (now, then) = (floor_of_all(portal, &days).await, floor_of_all(portal, &before).await);
        // a row reads its consumers, the days before, and the way to its last day and its label; none has more rows than
        // the heavy port
        let of_heavy = floor(portal, QUERY_STATS, heavy(), &days).await;
        let rows = 10 * (of_heavy + floor(portal, QUERY_STATS, heavy(), &before).await + 8);
        let top = MostUsedPorts::new(days.clone());
        let compared = top.clone().compared_with(Comparison::PreviousPeriod);
        self::check(portal, &portal.model, &top, QUERY_STATS, now + rows).await;
        check(&compared, now + rows).await;
        check(&compared.clone().include_gone(), now + then + rows).await;
        check(&compared.clone().order(PortOrder::Risers), now + then + rows).await;
        check(&compared.order(PortOrder::Fallers), now + then + rows).await;
        // all of them at once, with a label each
        let labels = 4 * (4 * PORTS as u64 + 1);
        self::check(portal, &portal.model, &top.all(), QUERY_STATS, now + labels).await;
    }
}

#[test]
fn ports_that_outlive_their_parents_are_found_by_a_look_each() {
    on_large_tables(kept);
}

async fn kept(portal: &Portal) {
    let ports = Reference::to("datasets").schema("portal").label("name").on_delete(OnDelete::Keep);
    let model = builder().output_ports(ports).build().unwrap();
    let days = day(2026, 6, 1)..day(2026, 7, 1);
    let now = floor_of_all(portal, &days).await;
    let ports = 4 * PORTS as u64 + 1;
    let chart = MostUsedPorts::new(days).all();
    // a look of three or four buffers for each, and as many for its label
    check(portal, &model, &chart, QUERY_STATS, now + 8 * ports).await;
}

#[test]
fn unused_ports_take_one_look_each() {
    on_large_tables(unused);
}

async fn unused(portal: &Portal) {
    let ports = 4 * PORTS as u64 + 20;
    // never used; used long ago, which is looked for no further; used lately
    for from in [day(2024, 1, 1), day(2026, 6, 1), day(2027, 1, 1)] {
        let chart = Unused::output_ports(from..from + chrono::Days::new(30));
        // the root, a branch and a leaf of the key; some pages of the parent
        check(portal, &portal.model, &chart, QUERY_STATS, 3 * ports + 12).await;
    }
}

#[test]
fn unused_consumers_and_assets_take_one_look_each_with_a_key() {
    on_large_tables(async |_| {
        let portal = filled(usual(2)).await;
        let model = builder().read_by_consumer().read_by_tech_asset().build().unwrap();
        for statement in model.create_tables() {
            statement.into_sqlx().execute(&portal.pool).await.unwrap();
        }
        for statement in model.vacuum() {
            statement.into_sqlx().execute(&portal.pool).await.unwrap();
        }
        // 20 of each, some of them never used
        let most = 3 * 20 + 12;
        for from in [day(2024, 1, 1), day(2027, 1, 1)] {
            let days = from..from + chrono::Days::new(30);
            check(&portal, &model, &Unused::consumers(days.clone()), QUERY_STATS, most).await;
            check(&portal, &model, &Unused::tech_assets(days), TOUCH_STATS, most).await;
        }
    });
}
