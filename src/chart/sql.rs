//! What the statements of several charts share.

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::extension::postgres::PgFunc;
use sea_query::{
    ArrayType, CommonTableExpression, Expr, ExprTrait, Func, IntoColumnRef, JoinType, NullOrdering, Order,
    SelectStatement, SubQueryStatement, Value, WindowStatement,
};
use uuid::Uuid;

use crate::error::{Error, Kind};
use crate::id::OutputPortId;
use crate::ident::Ident;
use crate::model::{Column, Parent, Table};
use crate::time::Days;

/// What shares and changes are computed in.
pub(crate) const FLOAT: &str = "double precision";

/// How many members a ranking shows unless it is told otherwise.
pub(crate) const DEFAULT_TOP: u32 = 10;

/// The rows of a table on some output ports and days.
pub(crate) struct PortDays<'a> {
    table: &'a Table,
    port_column: Column,
    ports: Ports,
    days: Range<NaiveDate>,
}

#[derive(Clone)]
enum Ports {
    One(OutputPortId),
    /// One array parameter.
    Many(Value),
}

impl<'a> PortDays<'a> {
    pub(crate) fn new(table: &'a Table, port: OutputPortId, days: Days) -> Self {
        Self { table, port_column: Column::OutputPortId, ports: Ports::One(port), days: days.range() }
    }

    /// The column that holds the output port. Defaults to [`Column::OutputPortId`].
    pub(crate) fn of(mut self, port_column: Column) -> Self {
        self.port_column = port_column;
        self
    }

    /// Many output ports, in one array parameter.
    pub(crate) fn of_many(table: &'a Table, ports: Value, days: Days) -> Self {
        Self { table, port_column: Column::OutputPortId, ports: Ports::Many(ports), days: days.range() }
    }

    /// The same output ports on other days, which may be none.
    pub(crate) fn during(&self, days: Range<NaiveDate>) -> Self {
        Self { table: self.table, port_column: self.port_column, ports: self.ports.clone(), days }
    }

    /// The rows of the days: one contiguous run of the key for each output port, read from the index alone.
    pub(crate) fn scan(&self) -> SelectStatement {
        self.scan_when(|_, select| select)
    }

    /// As [`scan`](Self::scan), with conditions on the date between the port and the days.
    pub(crate) fn scan_when(
        &self,
        conditions: impl FnOnce(Expr, &mut SelectStatement) -> &mut SelectStatement,
    ) -> SelectStatement {
        let date = || Expr::col(self.column(Column::Date));
        let port = Expr::col(self.column(self.port_column));
        let of_ports = match &self.ports {
            Ports::One(one) => port.eq(one.0),
            Ports::Many(many) => port.eq(PgFunc::any(Expr::val(many.clone()).cast_as("uuid[]"))),
        };
        let mut select = SelectStatement::new();
        // under an alias, because a host may name the table like a CTE of the chart
        select.from_as(self.table.table_ref(), "fact").and_where(of_ports);
        conditions(date(), &mut select)
            .and_where(date().gte(self.days.start))
            .and_where(date().lt(self.days.end))
            .take()
    }

    /// The sum of each of the values that a column has: `column AS name`, `query_count`.
    pub(crate) fn sum_by(&self, column: Column, name: &'static str) -> SelectStatement {
        let column = self.column(column);
        let mut sums = self.scan();
        sums.expr_as(Expr::col(column.clone()), name).expr_as(self.sum(), "query_count").group_by_col(column);
        sums
    }

    pub(crate) fn column(&self, column: Column) -> Ident {
        self.table.column(column).clone()
    }

    /// `SUM(query_count)`, a bigint.
    pub(crate) fn sum(&self) -> Expr {
        Func::sum(Expr::col(self.column(Column::QueryCount))).into()
    }
}

/// One array parameter of ids.
pub(crate) fn uuids(ids: impl IntoIterator<Item = Uuid>) -> Value {
    Value::Array(ArrayType::Uuid, Some(Box::new(ids.into_iter().map(Value::from).collect())))
}

/// Refuses a top n of zero.
pub(crate) fn check_top(what: &'static str, top: u32) -> Result<i64, Error> {
    match top {
        0 => Err(Kind::TopZero(what).into()),
        top => Ok(i64::from(top)),
    }
}

/// A CTE that is computed once.
pub(crate) fn materialized(name: &'static str, select: SelectStatement) -> CommonTableExpression {
    let mut cte = CommonTableExpression::new();
    cte.table_name(name).query(select).materialized(true);
    cte
}

/// A CTE that Postgres may fold into its user.
pub(crate) fn cte(name: &'static str, select: SelectStatement) -> CommonTableExpression {
    let mut cte = CommonTableExpression::new();
    cte.table_name(name).query(select);
    cte
}

/// Joins to each row what `each` finds for it, one row or more.
pub(crate) fn join_each(select: &mut SelectStatement, each: SelectStatement, alias: &'static str) {
    // sea-query writes CROSS JOIN LATERAL with a condition, which is no syntax
    select.join_lateral(JoinType::InnerJoin, each, alias, Expr::cust("TRUE"));
}

/// The window of a ranking: count descending, then id.
pub(crate) fn by_count_then(id: &'static str) -> WindowStatement {
    let mut window = WindowStatement::new();
    window.order_by("query_count", Order::Desc).order_by(id, Order::Asc);
    window
}

/// Numbers the members of `member` that have an id and queries, from 1: their `id`, `counts` and `rank`.
pub(crate) fn ranked(id: &'static str, counts: &[&'static str], order: WindowStatement) -> SelectStatement {
    let mut ranked = SelectStatement::new();
    ranked
        .column(id)
        .columns(counts.iter().copied())
        .expr_window_as(Func::cust("row_number"), order, "rank")
        .from("member")
        .and_where(Expr::col(id).is_not_null())
        // a sum of sums is numeric, which PostgreSQL compares with no integer: an operator of another schema might
        .and_where(Expr::col("query_count").cast_as("bigint").gt(Expr::cust("0")));
    ranked
}

/// At most so many rows, which tells the planner too.
pub(crate) fn limit(select: &mut SelectStatement, rows: i64) {
    select.limit(rows.unsigned_abs());
}

/// Folds `ranked` to its top n and one row without rank and id for everything else.
///
/// Reads the columns `rank`, `id` and `counts`; gives those and `members`.
pub(crate) fn top_and_other(
    ranked: &'static str,
    id: &'static str,
    counts: &[&'static str],
    top: i64,
) -> SelectStatement {
    let within = |column: &'static str| {
        sea_query::CaseStatement::new().case(Expr::col("rank").lte(top), Expr::col(column))
    };
    let mut select = SelectStatement::new();
    select.expr_as(within("rank"), "rank").expr_as(within(id), id);
    for &count in counts {
        select.expr_as(Func::sum(Expr::col(count)), count);
    }
    select
        .expr_as(Func::count(Expr::cust("*")), "members")
        .from(ranked)
        // by position: the CASE of the list and of the grouping would bind two parameters, which
        // Postgres does not know to be equal
        .add_group_by([Expr::cust("1"), Expr::cust("2")]);
    // there are no more; but without it the planner expects hundreds, and reads a whole parent table for their labels
    limit(&mut select, top + 1);
    select
}

/// The label of `of`'s row in a parent table, joined to the few result rows; NULL without one.
pub(crate) fn label<C: IntoColumnRef>(select: &mut SelectStatement, parent: &Parent, of: C) {
    let Some(label) = parent.label.clone() else {
        select.expr_as(Expr::cust("NULL").cast_as("text"), "label");
        return;
    };
    let key = Expr::col(("labelled", parent.key.clone())).eq(Expr::col(of));
    select.expr_as(Expr::col(("labelled", label)).cast_as("text"), "label").join_as(
        JoinType::LeftJoin,
        parent.table_ref(),
        "labelled",
        key,
    );
}

/// NULL of a type.
pub(crate) fn null(of: &'static str) -> Expr {
    Expr::cust("NULL").cast_as(of)
}

/// A statement of one value.
pub(crate) fn subquery(select: SelectStatement) -> Expr {
    Expr::SubQuery(None, Box::new(SubQueryStatement::SelectStatement(select)))
}

/// Half-open days as a range.
pub(crate) fn days_between(from: Expr, until: Expr) -> Expr {
    Func::cust("pg_catalog.daterange").args([from, until]).into()
}

/// A count's share of a total.
pub(crate) fn share(count: Expr, total: Expr) -> Expr {
    count.cast_as(FLOAT).div(total.cast_as(FLOAT)).cast_as(FLOAT)
}

/// Ranked rows in order, the row without a rank last.
pub(crate) fn order_by_rank<C: IntoColumnRef>(select: &mut SelectStatement, rank: C) {
    select.order_by_with_nulls(rank, Order::Asc, NullOrdering::Last);
}
