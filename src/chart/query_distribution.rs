//! "Query distribution".

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{
    Expr, ExprTrait, Func, NullOrdering, Order, PostgresQueryBuilder, SelectStatement, UnionType, Values,
    WithClause,
};
use serde::{Deserialize, Serialize};

use super::comparison::{self, Comparable, Compared, Comparison, WithPrevious};
use super::coverage_of::CoverageOf;
use super::sql::{self, PortDays};
use super::{Chart, ConsumerOrOther, sealed};
use crate::error::Error;
use crate::id::OutputPortId;
use crate::model::{Column, Parent, UsageModel};
use crate::row::{Columnar, Columns, FlatRecord};
use crate::statement::Query;
use crate::time::Days;

/// The queries on an output port by consumer: the top n, then Other.
///
/// Shares are of all queries on the days, so they add up to 1. Consumers are ordered by count, the largest first, then
/// by id. Other comes last; there is one if there are more than n consumers.
///
/// ```
/// # use chrono::NaiveDate;
/// # use output_port_usage::{Reference, UsageModel, OutputPortId};
/// use output_port_usage::chart::QueryDistribution;
/// use output_port_usage::last_days;
/// # let model = UsageModel::builder()
/// #     .output_ports(Reference::to("datasets"))
/// #     .consumers(Reference::to("data_products").group("domain_id", Reference::to("domains")))
/// #     .tech_assets(Reference::to("technical_assets"))
/// #     .build()?;
/// # let port = OutputPortId(uuid::Uuid::nil());
/// # let today = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap();
///
/// let top = QueryDistribution::new(port, last_days(30, today)).top(5);
/// let by_consumer = model.query(&top)?; // up to 6 rows, Other included
/// let by_domain = model.query(&top.by_group())?; // up to 7: also the consumers without a domain
/// # assert_eq!((by_consumer.title(), by_domain.title()), ("query distribution", "query distribution by group"));
/// # Ok::<(), output_port_usage::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct QueryDistribution {
    port: OutputPortId,
    days: Range<NaiveDate>,
    pub(super) top: u32,
}

impl QueryDistribution {
    /// Asks for the half-open `days` of an output port.
    pub fn new(port: OutputPortId, days: Range<NaiveDate>) -> Self {
        Self { port, days, top: sql::DEFAULT_TOP }
    }

    /// How many slices come before Other. Defaults to 10; zero makes the query an error.
    pub fn top(mut self, top: u32) -> Self {
        self.top = top;
        self
    }

    /// Adds each slice's count in the earlier days, and the change since then.
    ///
    /// Other stands for the same consumers in both periods. A consumer with queries only in the earlier days has no
    /// slice and is not in Other; [`Summary`](super::Summary) counts its queries. The query is an error if the earlier
    /// days begin before year 1.
    pub fn compared_with(self, comparison: Comparison) -> Compared<Self> {
        Compared { chart: self, comparison }
    }
}

/// A slice of [`QueryDistribution`].
///
/// As JSON, with `consumer` as [`ConsumerOrOther`] says:
///
/// ```
/// # use output_port_usage::chart::QueryDistributionSlice;
/// let json = serde_json::json!({
///     "consumer": {"kind": "consumer", "id": "0190d3a2-5c1e-7b4a-8f00-0123456789c1", "label": "Finance"},
///     "query_count": 42,
///     "share": 0.25,
///     "rank": 1
/// });
/// let row: QueryDistributionSlice = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&row)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[cfg_attr(
    feature = "utoipa",
    derive(utoipa::ToSchema),
    schema(description = "The queries of one consumer of an output port, or of all others.")
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueryDistributionSlice {
    /// The consumer that made these queries, or Other.
    pub consumer: ConsumerOrOther,
    /// How many queries, at least 1.
    pub query_count: i64,
    /// The share of all queries on the days, a fraction above 0 and up to 1.
    pub share: f64,
    /// The row's position, from 1; `None` for Other.
    #[cfg_attr(feature = "utoipa", schema(required = true))]
    pub rank: Option<i64>,
}

impl Columnar for QueryDistributionSlice {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(Self {
            consumer: ConsumerOrOther::read(row)?,
            query_count: row.count("query_count")?,
            share: row.share("share")?,
            rank: row.count_or_null("rank")?,
        })
    }

    fn write_to(&self, record: &mut FlatRecord) {
        self.consumer.write_to(record);
        record.count("query_count", self.query_count).share("share", self.share).count("rank", self.rank);
    }
}

impl sealed::Sealed for QueryDistribution {}

impl Chart for QueryDistribution {
    type Row = QueryDistributionSlice;

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        let built = self.build(model, None)?;
        Ok(Query::new(self.title(), built))
    }
}

impl Comparable for QueryDistribution {
    fn compare(
        &self,
        model: &UsageModel,
        comparison: Comparison,
    ) -> Result<Query<WithPrevious<QueryDistributionSlice>>, Error> {
        let built = self.build(model, Some(comparison))?;
        Ok(Query::new(comparison.title(&self.title()), built))
    }
}

impl QueryDistribution {
    fn title(&self) -> String {
        "query distribution".to_owned()
    }

    fn build(&self, model: &UsageModel, comparison: Option<Comparison>) -> Result<(String, Values), Error> {
        let top = sql::check_top("the number of consumers", self.top)?;
        let mut with = WithClause::new();
        with.cte(sql::materialized("member", self.consumers(model, comparison)?));
        fold(&mut with, "consumer_id", counts(comparison), top);
        let compared = self.compared(model, comparison)?;
        Ok(slices(with, "slice", "consumer_id", compared.as_ref(), &model.0.consumers))
    }

    /// The coverage of both periods, where there are two.
    pub(super) fn compared<'a>(
        &self,
        model: &'a UsageModel,
        comparison: Option<Comparison>,
    ) -> Result<Option<CoverageOf<'a>>, Error> {
        let Some(comparison) = comparison else { return Ok(None) };
        let coverage = CoverageOf::new(model, self.port, Days::check(&self.days)?);
        Ok(Some(coverage.and_before(comparison, comparison.days(&self.days)?)))
    }

    /// The consumers of the days and their [`counts`]: one scan for each range of days.
    pub(super) fn consumers(
        &self,
        model: &UsageModel,
        comparison: Option<Comparison>,
    ) -> Result<SelectStatement, Error> {
        let rows = PortDays::new(&model.0.queries, self.port, Days::check(&self.days)?);
        let mut now = rows.sum_by(Column::ConsumerId, "consumer_id");
        let Some(comparison) = comparison else { return Ok(now) };
        let rows = rows.during(comparison.days(&self.days)?);
        let mut before = rows.scan();
        before
            .expr_as(Expr::col(rows.column(Column::ConsumerId)), "consumer_id")
            .expr_as(Expr::cust("0"), "query_count")
            .expr_as(rows.sum(), "previous")
            .group_by_col(rows.column(Column::ConsumerId));
        now.expr_as(Expr::cust("0"), "previous").union(UnionType::All, before);
        let mut consumers = SelectStatement::new();
        consumers
            .column("consumer_id")
            .expr_as(Func::sum(Expr::col("query_count")), "query_count")
            .expr_as(Func::sum(Expr::col("previous")), "previous")
            .from_subquery(now, "period")
            .group_by_col("consumer_id");
        Ok(consumers)
    }
}

/// The counts of a member: the days', and those of the days before.
pub(super) fn counts(comparison: Option<Comparison>) -> &'static [&'static str] {
    match comparison {
        None => &["query_count"],
        Some(_) => &["query_count", "previous"],
    }
}

/// Ranks `member` with its `id` and `counts` and folds it to the top n and Other: the rows of a CTE `slice`.
pub(super) fn fold(with: &mut WithClause, id: &'static str, counts: &[&'static str], top: i64) {
    with.cte(sql::cte("ranked", sql::ranked(id, counts, sql::by_count_then(id))))
        .cte(sql::cte("slice", sql::top_and_other("ranked", id, counts, top)));
}

/// The slices of the CTE `from`, their shares of all of `member`, and their labels.
pub(super) fn slices(
    mut with: WithClause,
    from: &'static str,
    id: &'static str,
    compared: Option<&CoverageOf>,
    parent: &Parent,
) -> (String, Values) {
    let mut total = SelectStatement::new();
    total.expr(Func::sum(Expr::col("query_count"))).from("member");
    let total = Expr::SubQuery(None, Box::new(total.into()));
    let mut select = SelectStatement::new();
    let column = |name: &'static str| Expr::col((from, name));
    select
        .expr_as(column(id).cast_as("uuid"), id)
        .expr_as(column("query_count").cast_as("bigint"), "query_count")
        .expr_as(sql::share(column("query_count"), total), "share")
        .expr_as(column("rank").cast_as("bigint"), "rank")
        .expr_as(column("members").cast_as("bigint"), "members")
        .from(from);
    sql::label(&mut select, parent, (from, id));
    if let Some(coverage) = compared {
        coverage.add_to(&mut with);
        comparison::change(&mut select, column("query_count"), column("previous"), coverage.complete());
        select.expr_as(coverage.word_before(), "previous_coverage");
    }
    sql::order_by_rank(&mut select, (from, "rank"));
    // the row without an id has no members either, and comes before Other, which has
    select.order_by_with_nulls((from, "members"), Order::Asc, NullOrdering::First);
    select.with(with).build(PostgresQueryBuilder)
}
