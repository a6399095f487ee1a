//! What the catalogs say, as the check's statement returns it.

use serde::Deserialize;

use super::CatalogRow;
use crate::error::{Error, Kind};
use crate::ident::Ident;

/// One thing that the catalogs say.
#[derive(Debug, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
enum Fact {
    Server(Server),
    Schema(Schema),
    Relation(Relation),
    Column(Column),
    Index(Index),
    Constraint(Constraint),
    Trigger(Trigger),
    Partition(Partition),
}

#[derive(Debug, Deserialize)]
pub(super) struct Server {
    /// As 150004 for 15.4.
    pub(super) version: u32,
    /// The role that asks.
    pub(super) role: String,
    pub(super) standby: bool,
    /// Whether its transactions are read-only unless they say otherwise.
    pub(super) read_only: bool,
    /// Whether foreign keys are not enforced in its sessions.
    pub(super) replica: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Schema {
    pub(super) name: String,
    /// Whether the role may look inside.
    pub(super) usage: bool,
}

/// A table of the model or of the portal, whatever kind of relation bears its name.
#[derive(Debug, Deserialize)]
pub(super) struct Relation {
    part: String,
    /// `pg_class.relkind`.
    pub(super) kind: String,
    pub(super) owner: String,
    /// Whether the role may do what the owner may.
    pub(super) owned: bool,
    pub(super) options: Vec<String>,
    /// Whether policies apply to the role.
    pub(super) row_security: bool,
    pub(super) rules: bool,
    /// The schemas and names of the tables that inherit from it and are no partitions of it, nor chunks of TimescaleDB's.
    heirs: Option<Vec<(String, String)>>,
    /// The first ids, of a table of the portal's, that its heirs hold and it does not.
    only_in_heirs: Option<Vec<String>>,
    /// Whether it, or a partition, is empty after a crash.
    pub(super) unlogged: bool,
    /// Whether foreign keys of other tables point to it.
    pub(super) referenced: bool,
    /// The column by whose ranges, and no other's, it is partitioned.
    partitioned_by_date: Option<Vec<String>>,
    pub(super) select: bool,
    pub(super) insert: bool,
    pub(super) update: bool,
    pub(super) delete: bool,
}

impl Relation {
    /// The tables that inherit from it, by name; `None` without any.
    pub(super) fn heirs(&self) -> Option<String> {
        let heirs = self.heirs.as_ref()?.iter();
        let names: Vec<_> =
            heirs.map(|(schema, name)| format!("{}.{}", Ident::found(schema), Ident::found(name))).collect();
        Some(names.join(", "))
    }

    pub(super) fn only_in_heirs(&self) -> &[String] {
        self.only_in_heirs.as_deref().unwrap_or_default()
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Column {
    part: String,
    pub(super) name: String,
    /// `pg_type.typname` below a domain; `None` for a type that is not Postgres's own.
    #[serde(rename = "type")]
    pub(super) of_type: Option<String>,
    /// The type as a message shows it.
    pub(super) shown: String,
    pub(super) not_null: bool,
    /// Whether a row may leave it out.
    pub(super) filled: bool,
    /// Whether a row cannot set it.
    pub(super) generated: bool,
    pub(super) select: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Index {
    part: String,
    pub(super) name: String,
    pub(super) method: String,
    pub(super) unique: bool,
    pub(super) primary: bool,
    pub(super) valid: bool,
    exclusion: bool,
    pub(super) immediate: bool,
    pub(super) replica_identity: bool,
    /// Neither partial nor over expressions.
    whole: bool,
    /// In the usual order and operator classes.
    ordered: bool,
    pub(super) columns: Vec<String>,
    pub(super) included: Vec<String>,
    /// The constraint that it belongs to.
    pub(super) constraint: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Constraint {
    part: String,
    pub(super) name: String,
    pub(super) definition: String,
    pub(super) validated: bool,
    /// Whether a trigger that enforces it is off.
    pub(super) disabled: bool,
    pub(super) columns: Vec<String>,
    /// What a foreign key refers to; `None` for a check.
    pub(super) references: Option<References>,
}

#[derive(Debug, Deserialize)]
pub(super) struct References {
    pub(super) schema: String,
    pub(super) table: String,
    pub(super) columns: Vec<String>,
    /// `pg_constraint.confdeltype`.
    pub(super) on_delete: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Trigger {
    part: String,
    pub(super) name: String,
    /// Whether it runs before a row is written, or in its place.
    pub(super) before: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Partition {
    part: String,
    pub(super) schema: String,
    pub(super) name: String,
    /// As `pg_get_expr` shows it.
    pub(super) bound: String,
    /// Whether it holds rows itself.
    pub(super) is_leaf: bool,
    pub(super) options: Vec<String>,
}

/// All that the catalogs say, by the part that a relation plays in the model.
#[derive(Debug)]
pub(super) struct Catalog {
    pub(super) server: Server,
    pub(super) schemas: Vec<Schema>,
    relations: Vec<Relation>,
    columns: Vec<Column>,
    indexes: Vec<Index>,
    constraints: Vec<Constraint>,
    triggers: Vec<Trigger>,
    partitions: Vec<Partition>,
}

impl Catalog {
    pub(super) fn read(rows: impl IntoIterator<Item = CatalogRow>) -> Result<Self, Error> {
        let mut server = None;
        let (mut schemas, mut relations, mut columns, mut indexes) = (vec![], vec![], vec![], vec![]);
        let (mut constraints, mut triggers, mut partitions) = (vec![], vec![], vec![]);
        for row in rows {
            let fact =
                serde_json::from_str(&row.fact).map_err(|error| Kind::CatalogRow(error.to_string()))?;
            match fact {
                Fact::Server(of) => server = Some(of),
                Fact::Schema(of) => schemas.push(of),
                Fact::Relation(of) => relations.push(of),
                Fact::Column(of) => columns.push(of),
                Fact::Index(of) => indexes.push(of),
                Fact::Constraint(of) => constraints.push(of),
                Fact::Trigger(of) => triggers.push(of),
                Fact::Partition(of) => partitions.push(of),
            }
        }
        let server = server.ok_or_else(|| Kind::CatalogRow("there is no row about the server".into()))?;
        Ok(Self { server, schemas, relations, columns, indexes, constraints, triggers, partitions })
    }

    /// The relation that plays a part, and all that belongs to it.
    pub(super) fn of<'a>(&'a self, part: &'static str) -> Option<Described<'a>> {
        let relation = self.relations.iter().find(|relation| relation.part == part)?;
        Some(Described { catalog: self, part, relation })
    }
}

/// A relation with all that the catalogs say of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Described<'a> {
    catalog: &'a Catalog,
    part: &'static str,
    pub(super) relation: &'a Relation,
}

impl<'a> Described<'a> {
    pub(super) fn columns(&self) -> impl Iterator<Item = &'a Column> {
        let part = self.part;
        self.catalog.columns.iter().filter(move |of| of.part == part)
    }

    pub(super) fn column(&self, name: &str) -> Option<&'a Column> {
        self.columns().find(|column| column.name == name)
    }

    pub(super) fn indexes(&self) -> impl Iterator<Item = &'a Index> {
        let part = self.part;
        self.catalog.indexes.iter().filter(move |of| of.part == part)
    }

    pub(super) fn constraints(&self) -> impl Iterator<Item = &'a Constraint> {
        let part = self.part;
        self.catalog.constraints.iter().filter(move |of| of.part == part)
    }

    pub(super) fn triggers(&self) -> impl Iterator<Item = &'a Trigger> {
        let part = self.part;
        self.catalog.triggers.iter().filter(move |of| of.part == part)
    }

    pub(super) fn partitions(&self) -> impl Iterator<Item = &'a Partition> {
        let part = self.part;
        self.catalog.partitions.iter().filter(move |of| of.part == part)
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.relation.kind.as_str(), "r" | "p")
    }

    /// Whether a name is taken among what belongs to the table.
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.indexes().any(|index| index.name == name) || self.constraints().any(|of| of.name == name)
    }

    /// Whether it is partitioned by ranges of this column alone.
    pub(super) fn is_partitioned_by(&self, column: &str) -> bool {
        self.relation.partitioned_by_date.as_ref().is_some_and(|columns| *columns == [column])
    }

    pub(super) fn is_partitioned(&self) -> bool {
        self.relation.kind == "p"
    }

    /// What kind of relation it is, for a message.
    pub(super) fn what(&self) -> &'static str {
        match self.relation.kind.as_str() {
            "r" | "p" => "a table",
            "v" => "a view",
            "m" => "a materialized view",
            "f" => "a foreign table",
            "i" | "I" => "an index",
            "S" => "a sequence",
            _ => "something else",
        }
    }
}

impl Index {
    /// Whether it is valid, plain and over exactly these columns, in this order.
    pub(super) fn is(&self, method: &str, columns: &[&str], included: &[&str]) -> bool {
        self.valid
            && self.whole
            && self.ordered
            && self.immediate
            && self.method == method
            && self.columns == columns
            && self.included == included
    }

    /// Whether it lets each combination of these columns in once, in whatever order it has them.
    pub(super) fn is_unique_over(&self, columns: &[&str]) -> bool {
        self.unique
            && self.valid
            && self.whole
            && self.columns.len() == columns.len()
            && columns.iter().all(|column| self.columns.iter().any(|of| of == column))
    }

    /// Whether it settles `ON CONFLICT` over these columns.
    pub(super) fn is_key_over(&self, columns: &[&str]) -> bool {
        self.immediate && self.is_unique_over(columns)
    }

    /// Whether it may refuse a row for another one, valid or not.
    pub(super) fn refuses(&self) -> bool {
        self.unique || self.exclusion
    }

    /// Whether it is over the whole table, in one column.
    pub(super) fn is_of_one_column(&self) -> bool {
        self.whole && self.columns.len() == 1
    }
}
