//! Coverage: which days of an output port were measured, which are settled, and by which rules they were counted.

mod gaps;
mod mark;
mod report;

pub use self::gaps::{Gap, GapReason, Gaps};
pub(super) use self::mark::{Mark, purge};
pub use self::report::PortCoverage;
use crate::error::{Error, Kind};
use crate::model::{Column, CoverageTable, UsageModel};
use crate::statement::{Param, SqlWriter};

impl UsageModel {
    /// The table of coverage, or why there is none.
    fn coverage_or_refuse(&self) -> Result<&CoverageTable, Error> {
        self.0.coverage.as_ref().ok_or_else(|| Kind::NoCoverage.into())
    }
}

/// The days of a column, of which a table that the library did not make may have none.
fn days_of(sql: &mut SqlWriter, table: &CoverageTable, column: Column) {
    sql.text("coalesce(o.").ident(table.column(column)).text(", '{}'::datemultirange)");
}

/// The rows of some output ports, as `o`.
///
/// A subquery, as in the daily tables' statements: in this form Citus takes the join with an array.
fn join_rows(sql: &mut SqlWriter, table: &CoverageTable, ports: Param) {
    sql.text("LEFT JOIN (\n    SELECT ").list(", ", CoverageTable::COLUMNS, |sql, column| {
        sql.ident(table.column(column));
    });
    sql.text("\n    FROM ").qualified(&table.schema, &table.name).text("\n    WHERE ");
    sql.ident(table.column(Column::OutputPortId))
        .text(" = ANY(")
        .param(ports)
        .text("::uuid[])\n) AS o ON o.");
    sql.ident(table.column(Column::OutputPortId)).text(" = u.id");
}
