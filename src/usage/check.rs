//! What must hold inside one batch before any of it is sent.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use uuid::Uuid;

use super::{Combination, OutputPortQueries, TechAssetTouches, UsageBatch};
use crate::error::{Error, Kind};
use crate::id::OutputPortId;
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

    fn named(&self) -> String {
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

impl UsageBatch {
    /// Everything that a replace wants to be true of a batch by itself.
    pub(crate) fn check(&self) -> Result<(), Error> {
        time::check_days(&self.scope.days)?;
        if self.scope.output_ports.is_empty() {
            return Err(Kind::EmptyScope.into());
        }
        self.check_touches()?;
        self.check_combinations()
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
    fn check_touches(&self) -> Result<(), Error> {
        let Some(touches) = &self.touches else { return Ok(()) };
        let mut queries: HashMap<_, (u64, u64)> = HashMap::with_capacity(self.queries.len());
        for row in &self.queries {
            queries.insert((row.date, row.output_port_id, row.consumer_id), (row.query_count, 0));
        }
        for row in touches.iter().filter(|row| row.query_count > 0) {
            let (of_port, sum) = queries.entry((row.date, row.output_port_id, row.consumer_id)).or_default();
            *sum = sum.saturating_add(row.query_count);
            if row.query_count > *of_port {
                let (touches, queries) = (row.query_count, *of_port);
                return Err(
                    Kind::TouchesAboveQueries { key: Row::from(row).named(), touches, queries }.into()
                );
            }
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

    /// A combination ≤ the queries of each of its output ports, where the scope states them.
    fn check_combinations(&self) -> Result<(), Error> {
        let Some(combinations) = &self.combinations else { return Ok(()) };
        let queries: HashMap<_, u64> = self
            .queries
            .iter()
            .map(|row| ((row.date, row.output_port_id, row.consumer_id), row.query_count))
            .collect();
        for row in combinations {
            for port in [row.output_port_id_1, row.output_port_id_2] {
                if !self.scope.contains(row.date, port) {
                    continue;
                }
                let of_port = queries.get(&(row.date, port, row.consumer_id)).copied().unwrap_or(0);
                if row.query_count > of_port {
                    let key = Row::from(row).named();
                    let combinations = row.query_count;
                    return Err(Kind::CombinationsAboveQueries { key, combinations, queries: of_port }.into());
                }
            }
        }
        Ok(())
    }
}
