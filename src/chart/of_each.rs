//! Rows of each of many ids: one descent into a key that starts with the id.

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{CommonTableExpression, Expr, ExprTrait, Func, Order, SelectStatement, UnionType};

use super::sql;
use crate::model::{Column, Table};

/// The rows of a table whose id is that of an outer row.
#[derive(Clone, Copy)]
pub(super) struct RowsOf<'a> {
    table: &'a Table,
    id: Column,
    /// The alias of the outer row, which has the id under [`name`](Column::default_name).
    outer: &'static str,
}

impl<'a> RowsOf<'a> {
    /// The rows whose `id` is that of the row of `outer`, whose column bears the default name of `id`.
    pub(super) fn new(table: &'a Table, id: Column, outer: &'static str) -> Self {
        Self { table, id, outer }
    }

    pub(super) fn column(self, column: Column) -> Expr {
        Expr::col(("fact", self.table.column(column).clone()))
    }

    /// The rows of every id and of all days.
    pub(super) fn all(self) -> SelectStatement {
        SelectStatement::new().from_as(self.table.table_ref(), "fact").take()
    }

    /// The rows of all days.
    pub(super) fn scan(self) -> SelectStatement {
        self.all().and_where(self.column(self.id).eq(Expr::col((self.outer, self.id.default_name())))).take()
    }

    /// The rows of some days.
    pub(super) fn during(self, days: Range<NaiveDate>) -> SelectStatement {
        self.scan()
            .and_where(self.column(Column::Date).gte(days.start))
            .and_where(self.column(Column::Date).lt(days.end))
            .take()
    }

    /// `last_used`: the last day with a count among some rows of the id, or NULL; by the key backward, without reading
    /// the others.
    pub(super) fn last_used(self, mut rows: SelectStatement) -> SelectStatement {
        rows.expr_as(Func::max(self.column(Column::Date)), "last_used")
            .and_where(self.column(Column::QueryCount).gt(Expr::cust("0")))
            .take()
    }
}

/// Every id that a key of the table starts with, as the recursive CTE `name` of one column under its
/// default name: one descent for each, whatever the number of their rows. Its last row is NULL.
pub(super) fn every_id(name: &'static str, table: &Table, id: Column) -> CommonTableExpression {
    let column = || Expr::col(("fact", table.column(id).clone()));
    let next = || {
        SelectStatement::new()
            .expr_as(column(), id.default_name())
            .from_as(table.table_ref(), "fact")
            .order_by(("fact", table.column(id).clone()), Order::Asc)
            .limit(1)
            .take()
    };
    let mut after = next();
    after.and_where(column().gt(Expr::col((name, id.default_name()))));
    let step = SelectStatement::new()
        .expr(sql::subquery(after))
        .from(name)
        .and_where(Expr::col((name, id.default_name())).is_not_null())
        .take();
    // a LIMIT may stand before a UNION only in parentheses
    let mut ids = SelectStatement::new();
    ids.column(id.default_name()).from_subquery(next(), "first").union(UnionType::All, step);
    let mut cte = CommonTableExpression::new();
    cte.table_name(name).column(id.default_name()).query(ids);
    cte
}
