//! The one loop that runs an ingest, whatever the driver.

use super::{Ingest, Mode, statements};
use crate::error::{Error, Kind, UnknownIds};
use crate::model::Table;
use crate::postgres::empty::Empty;
use crate::postgres::rows::{Part, TableRows};
use crate::postgres::session::{self, Session};
use crate::postgres::{Outcome, TableOutcome, WriteError, unknown};

impl Ingest {
    /// Runs the statements; every check comes before the first write.
    pub(crate) async fn run<S: Session>(mut self, session: &mut S) -> Result<Outcome, WriteError<S::Error>> {
        self.check_empty()?;
        session::enter(session, &self.model).await?;
        let unknown = unknown::find(session, &self.model, &self.tables, self.coverage.as_ref())
            .await
            .map_err(WriteError::Driver)?;
        let skipped = self.skip(&unknown)?;

        let mut outcome = Outcome { unknown, ..Outcome::default() };
        for (rows, skipped) in self.tables.iter().zip(skipped) {
            let mut of_table = TableOutcome { skipped, ..TableOutcome::default() };
            for part in &rows.parts {
                self.write(session, &rows.table, part, &mut of_table).await.map_err(WriteError::Driver)?;
            }
            of_table.unchanged = rows.len().saturating_sub(of_table.written);
            outcome.set(rows.table.stats, of_table);
        }
        if let Some(mark) = &self.coverage {
            let changed = session.count(mark.statement()).await.map_err(WriteError::Driver)?;
            outcome.coverage = Some(changed);
        }
        Ok(outcome)
    }

    async fn write<S: Session>(
        &self,
        session: &mut S,
        table: &Table,
        part: &Part,
        outcome: &mut TableOutcome,
    ) -> Result<(), S::Error> {
        if self.mode == Mode::Replace && session.count(statements::find_vanished(table, part)).await? > 0 {
            outcome.removed += session.count(statements::remove_vanished(table, part)).await?;
        }
        if part.len() > 0 {
            outcome.written += session.count(statements::write_changed(table, part)).await?;
        }
        Ok(())
    }

    fn check_empty(&self) -> Result<(), Error> {
        if self.would_wipe() {
            return Err(self.scope.without_rows());
        }
        if self.mode == Mode::Replace && self.empty_days == Empty::Refused {
            self.check_days()?;
        }
        Ok(())
    }

    /// Refuses a day of the scope without any query; touches and combinations have some where there are any.
    fn check_days(&self) -> Result<(), Error> {
        let stated = self.tables.first().map(TableRows::days).unwrap_or_default();
        let days = self.scope.checked_days();
        let all = days.start().iter_days().take(days.count() as usize);
        let mut empty = all.filter(|day| !stated.contains(day));
        match empty.next() {
            None => Ok(()),
            Some(first) => {
                let (days, ports) = (1 + empty.count(), self.scope.output_ports().len());
                Err(Kind::EmptyDay { first, days, ports }.into())
            }
        }
    }

    /// Whether nothing would be left in the scope, which nobody allowed.
    fn would_wipe(&self) -> bool {
        let without_rows = self.tables.iter().all(|rows| rows.len() == 0);
        self.mode == Mode::Replace && self.empty == Empty::Refused && without_rows
    }

    /// Rejects unknown ids, or leaves their rows out and counts these for each table.
    fn skip(&mut self, unknown: &UnknownIds) -> Result<Vec<u64>, Error> {
        let skipped = self.unknown.settle(unknown, &mut self.tables)?;
        if self.would_wipe() {
            return Err(Kind::AllUnknown(unknown.clone()).into());
        }
        if let Some(mark) = &mut self.coverage {
            mark.skip(unknown);
        }
        Ok(skipped)
    }
}
