//! Charts: requests as plain data, one Postgres statement for each, and its typed rows.
//!
//! A chart is asked of a model with [`UsageModel::query`]. Every chart is one statement that sums the
//! daily tables, with a total order, so the same data gives the same rows. Days are half open; see
//! [`last_days`](crate::last_days).

mod combined_with;
mod member;
mod popular_assets;
mod queries_over_time;
mod query_distribution;
mod sql;

pub use combined_with::{MostOftenCombined, MostOftenCombinedWith};
pub use member::{ConsumerOrOther, GroupOrOther};
pub use popular_assets::{MostPopularAsset, MostPopularAssets};
pub use queries_over_time::{QueriesOverTime, QueriesOverTimePoint};
pub use query_distribution::{
    QueryDistribution, QueryDistributionByGroup, QueryDistributionGroupSlice, QueryDistributionSlice,
};

use crate::error::Error;
use crate::model::UsageModel;
use crate::statement::Query;

/// A chart of the library. Sealed: hosts ask for charts, they do not define them.
pub trait Chart: sealed::Sealed {
    /// The type of a result row.
    type Row;

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
