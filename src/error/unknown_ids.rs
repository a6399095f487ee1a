//! The ids of a batch that no parent table holds.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::{ConsumerId, OutputPortId, TechAssetId};

/// Ids that a batch names and the parent tables do not hold.
///
/// As JSON: an object with the lists `output_ports`, `tech_assets` and `consumers`, each ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownIds {
    pub(crate) output_ports: Vec<Uuid>,
    pub(crate) tech_assets: Vec<Uuid>,
    pub(crate) consumers: Vec<Uuid>,
}

impl UnknownIds {
    /// Adds the ids of another list.
    pub(crate) fn extend(&mut self, other: UnknownIds) {
        for (ids, others) in [
            (&mut self.output_ports, other.output_ports),
            (&mut self.tech_assets, other.tech_assets),
            (&mut self.consumers, other.consumers),
        ] {
            ids.extend(others);
            ids.sort_unstable();
            ids.dedup();
        }
    }

    /// The unknown output ports, ascending.
    pub fn output_ports(&self) -> impl ExactSizeIterator<Item = OutputPortId> {
        self.output_ports.iter().copied().map(OutputPortId)
    }

    /// The unknown tech assets, ascending.
    pub fn tech_assets(&self) -> impl ExactSizeIterator<Item = TechAssetId> {
        self.tech_assets.iter().copied().map(TechAssetId)
    }

    /// The unknown consumers, ascending.
    pub fn consumers(&self) -> impl ExactSizeIterator<Item = ConsumerId> {
        self.consumers.iter().copied().map(ConsumerId)
    }

    /// Whether every id is known.
    pub fn is_empty(&self) -> bool {
        self.output_ports.is_empty() && self.tech_assets.is_empty() && self.consumers.is_empty()
    }
}

/// Names every id of a short list, and the first ten of a long one.
impl fmt::Display for UnknownIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 10;
        let kinds = [
            ("output port", &self.output_ports),
            ("tech asset", &self.tech_assets),
            ("consumer", &self.consumers),
        ];
        let mut separator = "";
        for (what, ids) in kinds.into_iter().filter(|(_, ids)| !ids.is_empty()) {
            write!(f, "{separator}{what}{} ", if ids.len() == 1 { "" } else { "s" })?;
            for (index, id) in ids.iter().take(MOST).enumerate() {
                write!(f, "{}{id}", if index == 0 { "" } else { ", " })?;
            }
            if ids.len() > MOST {
                write!(f, " and {} more", ids.len() - MOST)?;
            }
            separator = "; ";
        }
        Ok(())
    }
}
