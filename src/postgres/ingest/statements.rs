//! The statements of an ingest.
//!
//! Rows are bound as arrays, one a column, so the text never depends on the size of a batch. This form was
//! measured against the usual ones, and also runs on Citus and on TimescaleDB with compressed chunks.

use crate::model::{Column, Table};
use crate::postgres::rows::Part;
use crate::postgres::scope::ScopeParams;
use crate::statement::{Param, SqlWriter, Statement};

/// One row if the scope holds a row that the batch does not.
///
/// It reads the key alone. The removal also reads the table, which takes three times as long, and most ingests have
/// nothing to remove. It counts, because a plan for the first row alone would be a bad one for none.
pub(super) fn find_vanished(table: &Table, part: &Part) -> Statement {
    let mut sql = SqlWriter::for_each("find vanished", table.stats.rows());
    sql.text("SELECT count(*) AS \"vanished\"\nFROM ");
    vanished(&mut sql, table, part);
    sql.text(" AS gone\nHAVING count(*) > 0");
    sql.into_statement()
}

/// Removes the rows of the scope that the batch does not hold.
pub(super) fn remove_vanished(table: &Table, part: &Part) -> Statement {
    let mut sql = SqlWriter::for_each("remove vanished", table.stats.rows());
    sql.text("DELETE FROM ").qualified(&table.schema, &table.name).text(" AS t\nUSING ");
    vanished(&mut sql, table, part);
    sql.text(" AS gone\nWHERE ").list(" AND ", table.stats.key(), |sql, &column| {
        let column = table.column(column);
        sql.text("gone.").ident(column).text(" = t.").ident(column);
    });
    sql.text("\nRETURNING 1");
    sql.into_statement()
}

/// The keys that the scope holds and the batch does not.
///
/// EXCEPT hashes or sorts. An anti-join became a nested loop over both where the statistics did not know the days yet,
/// as on every day until the first analyze: 6,000 rows against as many took seconds.
fn vanished(sql: &mut SqlWriter, table: &Table, part: &Part) {
    let scope = ScopeParams::bind(sql, &part.scope);
    let keys = bind_keys(sql, part);
    sql.text("(\n    SELECT ").list(", ", key_columns(table), |sql, column| {
        sql.ident(table.column(column));
    });
    sql.text("\n    FROM ").qualified(&table.schema, &table.name).text("\n    WHERE ");
    scope.write(sql, table, "");
    sql.text("\n    EXCEPT\n    SELECT ").list(", ", key_columns(table), |sql, column| {
        sql.text("u.").ident(table.column(column));
    });
    sql.text("\n    FROM unnest(");
    unnest_keys(sql, &keys);
    sql.text(") AS u(").list(", ", key_columns(table), |sql, column| {
        sql.ident(table.column(column));
    });
    sql.text(")\n)");
}

/// Inserts the batch's rows that the scope does not hold and updates those that differ.
///
/// The diff comes first, so an equal row is not even locked; ON CONFLICT then settles the rest.
pub(super) fn write_changed(table: &Table, part: &Part) -> Statement {
    let count = table.column(Column::QueryCount);
    let mut sql = SqlWriter::for_each("write changed", table.stats.rows());
    let scope = ScopeParams::bind(&mut sql, &part.scope);
    let keys = bind_keys(&mut sql, part);
    let counts = sql.bind(part.counts.clone());
    let columns = || key_columns(table).chain([Column::QueryCount]).map(|column| table.column(column));

    sql.text("INSERT INTO ").qualified(&table.schema, &table.name).text(" AS t (");
    sql.list(", ", columns(), |sql, column| {
        sql.ident(column);
    });
    sql.text(")\nSELECT ").list(", ", columns(), |sql, column| {
        sql.text("u.").ident(column);
    });
    sql.text("\nFROM unnest(");
    unnest_keys(&mut sql, &keys);
    sql.text(", ").param(counts).text("::integer[]) AS u(").list(", ", columns(), |sql, column| {
        sql.ident(column);
    });
    sql.text(")\nLEFT JOIN (\n    SELECT ").list(", ", columns(), |sql, column| {
        sql.ident(column);
    });
    sql.text("\n    FROM ").qualified(&table.schema, &table.name).text("\n    WHERE ");
    scope.write(&mut sql, table, "");
    sql.text("\n) AS o USING (").list(", ", table.stats.key(), |sql, &column| {
        sql.ident(table.column(column));
    });
    sql.text(")\nWHERE o.").ident(count).text(" IS DISTINCT FROM u.").ident(count);
    sql.text("\nON CONFLICT (").list(", ", table.stats.key(), |sql, &column| {
        sql.ident(table.column(column));
    });
    sql.text(") DO UPDATE SET ").ident(count).text(" = excluded.").ident(count);
    sql.text("\n    WHERE t.").ident(count).text(" IS DISTINCT FROM excluded.").ident(count);
    sql.text("\nRETURNING 1");
    sql.into_statement()
}

/// The columns of the key as the arrays are bound: the date, then the ids.
fn key_columns(table: &Table) -> impl Iterator<Item = Column> {
    [Column::Date].into_iter().chain(table.stats.ids())
}

fn bind_keys(sql: &mut SqlWriter, part: &Part) -> Vec<Param> {
    let dates = sql.bind(part.dates.clone());
    let ids = part.ids.iter().map(|ids| sql.bind(ids.clone()));
    [dates].into_iter().chain(ids).collect()
}

fn unnest_keys(sql: &mut SqlWriter, keys: &[Param]) {
    sql.list(", ", keys.iter().enumerate(), |sql, (index, &key)| {
        sql.param(key).text(if index == 0 { "::date[]" } else { "::uuid[]" });
    });
}
