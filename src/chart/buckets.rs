//! The time axis: the buckets of a chart as rows.

use chrono::{Datelike, NaiveDate};
use sea_query::{CommonTableExpression, Expr, ExprTrait, Func, JoinType, SelectStatement};

use super::MAX_POINTS;
use super::sql::{self, PortDays};
use crate::error::{Error, Kind};
use crate::model::Column;
use crate::time::{Days, Granularity};

/// The buckets that the days of a chart touch, as the rows of a CTE `bucket(start, end)`.
pub(super) struct Buckets {
    granularity: Granularity,
    days: Days,
    step: &'static str,
}

impl Buckets {
    /// The buckets of `days`, for a chart of so many series.
    ///
    /// # Errors
    ///
    /// More than [`MAX_POINTS`](super::MAX_POINTS) points.
    pub(super) fn new(granularity: Granularity, days: Days, series: u64) -> Result<Self, Error> {
        let step = match granularity {
            Granularity::Day => "INTERVAL '1 day'",
            Granularity::Week => "INTERVAL '7 days'",
            Granularity::Month => "INTERVAL '1 month'",
            Granularity::Quarter => "INTERVAL '3 months'",
            Granularity::Year => "INTERVAL '1 year'",
        };
        let buckets = Self { granularity, days, step };
        let points = (u64::from(buckets.steps().unsigned_abs()) + 1).saturating_mul(series);
        match points <= MAX_POINTS {
            true => Ok(buckets),
            false => Err(Kind::TooManyPoints { points, most: MAX_POINTS }.into()),
        }
    }

    pub(super) fn cte(&self) -> CommonTableExpression {
        let first = self.granularity.bucket(self.days.start());
        // integers, because the planner then knows how many rows to expect, and because generate_series over
        // dates would go through the session's time zone
        let series =
            Func::cust("generate_series").args([Expr::cust("0"), Expr::val(self.steps()).cast_as("integer")]);
        let step = || Expr::col(("step", "step"));
        let after = |steps: Expr| match self.granularity {
            Granularity::Day => Expr::val(first).cast_as("date").add(steps),
            _ => Expr::val(first).cast_as("date").add(steps.mul(Expr::cust(self.step))).cast_as("date"),
        };
        let mut select = SelectStatement::new();
        select.expr_as(after(step()), "start").from_function(series, "step");
        if self.granularity != Granularity::Day {
            select.expr_as(after(step().add(Expr::cust("1"))), "end");
        }
        // once a bucket, however many rows the chart has of it
        sql::materialized("bucket", select)
    }

    /// How many buckets lie between the first and the last.
    fn steps(&self) -> i32 {
        let first = self.granularity.bucket(self.days.start());
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

    /// Whether the bucket holds days that the chart does not.
    pub(super) fn partial(&self) -> Expr {
        if self.granularity == Granularity::Day {
            return Expr::cust("FALSE").cast_as("boolean");
        }
        self.start().lt(self.days.start()).or(self.end().gt(self.days.end())).cast_as("boolean")
    }

    /// The rows of the bucket: a few buffers for each, and no date arithmetic per row.
    pub(super) fn scan(&self, rows: &PortDays) -> SelectStatement {
        rows.scan_when(|date, select| {
            select.and_where(date.clone().gte(self.start())).and_where(date.lt(self.end()))
        })
    }

    /// Joins the sums of one port's rows as `counted(query_count)`; NULL in a bucket without rows.
    pub(super) fn join_sums(&self, select: &mut SelectStatement, rows: &PortDays) {
        if self.granularity == Granularity::Day {
            let counted = rows.sum_by(Column::Date, "date");
            let on = Expr::col(("counted", "date")).eq(self.start());
            select.join_subquery(JoinType::LeftJoin, counted, "counted", on);
        } else {
            let mut counted = self.scan(rows);
            counted.expr_as(rows.sum(), "query_count");
            sql::join_each(select, counted, "counted");
        }
    }

    /// The first day of the bucket that holds a day, for what is not driven by bucket; `None` where that is the day.
    pub(super) fn holding(&self, day: Expr) -> Option<Expr> {
        let unit = match self.granularity {
            Granularity::Day => return None,
            Granularity::Week => {
                // whole numbers, which cost a third of date_trunc
                let first = || Expr::val(self.granularity.bucket(self.days.start())).cast_as("date");
                let weeks = day.sub(first()).div(Expr::cust("7"));
                return Some(first().add(weeks.mul(Expr::cust("7"))));
            }
            Granularity::Month => "'month'",
            Granularity::Quarter => "'quarter'",
            Granularity::Year => "'year'",
        };
        // a date would go through the session's time zone
        let args = [Expr::cust(unit), day.cast_as("timestamp")];
        Some(Expr::from(Func::cust("date_trunc").args(args)).cast_as("date"))
    }

    pub(super) fn granularity(&self) -> Granularity {
        self.granularity
    }
}
