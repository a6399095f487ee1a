//! Days and output ports that a batch states completely.

use std::collections::BTreeSet;
use std::ops::Range;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind};
use crate::id::OutputPortId;
use crate::time::Days;

/// The days and output ports that a batch is complete for.
///
/// Where a batch has no row inside its scope, the count is zero; outside its scope it says nothing.
///
/// As JSON: `{"days": {"start": "2026-07-01", "end": "2026-07-08"}, "output_ports": ["…"]}`; days that
/// [`Scope::new`] refuses do not deserialize.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Scope {
    days: Days,
    output_ports: BTreeSet<OutputPortId>,
}

/// A scope as it is written.
#[derive(Serialize, Deserialize)]
struct Parts {
    days: Range<NaiveDate>,
    output_ports: BTreeSet<OutputPortId>,
}

impl TryFrom<Parts> for Scope {
    type Error = Error;

    fn try_from(Parts { days, output_ports }: Parts) -> Result<Self, Error> {
        Ok(Self { days: Days::check(&days)?, output_ports })
    }
}

impl From<Scope> for Parts {
    fn from(Scope { days, output_ports }: Scope) -> Self {
        Self { days: days.range(), output_ports }
    }
}

impl Scope {
    /// The scope of the half-open `days` and these output ports.
    ///
    /// # Errors
    ///
    /// Days that are empty, reversed or outside the years 1 to 9999 ([`Error::is_request`]).
    pub fn new(
        days: Range<NaiveDate>,
        output_ports: impl IntoIterator<Item = OutputPortId>,
    ) -> Result<Self, Error> {
        Ok(Self { days: Days::check(&days)?, output_ports: output_ports.into_iter().collect() })
    }

    /// The days, half open.
    pub fn days(&self) -> Range<NaiveDate> {
        self.days.range()
    }

    /// The output ports.
    pub fn output_ports(&self) -> &BTreeSet<OutputPortId> {
        &self.output_ports
    }

    /// Whether the scope holds this output port on this day.
    pub fn contains(&self, date: NaiveDate, output_port: OutputPortId) -> bool {
        self.days.contains(date) && self.output_ports.contains(&output_port)
    }

    pub(crate) fn checked_days(&self) -> Days {
        self.days
    }

    /// A part of the scope: some of its days, all of its output ports.
    pub(crate) fn on(&self, days: Days) -> Self {
        Self { days, output_ports: self.output_ports.clone() }
    }

    /// A part of the scope: all of its days, some of its output ports.
    pub(crate) fn of(&self, output_ports: BTreeSet<OutputPortId>) -> Self {
        Self { days: self.days, output_ports }
    }

    /// Refuses a scope that states nothing.
    pub(crate) fn check_ports(&self) -> Result<(), Error> {
        match self.output_ports.is_empty() {
            true => Err(Kind::EmptyScope.into()),
            false => Ok(()),
        }
    }

    /// That no row is there for the whole scope.
    pub(crate) fn without_rows(&self) -> Error {
        Kind::EmptyBatch { days: self.days.count().into(), ports: self.output_ports.len() }.into()
    }
}
