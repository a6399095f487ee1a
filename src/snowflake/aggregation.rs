//! The request: what to aggregate, and from which views.

use std::ops::Range;

use chrono::{DateTime, NaiveDate, Utc};

use super::coverage::{self, CoverageReport};
use super::mapping::Mappings;
use super::prelude::{Overlap, Prelude};
use super::statement::{ScriptWriter, SnowflakeStatement};
use super::{results, window};
use crate::attribution::Attribution;
use crate::error::Error;
use crate::usage::{Combination, Scope, TechAssetTouches, UsageBatch};

/// The usage of some days, counted in Snowflake.
///
/// The statements take their rules from an [`Attribution`] and give what [`query_log`](crate::query_log)
/// gives for the same accesses.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an aggregation gives statements, and runs nothing"]
pub struct Aggregation<'a> {
    pub(super) attribution: &'a Attribution,
    pub(super) days: Range<NaiveDate>,
    pub(super) access_history: String,
    pub(super) query_history: String,
    pub(super) mappings: Mappings,
}

impl<'a> Aggregation<'a> {
    /// Counts the half-open local `days` of all output ports of `attribution`.
    pub fn new(attribution: &'a Attribution, days: Range<NaiveDate>) -> Self {
        Self {
            attribution,
            days,
            access_history: "SNOWFLAKE.ACCOUNT_USAGE.ACCESS_HISTORY".into(),
            query_history: "SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY".into(),
            mappings: Mappings::default(),
        }
    }

    /// The view or table of accesses, fully qualified, for instance a copy that outlives the 365 days.
    ///
    /// Defaults to `SNOWFLAKE.ACCOUNT_USAGE.ACCESS_HISTORY`. Every statement refuses a text that is not a
    /// name of three parts.
    pub fn access_history(mut self, view: impl Into<String>) -> Self {
        self.access_history = view.into();
        self
    }

    /// The view or table of queries, which gives the role, fully qualified.
    ///
    /// Defaults to `SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY`. Every statement refuses a text that is not a name
    /// of three parts. Counting reads it only where a role is mapped.
    pub fn query_history(mut self, view: impl Into<String>) -> Self {
        self.query_history = view.into();
        self
    }

    /// How the statements carry the maps. Defaults to [`Mappings::Json`].
    ///
    /// With [`Mappings::Values`] every statement refuses a map of more than 512 rows.
    pub fn mappings(mut self, mappings: Mappings) -> Self {
        self.mappings = mappings;
        self
    }

    /// Queries, touches and combinations from one scan of the views.
    ///
    /// This is the statement for a pipeline: its three results come from one set of touches and cannot
    /// contradict each other. It names `ACCESS_HISTORY` once; whether Snowflake computes the set, which the
    /// results use four times, only once is for its optimizer to choose.
    ///
    /// # Errors
    ///
    /// Days that are empty, reversed or outside the years 1 to 9999; a view's name that is not one; a map
    /// with more rows than a VALUES list takes.
    pub fn usage(&self) -> Result<SnowflakeStatement<UsageBatch>, Error> {
        let (sql, overlap, scope) = self.counting()?;
        Ok(results::usage(sql, overlap, scope))
    }

    /// The queries for each day, output port and consumer.
    ///
    /// The batch measures neither touches nor combinations; its setters take them from the other two
    /// statements. Those may run at another moment and disagree, so prefer [`usage`](Self::usage).
    ///
    /// # Errors
    ///
    /// As [`usage`](Self::usage).
    pub fn output_port_queries(&self) -> Result<SnowflakeStatement<UsageBatch>, Error> {
        let (sql, _, scope) = self.counting()?;
        Ok(results::output_port_queries(sql, scope))
    }

    /// The touches for each day, output port, tech asset and consumer.
    ///
    /// # Errors
    ///
    /// As [`usage`](Self::usage).
    pub fn tech_asset_touches(&self) -> Result<SnowflakeStatement<Vec<TechAssetTouches>>, Error> {
        let (sql, _, scope) = self.counting()?;
        Ok(results::tech_asset_touches(sql, scope))
    }

    /// The queries for each day, pair of output ports and consumer.
    ///
    /// # Errors
    ///
    /// As [`usage`](Self::usage).
    pub fn combinations(&self) -> Result<SnowflakeStatement<Vec<Combination>>, Error> {
        let (sql, overlap, scope) = self.counting()?;
        Ok(results::combinations(sql, overlap, scope))
    }

    /// What is left out for want of a mapping, and what has not arrived yet.
    ///
    /// It reads both views, whether a role is mapped or not.
    ///
    /// # Errors
    ///
    /// As [`usage`](Self::usage).
    pub fn coverage(&self) -> Result<SnowflakeStatement<CoverageReport>, Error> {
        let scope = self.scope()?;
        let mut sql = ScriptWriter::default();
        Prelude::new(self)?.write_for_coverage(&mut sql)?;
        Ok(coverage::statement(sql, scope))
    }

    /// The days that `ACCOUNT_USAGE` no longer holds completely at `now`; `None` if it holds all of them.
    ///
    /// It keeps 365 days. For older ones the statements count too little, down to nothing, so what was
    /// counted in time should not be replaced by their results. A warning, not an error: the views may
    /// be the host's own copies.
    pub fn expired_days(&self, now: DateTime<Utc>) -> Option<Range<NaiveDate>> {
        window::expired(self.attribution, self.days.clone(), now)
    }

    fn scope(&self) -> Result<Scope, Error> {
        Scope::new(self.days.clone(), self.attribution.output_ports())
    }

    /// A statement up to the set of touches.
    fn counting(&self) -> Result<(ScriptWriter, Overlap, Scope), Error> {
        let scope = self.scope()?;
        let mut sql = ScriptWriter::default();
        let overlap = Prelude::new(self)?.write_for_counting(&mut sql)?;
        Ok((sql, overlap, scope))
    }
}
