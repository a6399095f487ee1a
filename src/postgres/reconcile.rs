//! Finding where the tables contradict each other.

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{
    BinOper, CommonTableExpression, Condition, Expr, ExprTrait, Func, JoinType, NullOrdering, Order,
    PostgresQueryBuilder, SelectStatement, UnionType,
};

use super::Violation;
use crate::error::Error;
use crate::ident::Ident;
use crate::model::{Column, CoverageTable, Table, UsageModel};
use crate::statement::Query;
use crate::time::Days;

impl UsageModel {
    /// Finds the rows on the half-open `days` in which the tables contradict each other.
    ///
    /// Queries above the sum of an output port's touches are not listed: that is what deleting a tech asset or skipping
    /// an unknown one leaves behind. A pair is listed with zero queries until the other output port has been ingested
    /// too. The order is day, output port, consumer.
    ///
    /// # Errors
    ///
    /// Days that are empty, reversed or outside the years 1 to 9999 ([`Error::is_request`]).
    ///
    /// # Example
    ///
    /// ```
    /// # use chrono::NaiveDate;
    /// # use output_port_usage::*;
    /// # let model = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"))
    /// #     .build()?;
    /// let today = NaiveDate::from_ymd_opt(2026, 1, 31).unwrap();
    /// let query: Query<Violation> = model.reconcile(last_days(30, today))?;
    /// // let violations = query.into_sqlx().fetch_all(&mut *transaction).await?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn reconcile(&self, days: Range<NaiveDate>) -> Result<Query<Violation>, Error> {
        let days = Days::check(&days)?;
        let mut violations = self.touches_above_queries(days);
        let mut select = SelectStatement::new();
        if let Some(table) = &self.0.combinations {
            violations
                .union(UnionType::All, self.pairs_above_queries(table, days))
                .union(UnionType::All, self.pairs_above_queries_on_the_way_back(table, days))
                .union(UnionType::All, pairs_out_of_order(table, days));
            select.with_cte(pairs_on_days(table, days));
        }
        if let Some(table) = &self.0.coverage {
            violations.union(UnionType::All, settled_not_measured(table, days));
        }
        for (name, of_type) in RESULT {
            select.expr_as(Expr::col(name).cast_as(of_type), name);
        }
        select.from_subquery(violations, "violation");
        for (name, _) in RESULT {
            select.order_by_with_nulls(name, Order::Asc, NullOrdering::Last);
        }
        Ok(Query::new("reconcile the tables", select.build(PostgresQueryBuilder)))
    }

    fn touches_above_queries(&self, days: Days) -> SelectStatement {
        let table = &self.0.touches;
        let mut select = SelectStatement::new();
        select
            .expr_as(of(table, Column::Date), "date")
            .expr_as(of(table, Column::OutputPortId), "output_port_id")
            .expr_as(of(table, Column::ConsumerId), "consumer_id")
            .expr_as(of(table, Column::TechAssetId), "tech_asset_id")
            .expr_as(null("uuid"), "other_output_port_id");
        self.counted_above_queries(&mut select, table, Column::OutputPortId, days);
        on_days(&mut select, table, days);
        select
    }

    fn pairs_above_queries(&self, table: &Table, days: Days) -> SelectStatement {
        let mut select = pairs(table, Column::OutputPortId1, Column::OutputPortId2);
        self.counted_above_queries(&mut select, table, Column::OutputPortId1, days);
        on_days(&mut select, table, days);
        select
    }

    /// From the pairs as a result of its own: on Citus, the second output port's queries may be on another node.
    fn pairs_above_queries_on_the_way_back(&self, table: &Table, days: Days) -> SelectStatement {
        let mut select = pairs(table, Column::OutputPortId2, Column::OutputPortId1);
        self.counted_above_queries(&mut select, table, Column::OutputPortId2, days);
        select.from_as(PAIRS, "counted");
        select
    }

    /// Rows that count more than the queries do for the same day, output port and consumer.
    fn counted_above_queries(&self, select: &mut SelectStatement, table: &Table, port: Column, days: Days) {
        let queries = |column: Column| Expr::col(("queries", self.0.queries.column(column).clone()));
        let same = |mine: Column, theirs: Column| queries(theirs).eq(of(table, mine));
        let key = Condition::all()
            .add(same(port, Column::OutputPortId))
            .add(same(Column::Date, Column::Date))
            .add(same(Column::ConsumerId, Column::ConsumerId))
            .add(queries(Column::Date).gte(days.start()))
            .add(queries(Column::Date).lt(days.end()));
        let count = || Expr::from(Func::coalesce([queries(Column::QueryCount), Expr::cust("0")]));
        select
            .expr_as(of(table, Column::QueryCount), "counted")
            .expr_as(count(), "queries")
            .join_as(JoinType::LeftJoin, self.0.queries.table_ref(), "queries", key)
            .and_where(of(table, Column::QueryCount).gt(count()));
    }
}

/// The common table expression of the pairs on the days.
const PAIRS: &str = "pair";

fn pairs_on_days(table: &Table, days: Days) -> CommonTableExpression {
    let mut select = SelectStatement::new();
    select.columns(table.stats.columns().iter().map(|&column| ("counted", table.column(column).clone())));
    on_days(&mut select, table, days);
    CommonTableExpression::new().table_name(PAIRS).query(select).materialized(true).to_owned()
}

/// The columns of the result in the order by which it is sorted.
const RESULT: [(&str, &str); 7] = [
    ("date", "date"),
    ("output_port_id", "uuid"),
    ("consumer_id", "uuid"),
    ("tech_asset_id", "uuid"),
    ("other_output_port_id", "uuid"),
    ("counted", "bigint"),
    ("queries", "bigint"),
];

fn pairs(table: &Table, this: Column, other: Column) -> SelectStatement {
    let mut select = SelectStatement::new();
    select
        .expr_as(of(table, Column::Date), "date")
        .expr_as(of(table, this), "output_port_id")
        .expr_as(of(table, Column::ConsumerId), "consumer_id")
        .expr_as(null("uuid"), "tech_asset_id")
        .expr_as(of(table, other), "other_output_port_id");
    select
}

fn pairs_out_of_order(table: &Table, days: Days) -> SelectStatement {
    let (one, other) = (Column::OutputPortId1, Column::OutputPortId2);
    let mut select = pairs(table, one, other);
    select
        .expr_as(of(table, Column::QueryCount), "counted")
        .expr_as(null("integer"), "queries")
        .and_where(of(table, one).gte(of(table, other)));
    on_days(&mut select, table, days);
    select
}

/// The settled days of each output port that were not measured, in a row.
fn settled_not_measured(table: &CoverageTable, days: Days) -> SelectStatement {
    let of = |column: Column| Expr::col(("kept", table.column(column).clone()));
    let none = || Expr::cust("'{}'").cast_as("datemultirange");
    let or_none = |column: Column| Expr::from(Func::coalesce([of(column), none()]));
    let call = |function: &'static str, argument: Expr| Expr::from(Func::cust(function).arg(argument));
    let asked = Func::cust("pg_catalog.daterange")
        .args([days.start(), days.end()].map(|day| Expr::val(day).cast_as("date")));
    let asked = call("pg_catalog.datemultirange", asked.into());
    let settled = or_none(Column::Settled).binary(BinOper::Custom("OPERATOR(pg_catalog.*)"), asked);
    let wrong = settled.binary(BinOper::Custom("OPERATOR(pg_catalog.-)"), or_none(Column::Measured));
    let mut stretch = SelectStatement::new();
    stretch
        .expr_as(of(Column::OutputPortId), "output_port_id")
        .expr_as(call("pg_catalog.unnest", wrong), "days")
        .from_as(table.table_ref(), "kept");
    let bound = |function: &'static str| call(function, Expr::col(("stretch", "days"))).cast_as("date");
    let (first, until) = (bound("pg_catalog.lower"), bound("pg_catalog.upper"));
    SelectStatement::new()
        .expr_as(Func::min(first.clone()), "date")
        .column(("stretch", "output_port_id"))
        .expr_as(null("uuid"), "consumer_id")
        .expr_as(null("uuid"), "tech_asset_id")
        .expr_as(null("uuid"), "other_output_port_id")
        .expr_as(Func::sum(until.sub(first)), "counted")
        .expr_as(null("integer"), "queries")
        .from_subquery(stretch, "stretch")
        .group_by_col(("stretch", "output_port_id"))
        .take()
}

fn on_days(select: &mut SelectStatement, table: &Table, days: Days) {
    select
        .from_as(table.table_ref(), "counted")
        .and_where(of(table, Column::Date).gte(days.start()))
        .and_where(of(table, Column::Date).lt(days.end()));
}

/// A column of the table whose rows are listed.
fn of(table: &Table, column: Column) -> Expr {
    let name: Ident = table.column(column).clone();
    Expr::col(("counted", name))
}

fn null(of_type: &'static str) -> Expr {
    Expr::cust("NULL").cast_as(of_type)
}
