//! Statements: what changes their texts, and the list of all.

pub(crate) mod changes;
pub(crate) mod review;
