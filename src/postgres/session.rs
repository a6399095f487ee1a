//! The host's transaction, and how every write enters it.

use uuid::Uuid;

use super::WriteError;
use crate::error::Kind;
use crate::hash::fnv1a;
use crate::model::{Column, CoverageTable, UsageModel};
use crate::statement::{SqlWriter, Statement};

/// A transaction of some driver, as far as a write needs it.
///
/// A driver plans each statement for its values: a plan made for any values would take every array for a short one.
pub(crate) trait Session {
    type Error: std::error::Error + 'static;

    /// Runs a statement for its effect and counts the rows that it returns.
    async fn count(&mut self, statement: Statement) -> Result<u64, Self::Error>;
    /// The text in the only column of the only row.
    async fn text(&mut self, statement: Statement) -> Result<String, Self::Error>;
    /// Whether the server refused a lock that others hold (SQLSTATE 55P03).
    fn is_lock_not_available(error: &Self::Error) -> bool;
    /// The ids in the only column.
    async fn uuids(&mut self, statement: Statement) -> Result<Vec<Uuid>, Self::Error>;
}

/// The statements that every write starts with.
pub(super) fn entrance(model: &UsageModel) -> [Statement; 2] {
    [sight(model), lock(model)]
}

/// Refuses a transaction that does not see all rows, then waits for the lock.
pub(super) async fn enter<S: Session>(
    session: &mut S,
    model: &UsageModel,
) -> Result<(), WriteError<S::Error>> {
    let answer = session.text(sight(model)).await.map_err(WriteError::Driver)?;
    if let Some(table) = answer.strip_prefix(HIDDEN) {
        return Err(WriteError::Rejected(Kind::RowSecurity(table.to_owned()).into()));
    }
    if let Some(column) = answer.strip_prefix(MISTYPED) {
        return Err(WriteError::Rejected(Kind::ColumnType(column.to_owned()).into()));
    }
    if answer == "repeatable read" {
        return Err(WriteError::Rejected(Kind::Isolation(answer.to_uppercase()).into()));
    }
    session.count(lock(model)).await.map_err(WriteError::Driver)?;
    Ok(())
}

const HIDDEN: &str = "row level security of ";
const MISTYPED: &str = "type of ";

/// What the transaction sees of the tables: its isolation level, because its snapshot must not be older than the lock;
/// or a table of which row level security hides rows from its role, who could neither find nor remove them; or a day or
/// an id that is of another type than the values it would be compared with, which the server says without its name.
fn sight(model: &UsageModel) -> Statement {
    let mut sql = SqlWriter::new("ask what the transaction sees");
    sql.text("SELECT CASE");
    let daily = model.tables().map(|table| (table.stats.what(), &table.schema, &table.name));
    let coverage = model.0.coverage.iter().map(|table| (CoverageTable::WHAT, &table.schema, &table.name));
    for (what, schema, name) in daily.chain(coverage) {
        sql.text("\n    WHEN pg_catalog.row_security_active(").regclass(schema, name).text("::text) THEN '");
        sql.text(HIDDEN).text(what).text("'");
    }
    sql.text("\n    ELSE coalesce((\n        SELECT '").text(MISTYPED);
    sql.text("\"' || a.attname::text || '\" of ' || w.of_table || ' is ' || pg_catalog.format_type(a.atttypid, NULL)");
    sql.text(" || ', not ' || w.wanted\n        FROM (VALUES\n            ");
    let daily = model.tables().flat_map(|table| {
        let key = table.stats.key().iter().map(|&column| (column, table.column(column)));
        key.map(|(column, name)| (&table.schema, &table.name, name, type_of(column)))
    });
    sql.list(",\n            ", daily, |sql, (schema, table, column, of_type)| {
        sql.text("(")
            .regclass(schema, table)
            .text(", ")
            .name_literal(column)
            .text(", '")
            .text(of_type)
            .text("')");
    });
    sql.text("\n        ) AS w(of_table, named, wanted)");
    sql.text("\n        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = w.of_table::regclass::oid AND a.attname = w.named::name");
    sql.text("\n        JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid");
    // of a domain, the type that it narrows
    sql.text("\n        WHERE CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END <> ('pg_catalog.' || w.wanted)::regtype::oid");
    sql.text("\n        ORDER BY a.attrelid, a.attnum\n        LIMIT 1");
    sql.text("\n    ), pg_catalog.current_setting('transaction_isolation'))\nEND AS \"sight\"");
    sql.into_statement()
}

/// The type of a key's column.
fn type_of(column: Column) -> &'static str {
    if column == Column::Date { "date" } else { "uuid" }
}

/// One writer for each model: without it, two ingests of overlapping scopes could mix.
fn lock(model: &UsageModel) -> Statement {
    let name = format!("output-port-usage {} {}", model.0.schema, model.0.queries.name);
    let key = i64::from_ne_bytes(fnv1a(name.as_bytes()).to_ne_bytes());
    let mut sql = SqlWriter::new("wait for other writers");
    let key = sql.bind(key);
    sql.text("SELECT pg_catalog.pg_advisory_xact_lock(").param(key).text(")");
    sql.into_statement()
}
