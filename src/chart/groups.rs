//! Groups of consumers.

use sea_query::extension::postgres::PgFunc;
use sea_query::{Expr, ExprTrait, Func, JoinType, Order, SelectStatement, UnionType};

use super::series::array_agg;
use super::sql;
use super::who::groups_of;
use crate::error::Error;
use crate::model::UsageModel;

/// Looks up the group of each row of the CTE `of`, which has a `consumer_id`, as `group_id`; NULL for those without one.
///
/// # Errors
///
/// Consumers that have no groups.
pub(super) fn join(select: &mut SelectStatement, of: &'static str, model: &UsageModel) -> Result<(), Error> {
    let (group, _) = groups_of(model)?;
    let consumers = &model.0.consumers;
    select.from(of);
    let mut grouped = SelectStatement::new();
    grouped
        .expr_as(Expr::col(("parent", consumers.key.clone())), "consumer_id")
        .expr_as(Expr::col(("parent", group.clone())), "group_id")
        .from_as(consumers.table_ref(), "parent");
    if consumers.may_repeat() {
        // those in question alone, by one scan of an index; a join with them would read a small table whole
        let asked = Func::cust("ARRAY").arg(SelectStatement::new().column("consumer_id").from(of).take());
        grouped
            .distinct_on([("parent", consumers.key.clone())])
            .and_where(Expr::col(("parent", consumers.key.clone())).eq(PgFunc::any(asked)))
            .order_by(("parent", consumers.key.clone()), Order::Asc)
            .order_by(("parent", group.clone()), Order::Asc);
    }
    let on = Expr::col(("grouped", "consumer_id")).equals((of, "consumer_id"));
    select.join_subquery(JoinType::LeftJoin, grouped, "grouped", on);
    Ok(())
}

/// The group of a row of [`join`].
pub(super) fn id() -> Expr {
    Expr::col(("grouped", "group_id"))
}

/// The counts of the CTE `of`, which has a `consumer_id`, summed by group.
///
/// # Errors
///
/// As [`join`].
pub(super) fn sums(
    of: &'static str,
    model: &UsageModel,
    counts: &[&'static str],
) -> Result<SelectStatement, Error> {
    let mut sums = SelectStatement::new();
    sums.expr_as(id(), "group_id");
    for &count in counts {
        sums.expr_as(sql::folded(Expr::col((of, count)), count), count);
    }
    join(&mut sums, of, model)?;
    sums.add_group_by([id()]);
    Ok(sums)
}

/// The rows of the CTE `slice`, and that of the consumers without a group, if it is to be shown: no rank and no members.
pub(super) fn with_those_without(columns: &[&'static str], shown: Expr) -> SelectStatement {
    let mut without = SelectStatement::new();
    without
        .expr_as(sql::null("bigint"), "rank")
        .column("group_id")
        .columns(columns.iter().copied())
        .expr_as(sql::null("bigint"), "members")
        .from("member")
        .and_where(Expr::col("group_id").is_null())
        .and_where(shown);
    SelectStatement::new()
        .columns(["rank", "group_id"])
        .columns(columns.iter().copied())
        .column("members")
        .from("slice")
        .union(UnionType::All, without)
        .take()
}

/// The arrays of the CTE `consumer`, folded to those of their groups.
pub(super) fn series(model: &UsageModel) -> Result<SelectStatement, Error> {
    let of_consumer =
        |array: &'static str| Expr::from(Func::cust("pg_catalog.unnest").arg(Expr::col(("consumer", array))));
    let mut cell = SelectStatement::new();
    cell.expr_as(id(), "group_id")
        .expr_as(of_consumer("places"), "place")
        .expr_as(of_consumer("counts"), "query_count");
    join(&mut cell, "consumer", model)?;
    let count = || Func::sum(Expr::col("query_count"));
    let sums = SelectStatement::new()
        .columns(["group_id", "place"])
        .expr_as(count(), "query_count")
        .from_subquery(cell, "cell")
        .group_by_columns(["group_id", "place"])
        .take();
    Ok(SelectStatement::new()
        .column("group_id")
        .expr_as(count(), "query_count")
        .expr_as(array_agg("place"), "places")
        .expr_as(array_agg("query_count"), "counts")
        .from_subquery(sums, "cell")
        .group_by_col("group_id")
        .take())
}
