//! A table's names as the host configures them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Column;

/// The names of a daily table and its columns, where the defaults do not fit.
///
/// ```
/// use output_port_usage::{Column, TableNames};
///
/// let names = TableNames::new("port_usage").column(Column::Date, "day").column(Column::QueryCount, "n");
/// ```
///
/// As JSON, both keys optional: `{"table": "port_usage", "columns": {"date": "day", "query_count": "n"}}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[must_use = "names do nothing until a model's builder takes them"]
pub struct TableNames {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) table: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) columns: BTreeMap<Column, String>,
}

impl TableNames {
    /// Names the table and leaves its columns at their default names.
    pub fn new(table: impl Into<String>) -> Self {
        Self { table: Some(table.into()), ..Self::default() }
    }

    /// Names a column. Defaults to [`Column::default_name`]; a column that the table does not have
    /// makes the model's `build()` fail.
    pub fn column(mut self, column: Column, name: impl Into<String>) -> Self {
        self.columns.insert(column, name.into());
        self
    }
}
