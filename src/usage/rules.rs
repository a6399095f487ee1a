//! By which rules an output port was counted, as fingerprints.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::OutputPortId;

/// A fingerprint for each output port of the rules by which it is counted.
///
/// Two runs that count an output port in the same way have the same fingerprint for it, whatever the order in which
/// the rules were written. Made by [`Attribution::rules`](crate::Attribution::rules); the batches of an aggregation
/// carry it, and a batch that a host counts itself may: any id but nil that changes when its rules do will serve.
///
/// As JSON: an object of output ports and fingerprints.
///
/// ```
/// # use output_port_usage::Rules;
/// let json = r#"{"0190d3a2-5c1e-7b4a-8f00-0123456789a1":"6c62272e-07bb-0142-62b8-21756295c58d"}"#;
/// let rules: Rules = serde_json::from_str(json)?;
/// # assert_eq!(serde_json::to_string(&rules)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rules(BTreeMap<OutputPortId, Uuid>);

impl Rules {
    /// The fingerprints of some output ports.
    pub fn new(fingerprints: impl IntoIterator<Item = (OutputPortId, Uuid)>) -> Self {
        Self(fingerprints.into_iter().collect())
    }

    /// The fingerprint of an output port, if it has one. The nil UUID is none.
    pub fn of(&self, output_port: OutputPortId) -> Option<Uuid> {
        self.0.get(&output_port).copied().filter(|fingerprint| !fingerprint.is_nil())
    }

    /// The rules of two counts that are added, for instance of two warehouse accounts.
    ///
    /// The order makes no difference, and nor does it how many are added one after the other. An output port that only
    /// one of them has a fingerprint for keeps it; but if one has none at all, nobody knows the rules of the sum, and it
    /// has none either. Fingerprints are added as numbers, so those of a host's own should be hashes or random.
    #[must_use = "the rules of both are returned"]
    pub fn merge(mut self, other: &Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return Self::default();
        }
        for (&port, &rules) in &other.0 {
            let sum = self.0.entry(port).or_default();
            *sum = Uuid::from_u128(sum.as_u128().wrapping_add(rules.as_u128()));
        }
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What both say alike.
    pub(crate) fn in_common(mut self, other: &Self) -> Self {
        self.0.retain(|port, rules| other.of(*port) == Some(*rules));
        self
    }
}
