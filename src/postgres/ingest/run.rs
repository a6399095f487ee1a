//! The one loop that runs an ingest, whatever the driver.

use super::{Empty, Ingest, Mode, statements};
use crate::error::{Error, Kind, UnknownIds};
use crate::postgres::session::{self, Session};
use crate::postgres::{IngestError, Outcome, TableOutcome, unknown};

impl Ingest {
    /// Runs the statements; every check comes before the first write.
    pub(crate) async fn run<S: Session>(mut self, session: &mut S) -> Result<Outcome, IngestError<S::Error>> {
        self.check_empty().map_err(IngestError::Rejected)?;
        session::enter(session, &self.model).await?;
        let unknown = unknown::find(session, &self.model, &self.tables).await.map_err(IngestError::Driver)?;
        let skipped = self.skip(&unknown).map_err(IngestError::Rejected)?;

        let mut outcome = Outcome { unknown, ..Outcome::default() };
        for (rows, skipped) in self.tables.iter().zip(skipped) {
            let mut of_table = TableOutcome { skipped, ..TableOutcome::default() };
            if self.mode == Mode::Replace {
                let find = statements::find_vanished(&self.scope, rows);
                if session.count(find).await.map_err(IngestError::Driver)? > 0 {
                    let remove = statements::remove_vanished(&self.scope, rows);
                    of_table.removed = session.count(remove).await.map_err(IngestError::Driver)?;
                }
            }
            let write = statements::write_changed(&self.scope, rows);
            of_table.written = session.count(write).await.map_err(IngestError::Driver)?;
            of_table.unchanged = rows.len().saturating_sub(of_table.written);
            outcome.set(rows.table.stats, of_table);
        }
        Ok(outcome)
    }

    fn check_empty(&self) -> Result<(), Error> {
        if !self.would_wipe() {
            return Ok(());
        }
        Err(self.scope.without_rows())
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
        Ok(skipped)
    }
}
