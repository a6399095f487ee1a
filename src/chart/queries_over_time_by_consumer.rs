//! "Queries over time", split by consumer.

use chrono::NaiveDate;
use sea_query::{Order, PostgresQueryBuilder, WithClause};
use serde::{Deserialize, Serialize};

use super::buckets::Buckets;
use super::queries_over_time::QueriesOverTime;
use super::sql::{self, PortDays};
use super::{Chart, ConsumerOrOther, grid, sealed};
use crate::error::Error;
use crate::model::UsageModel;
use crate::row::{Columnar, Columns, FlatRecord};
use crate::statement::Query;
use crate::time::Days;

/// The queries on one output port over time, one series for each of the top n consumers, then Other.
///
/// Made by [`QueriesOverTime::split_by_consumer`]. The rows are a dense grid of series and buckets, zero filled:
/// series after series by rank, Other last, each with every bucket in order. The top n are those of the whole days,
/// by count descending, then by id; Other exists from n + 1 consumers on. The series of a bucket add up to the point
/// of [`QueriesOverTime`]; an output port without queries has no series. By week or longer the chart is much cheaper
/// than by day over the same days.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct QueriesOverTimeByConsumer {
    over_time: QueriesOverTime,
    top: u32,
}

impl QueriesOverTime {
    /// One series for each of the `top` consumers of the days, then Other; zero makes the query an error.
    ///
    /// ```
    /// # use chrono::NaiveDate;
    /// # use output_port_usage::{Reference, UsageModel, OutputPortId};
    /// use output_port_usage::chart::QueriesOverTime;
    /// use output_port_usage::{Granularity, last_days};
    /// # let model = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"))
    /// #     .build()?;
    /// # let port = OutputPortId(uuid::Uuid::nil());
    /// # let today = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap();
    ///
    /// let weeks = Granularity::Week.expand_start(last_days(90, today));
    /// let chart = QueriesOverTime::new(port, weeks).granularity(Granularity::Week);
    /// let split = model.query(&chart.split_by_consumer(5))?; // up to 6 series of 13 or 14 weeks
    /// assert_eq!(split.sql().matches("output_port_query_stats_daily").count(), 1);
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    pub fn split_by_consumer(self, top: u32) -> QueriesOverTimeByConsumer {
        QueriesOverTimeByConsumer { over_time: self, top }
    }
}

/// A point of [`QueriesOverTimeByConsumer`].
///
/// As JSON, with `consumer` as [`ConsumerOrOther`] says:
///
/// ```
/// # use output_port_usage::chart::QueriesOverTimeByConsumerPoint;
/// let json = serde_json::json!({
///     "consumer": {"kind": "consumer", "id": "0190d3a2-5c1e-7b4a-8f00-0123456789c1", "label": "Finance"},
///     "rank": 1,
///     "bucket": "2026-06-29",
///     "query_count": 42,
///     "partial": true
/// });
/// let row: QueriesOverTimeByConsumerPoint = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&row)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueriesOverTimeByConsumerPoint {
    /// Whose series.
    pub consumer: ConsumerOrOther,
    /// The series' number from 1; none for Other.
    pub rank: Option<i64>,
    /// The first day of the bucket, which may lie before the requested days.
    pub bucket: NaiveDate,
    /// The series' queries on the requested days of the bucket, 0 or more.
    pub query_count: i64,
    /// Whether the bucket holds days that were not requested.
    pub partial: bool,
}

impl Columnar for QueriesOverTimeByConsumerPoint {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(Self {
            consumer: ConsumerOrOther::read(row)?,
            rank: row.count_or_null("rank")?,
            bucket: row.date("bucket")?,
            query_count: row.count("query_count")?,
            partial: row.flag("partial")?,
        })
    }

    fn write_to(&self, record: &mut FlatRecord) {
        self.consumer.write_to(record);
        record.count("rank", self.rank).date("bucket", self.bucket).count("query_count", self.query_count);
    }
}

impl sealed::Sealed for QueriesOverTimeByConsumer {}

impl Chart for QueriesOverTimeByConsumer {
    type Row = QueriesOverTimeByConsumerPoint;

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        let top = sql::check_top("the number of consumers", self.top)?;
        let rows = PortDays::new(&model.0.queries, self.over_time.port, Days::check(&self.over_time.days)?);
        let buckets = Buckets::new(
            self.over_time.granularity,
            Days::check(&self.over_time.days)?,
            u64::from(self.top) + 1,
        )?;
        let mut with = WithClause::new();
        with.cte(buckets.cte()).cte(sql::materialized("counted", grid::counted(&rows, &buckets)));
        let mut select = grid::grid(&mut with, model, top);
        sql::order_by_rank(&mut select, ("series", "rank"));
        select.order_by(("point", "start"), Order::Asc);
        Ok(Query::new("queries over time split by consumer", select.with(with).build(PostgresQueryBuilder)))
    }
}
