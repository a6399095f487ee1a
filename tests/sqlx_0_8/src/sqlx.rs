//! What a host imports from the crate `sqlx`, here from its parts; see `Cargo.toml`.

pub(crate) use sqlx_core::arguments::Arguments;
pub(crate) use sqlx_core::column::Column;
pub(crate) use sqlx_core::error;
pub(crate) use sqlx_core::query::query_with;
pub(crate) use sqlx_core::row::Row;
pub(crate) use sqlx_core::type_info::TypeInfo;
pub(crate) use sqlx_core::types::{self, chrono};
pub(crate) use sqlx_postgres as postgres;
