//! "Most often combined with".

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{
    Expr, ExprTrait, Func, Order, PostgresQueryBuilder, SelectStatement, UnionType, Values, WithClause,
};
use serde::{Deserialize, Serialize};

use super::comparison::{self, Before, Comparable, Compared, Comparison, Ranking, WithPrevious};
use super::coverage_of::CoverageOf;
use super::facts::Facts;
use super::who::Who;
use super::{Chart, sealed, sql};
use crate::error::{Error, Kind};
use crate::id::OutputPortId;
use crate::model::{Column, UsageModel};
use crate::row::{Columnar, Columns, FlatRecord};
use crate::statement::Query;
use crate::time::Days;

/// The output ports that were queried together with an output port, most often first.
///
/// A combination is one query that reads both through two different tech assets. Shares are of the requested output
/// port's queries on the days; a query may combine it with several others, so they need not add up to 1. Rows are
/// ordered by count, the largest first, then by id.
///
/// ```
/// # use chrono::NaiveDate;
/// # use output_port_usage::{Reference, UsageModel, OutputPortId};
/// use output_port_usage::chart::MostOftenCombinedWith;
/// use output_port_usage::last_days;
/// # let port = OutputPortId(uuid::Uuid::nil());
/// # let today = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap();
///
/// let chart = MostOftenCombinedWith::new(port, last_days(30, today)).top(5);
/// let model = UsageModel::builder().combinations(); // without this the query is an error
/// # let model = model
/// #     .output_ports(Reference::to("datasets"))
/// #     .consumers(Reference::to("data_products"))
/// #     .tech_assets(Reference::to("technical_assets"))
/// #     .build()?;
/// # assert_eq!(model.query(&chart)?.title(), "most often combined with");
/// # Ok::<(), output_port_usage::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct MostOftenCombinedWith {
    port: OutputPortId,
    who: Who,
    days: Range<NaiveDate>,
    top: u32,
}

impl MostOftenCombinedWith {
    /// Asks for the half-open `days` of an output port.
    ///
    /// The query is an error if the model was built without
    /// [`combinations`](crate::UsageModelBuilder::combinations).
    pub fn new(port: OutputPortId, days: Range<NaiveDate>) -> Self {
        Self { port, who: Who::Anyone, days, top: sql::DEFAULT_TOP }
    }

    /// The most output ports to return. Defaults to 10; zero makes the query an error.
    pub fn top(mut self, top: u32) -> Self {
        self.top = top;
        self
    }

    /// Adds how often each was combined in the earlier days, and the change since then.
    ///
    /// One that was combined only in the earlier days has no row, unless you
    /// [include what is gone](Compared::include_gone). The query is an error if the earlier days begin before year 1.
    pub fn compared_with(self, comparison: Comparison) -> Compared<Self> {
        Compared::new(self, comparison)
    }
}

super::who::of_consumers!(MostOftenCombinedWith, who);

/// An output port of [`MostOftenCombinedWith`].
///
/// As JSON:
///
/// ```
/// # use output_port_usage::chart::MostOftenCombined;
/// let json = serde_json::json!({
///     "output_port_id": "0190d3a2-5c1e-7b4a-8f00-0123456789a1",
///     "label": "Orders",
///     "query_count": 42,
///     "share": 0.25,
///     "rank": 1
/// });
/// let row: MostOftenCombined = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&row)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[cfg_attr(
    feature = "utoipa",
    derive(utoipa::ToSchema),
    schema(description = "Another output port that is read by the same queries.")
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MostOftenCombined {
    /// The other output port.
    pub output_port_id: OutputPortId,
    /// Its label, where the model's reference has one and the row still exists.
    #[cfg_attr(feature = "utoipa", schema(required = true))]
    pub label: Option<String>,
    /// How many queries read both, at least 1; 0 for one that is [gone](Compared::include_gone).
    pub query_count: i64,
    /// The share of the requested output port's queries, of those consumers that are counted, a fraction from 0 to 1; 0 where
    /// it has none.
    ///
    /// It is 1 where the tables hold more pairs than queries, which [`reconcile`](crate::UsageModel::reconcile) lists and a
    /// read across the nodes of a cluster may see for a moment.
    pub share: f64,
    /// The row's position, from 1.
    pub rank: i64,
}

impl Columnar for MostOftenCombined {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(Self {
            output_port_id: OutputPortId(row.uuid("output_port_id")?),
            label: row.text_or_null("label")?,
            query_count: row.count("query_count")?,
            share: row.share("share")?,
            rank: row.count("rank")?,
        })
    }

    fn write_to(&self, record: &mut FlatRecord) {
        record
            .id("output_port_id", self.output_port_id.0)
            .text("label", self.label.as_deref())
            .count("query_count", self.query_count)
            .share("share", self.share)
            .count("rank", self.rank);
    }
}

impl Ranking for MostOftenCombinedWith {}

impl sealed::Sealed for MostOftenCombinedWith {}

impl Chart for MostOftenCombinedWith {
    type Row = MostOftenCombined;

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        Ok(Query::new(self.title(), self.build(model, None)?))
    }
}

impl Comparable for MostOftenCombinedWith {
    fn compare(
        &self,
        model: &UsageModel,
        before: &Before,
    ) -> Result<Query<WithPrevious<MostOftenCombined>>, Error> {
        Ok(Query::new(before.title(&self.title()), self.build(model, Some(before))?))
    }
}

impl MostOftenCombinedWith {
    fn title(&self) -> String {
        format!("most often combined with{}", self.who.title())
    }

    fn build(&self, model: &UsageModel, before: Option<&Before>) -> Result<(String, Values), Error> {
        let days = Days::check(&self.days)?;
        let top = sql::check_top("the number of output ports", self.top)?;
        let mut with = WithClause::new();
        let mut ranked = SelectStatement::new();
        ranked
            .column("output_port_id")
            .column("query_count")
            .expr_window_as(Func::cust("row_number"), sql::by_count_then("output_port_id"), "rank")
            .from("member")
            .order_by("rank", Order::Asc);
        // an output port is either the smaller or the larger of a pair, so no pair is met twice
        let [mut member, smaller] =
            self.sides(&mut with, &self.pairs(model, days)?, before.map_or(Period::Alone, |_| Period::Now));
        member.union(UnionType::All, smaller);
        if let Some(before) = before {
            let earlier = before.comparison.days(&self.days)?;
            let pairs = self.pairs(model, days)?.map(|rows| rows.during(earlier.clone()));
            let [larger, smaller] = self.sides(&mut with, &pairs, Period::Before);
            member.union(UnionType::All, larger).union(UnionType::All, smaller);
            member = both(member);
            ranked.column("previous").and_where(comparison::shown(Some(before)));
        }
        with.cte(sql::cte("member", member));
        // here, so that the planner expects few labels
        sql::limit(&mut ranked, top);
        let queries = Facts::new(model, self.port.into(), self.who, days)?;
        let mut total = queries.scan();
        total.expr_as(queries.sum(), "query_count");
        with.cte(sql::cte("ranked", ranked)).cte(sql::materialized("total", total));

        let mut none_is_null = SelectStatement::new();
        none_is_null
            .expr(Func::cust("nullif").args([Expr::col("query_count"), Expr::cust("0")]))
            .from("total");
        let column = |name: &'static str| Expr::col(("ranked", name));
        let share = sql::share(column("query_count"), sql::subquery(none_is_null));
        let mut select = SelectStatement::new();
        select
            .expr_as(column("output_port_id").cast_as("uuid"), "output_port_id")
            .expr_as(column("query_count").cast_as("bigint"), "query_count")
            .expr_as(Func::least([Func::coalesce([share, Expr::cust("0")]).into(), Expr::cust("1")]), "share")
            .expr_as(column("rank").cast_as("bigint"), "rank")
            .from("ranked");
        sql::label(&mut select, &model.0.output_ports, ("ranked", "output_port_id"));
        if let Some(Before { comparison, .. }) = before {
            let coverage = CoverageOf::new(model, self.port.into(), days)
                .and_before(*comparison, comparison.days(&self.days)?);
            coverage.add_to(&mut with);
            comparison::change(&mut select, column("query_count"), column("previous"), coverage.complete());
            select.expr_as(coverage.word_before(), "previous_coverage");
        }
        sql::order_by_rank(&mut select, ("ranked", "rank"));
        Ok(select.with(with).build(PostgresQueryBuilder))
    }

    /// The pairs in which the output port is the smaller, and those in which it is the larger.
    fn pairs<'a>(&self, model: &'a UsageModel, days: Days) -> Result<[Facts<'a>; 2], Error> {
        let table = model.0.combinations.as_ref().ok_or(Kind::NoCombinations)?;
        let of = |this| Facts::pairs(model, table, (this, self.port), self.who, days);
        Ok([of(Column::OutputPortId1)?, of(Column::OutputPortId2)?])
    }

    /// The other output ports of the pairs and their counts, each from one contiguous run of an index.
    fn sides(
        &self,
        with: &mut WithClause,
        [larger, smaller]: &[Facts; 2],
        period: Period,
    ) -> [SelectStatement; 2] {
        let mut side = |name: &'static str, rows: &Facts, other: Column| {
            let mut sums = rows.sum_by(other, "output_port_id");
            sums.and_having(rows.sum().gt(Expr::cust("0")));
            // each for itself: a union of both scans would start parallel workers to have them side by side
            with.cte(sql::materialized(name, sums));
            let mut side = SelectStatement::new();
            side.column("output_port_id").from(name);
            let (count, none) = (Expr::col("query_count"), Expr::cust("0"));
            match period {
                Period::Alone => side.expr(count),
                Period::Now => side.expr(count).expr_as(none, "previous"),
                Period::Before => side.expr_as(none, "query_count").expr_as(count, "previous"),
            };
            side
        };
        let (of_larger, of_smaller) = match period {
            Period::Alone | Period::Now => ("larger", "smaller"),
            Period::Before => ("larger_before", "smaller_before"),
        };
        [side(of_larger, larger, Column::OutputPortId2), side(of_smaller, smaller, Column::OutputPortId1)]
    }
}

/// The days alone; the days, and those that they are compared with.
#[derive(Clone, Copy)]
enum Period {
    Alone,
    Now,
    Before,
}

/// The counts of both periods.
fn both(period: SelectStatement) -> SelectStatement {
    let mut both = SelectStatement::new();
    both.column("output_port_id").from_subquery(period, "period").group_by_col("output_port_id");
    for column in ["query_count", "previous"] {
        both.expr_as(Func::sum(Expr::col(column)), column);
    }
    both
}
