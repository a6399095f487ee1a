//! Draws from the seed: whole numbers only, so that every platform draws alike.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The one source of chance.
///
/// `rand`'s own range sampling may change what a seed gives in a minor release, so ranges are drawn here.
#[derive(Debug, Clone)]
pub(crate) struct Random(Xoshiro256PlusPlus);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// A number below `bound`, by multiplication: its bias, `bound` in 2⁶⁴, shows in no log.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A position in a list of that length.
    pub(crate) fn position(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    pub(crate) fn in_a_thousand(&mut self, chances: u64) -> bool {
        self.below(1000) < chances
    }

    /// A position in a list of running totals, the higher its own share the likelier.
    pub(crate) fn weighted(&mut self, running_totals: &[u64]) -> usize {
        let drawn = self.below(running_totals.last().copied().unwrap_or(0));
        running_totals.partition_point(|total| *total <= drawn)
    }

    pub(crate) fn id(&mut self) -> uuid::Uuid {
        let bytes = (u128::from(self.0.next_u64()) << 64) | u128::from(self.0.next_u64());
        uuid::Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid()
    }
}

/// Running totals of a list of weights, as [`Random::weighted`] takes them.
pub(crate) fn running_totals(weights: impl IntoIterator<Item = u64>) -> Vec<u64> {
    weights
        .into_iter()
        .scan(0, |total, weight| {
            *total += weight;
            Some(*total)
        })
        .collect()
}
