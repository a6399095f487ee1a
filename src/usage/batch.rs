//! Daily counts with the scope that they state completely.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Combination, OutputPortQueries, Rules, Scope, TechAssetTouches};

/// Daily counts that are complete for a scope of days and output ports.
///
/// [`query_log`](crate::query_log) and [`snowflake`](crate::snowflake) make it; a host that counts elsewhere builds it
/// with [`UsageBatch::builder`]. Touches and combinations may be "not measured": a write then leaves their table alone.
///
/// As JSON: an object with the keys `scope`, `queries`, `touches` and `combinations`; what was not measured is `null`. The
/// keys `unsettled_from` and `rules` are there where they say something. An unknown key is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageBatch {
    pub(super) scope: Scope,
    pub(super) queries: Vec<OutputPortQueries>,
    pub(super) touches: Option<Vec<TechAssetTouches>>,
    pub(super) combinations: Option<Vec<Combination>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unsettled_from: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Rules::is_empty")]
    pub(super) rules: Rules,
}

impl UsageBatch {
    /// Starts a batch for `scope`, without rows.
    ///
    /// Touches and combinations default to not measured.
    ///
    /// ```
    /// # use output_port_usage::*;
    /// # let (port, asset) = (OutputPortId(uuid::Uuid::nil()), TechAssetId(uuid::Uuid::nil()));
    /// # let consumer = ConsumerId(uuid::Uuid::nil());
    /// # let today = chrono::NaiveDate::default();
    /// let scope = Scope::new(last_days(1, today), [port])?;
    /// let batch = UsageBatch::builder(scope)
    ///     .queries(vec![OutputPortQueries::new(today, port, consumer, 2)])
    ///     .touches(vec![TechAssetTouches::new(today, port, asset, consumer, 2)])
    ///     .build();
    /// assert_eq!(batch.queries()[0].query_count, 2);
    /// assert!(batch.combinations().is_none()); // not measured
    /// # Ok::<(), Error>(())
    /// ```
    pub fn builder(scope: Scope) -> UsageBatchBuilder {
        UsageBatchBuilder(Self {
            scope,
            queries: Vec::new(),
            touches: None,
            combinations: None,
            unsettled_from: None,
            rules: Rules::default(),
        })
    }

    /// Turns the batch back into a builder, for instance to add what another statement counted.
    pub fn into_builder(self) -> UsageBatchBuilder {
        UsageBatchBuilder(self)
    }

    /// Drops the combinations, for a model without a table for them.
    #[must_use = "the batch without combinations is returned"]
    pub fn without_combinations(mut self) -> Self {
        self.combinations = None;
        self
    }

    /// Says from which day on a later run may change the counts; see
    /// [`UsageBatchBuilder::unsettled_from`].
    #[must_use = "the batch is returned"]
    pub fn with_unsettled_from(mut self, day: impl Into<Option<NaiveDate>>) -> Self {
        self.unsettled_from = day.into();
        self
    }

    /// The days and output ports that the batch is complete for.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The first day of the scope whose counts a later run may change; `None` if all days are settled.
    pub fn unsettled_from(&self) -> Option<NaiveDate> {
        self.unsettled_from
    }

    /// By which rules the output ports were counted, where that is known.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The queries for each day, output port and consumer.
    pub fn queries(&self) -> &[OutputPortQueries] {
        &self.queries
    }

    /// The touches for each day, output port, tech asset and consumer; `None` if not measured.
    pub fn touches(&self) -> Option<&[TechAssetTouches]> {
        self.touches.as_deref()
    }

    /// The queries for each day, pair of output ports and consumer; `None` if not measured.
    pub fn combinations(&self) -> Option<&[Combination]> {
        self.combinations.as_deref()
    }
}

/// Collects the rows of a [`UsageBatch`].
///
/// The rows are checked when a model turns the batch into a write, such as
/// [`UsageModel::replace`](crate::UsageModel::replace).
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build()`"]
pub struct UsageBatchBuilder(UsageBatch);

impl UsageBatchBuilder {
    /// Sets the queries for each day, output port and consumer. Defaults to none.
    pub fn queries(mut self, queries: Vec<OutputPortQueries>) -> Self {
        self.0.queries = queries;
        self
    }

    /// Sets the touches of the same scope. Defaults to not measured.
    pub fn touches(mut self, touches: Vec<TechAssetTouches>) -> Self {
        self.0.touches = Some(touches);
        self
    }

    /// Sets the combinations: every pair with at least one output port in the scope. Defaults to not measured.
    pub fn combinations(mut self, combinations: Vec<Combination>) -> Self {
        self.0.combinations = Some(combinations);
        self
    }

    /// Says from which day of the scope on a later run may change the counts. Defaults to no such day.
    ///
    /// It makes a difference to a model with [coverage](crate::UsageModelBuilder::coverage): charts call these days
    /// unsettled, and [`gaps`](crate::UsageModel::gaps) lists them.
    /// [`WindowPlan::unsettled_from`](crate::snowflake::WindowPlan::unsettled_from) plans it. A day outside the scope is
    /// an error of the write.
    pub fn unsettled_from(mut self, day: impl Into<Option<NaiveDate>>) -> Self {
        self.0.unsettled_from = day.into();
        self
    }

    /// Says by which rules the output ports were counted. Defaults to none.
    pub fn rules(mut self, rules: Rules) -> Self {
        self.0.rules = rules;
        self
    }

    /// Finishes the batch.
    pub fn build(self) -> UsageBatch {
        self.0
    }
}
