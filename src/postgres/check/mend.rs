//! The statements that mend a difference, each of which locks for an instant or not at all.

use super::catalog::{Constraint, Described, Index};
use crate::ident::Ident;
use crate::model::{Column, CoverageTable, IndexName, Parent, Table, UsageModel};
use crate::postgres::ddl::foreign_key::{self, ForeignKey};
use crate::postgres::ddl::key;
use crate::statement::{SqlWriter, Statement};

/// A check constraint of the daily tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    Count,
    Ordered,
}

impl Check {
    pub(super) fn name(self, table: &Table) -> Ident {
        let suffix = match self {
            Self::Count => "query_count_check",
            Self::Ordered => "ordered_check",
        };
        Ident::derived(&table.name, suffix)
    }
}

/// Makes a column NOT NULL without a scan under a strong lock: Postgres takes a validated check for proof.
pub(super) fn set_not_null(table: &Table, column: Column) -> Vec<Statement> {
    let suffix = match column {
        Column::Date => "date_is_there",
        Column::ConsumerId => "consumer_id_is_there",
        Column::TechAssetId => "tech_asset_id_is_there",
        Column::QueryCount => "query_count_is_there",
        Column::OutputPortId1 => "output_port_id_1_is_there",
        Column::OutputPortId2 => "output_port_id_2_is_there",
        _ => "output_port_id_is_there",
    };
    let check = Ident::derived(&table.name, suffix);
    let mut declare = alter(table, ["declare not null", column.default_name(), "of", table.stats.rows()]);
    declare
        .text("\n    DROP CONSTRAINT IF EXISTS ")
        .ident(&check)
        .text(",\n    ADD CONSTRAINT ")
        .ident(&check);
    declare.text(" CHECK (").ident(table.column(column)).text(" IS NOT NULL) NOT VALID");
    let mut set = alter(table, ["set not null", column.default_name(), "of", table.stats.rows()]);
    set.text("\n    ALTER COLUMN ")
        .ident(table.column(column))
        .text(" SET NOT NULL,\n    DROP CONSTRAINT ")
        .ident(&check);
    vec![declare.into_statement(), validate_named(table, &check), set.into_statement()]
}

pub(super) fn check(table: &Table, check: Check, there: Option<&Constraint>) -> Vec<Statement> {
    if let Some(there) = there {
        return vec![validate(table, &there.name)];
    }
    let name = check.name(table);
    let mut sql = alter(table, ["add a check to", table.stats.rows()]);
    sql.text(" ADD CONSTRAINT ").ident(&name).text(" CHECK (");
    match check {
        Check::Count => {
            sql.ident(table.column(Column::QueryCount)).text(" >= 0");
        }
        Check::Ordered => {
            sql.ident(table.column(Column::OutputPortId1))
                .text(" < ")
                .ident(table.column(Column::OutputPortId2));
        }
    }
    sql.text(") NOT VALID");
    vec![sql.into_statement(), validate_named(table, &name)]
}

/// Builds the key beside the old one, then swaps them at once: there is a key for `ON CONFLICT` at any moment.
pub(super) fn key(
    table: &Table,
    fitting: Option<&Index>,
    others: &[&Index],
    described: Described<'_>,
) -> Vec<Statement> {
    let primary = described.indexes().find(|index| index.primary);
    let mut statements = Vec::new();
    let free =
        ["key_idx", "new_key_idx", "covering_key_idx"].map(|suffix| Ident::derived(&table.name, suffix));
    let free = free.into_iter().find(|name| !described.has_name(name.as_str()));
    let Some(built) = fitting.map(|index| Ident::found(&index.name)).or(free) else { return statements };
    if fitting.is_none() {
        statements.push(build_key(table, &built));
    }
    let old_primary = primary.filter(|index| others.iter().any(|other| other.name == index.name));
    // another key of the host's own stays the primary one
    if primary.is_none() || old_primary.is_some() {
        if fitting.is_none_or(|index| index.constraint.is_none()) {
            statements.push(swap_key(table, &built, old_primary));
        } else if let Some(old) = old_primary {
            statements.push(drop_constraint(table, old.constraint.as_ref().unwrap_or(&old.name)));
        }
    }
    for other in others.iter().filter(|other| !other.primary) {
        statements.push(match &other.constraint {
            Some(constraint) => drop_constraint(table, constraint),
            None => drop_index(table, &other.name, false),
        });
    }
    statements
}

fn build_key(table: &Table, name: &Ident) -> Statement {
    let mut sql = SqlWriter::of(["build the key of", table.stats.rows()]);
    sql.text("CREATE UNIQUE INDEX CONCURRENTLY ")
        .ident(name)
        .text(" ON ")
        .qualified(&table.schema, &table.name);
    sql.text(" (");
    key::write_columns(&mut sql, table);
    sql.into_statement_outside_transaction()
}

fn swap_key(table: &Table, built: &Ident, old: Option<&Index>) -> Statement {
    let mut sql = alter(table, ["take the new key of", table.stats.rows()]);
    if let Some(old) = old {
        let constraint = Ident::found(old.constraint.as_ref().unwrap_or(&old.name));
        sql.text("\n    DROP CONSTRAINT ").ident(&constraint).text(",");
    }
    sql.text("\n    ADD CONSTRAINT ").ident(&table.index_name(IndexName::Key));
    sql.text(" PRIMARY KEY USING INDEX ").ident(built);
    sql.into_statement()
}

pub(super) fn drop_index(table: &Table, name: &str, is_partitioned: bool) -> Statement {
    let mut sql = SqlWriter::of(["drop an index of", table.stats.rows()]);
    sql.text(if is_partitioned { "DROP INDEX " } else { "DROP INDEX CONCURRENTLY " });
    sql.qualified(&table.schema, &Ident::found(name));
    sql.into_statement_outside_transaction()
}

pub(super) fn drop_constraint(table: &Table, name: &str) -> Statement {
    let mut sql = alter(table, ["drop a constraint of", table.stats.rows()]);
    sql.text(" DROP CONSTRAINT ").ident(&Ident::found(name));
    sql.into_statement()
}

pub(super) fn validate(table: &Table, name: &str) -> Statement {
    validate_named(table, &Ident::found(name))
}

fn validate_named(table: &Table, name: &Ident) -> Statement {
    let mut sql = alter(table, ["validate a constraint of", table.stats.rows()]);
    sql.text(" VALIDATE CONSTRAINT ").ident(name);
    sql.into_statement()
}

/// Adds the foreign key for new rows and then validates it; one that says something else goes in the same instant.
pub(super) fn foreign_key(model: &UsageModel, table: &Table, column: Column) -> Vec<Statement> {
    let key = ForeignKey::of(model, table).find(|key| key.is_on(column));
    key.map(|key| vec![key.add(), key.validate()]).unwrap_or_default()
}

pub(super) fn coverage_foreign_key_name(table: &CoverageTable) -> Ident {
    Ident::derived(&table.name, "output_port_id_fkey")
}

pub(super) fn coverage_foreign_key(table: &CoverageTable, parent: &Parent) -> Vec<Statement> {
    let name = coverage_foreign_key_name(table);
    let alter = |title| {
        let mut sql = SqlWriter::new(title);
        sql.text("ALTER TABLE ").qualified(&table.schema, &table.name);
        sql
    };
    let mut add = alter("add the foreign key of coverage");
    add.text(" ADD CONSTRAINT ")
        .ident(&name)
        .text(" FOREIGN KEY (")
        .ident(table.column(Column::OutputPortId))
        .text(")");
    foreign_key::references(&mut add, parent, "CASCADE");
    add.text(" NOT VALID");
    let mut validate = alter("validate the foreign key of coverage");
    validate.text(" VALIDATE CONSTRAINT ").ident(&name);
    vec![add.into_statement(), validate.into_statement()]
}

pub(super) fn storage(schema: &str, table: &str, parameters: &[(&'static str, &'static str)]) -> Statement {
    let mut sql = SqlWriter::new("set storage parameters");
    sql.text("ALTER TABLE ").qualified(&Ident::found(schema), &Ident::found(table)).text(" SET (");
    sql.list(", ", parameters, |sql, (name, value)| {
        sql.text(name).text(" = ").text(value);
    });
    sql.text(")");
    sql.into_statement()
}

fn alter<const N: usize>(table: &Table, title: [&'static str; N]) -> SqlWriter {
    let mut sql = SqlWriter::of(title);
    sql.text("ALTER TABLE ").qualified(&table.schema, &table.name);
    sql
}
