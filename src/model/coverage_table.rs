//! The table of coverage: which days of each output port were measured.

use super::table::Declared;
use super::{Column, TableNames};
use crate::error::Error;
use crate::ident::Ident;

/// The table of coverage with every name checked: one row an output port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CoverageTable {
    pub(crate) schema: Ident,
    pub(crate) name: Ident,
    columns: Vec<(Column, Ident)>,
}

impl CoverageTable {
    /// The columns in the order in which the table declares them.
    pub(crate) const COLUMNS: [Column; 5] =
        [Column::OutputPortId, Column::Measured, Column::Settled, Column::Rules, Column::Counted];

    pub(crate) const WHAT: &str = "the coverage";

    pub(super) fn check(schema: &Ident, names: &TableNames) -> Result<Self, Error> {
        let declared =
            Declared { what: Self::WHAT, name: "output_port_usage_coverage", columns: &Self::COLUMNS };
        let (name, columns) = declared.named(Some(names))?;
        Ok(Self { schema: schema.clone(), name, columns })
    }

    /// The name of a column that the table has.
    pub(crate) fn column(&self, column: Column) -> &Ident {
        let found = self.columns.iter().find(|(of, _)| *of == column);
        &found.expect("statements name only columns that the table of coverage declares").1
    }

    /// The name that the library gives to the index of the primary key.
    pub(crate) fn key_name(&self) -> Ident {
        Ident::derived(&self.name, "pkey")
    }

    /// The table in a FROM clause.
    pub(crate) fn table_ref(&self) -> (Ident, Ident) {
        (self.schema.clone(), self.name.clone())
    }
}
