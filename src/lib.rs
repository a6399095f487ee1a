#![cfg_attr(docsrs, feature(doc_cfg))]

//! Usage charts for the output ports of a data-product portal.

mod error;
mod id;
mod ident;
mod time;
mod usage;

pub use error::Error;
pub use id::{ConsumerId, GroupId, OutputPortId, TechAssetId};
pub use time::{Granularity, last_days};
pub use usage::{Combination, OutputPortQueries, Scope, TechAssetTouches, UsageBatch};
