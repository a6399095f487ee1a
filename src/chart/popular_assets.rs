//! "Most popular assets".

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{
    Expr, ExprTrait, Func, JoinType, Order, PostgresQueryBuilder, SelectStatement, UnionType, Values,
    WithClause,
};
use serde::{Deserialize, Serialize};

use super::comparison::{self, Before, Comparable, Compared, Comparison, Gone, Ranking, WithPrevious};
use super::coverage_of::CoverageOf;
use super::facts::{self, Facts};
use super::subject::Subject;
use super::who::Who;
use super::{Chart, sealed, sql};
use crate::error::Error;
use crate::id::{OutputPortId, TechAssetId};
use crate::model::{Column, UsageModel};
use crate::row::{Columnar, Columns, FlatRecord};
use crate::statement::Query;
use crate::time::Days;

/// The tech assets of an output port or of the portal, the most touched first.
///
/// Shares are of all touches that are counted on the days, including tech assets outside the top n. Rows are ordered
/// by touches, the most first, then by id.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct MostPopularAssets {
    subject: Subject,
    who: Who,
    days: Range<NaiveDate>,
    top: u32,
}

impl MostPopularAssets {
    /// Asks for the half-open `days` of an output port.
    pub fn new(port: OutputPortId, days: Range<NaiveDate>) -> Self {
        Self { subject: port.into(), who: Who::Anyone, days, top: sql::DEFAULT_TOP }
    }

    /// Asks for the half-open `days` of all output ports.
    ///
    /// A tech asset that stands behind several of them is one row, and a query that reads it is counted once, as
    /// [`Subject::TechAsset`] says.
    pub fn of_portal(days: Range<NaiveDate>) -> Self {
        Self { subject: Subject::Portal, who: Who::Anyone, days, top: sql::DEFAULT_TOP }
    }

    /// The most tech assets to return. Defaults to 10; zero makes the query an error.
    pub fn top(mut self, top: u32) -> Self {
        self.top = top;
        self
    }

    /// Adds each tech asset's touches in the earlier days, and the change since then.
    ///
    /// A tech asset that was read only in the earlier days has no row, unless you
    /// [include what is gone](Compared::include_gone). The query is an error if the earlier days begin
    /// before year 1.
    ///
    /// ```
    /// # use chrono::NaiveDate;
    /// # use output_port_usage::{Reference, UsageModel, OutputPortId};
    /// use output_port_usage::chart::{Comparison, MostPopularAssets};
    /// use output_port_usage::last_days;
    /// # let model = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"))
    /// #     .build()?;
    /// # let port = OutputPortId(uuid::Uuid::nil());
    /// # let today = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap();
    ///
    /// let assets = MostPopularAssets::new(port, last_days(30, today)).top(5);
    /// let query = model.query(&assets.compared_with(Comparison::PreviousPeriod))?;
    /// assert_eq!(query.sql().matches("tech_asset_stats_daily").count(), 2); // two ranges of the key
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    pub fn compared_with(self, comparison: Comparison) -> Compared<Self> {
        Compared::new(self, comparison)
    }
}

super::who::of_consumers!(MostPopularAssets, who);

/// A tech asset of [`MostPopularAssets`].
///
/// As JSON:
///
/// ```
/// # use output_port_usage::chart::MostPopularAsset;
/// let json = serde_json::json!({
///     "tech_asset_id": "0190d3a2-5c1e-7b4a-8f00-0123456789e1",
///     "label": "ORDERS",
///     "touches": 42,
///     "share": 0.25,
///     "rank": 1,
///     "consumers": 5,
///     "last_used": "2026-06-30"
/// });
/// let row: MostPopularAsset = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&row)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[cfg_attr(
    feature = "utoipa",
    derive(utoipa::ToSchema),
    schema(description = "One tech asset of an output port, and how often it is read.")
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MostPopularAsset {
    /// The tech asset.
    pub tech_asset_id: TechAssetId,
    /// Its label, where the model's reference has one and the row still exists.
    #[cfg_attr(feature = "utoipa", schema(required = true))]
    pub label: Option<String>,
    /// How many queries read it, at least 1; 0 for one that is [gone](Compared::include_gone).
    pub touches: i64,
    /// The share of all touches that are counted on the days, a fraction from 0 to 1.
    pub share: f64,
    /// The row's position, from 1.
    pub rank: i64,
    /// How many consumers read it, at least 1; 0 for one that is gone.
    pub consumers: i64,
    /// The last of the requested days on which it was read; `None` for one that is gone.
    #[cfg_attr(feature = "utoipa", schema(required = true))]
    pub last_used: Option<NaiveDate>,
}

impl Columnar for MostPopularAsset {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(Self {
            tech_asset_id: TechAssetId(row.uuid("tech_asset_id")?),
            label: row.text_or_null("label")?,
            touches: row.count("touches")?,
            share: row.share("share")?,
            rank: row.count("rank")?,
            consumers: row.count("consumers")?,
            last_used: row.date_or_null("last_used")?,
        })
    }

    fn write_to(&self, record: &mut FlatRecord) {
        record
            .id("tech_asset_id", self.tech_asset_id.0)
            .text("label", self.label.as_deref())
            .count("touches", self.touches)
            .share("share", self.share)
            .count("rank", self.rank)
            .count("consumers", self.consumers)
            .date("last_used", self.last_used);
    }
}

impl Ranking for MostPopularAssets {}

impl sealed::Sealed for MostPopularAssets {}

impl Chart for MostPopularAssets {
    type Row = MostPopularAsset;

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        let built = self.build(model, None)?;
        Ok(Query::noted(self.title(), &[self.way(model)], built))
    }
}

impl Comparable for MostPopularAssets {
    fn compare(
        &self,
        model: &UsageModel,
        before: &Before,
    ) -> Result<Query<WithPrevious<MostPopularAsset>>, Error> {
        let built = self.build(model, Some(before))?;
        Ok(Query::noted(before.title(&self.title()), &[self.way(model)], built))
    }
}

impl MostPopularAssets {
    fn way(&self, model: &UsageModel) -> &'static str {
        match (self.subject, self.who) {
            (_, Who::Consumer(_)) | (Subject::OutputPort { .. }, _) => {
                facts::way_to_read(model, self.subject, self.who)
            }
            _ => facts::by_tech_asset(model),
        }
    }

    fn title(&self) -> String {
        format!("most popular assets{}{}", self.subject.title(), self.who.title())
    }

    fn build(&self, model: &UsageModel, before: Option<&Before>) -> Result<(String, Values), Error> {
        let top = sql::check_top("the number of tech assets", self.top)?;
        let days = Days::check(&self.days)?;
        let rows = Facts::touches(model, self.subject, self.who, days)?;
        let mut with = WithClause::new();
        let mut ranked = SelectStatement::new();
        ranked
            .columns(["tech_asset_id", "query_count", "consumers", "last_used"])
            .expr_window_as(Func::cust("row_number"), sql::by_count_then("tech_asset_id"), "rank")
            .from("member")
            .order_by("rank", Order::Asc);
        // here, so that the planner expects few labels
        sql::limit(&mut ranked, top);
        let earlier = before.map(|before| before.comparison.days(&self.days)).transpose()?;
        if let Some(earlier) = &earlier {
            with.cte(sql::materialized("before", self.touches(&rows.during(earlier.clone()))));
        }
        if before.is_some_and(|before| before.gone == Gone::Included) {
            with.cte(sql::materialized("now", self.members(&rows))).cte(sql::materialized("member", both()));
            ranked.and_where(comparison::shown(before));
        } else {
            with.cte(sql::materialized("member", self.members(&rows)));
        }
        with.cte(sql::cte("ranked", ranked));

        let mut total = SelectStatement::new();
        total.expr(Func::sum(Expr::col("query_count"))).from("member");
        let column = |name: &'static str| Expr::col(("ranked", name));
        let mut select = SelectStatement::new();
        select
            .expr_as(column("tech_asset_id").cast_as("uuid"), "tech_asset_id")
            .expr_as(column("query_count").cast_as("bigint"), "touches")
            .expr_as(comparison::share(column("query_count"), sql::subquery(total), before), "share")
            .expr_as(column("rank").cast_as("bigint"), "rank")
            .expr_as(column("consumers").cast_as("bigint"), "consumers")
            .expr_as(column("last_used").cast_as("date"), "last_used")
            .from("ranked");
        sql::label(&mut select, &model.0.tech_assets, ("ranked", "tech_asset_id"));
        if before.is_some() {
            let on = Expr::col(("before", "tech_asset_id")).equals(("ranked", "tech_asset_id"));
            select.join(JoinType::LeftJoin, "before", on);
            let coverage = CoverageOf::new(model, self.subject, days).beside(before, earlier.as_ref());
            coverage.add_to(&mut with);
            let previous = Expr::col(("before", "query_count"));
            comparison::change(&mut select, column("query_count"), previous, coverage.complete());
            select.expr_as(coverage.word_before(), "previous_coverage");
        }
        sql::order_by_rank(&mut select, ("ranked", "rank"));
        Ok(select.with(with).build(PostgresQueryBuilder))
    }

    /// The tech assets of the days, in two levels: COUNT(DISTINCT consumer) would sort every row.
    fn members(&self, rows: &Facts) -> SelectStatement {
        let mut pair = self.facts(rows);
        pair.expr_as(Expr::col(rows.column(Column::TechAssetId)), "tech_asset_id")
            .expr_as(rows.sum(), "query_count")
            .expr_as(rows.last_used(), "last_used")
            .group_by_columns([rows.column(Column::TechAssetId), rows.column(Column::ConsumerId)])
            .and_having(rows.sum().gt(Expr::cust("0")));
        SelectStatement::new()
            .column("tech_asset_id")
            .expr_as(Func::sum(Expr::col("query_count")), "query_count")
            .expr_as(Func::count(Expr::cust("*")), "consumers")
            .expr_as(Func::max(Expr::col("last_used")), "last_used")
            .from_subquery(pair, "pair")
            .group_by_col("tech_asset_id")
            .take()
    }

    /// The rows; those of an output port in the order of its key.
    ///
    /// A subquery with an order stays one, and of its rows the planner expects one pair of tech asset and consumer for
    /// every ten. Of the table's it may expect as many pairs as rows, and sort those of a heavy output port, on disk.
    fn facts(&self, rows: &Facts) -> SelectStatement {
        let mut facts = rows.scan();
        if !matches!(self.subject, Subject::OutputPort { .. }) {
            return facts;
        }
        let columns = [Column::Date, Column::TechAssetId, Column::ConsumerId, Column::QueryCount];
        facts
            .columns(columns.map(|column| rows.column(column)))
            .order_by(rows.column(Column::Date), Order::Asc);
        SelectStatement::new().from_subquery(facts, "fact").take()
    }

    /// `tech_asset_id, query_count` of the days.
    fn touches(&self, rows: &Facts) -> SelectStatement {
        if !matches!(self.subject, Subject::OutputPort { .. }) {
            return rows.sum_by(Column::TechAssetId, "tech_asset_id");
        }
        // by day first, which is the order of the key: then a tech asset is hashed once a day and not once a row
        let mut daily = rows.scan();
        daily
            .expr_as(Expr::col(rows.column(Column::TechAssetId)), "tech_asset_id")
            .expr_as(rows.sum(), "query_count")
            .group_by_columns([rows.column(Column::Date), rows.column(Column::TechAssetId)]);
        SelectStatement::new()
            .column("tech_asset_id")
            .expr_as(Func::sum(Expr::col("query_count")), "query_count")
            .from_subquery(daily, "daily")
            .group_by_col("tech_asset_id")
            .take()
    }
}

/// The tech assets of both periods, of the CTEs `now` and `before`.
fn both() -> SelectStatement {
    let mut period = SelectStatement::new();
    period
        .columns(["tech_asset_id", "query_count", "consumers", "last_used"])
        .expr_as(Expr::cust("0"), "previous")
        .from("now");
    let mut before = SelectStatement::new();
    before
        .column("tech_asset_id")
        .expr_as(Expr::cust("0"), "query_count")
        .expr_as(Expr::cust("0"), "consumers")
        .expr_as(sql::null("date"), "last_used")
        .expr_as(Expr::col("query_count"), "previous")
        .from("before");
    period.union(UnionType::All, before);
    let mut both = SelectStatement::new();
    both.column("tech_asset_id").from_subquery(period, "period").group_by_col("tech_asset_id");
    for column in ["query_count", "consumers", "last_used", "previous"] {
        both.expr_as(sql::folded(Expr::col(column), column), column);
    }
    both
}
