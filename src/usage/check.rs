//! What must hold inside one batch before any of it is sent.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use uuid::Uuid;

use super::{Combination, OutputPortQueries, TechAssetTouches, UsageBatch};
use crate::error::{Error, Kind};
use crate::id::{ConsumerId, OutputPortId};
use crate::model::Stats;
use crate::time;

/// A row of any of the daily tables, its ids in the order of the table's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row<const N: usize> {
    pub(crate) date: NaiveDate,
    pub(crate) ids: [Uuid; N],
    pub(crate) count: u64,
}

impl<const N: usize> Row<N> {
    /// The order of the primary key: output port, date, the other ids.
    pub(crate) fn key(&self) -> (Uuid, NaiveDate, [Uuid; N]) {
        (self.ids[0], self.date, self.ids)
    }

    /// The key as errors show it.
    pub(super) fn named(&self) -> String {
        let ids: Vec<String> = self.ids.iter().map(Uuid::to_string).collect();
        format!("{}, {}", self.date, ids.join(", "))
    }
}

impl From<&OutputPortQueries> for Row<2> {
    fn from(row: &OutputPortQueries) -> Self {
        Self { date: row.date, ids: [row.output_port_id.0, row.consumer_id.0], count: row.query_count }
    }
}

impl From<&TechAssetTouches> for Row<3> {
    fn from(row: &TechAssetTouches) -> Self {
        let ids = [row.output_port_id.0, row.tech_asset_id.0, row.consumer_id.0];
        Self { date: row.date, ids, count: row.query_count }
    }
}

impl From<&Combination> for Row<3> {
    fn from(row: &Combination) -> Self {
        let ids = [row.output_port_id_1.0, row.output_port_id_2.0, row.consumer_id.0];
        Self { date: row.date, ids, count: row.query_count }
    }
}

/// What a batch's silence means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stated {
    /// Zero, inside the scope.
    Completely,
    /// Nothing: only the rows that are there say something.
    ByRows,
}

/// The most rows of one table in one batch: a row is up to 76 bytes of a message, and Postgres takes a gigabyte.
const MOST_ROWS: usize = 10_000_000;

fn check_size(table: &'static str, rows: usize) -> Result<(), Error> {
    match rows {
        0..=MOST_ROWS => Ok(()),
        _ => Err(Kind::BatchTooLarge { table, rows, most: MOST_ROWS }.into()),
    }
}

impl UsageBatch {
    /// Everything that an ingest wants to be true of a batch by itself.
    pub(crate) fn check(&self, stated: Stated) -> Result<(), Error> {
        time::check_days(&self.scope.days)?;
        if self.scope.output_ports.is_empty() {
            return Err(Kind::EmptyScope.into());
        }
        check_size(Stats::Queries.what(), self.queries.len())?;
        check_size(Stats::Touches.what(), self.touches.as_ref().map_or(0, Vec::len))?;
        check_size(Stats::Combinations.what(), self.combinations.as_ref().map_or(0, Vec::len))?;
        self.check_touches(stated)?;
        self.check_combinations(stated)
    }

    /// The rows of table 1 in key order, zero counts left out, each checked.
    pub(crate) fn query_rows(&self) -> Result<Vec<Row<2>>, Error> {
        self.rows(Stats::Queries, &self.queries, 1)
    }

    /// The rows of table 2 in key order, zero counts left out, each checked; `None` where not measured.
    pub(crate) fn touch_rows(&self) -> Result<Option<Vec<Row<3>>>, Error> {
        self.touches.as_deref().map(|touches| self.rows(Stats::Touches, touches, 1)).transpose()
    }

    /// The rows of table 3 in key order, zero counts left out, each checked; `None` where not measured.
    pub(crate) fn combination_rows(&self) -> Result<Option<Vec<Row<3>>>, Error> {
        let Some(combinations) = &self.combinations else { return Ok(None) };
        for combination in combinations {
            let named = || Row::from(combination).named();
            match combination.output_port_id_1.cmp(&combination.output_port_id_2) {
                Ordering::Less => {}
                Ordering::Equal => return Err(Kind::PairOfOne(named()).into()),
                Ordering::Greater => return Err(Kind::PairOutOfOrder(named()).into()),
            }
        }
        self.rows(Stats::Combinations, combinations, 2).map(Some)
    }

    /// A row is in scope where its day and one of its first `ports` ids are.
    fn rows<'a, F, const N: usize>(
        &self,
        stats: Stats,
        facts: &'a [F],
        ports: usize,
    ) -> Result<Vec<Row<N>>, Error>
    where
        Row<N>: From<&'a F>,
    {
        let table = stats.what();
        let mut rows: Vec<Row<N>> = facts.iter().map(Row::from).collect();
        // before zero counts go: a key that is there twice is a mistake whatever it counts
        rows.sort_unstable_by_key(Row::key);
        if let Some(twice) = rows.windows(2).find(|pair| pair[0].key() == pair[1].key()) {
            return Err(Kind::DuplicateKey { table, key: twice[0].named() }.into());
        }
        for row in &rows {
            if !row.ids[..ports].iter().any(|port| self.scope.contains(row.date, OutputPortId(*port))) {
                return Err(Kind::OutsideScope { table, key: row.named() }.into());
            }
            if i32::try_from(row.count).is_err() {
                return Err(Kind::CountTooLarge { table, key: row.named(), count: row.count }.into());
            }
        }
        rows.retain(|row| row.count > 0);
        Ok(rows)
    }

    /// Each tech asset's touches ≤ the output port's queries ≤ the sum of its touches.
    fn check_touches(&self, stated: Stated) -> Result<(), Error> {
        let Some(touches) = &self.touches else { return Ok(()) };
        let mut queries = self.queries_by_key(|count| (count, 0_u64));
        for row in touches.iter().filter(|row| row.query_count > 0) {
            let key = (row.date, row.output_port_id, row.consumer_id);
            if stated == Stated::ByRows && !queries.contains_key(&key) {
                continue;
            }
            let (of_port, sum) = queries.entry(key).or_default();
            *sum = sum.saturating_add(row.query_count);
            if row.query_count > *of_port {
                let (touches, queries) = (row.query_count, *of_port);
                return Err(
                    Kind::TouchesAboveQueries { key: Row::from(row).named(), touches, queries }.into()
                );
            }
        }
        if stated == Stated::ByRows {
            queries.retain(|_, (_, touches)| *touches > 0);
        }
        let above = queries.into_iter().filter(|(_, (queries, touches))| queries > touches);
        // the first by key, so that the same batch gives the same message
        match above.collect::<BTreeMap<_, _>>().pop_first() {
            None => Ok(()),
            Some(((date, port, consumer), (queries, touches))) => {
                let key = format!("{date}, {port}, {consumer}");
                Err(Kind::QueriesAboveTouches { key, touches, queries }.into())
            }
        }
    }

    /// A combination ≤ the queries of each of its output ports, where the batch states them.
    fn check_combinations(&self, stated: Stated) -> Result<(), Error> {
        let Some(combinations) = &self.combinations else { return Ok(()) };
        let queries = self.queries_by_key(|count| count);
        for row in combinations {
            for port in [row.output_port_id_1, row.output_port_id_2] {
                let of_port = match queries.get(&(row.date, port, row.consumer_id)) {
                    Some(&count) => count,
                    None if stated == Stated::Completely && self.scope.contains(row.date, port) => 0,
                    None => continue,
                };
                if row.query_count > of_port {
                    let key = Row::from(row).named();
                    let combinations = row.query_count;
                    return Err(Kind::CombinationsAboveQueries { key, combinations, queries: of_port }.into());
                }
            }
        }
        Ok(())
    }

    /// The queries of each key that has any.
    fn queries_by_key<V>(
        &self,
        value: impl Fn(u64) -> V,
    ) -> HashMap<(NaiveDate, OutputPortId, ConsumerId), V> {
        let counted = self.queries.iter().filter(|row| row.query_count > 0);
        counted.map(|row| ((row.date, row.output_port_id, row.consumer_id), value(row.query_count))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_ten_million_rows_is_the_largest() {
        assert!(check_size("the combinations", 10_000_000).is_ok());
        let error = check_size("the combinations", 10_000_001).unwrap_err();
        assert!(error.is_too_large());
        assert_eq!(
            error.to_string(),
            "the combinations hold 10000001 rows, more than the 10000000 of one ingest: \
             split the batch by days or by output ports"
        );
    }
}
