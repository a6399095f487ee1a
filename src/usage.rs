//! The facts: what was counted, and for which scope the counts are complete.

mod check;
mod merge;

use std::collections::BTreeSet;
use std::ops::Range;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind};
use crate::id::{ConsumerId, OutputPortId, TechAssetId};
use crate::time;

pub(crate) use check::{Row, Stated};

/// A row of table 1: the queries of one consumer on one output port on one day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct OutputPortQueries {
    /// The local day of the queries' start.
    pub date: NaiveDate,
    /// The output port that was read.
    pub output_port_id: OutputPortId,
    /// The consumer that read it.
    pub consumer_id: ConsumerId,
    /// Distinct queries, 1 to `i32::MAX`; a zero means the same as no row.
    pub query_count: u64,
}

/// A row of table 2: the touches of one consumer on one tech asset of one output port on one day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct TechAssetTouches {
    /// The local day of the queries' start.
    pub date: NaiveDate,
    /// The output port that the tech asset stands behind.
    pub output_port_id: OutputPortId,
    /// The tech asset that was read.
    pub tech_asset_id: TechAssetId,
    /// The consumer that read it.
    pub consumer_id: ConsumerId,
    /// Distinct queries that read the tech asset, 1 to `i32::MAX`; a zero means the same as no row.
    pub query_count: u64,
}

/// A row of table 3: queries that read two output ports through two different tech assets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Combination {
    /// The local day of the queries' start.
    pub date: NaiveDate,
    /// The smaller of the two output port ids.
    pub output_port_id_1: OutputPortId,
    /// The larger of the two output port ids.
    pub output_port_id_2: OutputPortId,
    /// The consumer that read both.
    pub consumer_id: ConsumerId,
    /// Distinct queries, 1 to `i32::MAX`; a zero means the same as no row.
    pub query_count: u64,
}

/// What a batch states completely: days and output ports.
///
/// Inside its scope a batch's silence means zero; outside it says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    days: Range<NaiveDate>,
    output_ports: BTreeSet<OutputPortId>,
}

impl Scope {
    /// The half-open `days` of `output_ports`.
    ///
    /// # Errors
    ///
    /// Days that are empty, reversed or outside the years 1 to 9999.
    pub fn new(
        days: Range<NaiveDate>,
        output_ports: impl IntoIterator<Item = OutputPortId>,
    ) -> Result<Self, Error> {
        time::check_days(&days)?;
        Ok(Self { days, output_ports: output_ports.into_iter().collect() })
    }

    /// The days, half open.
    pub fn days(&self) -> Range<NaiveDate> {
        self.days.clone()
    }

    /// The output ports.
    pub fn output_ports(&self) -> &BTreeSet<OutputPortId> {
        &self.output_ports
    }

    /// That no row is there for the whole scope.
    pub(crate) fn without_rows(&self) -> Error {
        let days = (self.days.end - self.days.start).num_days().unsigned_abs();
        Kind::EmptyBatch { days, ports: self.output_ports.len() }.into()
    }

    /// Whether the scope states this output port on this day.
    pub fn contains(&self, date: NaiveDate, output_port: OutputPortId) -> bool {
        self.days.contains(&date) && self.output_ports.contains(&output_port)
    }
}

/// Daily counts with the scope that they state completely.
///
/// An aggregation makes it ([`query_log`](crate::query_log)); a host that counts elsewhere builds it
/// with [`UsageBatch::new`] and the setters. `None` means "not measured": that table is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageBatch {
    scope: Scope,
    queries: Vec<OutputPortQueries>,
    touches: Option<Vec<TechAssetTouches>>,
    combinations: Option<Vec<Combination>>,
}

impl UsageBatch {
    /// The queries of a scope. Touches and combinations start as not measured.
    pub fn new(scope: Scope, queries: Vec<OutputPortQueries>) -> Self {
        Self { scope, queries, touches: None, combinations: None }
    }

    /// Adds the touches of the same scope. Defaults to not measured.
    #[must_use = "a setter returns the batch"]
    pub fn touches(mut self, touches: Vec<TechAssetTouches>) -> Self {
        self.touches = Some(touches);
        self
    }

    /// Adds every pair with at least one output port in the scope. Defaults to not measured.
    #[must_use = "a setter returns the batch"]
    pub fn combinations(mut self, combinations: Vec<Combination>) -> Self {
        self.combinations = Some(combinations);
        self
    }

    /// Leaves the combinations out, for a model without a table for them.
    #[must_use = "the batch without combinations is returned"]
    pub fn without_combinations(mut self) -> Self {
        self.combinations = None;
        self
    }

    /// What the batch states completely.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The queries for each day, output port and consumer.
    pub fn queries(&self) -> &[OutputPortQueries] {
        &self.queries
    }

    /// The touches for each day, output port, tech asset and consumer, if measured.
    pub fn measured_touches(&self) -> Option<&[TechAssetTouches]> {
        self.touches.as_deref()
    }

    /// The queries for each day, pair of output ports and consumer, if measured.
    pub fn measured_combinations(&self) -> Option<&[Combination]> {
        self.combinations.as_deref()
    }
}
