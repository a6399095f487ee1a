//! The integration tests, one binary; modules mirror `src`.
//!
//! Every database test runs on a real PostgreSQL: see `throwaway-postgres` for where it comes from.

mod attribution;
mod charts;
mod charts_random;
mod ddl;
mod fold;
mod hostile;
mod ingest;
mod model;
mod plans;
mod portal;
mod query_log;
mod terminal_charts;
