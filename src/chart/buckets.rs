//! The time axis: the buckets of a chart as rows, and as places of an array.

use std::ops::Range;

use chrono::{Datelike, NaiveDate};
use sea_query::{
    ArrayType, CommonTableExpression, Expr, ExprTrait, Func, JoinType, SelectStatement, Value, WithClause,
};

use super::MAX_POINTS;
use super::bucket::Bucket;
use super::comparison::Comparison;
use super::facts::Facts;
use super::sql;
use crate::error::{Error, Kind};
use crate::model::Column;
use crate::time::{Days, Granularity};

/// The buckets that the days of a chart touch, as the rows of a CTE `bucket(start, end)`.
pub(super) struct Buckets {
    granularity: Granularity,
    days: Days,
}

impl Buckets {
    /// The buckets of `days`, for a chart of so many series.
    ///
    /// # Errors
    ///
    /// More than [`MAX_POINTS`](super::MAX_POINTS) points.
    pub(super) fn new(granularity: Granularity, days: Days, series: u64) -> Result<Self, Error> {
        let buckets = Self { granularity, days };
        let points = buckets.count().saturating_mul(series);
        match points <= MAX_POINTS {
            true => Ok(buckets),
            false => Err(Kind::TooManyPoints { points, most: MAX_POINTS }.into()),
        }
    }

    /// The same buckets, without the database.
    pub(super) fn axis(&self) -> Vec<Bucket> {
        let mut start = self.first();
        let mut axis = Vec::new();
        while start < self.days.end() {
            let end = self.granularity.next_bucket(start);
            axis.push(Bucket::new(start, start < self.days.start() || end > self.days.end()));
            start = end;
        }
        axis
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        u64::from(self.steps().unsigned_abs()) + 1
    }

    pub(super) fn cte(&self) -> CommonTableExpression {
        // once a bucket, however many rows the chart has of it
        sql::materialized("bucket", self.bounds())
    }

    /// As [`cte`](Self::cte), with the bucket's `place` on the axis from 0; not of days.
    pub(super) fn cte_with_place(&self) -> CommonTableExpression {
        let mut bounds = self.bounds();
        let places = (0..=self.steps()).map(Value::from).collect();
        let places = Value::Array(ArrayType::Int, Some(Box::new(places)));
        bounds.expr_as(unnest(places, "integer[]"), "place");
        sql::materialized("bucket", bounds)
    }

    /// As [`cte`](Self::cte), with the bounds of those of the `earlier` days that each bucket is compared with; not of
    /// days.
    pub(super) fn cte_with_before(
        &self,
        comparison: Comparison,
        earlier: &Range<NaiveDate>,
    ) -> CommonTableExpression {
        let axis = self.axis();
        let back = |bound: NaiveDate| {
            let moved = comparison.back(self.days, bound).unwrap_or(bound);
            moved.clamp(earlier.start, earlier.end)
        };
        let starts = axis.iter().map(|bucket| back(bucket.start));
        let ends = axis.iter().map(|bucket| back(self.granularity.next_bucket(bucket.start)));
        let mut bounds = self.bounds();
        bounds.expr_as(unnest(dates(starts), "date[]"), "start_before");
        bounds.expr_as(unnest(dates(ends), "date[]"), "end_before");
        sql::materialized("bucket", bounds)
    }

    /// `start` and, but of days, `end` of each bucket.
    fn bounds(&self) -> SelectStatement {
        let mut bounds = SelectStatement::new();
        if self.granularity == Granularity::Day {
            // integers, because the planner then knows how many rows to expect, and because generate_series over
            // dates would go through the session's time zone
            let series = Func::cust("generate_series").args([Expr::cust("0"), self.last_place()]);
            let start = self.first_day().add(Expr::col(("step", "step")));
            bounds.expr_as(start, "start").from_function(series, "step");
            // there are no more; but of a limit that is a parameter the planner expects a tenth of the rows, which it
            // takes to be a thousand, so that it may keep a plan for any values
            sql::limit(&mut bounds, i64::from(self.steps()) + 1);
            return bounds;
        }
        // not computed from a series: where its length is a parameter, the planner expects a thousand buckets, so that
        // it would never keep a plan for any values, and plan each execution anew
        let axis = self.axis();
        let ends = axis.iter().map(|bucket| self.granularity.next_bucket(bucket.start));
        bounds.expr_as(unnest(dates(axis.iter().map(|bucket| bucket.start)), "date[]"), "start");
        bounds.expr_as(unnest(dates(ends), "date[]"), "end").take()
    }

    fn first(&self) -> NaiveDate {
        self.granularity.bucket(self.days.start())
    }

    /// The first day of the first bucket.
    pub(super) fn first_day(&self) -> Expr {
        Expr::val(self.first()).cast_as("date")
    }

    /// The last bucket's place on the axis, which begins at 0.
    pub(super) fn last_place(&self) -> Expr {
        Expr::val(self.steps()).cast_as("integer")
    }

    /// How many buckets lie between the first and the last.
    fn steps(&self) -> i32 {
        let first = self.first();
        let last = self.days.last();
        let months = |day: NaiveDate| day.year() * 12 + day.month0() as i32;
        let (days, months) = ((last - first).num_days() as i32, months(last) - months(first));
        match self.granularity {
            Granularity::Day => days,
            Granularity::Week => days / 7,
            Granularity::Month => months,
            Granularity::Quarter => months / 3,
            Granularity::Year => months / 12,
        }
    }

    /// The first day of the bucket.
    pub(super) fn start(&self) -> Expr {
        Expr::col(("bucket", "start"))
    }

    /// The first day after the bucket; not of days, which need none.
    pub(super) fn end(&self) -> Expr {
        Expr::col(("bucket", "end"))
    }

    /// The first of the requested days that the bucket is compared with.
    pub(super) fn start_before(&self) -> Expr {
        Expr::col(("bucket", "start_before"))
    }

    /// The first day after them.
    pub(super) fn end_before(&self) -> Expr {
        Expr::col(("bucket", "end_before"))
    }

    /// Whether the bucket holds days that the chart does not.
    pub(super) fn partial(&self) -> Expr {
        if self.granularity == Granularity::Day {
            return Expr::cust("FALSE").cast_as("boolean");
        }
        self.start().lt(self.days.start()).or(self.end().gt(self.days.end())).cast_as("boolean")
    }

    /// The rows of the bucket: a few buffers for each, and no date arithmetic per row.
    pub(super) fn scan(&self, rows: &Facts) -> SelectStatement {
        rows.scan_when(|date, select| {
            select.and_where(date.clone().gte(self.start())).and_where(date.lt(self.end()))
        })
    }

    /// Joins the sums of the rows as `counted(query_count)`; NULL in a bucket without rows.
    pub(super) fn join_sums(&self, with: &mut WithClause, select: &mut SelectStatement, rows: &Facts) {
        if self.granularity != Granularity::Day && !rows.is_one_run() {
            // all days first: each bucket would read every output port's key for itself
            with.cte(sql::materialized("daily", rows.sum_by(Column::Date, "date")));
            sql::join_each(select, sum_of("daily", self.start(), self.end()), "counted");
        } else if self.granularity == Granularity::Day {
            let counted = rows.sum_by(Column::Date, "date");
            let on = Expr::col(("counted", "date")).eq(self.start());
            select.join_subquery(JoinType::LeftJoin, counted, "counted", on);
        } else {
            let mut counted = self.scan(rows);
            counted.expr_as(rows.sum(), "query_count");
            sql::join_each(select, counted, "counted");
        }
    }

    /// The place on the axis, from 0, of the bucket that holds a day; for what is not driven by bucket.
    pub(super) fn place(&self, day: Expr) -> Expr {
        match self.granularity {
            Granularity::Day => return day.sub(self.first_day()),
            Granularity::Week => return day.sub(self.first_day()).div(Expr::cust("7")),
            _ => {}
        }
        // a binary search
        let starts = dates(self.axis().iter().map(|bucket| bucket.start));
        let number = Func::cust("pg_catalog.width_bucket").args([day, Expr::val(starts).cast_as("date[]")]);
        Expr::from(number).sub(Expr::cust("1"))
    }

    pub(super) fn granularity(&self) -> Granularity {
        self.granularity
    }
}

/// The sum of a CTE `date, query_count` from a day until another.
pub(super) fn sum_of(daily: &'static str, from: Expr, until: Expr) -> SelectStatement {
    SelectStatement::new()
        .expr_as(Func::sum(Expr::col("query_count")), "query_count")
        .from(daily)
        .and_where(Expr::col("date").gte(from))
        .and_where(Expr::col("date").lt(until))
        .take()
}

/// One array parameter of days.
fn dates(days: impl Iterator<Item = NaiveDate>) -> Value {
    Value::Array(ArrayType::ChronoDate, Some(Box::new(days.map(Value::from).collect())))
}

/// The elements of an array parameter, a row each.
fn unnest(array: Value, of_type: &'static str) -> Expr {
    Func::cust("pg_catalog.unnest").arg(Expr::val(array).cast_as(of_type)).into()
}
