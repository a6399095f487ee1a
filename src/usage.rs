//! The facts: what was counted, and for which scope the counts are complete.

mod batch;
mod check;
mod fact;
mod merge;
mod rules;
mod scope;
mod sorted;

pub use self::batch::{UsageBatch, UsageBatchBuilder};
pub(crate) use self::check::Stated;
pub(crate) use self::fact::Fact;
pub use self::fact::{Combination, OutputPortQueries, TechAssetTouches};
pub use self::rules::Rules;
pub use self::scope::Scope;
pub(crate) use self::sorted::{PortDay, Sorted};
