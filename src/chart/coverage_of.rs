//! Asking for the coverage of a chart's output ports.

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::extension::postgres::PgFunc;
use sea_query::{
    BinOper, CaseStatement, Expr, ExprTrait, Func, JoinType, SelectStatement, UnionType, Value, WithClause,
};

use super::buckets::Buckets;
use super::comparison::{Before, Comparison};
use super::coverage_rows::{CUT, bound, cut, kept, of_all, port_of, since_the_first};
use super::sql;
use super::subject::Subject;
use crate::id::OutputPortId;
use crate::model::{CoverageTable, Parent, UsageModel};
use crate::time::{Days, Granularity};

/// How a statement asks for the coverage of a chart's subject: not at all, where the model has none.
pub(super) struct CoverageOf<'a> {
    table: Option<&'a CoverageTable>,
    ports: &'a Parent,
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
        Self { table: model.0.coverage.as_ref(), ports: &model.0.output_ports, whose, days, before: None }
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
        let row = match self.whose {
            Whose::Port(port) => {
                let before = before.map(|days| ("before", days));
                let names: &[_] = if before.is_some() { &["days", "before"] } else { &["days"] };
                let mut kept = kept(table, [Some(("days", self.days.range())), before].into_iter().flatten());
                cut(kept.and_where(port_of(table).eq(port.0)).take(), names)
            }
            Whose::All => {
                let asked = [Some(self.days.range()), before.clone()].into_iter().flatten().map(range);
                with.cte(sql::materialized(
                    "kept_by_port",
                    since_the_first(table, self.ports, asked.collect()),
                ));
                let mut row = of_all();
                row.expr_as(range(self.days.range()), "days");
                if let Some(before) = before {
                    row.expr_as(range(before), "before");
                }
                row
            }
        };
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
    ///
    /// Of buckets that are longer than a day, it reads the CTE `bucket`.
    pub(super) fn add_letters(&self, with: &mut WithClause, buckets: &Buckets) {
        if !self.is_kept() {
            return;
        }
        let letters = match buckets.granularity() {
            Granularity::Day => runs(self.whose.any(), buckets, |run| run.from("coverage")),
            _ => each_letter(self.whose.any(), buckets, |each| self.join(each, buckets)),
        };
        with.cte(sql::materialized("covered", letters));
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
        if buckets.granularity() != Granularity::Day {
            return Some(Asked::Days(sql::days_between(buckets.start_before(), buckets.end_before())));
        }
        let moved = |bound| comparison.bound(self.days, bound);
        // a day has none or two before it, at the end of a leap February, or lies outside the other days
        if !matches!(comparison, Comparison::YearBefore | Comparison::Days { .. }) {
            return Some(Asked::Day(moved(buckets.start())));
        }
        let next = buckets.start().add(Expr::cust("1"));
        let days = sql::days_between(moved(buckets.start()), moved(next));
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

    /// Whether all days of the chart were measured, from the CTE `coverage`; NULL where nothing ever was.
    pub(super) fn is_whole(&self) -> Expr {
        let holds = of_row("measured").binary(HOLDS, of_row("days"));
        sql::subquery(SelectStatement::new().expr(holds).from("coverage").take())
    }

    /// Keeps rows only where [`is_whole`](Self::is_whole) holds, by a join: beside an outer join Citus takes no condition
    /// that is the same for all rows.
    pub(super) fn join_whole(&self, select: &mut SelectStatement) {
        let holds = of_row("measured").binary(HOLDS, of_row("days"));
        select.join(JoinType::InnerJoin, "coverage", holds);
    }

    fn scalar(&self, word: Expr) -> Expr {
        if !self.is_kept() {
            return no_text();
        }
        let of_row = SelectStatement::new().expr(word).from("coverage").take();
        Expr::from(Func::coalesce([sql::subquery(of_row), Expr::cust("'not_measured'")])).cast_as("text")
    }
}

/// The letters of many output ports as the CTE `covered(output_port_id, letters)`, where the model has coverage; the CTE
/// `coverage` has the rows of [`CoverageOfEach`](super::coverage_of_each::CoverageOfEach).
pub(super) fn add_letters_of_many(
    with: &mut WithClause,
    table: &CoverageTable,
    ports: Value,
    (days, before): (Days, Option<Range<NaiveDate>>),
    buckets: &Buckets,
) {
    let names: &[_] = if before.is_some() { &["days", "before"] } else { &["days"] };
    let asked = [("days", days.range())].into_iter().chain(before.map(|before| ("before", before)));
    let mut kept = kept(table, asked);
    kept.expr_as(port_of(table), "output_port_id")
        .and_where(port_of(table).eq(PgFunc::any(Expr::val(ports).cast_as("uuid[]"))));
    let rows = cut(kept, names).column(("kept", "output_port_id")).take();
    let letters = match buckets.granularity() {
        Granularity::Day => runs("measured", buckets, |run| run),
        _ => each_letter("measured", buckets, |_| ()),
    };
    let covered = SelectStatement::new()
        .column("output_port_id")
        .expr_as(sql::subquery(letters), "letters")
        .from("coverage")
        .take();
    with.cte(sql::materialized("coverage", rows)).cte(sql::materialized("covered", covered));
}

pub(super) const HOLDS: BinOper = BinOper::Custom("OPERATOR(pg_catalog.@>)");
const WITHOUT: BinOper = BinOper::Custom("OPERATOR(pg_catalog.-)");
const OVERLAPS: BinOper = BinOper::Custom("OPERATOR(pg_catalog.&&)");

/// How a statement comes by a column of the row.
pub(super) type RowColumn = fn(&'static str) -> Expr;

/// The same, and the column of the days on which anything was measured.
pub(super) type WithAny = (RowColumn, &'static str);

/// A column of the row that is read.
pub(super) fn of_row(name: &'static str) -> Expr {
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

/// What is said of days: measured, unsettled, partly and not measured.
type Sayings = [&'static str; 4];

const WORDS: Sayings = ["'measured'", "'unsettled'", "'partly'", "'not_measured'"];

/// The words' first letters.
const LETTERS: Sayings = ["'m'", "'u'", "'p'", "'n'"];

/// The word for a range of days.
pub(super) fn word(column: WithAny, days: Expr) -> Expr {
    saying(WORDS, column, days)
}

fn saying([measured, unsettled, partly, not_measured]: Sayings, (column, any): WithAny, days: Expr) -> Expr {
    CaseStatement::new()
        .case(column("settled").binary(HOLDS, days.clone()), Expr::cust(measured))
        .case(column("measured").binary(HOLDS, days.clone()), Expr::cust(unsettled))
        .case(column(any).binary(OVERLAPS, days), Expr::cust(partly))
        .finally(Expr::cust(not_measured))
        .into()
}

/// The word for days of a comparison, which are none for 29 February.
pub(super) fn word_before(column: WithAny, days: Expr) -> Expr {
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

/// The letters of buckets that are longer than a day, in order.
fn each_letter(
    any: &'static str,
    buckets: &Buckets,
    join: impl FnOnce(&mut SelectStatement),
) -> SelectStatement {
    let (Asked::Day(days) | Asked::Days(days)) = requested(of_row, buckets);
    let mut each = SelectStatement::new();
    each.expr_as(saying(LETTERS, (of_row, any), days), "letter")
        .expr_as(buckets.start(), "start")
        .from("bucket");
    join(&mut each);
    let in_order = Expr::cust(r#"pg_catalog.string_agg("letter", '' ORDER BY "start")"#);
    SelectStatement::new().expr_as(in_order, "letters").from_subquery(each, "each").take()
}

/// The letters of days in order, from the runs of days that are alike: these are few, and days are many.
fn runs(
    any: &'static str,
    buckets: &Buckets,
    from: fn(&mut SelectStatement) -> &mut SelectStatement,
) -> SelectStatement {
    let [measured, unsettled, partly, not_measured] = LETTERS;
    let asked = || Expr::from(Func::cust("pg_catalog.datemultirange").arg(of_row("days")));
    let but = |days: Expr, without: &'static str| days.binary(WITHOUT, of_row(without));
    let run = |days: Expr, letter: &'static str| {
        let mut run = SelectStatement::new();
        run.expr_as(Func::cust("pg_catalog.unnest").arg(days), "days").expr_as(Expr::cust(letter), "letter");
        from(&mut run).take()
    };
    let mut runs = run(asked().binary(CUT, of_row("settled")), measured);
    runs.union(UnionType::All, run(but(asked().binary(CUT, of_row("measured")), "settled"), unsettled))
        .union(UnionType::All, run(but(but(asked(), any), "settled"), not_measured));
    // of one output port a day is measured or not
    if any != "measured" {
        let some = but(but(asked().binary(CUT, of_row(any)), "measured"), "settled");
        runs.union(UnionType::All, run(some, partly));
    }
    let in_order = Expr::cust(
        r#"pg_catalog.string_agg(pg_catalog.repeat("letter", pg_catalog.upper("days") - pg_catalog.lower("days")), '' ORDER BY "days")"#,
    );
    let letters = Func::coalesce([in_order, nothing(buckets)]);
    SelectStatement::new().expr_as(letters, "letters").from_subquery(runs, "run").take()
}

/// The letters where nothing was ever measured.
pub(super) fn nothing(buckets: &Buckets) -> Expr {
    let [.., not_measured] = LETTERS;
    let count = buckets.last_place().add(Expr::cust("1"));
    Func::cust("pg_catalog.repeat").args([Expr::cust(not_measured), count]).into()
}

pub(super) fn no_text() -> Expr {
    sql::null("text")
}
