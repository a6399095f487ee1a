//! The request: what to aggregate, and from which views.

use std::ops::Range;

use chrono::{DateTime, NaiveDate, Utc};

use super::mapping::Mappings;
use super::window;
use crate::attribution::Attribution;

/// The views of an account, as every account has them.
pub(super) const ACCESS_HISTORY: &str = "SNOWFLAKE.ACCOUNT_USAGE.ACCESS_HISTORY";
pub(super) const QUERY_HISTORY: &str = "SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY";

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
            access_history: ACCESS_HISTORY.into(),
            query_history: QUERY_HISTORY.into(),
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

    /// The days that `ACCOUNT_USAGE` no longer holds completely at `now`; `None` if it holds all of them.
    ///
    /// It keeps 365 days. For older ones the statements count too little, down to nothing, so what was
    /// counted in time should not be replaced by their results. A warning, not an error: the views may
    /// be the host's own copies.
    pub fn expired_days(&self, now: DateTime<Utc>) -> Option<Range<NaiveDate>> {
        window::expired(self.attribution, self.days.clone(), now)
    }
}
