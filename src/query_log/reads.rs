//! What one record reads.

use std::collections::BTreeMap;

use super::touches::Through;
use crate::attribution::{HoldingSet, HoldingSets};
use crate::id::TechAssetId;

/// The sets of the objects that a record reads, each once.
///
/// However often a record lists an object, and however many objects of one schema it lists, this holds no
/// more than the attribution has sets; what they stand for is only looked up once all are known.
#[derive(Debug, Default)]
pub(super) struct Reads<'a>(BTreeMap<&'a str, (HoldingSet<'a>, Through)>);

impl<'a> Reads<'a> {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds an object by the sets that hold it.
    pub(super) fn add(&mut self, sets: HoldingSets<'a>, through: Through) {
        for set in sets.iter() {
            let entry = self.0.entry(set.name()).or_insert((set, through));
            entry.1 = entry.1.and(through);
        }
    }

    /// The tech assets that are read, each once.
    pub(super) fn assets(&self) -> BTreeMap<TechAssetId, Through> {
        let mut assets = BTreeMap::new();
        for &(set, through) in self.0.values() {
            for asset in set.assets() {
                assets
                    .entry(asset)
                    .and_modify(|known: &mut Through| *known = known.and(through))
                    .or_insert(through);
            }
        }
        assets
    }
}
