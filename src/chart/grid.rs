//! The dense grid of series and buckets: the top n consumers, then Other.

use sea_query::{
    Expr, ExprTrait, Func, FunctionCall, IntoColumnRef, JoinType, SelectStatement, UnionType, WithClause,
};

use super::buckets::Buckets;
use super::sql::{self, PortDays};
use crate::model::{Column, UsageModel};
use crate::time::Granularity;

/// The one scan, as the rows of a CTE `counted(start, partial, query_count, consumers, counts)`: every bucket once.
///
/// A bucket's consumers are two arrays, because the rows of a large port would not fit into `work_mem`, and because
/// rows in the order of the key need neither a sort nor a hash to become arrays.
pub(super) fn counted(rows: &PortDays, buckets: &Buckets) -> SelectStatement {
    let mut counted = buckets_with(buckets);
    if buckets.granularity() == Granularity::Day {
        let mut by_date = rows.scan();
        by_date
            .expr_as(Expr::col(rows.column(Column::Date)), "date")
            .expr_as(rows.sum(), "query_count")
            .expr_as(array_agg(rows.column(Column::ConsumerId)), "consumers")
            // the key says that these are sums already
            .expr_as(array_agg(rows.column(Column::QueryCount)), "counts")
            .group_by_col(rows.column(Column::Date));
        let on = Expr::col(("each", "date")).eq(buckets.start());
        counted.join_subquery(JoinType::LeftJoin, by_date, "each", on);
        return counted;
    }
    let mut by_consumer = buckets.scan(rows);
    by_consumer
        .expr_as(Expr::col(rows.column(Column::ConsumerId)), "consumer_id")
        .expr_as(rows.sum(), "query_count")
        .group_by_col(rows.column(Column::ConsumerId));
    let mut each = SelectStatement::new();
    each.expr_as(Func::sum(Expr::col("query_count")), "query_count")
        .expr_as(array_agg("consumer_id"), "consumers")
        .expr_as(array_agg("query_count"), "counts")
        .from_subquery(by_consumer, "by_consumer");
    sql::join_each(&mut counted, each, "each");
    counted
}

/// The buckets with what `each` has of them, zero where it has nothing.
pub(super) fn buckets_with(buckets: &Buckets) -> SelectStatement {
    let count = Func::coalesce([Expr::col(("each", "query_count")), Expr::cust("0")]);
    SelectStatement::new()
        .expr_as(buckets.start(), "start")
        .expr_as(buckets.partial(), "partial")
        .expr_as(count, "query_count")
        .columns([("each", "consumers"), ("each", "counts")])
        .from("bucket")
        .take()
}

pub(super) fn array_agg<C: IntoColumnRef>(column: C) -> FunctionCall {
    Func::cust("array_agg").arg(Expr::col(column))
}

/// Ranks the consumers of `counted`, folds them to the top n and Other, and gives each series every bucket.
pub(super) fn grid(with: &mut WithClause, model: &UsageModel, top: i64) -> SelectStatement {
    let unnest = |array: &'static str| Func::cust("unnest").arg(Expr::col(array));
    let mut cell = SelectStatement::new();
    cell.expr_as(unnest("consumers"), "consumer_id").expr_as(unnest("counts"), "query_count").from("counted");
    let mut member = SelectStatement::new();
    member
        .column("consumer_id")
        .expr_as(Func::sum(Expr::col("query_count")), "query_count")
        .from_subquery(cell, "cell")
        .group_by_col("consumer_id");
    let ranked = sql::ranked("consumer_id", &["query_count"], sql::by_count_then("consumer_id"));
    // looked up in each bucket, and Other is the rest: joining all consumers' counts to their ranks and summing them
    // again would cost more than the scan
    let found =
        Expr::cust(r#""counted"."counts"[array_position("counted"."consumers", "ranked"."consumer_id")]"#);
    let mut of_top = SelectStatement::new();
    of_top
        .column(("ranked", "rank"))
        .columns([("counted", "start"), ("counted", "partial")])
        .expr_as(Func::coalesce([found, Expr::cust("0")]), "query_count")
        .expr_as(Expr::col(("counted", "query_count")), "total")
        .from("ranked")
        .cross_join("counted")
        .and_where(Expr::col(("ranked", "rank")).lte(top));
    let rest = Expr::col("total").sub(Func::sum(Expr::col("query_count")));
    let mut of_other = SelectStatement::new();
    of_other
        .expr_as(Expr::cust("NULL"), "rank")
        .columns(["start", "partial"])
        .expr_as(rest, "query_count")
        .from("of_top")
        .group_by_columns(["start", "partial", "total"]);
    let mut point = SelectStatement::new();
    point.columns(["rank", "start", "partial", "query_count"]).from("of_top").union(UnionType::All, of_other);
    with.cte(sql::materialized("member", member))
        .cte(sql::cte("ranked", ranked))
        .cte(sql::cte("series", sql::top_and_other("ranked", "consumer_id", &["query_count"], top)))
        .cte(sql::materialized("of_top", of_top))
        .cte(sql::cte("point", point));

    let column = |name: &'static str| Expr::col(("series", name));
    let number = |of: &'static str| Expr::from(Func::coalesce([Expr::col((of, "rank")), Expr::cust("0")]));
    let mut grid = SelectStatement::new();
    grid.expr_as(column("consumer_id").cast_as("uuid"), "consumer_id")
        .expr_as(column("rank").cast_as("bigint"), "rank")
        .expr_as(column("members").cast_as("bigint"), "members")
        .expr_as(Expr::col(("point", "start")).cast_as("date"), "bucket")
        .expr_as(Expr::col(("point", "query_count")).cast_as("bigint"), "query_count")
        .expr_as(Expr::col(("point", "partial")).cast_as("boolean"), "partial")
        .from("point")
        .join(JoinType::InnerJoin, "series", number("series").eq(number("point")));
    sql::label(&mut grid, &model.0.consumers, ("series", "consumer_id"));
    grid
}
