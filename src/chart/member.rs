//! Members of a ranking, and everything outside its top n.

use serde::{Deserialize, Serialize};

use crate::id::{ConsumerId, GroupId};
use crate::row::Columns;

/// A consumer of the top n, or everything outside it.
///
/// As JSON: `{"kind":"consumer","id":"…","label":"…"}` or `{"kind":"other","members":3}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConsumerOrOther {
    /// One consumer.
    Consumer {
        /// Its id.
        id: ConsumerId,
        /// Its label, where the model's reference has one and the row still exists.
        label: Option<String>,
    },
    /// Every consumer outside the top n.
    Other {
        /// How many consumers that are, at least one.
        members: i64,
    },
}

/// A group of the top n, consumers without a group, or everything outside.
///
/// As JSON: `{"kind":"group","id":"…","label":"…"}`, `{"kind":"no_group"}` or `{"kind":"other","members":3}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum GroupOrOther {
    /// One group of consumers.
    Group {
        /// Its id.
        id: GroupId,
        /// Its label, where the model's reference has one and the row still exists.
        label: Option<String>,
    },
    /// The consumers that belong to no group.
    NoGroup,
    /// Every group outside the top n.
    Other {
        /// How many groups that are, at least one.
        members: i64,
    },
}

impl ConsumerOrOther {
    /// Reads the columns `rank`, `consumer_id`, `label` and `members`.
    pub(crate) fn read<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(match row.count_or_null("rank")? {
            Some(_) => {
                Self::Consumer { id: ConsumerId(row.uuid("consumer_id")?), label: row.text_or_null("label")? }
            }
            None => Self::Other { members: row.count("members")? },
        })
    }
}

impl GroupOrOther {
    /// Reads the columns `rank`, `group_id`, `label` and `members`.
    pub(crate) fn read<C: Columns>(row: &C) -> Result<Self, C::Error> {
        if row.count_or_null("rank")?.is_none() {
            return Ok(Self::Other { members: row.count("members")? });
        }
        Ok(match row.uuid_or_null("group_id")? {
            Some(id) => Self::Group { id: GroupId(id), label: row.text_or_null("label")? },
            None => Self::NoGroup,
        })
    }
}
