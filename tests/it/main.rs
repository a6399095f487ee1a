//! The integration tests, one binary; modules mirror `src`.
//!
//! Every database test runs on a real PostgreSQL: see `throwaway-postgres` for where it comes from.

mod attribution;
mod backfill;
mod charts;
mod charts_compared;
mod charts_overview;
mod charts_random;
mod charts_random_derived;
mod charts_series;
mod combinations;
mod combinations_random;
mod concurrency;
mod ddl;
mod distribute;
mod drivers;
mod fold;
mod hostile;
mod idens;
mod ids;
mod ingest;
mod json;
mod killed;
mod large_batch;
mod merge;
mod migrations;
mod model;
mod partitioned;
mod plans;
mod plans_charts;
mod plans_combinations;
mod plans_derived;
mod plans_growth;
mod portal;
mod query_log;
mod reconcile;
mod reconcile_random;
mod removal;
mod rows;
mod send_and_sync;
mod snowflake;
mod statements;
mod tables;
mod terminal_charts;
mod upsert;
mod writes_random;
