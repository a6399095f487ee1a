//! A table's rows of a batch, as statements bind them.

mod split;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;
use uuid::Uuid;

use self::split::Split;
use crate::error::{Error, Kind, UnknownIds};
use crate::model::{Column, Table, UsageModel};
use crate::usage::{Fact, Scope, Sorted, Stated, UsageBatch};

/// A table's rows, in parts of some ten thousand: what one statement binds, and a driver and a server hold at once.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TableRows {
    pub(super) table: Table,
    /// Together they state the scope of the batch, without an overlap.
    pub(super) parts: Vec<Part>,
}

/// The rows of a part of the scope as one array a column, in key order: statements bind them as they are, and inserting
/// in key order is twice as fast as in any other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    pub(super) scope: Scope,
    pub(super) dates: Arc<[NaiveDate]>,
    /// One for each id column, in the order of the key.
    pub(super) ids: Vec<Arc<[Uuid]>>,
    pub(super) counts: Arc<[i32]>,
}

impl TableRows {
    /// The rows of each table that the batch measured, in the order of the model's tables.
    ///
    /// # Errors
    ///
    /// What is wrong with the batch by itself.
    pub(super) fn of(model: &UsageModel, batch: &UsageBatch, stated: Stated) -> Result<Vec<Self>, Error> {
        let checked = batch.check(stated)?;
        let mut tables = vec![Self::new(&model.0.queries, batch.scope(), &checked.queries)];
        if let Some(touches) = &checked.touches {
            tables.push(Self::new(&model.0.touches, batch.scope(), touches));
        }
        if let Some(combinations) = &checked.combinations {
            let table = model.0.combinations.as_ref().ok_or(Kind::NoCombinationsTable)?;
            tables.push(Self::new(table, batch.scope(), combinations));
        }
        Ok(tables)
    }

    fn new<F: Fact>(table: &Table, scope: &Scope, rows: &Sorted<'_, F>) -> Self {
        let split = Split::new(scope, rows);
        let mut parts: Vec<Vec<&F>> = split.scopes().map(|_| Vec::new()).collect();
        for (port_day, rows) in rows.port_days() {
            parts[split.part_of(port_day)].extend(rows);
        }
        let parts = split.scopes().zip(parts).map(|(scope, rows)| Part::new(scope, &rows)).collect();
        Self { table: table.clone(), parts }
    }

    /// The table alone.
    pub(super) fn without_rows(&self) -> Self {
        Self { table: self.table.clone(), parts: Vec::new() }
    }

    pub(super) fn len(&self) -> u64 {
        self.parts.iter().map(Part::len).sum()
    }

    /// The days on which there is a row.
    pub(super) fn days(&self) -> BTreeSet<NaiveDate> {
        self.parts.iter().flat_map(|part| part.dates.iter().copied()).collect()
    }

    /// The ids that point to a column's parent.
    pub(super) fn ids_of(&self, column: Column) -> impl Iterator<Item = Uuid> {
        let stats = self.table.stats;
        let same_parent = move |id: Column| match column {
            Column::OutputPortId => stats.ports().any(|port| port == id),
            _ => id == column,
        };
        let columns = stats.ids().enumerate().filter(move |(_, id)| same_parent(*id));
        columns.flat_map(|(index, _)| self.parts.iter().flat_map(move |part| part.ids[index].iter().copied()))
    }

    /// Leaves out the rows that name an unknown id, and counts them.
    pub(super) fn skip(&mut self, unknown: &UnknownIds) -> u64 {
        if unknown.is_empty() {
            return 0;
        }
        let before = self.len();
        for part in &mut self.parts {
            part.skip(&self.table, unknown);
        }
        before - self.len()
    }
}

impl Part {
    fn new<F: Fact>(scope: Scope, rows: &[&F]) -> Self {
        let mut dates = Vec::with_capacity(rows.len());
        let mut ids = vec![Vec::with_capacity(rows.len()); F::STATS.ids().count()];
        let mut counts = Vec::with_capacity(rows.len());
        // each row once: in the order of the key they lie anywhere
        for row in rows {
            dates.push(row.date());
            for (column, id) in ids.iter_mut().zip(row.ids().as_ref()) {
                column.push(*id);
            }
            counts.push(i32::try_from(row.count()).unwrap_or(i32::MAX));
        }
        Self {
            scope,
            dates: dates.into(),
            ids: ids.into_iter().map(Into::into).collect(),
            counts: counts.into(),
        }
    }

    /// No rows, for the text of a statement.
    pub(super) fn empty(scope: &Scope, table: &Table) -> Self {
        let ids = table.stats.ids().map(|_| [].into()).collect();
        Self { scope: scope.clone(), dates: [].into(), ids, counts: [].into() }
    }

    pub(super) fn len(&self) -> u64 {
        self.counts.len() as u64
    }

    fn skip(&mut self, table: &Table, unknown: &UnknownIds) {
        let known: Vec<bool> = (0..self.counts.len())
            .map(|row| {
                let mut ids = table.stats.ids().zip(&self.ids);
                ids.all(|(column, ids)| unknown_of(unknown, column).binary_search(&ids[row]).is_err())
            })
            .collect();
        self.dates = retain(&self.dates, &known);
        for ids in &mut self.ids {
            *ids = retain(ids, &known);
        }
        self.counts = retain(&self.counts, &known);
    }
}

/// The unknown ids that a column may hold, ascending.
fn unknown_of(unknown: &UnknownIds, column: Column) -> &[Uuid] {
    match column {
        Column::TechAssetId => &unknown.tech_assets,
        Column::ConsumerId => &unknown.consumers,
        _ => &unknown.output_ports,
    }
}

fn retain<T: Copy>(values: &[T], kept: &[bool]) -> Arc<[T]> {
    values.iter().zip(kept).filter(|(_, kept)| **kept).map(|(value, _)| *value).collect()
}
