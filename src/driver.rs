//! The edges to the drivers: binding, row decoding and every trait of theirs that the library implements.

#[cfg(any(feature = "sqlx", feature = "tokio-postgres"))]
mod backfill;
#[cfg(feature = "postgres-types")]
mod postgres_types;
mod row;
#[cfg(feature = "sqlx")]
mod sqlx;
#[cfg(feature = "tokio-postgres")]
mod tokio_postgres;

pub(crate) use self::row::DriverRow;
#[cfg(feature = "tokio-postgres")]
pub use self::tokio_postgres::{DecodeError, TokioPostgresQuery, TokioPostgresStatement};
