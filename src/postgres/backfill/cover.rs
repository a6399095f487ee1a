//! Whether batches cover the whole scope of a back-fill, each day once.

use chrono::NaiveDate;

use crate::error::{Error, Kind};
use crate::postgres::rows::TableRows;
use crate::usage::{Scope, UsageBatch};

/// How much of a back-fill's scope its batches have stated.
///
/// Batches come in the order of their days and without gaps. So no key can be in two of them, and a stream that ends
/// early is not taken for days without usage.
#[derive(Debug)]
pub(super) struct Cover {
    scope: Scope,
    next: NaiveDate,
}

impl Cover {
    pub(super) fn new(scope: Scope) -> Self {
        let next = scope.days().start;
        Self { scope, next }
    }

    /// The days up to which everything is stated, exclusively.
    pub(super) fn next(&self) -> NaiveDate {
        self.next
    }

    /// Takes the batch as the next one.
    pub(super) fn take(&mut self, batch: &UsageBatch) -> Result<(), Error> {
        let (days, until) = (batch.scope().days(), self.scope.days().end);
        if days.start != self.next || days.end > until {
            let (from, batch) = (self.next, days);
            return Err(Kind::BatchOutOfTurn { from, until, batch }.into());
        }
        let (stated, expected) = (batch.scope().output_ports(), self.scope.output_ports());
        if let Some(&port) = stated.symmetric_difference(expected).next() {
            let stated = stated.contains(&port);
            return Err(Kind::BatchOfOtherPorts { batch: days, port, stated }.into());
        }
        self.next = days.end;
        Ok(())
    }

    /// Refuses to end before every day is stated.
    pub(super) fn check_complete(&self) -> Result<(), Error> {
        let until = self.scope.days().end;
        if self.next == until {
            Ok(())
        } else {
            Err(Kind::BackfillBrokeOff { from: self.next, until }.into())
        }
    }
}

/// Every batch measures what the first one measured: a table is filled or left alone, never half filled.
pub(super) fn check_measured(first: &[TableRows], batch: &[TableRows]) -> Result<(), Error> {
    let measures = |tables: &[TableRows], rows: &TableRows| tables.iter().any(|of| of.table == rows.table);
    let only_here = batch.iter().find(|rows| !measures(first, rows));
    match only_here.or_else(|| first.iter().find(|rows| !measures(batch, rows))) {
        None => Ok(()),
        Some(rows) => Err(Kind::MeasuredInOne(rows.table.stats.what()).into()),
    }
}
