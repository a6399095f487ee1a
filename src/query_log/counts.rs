//! The three results of a set of touches.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::touches::Through;
use crate::id::{ConsumerId, OutputPortId, TechAssetId};
use crate::usage::{Combination, OutputPortQueries, Scope, TechAssetTouches, UsageBatch};

/// The three results, by the keys of their tables.
#[derive(Default)]
pub(super) struct LogCounts {
    queries: BTreeMap<(NaiveDate, OutputPortId, ConsumerId), u64>,
    touches: BTreeMap<(NaiveDate, OutputPortId, TechAssetId, ConsumerId), u64>,
    combinations: BTreeMap<(NaiveDate, OutputPortId, OutputPortId, ConsumerId), u64>,
}

impl LogCounts {
    /// Counts one unit that read distinct pairs of output port and tech asset, in their order, on one day
    /// for one consumer.
    ///
    /// All reads of one tech asset were made through the same objects, whatever the output port.
    pub(super) fn add(
        &mut self,
        date: NaiveDate,
        consumer: ConsumerId,
        reads: &[(OutputPortId, TechAssetId, Through)],
    ) {
        for &(output_port, asset, _) in reads {
            *self.touches.entry((date, output_port, asset, consumer)).or_default() += 1;
        }
        let output_ports = reads.chunk_by(|a, b| a.0 == b.0);
        let mut kinships: Vec<(Kinship, OutputPortId)> =
            output_ports.map(|reads| (Kinship::new(reads), reads[0].0)).collect();
        for (_, output_port) in &kinships {
            *self.queries.entry((date, *output_port, consumer)).or_default() += 1;
        }
        kinships.sort_unstable();
        let mut kin = 0;
        for (place, (kinship, one)) in kinships.iter().enumerate() {
            kin = kin.max(place);
            while kinships.get(kin).is_some_and(|(other, _)| other == kinship) {
                kin += 1;
            }
            for (_, other) in &kinships[kin..] {
                let pair = (date, *one.min(other), *one.max(other), consumer);
                *self.combinations.entry(pair).or_default() += 1;
            }
        }
    }

    pub(super) fn into_batch(self, scope: Scope) -> UsageBatch {
        let queries = self
            .queries
            .into_iter()
            .map(|((date, port, consumer), count)| OutputPortQueries::new(date, port, consumer, count));
        let touches = self.touches.into_iter().map(|((date, port, asset, consumer), count)| {
            TechAssetTouches::new(date, port, asset, consumer, count)
        });
        let combinations = self.combinations.into_iter().map(|((date, port_1, port_2, consumer), count)| {
            Combination::new(date, port_1, port_2, consumer, count)
        });
        UsageBatch::builder(scope)
            .queries(queries.collect())
            .touches(touches.collect())
            .combinations(combinations.collect())
            .build()
    }
}

/// Why a unit does not combine an output port with others: two of a kin are not combined, any others are.
///
/// A combination takes two tech assets and two objects. Where one of the output ports was read through two
/// assets and, in all, two objects, it combines with every other one: whatever asset that was read through,
/// one of these is another, and was read through another object. So only those that were read through one
/// asset alone, or through one object alone, have kin: the output ports of that asset, or object. An asset
/// is read through the same objects for every output port, so no output port is of two kins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kinship {
    /// Read through this object alone, however many assets hold it.
    Object(Through),
    /// Read through this asset alone.
    Asset(TechAssetId),
    /// No other output port is of its kin.
    Alone(OutputPortId),
}

impl Kinship {
    /// That of an output port with its reads, of which there is one at least.
    fn new(reads: &[(OutputPortId, TechAssetId, Through)]) -> Self {
        let (output_port, asset, through) = reads[0];
        if through != Through::Others && reads.iter().all(|(_, _, other)| *other == through) {
            Self::Object(through)
        } else if reads.len() == 1 {
            Self::Asset(asset)
        } else {
            Self::Alone(output_port)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::super::touches::Touches;
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1000, ..Default::default() })]

        #[test]
        fn a_combination_takes_two_assets_and_two_objects(
            objects in prop::collection::vec(prop::collection::btree_set(0..4u8, 1..3), 4),
            ports in prop::collection::vec(prop::collection::btree_set(0..4usize, 1..4), 1..6),
        ) {
            let touches = Touches::default();
            let port = |number: usize| OutputPortId(Uuid::from_u128(number as u128));
            let through = |asset: usize| {
                let mut names = objects[asset].iter().map(|object| touches.through(&object.to_string()));
                let first = names.next().unwrap();
                names.fold(first, Through::and)
            };
            let mut reads = Vec::new();
            for (number, assets) in ports.iter().enumerate() {
                for &asset in assets {
                    reads.push((port(number), TechAssetId(Uuid::from_u128(asset as u128)), through(asset)));
                }
            }
            let (date, consumer) = (NaiveDate::default(), ConsumerId(Uuid::nil()));
            let mut counts = LogCounts::default();
            counts.add(date, consumer, &reads);

            let mut expected = BTreeMap::new();
            for one in 0..ports.len() {
                for other in one + 1..ports.len() {
                    let pairs = ports[one].iter().flat_map(|a| ports[other].iter().map(move |b| (a, b)));
                    let is_combined = pairs.filter(|(a, b)| a != b).any(|(a, b)| {
                        objects[*a].iter().any(|one| objects[*b].iter().any(|other| one != other))
                    });
                    if is_combined {
                        expected.insert((date, port(one), port(other), consumer), 1);
                    }
                }
            }
            prop_assert_eq!(counts.combinations, expected);
            prop_assert_eq!(counts.queries.len(), ports.len());
        }
    }
}
