//! Rows in the order of their table's key.

use chrono::NaiveDate;
use uuid::Uuid;

use super::fact::Fact;

/// The rows of a batch that count something, in the order of the table's key, without a copy of them.
#[derive(Debug)]
pub(crate) struct Sorted<'a, F> {
    facts: &'a [F],
    /// Indexes of the facts; a batch has fewer rows than a `u32` counts.
    order: Vec<u32>,
}

/// An output port's day.
pub(super) type PortDay = (Uuid, NaiveDate);

impl<'a, F: Fact> Sorted<'a, F> {
    /// All rows in order, or the first two of one key.
    pub(super) fn new(facts: &'a [F]) -> Result<Self, &'a F> {
        let mut order: Vec<u32> = (0..facts.len() as u32).collect();
        order.sort_unstable_by_key(|&index| facts[index as usize].key());
        let of = |index: u32| &facts[index as usize];
        match order.windows(2).find(|pair| of(pair[0]).key() == of(pair[1]).key()) {
            Some(twice) => Err(of(twice[0])),
            None => Ok(Self { facts, order }),
        }
    }

    /// Leaves out what counts nothing.
    pub(super) fn without_zeros(mut self) -> Self {
        self.order.retain(|&index| self.facts[index as usize].count() > 0);
        self
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &'a F> {
        self.order.iter().map(|&index| &self.facts[index as usize])
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// The rows of each output port's day, in order.
    pub(super) fn port_days(&self) -> impl Iterator<Item = (PortDay, impl Iterator<Item = &'a F>)> {
        let of = |index: u32| &self.facts[index as usize];
        let port_day = move |index: u32| (of(index).ids().as_ref()[0], of(index).date());
        self.order
            .chunk_by(move |&one, &other| port_day(one) == port_day(other))
            .map(move |rows| (port_day(rows[0]), rows.iter().map(move |&index| of(index))))
    }

    /// The count of a key; none where no row counts it.
    pub(super) fn count(&self, port: Uuid, date: NaiveDate, ids: F::Ids) -> Option<u64> {
        let of = |index: &u32| &self.facts[*index as usize];
        let found = self.order.binary_search_by_key(&(port, date, ids), |index| of(index).key());
        found.ok().map(|at| of(&self.order[at]).count())
    }
}
