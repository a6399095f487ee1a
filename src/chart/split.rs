//! The one scan of a chart that is split into series.

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{
    Expr, ExprTrait, Func, JoinType, NullOrdering, Order, SelectStatement, UnionType, WithClause,
};

use super::buckets::Buckets;
use super::coverage_of::CoverageOf;
use super::facts::Facts;
use super::series::{array_agg, array_agg_of, columns, length};
use super::summary::facts;
use super::{comparison, groups, member, sql};
use crate::error::Error;
use crate::model::{Column, Parent, UsageModel};
use crate::time::Granularity;

/// The one scan of a chart with a series for each of the top members, and one for Other.
pub(super) struct Split {
    /// A CTE `ranked`, of the member's id, `query_count, places, counts, rank`: the members that have queries, each with
    /// its buckets that have any, and what it is made of.
    pub(super) with: WithClause,
    /// `place, query_count` of the buckets in which members outside the top have queries.
    rest: SelectStatement,
    /// All queries of the days: one row `query_count, consumers, active_days, last_used`, where it was asked for.
    pub(super) summary: SelectStatement,
    by: member::Kind,
    top: i64,
    length: Expr,
    /// The coverage of each bucket.
    letters: Expr,
    earlier: Option<Earlier>,
}

/// What is known of the days that a split is compared with, beside a CTE `before` of the member's id and `query_count`.
struct Earlier {
    /// Whether both periods were measured.
    complete: Option<Expr>,
    coverage: Expr,
}

/// What a split is made from.
pub(super) struct Asked<'a> {
    pub(super) model: &'a UsageModel,
    pub(super) rows: Facts<'a>,
    pub(super) buckets: Buckets,
    pub(super) coverage: CoverageOf<'a>,
    pub(super) by: member::Kind,
    pub(super) top: u32,
    pub(super) of: Of,
    /// The days that it is compared with.
    pub(super) before: Option<Range<NaiveDate>>,
}

/// What of the scan is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Series,
    SeriesAndSummary,
}

impl Asked<'_> {
    /// The scan.
    ///
    /// # Errors
    ///
    /// A top n of zero; groups of a model that has none.
    pub(super) fn split(&self) -> Result<Split, Error> {
        let Self { buckets, coverage, .. } = self;
        let top = sql::check_top(self.by.top(), self.top)?;
        let mut with = WithClause::new();
        if coverage.is_kept() {
            coverage.add_to(&mut with);
        }
        // consumers alone are summed a bucket at a time, and only if each bucket is a run of the key
        let by_bucket = buckets.granularity() != Granularity::Day
            && self.by == member::Kind::Consumer
            && self.rows.is_one_run();
        if by_bucket {
            with.cte(buckets.cte_with_place());
        } else if coverage.is_kept() && buckets.granularity() != Granularity::Day {
            with.cte(buckets.cte());
        }
        coverage.add_letters(&mut with, buckets);
        let mut split = Split {
            with,
            rest: SelectStatement::new(),
            summary: SelectStatement::new(),
            by: self.by,
            top,
            length: length(buckets),
            letters: coverage.letters(),
            earlier: None,
        };
        match by_bucket {
            true => split.by_bucket(self),
            false => split.by_place(self)?,
        }
        if let Some(before) = &self.before {
            self.sums_before(&mut split.with, &self.rows.during(before.clone()))?;
            split.earlier = Some(Earlier { complete: coverage.complete(), coverage: coverage.word_before() });
        }
        Ok(split)
    }

    /// The cells of the members that the facts have, each with its place: its id, place and count, to be aggregated.
    fn cells(&self) -> (SelectStatement, Expr, Expr, Expr) {
        let (rows, id) = (&self.rows, self.scanned());
        let column = match id {
            member::Kind::OutputPort => Column::OutputPortId,
            _ => Column::ConsumerId,
        };
        let place = self.buckets.place(Expr::col(rows.column(Column::Date)));
        let by = Expr::col(rows.column(column));
        // rows of the facts become cells as they are where they are sums already
        if self.buckets.granularity() == Granularity::Day && rows.are_sums_by(column) {
            return (rows.scan(), by, place, Expr::col(rows.column(Column::QueryCount)));
        }
        let mut sums = rows.scan();
        sums.expr_as(by, id.id())
            .expr_as(place, "place")
            .expr_as(rows.sum(), "query_count")
            .add_group_by([Expr::cust("1"), Expr::cust("2")]);
        let cells = SelectStatement::new().from_subquery(sums, "cell").take();
        (cells, Expr::col(id.id()), Expr::col("place"), Expr::col("query_count"))
    }

    /// The sums of the earlier days.
    fn sums_before(&self, with: &mut WithClause, rows: &Facts) -> Result<(), Error> {
        let before = match self.by {
            member::Kind::Consumer => rows.sum_by(Column::ConsumerId, "consumer_id"),
            member::Kind::OutputPort => rows.sum_by(Column::OutputPortId, "output_port_id"),
            member::Kind::Group => {
                let by_consumer = rows.sum_by(Column::ConsumerId, "consumer_id");
                with.cte(sql::materialized("consumer_before", by_consumer));
                groups::sums("consumer_before", self.model, &["query_count"])?
            }
        };
        with.cte(sql::materialized("before", before));
        Ok(())
    }

    /// The members that the facts have.
    fn scanned(&self) -> member::Kind {
        match self.by {
            member::Kind::OutputPort => member::Kind::OutputPort,
            member::Kind::Consumer | member::Kind::Group => member::Kind::Consumer,
        }
    }
}

impl Split {
    /// Cells become elements of arrays as they are.
    fn by_place(&mut self, asked: &Asked) -> Result<(), Error> {
        let (mut member, id, place, cell) = asked.cells();
        let sum = || Expr::from(Func::sum(cell.clone()));
        member
            .expr_as(id.clone(), asked.scanned().id())
            .expr_as(sum(), "query_count")
            .expr_as(array_agg_of(place), "places")
            .expr_as(array_agg_of(cell.clone()), "counts")
            .add_group_by([id])
            // a type that cannot be sorted: a plan for any values expects so few rows of a table of many output ports
            // that it would sort those of a heavy one, on disk
            .add_group_by([Expr::cust("'0'").cast_as("xid")])
            .and_having(sum().cast_as("bigint").gt(Expr::cust("0")));
        let mut ranked = self.ranked();
        match self.by {
            member::Kind::Group => {
                self.with.cte(sql::materialized("consumer", member));
                self.with.cte(sql::materialized("member", groups::series(asked.model)?));
                ranked.from("member").and_where(Expr::col("group_id").is_not_null());
            }
            _ => {
                ranked.from_subquery(member, "member");
            }
        }
        self.with.cte(sql::materialized("ranked", ranked));

        let outside = Expr::col("rank").gt(self.top);
        let count = || Expr::from(Func::sum(Expr::col("query_count")));
        let mut cell = pairs("ranked");
        self.rest.column("place").group_by_col("place");
        if asked.of == Of::Series {
            cell.and_where(outside);
            self.rest.expr_as(count(), "query_count").from_subquery(cell, "cell");
            return Ok(());
        }
        cell.column("rank");
        let mut day = SelectStatement::new();
        day.column("place")
            .expr_as(count(), "query_count")
            .expr_as(Func::sum(Expr::col("query_count")).filter(outside), "rest")
            .from_subquery(cell, "cell")
            .group_by_col("place");
        self.with.cte(sql::materialized("day", day));
        self.rest = SelectStatement::new()
            .column("place")
            .expr_as(Expr::col("rest"), "query_count")
            .from("day")
            .and_where(Expr::col("rest").gt(Expr::cust("0")))
            .take();
        let last = asked.buckets.first_day().add(Expr::from(Func::max(Expr::col("place"))));
        self.summary = summary(Expr::from(Func::count(Expr::cust("*"))), last);
        self.summary.from("day").and_where(Expr::col("query_count").gt(Expr::cust("0")));
        Ok(())
    }

    /// Each bucket is summed by consumer first, and as a whole, for which a consumer that is NULL stands.
    fn by_bucket(&mut self, asked: &Asked) {
        let (rows, buckets) = (&asked.rows, &asked.buckets);
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
        match asked.of {
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
        let mut ranked = self.ranked();
        ranked.from("counted").and_where(Expr::col("consumer_id").is_not_null());
        self.with.cte(sql::materialized("counted", counted)).cte(sql::materialized("ranked", ranked));

        // everything without the top
        let mut cell = pairs("counted");
        cell.and_where(Expr::col("consumer_id").is_null());
        let mut of_top = SelectStatement::new();
        of_top
            .expr_as(unnest("places"), "place")
            .expr_as(Expr::cust("0").sub(unnest("counts")), "query_count")
            .from("ranked")
            .and_where(Expr::col("rank").lte(self.top));
        cell.union(UnionType::All, of_top);
        self.rest = SelectStatement::new()
            .column("place")
            .expr_as(count(), "query_count")
            .from_subquery(cell, "cell")
            .group_by_col("place")
            // the sum of sums is numeric, whose comparison with an integer another schema may have
            .and_having(count().cast_as("bigint").gt(Expr::cust("0")))
            .take();
        let active_days = Func::sum(Expr::col("active_days"));
        self.summary = summary(active_days.into(), Func::max(Expr::col("last_used")).into());
        self.summary.from("counted").and_where(Expr::col("consumer_id").is_null());
    }

    fn ranked(&self) -> SelectStatement {
        let order = sql::by_count_then(self.by.id());
        SelectStatement::new()
            .columns([self.by.id(), "query_count", "places", "counts"])
            .expr_window_as(Func::cust("row_number"), order, "rank")
            .take()
    }

    /// The rows of the series, to be put in [`order`]: the top, those without a group, and Other.
    pub(super) fn rows(&self, parent: &Parent) -> SelectStatement {
        let column = |name: &'static str| Expr::col(("ranked", name));
        let mut rows = SelectStatement::new();
        rows.expr_as(Expr::cust(self.by.word()).cast_as("text"), "kind")
            .expr_as(column(self.by.id()).cast_as("uuid"), "id")
            .expr_as(column("rank").cast_as("bigint"), "rank")
            .expr_as(sql::null("bigint"), "members")
            .expr_as(column("query_count").cast_as("bigint"), "query_count");
        columns(&mut rows, self.length.clone(), column("places"), column("counts"));
        rows.expr_as(sql::first_label(parent, column(self.by.id())), "label")
            .expr_as(self.letters.clone(), "coverage")
            .from("ranked")
            .and_where(column("rank").lte(self.top));
        if self.earlier.is_some() {
            let on = Expr::col(("before", self.by.id())).equals(("ranked", self.by.id()));
            rows.join(JoinType::LeftJoin, "before", on);
        }
        self.change(&mut rows, column("query_count"), Expr::col(("before", "query_count")));

        if self.by == member::Kind::Group {
            let mut none = self.row_of("'no_group'", sql::null("bigint"), Expr::col("query_count"));
            columns(&mut none, self.length.clone(), Expr::col("places"), Expr::col("counts"));
            none.expr_as(sql::null("text"), "label")
                .expr_as(self.letters.clone(), "coverage")
                .from("member")
                .and_where(Expr::col("group_id").is_null());
            let mut before = SelectStatement::new();
            before.column("query_count").from("before").and_where(Expr::col("group_id").is_null());
            self.change(&mut none, Expr::col("query_count"), sql::subquery(before));
            rows.union(UnionType::All, none);
        }
        let mut members = SelectStatement::new();
        members.expr(Func::count(Expr::cust("*"))).from("ranked").and_where(Expr::col("rank").gt(self.top));
        let count = Expr::from(Func::sum(Expr::col("query_count")));
        let mut other = self.row_of("'other'", sql::subquery(members).cast_as("bigint"), count.clone());
        let (places, counts) = (array_agg("place"), array_agg("query_count"));
        columns(&mut other, self.length.clone(), places.into(), counts.into());
        other
            .expr_as(sql::null("text"), "label")
            .expr_as(self.letters.clone(), "coverage")
            .from_subquery(self.rest.clone(), "rest")
            .and_having(Expr::from(Func::count(Expr::cust("*"))).gt(Expr::cust("0")));
        let id = self.by.id();
        let mut before = SelectStatement::new();
        before
            .expr(Func::sum(Expr::col(("before", "query_count"))))
            .from("before")
            .join(JoinType::InnerJoin, "ranked", Expr::col(("ranked", id)).equals(("before", id)))
            .and_where(column("rank").gt(self.top));
        self.change(&mut other, count, sql::subquery(before));
        rows.union(UnionType::All, other);
        rows
    }

    /// Adds the columns of a comparison to a row with these counts.
    pub(super) fn change(&self, select: &mut SelectStatement, now: Expr, before: Expr) {
        if let Some(earlier) = &self.earlier {
            comparison::change(select, now, before, earlier.complete.clone());
            select.expr_as(earlier.coverage.clone(), "previous_coverage");
        }
    }

    /// The first columns of a row without an id.
    fn row_of(&self, kind: &'static str, members: Expr, count: Expr) -> SelectStatement {
        SelectStatement::new()
            .expr_as(Expr::cust(kind).cast_as("text"), "kind")
            .expr_as(sql::null("uuid"), "id")
            .expr_as(sql::null("bigint"), "rank")
            .expr_as(members, "members")
            .expr_as(count.cast_as("bigint"), "query_count")
            .take()
    }
}

/// The order of the series: by rank; then those without a group, who have no members; then Other.
pub(super) fn order(select: &mut SelectStatement) {
    sql::order_by_rank(select, "rank");
    select.order_by_with_nulls("members", Order::Asc, NullOrdering::First);
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
