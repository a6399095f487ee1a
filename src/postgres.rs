//! What the model says to Postgres: tables, ingests, removals, upkeep.

mod ddl;
mod delete;
mod distribute;
mod ingest;
mod migrations;
mod outcome;
mod purge;
mod reconcile;
mod removal;
mod session;

pub use distribute::Distribution;
pub use ingest::Ingest;
pub use migrations::Migration;
pub use outcome::{IngestError, Outcome, TableOutcome};
pub use purge::Purge;
pub use reconcile::Violation;
pub use removal::Removal;
pub(crate) use session::Session;
