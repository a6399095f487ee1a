//! "Overview": several charts of one output port from one scan.

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{Expr, Func, NullOrdering, Order, PostgresQueryBuilder, SelectStatement, UnionType, Values};
use serde::{Deserialize, Serialize};

use super::buckets::Buckets;
use super::comparison::{Before, Comparable, Compared, Comparison, WithPrevious};
use super::coverage::Coverage;
use super::coverage_of::CoverageOf;
use super::facts::Facts;
use super::split::{Asked, Of};
use super::who::Who;
use super::{
    Chart, QueriesOverTimePoint, QueriesOverTimeSeries, QueryDistributionSlice, SummaryTotals, member,
    sealed, series, sql,
};
use crate::error::Error;
use crate::id::OutputPortId;
use crate::model::UsageModel;
use crate::row::{Columnar, Columns, FlatRecord};
use crate::statement::Query;
use crate::time::{Days, Granularity};

/// Queries over time, their split by consumer, the query distribution and the summary of one output port.
///
/// One statement reads the table once. [`charts`](Self::charts) makes the single charts of its rows: the same
/// numbers, all from one moment, in less time than the single statements take together.
///
/// ```
/// # use chrono::NaiveDate;
/// # use output_port_usage::{Reference, UsageModel, OutputPortId};
/// use output_port_usage::chart::{Overview, OverviewRow};
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
/// // let rows = query.into_sqlx().fetch_all(&mut *transaction).await?;
/// let charts = overview.charts(rows)?;
/// assert_eq!(charts.over_time.len(), 53); // weeks, zero filled
/// # let _ = query;
/// # Ok::<(), output_port_usage::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct Overview {
    port: OutputPortId,
    who: Who,
    days: Range<NaiveDate>,
    granularity: Granularity,
    top: u32,
}

impl Overview {
    /// Asks for the half-open `days` of an output port, in buckets of a day.
    pub fn new(port: OutputPortId, days: Range<NaiveDate>) -> Self {
        Self { port, who: Who::Anyone, days, granularity: Granularity::Day, top: sql::DEFAULT_TOP }
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

    /// Adds the queries of the earlier days to the total and to each series, and the change since then.
    ///
    /// Other stands for the same consumers in both periods; a consumer with queries only in the earlier days has no
    /// series, and the total counts its queries. [`charts`](Self::charts) takes the `current` of each row. The query is an
    /// error if the earlier days begin before year 1.
    pub fn compared_with(self, comparison: Comparison) -> Compared<Self> {
        Compared::new(self, comparison)
    }
}

super::who::of_consumers!(Overview, who);

/// A row of [`Overview`]: first the total, then each series.
///
/// As JSON:
///
/// ```
/// # use output_port_usage::chart::OverviewRow;
/// let json = serde_json::json!([
///     {"kind": "total", "query_count": 168, "consumers": 3, "active_days": 20, "last_used": "2026-06-30"},
///     {"kind": "series", "member": {"kind": "other", "members": 3}, "rank": null,
///         "query_count": 168, "counts": [126, 0, 42]}
/// ]);
/// let rows: Vec<OverviewRow> = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&rows)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[cfg_attr(
    feature = "utoipa",
    derive(utoipa::ToSchema),
    schema(description = "A row of an overview: the totals, or one series.")
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum OverviewRow {
    /// All queries of the days; their counts over time are what the series add up to.
    Total {
        /// All of the days.
        #[serde(flatten)]
        summary: SummaryTotals,
        /// Whether the requested days of each bucket were measured; `None` without
        /// [coverage](crate::UsageModelBuilder::coverage).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        coverage_over_time: Option<Vec<Coverage>>,
    },
    /// One of the top consumers, or Other.
    Series(QueriesOverTimeSeries),
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
#[cfg_attr(
    feature = "utoipa",
    derive(utoipa::ToSchema),
    schema(description = "Charts of one output port from one scan.")
)]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OverviewCharts {
    /// As [`QueriesOverTime`](super::QueriesOverTime).
    pub over_time: Vec<QueriesOverTimePoint>,
    /// As [`QueriesOverTimeSplit`](super::QueriesOverTimeSplit).
    pub split: Vec<QueriesOverTimeSeries>,
    /// As [`QueryDistribution`](super::QueryDistribution), without the last days.
    pub distribution: Vec<QueryDistributionSlice>,
    /// As [`Summary`](super::Summary).
    pub summary: SummaryTotals,
}

impl Overview {
    /// The charts that the rows of this overview's query make, each with the rows of the single chart.
    ///
    /// # Errors
    ///
    /// Days for which the overview's query is an error, too.
    pub fn charts(&self, rows: impl IntoIterator<Item = OverviewRow>) -> Result<OverviewCharts, Error> {
        let over_time = self.buckets()?.into_iter().map(|bucket| QueriesOverTimePoint {
            bucket: bucket.start,
            query_count: 0,
            partial: bucket.partial,
            coverage: None,
        });
        let mut charts = OverviewCharts { over_time: over_time.collect(), ..OverviewCharts::default() };
        for row in rows {
            match row {
                OverviewRow::Total { summary, coverage_over_time } => {
                    charts.summary = summary;
                    let coverage = coverage_over_time.into_iter().flatten();
                    for (point, coverage) in charts.over_time.iter_mut().zip(coverage) {
                        point.coverage = Some(coverage);
                    }
                }
                OverviewRow::Series(series) => charts.split.push(series),
            }
        }
        for series in &charts.split {
            for (point, count) in charts.over_time.iter_mut().zip(&series.counts) {
                point.query_count += count;
            }
        }
        let total = charts.summary.query_count as f64;
        let slice = |series: &QueriesOverTimeSeries| QueryDistributionSlice {
            member: series.member.clone(),
            query_count: series.query_count,
            share: series.query_count as f64 / total,
            rank: series.rank,
            last_used: None,
        };
        charts.distribution = charts.split.iter().map(slice).collect();
        Ok(charts)
    }

    pub(super) fn axis(&self) -> Result<Buckets, Error> {
        Buckets::new(self.granularity, Days::check(&self.days)?, u64::from(self.top) + 2)
    }
}

impl Columnar for OverviewRow {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(match row.flag("total")? {
            true => Self::Total {
                summary: SummaryTotals::of_columns(row, "of_days")?,
                coverage_over_time: Coverage::read_each(row, "coverage")?,
            },
            false => Self::Series(QueriesOverTimeSeries::decode(row)?),
        })
    }

    fn write_to(&self, record: &mut FlatRecord) {
        match self {
            Self::Total { summary, .. } => summary.write_to(record),
            Self::Series(series) => series.write_to(record),
        }
    }
}

impl sealed::Sealed for Overview {}

impl Chart for Overview {
    type Row = OverviewRow;

    /// Those of the split, whose series add up to the queries over time; the total has no record.
    fn records(&self, rows: &[Self::Row]) -> Result<Vec<FlatRecord>, Error> {
        let axis = self.buckets()?;
        let records = rows.iter().filter_map(|row| match row {
            OverviewRow::Total { .. } => None,
            OverviewRow::Series(series) => Some(series.records(&axis)),
        });
        Ok(records.flatten().collect())
    }

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        let built = self.build(model, None)?;
        Ok(Query::noted(self.title(), &[series::why(self.granularity)], built))
    }
}

impl Comparable for Overview {
    fn compare(
        &self,
        model: &UsageModel,
        before: &Before,
    ) -> Result<Query<WithPrevious<OverviewRow>>, Error> {
        let built = self.build(model, Some(before))?;
        Ok(Query::noted(before.title(&self.title()), &[series::why(self.granularity)], built))
    }

    fn compared_records(&self, rows: &[WithPrevious<Self::Row>]) -> Result<Vec<FlatRecord>, Error> {
        let axis = self.buckets()?;
        let records = rows.iter().filter_map(|row| match &row.current {
            OverviewRow::Total { .. } => None,
            OverviewRow::Series(series) => Some(row.of_each(series.records(&axis))),
        });
        Ok(records.flatten().collect())
    }
}

impl Overview {
    fn title(&self) -> String {
        format!("overview by {}{}", self.granularity.noun(), self.who.title())
    }

    fn build(&self, model: &UsageModel, before: Option<&Before>) -> Result<(String, Values), Error> {
        let days = Days::check(&self.days)?;
        let earlier = before.map(|before| before.comparison.days(&self.days)).transpose()?;
        let asked = Asked {
            model,
            rows: Facts::new(model, self.port.into(), self.who, days)?,
            buckets: self.axis()?,
            coverage: CoverageOf::new(model, self.port.into(), days).beside(before, earlier.as_ref()),
            by: member::Kind::Consumer,
            top: self.top,
            of: Of::SeriesAndSummary,
            before: earlier,
        };
        let (split, coverage) = (asked.split()?, &asked.coverage);
        let null = sql::null;
        let mut total = SelectStatement::new();
        total
            .expr_as(Expr::cust("TRUE"), "total")
            .expr_as(null("text"), "kind")
            .expr_as(null("uuid"), "id")
            .expr_as(null("bigint"), "rank")
            .expr_as(null("bigint"), "members")
            .column("query_count")
            .expr_as(null("bigint"), "buckets")
            .expr_as(null("bigint[]"), "places")
            .expr_as(null("bigint[]"), "counts")
            .expr_as(null("text"), "label")
            .expr_as(coverage.letters(), "coverage")
            .columns(["consumers", "active_days", "last_used"])
            .expr_as(coverage.word(), "of_days")
            .from_subquery(split.summary.clone(), "summary");
        let mut of_before = SelectStatement::new();
        of_before.expr(Func::sum(Expr::col("query_count"))).from("before");
        split.change(&mut total, Expr::col("query_count"), sql::subquery(of_before));
        let mut series = SelectStatement::new();
        series
            .expr_as(Expr::cust("FALSE"), "total")
            .columns(["kind", "id", "rank", "members", "query_count", "buckets", "places", "counts"])
            .columns(["label", "coverage"])
            .expr_as(null("bigint"), "consumers")
            .expr_as(null("bigint"), "active_days")
            .expr_as(null("date"), "last_used")
            .expr_as(null("text"), "of_days")
            .from_subquery(split.rows(&model.0.consumers), "series");
        if before.is_some() {
            series.columns(["previous", "change", "previous_coverage"]);
        }
        total.union(UnionType::All, series).order_by("total", Order::Desc).order_by_with_nulls(
            "rank",
            Order::Asc,
            NullOrdering::Last,
        );
        Ok(total.with(split.with).build(PostgresQueryBuilder))
    }
}
