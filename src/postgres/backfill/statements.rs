//! The statements of a back-fill.

use crate::model::{Column, Table};
use crate::postgres::scope::ScopeParams;
use crate::statement::{SqlWriter, Statement};
use crate::usage::Scope;

/// A row that lies in the scope, as errors show it: its day and ids. An empty text where there is none.
pub(super) fn any_in_scope(scope: &Scope, table: &Table) -> Statement {
    let mut sql = SqlWriter::for_each("find any", table.stats.rows());
    let scope = ScopeParams::bind(&mut sql, scope);
    // a date by itself would have no exact match, and a function of another schema might
    sql.text("SELECT coalesce((\n    SELECT pg_catalog.to_char(").ident(table.column(Column::Date));
    sql.text("::timestamp, 'YYYY-MM-DD')");
    for id in table.stats.ids() {
        sql.text(" || ', ' || ").ident(table.column(id)).text("::text");
    }
    sql.text("\n    FROM ").qualified(&table.schema, &table.name).text("\n    WHERE ");
    scope.write(&mut sql, table, "");
    sql.text("\n    LIMIT 1\n), '') AS \"found\"");
    sql.into_statement()
}

/// Removes the rows that lie in the scope.
pub(super) fn remove(scope: &Scope, table: &Table) -> Statement {
    let mut sql = SqlWriter::for_each("remove", table.stats.rows());
    let scope = ScopeParams::bind(&mut sql, scope);
    sql.text("DELETE FROM ").qualified(&table.schema, &table.name).text("\nWHERE ");
    scope.write(&mut sql, table, "");
    sql.text("\nRETURNING 1");
    sql.into_statement()
}

/// Any row at all.
pub(super) fn any(table: &Table) -> Statement {
    let mut sql = SqlWriter::for_each("ask for any", table.stats.rows());
    sql.text("SELECT 1\nFROM ").qualified(&table.schema, &table.name).text("\nLIMIT 1");
    sql.into_statement()
}

/// Loads rows in the binary format, their columns in the order of [`binary`](super::binary).
pub(super) fn copy(table: &Table) -> Statement {
    let columns = [Column::Date].into_iter().chain(table.stats.ids()).chain([Column::QueryCount]);
    let mut sql = SqlWriter::for_each("load", table.stats.rows());
    sql.text("COPY ").qualified(&table.schema, &table.name).text(" (");
    sql.list(", ", columns, |sql, column| {
        sql.ident(table.column(column));
    });
    sql.text(") FROM STDIN (FORMAT binary)");
    sql.into_statement()
}
