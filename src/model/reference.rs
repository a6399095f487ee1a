//! Parent tables: where the ids of the model come from.

use crate::error::Error;
use crate::ident::Ident;

/// What happens to usage when its parent row is deleted.
///
/// It is settled when the tables are created; changing it in the model later changes no table. The host then alters
/// the foreign keys itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnDelete {
    /// Usage goes with its parent (`ON DELETE CASCADE`). Default for output ports and tech assets.
    Cascade,
    /// A parent with usage cannot be deleted (`ON DELETE RESTRICT`, SQLSTATE 23503, from
    /// PostgreSQL 18 on 23001). Default for consumers.
    Restrict,
    /// No foreign key: usage outlives its parent, and its label reads as none. Ids are not checked on ingest.
    Keep,
}

/// A parent table of the host, to which an id of the model points.
///
/// ```
/// use output_port_usage::{OnDelete, Reference};
///
/// let consumers = Reference::to("data_products")
///     .schema("portal")
///     .on_delete(OnDelete::Restrict)
///     .label("name")
///     .group("domain_id", Reference::to("domains").schema("portal").label("name"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a reference does nothing until a model's builder takes it"]
pub struct Reference {
    table: String,
    schema: Option<String>,
    key: Option<String>,
    on_delete: Option<OnDelete>,
    label: Option<String>,
    group: Option<(String, Box<Reference>)>,
}

impl Reference {
    /// A table whose key is a UUID column named `id`.
    pub fn to(table: impl Into<String>) -> Self {
        Self { table: table.into(), schema: None, key: None, on_delete: None, label: None, group: None }
    }

    /// The table's schema. Defaults to `public`.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// The UUID column that ids point to. Defaults to `id`.
    pub fn key(mut self, column: impl Into<String>) -> Self {
        self.key = Some(column.into());
        self
    }

    /// What happens to usage when the parent row goes. Defaults to [`OnDelete::Cascade`] for output
    /// ports and tech assets, [`OnDelete::Restrict`] for consumers; a group has no use for it.
    pub fn on_delete(mut self, on_delete: OnDelete) -> Self {
        self.on_delete = Some(on_delete);
        self
    }

    /// The column whose text names a row; chart rows then carry it. Defaults to none.
    pub fn label(mut self, column: impl Into<String>) -> Self {
        self.label = Some(column.into());
        self
    }

    /// The UUID column that puts rows in groups, and the table of the groups, for instance the
    /// domain of a data product. Defaults to none.
    ///
    /// Only the group of a consumer is read, by the query distribution by group.
    pub fn group(mut self, column: impl Into<String>, groups: Reference) -> Self {
        self.group = Some((column.into(), Box::new(groups)));
        self
    }
}

/// A reference with every name checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parent {
    /// How errors call one row: "output port", "consumer", "tech asset".
    pub(crate) what: &'static str,
    pub(crate) schema: Ident,
    pub(crate) table: Ident,
    pub(crate) key: Ident,
    pub(crate) on_delete: OnDelete,
    pub(crate) label: Option<Ident>,
    pub(crate) group: Option<(Ident, Box<Parent>)>,
}

impl Parent {
    pub(crate) fn check(
        what: &'static str,
        reference: &Reference,
        on_delete: OnDelete,
    ) -> Result<Self, Error> {
        let ident = |part: &str, name: &str| Ident::new(&format!("the {part} of {what}s"), name);
        let group = match &reference.group {
            None => None,
            Some((column, groups)) => Some((
                ident("group column", column)?,
                Box::new(Self::check("consumer group", groups, OnDelete::Keep)?),
            )),
        };
        Ok(Self {
            what,
            schema: ident("schema", reference.schema.as_deref().unwrap_or("public"))?,
            table: ident("table", &reference.table)?,
            key: ident("key column", reference.key.as_deref().unwrap_or("id"))?,
            on_delete: reference.on_delete.unwrap_or(on_delete),
            label: reference.label.as_deref().map(|label| ident("label column", label)).transpose()?,
            group,
        })
    }

    /// The parent in a FROM clause.
    pub(crate) fn table_ref(&self) -> (Ident, Ident) {
        (self.schema.clone(), self.table.clone())
    }
}
