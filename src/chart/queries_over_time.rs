//! "Queries over time".

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{Expr, ExprTrait, Func, JoinType, Order, PostgresQueryBuilder, SelectStatement};
use serde::{Deserialize, Serialize};

use super::sql::PortDays;
use super::{Chart, sealed};
use crate::error::Error;
use crate::id::OutputPortId;
use crate::model::{Column, UsageModel};
use crate::row::{Columns, Decode};
use crate::statement::Query;
use crate::time::Granularity;

/// The queries on one output port over time: one point for each bucket, zero filled.
///
/// Counts are clipped to the requested days; a bucket that is not wholly inside them is
/// [`partial`](QueriesOverTimePoint::partial). For whole buckets call [`Granularity::expand`] first.
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
/// let weeks = Granularity::Week.expand(last_days(90, today));
/// let query = model.query(&QueriesOverTime::new(port, weeks).granularity(Granularity::Week))?;
/// assert!(query.sql().contains("INTERVAL '7 days'"));
/// # Ok::<(), output_port_usage::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct QueriesOverTime {
    port: OutputPortId,
    days: Range<NaiveDate>,
    granularity: Granularity,
}

impl QueriesOverTime {
    /// The half-open `days` of an output port, by day.
    pub fn new(port: OutputPortId, days: Range<NaiveDate>) -> Self {
        Self { port, days, granularity: Granularity::Day }
    }

    /// The width of a bucket. Defaults to [`Granularity::Day`].
    pub fn granularity(mut self, granularity: Granularity) -> Self {
        self.granularity = granularity;
        self
    }
}

/// A point of [`QueriesOverTime`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueriesOverTimePoint {
    /// The first day of the bucket, which may lie before the requested days.
    pub bucket: NaiveDate,
    /// The queries on the requested days of the bucket, 0 or more.
    pub query_count: i64,
    /// Whether the bucket holds days that were not requested.
    pub partial: bool,
}

impl Decode for QueriesOverTimePoint {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(Self {
            bucket: row.date("bucket")?,
            query_count: row.count("query_count")?,
            partial: row.flag("partial")?,
        })
    }
}

impl sealed::Sealed for QueriesOverTime {}

impl Chart for QueriesOverTime {
    type Row = QueriesOverTimePoint;

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        let rows = PortDays::new(&model.query_stats, self.port, &self.days)?;
        let buckets = Buckets::new(self.granularity, &self.days);
        let mut select = buckets.select();
        if self.granularity == Granularity::Day {
            let mut counted = rows.scan();
            counted
                .expr_as(Expr::col(rows.column(Column::Date)), "date")
                .expr_as(rows.sum(), "query_count")
                .group_by_col(rows.column(Column::Date));
            let on = Expr::col(("counted", "date")).eq(buckets.start());
            select.join_subquery(JoinType::LeftJoin, counted, "counted", on);
        } else {
            // by bucket: a few buffers each, and no date arithmetic per row
            let mut counted = rows.scan_when(|date, select| {
                select.and_where(date.clone().gte(buckets.start())).and_where(date.lt(buckets.end()))
            });
            counted.expr_as(rows.sum(), "query_count");
            select.join_lateral(JoinType::InnerJoin, counted, "counted", Expr::cust("TRUE"));
        }
        let count = Func::coalesce([Expr::col(("counted", "query_count")), Expr::cust("0")]);
        select
            .expr_as(buckets.start(), "bucket")
            .expr_as(Expr::from(count).cast_as("bigint"), "query_count")
            .expr_as(buckets.partial(&self.days), "partial")
            .order_by(("bucket", "bucket"), Order::Asc);
        Ok(Query::new(select.build(PostgresQueryBuilder)))
    }
}

/// The buckets of a chart as rows of `bucket(bucket)`, a timestamp without time zone.
pub(crate) struct Buckets {
    first: NaiveDate,
    last: NaiveDate,
    step: &'static str,
}

impl Buckets {
    pub(crate) fn new(granularity: Granularity, days: &Range<NaiveDate>) -> Self {
        let last_day = days.end.pred_opt().unwrap_or(days.end);
        Self {
            first: granularity.bucket(days.start),
            last: granularity.bucket(last_day),
            step: match granularity {
                Granularity::Day => "INTERVAL '1 day'",
                Granularity::Week => "INTERVAL '7 days'",
                Granularity::Month => "INTERVAL '1 month'",
                Granularity::Quarter => "INTERVAL '3 months'",
                Granularity::Year => "INTERVAL '1 year'",
            },
        }
    }

    fn select(&self) -> SelectStatement {
        // timestamps, because generate_series over dates would go through the session's time zone
        let midnight = |day: NaiveDate| Expr::val(day.and_time(chrono::NaiveTime::MIN)).cast_as("timestamp");
        let series = Func::cust("generate_series").args([
            midnight(self.first),
            midnight(self.last),
            Expr::cust(self.step),
        ]);
        SelectStatement::new().from_function(series, "bucket").take()
    }

    /// The first day of the bucket.
    fn start(&self) -> Expr {
        Expr::col(("bucket", "bucket")).cast_as("date")
    }

    /// The first day after the bucket.
    fn end(&self) -> Expr {
        Expr::col(("bucket", "bucket")).add(Expr::cust(self.step)).cast_as("date")
    }

    /// Whether the bucket holds days outside `days`.
    fn partial(&self, days: &Range<NaiveDate>) -> Expr {
        self.start().lt(days.start).or(self.end().gt(days.end)).cast_as("boolean")
    }
}
