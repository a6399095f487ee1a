//! The configured model: which tables, which names, which parents.

mod builder;
mod column;
mod coverage_table;
mod daily_table;
mod reference;
mod table;
mod table_names;

pub use builder::UsageModelBuilder;
pub use column::Column;
pub(crate) use coverage_table::CoverageTable;
pub use daily_table::DailyTable;
pub(crate) use reference::Parent;
pub use reference::{OnDelete, Reference};
pub(crate) use table::{IndexName, Stats, Table};
pub use table_names::TableNames;

use std::sync::Arc;

use crate::ident::Ident;

/// The usage model of one portal: its daily tables, their names and their parents.
///
/// Build it once with [`UsageModel::builder`], which checks every name. It then renders every statement of the library:
/// tables, ingests, charts and upkeep. It holds no connection and is cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageModel(pub(crate) Arc<Definition>);

/// What a model says, with every name checked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Definition {
    pub(crate) schema: Ident,
    pub(crate) output_ports: Parent,
    pub(crate) consumers: Parent,
    pub(crate) tech_assets: Parent,
    pub(crate) queries: Table,
    pub(crate) touches: Table,
    pub(crate) combinations: Option<Table>,
    pub(crate) coverage: Option<CoverageTable>,
    pub(crate) read_by: ReadBy,
    /// Whether rows of several output ports lie on several nodes, where no statement can look each of them up.
    pub(crate) on_citus: bool,
}

/// Which ids other than the output port's start a key of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReadBy {
    pub(crate) consumer: bool,
    pub(crate) tech_asset: bool,
}

impl UsageModel {
    /// Starts a model with the default names and no parents yet.
    pub fn builder() -> UsageModelBuilder {
        UsageModelBuilder::default()
    }

    /// The daily tables of the model, in the order in which they are created.
    pub(crate) fn tables(&self) -> impl DoubleEndedIterator<Item = &Table> {
        self.0.tables()
    }
}

impl Definition {
    /// The daily tables of the model, in the order in which they are created.
    pub(crate) fn tables(&self) -> impl DoubleEndedIterator<Item = &Table> {
        [Some(&self.queries), Some(&self.touches), self.combinations.as_ref()].into_iter().flatten()
    }

    /// The parent that an id column of any table points to; `None` for columns without one.
    pub(crate) fn parent(&self, column: Column) -> Option<&Parent> {
        match column {
            Column::OutputPortId | Column::OutputPortId1 | Column::OutputPortId2 => Some(&self.output_ports),
            Column::TechAssetId => Some(&self.tech_assets),
            Column::ConsumerId => Some(&self.consumers),
            Column::Date
            | Column::QueryCount
            | Column::Measured
            | Column::Settled
            | Column::Rules
            | Column::Counted => None,
        }
    }
}
