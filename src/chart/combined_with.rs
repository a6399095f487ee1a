//! "Most often combined with".

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{Expr, ExprTrait, Func, Order, PostgresQueryBuilder, SelectStatement, UnionType, WithClause};
use serde::{Deserialize, Serialize};

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
    /// How many queries read both, at least 1.
    pub query_count: i64,
    /// The share of the requested output port's queries, a fraction; 0 where it has none.
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

impl sealed::Sealed for MostOftenCombinedWith {}

impl Chart for MostOftenCombinedWith {
    type Row = MostOftenCombined;

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        let days = Days::check(&self.days)?;
        let top = sql::check_top("the number of output ports", self.top)?;
        let larger = self.others(model, days, Column::OutputPortId1, Column::OutputPortId2)?;
        let smaller = self.others(model, days, Column::OutputPortId2, Column::OutputPortId1)?;
        // an output port is either the smaller or the larger of a pair, so no pair is met twice
        let all = |from| SelectStatement::new().columns(["output_port_id", "query_count"]).from(from).take();
        let mut member = all("larger");
        member.union(UnionType::All, all("smaller"));
        let mut ranked = SelectStatement::new();
        ranked
            .columns(["output_port_id", "query_count"])
            .expr_window_as(Func::cust("row_number"), sql::by_count_then("output_port_id"), "rank")
            .from("member")
            .order_by("rank", Order::Asc);
        // here, so that the planner expects few labels
        sql::limit(&mut ranked, top);
        let queries = Facts::new(model, self.port.into(), self.who, days)?;
        let mut total = queries.scan();
        total.expr_as(queries.sum(), "query_count");
        let mut with = WithClause::new();
        // each for itself: a union of both scans would start parallel workers to have them side by side
        with.cte(sql::materialized("larger", larger)).cte(sql::materialized("smaller", smaller));
        with.cte(sql::cte("member", member));
        with.cte(sql::cte("ranked", ranked));
        with.cte(sql::materialized("total", total));

        let mut none_is_null = SelectStatement::new();
        none_is_null
            .expr(Func::cust("nullif").args([Expr::col("query_count"), Expr::cust("0")]))
            .from("total");
        let column = |name: &'static str| Expr::col(("ranked", name));
        let share = sql::share(column("query_count"), Expr::SubQuery(None, Box::new(none_is_null.into())));
        let mut select = SelectStatement::new();
        select
            .expr_as(column("output_port_id").cast_as("uuid"), "output_port_id")
            .expr_as(column("query_count").cast_as("bigint"), "query_count")
            .expr_as(Func::coalesce([share, Expr::cust("0")]), "share")
            .expr_as(column("rank").cast_as("bigint"), "rank")
            .from("ranked");
        sql::label(&mut select, &model.0.output_ports, ("ranked", "output_port_id"));
        sql::order_by_rank(&mut select, ("ranked", "rank"));
        let title = format!("most often combined with{}", self.who.title());
        Ok(Query::new(title, select.with(with).build(PostgresQueryBuilder)))
    }
}

impl MostOftenCombinedWith {
    /// `output_port_id, query_count` of the pairs in which this output port is `this`: one contiguous run of an index.
    fn others(
        &self,
        model: &UsageModel,
        days: Days,
        this: Column,
        other: Column,
    ) -> Result<SelectStatement, Error> {
        let table = model.0.combinations.as_ref().ok_or(Kind::NoCombinations)?;
        let rows = Facts::pairs(model, table, (this, self.port), self.who, days)?;
        Ok(rows.sum_by(other, "output_port_id").and_having(rows.sum().gt(Expr::cust("0"))).take())
    }
}
