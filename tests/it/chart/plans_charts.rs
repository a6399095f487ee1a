//! What the planner makes of the single charts; the goals are those of `plans`.

use output_port_usage::chart::*;
use output_port_usage::*;

use crate::chart::plans::{check, filled, floor, on_large_tables, usual};
use crate::portal::{Portal, QUERY_STATS, TOUCH_STATS, day, port};

#[test]
fn charts_read_the_index_alone_and_few_buffers_above_the_floor() {
    on_large_tables(charts_read_the_index);
}

async fn charts_read_the_index(portal: &Portal) {
    let years = day(2024, 1, 1)..day(2027, 1, 1);
    let quarter = day(2026, 4, 1)..day(2026, 7, 1);
    for days in [years, quarter] {
        let queries = floor(portal, QUERY_STATS, port(7), &days).await;
        let touches = floor(portal, TOUCH_STATS, port(7), &days).await;
        for granularity in [Granularity::Day, Granularity::Week, Granularity::Month, Granularity::Year] {
            let chart = QueriesOverTime::new(port(7), days.clone()).granularity(granularity);
            let buckets = match granularity {
                Granularity::Day => 1,
                _ => portal.rows(&chart).await.len() as u64,
            };
            check(portal, &chart, QUERY_STATS, 1, queries + 4 * buckets).await;
        }
        let distribution = QueryDistribution::new(port(7), days.clone()).top(5);
        check(portal, &distribution, QUERY_STATS, 1, queries + 5).await;
        let by_group = distribution.by_group();
        check(portal, &by_group, QUERY_STATS, 1, queries + 5).await;
        let assets = MostPopularAssets::new(port(7), days.clone());
        check(portal, &assets, TOUCH_STATS, 1, touches + 5).await;
    }
}

#[test]
fn every_granularity_gives_the_same_total() {
    on_large_tables(granularities_agree);
}

async fn granularities_agree(portal: &Portal) {
    let days = day(2024, 1, 1)..day(2027, 1, 1);
    let expected: i64 = sqlx::query_scalar(
        "SELECT sum(query_count) FROM usage.output_port_query_stats_daily WHERE output_port_id = $1",
    )
    .bind(port(3))
    .fetch_one(&portal.pool)
    .await
    .unwrap();
    for granularity in
        [Granularity::Day, Granularity::Week, Granularity::Month, Granularity::Quarter, Granularity::Year]
    {
        let points = portal.rows(&QueriesOverTime::new(port(3), days.clone()).granularity(granularity)).await;
        assert_eq!(points.iter().map(|point| point.query_count).sum::<i64>(), expected, "{granularity:?}");
    }
}

#[test]
fn labels_in_large_parent_tables_are_looked_up_row_by_row() {
    on_large_tables(async |_| {
        let portal = filled(usual(2)).await;
        for table in ["technical_assets", "data_products"] {
            let others = format!(
                "INSERT INTO portal.{table} (id, name)
                SELECT md5(n::text)::uuid, 'other ' || n FROM generate_series(1, 50000) AS n"
            );
            sqlx::query(sqlx::AssertSqlSafe(others)).execute(&portal.pool).await.unwrap();
        }
        sqlx::raw_sql("VACUUM ANALYZE portal.technical_assets, portal.data_products")
            .execute(&portal.pool)
            .await
            .unwrap();
        let days = day(2026, 4, 1)..day(2026, 7, 1);
        let queries = floor(&portal, QUERY_STATS, port(1), &days).await;
        let touches = floor(&portal, TOUCH_STATS, port(1), &days).await;
        // an index of two or three levels and a page for each
        let labels = |count: u64| 4 * count;
        let distribution = QueryDistribution::new(port(1), days.clone());
        check(&portal, &distribution, QUERY_STATS, 1, queries + 5 + labels(10)).await;
        let split = QueriesOverTime::new(port(1), days.clone()).split_by_consumer(10);
        check(&portal, &split, QUERY_STATS, 1, queries + 5 + labels(10)).await;
        let overview = Overview::new(port(1), days.clone());
        check(&portal, &overview, QUERY_STATS, 1, queries + 5 + labels(10)).await;
        check(&portal, &MostPopularAssets::new(port(1), days), TOUCH_STATS, 1, touches + 5 + labels(5)).await;
    });
}
