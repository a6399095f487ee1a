//! Rows in the order of their table's key.

use std::collections::HashMap;

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
pub(crate) type PortDay = (Uuid, NaiveDate);

impl<'a, F: Fact> Sorted<'a, F> {
    /// All rows in order, or the first two of one key.
    pub(super) fn new(facts: &'a [F]) -> Result<Self, &'a F> {
        let mut places = places(facts);
        let of = |place: &Place| &facts[place.index as usize];
        places.sort_unstable_by(|one, other| {
            let port_day = one.port_day().cmp(&other.port_day());
            port_day.then_with(|| of(one).ids().cmp(&of(other).ids()))
        });
        let twice = places.windows(2).find(|pair| {
            pair[0].port_day() == pair[1].port_day() && of(&pair[0]).ids() == of(&pair[1]).ids()
        });
        match twice {
            Some(twice) => Err(of(&twice[0])),
            None => Ok(Self { facts, order: places.into_iter().map(|place| place.index).collect() }),
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
    pub(crate) fn port_days(&self) -> impl Iterator<Item = (PortDay, impl ExactSizeIterator<Item = &'a F>)> {
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

/// Where a row belongs, but for its other ids: what is compared most often lies side by side, because a look at the
/// rows themselves is a look at memory far away.
struct Place {
    /// The output port's number in the order of the ids.
    port: u32,
    date: NaiveDate,
    index: u32,
}

impl Place {
    fn port_day(&self) -> (u32, NaiveDate) {
        (self.port, self.date)
    }
}

fn places<F: Fact>(facts: &[F]) -> Vec<Place> {
    let mut seen: HashMap<Uuid, u32> = HashMap::new();
    let mut places: Vec<Place> = Vec::with_capacity(facts.len());
    for (index, fact) in (0..).zip(facts) {
        let next = seen.len() as u32;
        let port = *seen.entry(fact.ids().as_ref()[0]).or_insert(next);
        places.push(Place { port, date: fact.date(), index });
    }
    // numbered as they came; now in the order of the ids
    let mut ports: Vec<(Uuid, u32)> = seen.into_iter().collect();
    ports.sort_unstable();
    let mut numbers = vec![0; ports.len()];
    for (number, (_, seen)) in (0..).zip(ports) {
        numbers[seen as usize] = number;
    }
    for place in &mut places {
        place.port = numbers[place.port as usize];
    }
    places
}
