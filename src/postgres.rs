//! What the model says to Postgres: tables, ingests, upkeep.

mod ddl;
mod ingest;
mod migrations;

pub(crate) use ingest::Session;
pub use ingest::{IngestError, Outcome, Replace, TableOutcome};
pub use migrations::Migration;
