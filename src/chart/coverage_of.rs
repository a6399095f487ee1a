//! Asking for the coverage of a chart's output ports.

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::extension::postgres::PgFunc;
use sea_query::{
    BinOper, CaseStatement, Expr, ExprTrait, Func, JoinType, SelectStatement, Value, WithClause,
};

use super::buckets::Buckets;
use super::comparison::{Before, Comparison};
use super::sql;
use super::subject::Subject;
use crate::id::OutputPortId;
use crate::model::{Column, CoverageTable, UsageModel};
use crate::time::{Days, Granularity};

/// How a statement asks for the coverage of a chart's subject: not at all, where the model has none.
pub(super) struct CoverageOf<'a> {
    table: Option<&'a CoverageTable>,
    whose: Whose,
    days: Days,
    /// Which days they are compared with, and how each bound is moved back to these.
    before: Option<(Comparison, Range<NaiveDate>)>,
}

/// Whose days were measured.
#[derive(Clone, Copy)]
enum Whose {
    Port(OutputPortId),
    /// Those of every output port that was ever measured, from its first such day on.
    All,
}

impl Whose {
    /// The column of the days on which anything was measured.
    fn any(self) -> &'static str {
        match self {
            Self::Port(_) => "measured",
            Self::All => "any_measured",
        }
    }
}

impl<'a> CoverageOf<'a> {
    /// Asks about the days of a chart.
    ///
    /// A tech asset may stand behind any output port, so its coverage is that of all.
    pub(super) fn new(model: &'a UsageModel, subject: Subject, days: Days) -> Self {
        let whose = match subject {
            Subject::OutputPort { id } | Subject::TechAssetOfPort { output_port_id: id, .. } => {
                Whose::Port(id)
            }
            Subject::TechAsset { .. } | Subject::Portal => Whose::All,
        };
        Self { table: model.0.coverage.as_ref(), whose, days, before: None }
    }

    /// Also asks about the days that they are compared with.
    pub(super) fn and_before(mut self, comparison: Comparison, days: Range<NaiveDate>) -> Self {
        self.before = Some((comparison, days));
        self
    }

    /// Also asks about the earlier days of a comparison, where there is one.
    pub(super) fn beside(self, before: Option<&Before>, days: Option<&Range<NaiveDate>>) -> Self {
        match (before, days) {
            (Some(before), Some(days)) => self.and_before(before.comparison, days.clone()),
            _ => self,
        }
    }

    /// Whether the model has coverage.
    pub(super) fn is_kept(&self) -> bool {
        self.table.is_some()
    }

    /// Adds the subject's row as the CTE `coverage`: `measured, settled` of the days, and as ranges the `days` of the
    /// chart and those `before`.
    ///
    /// It is empty where nothing was ever measured.
    pub(super) fn add_to(&self, with: &mut WithClause) {
        let Some(table) = self.table else { return };
        let range = |days: Range<NaiveDate>| sql::days_between(bound(days.start), bound(days.end));
        let before = self.before.as_ref().map(|(_, days)| days.clone());
        let asked = [Some(self.days.range()), before.clone()].into_iter().flatten();
        let asked = asked.map(range).collect();
        let mut row = match self.whose {
            Whose::Port(port) => {
                let id = Expr::col(("kept", table.column(Column::OutputPortId).clone()));
                rows(table, asked).and_where(id.eq(port.0)).take()
            }
            Whose::All => {
                with.cte(sql::materialized("kept_by_port", since_the_first(table, asked)));
                of_all()
            }
        };
        row.expr_as(range(self.days.range()), "days");
        if let Some(before) = before {
            row.expr_as(range(before), "before");
        }
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
            let letters =
                all_letters((column_of(buckets), self.whose.any()), buckets, |each| self.join(each, buckets));
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
            true => word_of((column_of(buckets), self.whose.any()), buckets).cast_as("text"),
            false => no_text(),
        }
    }

    /// The word for the days that a bucket is compared with, to which the CTE is [joined](Self::join).
    pub(super) fn word_before_of(&self, buckets: &Buckets) -> Expr {
        let column = column_of(buckets);
        match self.before_of(buckets) {
            Some(Asked::Day(day)) => word_of_day((column, self.whose.any()), day).cast_as("text"),
            Some(Asked::Days(days)) => word_before((column, self.whose.any()), days).cast_as("text"),
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
            // or lies outside the other days
            (Granularity::Day, Comparison::Days { .. }) => next(),
            (Granularity::Day, _) => return Some(Asked::Day(moved(buckets.start()))),
            _ => buckets.end(),
        };
        let days = sql::days_between(moved(buckets.start()), moved(end));
        Some(Asked::Days(days.binary(CUT, column_of(buckets)("before"))))
    }

    /// The word for all days of the chart, from the CTE `coverage`.
    pub(super) fn word(&self) -> Expr {
        self.scalar(word((of_row, self.whose.any()), of_row("days")))
    }

    /// The word for all days before, from the CTE `coverage`.
    pub(super) fn word_before(&self) -> Expr {
        self.scalar(word_before((of_row, self.whose.any()), of_row("before")))
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
    let letters = all_letters((of_row, "measured"), buckets, |_| ());
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
const JOINED: BinOper = BinOper::Custom("OPERATOR(pg_catalog.+)");
const OVERLAPS: BinOper = BinOper::Custom("OPERATOR(pg_catalog.&&)");

/// The days of each output port that was ever measured, as [`rows`]; those before its first measured day count, too.
fn since_the_first(table: &CoverageTable, asked: Vec<Expr>) -> SelectStatement {
    let asked = Expr::from(Func::cust("pg_catalog.datemultirange").args(asked));
    let column = |column: Column| Expr::col(("kept", table.column(column).clone()));
    let first = Func::cust("pg_catalog.lower").arg(column(Column::Measured));
    let earlier = sql::days_between(sql::null("date"), first.into());
    let earlier = Expr::from(Func::cust("pg_catalog.datemultirange").arg(earlier));
    let cut = |days: Expr| days.binary(CUT, asked.clone());
    SelectStatement::new()
        .expr_as(cut(column(Column::Measured).binary(JOINED, earlier.clone())), "measured")
        .expr_as(cut(column(Column::Settled).binary(JOINED, earlier)), "settled")
        .expr_as(cut(column(Column::Measured)), "any_measured")
        .from_as(table.table_ref(), "kept")
        .and_where(Expr::from(Func::cust("pg_catalog.isempty").arg(column(Column::Measured))).not())
        .take()
}

/// `measured, settled` of all rows of the CTE `kept_by_port`, and what is `any_measured`.
fn of_all() -> SelectStatement {
    let ranges = SelectStatement::new()
        .expr_as(Func::cust("pg_catalog.unnest").arg(Expr::col("any_measured")), "days")
        .from("kept_by_port")
        .take();
    let any = SelectStatement::new()
        .expr_as(Func::cust("pg_catalog.range_agg").arg(Expr::col(("range", "days"))), "days")
        .from_subquery(ranges, "range")
        .take();
    let any = || sql::subquery(any.clone());
    let all = |name: &'static str| {
        Expr::from(Func::cust("pg_catalog.range_intersect_agg").arg(Expr::col(name))).binary(CUT, any())
    };
    SelectStatement::new()
        .expr_as(all("measured"), "measured")
        .expr_as(all("settled"), "settled")
        .expr_as(any(), "any_measured")
        .from("kept_by_port")
        .take()
}

/// How a statement comes by a column of the row.
type RowColumn = fn(&'static str) -> Expr;

/// The same, and the column of the days on which anything was measured.
type WithAny = (RowColumn, &'static str);

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
fn word_of_day((column, any): WithAny, day: Expr) -> Expr {
    let word = CaseStatement::new()
        .case(column("settled").binary(HOLDS, day.clone()), Expr::cust("'measured'"))
        .case(column("measured").binary(HOLDS, day.clone()), Expr::cust("'unsettled'"));
    // of one output port a day is measured or not
    let word = match any {
        "measured" => word,
        any => word.case(column(any).binary(HOLDS, day), Expr::cust("'partly'")),
    };
    word.finally(Expr::cust("'not_measured'")).into()
}

/// The word for a range of days.
fn word((column, any): WithAny, days: Expr) -> Expr {
    CaseStatement::new()
        .case(column("settled").binary(HOLDS, days.clone()), Expr::cust("'measured'"))
        .case(column("measured").binary(HOLDS, days.clone()), Expr::cust("'unsettled'"))
        .case(column(any).binary(OVERLAPS, days), Expr::cust("'partly'"))
        .finally(Expr::cust("'not_measured'"))
        .into()
}

/// The word for days of a comparison, which are none for 28 February of a leap year.
fn word_before(column: WithAny, days: Expr) -> Expr {
    let none = Expr::from(Func::cust("pg_catalog.isempty").arg(days.clone()));
    let none_is_not_measured = CaseStatement::new().case(none, Expr::cust("'not_measured'"));
    none_is_not_measured.finally(word(column, days)).into()
}

/// The word for the requested days of a bucket.
fn word_of(column: WithAny, buckets: &Buckets) -> Expr {
    match requested(column.0, buckets) {
        Asked::Day(day) => word_of_day(column, day),
        Asked::Days(days) => word(column, days),
    }
}

/// The words' first letters, in the order of the buckets.
fn all_letters(
    column: WithAny,
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
