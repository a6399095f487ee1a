//! The edges to the drivers: binding, row decoding and every trait of theirs that the library implements.

#[cfg(feature = "postgres-types")]
mod postgres_types;
#[cfg(feature = "sqlx")]
mod sqlx;
