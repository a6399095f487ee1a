//! What a database role is for.

use serde::{Deserialize, Serialize};

/// What a database role does with the tables of a model.
///
/// [`UsageModel::grants`](crate::UsageModel::grants) gives it the rights for that. In JSON the values are `reader`,
/// `writer` and `owner`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// Reads charts, and what else needs no write.
    Reader,
    /// Ingests, removes and reads.
    Writer,
    /// Creates the tables, alters and vacuums them, and does all that a writer does.
    Owner,
}
