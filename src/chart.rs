//! Charts: requests as plain data, one Postgres statement for each, and its typed rows.
//!
//! A chart is asked of a model with [`UsageModel::query`]. Every chart is one statement that sums the
//! daily tables, with a total order, so the same data gives the same rows. Days are half open; see
//! [`last_days`](crate::last_days).
//!
//! # JSON
//!
//! Rows are `Serialize` and `Deserialize`, and their JSON is stable: an object with the fields' names; ids as UUID
//! text, days as `2026-07-01`, counts as integers, shares as fractions of 1, what is not there as `null`.
//!
//! ```
//! use output_port_usage::chart::QueryDistributionSlice;
//!
//! let json = r#"{"consumer":{"kind":"other","members":3},"query_count":12,"share":0.25,"rank":null}"#;
//! let slice: QueryDistributionSlice = serde_json::from_str(json)?;
//! assert_eq!(serde_json::to_string(&slice)?, json);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod axis;
mod buckets;
mod combined_with;
mod comparison;
mod member;
mod overview;
mod popular_assets;
mod queries_over_time;
mod queries_over_time_by_consumer;
mod queries_over_time_of_ports;
mod query_distribution;
mod query_distribution_by_group;
mod series;
mod sql;
mod summary;

pub use axis::Bucket;
pub use combined_with::{MostOftenCombined, MostOftenCombinedWith};
pub use comparison::{Compared, Comparison, WithPrevious};
pub use member::{ConsumerOrOther, GroupOrOther};
pub use overview::{Overview, OverviewCharts, OverviewRow};
pub use popular_assets::{MostPopularAsset, MostPopularAssets};
pub use queries_over_time::{QueriesOverTime, QueriesOverTimePoint};
pub use queries_over_time_by_consumer::{QueriesOverTimeByConsumer, QueriesOverTimeByConsumerSeries};
pub use queries_over_time_of_ports::{QueriesOverTimeOfPorts, QueriesOverTimeOfPortsSeries};
pub use query_distribution::{QueryDistribution, QueryDistributionSlice};
pub use query_distribution_by_group::{QueryDistributionByGroup, QueryDistributionGroupSlice};
pub use summary::{Summary, SummaryTotals};

use crate::error::Error;
use crate::model::UsageModel;
pub use crate::row::{FlatRecord, Row};
use crate::statement::Query;

/// The most points that a chart over time may have, its buckets times its series; more is an error.
///
/// A request often carries days from outside: without a bound, all days of ten thousand years would be asked for.
pub const MAX_POINTS: u64 = 1_000_000;

/// A chart of the library. Sealed: hosts ask for charts, they do not define them.
pub trait Chart: sealed::Sealed + Clone + Send + Sync + 'static {
    /// The type of a result row.
    type Row: Row;

    /// The rows as flat records, for a file.
    ///
    /// A row gives one record. A series gives one for each of its buckets, with the series repeated.
    ///
    /// # Errors
    ///
    /// For a chart of series, what its query refuses: days, granularity.
    fn records(&self, rows: &[Self::Row]) -> Result<Vec<FlatRecord>, Error> {
        Ok(rows.iter().map(Row::record).collect())
    }

    #[doc(hidden)]
    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error>;
}

mod sealed {
    pub trait Sealed {}
}

impl UsageModel {
    /// The query of a chart.
    ///
    /// Its text depends on the model and on the shape of the request, never on ids or days.
    ///
    /// # Errors
    ///
    /// What the request says it refuses: days that are empty, reversed or outside the years 1 to 9999, a top n of zero.
    pub fn query<C: Chart>(&self, chart: &C) -> Result<Query<C::Row>, Error> {
        chart.render(self)
    }
}
