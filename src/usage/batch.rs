//! Daily counts with the scope that they state completely.

use serde::{Deserialize, Serialize};

use super::{Combination, OutputPortQueries, Scope, TechAssetTouches};

/// Daily counts with the scope that they state completely.
///
/// An aggregation makes it ([`query_log`](crate::query_log)); a host that counts elsewhere builds it
/// with [`UsageBatch::builder`]. `None` means "not measured": that table is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageBatch {
    pub(super) scope: Scope,
    pub(super) queries: Vec<OutputPortQueries>,
    pub(super) touches: Option<Vec<TechAssetTouches>>,
    pub(super) combinations: Option<Vec<Combination>>,
}

impl UsageBatch {
    /// Starts a batch that states `scope`, without a query in it.
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
        UsageBatchBuilder(Self { scope, queries: Vec::new(), touches: None, combinations: None })
    }

    /// The batch as a builder, for instance to add what another statement counted.
    pub fn into_builder(self) -> UsageBatchBuilder {
        UsageBatchBuilder(self)
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
    pub fn touches(&self) -> Option<&[TechAssetTouches]> {
        self.touches.as_deref()
    }

    /// The queries for each day, pair of output ports and consumer, if measured.
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
    /// The queries for each day, output port and consumer. Defaults to none.
    pub fn queries(mut self, queries: Vec<OutputPortQueries>) -> Self {
        self.0.queries = queries;
        self
    }

    /// The touches of the same scope. Defaults to not measured.
    pub fn touches(mut self, touches: Vec<TechAssetTouches>) -> Self {
        self.0.touches = Some(touches);
        self
    }

    /// Every pair with at least one output port in the scope. Defaults to not measured.
    pub fn combinations(mut self, combinations: Vec<Combination>) -> Self {
        self.0.combinations = Some(combinations);
        self
    }

    /// The batch.
    pub fn build(self) -> UsageBatch {
        self.0
    }
}
