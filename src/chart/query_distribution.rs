//! "Query distribution".

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{
    Expr, ExprTrait, Func, PostgresQueryBuilder, SelectStatement, UnionType, Values, WindowStatement,
    WithClause,
};
use serde::{Deserialize, Serialize};

use super::comparison::{self, Compared, Comparison, WithPrevious};
use super::sql::{self, PortDays};
use super::{Chart, ConsumerOrOther, sealed};
use crate::error::Error;
use crate::id::OutputPortId;
use crate::model::{Column, Parent, UsageModel};
use crate::row::{Columns, Decode};
use crate::statement::Query;

/// The queries on one output port by consumer: the top n, then Other.
///
/// Shares are of all queries of the days, so they add up to 1. Consumers are ordered by count
/// descending, then by id; Other comes last and exists from n + 1 consumers on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct QueryDistribution {
    port: OutputPortId,
    days: Range<NaiveDate>,
    pub(super) top: u32,
}

impl QueryDistribution {
    /// The half-open `days` of an output port.
    pub fn new(port: OutputPortId, days: Range<NaiveDate>) -> Self {
        Self { port, days, top: sql::DEFAULT_TOP }
    }

    /// How many members stand before Other. Defaults to 10; zero makes the query an error.
    pub fn top(mut self, top: u32) -> Self {
        self.top = top;
        self
    }

    /// With each slice's queries in the days before, and the change from them.
    ///
    /// Other has the same consumers before as now. A consumer that was there only before has no slice and is
    /// not in Other; [`Summary`](super::Summary) counts its queries. The query is an error where the days before
    /// begin before year 1.
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueryDistributionSlice {
    /// Whose queries.
    pub consumer: ConsumerOrOther,
    /// How many queries, at least 1.
    pub query_count: i64,
    /// The part of all queries of the days, above 0 and up to 1.
    pub share: f64,
    /// The row's number from 1; none for Other.
    pub rank: Option<i64>,
}

impl Decode for QueryDistributionSlice {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(Self {
            consumer: ConsumerOrOther::read(row)?,
            query_count: row.count("query_count")?,
            share: row.share("share")?,
            rank: row.count_or_null("rank")?,
        })
    }
}

impl sealed::Sealed for QueryDistribution {}
impl sealed::Sealed for Compared<QueryDistribution> {}

impl Chart for QueryDistribution {
    type Row = QueryDistributionSlice;

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        self.statement(model, None).map(Query::new)
    }
}

impl Chart for Compared<QueryDistribution> {
    type Row = WithPrevious<QueryDistributionSlice>;

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        self.chart.statement(model, Some(self.comparison)).map(Query::new)
    }
}

impl QueryDistribution {
    fn statement(
        &self,
        model: &UsageModel,
        comparison: Option<Comparison>,
    ) -> Result<(String, Values), Error> {
        let top = sql::check_top("the number of consumers", self.top)?;
        let mut with = WithClause::new();
        with.cte(sql::materialized("member", self.consumers(model, comparison)?));
        let order = sql::by_count_then("consumer_id");
        Ok(slices(with, "consumer_id", counts(comparison), order, top, &model.consumers))
    }

    /// The consumers of the days and their [`counts`]: one scan for each range of days.
    pub(super) fn consumers(
        &self,
        model: &UsageModel,
        comparison: Option<Comparison>,
    ) -> Result<SelectStatement, Error> {
        let sums = |rows: &PortDays, now: Expr| {
            rows.scan()
                .expr_as(Expr::col(rows.column(Column::ConsumerId)), "consumer_id")
                .expr_as(now, "query_count")
                .group_by_col(rows.column(Column::ConsumerId))
                .take()
        };
        let rows = PortDays::new(&model.query_stats, self.port, &self.days)?;
        let mut now = sums(&rows, rows.sum());
        let Some(comparison) = comparison else { return Ok(now) };
        let days = comparison.days(&self.days)?;
        let rows = rows.during(&days);
        let mut before = sums(&rows, Expr::cust("0"));
        before.expr_as(rows.sum(), "previous");
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

/// Ranks `member` with its `id` and `counts`, folds it to the top n and Other, and labels the result.
pub(super) fn slices(
    mut with: WithClause,
    id: &'static str,
    counts: &[&'static str],
    order: WindowStatement,
    top: i64,
    parent: &Parent,
) -> (String, Values) {
    with.cte(sql::cte("ranked", sql::ranked(id, counts, order)))
        .cte(sql::cte("slice", sql::top_and_other("ranked", id, counts, top)));

    let mut total = SelectStatement::new();
    total.expr(Func::sum(Expr::col("query_count"))).from("member");
    let total = Expr::SubQuery(None, Box::new(total.into()));
    let mut select = SelectStatement::new();
    let column = |name: &'static str| Expr::col(("slice", name));
    select
        .expr_as(column(id).cast_as("uuid"), id)
        .expr_as(column("query_count").cast_as("bigint"), "query_count")
        .expr_as(sql::share(column("query_count"), total), "share")
        .expr_as(column("rank").cast_as("bigint"), "rank")
        .expr_as(column("members").cast_as("bigint"), "members")
        .from("slice");
    sql::label(&mut select, parent, ("slice", id));
    if counts.contains(&"previous") {
        comparison::change(&mut select, column("query_count"), column("previous"));
    }
    sql::order_by_rank(&mut select, ("slice", "rank"));
    select.with(with).build(PostgresQueryBuilder)
}
