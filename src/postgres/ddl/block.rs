//! Definitions that run only where what they define is not there yet, and so need no rights where it is.
//!
//! Postgres's own `IF NOT EXISTS` asks for the right to create before it looks, and for a name where a definition is
//! meant: whatever else bears that name is taken for it without a word.

use crate::ident::Ident;
use crate::statement::{SqlWriter, Statement};

/// Runs `create` unless `there` finds a row; it goes on after `SELECT`.
pub(in crate::postgres) fn unless(
    mut sql: SqlWriter,
    there: impl FnOnce(&mut SqlWriter),
    create: impl FnOnce(&mut SqlWriter),
) -> Statement {
    sql.text("BEGIN\n    IF NOT EXISTS (\n        SELECT");
    there(&mut sql);
    sql.text("\n    ) THEN\n        ");
    create(&mut sql);
    sql.text(";\n    END IF;\nEND");
    sql.into_block()
}

/// Runs `each` for every row of `rows`, which goes on after `SELECT`; a row is called `of`.
pub(super) fn for_each(
    mut sql: SqlWriter,
    rows: impl FnOnce(&mut SqlWriter),
    each: impl FnOnce(&mut SqlWriter),
) -> Statement {
    sql.text("DECLARE\n    of record;\nBEGIN");
    write_loop(&mut sql, rows, each);
    sql.text("\nEND");
    sql.into_block()
}

/// A loop of a block that declares the record `of`.
pub(in crate::postgres) fn write_loop(
    sql: &mut SqlWriter,
    rows: impl FnOnce(&mut SqlWriter),
    each: impl FnOnce(&mut SqlWriter),
) {
    sql.text("\n    FOR of IN\n        SELECT");
    rows(sql);
    sql.text("\n    LOOP\n        EXECUTE pg_catalog.format(");
    each(sql);
    sql.text(");\n    END LOOP;");
}

/// Whether the row `alias` of `pg_class` is the relation of that name.
pub(in crate::postgres) fn is(sql: &mut SqlWriter, alias: &'static str, schema: &Ident, name: &Ident) {
    sql.text(alias).text(".relname = ").name_literal(name).text(" AND ").text(alias);
    sql.text(".relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = ");
    sql.name_literal(schema).text(")");
}

/// A table of that name, partitioned or not. What else may bear the name is none, and makes creating the table fail.
pub(super) fn find_table(sql: &mut SqlWriter, schema: &Ident, name: &Ident) {
    sql.text("\n        FROM pg_catalog.pg_class AS t\n        WHERE ");
    is(sql, "t", schema, name);
    sql.text("\n            AND t.relkind IN ('r', 'p')");
}

/// From the row `t` of `pg_class` to `c`: itself, then its partitions.
pub(in crate::postgres) const WITH_PARTITIONS: &str = "
        CROSS JOIN LATERAL (
            SELECT t.oid UNION SELECT r.relid::oid FROM pg_catalog.pg_partition_tree(t.oid) AS r
        ) AS u
        JOIN pg_catalog.pg_class AS c ON c.oid = u.oid";
