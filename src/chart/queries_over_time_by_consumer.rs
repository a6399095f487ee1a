//! "Queries over time", split by consumer.

use sea_query::PostgresQueryBuilder;
use serde::{Deserialize, Serialize};

use super::bucket::Bucket;
use super::buckets::Buckets;
use super::coverage::Coverage;
use super::coverage_of::CoverageOf;
use super::queries_over_time::QueriesOverTime;
use super::series::{self, Split};
use super::sql::{self, PortDays};
use super::{Chart, ConsumerOrOther, sealed};
use crate::error::Error;
use crate::model::UsageModel;
use crate::row::{Columnar, Columns, FlatRecord};
use crate::statement::Query;
use crate::time::Days;

/// The queries on an output port over time, one series for each of the top n consumers, then Other.
///
/// Made by [`QueriesOverTime::split_by_consumer`]. A row is a series: by rank, Other last, each with a count for
/// every bucket of [`buckets`](Self::buckets), zero filled. The top n are those of the whole days, by count, the
/// largest first, then by id; there is an Other if there are more than n consumers. The series of a bucket add
/// up to the point of [`QueriesOverTime`]; an output port without queries has no series.
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
    /// let split = chart.split_by_consumer(5);
    /// let query = model.query(&split)?; // up to 6 series
    /// assert_eq!(query.sql().matches("output_port_query_stats_daily").count(), 1);
    /// assert_eq!(split.buckets()?.len(), 14); // as many counts in each
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    pub fn split_by_consumer(self, top: u32) -> QueriesOverTimeByConsumer {
        QueriesOverTimeByConsumer { over_time: self, top }
    }
}

/// A series of [`QueriesOverTimeByConsumer`].
///
/// As JSON, with `consumer` as [`ConsumerOrOther`] says:
///
/// ```
/// # use output_port_usage::chart::QueriesOverTimeByConsumerSeries;
/// let json = serde_json::json!({
///     "consumer": {"kind": "consumer", "id": "0190d3a2-5c1e-7b4a-8f00-0123456789c1", "label": "Finance"},
///     "rank": 1,
///     "query_count": 50,
///     "counts": [8, 0, 42]
/// });
/// let row: QueriesOverTimeByConsumerSeries = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&row)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[cfg_attr(
    feature = "utoipa",
    derive(utoipa::ToSchema),
    schema(description = "The queries of one consumer, or of all others, in each bucket of the axis.")
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueriesOverTimeByConsumerSeries {
    /// The consumer whose series this is, or Other.
    pub consumer: ConsumerOrOther,
    /// The series' position, from 1; `None` for Other.
    #[cfg_attr(feature = "utoipa", schema(required = true))]
    pub rank: Option<i64>,
    /// All its queries, at least 1.
    pub query_count: i64,
    /// Its queries on the requested days of each bucket, 0 or more, in the order of
    /// [`buckets`](QueriesOverTimeByConsumer::buckets).
    pub counts: Vec<i64>,
    /// Whether the requested days of each bucket were measured, in the same order: that of the output port, and the same
    /// for every series. `None` without [coverage](crate::UsageModelBuilder::coverage).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Vec<Coverage>>,
}

impl Columnar for QueriesOverTimeByConsumerSeries {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(Self {
            consumer: ConsumerOrOther::read(row)?,
            rank: row.count_or_null("rank")?,
            query_count: row.count("query_count")?,
            counts: series::read(row)?,
            coverage: Coverage::read_each(row, "coverage")?,
        })
    }

    /// The series without its buckets.
    fn write_to(&self, record: &mut FlatRecord) {
        self.consumer.write_to(record);
        record.count("rank", self.rank);
    }
}

impl QueriesOverTimeByConsumerSeries {
    pub(super) fn records(&self, axis: &[Bucket]) -> Vec<FlatRecord> {
        series::records(axis, &self.counts, self.coverage.as_deref(), |record| self.write_to(record))
    }
}

impl sealed::Sealed for QueriesOverTimeByConsumer {}

impl Chart for QueriesOverTimeByConsumer {
    type Row = QueriesOverTimeByConsumerSeries;

    fn records(&self, rows: &[Self::Row]) -> Result<Vec<FlatRecord>, Error> {
        let axis = self.buckets()?;
        Ok(rows.iter().flat_map(|series| series.records(&axis)).collect())
    }

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        let top = sql::check_top("the number of consumers", self.top)?;
        let days = Days::check(&self.over_time.days)?;
        let rows = PortDays::new(&model.0.queries, self.over_time.port, days);
        let coverage = CoverageOf::new(model, self.over_time.port, days);
        let split = Split::new(&rows, self.axis()?, &coverage, top);
        let mut select = split.rows(&model.0.consumers);
        sql::order_by_rank(&mut select, "rank");
        let title = format!("queries over time by {} split by consumer", self.over_time.granularity.noun());
        Ok(Query::noted(
            title,
            series::why(self.over_time.granularity),
            select.with(split.with).build(PostgresQueryBuilder),
        ))
    }
}

impl QueriesOverTimeByConsumer {
    pub(super) fn axis(&self) -> Result<Buckets, Error> {
        let days = Days::check(&self.over_time.days)?;
        Buckets::new(self.over_time.granularity, days, u64::from(self.top) + 1)
    }
}
