//! Ids that no parent table holds: found before the first write.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::coverage::Mark;
use super::rows::TableRows;
use super::session::Session;
use crate::error::{Error, Kind, UnknownIds};
use crate::model::{Column, OnDelete, Parent, UsageModel};
use crate::statement::{SqlWriter, Statement};

/// What becomes of a row with an id that no parent table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    Rejected,
    Skipped,
}

impl Unknown {
    /// Rejects unknown ids, or leaves their rows out and counts these for each table.
    pub(super) fn settle(self, unknown: &UnknownIds, tables: &mut [TableRows]) -> Result<Vec<u64>, Error> {
        if !unknown.is_empty() && self == Self::Rejected {
            return Err(Kind::Unknown(unknown.clone()).into());
        }
        Ok(tables.iter_mut().map(|rows| rows.skip(unknown)).collect())
    }
}

/// The ids of the tables' rows, and the output ports that become measured, that their parents do not hold.
pub(super) async fn find<S: Session>(
    session: &mut S,
    model: &UsageModel,
    tables: &[TableRows],
    mark: Option<&Mark>,
) -> Result<UnknownIds, S::Error> {
    let mut unknown = UnknownIds::default();
    for (column, statement) in statements(model, tables, mark) {
        let ids = session.uuids(statement).await?;
        match column {
            Column::TechAssetId => unknown.tech_assets = ids,
            Column::ConsumerId => unknown.consumers = ids,
            _ => unknown.output_ports = ids,
        }
    }
    Ok(unknown)
}

/// For each parent that is enforced, the statement that finds the ids it does not hold.
pub(super) fn statements(
    model: &UsageModel,
    tables: &[TableRows],
    mark: Option<&Mark>,
) -> Vec<(Column, Statement)> {
    let enforced = enforced(model).filter_map(|(column, parent)| {
        let mut ids: BTreeSet<Uuid> = tables.iter().flat_map(|rows| rows.ids_of(column)).collect();
        if column == Column::OutputPortId {
            ids.extend(mark.into_iter().flat_map(Mark::output_ports));
        }
        (!ids.is_empty()).then(|| (column, statement(parent, ids.into_iter().collect())))
    });
    enforced.collect()
}

/// The id columns whose parent is enforced by a foreign key.
pub(super) fn enforced(model: &UsageModel) -> impl Iterator<Item = (Column, &Parent)> {
    [Column::OutputPortId, Column::TechAssetId, Column::ConsumerId].into_iter().filter_map(|column| {
        let parent = model.0.parent(column).filter(|parent| parent.on_delete != OnDelete::Keep)?;
        Some((column, parent))
    })
}

/// The ids that a parent table does not hold, ascending.
///
/// A foreign key knows nothing of rows that only an heir of the parent holds, though reading the parent finds them. `ONLY`
/// stands behind the question for heirs, because a partitioned table alone is empty; in parentheses, as a function's
/// argument would, it is read by SQL parsers that do not know it.
///
/// None where row level security may hide some from the role: the foreign key sees all of them, and decides.
pub(super) fn statement(parent: &Parent, ids: Arc<[Uuid]>) -> Statement {
    let mut sql = SqlWriter::for_each("find unknown", parent.plural());
    let ids = sql.bind(ids);
    sql.text("SELECT DISTINCT u.id\nFROM pg_catalog.unnest(")
        .param(ids)
        .text("::uuid[]) AS u(id)\nLEFT JOIN ");
    sql.qualified(&parent.schema, &parent.table).text(" AS p ON p.").ident(&parent.key).text(" = u.id");
    sql.text("\nWHERE (p.").ident(&parent.key).text(" IS NULL\n        OR EXISTS (\n            SELECT\n");
    sql.text("            FROM pg_catalog.pg_inherits AS h\n");
    sql.text("            JOIN pg_catalog.pg_class AS c ON c.oid = h.inhparent AND c.relkind = 'r'\n");
    sql.text("            WHERE h.inhparent = ")
        .regclass(&parent.schema, &parent.table)
        .text("::regclass::oid\n        )");
    sql.text(" AND NOT EXISTS (\n            SELECT\n            FROM ONLY (");
    sql.qualified(&parent.schema, &parent.table).text(") AS o\n            WHERE o.").ident(&parent.key);
    sql.text(" = u.id\n        ))\n    AND NOT pg_catalog.row_security_active(");
    sql.regclass(&parent.schema, &parent.table).text("::text)\nORDER BY u.id");
    sql.into_statement()
}
