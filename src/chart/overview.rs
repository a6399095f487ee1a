//! "Overview": several charts of one output port from one scan.

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{
    Expr, ExprTrait, Func, NullOrdering, Order, PostgresQueryBuilder, SelectStatement, UnionType, WithClause,
};
use serde::{Deserialize, Serialize};

use super::buckets::Buckets;
use super::sql::{self, PortDays};
use super::summary::facts;
use super::{
    Chart, ConsumerOrOther, QueriesOverTimeByConsumerPoint, QueriesOverTimePoint, QueryDistributionSlice,
    SummaryTotals, grid, sealed,
};
use crate::error::Error;
use crate::id::OutputPortId;
use crate::model::UsageModel;
use crate::row::{Columnar, Columns, FlatRecord};
use crate::statement::Query;
use crate::time::{Days, Granularity};

/// Queries over time, their split by consumer, the query distribution and the summary of one output port.
///
/// One statement reads the table once; its rows are collected into [`OverviewCharts`], with the numbers of the
/// single charts, all of one moment, and faster than the single charts together.
///
/// ```
/// # use chrono::NaiveDate;
/// # use output_port_usage::{Reference, UsageModel, OutputPortId};
/// use output_port_usage::chart::{Overview, OverviewCharts, OverviewRow};
/// use output_port_usage::{Granularity, last_days};
/// # let model = UsageModel::builder()
/// #     .output_ports(Reference::to("datasets"))
/// #     .consumers(Reference::to("data_products"))
/// #     .tech_assets(Reference::to("technical_assets"))
/// #     .build()?;
/// # let port = OutputPortId(uuid::Uuid::nil());
/// # let today = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap();
///
/// let overview = Overview::new(port, last_days(365, today)).granularity(Granularity::Week).top(5);
/// let query = model.query(&overview)?;
/// # let rows: Vec<OverviewRow> = Vec::new();
/// // let rows = query.into_sqlx().fetch_all(&pool).await?;
/// let charts: OverviewCharts = rows.into_iter().collect();
/// # let _ = (query, charts);
/// # Ok::<(), output_port_usage::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct Overview {
    port: OutputPortId,
    days: Range<NaiveDate>,
    granularity: Granularity,
    top: u32,
}

impl Overview {
    /// The half-open `days` of an output port, by day.
    pub fn new(port: OutputPortId, days: Range<NaiveDate>) -> Self {
        Self { port, days, granularity: Granularity::Day, top: sql::DEFAULT_TOP }
    }

    /// The width of a bucket. Defaults to [`Granularity::Day`].
    pub fn granularity(mut self, granularity: Granularity) -> Self {
        self.granularity = granularity;
        self
    }

    /// How many consumers stand before Other. Defaults to 10; zero makes the query an error.
    pub fn top(mut self, top: u32) -> Self {
        self.top = top;
        self
    }
}

/// A row of [`Overview`], to be collected into [`OverviewCharts`] with the others.
///
/// As JSON:
///
/// ```
/// # use output_port_usage::chart::OverviewRow;
/// let json = serde_json::json!([
///     {"kind": "bucket", "point": {"bucket": "2026-06-29", "query_count": 42, "partial": true},
///         "active_days": 4, "last_used": "2026-06-30"},
///     {"kind": "series", "point": {"consumer": {"kind": "other", "members": 3}, "rank": null,
///         "bucket": "2026-06-29", "query_count": 42, "partial": true}}
/// ]);
/// let rows: Vec<OverviewRow> = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&rows)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum OverviewRow {
    /// A bucket.
    Bucket {
        /// All its queries.
        point: QueriesOverTimePoint,
        /// On how many of its requested days there were any.
        active_days: i64,
        /// The last of these.
        last_used: Option<NaiveDate>,
    },
    /// A bucket of one series.
    Series {
        /// The series' queries.
        point: QueriesOverTimeByConsumerPoint,
    },
}

/// The charts of an [`Overview`], each as the single chart gives it.
///
/// As JSON, each list with the rows of its chart:
///
/// ```
/// # use output_port_usage::chart::OverviewCharts;
/// let json = serde_json::json!({
///     "over_time": [{"bucket": "2026-06-29", "query_count": 42, "partial": true}],
///     "split": [],
///     "distribution": [],
///     "summary": {"query_count": 168, "consumers": 5, "active_days": 20, "last_used": "2026-06-30"}
/// });
/// let charts: OverviewCharts = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&charts)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OverviewCharts {
    /// As [`QueriesOverTime`](super::QueriesOverTime).
    pub over_time: Vec<QueriesOverTimePoint>,
    /// As [`QueriesOverTimeByConsumer`](super::QueriesOverTimeByConsumer).
    pub split: Vec<QueriesOverTimeByConsumerPoint>,
    /// As [`QueryDistribution`](super::QueryDistribution).
    pub distribution: Vec<QueryDistributionSlice>,
    /// As [`Summary`](super::Summary).
    pub summary: SummaryTotals,
}

impl FromIterator<OverviewRow> for OverviewCharts {
    /// Takes all rows of one overview, in their order.
    fn from_iter<I: IntoIterator<Item = OverviewRow>>(rows: I) -> Self {
        let mut charts = Self::default();
        for row in rows {
            match row {
                OverviewRow::Bucket { point, active_days, last_used } => {
                    charts.summary.query_count += point.query_count;
                    charts.summary.active_days += active_days;
                    charts.summary.last_used = Ord::max(charts.summary.last_used, last_used);
                    charts.over_time.push(point);
                }
                OverviewRow::Series { point } => {
                    charts.add_to_slice(&point);
                    charts.split.push(point);
                }
            }
        }
        for slice in &mut charts.distribution {
            slice.share = slice.query_count as f64 / charts.summary.query_count as f64;
            charts.summary.consumers += match slice.consumer {
                ConsumerOrOther::Consumer { .. } => 1,
                ConsumerOrOther::Other { members } => members,
            };
        }
        charts
    }
}

impl OverviewCharts {
    /// The points of a series follow each other.
    fn add_to_slice(&mut self, point: &QueriesOverTimeByConsumerPoint) {
        match self.distribution.last_mut() {
            Some(slice) if slice.rank == point.rank => slice.query_count += point.query_count,
            _ => self.distribution.push(QueryDistributionSlice {
                consumer: point.consumer.clone(),
                query_count: point.query_count,
                share: 0.0,
                rank: point.rank,
            }),
        }
    }
}

impl Columnar for OverviewRow {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(if row.flag("total")? {
            let active_days = row.count("active_days")?;
            Self::Bucket {
                point: Columnar::decode(row)?,
                active_days,
                last_used: row.date_or_null("last_used")?,
            }
        } else {
            Self::Series { point: Columnar::decode(row)? }
        })
    }

    fn write_to(&self, _: &mut FlatRecord) {}
}

impl sealed::Sealed for Overview {}

impl Chart for Overview {
    type Row = OverviewRow;

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        let top = sql::check_top("the number of consumers", self.top)?;
        let rows = PortDays::new(&model.0.queries, self.port, Days::check(&self.days)?);
        let buckets = Buckets::new(self.granularity, Days::check(&self.days)?, u64::from(self.top) + 2)?;
        let mut with = WithClause::new();
        with.cte(buckets.cte()).cte(sql::materialized("counted", counted(&rows, &buckets)));
        let null = |of: &'static str| Expr::cust("NULL").cast_as(of);
        let mut series = grid::grid(&mut with, model, top);
        series
            .expr_as(Expr::cust("FALSE"), "total")
            .expr_as(null("bigint"), "active_days")
            .expr_as(null("date"), "last_used");

        // the columns of the grid, in its order
        let mut select = SelectStatement::new();
        select
            .expr_as(null("uuid"), "consumer_id")
            .expr_as(null("bigint"), "rank")
            .expr_as(null("bigint"), "members")
            .expr_as(Expr::col("start").cast_as("date"), "bucket")
            .expr_as(Expr::col("query_count").cast_as("bigint"), "query_count")
            .expr_as(Expr::col("partial").cast_as("boolean"), "partial")
            .expr_as(null("text"), "label")
            .expr_as(Expr::cust("TRUE"), "total")
            .expr_as(Expr::col("active_days").cast_as("bigint"), "active_days")
            .expr_as(Expr::col("last_used").cast_as("date"), "last_used")
            .from("counted")
            .union(UnionType::All, series)
            .order_by("total", Order::Desc)
            .order_by_with_nulls("rank", Order::Asc, NullOrdering::Last)
            .order_by("bucket", Order::Asc);
        Ok(Query::new("overview", select.with(with).build(PostgresQueryBuilder)))
    }
}

/// The one scan, as [`grid::counted`] gives it, with `active_days` and `last_used`.
fn counted(rows: &PortDays, buckets: &Buckets) -> SelectStatement {
    if buckets.granularity() == Granularity::Day {
        let used = Expr::col(("each", "query_count")).gt(Expr::cust("0"));
        let active = Expr::case(used.clone(), Expr::cust("1")).finally(Expr::cust("0"));
        let mut counted = grid::counted(rows, buckets);
        counted.expr_as(active, "active_days").expr_as(Expr::case(used, buckets.start()), "last_used");
        return counted;
    }
    let sums = SelectStatement::new()
        .columns(["date", "consumer_id"])
        .expr_as(Func::sum(Expr::col("query_count")), "query_count")
        .from_subquery(facts(rows, buckets.scan(rows)), "fact")
        .add_group_by([Expr::cust(r#"GROUPING SETS (("date"), ("consumer_id"))"#)])
        .take();
    let used = || Expr::col("query_count").gt(Expr::cust("0"));
    let of_consumer = || Expr::col("consumer_id").is_not_null();
    let mut each = SelectStatement::new();
    each.expr_as(Func::sum(Expr::col("query_count")).filter(of_consumer()), "query_count")
        .expr_as(grid::array_agg("consumer_id").filter(of_consumer()), "consumers")
        .expr_as(grid::array_agg("query_count").filter(of_consumer()), "counts")
        .expr_as(Func::count(Expr::col("date")).filter(used()), "active_days")
        .expr_as(Func::max(Expr::col("date")).filter(used()), "last_used")
        .from_subquery(sums, "sums");
    let mut counted = grid::buckets_with(buckets);
    counted.columns([("each", "active_days"), ("each", "last_used")]);
    sql::join_each(&mut counted, each, "each");
    counted
}
