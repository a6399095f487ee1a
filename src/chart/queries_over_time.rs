//! "Queries over time".

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{
    Expr, ExprTrait, Func, JoinType, Order, PostgresQueryBuilder, SelectStatement, Values, WithClause,
};
use serde::{Deserialize, Serialize};

use super::buckets::{self, Buckets};
use super::comparison::{self, Before, Comparable, Compared, Comparison, WithPrevious};
use super::coverage::Coverage;
use super::coverage_of::CoverageOf;
use super::facts::{self, Facts};
use super::subject::Subject;
use super::who::Who;
use super::{Chart, sealed, sql};
use crate::error::Error;
use crate::model::{Column, UsageModel};
use crate::row::{Columnar, Columns, FlatRecord};
use crate::statement::Query;
use crate::time::{Days, Granularity};

/// The queries of a subject over time: one point for each bucket, zero filled. Of a tech asset, its touches.
///
/// Only the requested days count; a bucket that is not wholly inside them is
/// [`partial`](QueriesOverTimePoint::partial). To begin with a whole bucket, call [`Granularity::expand_start`] first;
/// to have complete buckets only, [`Granularity::within`]. More than [`MAX_POINTS`](super::MAX_POINTS) points make the
/// query an error.
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
/// let query = model.query(&QueriesOverTime::new(port, weeks).granularity(Granularity::Week))?;
/// assert_eq!(query.sql().matches("output_port_query_stats_daily").count(), 1);
/// # Ok::<(), output_port_usage::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct QueriesOverTime {
    pub(super) subject: Subject,
    pub(super) who: Who,
    pub(super) days: Range<NaiveDate>,
    pub(super) granularity: Granularity,
}

impl QueriesOverTime {
    /// Asks for the half-open `days` of a subject, for instance of an output port, in buckets of a day.
    pub fn new(subject: impl Into<Subject>, days: Range<NaiveDate>) -> Self {
        Self { subject: subject.into(), who: Who::Anyone, days, granularity: Granularity::Day }
    }

    /// The width of a bucket. Defaults to [`Granularity::Day`].
    pub fn granularity(mut self, granularity: Granularity) -> Self {
        self.granularity = granularity;
        self
    }

    /// Adds each bucket's count in the earlier days, and the change since then.
    ///
    /// The bounds of each bucket are moved back in the same way as the days are. So the earlier buckets need not begin
    /// with a week or a month; together they make up the earlier days. The query is an error if the earlier days begin
    /// before year 1.
    pub fn compared_with(self, comparison: Comparison) -> Compared<Self> {
        Compared::new(self, comparison)
    }
}

super::who::of_consumers!(QueriesOverTime, who);

/// A point of [`QueriesOverTime`].
///
/// As JSON:
///
/// ```
/// # use output_port_usage::chart::QueriesOverTimePoint;
/// let json = serde_json::json!({"bucket": "2026-06-29", "query_count": 42, "partial": true});
/// let row: QueriesOverTimePoint = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&row)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[cfg_attr(
    feature = "utoipa",
    derive(utoipa::ToSchema),
    schema(description = "The queries of one bucket of time.")
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueriesOverTimePoint {
    /// The first day of the bucket, which may lie before the requested days.
    pub bucket: NaiveDate,
    /// The queries on the requested days of the bucket, 0 or more.
    pub query_count: i64,
    /// Whether the bucket holds days that were not requested.
    pub partial: bool,
    /// Whether these days were measured; `None` without [coverage](crate::UsageModelBuilder::coverage).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
}

impl Columnar for QueriesOverTimePoint {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(Self {
            bucket: row.date("bucket")?,
            query_count: row.count("query_count")?,
            partial: row.flag("partial")?,
            coverage: Coverage::read(row, "coverage")?,
        })
    }

    fn write_to(&self, record: &mut FlatRecord) {
        record
            .date("bucket", self.bucket)
            .count("query_count", self.query_count)
            .flag("partial", self.partial);
        if let Some(coverage) = self.coverage {
            record.text("coverage", coverage.word());
        }
    }
}

impl sealed::Sealed for QueriesOverTime {}

impl Chart for QueriesOverTime {
    type Row = QueriesOverTimePoint;

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        let built = self.build(model, None)?;
        Ok(Query::noted(self.title(), &[self.way(model)], built))
    }
}

impl Comparable for QueriesOverTime {
    fn compare(
        &self,
        model: &UsageModel,
        before: &Before,
    ) -> Result<Query<WithPrevious<QueriesOverTimePoint>>, Error> {
        let built = self.build(model, Some(before))?;
        Ok(Query::noted(before.title(&self.title()), &[self.way(model)], built))
    }
}

impl QueriesOverTime {
    fn way(&self, model: &UsageModel) -> &'static str {
        facts::way_to_read(model, self.subject, self.who)
    }

    fn title(&self) -> String {
        let (unit, subject, who) = (self.granularity.noun(), self.subject.title(), self.who.title());
        format!("queries over time by {unit}{subject}{who}")
    }

    fn build(&self, model: &UsageModel, before: Option<&Before>) -> Result<(String, Values), Error> {
        let days = Days::check(&self.days)?;
        let rows = Facts::new(model, self.subject, self.who, days)?;
        let earlier = before.map(|before| before.comparison.days_of_buckets(&self.days)).transpose()?;
        let coverage = CoverageOf::new(model, self.subject, days).beside(before, earlier.as_ref());
        let buckets = Buckets::new(self.granularity, days, 1)?;
        let count = Func::coalesce([Expr::col(("counted", "query_count")), Expr::cust("0")]);
        let count = Expr::from(count).cast_as("bigint");
        let mut select = SelectStatement::new();
        select
            .expr_as(buckets.start().cast_as("date"), "bucket")
            .expr_as(count.clone(), "query_count")
            .expr_as(buckets.partial(), "partial")
            .expr_as(coverage.word_of(&buckets), "coverage")
            .from("bucket")
            .order_by(("bucket", "start"), Order::Asc);
        let mut with = WithClause::new();
        coverage.add_to(&mut with);
        with.cte(match (before, &earlier) {
            (Some(before), Some(days)) if self.granularity != Granularity::Day => {
                buckets.cte_with_before(before.comparison, days)
            }
            _ => buckets.cte(),
        });
        buckets.join_sums(&mut with, &mut select, &rows);
        coverage.join(&mut select, &buckets);
        if let (Some(&Before { comparison, .. }), Some(before)) = (before, earlier) {
            let earlier = Earlier { rows: rows.during(before), days, comparison };
            earlier.join(&mut with, &mut select, &buckets);
            let complete = coverage.complete_of(&buckets);
            comparison::change(&mut select, count, Expr::col(("before", "query_count")), complete);
            select.expr_as(coverage.word_before_of(&buckets), "previous_coverage");
        }
        Ok(select.with(with).build(PostgresQueryBuilder))
    }
}

/// What the buckets are compared with.
struct Earlier<'a> {
    rows: Facts<'a>,
    /// The days of the chart.
    days: Days,
    comparison: Comparison,
}

impl Earlier<'_> {
    /// Joins the sums as `before(query_count)`; NULL in a bucket without rows.
    fn join(&self, with: &mut WithClause, select: &mut SelectStatement, buckets: &Buckets) {
        let Self { rows, days, comparison } = self;
        if buckets.granularity() == Granularity::Day {
            // by date first: then the day is found once a day, not once a row
            let daily = rows.sum_by(Column::Date, "date");
            let mut before = SelectStatement::new();
            before
                .expr_as(comparison.compared(*days, Expr::col("date")), "date")
                .expr_as(Func::sum(Expr::col("query_count")), "query_count")
                .from_subquery(daily, "daily")
                .add_group_by([Expr::cust("1")]);
            let on = Expr::col(("before", "date")).eq(buckets.start());
            select.join_subquery(JoinType::LeftJoin, before, "before", on);
            return;
        }
        let (start, end) = (buckets.start_before(), buckets.end_before());
        if !rows.is_one_run() {
            with.cte(sql::materialized("daily_before", rows.sum_by(Column::Date, "date")));
            sql::join_each(select, buckets::sum_of("daily_before", start, end), "before");
            return;
        }
        let mut before =
            rows.scan_when(|date, select| select.and_where(date.clone().gte(start)).and_where(date.lt(end)));
        before.expr_as(rows.sum(), "query_count");
        sql::join_each(select, before, "before");
    }
}
