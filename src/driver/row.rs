//! What the drivers that are compiled in ask of a row.
//!
//! It names nothing of the crate, so that the rows' own trait can build on it.

/// A row by every driver that is compiled in.
///
/// Public in a private module: hosts meet it in bounds and cannot name it.
#[cfg(feature = "sqlx")]
pub trait DriverRow: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> {}

#[cfg(feature = "sqlx")]
impl<R: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>> DriverRow for R {}

/// A row by every driver that is compiled in: none asks anything.
///
/// Public in a private module: hosts meet it in bounds and cannot name it.
#[cfg(not(feature = "sqlx"))]
pub trait DriverRow {}

#[cfg(not(feature = "sqlx"))]
impl<R> DriverRow for R {}
