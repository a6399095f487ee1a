//! Tables whose key would not come back the same, or at all: they are loaded into it as it is.

use output_port_usage::*;

use super::host::{by_sqlx, by_sqlx_after, stated};
use super::keys::{catalog, files};
use super::{batches, twins};
use crate::portal::{Portal, QUERY_STATS, builder};

/// What a host may have done to table 1.
const CHANGES: [&str; 10] = [
    "ALTER TABLE usage.output_port_query_stats_daily RENAME CONSTRAINT output_port_query_stats_daily_pkey TO mine",
    "ALTER TABLE usage.output_port_query_stats_daily DROP CONSTRAINT output_port_query_stats_daily_pkey;
     ALTER TABLE usage.output_port_query_stats_daily ADD CONSTRAINT output_port_query_stats_daily_pkey
        PRIMARY KEY (date, output_port_id, consumer_id) INCLUDE (query_count)",
    "ALTER TABLE usage.output_port_query_stats_daily DROP CONSTRAINT output_port_query_stats_daily_pkey;
     ALTER TABLE usage.output_port_query_stats_daily ADD CONSTRAINT output_port_query_stats_daily_pkey
        UNIQUE (output_port_id, date, consumer_id) INCLUDE (query_count)",
    "ALTER INDEX usage.output_port_query_stats_daily_pkey SET (fillfactor = 70)",
    "ALTER TABLE usage.output_port_query_stats_daily CLUSTER ON output_port_query_stats_daily_pkey",
    "ALTER TABLE usage.output_port_query_stats_daily REPLICA IDENTITY USING INDEX output_port_query_stats_daily_pkey",
    "COMMENT ON CONSTRAINT output_port_query_stats_daily_pkey ON usage.output_port_query_stats_daily IS 'ours'",
    "CREATE TABLE usage.notes (port uuid, date date, consumer uuid, text text,
        FOREIGN KEY (port, date, consumer) REFERENCES usage.output_port_query_stats_daily (output_port_id, date, consumer_id))",
    "CREATE VIEW usage.last AS SELECT output_port_id, date, consumer_id, query_count
        FROM usage.output_port_query_stats_daily GROUP BY output_port_id, date, consumer_id",
    "ALTER TABLE usage.output_port_query_stats_daily ADD FOREIGN KEY (consumer_id) REFERENCES portal.data_products
        DEFERRABLE INITIALLY DEFERRED",
];

#[tokio::test]
async fn a_key_that_would_leave_a_trace_is_kept() {
    for change in CHANGES {
        let portal = Portal::with_combinations().await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(change)).execute(&portal.pool).await.unwrap();
        let (before, files_before) = (catalog(&portal).await, files(&portal).await);
        by_sqlx(&portal, stated(&portal.model, &batches(40)), batches(40)).await.unwrap();
        assert_eq!(catalog(&portal).await, before, "{change}");
        let of_table_1 = |files: Vec<String>| -> Vec<String> {
            files.into_iter().filter(|file| file.contains(QUERY_STATS) || file.starts_with("mine")).collect()
        };
        assert_eq!(of_table_1(files(&portal).await), of_table_1(files_before), "{change}");
        assert_eq!(portal.contents(QUERY_STATS).await.len(), twins::batch(1).queries().len(), "{change}");
    }
}

#[tokio::test]
async fn an_index_that_would_leave_a_trace_is_kept_while_its_key_is_built_anew() {
    let portal = Portal::with_combinations().await;
    let changes = "ALTER INDEX usage.output_port_query_stats_daily_date_idx SET (pages_per_range = 8);
        COMMENT ON INDEX usage.tech_asset_stats_daily_date_idx IS 'small';
        DROP INDEX usage.output_port_combined_with_daily_date_idx;
        ALTER INDEX usage.output_port_combined_with_daily_way_back_idx RENAME TO back;
        CREATE INDEX own ON usage.output_port_query_stats_daily (query_count)";
    sqlx::raw_sql(changes).execute(&portal.pool).await.unwrap();
    let (before, files_before) = (catalog(&portal).await, files(&portal).await);
    by_sqlx(&portal, stated(&portal.model, &batches(40)), batches(40)).await.unwrap();
    assert_eq!(catalog(&portal).await, before);
    let after = files(&portal).await;
    let kept: Vec<&str> = after
        .iter()
        .filter(|file| files_before.contains(file))
        .map(|file| file.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        kept,
        ["back", "output_port_query_stats_daily_date_idx", "own", "tech_asset_stats_daily_date_idx"]
    );
}

#[tokio::test]
async fn a_role_that_does_not_own_the_tables_loads_into_their_keys() {
    let portal = Portal::with_combinations().await;
    let grant = "GRANT USAGE ON SCHEMA usage, portal TO pg_monitor;
        GRANT SELECT ON ALL TABLES IN SCHEMA portal TO pg_monitor;
        GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA usage TO pg_monitor";
    sqlx::raw_sql(grant).execute(&portal.pool).await.unwrap();
    let before = files(&portal).await;
    let backfill = stated(&portal.model, &batches(40));
    by_sqlx_after(&portal, "SET LOCAL ROLE pg_monitor", backfill, batches(40)).await.unwrap();
    assert_eq!(files(&portal).await, before);
    assert_eq!(portal.contents(QUERY_STATS).await.len(), twins::batch(1).queries().len());
}

#[tokio::test]
async fn a_partitioned_table_is_loaded_into_its_keys() {
    let portal = Portal::without_tables(builder().build().unwrap()).await;
    portal.model.create_schema().into_sqlx().execute(&portal.pool).await.unwrap();
    for statement in portal.model.create_tables() {
        // its storage parameters belong to the partitions
        let sql = match statement.sql().split_once(" WITH (\n") {
            Some((before, parameters)) => {
                let (_, after) = parameters.split_once("\n        )").unwrap();
                before.to_owned() + " PARTITION BY RANGE (date)" + after
            }
            None => statement.sql().to_owned(),
        };
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&portal.pool).await.unwrap();
    }
    let years = "CREATE TABLE usage.queries_2026 PARTITION OF usage.output_port_query_stats_daily
            FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
        CREATE TABLE usage.touches_2026 PARTITION OF usage.tech_asset_stats_daily
            FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')";
    sqlx::raw_sql(years).execute(&portal.pool).await.unwrap();
    let before = catalog(&portal).await;
    let batches: Vec<UsageBatch> = batches(9).into_iter().map(UsageBatch::without_combinations).collect();
    let outcome = by_sqlx(&portal, stated(&portal.model, &batches), batches.clone()).await.unwrap();
    assert_eq!(outcome.queries.written, twins::batch(1).queries().len() as u64);
    assert_eq!(catalog(&portal).await, before);
}
