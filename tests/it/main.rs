//! The integration tests, one binary; modules mirror `src`.
//!
//! Every database test runs on a real PostgreSQL: see `throwaway-postgres` for where it comes from.

mod attribution;
mod chart;
mod driver;
mod errors;
mod fold;
mod hostile;
mod id;
mod kept;
mod model;
mod portal;
mod postgres;
mod query_log;
mod rows;
mod sample;
mod send_and_sync;
mod snowflake;
mod statement;
mod tables;
mod usage;
