//! The daily aggregate tables: columns, keys and their configurable names.

use crate::error::{Error, Kind};
use crate::ident::Ident;

/// A column of the daily aggregate tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Column {
    /// `date`: the usage date.
    Date,
    /// `output_port_id`: the output port.
    OutputPortId,
    /// `output_port_id_1`: the smaller output port of a combination.
    OutputPortId1,
    /// `output_port_id_2`: the larger output port of a combination.
    OutputPortId2,
    /// `tech_asset_id`: the tech asset.
    TechAssetId,
    /// `consumer_id`: the consumer.
    ConsumerId,
    /// `query_count`: how many queries.
    QueryCount,
}

impl Column {
    /// The column's default name.
    pub const fn default_name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::OutputPortId => "output_port_id",
            Self::OutputPortId1 => "output_port_id_1",
            Self::OutputPortId2 => "output_port_id_2",
            Self::TechAssetId => "tech_asset_id",
            Self::ConsumerId => "consumer_id",
            Self::QueryCount => "query_count",
        }
    }
}

/// Which of the daily aggregate tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Stats {
    Queries,
    Touches,
    Combinations,
}

impl Stats {
    pub(crate) const fn default_name(self) -> &'static str {
        match self {
            Self::Queries => "output_port_query_stats_daily",
            Self::Touches => "tech_asset_stats_daily",
            Self::Combinations => "output_port_combined_with_daily",
        }
    }

    /// How errors call the table's rows.
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::Queries => "the output-port queries",
            Self::Touches => "the tech-asset touches",
            Self::Combinations => "the combinations",
        }
    }

    /// The columns in the order in which the table declares them; the count is the last.
    pub(crate) const fn columns(self) -> &'static [Column] {
        match self {
            Self::Queries => &[Column::Date, Column::OutputPortId, Column::ConsumerId, Column::QueryCount],
            Self::Touches => &[
                Column::Date,
                Column::OutputPortId,
                Column::TechAssetId,
                Column::ConsumerId,
                Column::QueryCount,
            ],
            Self::Combinations => &[
                Column::Date,
                Column::OutputPortId1,
                Column::OutputPortId2,
                Column::ConsumerId,
                Column::QueryCount,
            ],
        }
    }

    /// Refuses a column that the table does not have.
    pub(crate) fn check_column(self, column: Column) -> Result<(), Error> {
        if self.columns().contains(&column) {
            return Ok(());
        }
        Err(Kind::ForeignColumn { column: column.default_name(), table: self.what() }.into())
    }

    /// The primary key: the port first, so that a chart reads one contiguous run of it.
    pub(crate) const fn key(self) -> &'static [Column] {
        match self {
            Self::Queries => &[Column::OutputPortId, Column::Date, Column::ConsumerId],
            Self::Touches => &[Column::OutputPortId, Column::Date, Column::TechAssetId, Column::ConsumerId],
            Self::Combinations => {
                &[Column::OutputPortId1, Column::Date, Column::OutputPortId2, Column::ConsumerId]
            }
        }
    }

    /// The key read from the other output port, for tables that have two.
    pub(crate) const fn way_back(self) -> Option<&'static [Column]> {
        match self {
            Self::Queries | Self::Touches => None,
            Self::Combinations => {
                Some(&[Column::OutputPortId2, Column::Date, Column::OutputPortId1, Column::ConsumerId])
            }
        }
    }

    /// The id columns in key order.
    pub(crate) fn ids(self) -> impl Iterator<Item = Column> {
        self.key().iter().copied().filter(|column| *column != Column::Date)
    }

    /// The id columns that name an output port.
    pub(crate) fn ports(self) -> impl Iterator<Item = Column> {
        self.ids().filter(|column| {
            matches!(column, Column::OutputPortId | Column::OutputPortId1 | Column::OutputPortId2)
        })
    }
}

/// The names of one daily aggregate table, for a host that has the table already.
///
/// ```
/// use output_port_usage::{Column, TableNames};
///
/// let names = TableNames::new("port_usage").column(Column::Date, "day").column(Column::QueryCount, "n");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "names do nothing until a model's builder takes them"]
pub struct TableNames {
    table: String,
    columns: Vec<(Column, String)>,
}

impl TableNames {
    /// A table name, with the default column names.
    pub fn new(table: impl Into<String>) -> Self {
        Self { table: table.into(), columns: Vec::new() }
    }

    /// Names a column. Defaults to [`Column::default_name`]; a column that the table does not have
    /// makes the model's `build()` fail.
    pub fn column(mut self, column: Column, name: impl Into<String>) -> Self {
        self.columns.push((column, name.into()));
        self
    }
}

/// A daily aggregate table with every name checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) stats: Stats,
    pub(crate) schema: Ident,
    pub(crate) name: Ident,
    columns: Vec<(Column, Ident)>,
}

impl Table {
    pub(crate) fn check(stats: Stats, schema: &Ident, names: Option<&TableNames>) -> Result<Self, Error> {
        let table = names.map_or(stats.default_name(), |names| &names.table);
        let given = names.map_or(&[][..], |names| &names.columns);
        for &(column, _) in given {
            stats.check_column(column)?;
        }
        let mut columns: Vec<(Column, Ident)> = Vec::with_capacity(stats.columns().len());
        for &column in stats.columns() {
            let name = given.iter().rev().find(|(of, _)| *of == column);
            let name = name.map_or(column.default_name(), |(_, name)| name);
            let ident = Ident::new(&format!("column {} of {}", column.default_name(), stats.what()), name)?;
            if let Some((other, _)) = columns.iter().find(|(_, taken)| *taken == ident) {
                return Err(Kind::NamesAlike {
                    first: format!("column {} of {}", other.default_name(), stats.what()),
                    second: format!("column {}", column.default_name()),
                    name: name.to_owned(),
                }
                .into());
            }
            columns.push((column, ident));
        }
        let name = Ident::new(&format!("the table of {}", stats.what()), table)?;
        Ok(Self { stats, schema: schema.clone(), name, columns })
    }

    /// The name of a column that the table has.
    pub(crate) fn column(&self, column: Column) -> &Ident {
        let found = self.columns.iter().find(|(of, _)| *of == column);
        &found.expect("statements name only columns that their table declares").1
    }

    /// The table in a FROM clause.
    pub(crate) fn table_ref(&self) -> (Ident, Ident) {
        (self.schema.clone(), self.name.clone())
    }
}
