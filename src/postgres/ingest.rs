//! Writing a batch: a short list of statements in the host's transaction.

mod outcome;
mod run;
mod statements;

pub use outcome::{IngestError, Outcome, TableOutcome};
pub(crate) use run::Session;

use uuid::Uuid;

use crate::error::{Error, Kind};
use crate::model::{Table, UsageModel};
use crate::statement::Statement;
use crate::usage::{Row, Scope, UsageBatch};

impl UsageModel {
    /// Makes the batch's scope hold exactly the batch's rows.
    ///
    /// Vanished rows are removed, changed ones updated, equal ones not written at all; outside the scope
    /// nothing changes. Twice is the same as once. The batch is checked here, before anything is sent; its ids
    /// are checked against the parent tables by the run, before its first write.
    ///
    /// # Errors
    ///
    /// A key that is there twice ([`Error::is_duplicate_key`]); a row outside the scope
    /// ([`Error::is_outside_scope`]); a count over `i32::MAX`; touches and queries that contradict each other
    /// ([`Error::is_inconsistent`]); combinations of one output port with itself or out of order
    /// ([`Error::is_invalid_pair`]), or for a model without a table for them ([`Error::is_without_combinations`]); no row for the whole scope ([`Error::is_empty_batch`], see
    /// [`Replace::allow_empty`]), which comes with the run; a scope without output ports.
    pub fn replace(&self, batch: &UsageBatch) -> Result<Replace, Error> {
        batch.check()?;
        let mut tables = vec![TableRows::new(&self.query_stats, &batch.query_rows()?)];
        if let Some(touches) = batch.touch_rows()? {
            tables.push(TableRows::new(&self.touch_stats, &touches));
        }
        if let Some(combinations) = batch.combination_rows()? {
            let table = self.combination_stats.as_ref().ok_or(Kind::NoCombinationsTable)?;
            tables.push(TableRows::new(table, &combinations));
        }
        Ok(Replace { model: self.clone(), scope: batch.scope().clone(), tables, empty: Empty::Refused })
    }
}

/// Replaces the rows of a scope; made by [`UsageModel::replace`].
///
/// A driver runs it in a transaction that the host opens and commits, for instance `run_sqlx` with the feature `sqlx`.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an ingest does nothing until a driver runs it"]
pub struct Replace {
    model: UsageModel,
    scope: Scope,
    tables: Vec<TableRows>,
    empty: Empty,
}

/// What a batch without rows means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Empty {
    Refused,
    Allowed,
}

impl Replace {
    /// Lets a batch without any row remove everything in its scope. Defaults to an error, so that an
    /// empty access history cannot wipe a window.
    pub fn allow_empty(mut self) -> Self {
        self.empty = Empty::Allowed;
        self
    }

    /// The statements in the order in which they run, for review.
    ///
    /// A driver runs these; it also reads their results between them, which a script cannot.
    pub fn statements(&self) -> Vec<Statement> {
        let mut statements = vec![statements::isolation(), statements::lock(&self.model)];
        statements.extend(self.unknown_ids().into_iter().map(|(_, statement)| statement));
        for rows in &self.tables {
            statements.push(statements::remove_vanished(&self.scope, rows));
            statements.push(statements::write_changed(&self.scope, rows));
        }
        statements
    }

    fn check_empty(&self) -> Result<(), Error> {
        if self.empty == Empty::Refused && self.tables.iter().all(|rows| rows.counts.is_empty()) {
            let days = self.scope.days();
            return Err(Kind::EmptyBatch {
                days: (days.end - days.start).num_days().unsigned_abs(),
                ports: self.scope.output_ports().len(),
            }
            .into());
        }
        Ok(())
    }
}

/// A table's rows as one array a column, in key order: statements bind them as they are, and
/// inserting in key order is twice as fast as in any other.
#[derive(Debug, Clone, PartialEq)]
struct TableRows {
    table: Table,
    dates: Vec<chrono::NaiveDate>,
    /// One for each id column, in the order of the key.
    ids: Vec<Vec<Uuid>>,
    counts: Vec<i32>,
}

impl TableRows {
    fn new<const N: usize>(table: &Table, rows: &[Row<N>]) -> Self {
        Self {
            table: table.clone(),
            dates: rows.iter().map(|row| row.date).collect(),
            ids: (0..N).map(|column| rows.iter().map(|row| row.ids[column]).collect()).collect(),
            counts: rows.iter().map(|row| i32::try_from(row.count).unwrap_or(i32::MAX)).collect(),
        }
    }
}
