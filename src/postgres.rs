//! What the model says to Postgres: tables, ingests, upkeep.

mod ddl;
mod ingest;

pub(crate) use ingest::Session;
pub use ingest::{IngestError, Outcome, Replace, TableOutcome};
