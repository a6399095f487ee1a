//! What must hold inside one batch before any of it is sent.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use uuid::Uuid;

use super::fact::Fact;
use super::sorted::PortDay;
use super::{Combination, OutputPortQueries, Scope, Sorted, TechAssetTouches, UsageBatch};
use crate::error::{Error, Kind};
use crate::id::OutputPortId;

/// What a batch's silence means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stated {
    /// Zero, inside the scope.
    Completely,
    /// Nothing: only the rows that are there say something.
    ByRows,
}

/// The most rows of one table in one batch.
const MOST_ROWS: usize = 10_000_000;

/// The rows of a batch of which everything holds, in the order of their keys; `None` where not measured.
#[derive(Debug)]
pub(crate) struct Checked<'a> {
    pub(crate) queries: Sorted<'a, OutputPortQueries>,
    pub(crate) touches: Option<Sorted<'a, TechAssetTouches>>,
    pub(crate) combinations: Option<Sorted<'a, Combination>>,
}

impl UsageBatch {
    /// Refuses days that are unsettled from outside the scope.
    pub(crate) fn check_unsettled(&self) -> Result<(), Error> {
        let days = self.scope.checked_days();
        match self.unsettled_from.filter(|day| !days.contains(*day)) {
            None => Ok(()),
            Some(day) => {
                let (from, until) = (days.start(), days.end());
                Err(Kind::UnsettledOutsideScope { day, from, until }.into())
            }
        }
    }

    /// Everything that a write wants to be true of a batch by itself: of each row first, then of the tables together,
    /// so that the plainest reason is the one reported.
    pub(crate) fn check(&self, stated: Stated) -> Result<Checked<'_>, Error> {
        self.scope.check_ports()?;
        let checked = Checked {
            queries: check_rows(&self.scope, &self.queries)?,
            touches: self.touches.as_deref().map(|rows| check_rows(&self.scope, rows)).transpose()?,
            combinations: self
                .combinations
                .as_deref()
                .map(|rows| check_rows(&self.scope, rows))
                .transpose()?,
        };
        if let Some(touches) = &checked.touches {
            check_touches(&checked.queries, touches, stated)?;
        }
        if let Some(combinations) = &checked.combinations {
            check_combinations(&self.scope, &checked.queries, combinations, stated)?;
        }
        Ok(checked)
    }
}

fn check_size(table: &'static str, rows: usize) -> Result<(), Error> {
    match rows {
        0..=MOST_ROWS => Ok(()),
        _ => Err(Kind::BatchTooLarge { table, rows, most: MOST_ROWS }.into()),
    }
}

/// The rows of one table in key order, zero counts left out.
fn check_rows<'a, F: Fact>(scope: &Scope, facts: &'a [F]) -> Result<Sorted<'a, F>, Error> {
    let table = F::STATS.what();
    check_size(table, facts.len())?;
    // before zero counts go: a key that is there twice is a mistake whatever it counts
    let sorted = Sorted::new(facts).map_err(|twice| Kind::DuplicateKey { table, key: twice.named() })?;
    // a pair is in scope where one of its two output ports is
    let ports = F::STATS.ports().count();
    for row in sorted.iter() {
        let ids = row.ids();
        let ids = ids.as_ref();
        if !ids[..ports].iter().any(|&port| scope.contains(row.date(), OutputPortId(port))) {
            return Err(Kind::OutsideScope { table, key: row.named() }.into());
        }
        if ports == 2 {
            match ids[0].cmp(&ids[1]) {
                Ordering::Less => {}
                Ordering::Equal => return Err(Kind::PairOfOne(row.named()).into()),
                Ordering::Greater => return Err(Kind::PairOutOfOrder(row.named()).into()),
            }
        }
        check_count(row)?;
    }
    Ok(sorted.without_zeros())
}

/// Refuses a count that no table holds.
pub(super) fn check_count<F: Fact>(row: &F) -> Result<(), Error> {
    match i32::try_from(row.count()) {
        Ok(_) => Ok(()),
        Err(_) => {
            let (table, key) = (F::STATS.what(), row.named());
            Err(Kind::CountTooLarge { table, key, count: row.count() }.into())
        }
    }
}

/// Each tech asset's touches ≤ the output port's queries ≤ the sum of its touches.
fn check_touches(
    queries: &Sorted<'_, OutputPortQueries>,
    touches: &Sorted<'_, TechAssetTouches>,
    stated: Stated,
) -> Result<(), Error> {
    let (mut queries, mut touches) = (queries.port_days().peekable(), touches.port_days().peekable());
    loop {
        let of_queries = queries.peek().map(|(port_day, _)| *port_day);
        let of_touches = touches.peek().map(|(port_day, _)| *port_day);
        let Some(port_day) = of_queries.into_iter().chain(of_touches).min() else { return Ok(()) };
        let queries = queries.next_if(|(of, _)| *of == port_day).into_iter().flat_map(|(_, rows)| rows);
        let touches = touches.next_if(|(of, _)| *of == port_day).into_iter().flat_map(|(_, rows)| rows);
        check_port_day(port_day, queries, touches, stated)?;
    }
}

fn check_port_day<'a>(
    (port, date): PortDay,
    queries: impl Iterator<Item = &'a OutputPortQueries>,
    touches: impl Iterator<Item = &'a TechAssetTouches>,
    stated: Stated,
) -> Result<(), Error> {
    // by consumer: its queries, and the sum of its touches
    let mut consumers: BTreeMap<Uuid, (u64, u64)> =
        queries.map(|row| (row.consumer_id.0, (row.query_count, 0))).collect();
    for row in touches {
        if stated == Stated::ByRows && !consumers.contains_key(&row.consumer_id.0) {
            continue;
        }
        let (queries, sum) = consumers.entry(row.consumer_id.0).or_default();
        *sum += row.query_count;
        let (touches, queries) = (row.query_count, *queries);
        if touches > queries {
            return Err(Kind::TouchesAboveQueries { key: row.named(), touches, queries }.into());
        }
    }
    for (consumer, (queries, touches)) in consumers {
        let said = stated == Stated::Completely || touches > 0;
        if said && queries > touches {
            let key = format!("{date}, {port}, {consumer}");
            return Err(Kind::QueriesAboveTouches { key, touches, queries }.into());
        }
    }
    Ok(())
}

/// A combination ≤ the queries of each of its output ports, where the batch states them.
fn check_combinations(
    scope: &Scope,
    queries: &Sorted<'_, OutputPortQueries>,
    combinations: &Sorted<'_, Combination>,
    stated: Stated,
) -> Result<(), Error> {
    for row in combinations.iter() {
        for port in [row.output_port_id_1, row.output_port_id_2] {
            let of_port = match queries.count(port.0, row.date, [port.0, row.consumer_id.0]) {
                Some(count) => count,
                None if stated == Stated::Completely && scope.contains(row.date, port) => 0,
                None => continue,
            };
            if row.query_count > of_port {
                let (key, combinations) = (row.named(), row.query_count);
                return Err(Kind::CombinationsAboveQueries { key, combinations, queries: of_port }.into());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Stats;

    #[test]
    fn a_table_of_ten_million_rows_is_the_largest() {
        let combinations = Stats::Combinations.what();
        assert!(check_size(combinations, 10_000_000).is_ok());
        let error = check_size(combinations, 10_000_001).unwrap_err();
        assert!(error.is_batch());
        assert_eq!(
            error.to_string(),
            "the combinations hold 10000001 rows, more than the 10000000 of one ingest: \
             split the batch by days or by output ports"
        );
    }
}
