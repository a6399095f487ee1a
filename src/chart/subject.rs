//! Whose use a chart counts.

use serde::{Deserialize, Serialize};

use crate::id::{OutputPortId, TechAssetId};

/// Whose use a chart counts: an output port, a tech asset, or the whole portal.
///
/// Charts take anything that becomes one: an [`OutputPortId`], a [`TechAssetId`], or a value of this type. Of a tech
/// asset they count its touches, each of which is a query, too.
///
/// ```
/// use output_port_usage::chart::{QueriesOverTime, Subject};
/// use output_port_usage::{OutputPortId, TechAssetId, last_days};
/// # let today = chrono::NaiveDate::from_ymd_opt(2026, 7, 1).unwrap();
/// # let (port, asset) = (OutputPortId(uuid::Uuid::nil()), TechAssetId(uuid::Uuid::nil()));
///
/// let of_a_port = QueriesOverTime::new(port, last_days(90, today));
/// let of_an_asset = QueriesOverTime::new(asset, last_days(90, today));
/// let of_all = QueriesOverTime::new(Subject::Portal, last_days(90, today));
/// # assert!(of_a_port != of_all && of_an_asset != of_all);
/// ```
///
/// As JSON: `{"kind":"output_port","id":"…"}`, `{"kind":"tech_asset","id":"…"}`,
/// `{"kind":"tech_asset_of_port","id":"…","output_port_id":"…"}` or `{"kind":"portal"}`.
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Subject {
    /// One output port: its queries.
    OutputPort {
        /// Its id.
        id: OutputPortId,
    },
    /// One tech asset, through whichever output ports: its touches.
    ///
    /// A query that reads the asset is a touch in each output port that the asset stands behind. It is counted once:
    /// for each day and consumer, the count is that of the output port where it is largest. It is exact where every
    /// such output port was measured with the asset, and never more than the queries that were made.
    TechAsset {
        /// Its id.
        id: TechAssetId,
    },
    /// One tech asset through one output port: its touches there.
    TechAssetOfPort {
        /// The tech asset's id.
        id: TechAssetId,
        /// The output port's id.
        output_port_id: OutputPortId,
    },
    /// All output ports: the sum of their queries.
    ///
    /// A query that reads two output ports is in it twice, once for each: the tables do not know which queries of two
    /// output ports were the same.
    Portal,
}

impl From<OutputPortId> for Subject {
    fn from(id: OutputPortId) -> Self {
        Self::OutputPort { id }
    }
}

impl From<TechAssetId> for Subject {
    fn from(id: TechAssetId) -> Self {
        Self::TechAsset { id }
    }
}

impl Subject {
    /// What titles add.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::OutputPort { .. } => "",
            Self::TechAsset { .. } => ", of a tech asset",
            Self::TechAssetOfPort { .. } => ", of a tech asset of an output port",
            Self::Portal => ", of the portal",
        }
    }
}
