//! The ids.

pub(crate) mod forms;
