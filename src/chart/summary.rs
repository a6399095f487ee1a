//! "Summary".

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{Expr, ExprTrait, Func, PostgresQueryBuilder, SelectStatement, Values, WithClause};
use serde::{Deserialize, Serialize};

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
use crate::time::Days;

/// The usage of a subject in a few numbers: always one row. Of a tech asset, its touches.
///
/// ```
/// # use chrono::NaiveDate;
/// # use output_port_usage::{Reference, UsageModel, OutputPortId};
/// use output_port_usage::chart::{Comparison, Summary};
/// use output_port_usage::last_days;
/// # let model = UsageModel::builder()
/// #     .output_ports(Reference::to("datasets"))
/// #     .consumers(Reference::to("data_products"))
/// #     .tech_assets(Reference::to("technical_assets"))
/// #     .build()?;
/// # let port = OutputPortId(uuid::Uuid::nil());
/// # let today = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap();
///
/// let summary = Summary::new(port, last_days(30, today)).compared_with(Comparison::PreviousPeriod);
/// let query = model.query(&summary)?;
/// assert!(query.sql().contains(r#"AS "change""#));
/// # Ok::<(), output_port_usage::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct Summary {
    subject: Subject,
    who: Who,
    days: Range<NaiveDate>,
}

impl Summary {
    /// Asks for the half-open `days` of a subject, for instance of an output port.
    pub fn new(subject: impl Into<Subject>, days: Range<NaiveDate>) -> Self {
        Self { subject: subject.into(), who: Who::Anyone, days }
    }

    /// Adds the queries of the earlier days, and the change since then.
    ///
    /// The query is an error if the earlier days begin before year 1.
    pub fn compared_with(self, comparison: Comparison) -> Compared<Self> {
        Compared::new(self, comparison)
    }
}

super::who::of_consumers!(Summary, who);

/// The row of [`Summary`].
///
/// As JSON:
///
/// ```
/// # use output_port_usage::chart::SummaryTotals;
/// let json = serde_json::json!({
///     "query_count": 168,
///     "consumers": 5,
///     "active_days": 20,
///     "last_used": "2026-06-30"
/// });
/// let row: SummaryTotals = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&row)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema), schema(description = "What some days come to."))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SummaryTotals {
    /// All queries on the days, 0 or more.
    pub query_count: i64,
    /// How many consumers made them, 0 or more.
    pub consumers: i64,
    /// The number of days with at least one query.
    pub active_days: i64,
    /// The last such day; `None` without queries.
    #[cfg_attr(feature = "utoipa", schema(required = true))]
    pub last_used: Option<NaiveDate>,
    /// Whether the days were measured; `None` without [coverage](crate::UsageModelBuilder::coverage).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
}

impl Columnar for SummaryTotals {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Self::of_columns(row, "coverage")
    }

    fn write_to(&self, record: &mut FlatRecord) {
        record
            .count("query_count", self.query_count)
            .count("consumers", self.consumers)
            .count("active_days", self.active_days)
            .date("last_used", self.last_used);
        if let Some(coverage) = self.coverage {
            record.text("coverage", coverage.word());
        }
    }
}

impl SummaryTotals {
    /// Reads the columns, that of the coverage by its name.
    pub(super) fn of_columns<C: Columns>(row: &C, coverage: &'static str) -> Result<Self, C::Error> {
        Ok(Self {
            query_count: row.count("query_count")?,
            consumers: row.count("consumers")?,
            active_days: row.count("active_days")?,
            last_used: row.date_or_null("last_used")?,
            coverage: Coverage::read(row, coverage)?,
        })
    }
}

impl sealed::Sealed for Summary {}

impl Chart for Summary {
    type Row = SummaryTotals;

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        let built = self.build(model, None)?;
        Ok(Query::noted(self.title(), &[self.way(model)], built))
    }
}

impl Comparable for Summary {
    fn compare(
        &self,
        model: &UsageModel,
        before: &Before,
    ) -> Result<Query<WithPrevious<SummaryTotals>>, Error> {
        let built = self.build(model, Some(before))?;
        Ok(Query::noted(before.title(&self.title()), &[self.way(model)], built))
    }
}

impl Summary {
    fn way(&self, model: &UsageModel) -> &'static str {
        facts::way_to_read(model, self.subject, self.who)
    }

    fn title(&self) -> String {
        format!("summary{}{}", self.subject.title(), self.who.title())
    }

    fn build(&self, model: &UsageModel, before: Option<&Before>) -> Result<(String, Values), Error> {
        let days = Days::check(&self.days)?;
        let earlier = before.map(|before| before.comparison.days(&self.days)).transpose()?;
        let coverage = CoverageOf::new(model, self.subject, days).beside(before, earlier.as_ref());
        let rows = Facts::new(model, self.subject, self.who, days)?;
        // one scan for the days and the consumers: COUNT(DISTINCT) would sort every row, twice
        let mut counted = SelectStatement::new();
        counted
            .columns(["date", "consumer_id"])
            .expr_as(Func::sum(Expr::col("query_count")), "query_count")
            .from_subquery(by_day_and_consumer(model, self.subject, &rows), "fact")
            .add_group_by([Expr::cust(r#"GROUPING SETS (("date"), ("consumer_id"))"#)])
            .and_having(Expr::expr(Func::sum(Expr::col("query_count"))).gt(Expr::cust("0")));
        let column = |name: &'static str| Expr::col(("counted", name));
        let total = Func::sum(column("query_count")).filter(column("date").is_not_null());
        let total = Expr::from(Func::coalesce([Expr::from(total), Expr::cust("0")]));
        let count = |name: &'static str| Expr::from(Func::cust("pg_catalog.count").arg(column(name)));
        let mut select = SelectStatement::new();
        select
            .expr_as(total.cast_as("bigint"), "query_count")
            .expr_as(count("consumer_id").cast_as("bigint"), "consumers")
            .expr_as(count("date").cast_as("bigint"), "active_days")
            .expr_as(Expr::from(Func::max(column("date"))).cast_as("date"), "last_used")
            .expr_as(coverage.word(), "coverage")
            .from_subquery(counted, "counted");
        if let Some(before) = earlier {
            let rows = rows.during(before);
            let before = rows.scan().expr_as(rows.sum(), "query_count").take();
            let columns = ["query_count", "consumers", "active_days", "last_used", "coverage"];
            let now = std::mem::take(&mut select);
            select.columns(columns.map(|name| ("now", name))).from_subquery(now, "now");
            sql::join_each(&mut select, before, "before");
            let count = |of: &'static str| Expr::col((of, "query_count"));
            comparison::change(&mut select, count("now"), count("before"), coverage.complete());
            select.expr_as(coverage.word_before(), "previous_coverage");
        }
        if !coverage.is_kept() {
            return Ok(select.build(PostgresQueryBuilder));
        }
        let mut with = WithClause::new();
        coverage.add_to(&mut with);
        Ok(select.with(with).build(PostgresQueryBuilder))
    }
}

/// The facts; of several output ports on several nodes their sums, as Citus takes no GROUPING SETS of rows across nodes.
fn by_day_and_consumer(model: &UsageModel, subject: Subject, rows: &Facts) -> SelectStatement {
    let facts = facts(rows, rows.scan());
    if !model.0.on_citus || !matches!(subject, Subject::TechAsset { .. } | Subject::Portal) {
        return facts;
    }
    SelectStatement::new()
        .columns(["date", "consumer_id"])
        .expr_as(Func::sum(Expr::col("query_count")), "query_count")
        .from_subquery(facts, "of_node")
        .group_by_columns(["date", "consumer_id"])
        .take()
}

/// `date, consumer_id, query_count` of a scan.
pub(super) fn facts(rows: &Facts, mut scan: SelectStatement) -> SelectStatement {
    scan.expr_as(Expr::col(rows.column(Column::Date)), "date")
        .expr_as(Expr::col(rows.column(Column::ConsumerId)), "consumer_id")
        .expr_as(Expr::col(rows.column(Column::QueryCount)), "query_count")
        .take()
}
