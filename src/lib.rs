#![cfg_attr(docsrs, feature(doc_cfg))]
// Drivers run ingests and decode rows; without one that code has no caller.
#![cfg_attr(not(feature = "sqlx"), allow(dead_code, unused_imports))]

//! Usage charts for the output ports of a data-product portal.

mod attribution;
pub mod chart;
mod driver;
mod error;
mod id;
mod ident;
mod model;
mod postgres;
#[cfg(feature = "pretty")]
mod pretty;
pub mod query_log;
mod row;
mod statement;
mod time;
mod usage;

pub use attribution::{AccessedObjects, Attribution, AttributionBuilder, CountedUnit};
pub use chart::Chart;
pub use error::{Error, UnknownIds};
pub use id::{ConsumerId, GroupId, OutputPortId, TechAssetId};
pub use model::{Column, OnDelete, Reference, TableNames, UsageModel, UsageModelBuilder};
pub use postgres::{IngestError, Outcome, Replace, TableOutcome};
pub use statement::{Query, Statement};
pub use time::{Granularity, last_days};
pub use usage::{Combination, OutputPortQueries, Scope, TechAssetTouches, UsageBatch};
