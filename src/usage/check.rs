//! What must hold inside one batch before any of it is sent.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use uuid::Uuid;

use super::{OutputPortQueries, TechAssetTouches, UsageBatch};
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

impl UsageBatch {
    /// Everything that a replace wants to be true of a batch by itself.
    pub(crate) fn check(&self) -> Result<(), Error> {
        time::check_days(&self.scope.days)?;
        if self.scope.output_ports.is_empty() {
            return Err(Kind::EmptyScope.into());
        }
        self.check_invariants()
    }

    /// The rows of table 1 in key order, zero counts left out, each checked.
    pub(crate) fn query_rows(&self) -> Result<Vec<Row<2>>, Error> {
        self.rows(Stats::Queries, &self.queries)
    }

    /// The rows of table 2 in key order, zero counts left out, each checked; `None` where not measured.
    pub(crate) fn touch_rows(&self) -> Result<Option<Vec<Row<3>>>, Error> {
        self.touches.as_deref().map(|touches| self.rows(Stats::Touches, touches)).transpose()
    }

    fn rows<'a, F, const N: usize>(&self, stats: Stats, facts: &'a [F]) -> Result<Vec<Row<N>>, Error>
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
            if !self.scope.contains(row.date, OutputPortId(row.ids[0])) {
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
    fn check_invariants(&self) -> Result<(), Error> {
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
}
