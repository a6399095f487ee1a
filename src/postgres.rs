//! What the model says to Postgres: tables, ingests, upkeep.

mod ddl;
mod ingest;

#[cfg_attr(not(feature = "sqlx"), allow(unused_imports))]
pub(crate) use ingest::Session;
pub use ingest::{IngestError, Outcome, Replace, TableOutcome};
