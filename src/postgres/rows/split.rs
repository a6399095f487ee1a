//! A scope in parts of some ten thousand rows.
//!
//! What a part needs of memory is needed by the driver, its socket and the server, for a moment each; what the whole
//! batch needs is needed once. The parts follow the key, so that rows still arrive in its order.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use uuid::Uuid;

use crate::id::OutputPortId;
use crate::time::Days;
use crate::usage::{Fact, PortDay, Scope, Sorted};

/// How many rows a part has at the most, unless one output port has more on one day.
const ROWS: usize = 50_000;

/// The parts of a scope: groups of output ports, each in ranges of days.
pub(super) struct Split {
    groups: Vec<Group>,
}

struct Group {
    /// The smallest id that belongs to it.
    first: Uuid,
    scope: Scope,
    ranges: Vec<Days>,
    /// The number of its first part.
    part: usize,
}

impl Split {
    pub(super) fn new<F: Fact>(scope: &Scope, rows: &Sorted<'_, F>) -> Self {
        let mut groups = groups::<F>(scope, rows);
        let mut by_day: Vec<BTreeMap<NaiveDate, usize>> = groups.iter().map(|_| BTreeMap::new()).collect();
        for ((port, date), rows) in rows.port_days() {
            *by_day[group_of(&groups, port)].entry(date).or_default() += rows.len();
        }
        let mut part = 0;
        for (group, by_day) in groups.iter_mut().zip(by_day) {
            group.ranges = ranges(scope.checked_days(), &by_day);
            group.part = part;
            part += group.ranges.len();
        }
        Self { groups }
    }

    /// The scope of each part.
    pub(super) fn scopes(&self) -> impl Iterator<Item = Scope> {
        self.groups.iter().flat_map(|group| group.ranges.iter().map(|&days| group.scope.on(days)))
    }

    /// The number of the part that the rows of an output port's day belong to.
    pub(super) fn part_of(&self, (port, date): PortDay) -> usize {
        let group = &self.groups[group_of(&self.groups, port)];
        group.part + group.ranges.partition_point(|days| days.end() <= date)
    }
}

fn group_of(groups: &[Group], port: Uuid) -> usize {
    groups.partition_point(|group| group.first <= port).saturating_sub(1)
}

/// Neighbouring output ports. Pairs are in the scope by either of their ports, so they stay one group.
fn groups<F: Fact>(scope: &Scope, rows: &Sorted<'_, F>) -> Vec<Group> {
    let group = |ports: Vec<OutputPortId>| Group {
        first: ports[0].0,
        scope: scope.of(ports.into_iter().collect()),
        ranges: Vec::new(),
        part: 0,
    };
    if F::STATS.ports().count() > 1 || rows.len() <= ROWS {
        return vec![Group { first: Uuid::nil(), scope: scope.clone(), ranges: Vec::new(), part: 0 }];
    }
    let mut of_port: HashMap<Uuid, usize> = HashMap::new();
    for ((port, _), rows) in rows.port_days() {
        *of_port.entry(port).or_default() += rows.len();
    }
    let (mut groups, mut ports, mut count) = (Vec::new(), Vec::new(), 0);
    for &port in scope.output_ports() {
        let more = of_port.get(&port.0).copied().unwrap_or(0);
        if count > 0 && count + more > ROWS {
            groups.push(group(std::mem::take(&mut ports)));
            count = 0;
        }
        ports.push(port);
        count += more;
    }
    groups.push(group(ports));
    groups
}

/// The days in ranges of so many rows at the most, or of one day.
fn ranges(days: Days, by_day: &BTreeMap<NaiveDate, usize>) -> Vec<Days> {
    let (mut ranges, mut start, mut count) = (Vec::new(), days.start(), 0);
    for (&day, &more) in by_day {
        if count > 0 && count + more > ROWS {
            ranges.extend(days.part(start..day));
            start = day;
            count = 0;
        }
        count += more;
    }
    ranges.extend(days.part(start..days.end()));
    ranges
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::id::ConsumerId;
    use crate::usage::{OutputPortQueries, UsageBatch};

    /// So many rows on each of the days of each of the output ports.
    fn split(ports: u128, days: u64, rows: u128) -> Vec<(Scope, usize)> {
        let first = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let port = |number| OutputPortId(Uuid::from_u128(number));
        let date = |offset| first + chrono::Days::new(offset);
        let scope = Scope::new(first..date(days), (1..=ports).map(port)).unwrap();
        let row =
            |of, day, by| OutputPortQueries::new(date(day), port(of), ConsumerId(Uuid::from_u128(by)), 1);
        let facts = (1..=ports)
            .flat_map(|of| (0..days).flat_map(move |day| (0..rows).map(move |by| row(of, day, by))))
            .collect();
        let batch = UsageBatch::builder(scope).queries(facts).build();
        let checked = batch.check(crate::usage::Stated::Completely).unwrap();
        let split = Split::new(batch.scope(), &checked.queries);
        let mut parts: Vec<(Scope, usize)> = split.scopes().map(|scope| (scope, 0)).collect();
        for row in checked.queries.iter() {
            let (scope, count) = &mut parts[split.part_of((row.output_port_id.0, row.date))];
            assert!(scope.contains(row.date, row.output_port_id), "{row:?} in {scope:?}");
            *count += 1;
        }
        // every day of every output port is stated once
        let stated: Vec<_> = parts
            .iter()
            .flat_map(|(scope, _)| {
                let days = scope.checked_days();
                let days = days.start().iter_days().take(days.count() as usize);
                days.flat_map(|day| scope.output_ports().iter().map(move |&port| (port, day)))
            })
            .collect();
        assert_eq!(stated.len() as u128, ports * u128::from(days));
        assert_eq!(stated.iter().collect::<BTreeSet<_>>().len(), stated.len());
        parts
    }

    fn counts(parts: &[(Scope, usize)]) -> Vec<usize> {
        parts.iter().map(|(_, count)| *count).collect()
    }

    #[test]
    fn few_rows_are_one_part() {
        assert_eq!(counts(&split(3, 4, 5)), [60]);
        assert_eq!(counts(&split(2, 2, 0)), [0]);
    }

    #[test]
    fn many_rows_are_parts_by_output_port_and_then_by_day() {
        assert_eq!(counts(&split(5, 2, 10_000)), [40_000, 40_000, 20_000]);
        assert_eq!(counts(&split(2, 3, 20_000)), [40_000, 20_000, 40_000, 20_000]);
        // a single day of an output port is never cut
        assert_eq!(counts(&split(1, 2, 60_000)), [60_000, 60_000]);
    }
}
