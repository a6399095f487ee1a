//! What a write did, or why it did not.

use serde::{Deserialize, Serialize};

use crate::error::{Error, UnknownIds};
use crate::model::Stats;

/// What an ingest, a back-fill or a removal did to each table.
///
/// As JSON:
///
/// ```
/// # use output_port_usage::Outcome;
/// let json = serde_json::json!({
///     "queries": {"written": 40, "unchanged": 2, "removed": 1, "skipped": 0},
///     "touches": {"written": 40, "unchanged": 2, "removed": 1, "skipped": 0},
///     "combinations": null,
///     "coverage": 3,
///     "unknown": {"output_ports": [], "tech_assets": [], "consumers": ["0190d3a2-5c1e-7b4a-8f00-0123456789c9"]}
/// });
/// let outcome: Outcome = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&outcome)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Outcome {
    /// The table of queries.
    pub queries: TableOutcome,
    /// The table of touches; `None` where the batch did not measure them.
    pub touches: Option<TableOutcome>,
    /// The table of combinations; `None` where the batch did not measure them or the model has no table for them.
    pub combinations: Option<TableOutcome>,
    /// For how many output ports the coverage changed; `None` if the model has none, or the write leaves it alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<u64>,
    /// The ids whose rows were skipped; empty unless [`Ingest::skip_unknown`](crate::Ingest::skip_unknown) was
    /// asked for.
    pub unknown: UnknownIds,
}

impl Outcome {
    pub(super) fn set(&mut self, stats: Stats, of_table: TableOutcome) {
        match stats {
            Stats::Queries => self.queries = of_table,
            Stats::Touches => self.touches = Some(of_table),
            Stats::Combinations => self.combinations = Some(of_table),
        }
    }

    pub(super) fn add(&mut self, stats: Stats, of_table: TableOutcome) {
        let sum = match stats {
            Stats::Queries => &mut self.queries,
            Stats::Touches => self.touches.get_or_insert_default(),
            Stats::Combinations => self.combinations.get_or_insert_default(),
        };
        sum.written += of_table.written;
        sum.unchanged += of_table.unchanged;
        sum.removed += of_table.removed;
        sum.skipped += of_table.skipped;
    }

    /// The outcomes of the tables that were written to.
    pub(super) fn tables(&self) -> impl Iterator<Item = TableOutcome> {
        [Some(self.queries), self.touches, self.combinations].into_iter().flatten()
    }
}

/// What an ingest, a back-fill or a removal did to one table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TableOutcome {
    /// Rows inserted or updated.
    pub written: u64,
    /// Rows that the table already held with the same count; nothing was written.
    pub unchanged: u64,
    /// Rows removed: those that a replace's batch no longer has, or that a delete or purge names.
    pub removed: u64,
    /// Rows left out because one of their ids is unknown.
    pub skipped: u64,
}

/// Why a write stopped: an ingest, a removal or a back-fill.
///
/// The transaction is as it was before the write: nothing is kept by halves. The message is that of the cause, for
/// instance which id is unknown, and [`source`](std::error::Error::source) continues from there. `?` turns an [`Error`]
/// into one. (What a server reported is the message with SQLx 0.9, and once more the source; tokio-postgres 0.7 says "db
/// error", and the rest is the source.)
///
/// ```
/// use output_port_usage::WriteError;
///
/// fn status<E>(error: &WriteError<E>) -> u16 {
///     match error.rejected() {
///         Some(refused) if refused.is_batch() => 422,
///         _ => 500,
///     }
/// }
/// # let _ = status::<std::io::Error>;
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError<E> {
    /// The library refused the batch, the transaction or a table.
    ///
    /// It did so before the first write of that batch.
    #[error(transparent)]
    Rejected(#[from] Error),
    /// The stream of a back-fill's batches failed. Holds the stream's own error, which can be downcast.
    #[error(transparent)]
    Source(Box<dyn std::error::Error + Send + Sync>),
    /// The driver or the server failed.
    #[error(transparent)]
    Driver(E),
}

impl<E> WriteError<E> {
    /// The library's refusal; `None` if the stream or the driver failed.
    pub fn rejected(&self) -> Option<&Error> {
        match self {
            Self::Rejected(error) => Some(error),
            Self::Source(_) | Self::Driver(_) => None,
        }
    }
}
