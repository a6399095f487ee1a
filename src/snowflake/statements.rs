//! The statements of an aggregation.

use super::aggregation::Aggregation;
use super::coverage::{self, CoverageReport};
use super::prelude::{Overlap, Prelude};
use super::results;
use super::statement::{ScriptWriter, SnowflakeStatement};
use crate::error::Error;
use crate::usage::{Combination, Scope, TechAssetTouches, UsageBatch};

impl Aggregation<'_> {
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
        let (sql, overlap, empty) = self.counting()?;
        Ok(results::usage(sql, overlap, empty))
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
        let (sql, _, empty) = self.counting()?;
        Ok(results::output_port_queries(sql, empty))
    }

    /// The touches for each day, output port, tech asset and consumer.
    ///
    /// # Errors
    ///
    /// As [`usage`](Self::usage).
    pub fn tech_asset_touches(&self) -> Result<SnowflakeStatement<Vec<TechAssetTouches>>, Error> {
        let (sql, _, empty) = self.counting()?;
        Ok(results::tech_asset_touches(sql, empty))
    }

    /// The queries for each day, pair of output ports and consumer.
    ///
    /// # Errors
    ///
    /// As [`usage`](Self::usage).
    pub fn combinations(&self) -> Result<SnowflakeStatement<Vec<Combination>>, Error> {
        let (sql, overlap, empty) = self.counting()?;
        Ok(results::combinations(sql, overlap, empty))
    }

    /// What is left out for want of a mapping, and what has not arrived yet.
    ///
    /// It reads both views, whether a role is mapped or not.
    ///
    /// # Errors
    ///
    /// As [`usage`](Self::usage).
    pub fn coverage(&self) -> Result<SnowflakeStatement<CoverageReport>, Error> {
        let empty = self.empty()?;
        let mut sql = ScriptWriter::default();
        Prelude::new(self)?.write_for_coverage(&mut sql)?;
        Ok(coverage::statement(sql, empty))
    }

    /// The batch of the scope, without rows.
    fn empty(&self) -> Result<UsageBatch, Error> {
        let scope = Scope::new(self.days.clone(), self.attribution.output_ports())?;
        Ok(UsageBatch::builder(scope).rules(self.attribution.rules()).build())
    }

    /// A statement up to the set of touches.
    fn counting(&self) -> Result<(ScriptWriter, Overlap, UsageBatch), Error> {
        let empty = self.empty()?;
        let mut sql = ScriptWriter::default();
        let overlap = Prelude::new(self)?.write_for_counting(&mut sql)?;
        Ok((sql, overlap, empty))
    }
}
