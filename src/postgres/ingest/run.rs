//! The one loop that runs an ingest, whatever the driver.

use uuid::Uuid;

use super::{Empty, Ingest, Mode, Unknown, statements};
use crate::error::{Error, Kind, UnknownIds};
use crate::model::{Column, OnDelete};
use crate::postgres::session::{self, Session};
use crate::postgres::{IngestError, Outcome, TableOutcome};
use crate::statement::{self, Statement};

impl Ingest {
    /// Runs the statements; every check comes before the first write.
    pub(crate) async fn run<S: Session>(mut self, session: &mut S) -> Result<Outcome, IngestError<S::Error>> {
        self.check_empty().map_err(IngestError::Rejected)?;
        session::enter(session, &self.model).await?;
        let unknown = self.find_unknown(session).await.map_err(IngestError::Driver)?;
        let skipped = self.skip(&unknown).map_err(IngestError::Rejected)?;

        let mut outcome = Outcome { unknown, ..Outcome::default() };
        for (rows, skipped) in self.tables.iter().zip(skipped) {
            let mut of_table = TableOutcome { skipped, ..TableOutcome::default() };
            if self.mode == Mode::Replace {
                let remove = statements::remove_vanished(&self.scope, rows);
                of_table.removed = session.count(remove).await.map_err(IngestError::Driver)?;
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
        let days = self.scope.days();
        Err(Kind::EmptyBatch {
            days: (days.end - days.start).num_days().unsigned_abs(),
            ports: self.scope.output_ports().len(),
        }
        .into())
    }

    /// Whether nothing would be left in the scope, which nobody allowed.
    fn would_wipe(&self) -> bool {
        let without_rows = self.tables.iter().all(|rows| rows.len() == 0);
        self.mode == Mode::Replace && self.empty == Empty::Refused && without_rows
    }

    async fn find_unknown<S: Session>(&self, session: &mut S) -> Result<UnknownIds, S::Error> {
        let mut unknown = UnknownIds::default();
        for (column, statement) in self.unknown_ids() {
            let ids = session.uuids(statement).await?;
            match column {
                Column::TechAssetId => unknown.tech_assets = ids,
                Column::ConsumerId => unknown.consumers = ids,
                _ => unknown.output_ports = ids,
            }
        }
        Ok(unknown)
    }

    /// Rejects unknown ids, or leaves their rows out and counts these for each table.
    fn skip(&mut self, unknown: &UnknownIds) -> Result<Vec<u64>, Error> {
        if !unknown.is_empty() && self.unknown == Unknown::Rejected {
            return Err(Kind::Unknown(unknown.clone()).into());
        }
        let skipped = self.tables.iter_mut().map(|rows| rows.skip(unknown)).collect();
        if self.would_wipe() {
            return Err(Kind::AllUnknown(unknown.clone()).into());
        }
        Ok(skipped)
    }

    /// For each parent that is enforced, the statement that finds the batch's ids it does not hold.
    pub(super) fn unknown_ids(&self) -> Vec<(Column, Statement)> {
        [Column::OutputPortId, Column::TechAssetId, Column::ConsumerId]
            .into_iter()
            .filter_map(|column| {
                let parent = self.model.parent(column).filter(|parent| parent.on_delete != OnDelete::Keep)?;
                let mut ids: Vec<Uuid> = self.tables.iter().flat_map(|rows| rows.distinct(column)).collect();
                ids.sort_unstable();
                ids.dedup();
                (!ids.is_empty()).then(|| (column, statements::unknown(parent, statement::uuids(ids))))
            })
            .collect()
    }
}
