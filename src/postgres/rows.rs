//! A table's part of a batch, as statements bind it.

use chrono::NaiveDate;
use uuid::Uuid;

use crate::error::{Error, Kind, UnknownIds};
use crate::model::{Column, Table, UsageModel};
use crate::usage::{Row, UsageBatch};

/// A table's rows as one array a column, in key order: statements bind them as they are, and
/// inserting in key order is twice as fast as in any other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TableRows {
    pub(super) table: Table,
    pub(super) dates: Vec<NaiveDate>,
    /// One for each id column, in the order of the key.
    pub(super) ids: Vec<Vec<Uuid>>,
    pub(super) counts: Vec<i32>,
}

impl TableRows {
    /// The rows of each table that the batch measured, in the order of the model's tables.
    pub(super) fn of(model: &UsageModel, batch: &UsageBatch) -> Result<Vec<Self>, Error> {
        let mut tables = vec![Self::new(&model.query_stats, &batch.query_rows()?)];
        if let Some(touches) = batch.touch_rows()? {
            tables.push(Self::new(&model.touch_stats, &touches));
        }
        if let Some(combinations) = batch.combination_rows()? {
            let table = model.combination_stats.as_ref().ok_or(Kind::NoCombinationsTable)?;
            tables.push(Self::new(table, &combinations));
        }
        Ok(tables)
    }

    fn new<const N: usize>(table: &Table, rows: &[Row<N>]) -> Self {
        Self {
            table: table.clone(),
            dates: rows.iter().map(|row| row.date).collect(),
            ids: (0..N).map(|column| rows.iter().map(|row| row.ids[column]).collect()).collect(),
            counts: rows.iter().map(|row| i32::try_from(row.count).unwrap_or(i32::MAX)).collect(),
        }
    }

    /// The table alone.
    pub(super) fn without_rows(&self) -> Self {
        Self { table: self.table.clone(), dates: Vec::new(), ids: Vec::new(), counts: Vec::new() }
    }

    pub(super) fn len(&self) -> u64 {
        self.counts.len() as u64
    }

    /// The ids that point to a column's parent, neighbours that are equal once.
    pub(super) fn distinct(&self, column: Column) -> Vec<Uuid> {
        let same_parent = |id: Column| match column {
            Column::OutputPortId => self.table.stats.ports().any(|port| port == id),
            _ => id == column,
        };
        let of_parent = self.table.stats.ids().zip(&self.ids).filter(|(id, _)| same_parent(*id));
        let mut ids: Vec<Uuid> = of_parent.flat_map(|(_, ids)| ids).copied().collect();
        ids.dedup();
        ids
    }

    /// Leaves out the rows that name an unknown id, and counts them.
    pub(super) fn skip(&mut self, unknown: &UnknownIds) -> u64 {
        let before = self.len();
        let known: Vec<bool> = (0..self.counts.len())
            .map(|row| {
                let mut ids = self.table.stats.ids().zip(&self.ids);
                ids.all(|(column, ids)| unknown_of(unknown, column).binary_search(&ids[row]).is_err())
            })
            .collect();
        retain(&mut self.dates, &known);
        self.ids.iter_mut().for_each(|ids| retain(ids, &known));
        retain(&mut self.counts, &known);
        before - self.len()
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

fn retain<T>(values: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    values.retain(|_| kept.next() == Some(&true));
}
