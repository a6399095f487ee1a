//! Parent tables: where the ids of the model come from.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind};
use crate::ident::Ident;

/// What happens to usage when its parent row is deleted.
///
/// It takes effect when the tables are created; changing it in the model later changes no table, so alter the
/// [foreign keys yourself](crate::docs::migrations#when-a-parent-is-deleted).
///
/// In JSON the values are `cascade`, `restrict` and `keep`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnDelete {
    /// Usage is deleted with its parent (`ON DELETE CASCADE`). Default for output ports and tech assets.
    Cascade,
    /// A parent with usage cannot be deleted (`ON DELETE RESTRICT`). Default for consumers.
    ///
    /// Postgres refuses with SQLSTATE 23503, from PostgreSQL 18 on with 23001.
    Restrict,
    /// No foreign key: usage outlives its parent, and its label is null. Ids are not checked on ingest.
    Keep,
}

/// A parent table of the host, which ids of the model point to.
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
///
/// As JSON, all keys but `table` optional:
///
/// ```
/// # use output_port_usage::Reference;
/// let json = serde_json::json!({
///     "table": "data_products",
///     "schema": "portal",
///     "key": "id",
///     "on_delete": "restrict",
///     "label": "name",
///     "group": {"column": "domain_id", "parent": {"table": "domains", "schema": "portal", "label": "name"}}
/// });
/// let consumers: Reference = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&consumers)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use = "a reference does nothing until a model's builder takes it"]
pub struct Reference {
    table: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on_delete: Option<OnDelete>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<Group>,
}

/// The column that puts a parent's rows in groups, and the table of the groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    column: String,
    parent: Box<Reference>,
}

impl Reference {
    /// Refers to a table whose key is a UUID column, by default named `id`.
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

    /// What happens to usage when the parent row is deleted.
    ///
    /// Defaults to [`OnDelete::Cascade`] for output ports and tech assets, and to [`OnDelete::Restrict`] for consumers.
    /// The table of a group has no foreign key: setting this on one makes the model's `build()` fail.
    pub fn on_delete(mut self, on_delete: OnDelete) -> Self {
        self.on_delete = Some(on_delete);
        self
    }

    /// The column whose text names a row; chart rows then carry it. Defaults to none.
    pub fn label(mut self, column: impl Into<String>) -> Self {
        self.label = Some(column.into());
        self
    }

    /// The UUID column that puts rows in groups, and the table of the groups. Defaults to none.
    ///
    /// For instance the domain of a data product. Only consumers can have groups, by which charts are split or filtered; on
    /// other references it makes the model's `build()` fail.
    pub fn group(mut self, column: impl Into<String>, groups: Reference) -> Self {
        self.group = Some(Group { column: column.into(), parent: Box::new(groups) });
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
        if reference.group.is_some() {
            return Err(Kind::GroupOfOthers(what).into());
        }
        Self::check_names(what, reference, on_delete)
    }

    /// As [`check`](Self::check), for the parent that may have groups.
    pub(crate) fn check_consumers(reference: &Reference) -> Result<Self, Error> {
        let mut consumers = Self::check_names("consumer", reference, OnDelete::Restrict)?;
        if let Some(Group { column, parent }) = &reference.group {
            if parent.on_delete.is_some() {
                return Err(Kind::OnDeleteOfGroup.into());
            }
            let column = Ident::new("the group column of consumers", column)?;
            consumers.group =
                Some((column, Box::new(Self::check("consumer group", parent, OnDelete::Keep)?)));
        }
        Ok(consumers)
    }

    fn check_names(what: &'static str, reference: &Reference, on_delete: OnDelete) -> Result<Self, Error> {
        let ident = |part: &str, name: &str| Ident::new(&format!("the {part} of {what}s"), name);
        Ok(Self {
            what,
            schema: ident("schema", reference.schema.as_deref().unwrap_or("public"))?,
            table: ident("table", &reference.table)?,
            key: ident("key column", reference.key.as_deref().unwrap_or("id"))?,
            on_delete: reference.on_delete.unwrap_or(on_delete),
            label: reference.label.as_deref().map(|label| ident("label column", label)).transpose()?,
            group: None,
        })
    }

    /// How titles call its rows.
    pub(crate) fn plural(&self) -> &'static str {
        match self.what {
            "output port" => "output ports",
            "consumer" => "consumers",
            "tech asset" => "tech assets",
            _ => "groups",
        }
    }

    /// Whether the table may hold an id more than once: only a foreign key says that it does not.
    pub(crate) fn may_repeat(&self) -> bool {
        self.on_delete == OnDelete::Keep
    }

    /// The parent in a FROM clause.
    pub(crate) fn table_ref(&self) -> (Ident, Ident) {
        (self.schema.clone(), self.table.clone())
    }
}
