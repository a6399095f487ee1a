//! What the planner makes of table 3: default settings, 500,000 rows and more, vacuumed.

use output_port_usage::chart::*;

use crate::chart::plans::{costs, explain};
use crate::portal::{Portal, consumer, day, port, unlabelled};

const PORTS: u128 = 40;
const CONSUMERS: u128 = 20;

/// 3 years of 40 ports, each with 4 others by 20 consumers on two days of three, loaded day by day.
async fn large() -> Portal {
    let portal = Portal::with_combinations().await;
    let parents = "INSERT INTO portal.datasets (id, name)
        SELECT id, id::text FROM unnest($1::uuid[]) AS u(id) ON CONFLICT DO NOTHING";
    let ports: Vec<_> = (0..PORTS).map(|n| port(n).0).collect();
    sqlx::query(parents).bind(&ports).execute(&portal.pool).await.unwrap();
    let consumers: Vec<_> = (0..CONSUMERS).map(|n| consumer(n).0).collect();
    // without the checks of foreign keys, which take most of the time
    let mut connection = portal.pool.acquire().await.unwrap();
    sqlx::query("SET session_replication_role = replica").execute(&mut *connection).await.unwrap();
    let queries =
        "INSERT INTO usage.output_port_query_stats_daily (date, output_port_id, consumer_id, query_count)
        SELECT d, p.id, c.id, 9
        FROM generate_series('2024-01-01'::timestamp, '2026-12-31', '1 day') AS d,
            unnest($1::uuid[]) AS p(id), unnest($2::uuid[]) AS c(id)
        ORDER BY d, p.id, c.id";
    sqlx::query(queries).bind(&ports).bind(&consumers).execute(&mut *connection).await.unwrap();
    let combinations = "INSERT INTO usage.output_port_combined_with_daily
            (date, output_port_id_1, output_port_id_2, consumer_id, query_count)
        SELECT d, least(one.id, other.id), greatest(one.id, other.id), c.id, 1 + (one.n + other.n + c.n) % 9
        FROM generate_series('2024-01-01'::timestamp, '2026-12-31', '1 day') AS d,
            unnest($1::uuid[]) WITH ORDINALITY AS one(id, n), unnest($1::uuid[]) WITH ORDINALITY AS other(id, n),
            unnest($2::uuid[]) WITH ORDINALITY AS c(id, n)
        WHERE (other.n - one.n + 40) % 40 IN (1, 5) AND (one.n + other.n + c.n + extract(doy FROM d)::int) % 3 > 0
        ORDER BY 1, 2, 3, 4";
    let written = sqlx::query(combinations).bind(&ports).bind(&consumers).execute(&mut *connection).await;
    let written = written.unwrap().rows_affected();
    assert!(written >= 500_000, "{written}");
    connection.close().await.unwrap();
    portal.vacuum().await;
    sqlx::raw_sql("VACUUM ANALYZE portal.datasets, portal.data_products")
        .execute(&portal.pool)
        .await
        .unwrap();
    portal
}

const FLOOR: &str = "SELECT (SELECT sum(query_count) FROM usage.output_port_combined_with_daily
        WHERE output_port_id_1 = $1 AND date >= $2 AND date < $3)
    + (SELECT sum(query_count) FROM usage.output_port_combined_with_daily
        WHERE output_port_id_2 = $1 AND date >= $2 AND date < $3)
    + (SELECT sum(query_count) FROM usage.output_port_query_stats_daily
        WHERE output_port_id = $1 AND date >= $2 AND date < $3)";

#[tokio::test]
async fn most_often_combined_with_reads_two_runs_of_indexes_and_few_buffers_above_the_floor() {
    let portal = large().await;
    let mut connection = portal.pool.acquire().await.unwrap();
    for days in [day(2024, 1, 1)..day(2027, 1, 1), day(2026, 4, 1)..day(2026, 7, 1)] {
        let values = sea_query::Values(vec![port(14).0.into(), days.start.into(), days.end.into()]);
        let floor = explain(&mut connection, FLOOR, values).await;
        let chart = MostOftenCombinedWith::new(port(14), days);
        let unlabelled = unlabelled().combinations().build().unwrap();
        for model in [&portal.model, &unlabelled] {
            for mut cost in costs(&portal, model, &chart).await {
                assert_eq!((cost.heap_fetches, cost.temp_blocks), (0, 0), "{cost:?}");
                cost.nodes.sort_unstable();
                let pairs = "Index Only Scan on output_port_combined_with_daily";
                assert_eq!(cost.nodes, [pairs, pairs, "Index Only Scan on output_port_query_stats_daily"]);
                assert!(
                    cost.buffers <= floor.buffers + 5,
                    "{} buffers, floor {}",
                    cost.buffers,
                    floor.buffers
                );
            }
        }
    }
}
