//! Members of a ranking, and everything outside its top n.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::{ConsumerId, GroupId};
use crate::row::{Columns, FlatRecord};

/// A consumer of the top n, or all others.
///
/// As JSON: `{"kind":"consumer","id":"…","label":"…"}` or `{"kind":"other","members":3}`.
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConsumerOrOther {
    /// One consumer.
    Consumer {
        /// Its id.
        id: ConsumerId,
        /// Its label, where the model's reference has one and the row still exists.
        #[cfg_attr(feature = "utoipa", schema(required = true))]
        label: Option<String>,
    },
    /// Every consumer outside the top n.
    Other {
        /// How many consumers it stands for, at least 1.
        members: i64,
    },
}

/// A group of the top n, the consumers without a group, or every other group.
///
/// As JSON: `{"kind":"group","id":"…","label":"…"}`, `{"kind":"no_group"}` or `{"kind":"other","members":3}`.
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum GroupOrOther {
    /// One group of consumers.
    Group {
        /// Its id.
        id: GroupId,
        /// Its label, where the model's reference has one and the row still exists.
        #[cfg_attr(feature = "utoipa", schema(required = true))]
        label: Option<String>,
    },
    /// The consumers that belong to no group.
    NoGroup,
    /// Every group outside the top n.
    Other {
        /// How many groups it stands for, at least 1.
        members: i64,
    },
}

impl ConsumerOrOther {
    /// A name for a legend.
    ///
    /// It is the label, or the id if there is none; or `Other (3)`.
    pub fn name(&self) -> String {
        match self {
            Self::Consumer { id, label } => label.clone().unwrap_or_else(|| id.to_string()),
            Self::Other { members } => other(*members),
        }
    }

    /// Reads the columns `rank`, `consumer_id`, `label` and `members`.
    pub(crate) fn read<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(match row.count_or_null("rank")? {
            Some(_) => {
                Self::Consumer { id: ConsumerId(row.uuid("consumer_id")?), label: row.text_or_null("label")? }
            }
            None => Self::Other { members: row.count("members")? },
        })
    }

    pub(crate) fn write_to(&self, record: &mut FlatRecord) {
        match self {
            Self::Consumer { id, label } => member(record, "consumer", Some(id.0), label.as_deref(), None),
            Self::Other { members } => member(record, "other", None, None, Some(*members)),
        }
    }
}

impl GroupOrOther {
    /// A name for a legend.
    ///
    /// It is the label, or the id if there is none; or `No group`; or `Other (3)`.
    pub fn name(&self) -> String {
        match self {
            Self::Group { id, label } => label.clone().unwrap_or_else(|| id.to_string()),
            Self::NoGroup => "No group".to_owned(),
            Self::Other { members } => other(*members),
        }
    }

    /// Reads the columns `rank`, `group_id`, `label` and `members`.
    pub(crate) fn read<C: Columns>(row: &C) -> Result<Self, C::Error> {
        if row.count_or_null("rank")?.is_some() {
            return Ok(Self::Group { id: GroupId(row.uuid("group_id")?), label: row.text_or_null("label")? });
        }
        Ok(match row.count_or_null("members")? {
            Some(members) => Self::Other { members },
            None => Self::NoGroup,
        })
    }

    pub(crate) fn write_to(&self, record: &mut FlatRecord) {
        match self {
            Self::Group { id, label } => member(record, "group", Some(id.0), label.as_deref(), None),
            Self::NoGroup => member(record, "no_group", None, None, None),
            Self::Other { members } => member(record, "other", None, None, Some(*members)),
        }
    }
}

fn other(members: i64) -> String {
    format!("Other ({members})")
}

fn member(
    record: &mut FlatRecord,
    kind: &'static str,
    id: Option<Uuid>,
    label: Option<&str>,
    members: Option<i64>,
) {
    record.text("kind", kind).id("id", id).text("label", label).count("members", members);
}
