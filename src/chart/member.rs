//! Members of a ranking, and everything outside its top n.

use sea_query::{CaseStatement, Expr, ExprTrait};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::{ConsumerId, GroupId, OutputPortId, TechAssetId};
use crate::row::{Columns, FlatRecord};

/// Whom a slice or a series stands for: one member of a ranking, or all others.
///
/// As JSON: `{"kind":"consumer","id":"…","label":"…"}`, with the kinds `consumer`, `group`, `output_port` and
/// `tech_asset`;
/// `{"kind":"no_group"}`; or `{"kind":"other","members":3}`.
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Member {
    /// One consumer.
    Consumer {
        /// Its id.
        id: ConsumerId,
        /// Its label, where the model's reference has one and the row still exists.
        #[cfg_attr(feature = "utoipa", schema(required = true))]
        label: Option<String>,
    },
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
    /// One output port.
    OutputPort {
        /// Its id.
        id: OutputPortId,
        /// Its label, where the model's reference has one and the row still exists.
        #[cfg_attr(feature = "utoipa", schema(required = true))]
        label: Option<String>,
    },
    /// One tech asset.
    TechAsset {
        /// Its id.
        id: TechAssetId,
        /// Its label, where the model's reference has one and the row still exists.
        #[cfg_attr(feature = "utoipa", schema(required = true))]
        label: Option<String>,
    },
    /// Every member outside the top n.
    Other {
        /// How many members it stands for, at least 1.
        members: i64,
    },
}

/// What the members of a chart are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Consumer,
    Group,
    OutputPort,
}

impl Kind {
    /// The column of a member's id.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Consumer => "consumer_id",
            Self::Group => "group_id",
            Self::OutputPort => "output_port_id",
        }
    }

    /// How errors call a top n of them.
    pub(super) const fn top(self) -> &'static str {
        match self {
            Self::Consumer => "the number of consumers",
            Self::Group => "the number of groups",
            Self::OutputPort => "the number of output ports",
        }
    }

    /// The column `kind` of a row with an id, of one with `members`, and of one with neither.
    pub(super) fn column(self, id: Expr, members: Expr) -> Expr {
        let (one, none) = (Expr::cust(self.word()), Expr::cust("'no_group'"));
        let other = Expr::cust("'other'");
        let kind = CaseStatement::new().case(id.is_not_null(), one);
        let kind = match self {
            Self::Group => kind.case(members.is_null(), none),
            Self::Consumer | Self::OutputPort => kind,
        };
        let kind: Expr = kind.finally(other).into();
        kind.cast_as("text")
    }

    /// A member's `kind`.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Consumer => "'consumer'",
            Self::Group => "'group'",
            Self::OutputPort => "'output_port'",
        }
    }
}

impl Member {
    /// A name for a legend.
    ///
    /// It is the label, or the id if there is none; or `No group`; or `Other (3)`.
    pub fn name(&self) -> String {
        let named = |id: &Uuid, label: &Option<String>| label.clone().unwrap_or_else(|| id.to_string());
        match self {
            Self::Consumer { id, label } => named(&id.0, label),
            Self::Group { id, label } => named(&id.0, label),
            Self::OutputPort { id, label } => named(&id.0, label),
            Self::TechAsset { id, label } => named(&id.0, label),
            Self::NoGroup => "No group".to_owned(),
            Self::Other { members } => format!("Other ({members})"),
        }
    }

    /// Reads the columns `kind`, `id`, `label` and `members`.
    pub(crate) fn read<C: Columns>(row: &C) -> Result<Self, C::Error> {
        let label = || row.text_or_null("label");
        Ok(match row.text("kind")?.as_str() {
            "consumer" => Self::Consumer { id: ConsumerId(row.uuid("id")?), label: label()? },
            "group" => Self::Group { id: GroupId(row.uuid("id")?), label: label()? },
            "output_port" => Self::OutputPort { id: OutputPortId(row.uuid("id")?), label: label()? },
            "tech_asset" => Self::TechAsset { id: TechAssetId(row.uuid("id")?), label: label()? },
            "no_group" => Self::NoGroup,
            _ => Self::Other { members: row.count("members")? },
        })
    }

    pub(crate) fn write_to(&self, record: &mut FlatRecord) {
        let (kind, id, label, members) = match self {
            Self::Consumer { id, label } => ("consumer", Some(id.0), label.as_deref(), None),
            Self::Group { id, label } => ("group", Some(id.0), label.as_deref(), None),
            Self::OutputPort { id, label } => ("output_port", Some(id.0), label.as_deref(), None),
            Self::TechAsset { id, label } => ("tech_asset", Some(id.0), label.as_deref(), None),
            Self::NoGroup => ("no_group", None, None, None),
            Self::Other { members } => ("other", None, None, Some(*members)),
        };
        record.text("kind", kind).id("id", id).text("label", label).count("members", members);
    }
}
