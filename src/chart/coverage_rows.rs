//! The rows of the coverage table, as far as a chart asks about their days.

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{BinOper, Expr, ExprTrait, Func, SelectStatement};

use super::sql;
use crate::model::{Column, CoverageTable, Parent};

pub(super) const CUT: BinOper = BinOper::Custom("OPERATOR(pg_catalog.*)");
const JOINED: BinOper = BinOper::Custom("OPERATOR(pg_catalog.+)");

/// `measured, settled` of the table, and the ranges that are asked about, each by its name.
pub(super) fn kept(
    table: &CoverageTable,
    asked: impl IntoIterator<Item = (&'static str, Range<NaiveDate>)>,
) -> SelectStatement {
    let column = |column: Column| Expr::col(("kept", table.column(column).clone()));
    let mut kept = SelectStatement::new();
    kept.expr_as(column(Column::Measured), "measured")
        .expr_as(column(Column::Settled), "settled")
        .from_as(table.table_ref(), "kept");
    for (name, days) in asked {
        kept.expr_as(sql::days_between(bound(days.start), bound(days.end)), name);
    }
    kept
}

/// `measured, settled` of [`kept`] rows as far as they are asked about, and the ranges.
///
/// Cutting them makes values of them. A long value that is stored out of line would be fetched again for each bucket.
/// By way of a subquery, which the planner removes, each bound is one parameter.
pub(super) fn cut(kept: SelectStatement, ranges: &[&'static str]) -> SelectStatement {
    let of_kept = |name: &'static str| Expr::col(("kept", name));
    let asked = Func::cust("pg_catalog.datemultirange").args(ranges.iter().map(|&range| of_kept(range)));
    let cut = |name| of_kept(name).binary(CUT, Expr::from(asked.clone()));
    SelectStatement::new()
        .expr_as(cut("measured"), "measured")
        .expr_as(cut("settled"), "settled")
        .columns(ranges.iter().map(|&range| ("kept", range)))
        .from_subquery(kept, "kept")
        .take()
}

/// The output port of a kept row.
pub(super) fn port_of(table: &CoverageTable) -> Expr {
    Expr::col(("kept", table.column(Column::OutputPortId).clone()))
}

/// The days of each output port that was ever measured, as [`cut`]; those before its first measured day count, too.
///
/// An output port that usage outlives is measured no more, so it does not count.
pub(super) fn since_the_first(table: &CoverageTable, ports: &Parent, asked: Vec<Expr>) -> SelectStatement {
    let asked = Expr::from(Func::cust("pg_catalog.datemultirange").args(asked));
    let column = |column: Column| Expr::col(("kept", table.column(column).clone()));
    let first = Func::cust("pg_catalog.lower").arg(column(Column::Measured));
    let earlier = sql::days_between(sql::null("date"), first.into());
    let earlier = Expr::from(Func::cust("pg_catalog.datemultirange").arg(earlier));
    let cut = |days: Expr| days.binary(CUT, asked.clone());
    let mut rows = SelectStatement::new();
    if ports.may_repeat() {
        let mut there = SelectStatement::new();
        there
            .expr(Expr::cust("1"))
            .from_as(ports.table_ref(), "parent")
            .and_where(Expr::col(("parent", ports.key.clone())).eq(port_of(table)));
        rows.and_where(Expr::exists(there));
    }
    rows.expr_as(cut(column(Column::Measured).binary(JOINED, earlier.clone())), "measured")
        .expr_as(cut(column(Column::Settled).binary(JOINED, earlier)), "settled")
        .expr_as(cut(column(Column::Measured)), "any_measured")
        .from_as(table.table_ref(), "kept")
        .and_where(Expr::from(Func::cust("pg_catalog.isempty").arg(column(Column::Measured))).not())
        .take()
}

/// `measured, settled` of all rows of the CTE `kept_by_port`, and what is `any_measured`.
pub(super) fn of_all() -> SelectStatement {
    let ranges = SelectStatement::new()
        .expr_as(Func::cust("pg_catalog.unnest").arg(Expr::col("any_measured")), "days")
        .from("kept_by_port")
        .take();
    let any = SelectStatement::new()
        .expr_as(Func::cust("pg_catalog.range_agg").arg(Expr::col(("range", "days"))), "days")
        .from_subquery(ranges, "range")
        .take();
    let any = || sql::subquery(any.clone());
    let all = |name: &'static str| {
        Expr::from(Func::cust("pg_catalog.range_intersect_agg").arg(Expr::col(name))).binary(CUT, any())
    };
    SelectStatement::new()
        .expr_as(all("measured"), "measured")
        .expr_as(all("settled"), "settled")
        .expr_as(any(), "any_measured")
        .from("kept_by_port")
        .take()
}

pub(super) fn bound(day: NaiveDate) -> Expr {
    Expr::val(day).cast_as("date")
}
