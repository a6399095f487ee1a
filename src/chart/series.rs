//! Series: one row each, its counts in an array.

use sea_query::{Expr, ExprTrait, Func, FunctionCall, IntoColumnRef, SelectStatement, UnionType, WithClause};

use super::MAX_POINTS;
use super::bucket::Bucket;
use super::buckets::Buckets;
use super::coverage::Coverage;
use super::coverage_of::CoverageOf;
use super::sql::{self, PortDays};
use super::summary::facts;
use crate::model::{Column, Parent};
use crate::row::{Columns, FlatRecord};
use crate::time::Granularity;

/// What a reader of the statements is told first.
pub(super) const fn why(granularity: Granularity) -> &'static str {
    match granularity {
        Granularity::Day => BY_DAY,
        _ => BY_BUCKET,
    }
}

const BY_BUCKET: &str = "the counts of a consumer are folded into two arrays, the places of its buckets and \
their counts, because sorting, joining and sending a row for each consumer and bucket would take longer than the scan";

const BY_DAY: &str = "the counts of a consumer are folded into two arrays, the places of its buckets and \
their counts, because sorting, joining and sending a row for each consumer and bucket would take longer than the scan; xid has no \
order, so that a plan for any values hashes the consumers and does not sort all rows";

/// Reads the columns `buckets`, `places` and `counts` as one count for each bucket.
pub(super) fn read<C: Columns>(row: &C) -> Result<Vec<i64>, C::Error> {
    let buckets = row.count("buckets")?.clamp(0, MAX_POINTS as i64);
    let (places, counts) = (row.counts("places")?, row.counts("counts")?);
    let mut dense = vec![0; buckets as usize];
    for (place, count) in places.into_iter().zip(counts) {
        if let Some(bucket) = usize::try_from(place).ok().and_then(|place| dense.get_mut(place)) {
            *bucket = count;
        }
    }
    Ok(dense)
}

/// The columns that [`read`] reads.
pub(super) fn columns(select: &mut SelectStatement, buckets: Expr, places: Expr, counts: Expr) {
    select
        .expr_as(buckets.cast_as("bigint"), "buckets")
        .expr_as(places.cast_as("bigint[]"), "places")
        .expr_as(counts.cast_as("bigint[]"), "counts");
}

/// The records of a series: one for each bucket, with what `series` says of it.
pub(super) fn records(
    axis: &[Bucket],
    counts: &[i64],
    coverage: Option<&[Coverage]>,
    series: impl Fn(&mut FlatRecord),
) -> Vec<FlatRecord> {
    let buckets = axis.iter().zip(counts).enumerate();
    buckets
        .map(|(number, (bucket, count))| {
            let mut record = FlatRecord::new();
            series(&mut record);
            record.date("bucket", bucket.start).count("query_count", *count).flag("partial", bucket.partial);
            if let Some(coverage) = coverage.and_then(|coverage| coverage.get(number)) {
                record.text("coverage", coverage.word());
            }
            record
        })
        .collect()
}

/// How many buckets the chart has.
pub(super) fn length(buckets: &Buckets) -> Expr {
    Expr::val(i64::try_from(buckets.count()).unwrap_or(i64::MAX))
}

/// The one scan of a chart with a series for each of the top consumers, and one for Other.
pub(super) struct Split {
    /// A CTE `ranked(consumer_id, query_count, places, counts, rank)`: the consumers that have queries, each with its
    /// buckets that have any, and what it is made of.
    pub(super) with: WithClause,
    /// `place, query_count` of the buckets in which consumers outside the top have queries.
    rest: SelectStatement,
    /// All queries of the days: one row `query_count, consumers, active_days, last_used`, where it was asked for.
    pub(super) summary: SelectStatement,
    top: i64,
    length: Expr,
    /// The coverage of each bucket.
    letters: Expr,
}

impl Split {
    /// The scan of a split.
    pub(super) fn new(rows: &PortDays, buckets: Buckets, coverage: &CoverageOf, top: i64) -> Self {
        Self::of(rows, buckets, coverage, top, Of::Series)
    }

    /// The same scan with a summary.
    pub(super) fn with_summary(rows: &PortDays, buckets: Buckets, coverage: &CoverageOf, top: i64) -> Self {
        Self::of(rows, buckets, coverage, top, Of::SeriesAndSummary)
    }

    fn of(rows: &PortDays, buckets: Buckets, coverage: &CoverageOf, top: i64, of: Of) -> Self {
        let mut with = WithClause::new();
        if coverage.is_kept() {
            coverage.add_to(&mut with);
        }
        let by_day = buckets.granularity() == Granularity::Day;
        if !by_day {
            with.cte(buckets.cte_with_place());
        } else if coverage.is_kept() {
            with.cte(buckets.cte());
        }
        coverage.add_letters(&mut with, &buckets);
        let letters = coverage.letters();
        match by_day {
            true => Self::by_day(with, rows, &buckets, letters, top, of),
            false => Self::by_bucket(with, rows, &buckets, letters, top, of),
        }
    }

    /// Rows of the facts become elements of arrays as they are: the key says that they are sums already.
    fn by_day(
        mut with: WithClause,
        rows: &PortDays,
        buckets: &Buckets,
        letters: Expr,
        top: i64,
        of: Of,
    ) -> Self {
        let mut member = rows.scan();
        let place = buckets.place(Expr::col(rows.column(Column::Date)));
        member
            .expr_as(Expr::col(rows.column(Column::ConsumerId)), "consumer_id")
            .expr_as(rows.sum(), "query_count")
            .expr_as(array_agg_of(place), "places")
            .expr_as(array_agg(rows.column(Column::QueryCount)), "counts")
            .group_by_col(rows.column(Column::ConsumerId))
            // a type that cannot be sorted: a plan for any values expects so few rows of a table of many output ports
            // that it would sort those of a heavy one, on disk
            .add_group_by([Expr::cust("'0'").cast_as("xid")])
            .and_having(rows.sum().gt(Expr::cust("0")));
        let mut ranked = ranked();
        ranked.from_subquery(member, "member");
        with.cte(sql::materialized("ranked", ranked));

        let outside = Expr::col("rank").gt(top);
        let count = || Expr::from(Func::sum(Expr::col("query_count")));
        let mut cell = pairs("ranked");
        let mut rest = SelectStatement::new();
        rest.column("place").group_by_col("place");
        if of == Of::Series {
            cell.and_where(outside);
            rest.expr_as(count(), "query_count").from_subquery(cell, "cell");
            return Self {
                with,
                rest,
                summary: SelectStatement::new(),
                top,
                length: length(buckets),
                letters,
            };
        }
        cell.column("rank");
        let mut day = SelectStatement::new();
        day.column("place")
            .expr_as(count(), "query_count")
            .expr_as(Func::sum(Expr::col("query_count")).filter(outside), "rest")
            .from_subquery(cell, "cell")
            .group_by_col("place");
        with.cte(sql::materialized("day", day));
        let rest = SelectStatement::new()
            .column("place")
            .expr_as(Expr::col("rest"), "query_count")
            .from("day")
            .and_where(Expr::col("rest").gt(Expr::cust("0")))
            .take();
        let last = buckets.first_day().add(Expr::from(Func::max(Expr::col("place"))));
        let mut summary = summary(Expr::from(Func::count(Expr::cust("*"))), last);
        summary.from("day").and_where(Expr::col("query_count").gt(Expr::cust("0")));
        Self { with, rest, summary, top, length: length(buckets), letters }
    }

    /// Each bucket is summed by consumer first, and as a whole, for which a consumer that is NULL stands.
    fn by_bucket(
        mut with: WithClause,
        rows: &PortDays,
        buckets: &Buckets,
        letters: Expr,
        top: i64,
        of: Of,
    ) -> Self {
        let count = || Expr::from(Func::sum(Expr::col("query_count")));
        let mut each = SelectStatement::new();
        each.column("consumer_id")
            .expr_as(count(), "query_count")
            .from_subquery(facts(rows, buckets.scan(rows)), "fact")
            .and_having(count().gt(Expr::cust("0")));
        let mut counted = SelectStatement::new();
        counted
            .column(("each", "consumer_id"))
            .expr_as(Func::sum(Expr::col(("each", "query_count"))), "query_count")
            .expr_as(array_agg(("bucket", "place")), "places")
            .expr_as(array_agg(("each", "query_count")), "counts")
            .from("bucket")
            .group_by_col(("each", "consumer_id"));
        match of {
            Of::Series => {
                each.add_group_by([Expr::cust(r#"GROUPING SETS (("consumer_id"), ())"#)]);
            }
            Of::SeriesAndSummary => {
                // by day, which is the order of the key, so that consumers alone are hashed
                each.column("date")
                    .add_group_by([Expr::cust(r#"GROUPING SETS (("date"), ("consumer_id"))"#)]);
                counted
                    .expr_as(Func::cust("pg_catalog.count").arg(Expr::col(("each", "date"))), "active_days")
                    .expr_as(Func::max(Expr::col(("each", "date"))), "last_used");
            }
        }
        sql::join_each(&mut counted, each, "each");
        let mut ranked = ranked();
        ranked.from("counted").and_where(Expr::col("consumer_id").is_not_null());
        with.cte(sql::materialized("counted", counted)).cte(sql::materialized("ranked", ranked));

        // everything without the top
        let mut cell = pairs("counted");
        cell.and_where(Expr::col("consumer_id").is_null());
        let mut of_top = SelectStatement::new();
        of_top
            .expr_as(unnest("places"), "place")
            .expr_as(Expr::cust("0").sub(unnest("counts")), "query_count")
            .from("ranked")
            .and_where(Expr::col("rank").lte(top));
        cell.union(UnionType::All, of_top);
        let rest = SelectStatement::new()
            .column("place")
            .expr_as(count(), "query_count")
            .from_subquery(cell, "cell")
            .group_by_col("place")
            // the sum of sums is numeric, whose comparison with an integer another schema may have
            .and_having(count().cast_as("bigint").gt(Expr::cust("0")))
            .take();
        let active_days = Func::sum(Expr::col("active_days"));
        let mut summary = summary(active_days.into(), Func::max(Expr::col("last_used")).into());
        summary.from("counted").and_where(Expr::col("consumer_id").is_null());
        Self { with, rest, summary, top, length: length(buckets), letters }
    }

    /// The rows of the series, to be ordered by `rank`: the top, and Other.
    pub(super) fn rows(&self, consumers: &Parent) -> SelectStatement {
        let column = |name: &'static str| Expr::col(("ranked", name));
        let mut of_top = SelectStatement::new();
        of_top
            .expr_as(column("consumer_id").cast_as("uuid"), "consumer_id")
            .expr_as(column("rank").cast_as("bigint"), "rank")
            .expr_as(sql::null("bigint"), "members")
            .expr_as(column("query_count").cast_as("bigint"), "query_count");
        columns(&mut of_top, self.length.clone(), column("places"), column("counts"));
        of_top
            .expr_as(label(consumers, column("consumer_id")), "label")
            .expr_as(self.letters.clone(), "coverage")
            .from("ranked")
            .and_where(column("rank").lte(self.top));

        let mut members = SelectStatement::new();
        members.expr(Func::count(Expr::cust("*"))).from("ranked").and_where(Expr::col("rank").gt(self.top));
        let count = Func::sum(Expr::col("query_count"));
        let mut of_other = SelectStatement::new();
        of_other
            .expr_as(sql::null("uuid"), "consumer_id")
            .expr_as(sql::null("bigint"), "rank")
            .expr_as(sql::subquery(members).cast_as("bigint"), "members")
            .expr_as(Expr::from(count).cast_as("bigint"), "query_count");
        let (places, counts) = (array_agg("place"), array_agg("query_count"));
        columns(&mut of_other, self.length.clone(), places.into(), counts.into());
        of_other
            .expr_as(sql::null("text"), "label")
            .expr_as(self.letters.clone(), "coverage")
            .from_subquery(self.rest.clone(), "rest")
            .and_having(Expr::from(Func::count(Expr::cust("*"))).gt(Expr::cust("0")));
        of_top.union(UnionType::All, of_other);
        of_top
    }
}

/// What of the scan is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Series,
    SeriesAndSummary,
}

fn ranked() -> SelectStatement {
    let order = sql::by_count_then("consumer_id");
    SelectStatement::new()
        .columns(["consumer_id", "query_count", "places", "counts"])
        .expr_window_as(Func::cust("row_number"), order, "rank")
        .take()
}

fn summary(active_days: Expr, last_used: Expr) -> SelectStatement {
    let mut consumers = SelectStatement::new();
    consumers.expr(Func::count(Expr::cust("*"))).from("ranked");
    let or_zero = |count: Expr| Expr::from(Func::coalesce([count, Expr::cust("0")])).cast_as("bigint");
    SelectStatement::new()
        .expr_as(or_zero(Func::sum(Expr::col("query_count")).into()), "query_count")
        .expr_as(sql::subquery(consumers).cast_as("bigint"), "consumers")
        .expr_as(or_zero(active_days), "active_days")
        .expr_as(last_used.cast_as("date"), "last_used")
        .take()
}

/// The elements of the arrays, a row each.
fn pairs(of: &'static str) -> SelectStatement {
    SelectStatement::new()
        .expr_as(unnest("places"), "place")
        .expr_as(unnest("counts"), "query_count")
        .from(of)
        .take()
}

fn unnest(array: &'static str) -> Expr {
    Func::cust("pg_catalog.unnest").arg(Expr::col(array)).into()
}

pub(super) fn array_agg<C: IntoColumnRef>(column: C) -> FunctionCall {
    array_agg_of(Expr::col(column))
}

fn array_agg_of(value: Expr) -> FunctionCall {
    Func::cust("pg_catalog.array_agg").arg(value)
}

/// The label of an id, looked up: the first by name where the parent table has the id more than once, NULL without one.
fn label(parent: &Parent, id: Expr) -> Expr {
    let Some(label) = parent.label.clone() else { return sql::null("text") };
    let mut first = SelectStatement::new();
    first
        .expr(Func::min(Expr::col(("labelled", label)).cast_as("text")))
        .from_as(parent.table_ref(), "labelled")
        .and_where(Expr::col(("labelled", parent.key.clone())).eq(id));
    sql::subquery(first).cast_as("text")
}
