//! The columns of the model's tables.

use serde::{Deserialize, Serialize};

/// A column of the model's tables.
///
/// In JSON it is its default name: `date`, `output_port_id`, `output_port_id_1`, `output_port_id_2`,
/// `tech_asset_id`, `consumer_id`, `query_count`, and of coverage `measured`, `settled`, `rules` and `counted`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Column {
    /// `date`: the usage date.
    Date,
    /// `output_port_id`: the output port.
    OutputPortId,
    /// `output_port_id_1`: the smaller output port of a combination.
    #[serde(rename = "output_port_id_1")]
    OutputPortId1,
    /// `output_port_id_2`: the larger output port of a combination.
    #[serde(rename = "output_port_id_2")]
    OutputPortId2,
    /// `tech_asset_id`: the tech asset.
    TechAssetId,
    /// `consumer_id`: the consumer.
    ConsumerId,
    /// `query_count`: how many queries.
    QueryCount,
    /// `measured`: the days that some batch stated completely.
    Measured,
    /// `settled`: the measured days that no later run is expected to change.
    Settled,
    /// `rules`: the fingerprint of the rules by which the output port was counted last.
    Rules,
    /// `counted`: the measured days that were counted by these rules.
    Counted,
}

impl Column {
    /// The column's default name.
    pub const fn default_name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::OutputPortId => "output_port_id",
            Self::OutputPortId1 => "output_port_id_1",
            Self::OutputPortId2 => "output_port_id_2",
            Self::TechAssetId => "tech_asset_id",
            Self::ConsumerId => "consumer_id",
            Self::QueryCount => "query_count",
            Self::Measured => "measured",
            Self::Settled => "settled",
            Self::Rules => "rules",
            Self::Counted => "counted",
        }
    }
}
