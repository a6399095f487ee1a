//! Charts: requests as plain data, one Postgres statement for each, and its typed rows.
//!
//! [`UsageModel::query`] turns a request into its statement. Every chart is one statement that sums the daily tables,
//! in a total order: the same data gives the same rows. Days are half open; see [`last_days`](crate::last_days). The
//! guide lists [all charts](crate::docs::charts).
//!
//! Rows are `Serialize` and `Deserialize`. Their JSON is stable; the guide shows [every shape](crate::docs::charts#json).

mod axis;
mod bucket;
mod buckets;
mod combined_with;
mod comparison;
mod coverage;
mod coverage_of;
mod coverage_of_each;
mod coverage_rows;
mod facts;
mod groups;
mod member;
mod most_used_ports;
mod of_each;
mod overview;
mod popular_assets;
mod queries_over_time;
mod queries_over_time_of_ports;
mod queries_over_time_split;
mod query_distribution;
mod series;
mod split;
mod sql;
mod subject;
mod summary;
mod unused;
mod who;

pub use bucket::Bucket;
pub use combined_with::{MostOftenCombined, MostOftenCombinedWith};
pub use comparison::{Compared, Comparison, WithPrevious};
pub use coverage::Coverage;
pub use member::Member;
pub use most_used_ports::{MostUsedPort, MostUsedPorts, PortOrder};
pub use overview::{Overview, OverviewCharts, OverviewRow};
pub use popular_assets::{MostPopularAsset, MostPopularAssets};
pub use queries_over_time::{QueriesOverTime, QueriesOverTimePoint};
pub use queries_over_time_of_ports::QueriesOverTimeOfPorts;
pub use queries_over_time_split::{QueriesOverTimeSeries, QueriesOverTimeSplit};
pub use query_distribution::{QueryDistribution, QueryDistributionSlice};
pub use subject::Subject;
pub use summary::{Summary, SummaryTotals};
pub use unused::{Unused, UnusedMember};

use crate::error::Error;
use crate::model::UsageModel;
pub use crate::row::{FlatRecord, Row};
use crate::statement::Query;

/// The most points that a chart over time may have: its buckets times its series.
///
/// More is an error. Days often come from outside: without a bound, somebody could ask for every day of ten thousand
/// years.
pub const MAX_POINTS: u64 = 1_000_000;

/// A chart that a model can render.
///
/// Sealed: hosts use the library's charts and cannot add their own.
pub trait Chart: sealed::Sealed + Clone + Send + Sync + 'static {
    /// The type of a result row.
    type Row: Row;

    /// The rows as flat records, for a file.
    ///
    /// A row gives one record, except that a series gives one for each of its buckets, with the series repeated, and the
    /// total of an [`Overview`] none.
    ///
    /// # Errors
    ///
    /// For a chart of series, what its query refuses about days and granularity.
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
    /// Turns a request into its query.
    ///
    /// The text depends on the model and on the shape of the request, never on ids or days.
    ///
    /// # Errors
    ///
    /// Whatever the request's documentation says it refuses: days that are empty, reversed or outside the years 1 to
    /// 9999, a top n of zero ([`Error::is_request`]); a chart for which the model has no table or group
    /// ([`Error::is_configuration`]).
    pub fn query<C: Chart>(&self, chart: &C) -> Result<Query<C::Row>, Error> {
        chart.render(self)
    }
}
