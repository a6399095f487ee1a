//! Asking for the coverage of a chart's output ports.

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::extension::postgres::PgFunc;
use sea_query::{BinOper, CaseStatement, Expr, ExprTrait, Func, SelectStatement, Value, WithClause};

use super::buckets::Buckets;
use super::sql;
use crate::id::OutputPortId;
use crate::model::{Column, CoverageTable, UsageModel};
use crate::time::{Days, Granularity};

/// How a statement asks for the coverage of a chart's output port: not at all, where the model has none.
pub(super) struct CoverageOf<'a> {
    table: Option<&'a CoverageTable>,
    port: OutputPortId,
    days: Days,
    before: Option<Range<NaiveDate>>,
}

impl<'a> CoverageOf<'a> {
    /// Asks about the days of a chart.
    pub(super) fn new(model: &'a UsageModel, port: OutputPortId, days: Days) -> Self {
        Self { table: model.0.coverage.as_ref(), port, days, before: None }
    }

    /// Also asks about the days that they are compared with.
    pub(super) fn and_before(mut self, before: Option<Range<NaiveDate>>) -> Self {
        self.before = before;
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
        let asked = [Some(self.days.range()), self.before.clone()].into_iter().flatten();
        let mut row = rows(table, asked.map(range).collect());
        row.expr_as(range(self.days.range()), "days");
        if let Some(before) = self.before.clone() {
            row.expr_as(range(before), "before");
        }
        row.and_where(Expr::col(("kept", table.column(Column::OutputPortId).clone())).eq(self.port.0));
        with.cte(sql::materialized("coverage", row));
    }

    /// A letter for each bucket as the CTE `covered(letters)` of one row.
    pub(super) fn add_letters(&self, with: &mut WithClause, buckets: &Buckets) {
        if self.is_kept() {
            let letters = all_letters(looked_up, buckets);
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

    /// The word for a bucket, from the CTE `coverage`.
    pub(super) fn word_of(&self, buckets: &Buckets) -> Expr {
        match self.is_kept() {
            true => word_of(looked_up, buckets).cast_as("text"),
            false => no_text(),
        }
    }

    /// The word for the days that a bucket is compared with, from the CTE `coverage`.
    pub(super) fn word_before_of_bucket(&self) -> Expr {
        match self.is_kept() {
            true => word_before(looked_up, Expr::col(("bucket", "before"))).cast_as("text"),
            false => no_text(),
        }
    }

    /// Whether the bucket and what it is compared with were wholly measured.
    pub(super) fn complete_of(&self, buckets: &Buckets) -> Option<Expr> {
        self.is_kept().then(|| {
            let measured = || looked_up("measured");
            let now = measured().binary(HOLDS, buckets.requested());
            now.and(measured().binary(HOLDS, Expr::col(("bucket", "before"))))
        })
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
    let mut rows = rows(table, vec![asked]);
    rows.expr_as(port(), "output_port_id")
        .and_where(port().eq(PgFunc::any(Expr::val(ports).cast_as("uuid[]"))));
    let letters = all_letters(of_row, buckets);
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
    let cut = |column: Column| {
        Expr::col(("kept", table.column(column).clone()))
            .binary(BinOper::Custom("OPERATOR(pg_catalog.*)"), asked.clone())
    };
    SelectStatement::new()
        .expr_as(cut(Column::Measured), "measured")
        .expr_as(cut(Column::Settled), "settled")
        .from_as(table.table_ref(), "kept")
        .take()
}

const HOLDS: BinOper = BinOper::Custom("OPERATOR(pg_catalog.@>)");
const OVERLAPS: BinOper = BinOper::Custom("OPERATOR(pg_catalog.&&)");

/// How a statement comes by a column of the row.
type RowColumn = fn(&'static str) -> Expr;

/// A column of the row that is read.
fn of_row(name: &'static str) -> Expr {
    Expr::col(("coverage", name))
}

/// The same from elsewhere: found once for all buckets, where a join would find it for each.
fn looked_up(name: &'static str) -> Expr {
    sql::subquery(SelectStatement::new().column(name).from("coverage").take())
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

/// The word for the requested days of a bucket; a day is measured or not, and no range need be made of it.
fn word_of(column: RowColumn, buckets: &Buckets) -> Expr {
    match buckets.granularity() {
        Granularity::Day => CaseStatement::new()
            .case(column("settled").binary(HOLDS, buckets.requested()), Expr::cust("'measured'"))
            .case(column("measured").binary(HOLDS, buckets.requested()), Expr::cust("'unsettled'"))
            .finally(Expr::cust("'not_measured'"))
            .into(),
        _ => word(column, buckets.requested()),
    }
}

/// The words' first letters, in the order of the buckets.
fn all_letters(column: RowColumn, buckets: &Buckets) -> SelectStatement {
    let letter = Func::cust("pg_catalog.left").args([word_of(column, buckets), Expr::cust("1")]);
    let mut each = SelectStatement::new();
    each.expr_as(letter, "letter").expr_as(buckets.start(), "start").from("bucket");
    let in_order = Expr::cust(r#"pg_catalog.string_agg("letter", '' ORDER BY "start")"#);
    SelectStatement::new().expr_as(in_order, "letters").from_subquery(each, "each").take()
}

pub(super) fn no_text() -> Expr {
    sql::null("text")
}

fn bound(day: NaiveDate) -> Expr {
    Expr::val(day).cast_as("date")
}
