//! Writing a batch: a short list of statements in the host's transaction.

mod run;
mod statements;

use crate::error::{Error, Kind};
use crate::model::{Table, UsageModel};
use crate::statement::Statement;
use crate::usage::{Scope, Stated, UsageBatch};

use super::coverage::Mark;
use super::empty::Empty;
use super::rows::{Part, TableRows};
use super::session;
use super::unknown::{self, Unknown};

impl UsageModel {
    /// Makes the batch's scope hold exactly the batch's rows.
    ///
    /// Rows that the batch no longer has are removed, changed ones updated, and equal ones not written at all. Outside
    /// the scope nothing changes; a combination is in the scope if either of its output ports is. Twice is the same as
    /// once. A model with [coverage](crate::UsageModelBuilder::coverage) also notes that the scope is measured. The batch is checked here, before anything is sent; the run checks its ids against the parent tables,
    /// before its first write.
    ///
    /// A table of a batch may hold up to 10 million rows. They are sent in parts of up to 50,000, by output ports and
    /// days (a day of one output port is never split), so that neither the host nor the server holds a second copy of
    /// all of them.
    ///
    /// # Errors
    ///
    /// What is wrong with the batch ([`Error::is_batch`]), the plainest reason first: a repeated key; a row outside the
    /// scope; a combination of one output port with itself or out of order; a count over `i32::MAX`; a table over 10
    /// million rows; touches, combinations and queries that contradict each other; a scope without output ports; days
    /// that are unsettled from outside the scope.
    /// Combinations for a model without a table for them are [`Error::is_configuration`]. No row for the whole scope
    /// ([`Error::is_empty_batch`], see [`Ingest::allow_empty`]) is an error of the run.
    ///
    /// # Example
    ///
    /// ```
    /// # use chrono::NaiveDate;
    /// # use output_port_usage::*;
    /// # let model = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"))
    /// #     .build()?;
    /// # let (output_port_id, consumer_id) = (OutputPortId(uuid::Uuid::nil()), ConsumerId(uuid::Uuid::nil()));
    /// let date = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
    /// let scope = Scope::new(last_days(1, date), [output_port_id])?;
    /// let row = OutputPortQueries::new(date, output_port_id, consumer_id, 1);
    /// let batch = UsageBatch::builder(scope).queries(vec![row]).build();
    /// let ingest = model.replace(&batch)?;
    /// // let outcome = ingest.run_sqlx(&mut transaction).await?;
    /// assert_eq!(ingest.statements()[5].title(), "remove vanished queries");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn replace(&self, batch: &UsageBatch) -> Result<Ingest, Error> {
        self.ingest(batch, Mode::Replace)
    }

    /// Writes the rows that the batch names, and removes nothing.
    ///
    /// Changed rows are updated, equal ones not written at all. Twice is the same as once. A zero count is ignored. The
    /// batch's rows lie in its scope, but it need not have all rows of the scope.
    ///
    /// # Errors
    ///
    /// As [`replace`](Self::replace), except that the tables are compared only where the batch has rows for the same
    /// day, output port and consumer in both: a batch that has the queries and one of their touches must have all of
    /// their touches. A batch without rows writes nothing and is not an error.
    ///
    /// # Example
    ///
    /// ```
    /// # use chrono::NaiveDate;
    /// # use output_port_usage::*;
    /// # let model = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"))
    /// #     .build()?;
    /// # let (output_port_id, consumer_id) = (OutputPortId(uuid::Uuid::nil()), ConsumerId(uuid::Uuid::nil()));
    /// # let date = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
    /// # let scope = Scope::new(last_days(1, date), [output_port_id])?;
    /// # let row = OutputPortQueries::new(date, output_port_id, consumer_id, 1);
    /// let ingest = model.upsert(&UsageBatch::builder(scope).queries(vec![row]).build())?;
    /// assert!(ingest.statements().iter().all(|statement| !statement.sql().contains("DELETE")));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn upsert(&self, batch: &UsageBatch) -> Result<Ingest, Error> {
        self.ingest(batch, Mode::Upsert)
    }

    /// Declares that what the tables hold for a scope counts as measured and settled.
    ///
    /// It is for a history that was ingested before the model had [coverage](crate::UsageModelBuilder::coverage), and
    /// writes nothing but coverage. Nobody knows by which rules those days were counted.
    ///
    /// # Errors
    ///
    /// A model without coverage ([`Error::is_configuration`]); a scope without output ports ([`Error::is_batch`]).
    ///
    /// # Example
    ///
    /// ```
    /// # use chrono::NaiveDate;
    /// # use output_port_usage::*;
    /// # let model = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"))
    /// #     .coverage()
    /// #     .build()?;
    /// # let all_ports = [OutputPortId(uuid::Uuid::nil())];
    /// let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap();
    /// let history = Scope::new(day(2024, 3, 1)..day(2026, 7, 1), all_ports)?;
    /// let ingest = model.declare_measured(&history)?;
    /// // let outcome = ingest.run_sqlx(&mut transaction).await?;
    /// # let _ = ingest;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn declare_measured(&self, scope: &Scope) -> Result<Ingest, Error> {
        scope.check_ports()?;
        let coverage = Mark::of_scope(self, scope).ok_or(Kind::NoCoverage)?;
        Ok(Ingest {
            model: self.clone(),
            scope: scope.clone(),
            tables: Vec::new(),
            coverage: Some(coverage),
            mode: Mode::Upsert,
            empty: Empty::Allowed,
            empty_days: Empty::Allowed,
            unknown: Unknown::Rejected,
        })
    }

    fn ingest(&self, batch: &UsageBatch, mode: Mode) -> Result<Ingest, Error> {
        let stated = match mode {
            Mode::Replace => Stated::Completely,
            Mode::Upsert => Stated::ByRows,
        };
        let tables = TableRows::of(self, batch, stated)?;
        let mark = Mark::of(self, batch)?;
        Ok(Ingest {
            model: self.clone(),
            scope: batch.scope().clone(),
            tables,
            coverage: mark.filter(|_| mode == Mode::Replace),
            mode,
            empty: Empty::Refused,
            empty_days: Empty::Allowed,
            unknown: Unknown::Rejected,
        })
    }
}

/// Writes a batch; made by [`UsageModel::replace`], [`UsageModel::upsert`] and [`UsageModel::declare_measured`].
///
/// A driver runs it in a transaction that the host opens and commits, for instance `run_sqlx` with the feature `sqlx`.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an ingest does nothing until a driver runs it"]
pub struct Ingest {
    model: UsageModel,
    scope: Scope,
    tables: Vec<TableRows>,
    /// What becomes measured.
    coverage: Option<Mark>,
    mode: Mode,
    /// The whole scope without a row.
    empty: Empty,
    /// A day of the scope without a row.
    empty_days: Empty,
    unknown: Unknown,
}

/// What becomes of rows that the batch does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Those in the scope are removed.
    Replace,
    /// They stay.
    Upsert,
}

impl Ingest {
    /// Lets a batch without any row remove everything in its scope. Defaults to an error.
    ///
    /// So an empty access history cannot wipe a window. It makes no difference to an upsert.
    pub fn allow_empty(mut self) -> Self {
        self.empty = Empty::Allowed;
        self
    }

    /// Refuses a batch in which a day of the scope has no row.
    ///
    /// That is no row for any output port. By default such a day counts as one without usage. A file that was cut off
    /// looks like this, or a log of one day with a scope of three: a replace would remove the other days. Use it for a
    /// portal that is used every day. It makes no difference to an upsert. The error is [`Error::is_empty_batch`] and
    /// comes from the run, before its first statement.
    pub fn refuse_empty_days(mut self) -> Self {
        self.empty_days = Empty::Refused;
        self
    }

    /// Leaves out rows with an unknown output port, tech asset or consumer.
    ///
    /// Defaults to an error that names each unknown id ([`Error::unknown_ids`]). The outcome counts the skipped rows of
    /// each table and carries the unknown ids. Where a touch is skipped, the queries of its output port may exceed the
    /// sum of the touches that are left. A replace whose rows are all skipped is refused like an empty batch, unless
    /// that is [allowed](Self::allow_empty).
    pub fn skip_unknown(mut self) -> Self {
        self.unknown = Unknown::Skipped;
        self
    }

    /// The statements in the order in which they run, for review.
    ///
    /// A driver does more than run them one after another: it checks each result before it goes on, and a removal only
    /// runs if the statement before it has found something to remove.
    pub fn statements(&self) -> Vec<Statement> {
        let mut statements = session::entrance(&self.model).to_vec();
        let unknown = unknown::statements(&self.model, &self.tables, self.coverage.as_ref());
        statements.extend(unknown.into_iter().map(|(_, statement)| statement));
        let parts = self.tables.iter().flat_map(|rows| rows.parts.iter().map(|part| (&rows.table, part)));
        statements.extend(parts.flat_map(|(table, part)| self.writes(table, part)));
        statements.extend(self.coverage.as_ref().map(Mark::statement));
        statements
    }

    /// What is written for a part of one table's rows: the removal where there is one, then the rows.
    fn writes(&self, table: &Table, part: &Part) -> impl Iterator<Item = Statement> {
        let remove = (self.mode == Mode::Replace)
            .then(|| [statements::find_vanished(table, part), statements::remove_vanished(table, part)]);
        remove.into_iter().flatten().chain([statements::write_changed(table, part)])
    }
}
