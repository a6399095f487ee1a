//! Removing rows: a short list of statements in the host's transaction.

use super::session::{self, Session};
use super::{Outcome, TableOutcome, WriteError};
use crate::model::{Stats, Table, UsageModel};
use crate::statement::{SqlWriter, Statement};

/// Removes rows from every table; made by [`UsageModel::delete`] and [`UsageModel::purge`].
///
/// A driver runs it in a transaction that the host opens and commits, for instance `run_sqlx` with the feature `sqlx`.
/// It takes the same lock as an ingest, so it runs before or after one, never in the middle of it. The outcome counts
/// the removed rows.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a removal does nothing until a driver runs it"]
pub struct Removal {
    model: UsageModel,
    deletes: Vec<(Stats, Statement)>,
    /// What it changes in the coverage.
    coverage: Option<Statement>,
}

impl Removal {
    /// Removes from each table the rows that `which` says.
    pub(super) fn new(
        title: &'static str,
        model: &UsageModel,
        which: impl Fn(&mut SqlWriter, &Table),
    ) -> Self {
        let delete = |table: &Table| {
            let mut sql = SqlWriter::for_each(title, table.stats.rows());
            sql.text("DELETE FROM ").qualified(&table.schema, &table.name).text("\nWHERE ");
            which(&mut sql, table);
            sql.text("\nRETURNING 1");
            (table.stats, sql.into_statement())
        };
        Self { model: model.clone(), deletes: model.tables().map(delete).collect(), coverage: None }
    }

    /// Also changes the coverage.
    pub(super) fn with_coverage(mut self, statement: Option<Statement>) -> Self {
        self.coverage = statement;
        self
    }

    /// The statements in the order in which they run, for review.
    pub fn statements(&self) -> Vec<Statement> {
        let deletes = self.deletes.iter().map(|(_, statement)| statement.clone());
        session::entrance(&self.model).into_iter().chain(deletes).chain(self.coverage.clone()).collect()
    }

    pub(crate) async fn run<S: Session>(self, session: &mut S) -> Result<Outcome, WriteError<S::Error>> {
        session::enter(session, &self.model).await?;
        let mut outcome = Outcome::default();
        for (stats, delete) in self.deletes {
            let removed = session.count(delete).await.map_err(WriteError::Driver)?;
            outcome.set(stats, TableOutcome { removed, ..TableOutcome::default() });
        }
        if let Some(statement) = self.coverage {
            outcome.coverage = Some(session.count(statement).await.map_err(WriteError::Driver)?);
        }
        Ok(outcome)
    }
}
