//! Both drivers: the same rows, the same refusals.

pub(crate) mod twins_agree;
