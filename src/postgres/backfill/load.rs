//! A back-fill that runs: begun by its first batch, fed with every batch, finished once.

use super::cover::{self, Cover};
use super::progress::{BackfillProgress, BackfillStep};
use super::{Backfill, Existing, Keys, lock, statements};
use crate::error::{Error, Kind, UnknownIds};
use crate::model::UsageModel;
use crate::postgres::coverage::Mark;
use crate::postgres::ddl::key;
use crate::postgres::empty::Empty;
use crate::postgres::rows::TableRows;
use crate::postgres::session::{self, Session};
use crate::postgres::{Outcome, TableOutcome, WriteError, unknown};
use crate::statement::Statement;
use crate::usage::{Stated, UsageBatch};

/// A back-fill between its batches. It holds no rows: only what the first batch measured, and counts.
#[derive(Debug)]
pub(crate) struct Load<F> {
    backfill: Backfill<F>,
    cover: Cover,
    /// The tables that the batches measure, without rows; `None` before the first batch.
    measured: Option<Vec<TableRows>>,
    /// What becomes measured by all batches.
    coverage: Option<Mark>,
    /// What adds the dropped keys and indexes again.
    dropped: Vec<Statement>,
    outcome: Outcome,
}

impl<F: FnMut(&BackfillProgress)> Load<F> {
    /// Enters the transaction as every write does.
    pub(crate) async fn enter<S: Session>(
        backfill: Backfill<F>,
        session: &mut S,
    ) -> Result<Self, WriteError<S::Error>> {
        session::enter(session, &backfill.model).await?;
        let cover = Cover::new(backfill.scope.clone());
        let coverage = Mark::of_scope(&backfill.model, &backfill.scope);
        let outcome = Outcome::default();
        Ok(Self { backfill, cover, measured: None, coverage, dropped: Vec::new(), outcome })
    }

    /// Checks a batch as a replace does, and loads it.
    pub(crate) async fn batch<S: Session>(
        &mut self,
        session: &mut S,
        batch: UsageBatch,
    ) -> Result<(), WriteError<S::Error>> {
        let mark = Mark::of(&self.backfill.model, &batch).map_err(WriteError::Rejected)?;
        let mut tables = self.check(batch).map_err(WriteError::Rejected)?;
        match &self.measured {
            Some(first) => cover::check_measured(first, &tables).map_err(WriteError::Rejected)?,
            None => self.begin(session, &tables).await?,
        }
        let unknown = unknown::find(session, &self.backfill.model, &tables, mark.as_ref())
            .await
            .map_err(WriteError::Driver)?;
        let skipped = self.backfill.unknown.settle(&unknown, &mut tables).map_err(WriteError::Rejected)?;
        self.mark(mark, &unknown);
        self.outcome.unknown.extend(unknown);
        for (rows, skipped) in tables.iter().zip(skipped) {
            let mut of_table = TableOutcome { skipped, ..TableOutcome::default() };
            for part in rows.parts.iter().filter(|part| part.len() > 0) {
                let load = statements::load(&rows.table, part);
                of_table.written += session.count(load).await.map_err(WriteError::Driver)?;
            }
            self.outcome.add(rows.table.stats, of_table);
        }
        self.report(BackfillStep::Loaded);
        Ok(())
    }

    /// Takes in what a batch says of the coverage.
    fn mark(&mut self, batch: Option<Mark>, unknown: &UnknownIds) {
        let (Some(mark), Some(batch)) = (&mut self.coverage, batch) else { return };
        mark.add(&batch);
        mark.skip(unknown);
    }

    /// Adds the keys that were dropped; every batch is in.
    pub(crate) async fn finish<S: Session>(
        mut self,
        session: &mut S,
    ) -> Result<Outcome, WriteError<S::Error>> {
        self.check_finished().map_err(WriteError::Rejected)?;
        if !self.dropped.is_empty() {
            self.report(BackfillStep::AddingKeys);
        }
        for statement in self.dropped {
            session.count(statement).await.map_err(WriteError::Driver)?;
        }
        if let Some(mark) = self.coverage {
            let changed = session.count(mark.statement()).await.map_err(WriteError::Driver)?;
            self.outcome.coverage = Some(changed);
        }
        Ok(self.outcome)
    }

    fn check(&mut self, batch: UsageBatch) -> Result<Vec<TableRows>, Error> {
        self.cover.take(&batch)?;
        TableRows::of(&self.backfill.model, &batch, Stated::Completely)
    }

    /// Everything that has to be right before the first row is loaded; then drops the keys of empty tables.
    async fn begin<S: Session>(
        &mut self,
        session: &mut S,
        tables: &[TableRows],
    ) -> Result<(), WriteError<S::Error>> {
        let Backfill { model, scope, existing, keys, .. } = &self.backfill;
        for TableRows { table, .. } in tables {
            let what = table.stats.what();
            if session.count(key::find_any(table)).await.map_err(WriteError::Driver)? == 0 {
                let table = format!("{}.{}", table.schema, table.name);
                return Err(WriteError::Rejected(Kind::NoKey { what, table }.into()));
            }
            if *existing == Existing::Refused {
                let found = statements::any_in_scope(scope, table);
                let key = session.text(found).await.map_err(WriteError::Driver)?;
                if !key.is_empty() {
                    return Err(WriteError::Rejected(Kind::ScopeOccupied { table: what, key }.into()));
                }
            }
        }
        for TableRows { table, .. } in tables {
            let mut of_table = TableOutcome::default();
            if *existing == Existing::Replaced {
                let remove = statements::remove(scope, table);
                of_table.removed = session.count(remove).await.map_err(WriteError::Driver)?;
            }
            self.outcome.add(table.stats, of_table);
        }
        if *keys == Keys::AfterLoading {
            self.dropped = drop_keys(session, model, tables).await.map_err(WriteError::Driver)?;
        }
        self.measured = Some(tables.iter().map(TableRows::without_rows).collect());
        Ok(())
    }

    fn check_finished(&self) -> Result<(), Error> {
        self.cover.check_complete()?;
        let mut of_tables = self.outcome.tables();
        if self.backfill.empty == Empty::Allowed || of_tables.any(|of_table| of_table.written > 0) {
            return Ok(());
        }
        Err(match self.outcome.unknown.is_empty() {
            true => self.backfill.scope.without_rows(),
            false => Kind::AllUnknown(self.outcome.unknown.clone()).into(),
        })
    }

    fn report(&mut self, step: BackfillStep) {
        let days = self.backfill.scope.days().start..self.cover.next();
        (self.backfill.on_progress)(&BackfillProgress { step, days, outcome: self.outcome.clone() });
    }
}

/// Drops the keys and the indexes of empty tables, where that leaves no trace, and gives what adds them again.
async fn drop_keys<S: Session>(
    session: &mut S,
    model: &UsageModel,
    tables: &[TableRows],
) -> Result<Vec<Statement>, S::Error> {
    let mut droppable = Vec::new();
    for TableRows { table, .. } in tables {
        if session.count(statements::any(table)).await? == 0
            && session.count(key::find_droppable(table)).await? > 0
        {
            droppable.push(table);
        }
    }
    lock::lock_out_readers(session, &droppable).await?;
    let mut again = Vec::new();
    for table in droppable {
        session.count(key::drop(table)).await?;
        again.push(key::add(table));
        for index in model.indexes(table) {
            if session.count(index.find_droppable()).await? > 0 {
                session.count(index.drop_found()).await?;
                again.push(index.create_again());
            }
        }
    }
    Ok(again)
}
