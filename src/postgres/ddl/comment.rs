//! What the catalog says of tables and columns.

use super::block;
use crate::ident::Ident;
use crate::statement::{SqlWriter, Statement};

/// Describes a table, unless it is described so.
pub(super) fn on_table(sql: SqlWriter, schema: &Ident, table: &Ident, comment: &'static str) -> Statement {
    let there = |sql: &mut SqlWriter| {
        sql.text("\n        FROM pg_catalog.pg_class AS t\n        WHERE ");
        block::is(sql, "t", schema, table);
        sql.text("\n            AND pg_catalog.obj_description(t.oid, 'pg_class') = ").text(comment);
    };
    block::unless(sql, there, |sql| {
        sql.text("COMMENT ON TABLE ").qualified(schema, table).text(" IS ").text(comment);
    })
}

/// Describes a column, unless it is described so.
pub(super) fn on_column(
    sql: SqlWriter,
    (schema, table, column): (&Ident, &Ident, &Ident),
    comment: &'static str,
) -> Statement {
    let there = |sql: &mut SqlWriter| {
        sql.text("\n        FROM pg_catalog.pg_class AS t");
        sql.text("\n        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid\n        WHERE ");
        block::is(sql, "t", schema, table);
        sql.text("\n            AND a.attname = ").name_literal(column);
        sql.text(" AND pg_catalog.col_description(t.oid, a.attnum) = ").text(comment);
    };
    block::unless(sql, there, |sql| {
        sql.text("COMMENT ON COLUMN ").qualified(schema, table).text(".").ident(column);
        sql.text(" IS ").text(comment);
    })
}
