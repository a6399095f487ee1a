//! What an ingest did, or why it did not.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What an ingest did to each table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Outcome {
    /// Table 1: queries by output port.
    pub queries: TableOutcome,
    /// Table 2: touches by tech asset; `None` where the batch did not measure them.
    pub touches: Option<TableOutcome>,
    /// Table 3: combinations; `None` where the batch did not measure them.
    pub combinations: Option<TableOutcome>,
}

/// What an ingest did to one table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TableOutcome {
    /// Rows inserted or updated.
    pub written: u64,
    /// Rows that the table held already with the same count; nothing was written for them.
    pub unchanged: u64,
    /// Rows removed because the batch does not hold them.
    pub removed: u64,
    /// Rows left out because an id of theirs is unknown.
    pub skipped: u64,
}

/// Why an ingest stopped.
///
/// Nothing is kept half: the host rolls its transaction back.
#[derive(Debug, thiserror::Error)]
pub enum IngestError<E: std::error::Error + 'static> {
    /// The library refused the batch or the transaction, before the first write.
    #[error("the ingest was rejected")]
    Rejected(#[source] Error),
    /// The driver or the server failed.
    #[error("the database failed during the ingest")]
    Driver(#[source] E),
}

impl<E: std::error::Error + 'static> IngestError<E> {
    /// The library's refusal, if that is what it was.
    pub fn rejected(&self) -> Option<&Error> {
        match self {
            Self::Rejected(error) => Some(error),
            Self::Driver(_) => None,
        }
    }
}
