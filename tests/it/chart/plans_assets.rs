//! What the planner makes of the tech assets of an output port, where each output port has its own.

use output_port_usage::UsageModel;
use output_port_usage::chart::{Comparison, MostPopularAssets};

use crate::chart::plans::explain;
use crate::portal::{Portal, asset, consumer, day, port, unlabelled};

/// So many output ports of 5 tech assets and 20 consumers, which touch two of three each day.
const PORTS: u128 = 60;

/// Of the table's tech assets and consumers, far more pairs can be made than one output port has: a planner that expects
/// them sorts its rows, on disk, instead of hashing a hundred pairs.
#[tokio::test]
async fn popular_assets_are_hashed_in_the_least_memory_that_a_server_may_have() {
    let portal = filled().await;
    let model: UsageModel = unlabelled().build().unwrap();
    let mut connection = portal.pool.acquire().await.unwrap();
    sqlx::raw_sql("SET work_mem = '64kB'").execute(&mut *connection).await.unwrap();
    let chart = MostPopularAssets::new(port(7), day(2026, 1, 31)..day(2026, 3, 2));
    let alone = model.query(&chart).unwrap().into_parts();
    let compared = model.query(&chart.compared_with(Comparison::PreviousPeriod)).unwrap().into_parts();
    for (sql, values) in [alone, compared] {
        let cost = explain(&mut connection, &sql, values).await;
        assert_eq!((cost.heap_fetches, cost.temp_blocks), (0, 0), "{cost:?}: {sql}");
    }
    connection.close().await.unwrap();
}

async fn filled() -> Portal {
    let portal = Portal::new().await;
    let ports: Vec<_> = (0..PORTS).map(|n| port(n).0).collect();
    let assets: Vec<_> = (0..5 * PORTS).map(|n| asset(n).0).collect();
    let consumers: Vec<_> = (0..20).map(|n| consumer(n).0).collect();
    let mut connection = portal.pool.acquire().await.unwrap();
    // without the checks of foreign keys: the parents have no such rows
    sqlx::raw_sql("SET session_replication_role = replica").execute(&mut *connection).await.unwrap();
    let touches =
        "INSERT INTO usage.tech_asset_stats_daily (date, output_port_id, tech_asset_id, consumer_id, query_count)
        SELECT date '2026-01-01' + d, p.id, a.id, c.id, 1
        FROM generate_series(0, 59) AS d, unnest($1::uuid[]) WITH ORDINALITY AS p(id, n),
            unnest($2::uuid[]) WITH ORDINALITY AS a(id, n), unnest($3::uuid[]) WITH ORDINALITY AS c(id, n)
        WHERE a.n % $4 = p.n % $4 AND (d + p.n + a.n + c.n) % 3 > 0
        ORDER BY d, p.id, a.id, c.id";
    let touches = sqlx::query(touches).bind(&ports).bind(&assets).bind(&consumers).bind(PORTS as i64);
    let written = touches.execute(&mut *connection).await.unwrap().rows_affected();
    assert_eq!(written, 60 * PORTS as u64 * 5 * 20 * 2 / 3);
    connection.close().await.unwrap();
    portal.vacuum().await;
    portal
}
