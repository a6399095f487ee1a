//! A table's primary key, apart from its table.

use crate::ident::Ident;
use crate::model::{Column, IndexName, Table};
use crate::statement::{SqlWriter, Statement};

pub(in crate::postgres) fn name(table: &Table) -> Ident {
    table.index_name(IndexName::Key)
}

/// The constraint as `CREATE TABLE` and `ALTER TABLE … ADD` write it.
pub(in crate::postgres) fn write(sql: &mut SqlWriter, table: &Table) {
    sql.text("CONSTRAINT ").ident(&name(table)).text(" PRIMARY KEY (");
    write_columns(sql, table);
}

/// The columns of the key, behind an opened parenthesis.
pub(in crate::postgres) fn write_columns(sql: &mut SqlWriter, table: &Table) {
    sql.list(", ", table.stats.key(), |sql, &column| {
        sql.ident(table.column(column));
    });
    sql.text(") INCLUDE (").ident(table.column(Column::QueryCount)).text(")");
}

pub(in crate::postgres) fn add(table: &Table) -> Statement {
    let mut sql = SqlWriter::for_each("add the key of", table.stats.rows());
    sql.text("ALTER TABLE ").qualified(&table.schema, &table.name).text(" ADD ");
    write(&mut sql, table);
    sql.into_statement()
}

pub(in crate::postgres) fn drop(table: &Table) -> Statement {
    let mut sql = SqlWriter::for_each("drop the key of", table.stats.rows());
    sql.text("ALTER TABLE ").qualified(&table.schema, &table.name);
    sql.text(" DROP CONSTRAINT ").ident(&name(table));
    sql.into_statement()
}

/// Finds a unique index over exactly the columns of the key, in any order: what `ON CONFLICT` needs.
pub(in crate::postgres) fn find_any(table: &Table) -> Statement {
    let mut sql = SqlWriter::for_each("look for any key of", table.stats.rows());
    let of = sql.bind(regclass(table));
    let columns: Vec<_> =
        table.stats.key().iter().map(|&column| sql.bind(table.column(column).as_str())).collect();
    // a key has as many columns as the table, less the count
    let width = sql.bind(i32::try_from(columns.len()).unwrap_or(i32::MAX));
    sql.text("SELECT 1\nFROM pg_catalog.pg_index AS i\nWHERE i.indrelid = ");
    sql.param(of).text("::text::regclass::oid AND i.indisunique AND i.indisvalid AND i.indimmediate");
    sql.text("\n    AND i.indpred IS NULL AND i.indnkeyatts = ").param(width).text("::integer");
    sql.text("\n    AND (\n        SELECT count(*)\n        FROM pg_catalog.pg_attribute AS a");
    sql.text("\n        WHERE a.attrelid = i.indrelid AND a.attnum = ANY((i.indkey::smallint[])[0:i.indnkeyatts - 1])");
    sql.text("\n            AND a.attname IN (").list(", ", columns, |sql, column| {
        sql.param(column).text("::text");
    });
    sql.text(")\n    ) = ").param(width).text("::integer\nLIMIT 1");
    sql.into_statement()
}

/// Finds the key where it can be dropped and added again without a trace: it is as [`write`] defines it, nothing
/// depends on it or describes it, the table is a plain one, and the role owns it.
///
/// A deferrable trigger could have events pending when the key is to be added, which Postgres refuses.
pub(in crate::postgres) fn find_droppable(table: &Table) -> Statement {
    let mut sql = SqlWriter::for_each("look for the key of", table.stats.rows());
    let of = sql.bind(regclass(table));
    let named = sql.bind(name(table).as_str());
    let mut column = |column: Column| sql.bind(table.column(column).as_str());
    let key: Vec<_> = table.stats.key().iter().map(|&of_key| column(of_key)).collect();
    let included = column(Column::QueryCount);
    sql.text(
        "SELECT 1\nFROM pg_catalog.pg_constraint AS k\nJOIN pg_catalog.pg_class AS t ON t.oid = k.conrelid",
    );
    sql.text("\nJOIN pg_catalog.pg_index AS i ON i.indexrelid = k.conindid");
    sql.text("\nJOIN pg_catalog.pg_class AS x ON x.oid = k.conindid");
    sql.text("\nWHERE k.conrelid = ").param(of).text("::text::regclass::oid AND k.contype = 'p'");
    sql.text(" AND k.conname = ").param(named).text("::text");
    sql.text("\n    AND pg_catalog.pg_get_constraintdef(k.oid) = 'PRIMARY KEY (' || ").list(
        " || ', ' || ",
        key,
        |sql, column| {
            sql.text("pg_catalog.quote_ident(").param(column).text("::text)");
        },
    );
    sql.text(" || ') INCLUDE (' || pg_catalog.quote_ident(").param(included).text("::text) || ')'");
    sql.text(
        "\n    AND t.relkind = 'r' AND NOT t.relispartition AND pg_catalog.pg_has_role(t.relowner, 'USAGE')",
    );
    sql.text("\n    AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS c WHERE t.oid IN (c.inhparent, c.inhrelid))");
    sql.text("\n    AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS g WHERE g.tgrelid = t.oid AND g.tgdeferrable)");
    plain_index(&mut sql);
    // unlike that of an index, the definition of a constraint leaves them out
    sql.text(" AND x.reloptions IS NULL");
    sql.text("\n    AND NOT EXISTS (\n        SELECT FROM pg_catalog.pg_depend AS d");
    sql.text("\n        WHERE d.refobjid IN (k.oid, x.oid) AND d.deptype NOT IN ('i', 'I')\n    )");
    sql.text(
        "\n    AND NOT EXISTS (SELECT FROM pg_catalog.pg_description AS d WHERE d.objoid IN (k.oid, x.oid))",
    );
    sql.into_statement()
}

/// Whether the index `i`, whose class is `x`, has nothing that its definition does not say.
pub(super) fn plain_index(sql: &mut SqlWriter) {
    sql.text(
        "\n    AND i.indisvalid AND NOT i.indisclustered AND NOT i.indisreplident AND x.reltablespace = 0::oid",
    );
}

/// The table as a text that `regclass` reads.
pub(super) fn regclass(table: &Table) -> String {
    format!("{}.{}", table.schema, table.name)
}
