//! What the model says to Postgres: tables, ingests, removals, upkeep.

mod backfill;
mod check;
mod coverage;
mod ddl;
mod delete;
mod distribute;
mod empty;
mod grants;
mod ingest;
mod migrations;
mod outcome;
mod partitions;
mod purge;
mod reconcile;
mod removal;
mod role;
mod rows;
mod scope;
mod session;
mod unknown;
mod vacuum;
mod violation;

pub(crate) use backfill::Load;
pub use backfill::{Backfill, BackfillProgress, BackfillStep};
pub use check::{CatalogRow, Check, Difference, DifferenceKind, Severity};
pub use coverage::{Gap, GapReason, Gaps, PortCoverage};
pub use distribute::Distribution;
pub use ingest::Ingest;
pub use migrations::Migration;
pub use outcome::{Outcome, TableOutcome, WriteError};
pub use purge::Purge;
pub use removal::Removal;
pub use role::Role;
pub(crate) use session::Session;
pub use violation::Violation;
