//! What the statements of several charts share.

use sea_query::{
    ArrayType, CommonTableExpression, Expr, ExprTrait, Func, IntoColumnRef, JoinType, NullOrdering, Order,
    SelectStatement, SubQueryStatement, Value, WindowStatement,
};
use uuid::Uuid;

use crate::error::{Error, Kind};
use crate::model::Parent;

/// What shares and changes are computed in.
pub(crate) const FLOAT: &str = "double precision";

/// How many members a ranking shows unless it is told otherwise.
pub(crate) const DEFAULT_TOP: u32 = 10;

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

/// Numbers the members of `member` from 1: their `id`, `columns` and `rank`.
pub(crate) fn numbered(
    id: &'static str,
    columns: &[&'static str],
    order: WindowStatement,
) -> SelectStatement {
    SelectStatement::new()
        .column(id)
        .columns(columns.iter().copied())
        .expr_window_as(Func::cust("row_number"), order, "rank")
        .from("member")
        .take()
}

/// What several rows' values of a column come to: the last day, or the sum of counts.
pub(crate) fn folded(value: Expr, column: &'static str) -> Expr {
    match column {
        "last_used" => Func::max(value).into(),
        _ => Func::sum(value).into(),
    }
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
        select.expr_as(folded(Expr::col(count), count), count);
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

/// The label of `of`'s row in a parent table, for the few result rows.
pub(crate) fn label<C: IntoColumnRef>(select: &mut SelectStatement, parent: &Parent, of: C) {
    let of = Expr::col(of);
    // a join is cheaper than a look-up for each row, and where an id may repeat it would repeat the row
    let Some(label) = parent.label.clone().filter(|_| !parent.may_repeat()) else {
        select.expr_as(first_label(parent, of), "label");
        return;
    };
    let key = Expr::col(("labelled", parent.key.clone())).eq(of);
    select.expr_as(Expr::col(("labelled", label)).cast_as("text"), "label").join_as(
        JoinType::LeftJoin,
        parent.table_ref(),
        "labelled",
        key,
    );
}

/// The label of an id, looked up: the first by name where the parent table has the id more than once, NULL without one.
pub(crate) fn first_label(parent: &Parent, id: Expr) -> Expr {
    let Some(label) = parent.label.clone() else { return null("text") };
    let mut first = SelectStatement::new();
    first
        .expr(Func::min(Expr::col(("labelled", label)).cast_as("text")))
        .from_as(parent.table_ref(), "labelled")
        .and_where(Expr::col(("labelled", parent.key.clone())).eq(id));
    subquery(first).cast_as("text")
}

/// `TRUE`, for `IS` and `IS NOT`.
pub(crate) fn yes() -> Expr {
    // not a text of ours, which would be put in parentheses: IS takes none
    Expr::Constant(true.into())
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
