//! Asking for the coverage of a chart's output ports.

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::extension::postgres::PgFunc;
use sea_query::{
    BinOper, CaseStatement, Expr, ExprTrait, Func, JoinType, SelectStatement, Value, WithClause,
};

use super::buckets::Buckets;
use super::comparison::Comparison;
use super::sql;
use crate::id::OutputPortId;
use crate::model::{Column, CoverageTable, UsageModel};
use crate::time::{Days, Granularity};

/// How a statement asks for the coverage of a chart's output port: not at all, where the model has none.
pub(super) struct CoverageOf<'a> {
    table: Option<&'a CoverageTable>,
    port: OutputPortId,
    days: Days,
    /// Which days they are compared with, and how each bound is moved back to these.
    before: Option<(Comparison, Range<NaiveDate>)>,
}

impl<'a> CoverageOf<'a> {
    /// Asks about the days of a chart.
    pub(super) fn new(model: &'a UsageModel, port: OutputPortId, days: Days) -> Self {
        Self { table: model.0.coverage.as_ref(), port, days, before: None }
    }

    /// Also asks about the days that they are compared with.
    pub(super) fn and_before(mut self, comparison: Comparison, days: Range<NaiveDate>) -> Self {
        self.before = Some((comparison, days));
        self
    }

    /// Whether the model has coverage.
    pub(super) fn is_kept(&self) -> bool {
        self.table.is_some()
    }

    /// Adds the output port's row as the CTE `coverage`: `measured, settled` of the days, and as ranges the `days` of the
    /// chart and those `before`.
    ///
    /// It is empty where nothing was ever measured.
    pub(super) fn add_to(&self, with: &mut WithClause) {
        let Some(table) = self.table else { return };
        let range = |days: Range<NaiveDate>| sql::days_between(bound(days.start), bound(days.end));
        let before = self.before.as_ref().map(|(_, days)| days.clone());
        let asked = [Some(self.days.range()), before.clone()].into_iter().flatten();
        let mut row = rows(table, asked.map(range).collect());
        row.expr_as(range(self.days.range()), "days");
        if let Some(before) = before {
            row.expr_as(range(before), "before");
        }
        row.and_where(Expr::col(("kept", table.column(Column::OutputPortId).clone())).eq(self.port.0));
        with.cte(sql::materialized("coverage", row));
    }

    /// Joins the CTE, whose row may be missing, to the few buckets that are longer than a day.
    ///
    /// Days are many, and look it up once for all of them.
    pub(super) fn join(&self, select: &mut SelectStatement, buckets: &Buckets) {
        if self.is_kept() && buckets.granularity() != Granularity::Day {
            select.join(JoinType::LeftJoin, "coverage", Expr::cust("TRUE"));
        }
    }

    /// A letter for each bucket as the CTE `covered(letters)` of one row.
    pub(super) fn add_letters(&self, with: &mut WithClause, buckets: &Buckets) {
        if self.is_kept() {
            let letters = all_letters(column_of(buckets), buckets, |each| self.join(each, buckets));
            with.cte(sql::materialized("covered", letters));
        }
    }

    /// The letters of the CTE `covered` of one row.
    pub(super) fn letters(&self) -> Expr {
        if !self.is_kept() {
            return no_text();
        }
        sql::subquery(SelectStatement::new().column("letters").from("covered").take()).cast_as("text")
    }

    /// The word for a bucket, to which the CTE is [joined](Self::join).
    pub(super) fn word_of(&self, buckets: &Buckets) -> Expr {
        match self.is_kept() {
            true => word_of(column_of(buckets), buckets).cast_as("text"),
            false => no_text(),
        }
    }

    /// The word for the days that a bucket is compared with, to which the CTE is [joined](Self::join).
    pub(super) fn word_before_of(&self, buckets: &Buckets) -> Expr {
        let column = column_of(buckets);
        match self.before_of(buckets) {
            Some(Asked::Day(day)) => word_of_day(column, day).cast_as("text"),
            Some(Asked::Days(days)) => word_before(column, days).cast_as("text"),
            None => no_text(),
        }
    }

    /// Whether the bucket and what it is compared with were wholly measured.
    pub(super) fn complete_of(&self, buckets: &Buckets) -> Option<Expr> {
        let measured = || column_of(buckets)("measured");
        let (Asked::Day(before) | Asked::Days(before)) = self.before_of(buckets)?;
        let (Asked::Day(now) | Asked::Days(now)) = requested(column_of(buckets), buckets);
        Some(measured().binary(HOLDS, now).and(measured().binary(HOLDS, before)))
    }

    /// The days that a bucket is compared with.
    fn before_of(&self, buckets: &Buckets) -> Option<Asked> {
        self.table?;
        let (comparison, _) = self.before.as_ref()?;
        let moved = |bound| comparison.bound(self.days, bound);
        let next = || buckets.start().add(Expr::cust("1"));
        let end = match (buckets.granularity(), comparison) {
            // a day has none or two before it, around the end of a leap February
            (Granularity::Day, Comparison::YearBefore) => next(),
            (Granularity::Day, _) => return Some(Asked::Day(moved(buckets.start()))),
            _ => buckets.end(),
        };
        let days = sql::days_between(moved(buckets.start()), moved(end));
        Some(Asked::Days(days.binary(CUT, column_of(buckets)("before"))))
    }

    /// The word for all days of the chart, from the CTE `coverage`.
    pub(super) fn word(&self) -> Expr {
        self.scalar(word(of_row, of_row("days")))
    }

    /// The word for all days before, from the CTE `coverage`.
    pub(super) fn word_before(&self) -> Expr {
        self.scalar(word_before(of_row, of_row("before")))
    }

    /// Whether both the days and those before were wholly measured, from the CTE `coverage`.
    pub(super) fn complete(&self) -> Option<Expr> {
        self.is_kept().then(|| {
            let holds = |days| of_row("measured").binary(HOLDS, of_row(days));
            let both =
                SelectStatement::new().expr(holds("days").and(holds("before"))).from("coverage").take();
            sql::subquery(both)
        })
    }

    fn scalar(&self, word: Expr) -> Expr {
        if !self.is_kept() {
            return no_text();
        }
        let of_row = SelectStatement::new().expr(word).from("coverage").take();
        Expr::from(Func::coalesce([sql::subquery(of_row), Expr::cust("'not_measured'")])).cast_as("text")
    }
}

/// The letters of many output ports as the CTE `covered(output_port_id, letters)`, where the model has coverage.
pub(super) fn add_letters_of_many(
    with: &mut WithClause,
    model: &UsageModel,
    ports: Value,
    days: Days,
    buckets: &Buckets,
) {
    let Some(table) = &model.0.coverage else { return };
    let port = || Expr::col(("kept", table.column(Column::OutputPortId).clone()));
    let asked = sql::days_between(bound(days.start()), bound(days.end()));
    let mut rows = rows(table, vec![asked.clone()]);
    rows.expr_as(port(), "output_port_id")
        .expr_as(asked, "days")
        .and_where(port().eq(PgFunc::any(Expr::val(ports).cast_as("uuid[]"))));
    let letters = all_letters(of_row, buckets, |_| ());
    let covered = SelectStatement::new()
        .column("output_port_id")
        .expr_as(sql::subquery(letters), "letters")
        .from("coverage")
        .take();
    with.cte(sql::materialized("coverage", rows)).cte(sql::materialized("covered", covered));
}

/// `measured, settled` of the table, as far as they are asked for.
///
/// Cutting them makes values of them. A long value that is stored out of line would be fetched again for each bucket.
fn rows(table: &CoverageTable, asked: Vec<Expr>) -> SelectStatement {
    let asked = Expr::from(Func::cust("pg_catalog.datemultirange").args(asked));
    let cut = |column: Column| Expr::col(("kept", table.column(column).clone())).binary(CUT, asked.clone());
    SelectStatement::new()
        .expr_as(cut(Column::Measured), "measured")
        .expr_as(cut(Column::Settled), "settled")
        .from_as(table.table_ref(), "kept")
        .take()
}

const HOLDS: BinOper = BinOper::Custom("OPERATOR(pg_catalog.@>)");
const CUT: BinOper = BinOper::Custom("OPERATOR(pg_catalog.*)");
const OVERLAPS: BinOper = BinOper::Custom("OPERATOR(pg_catalog.&&)");

/// How a statement comes by a column of the row.
type RowColumn = fn(&'static str) -> Expr;

/// A column of the row that is read.
fn of_row(name: &'static str) -> Expr {
    Expr::col(("coverage", name))
}

/// The same from elsewhere.
fn looked_up(name: &'static str) -> Expr {
    sql::subquery(SelectStatement::new().column(name).from("coverage").take())
}

/// How the buckets come by it: many days look it up, once for all of them; a few longer buckets are joined to it.
fn column_of(buckets: &Buckets) -> RowColumn {
    match buckets.granularity() {
        Granularity::Day => looked_up,
        _ => of_row,
    }
}

/// What a bucket asks about: one day, or a range of days. A day is measured or not, and no range need be made of it.
enum Asked {
    Day(Expr),
    Days(Expr),
}

/// The requested days of a bucket.
fn requested(column: RowColumn, buckets: &Buckets) -> Asked {
    match buckets.granularity() {
        Granularity::Day => Asked::Day(buckets.start()),
        _ => Asked::Days(sql::days_between(buckets.start(), buckets.end()).binary(CUT, column("days"))),
    }
}

/// The word for a day.
fn word_of_day(column: RowColumn, day: Expr) -> Expr {
    CaseStatement::new()
        .case(column("settled").binary(HOLDS, day.clone()), Expr::cust("'measured'"))
        .case(column("measured").binary(HOLDS, day), Expr::cust("'unsettled'"))
        .finally(Expr::cust("'not_measured'"))
        .into()
}

/// The word for a range of days.
fn word(column: RowColumn, days: Expr) -> Expr {
    CaseStatement::new()
        .case(column("settled").binary(HOLDS, days.clone()), Expr::cust("'measured'"))
        .case(column("measured").binary(HOLDS, days.clone()), Expr::cust("'unsettled'"))
        .case(column("measured").binary(OVERLAPS, days), Expr::cust("'partly'"))
        .finally(Expr::cust("'not_measured'"))
        .into()
}

/// The word for days of a comparison, which are none for 28 February of a leap year.
fn word_before(column: RowColumn, days: Expr) -> Expr {
    let none = Expr::from(Func::cust("pg_catalog.isempty").arg(days.clone()));
    let none_is_not_measured = CaseStatement::new().case(none, Expr::cust("'not_measured'"));
    none_is_not_measured.finally(word(column, days)).into()
}

/// The word for the requested days of a bucket.
fn word_of(column: RowColumn, buckets: &Buckets) -> Expr {
    match requested(column, buckets) {
        Asked::Day(day) => word_of_day(column, day),
        Asked::Days(days) => word(column, days),
    }
}

/// The words' first letters, in the order of the buckets.
fn all_letters(
    column: RowColumn,
    buckets: &Buckets,
    join: impl FnOnce(&mut SelectStatement),
) -> SelectStatement {
    let letter = Func::cust("pg_catalog.left").args([word_of(column, buckets), Expr::cust("1")]);
    let mut each = SelectStatement::new();
    each.expr_as(letter, "letter").expr_as(buckets.start(), "start").from("bucket");
    join(&mut each);
    let in_order = Expr::cust(r#"pg_catalog.string_agg("letter", '' ORDER BY "start")"#);
    SelectStatement::new().expr_as(in_order, "letters").from_subquery(each, "each").take()
}

pub(super) fn no_text() -> Expr {
    sql::null("text")
}

fn bound(day: NaiveDate) -> Expr {
    Expr::val(day).cast_as("date")
}
