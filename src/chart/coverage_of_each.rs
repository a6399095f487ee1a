//! Asking for the coverage of each of many output ports.

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{Expr, ExprTrait, JoinType, SelectStatement};

use super::coverage_of::{HOLDS, no_text, of_row, word, word_before};
use super::coverage_rows::{cut, kept, port_of};
use crate::model::{CoverageTable, UsageModel};
use crate::time::Days;

/// How a statement asks for the coverage of the output port of each of its rows: not at all, where the model has none.
pub(super) struct CoverageOfEach<'a> {
    table: Option<&'a CoverageTable>,
    days: Days,
    before: Option<Range<NaiveDate>>,
}

impl<'a> CoverageOfEach<'a> {
    /// Asks about some days, and about those that they are compared with.
    pub(super) fn new(model: &'a UsageModel, days: Days, before: Option<Range<NaiveDate>>) -> Self {
        Self { table: model.0.coverage.as_ref(), days, before }
    }

    /// Whether the model has coverage.
    pub(super) fn is_kept(&self) -> bool {
        self.table.is_some()
    }

    /// Joins its row, which may be missing, to each row of `of` as `coverage`.
    pub(super) fn join(&self, select: &mut SelectStatement, of: &'static str) {
        let Some(table) = self.table else { return };
        let days = [("days", self.days.range())].into_iter();
        let asked = days.chain(self.before.clone().map(|before| ("before", before)));
        let names: Vec<&str> = asked.clone().map(|(name, _)| name).collect();
        let mut each = kept(table, asked);
        each.expr_as(port_of(table), "output_port_id");
        let mut each = cut(each, &names);
        each.column(("kept", "output_port_id"));
        let of_port = Expr::col(("coverage", "output_port_id")).equals((of, "output_port_id"));
        select.join_subquery(JoinType::LeftJoin, each, "coverage", of_port);
    }

    /// Joins its row of the CTE `coverage`, where the statement has that.
    pub(super) fn join_cte(&self, select: &mut SelectStatement, of: Expr) {
        if self.is_kept() {
            let of_port = Expr::col(("coverage", "output_port_id")).eq(of);
            select.join(JoinType::LeftJoin, "coverage", of_port);
        }
    }

    /// The word for the days of a row that is [joined](Self::join).
    pub(super) fn word(&self) -> Expr {
        match self.is_kept() {
            true => word((of_row, "measured"), of_row("days")).cast_as("text"),
            false => no_text(),
        }
    }

    /// The word for the days before of a row that is [joined](Self::join).
    pub(super) fn word_before(&self) -> Expr {
        match self.is_kept() && self.before.is_some() {
            true => word_before((of_row, "measured"), of_row("before")).cast_as("text"),
            false => no_text(),
        }
    }

    /// Whether the days of a row that is [joined](Self::join) were wholly measured; NULL without a row of its coverage.
    pub(super) fn is_whole(&self) -> Expr {
        of_row("measured").binary(HOLDS, of_row("days"))
    }

    /// Whether the days of a row that is [joined](Self::join) and those before were wholly measured.
    pub(super) fn complete(&self) -> Option<Expr> {
        let before = || of_row("measured").binary(HOLDS, of_row("before"));
        self.is_kept().then(|| self.is_whole().and(before()))
    }
}
