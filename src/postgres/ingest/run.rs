//! The one loop that runs an ingest, whatever the driver.

use uuid::Uuid;

use super::{IngestError, Outcome, Replace, TableOutcome, TableRows, statements};
use crate::error::{Kind, UnknownIds};
use crate::model::{Column, OnDelete, Stats};
use crate::statement::{self, Statement};

/// A transaction of some driver, as far as an ingest needs it.
pub(crate) trait Session {
    type Error: std::error::Error + 'static;

    /// Runs a statement for its effect and counts the rows that it returns.
    async fn count(&mut self, statement: Statement) -> Result<u64, Self::Error>;
    /// The text in the only column of the only row.
    async fn text(&mut self, statement: Statement) -> Result<String, Self::Error>;
    /// The ids in the only column.
    async fn uuids(&mut self, statement: Statement) -> Result<Vec<Uuid>, Self::Error>;
}

impl Replace {
    /// Runs the statements; every check comes before the first write.
    pub(crate) async fn run<S: Session>(self, session: &mut S) -> Result<Outcome, IngestError<S::Error>> {
        self.check_empty().map_err(IngestError::Rejected)?;
        let isolation = session.text(statements::isolation()).await.map_err(IngestError::Driver)?;
        if isolation == "repeatable read" {
            return Err(IngestError::Rejected(Kind::Isolation(isolation.to_uppercase()).into()));
        }
        session.count(statements::lock(&self.model)).await.map_err(IngestError::Driver)?;

        let mut unknown = UnknownIds::default();
        for (column, statement) in self.unknown_ids() {
            let ids = session.uuids(statement).await.map_err(IngestError::Driver)?;
            match column {
                Column::TechAssetId => unknown.tech_assets = ids,
                Column::ConsumerId => unknown.consumers = ids,
                _ => unknown.output_ports = ids,
            }
        }
        if !unknown.is_empty() {
            return Err(IngestError::Rejected(Kind::Unknown(unknown).into()));
        }

        let mut outcome = Outcome::default();
        for rows in &self.tables {
            let remove = statements::remove_vanished(&self.scope, rows);
            let removed = session.count(remove).await.map_err(IngestError::Driver)?;
            let write = statements::write_changed(&self.scope, rows);
            let written = session.count(write).await.map_err(IngestError::Driver)?;
            let unchanged = (rows.counts.len() as u64).saturating_sub(written);
            let of_table = TableOutcome { written, unchanged, removed, skipped: 0 };
            match rows.table.stats {
                Stats::Queries => outcome.queries = of_table,
                Stats::Touches => outcome.touches = Some(of_table),
                Stats::Combinations => outcome.combinations = Some(of_table),
            }
        }
        Ok(outcome)
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

impl TableRows {
    /// The ids that point to a column's parent, neighbours that are equal once.
    fn distinct(&self, column: Column) -> Vec<Uuid> {
        let same_parent = |id: Column| match column {
            Column::OutputPortId => self.table.stats.ports().any(|port| port == id),
            _ => id == column,
        };
        let of_parent = self.table.stats.ids().zip(&self.ids).filter(|(id, _)| same_parent(*id));
        let mut ids: Vec<Uuid> = of_parent.flat_map(|(_, ids)| ids).copied().collect();
        ids.dedup();
        ids
    }
}
