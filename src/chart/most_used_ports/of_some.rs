//! The output ports that some consumers read.

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{Expr, ExprTrait, Func, SelectStatement, UnionType};

use crate::chart::facts::Facts;
use crate::chart::sql;
use crate::model::Column;

/// `output_port_id, query_count, consumers, last_used` of the output ports that have rows, and `previous` where there
/// are days before.
pub(super) fn members(rows: &Facts, before: Option<Range<NaiveDate>>) -> SelectStatement {
    let mut now = now(rows);
    let Some(before) = before else { return now };
    now.expr_as(Expr::cust("0"), "previous");
    let rows = rows.during(before);
    let mut earlier = SelectStatement::new();
    earlier
        .column("output_port_id")
        .expr_as(Expr::cust("0"), "query_count")
        .expr_as(Expr::cust("0"), "consumers")
        .expr_as(sql::null("date"), "last_used")
        .expr_as(Expr::col("query_count"), "previous")
        .from_subquery(rows.sum_by(Column::OutputPortId, "output_port_id"), "before");
    now.union(UnionType::All, earlier);
    let mut both = SelectStatement::new();
    both.column("output_port_id").from_subquery(now, "period").group_by_col("output_port_id");
    for column in ["query_count", "consumers", "last_used", "previous"] {
        let folded = sql::folded(Expr::col(column), column);
        both.expr_as(if column == "last_used" { folded } else { folded.cast_as("bigint") }, column);
    }
    both
}

/// By consumer first: COUNT(DISTINCT) would sort every row.
fn now(rows: &Facts) -> SelectStatement {
    let mut pair = rows.scan();
    pair.expr_as(Expr::col(rows.column(Column::OutputPortId)), "output_port_id")
        .expr_as(rows.sum(), "query_count")
        .expr_as(rows.last_used(), "last_used")
        .group_by_columns([rows.column(Column::OutputPortId), rows.column(Column::ConsumerId)])
        .and_having(rows.sum().gt(Expr::cust("0")));
    SelectStatement::new()
        .column("output_port_id")
        .expr_as(Expr::from(Func::sum(Expr::col("query_count"))).cast_as("bigint"), "query_count")
        .expr_as(Func::count(Expr::cust("*")), "consumers")
        .expr_as(Func::max(Expr::col("last_used")), "last_used")
        .from_subquery(pair, "pair")
        .group_by_col("output_port_id")
        .take()
}
