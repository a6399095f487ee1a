//! Batches by themselves.

pub(crate) mod merge;
