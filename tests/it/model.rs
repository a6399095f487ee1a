//! The model: its names.

pub(crate) mod idens;
pub(crate) mod names;
