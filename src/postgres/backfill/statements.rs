//! The statements of a back-fill.

use crate::model::{Column, Table};
use crate::postgres::rows::Part;
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

/// Loads rows.
///
/// Arrays in the SELECT list come out row by row, where those of a FROM clause would first be stored whole.
/// That is nearly as fast as `COPY`, which no driver can break off without a trace, and which needs prepared
/// names that a pooler may lose.
pub(super) fn load(table: &Table, part: &Part) -> Statement {
    let columns = [Column::Date].into_iter().chain(table.stats.ids()).chain([Column::QueryCount]);
    let mut sql = SqlWriter::for_each("load", table.stats.rows());
    let dates = [(sql.bind(part.dates.clone()), "::date[])")];
    let ids = part.ids.iter().map(|ids| (sql.bind(ids.clone()), "::uuid[])")).collect::<Vec<_>>();
    let counts = [(sql.bind(part.counts.clone()), "::integer[])")];
    sql.text("INSERT INTO ").qualified(&table.schema, &table.name).text(" (");
    sql.list(", ", columns, |sql, column| {
        sql.ident(table.column(column));
    });
    sql.text(")\nSELECT ").list(", ", dates.into_iter().chain(ids).chain(counts), |sql, (array, of_type)| {
        sql.text("pg_catalog.unnest(").param(array).text(of_type);
    });
    sql.text("\nRETURNING 1");
    sql.into_statement()
}
