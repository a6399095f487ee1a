//! The daily aggregate tables: columns, keys and their configurable names.

use super::{Column, TableNames};
use crate::error::{Error, Kind};
use crate::ident::Ident;

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

    /// How titles call the table's rows.
    pub(crate) const fn rows(self) -> &'static str {
        match self {
            Self::Queries => "queries",
            Self::Touches => "touches",
            Self::Combinations => "combinations",
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

    /// The key that starts with the consumer.
    ///
    /// No chart reads one consumer's combinations, so theirs is there for deletes alone.
    pub(crate) const fn by_consumer(self) -> &'static [Column] {
        match self {
            Self::Queries => &[Column::ConsumerId, Column::Date, Column::OutputPortId],
            Self::Touches => &[Column::ConsumerId, Column::Date, Column::TechAssetId, Column::OutputPortId],
            Self::Combinations => &[Column::ConsumerId],
        }
    }

    /// The key that starts with the tech asset, for the table that has one.
    pub(crate) const fn by_tech_asset(self) -> Option<&'static [Column]> {
        match self {
            Self::Queries | Self::Combinations => None,
            Self::Touches => {
                Some(&[Column::TechAssetId, Column::Date, Column::ConsumerId, Column::OutputPortId])
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

/// An index of a table, by what its name is derived from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IndexName {
    Key,
    WayBack,
    Date,
    ByConsumer,
    ByTechAsset,
}

impl IndexName {
    /// Every index that the table of some stats may have.
    pub(crate) fn of(stats: Stats) -> impl Iterator<Item = Self> {
        let there = move |index: &Self| match index {
            Self::Key | Self::Date | Self::ByConsumer => true,
            Self::WayBack => stats.way_back().is_some(),
            Self::ByTechAsset => stats.by_tech_asset().is_some(),
        };
        [Self::Key, Self::WayBack, Self::Date, Self::ByConsumer, Self::ByTechAsset].into_iter().filter(there)
    }

    const fn suffix(self) -> &'static str {
        match self {
            Self::Key => "pkey",
            Self::WayBack => "way_back_idx",
            Self::Date => "date_idx",
            Self::ByConsumer => "by_consumer_idx",
            Self::ByTechAsset => "by_tech_asset_idx",
        }
    }

    /// How errors call it.
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::Key => "the primary key",
            Self::WayBack => "the index on the second output port",
            Self::Date => "the index on the date",
            Self::ByConsumer => "the index by consumer",
            Self::ByTechAsset => "the index by tech asset",
        }
    }
}

/// A table as the library declares it: how errors call it, and its default names.
pub(super) struct Declared {
    pub(super) what: &'static str,
    pub(super) name: &'static str,
    pub(super) columns: &'static [Column],
}

impl Declared {
    /// Refuses a column that the table does not have.
    fn check_column(&self, column: Column) -> Result<(), Error> {
        if self.columns.contains(&column) {
            return Ok(());
        }
        Err(Kind::ForeignColumn { column: column.default_name(), table: self.what }.into())
    }

    /// The names that the host gives to the table and its columns, checked.
    pub(super) fn named(&self, names: Option<&TableNames>) -> Result<(Ident, Vec<(Column, Ident)>), Error> {
        let defaults = TableNames::default();
        let names = names.unwrap_or(&defaults);
        let table = names.table.as_deref().unwrap_or(self.name);
        names.columns.keys().try_for_each(|&column| self.check_column(column))?;
        let mut columns: Vec<(Column, Ident)> = Vec::with_capacity(self.columns.len());
        for &column in self.columns {
            let name = names.columns.get(&column).map_or(column.default_name(), String::as_str);
            let ident = Ident::new(&format!("column {} of {}", column.default_name(), self.what), name)?;
            if let Some((other, _)) = columns.iter().find(|(_, taken)| *taken == ident) {
                return Err(Kind::NamesAlike {
                    first: format!("column {} of {}", other.default_name(), self.what),
                    second: format!("column {}", column.default_name()),
                    name: name.to_owned(),
                }
                .into());
            }
            columns.push((column, ident));
        }
        Ok((Ident::new(&format!("the table of {}", self.what), table)?, columns))
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
        let declared = Declared { what: stats.what(), name: stats.default_name(), columns: stats.columns() };
        let (name, columns) = declared.named(names)?;
        Ok(Self { stats, schema: schema.clone(), name, columns })
    }

    /// The name of a column that the table has.
    pub(crate) fn column(&self, column: Column) -> &Ident {
        let found = self.columns.iter().find(|(of, _)| *of == column);
        &found.expect("statements name only columns that their table declares").1
    }

    /// The name that the library gives to an index of the table.
    pub(crate) fn index_name(&self, index: IndexName) -> Ident {
        Ident::derived(&self.name, index.suffix())
    }

    /// The table in a FROM clause.
    pub(crate) fn table_ref(&self) -> (Ident, Ident) {
        (self.schema.clone(), self.name.clone())
    }
}
