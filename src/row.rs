//! How a result row becomes a typed row, and a typed row a line of a file: once here, for every driver.

mod flat_record;

use std::fmt::Debug;

use chrono::NaiveDate;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

pub use self::flat_record::FlatRecord;
use crate::driver::DriverRow;

/// A typed row of a chart, with all that generic code needs of it.
///
/// Sealed: only the crate's rows implement it. With the feature `sqlx` it also implies SQLx's `FromRow`, so that one
/// function serves every chart without bounds of its own:
///
#[cfg_attr(feature = "sqlx", doc = "```no_run")]
#[cfg_attr(not(feature = "sqlx"), doc = "```ignore")]
/// use output_port_usage::{Chart, UsageModel};
///
/// async fn rows<C: Chart>(
///     transaction: &mut sqlx::PgConnection,
///     model: &UsageModel,
///     chart: &C,
/// ) -> Result<Vec<C::Row>, Box<dyn std::error::Error + Send + Sync>> {
///     Ok(model.query(chart)?.into_sqlx().fetch_all(transaction).await?)
/// }
/// ```
pub trait Row:
    Columnar
    + DriverRow
    + Serialize
    + DeserializeOwned
    + Clone
    + Debug
    + PartialEq
    + Send
    + Sync
    + Unpin
    + 'static
{
    /// The row as one flat record, for a file; see [`Chart::records`](crate::Chart::records) for a whole chart.
    fn record(&self) -> FlatRecord {
        FlatRecord::of(self)
    }
}

impl<R> Row for R where
    R: Columnar
        + DriverRow
        + Serialize
        + DeserializeOwned
        + Clone
        + Debug
        + PartialEq
        + Send
        + Sync
        + Unpin
        + 'static
{
}

/// The columns of one result row, read by name and type; every driver implements it.
///
/// An error names the column. Public in a private module: hosts meet it in bounds and cannot name it.
pub trait Columns {
    type Error;

    fn date(&self, column: &'static str) -> Result<NaiveDate, Self::Error>;
    fn date_or_null(&self, column: &'static str) -> Result<Option<NaiveDate>, Self::Error>;
    fn uuid(&self, column: &'static str) -> Result<Uuid, Self::Error>;
    fn uuid_or_null(&self, column: &'static str) -> Result<Option<Uuid>, Self::Error>;
    fn text(&self, column: &'static str) -> Result<String, Self::Error>;
    fn text_or_null(&self, column: &'static str) -> Result<Option<String>, Self::Error>;
    fn count(&self, column: &'static str) -> Result<i64, Self::Error>;
    fn count_or_null(&self, column: &'static str) -> Result<Option<i64>, Self::Error>;
    fn counts(&self, column: &'static str) -> Result<Vec<i64>, Self::Error>;
    fn share(&self, column: &'static str) -> Result<f64, Self::Error>;
    fn share_or_null(&self, column: &'static str) -> Result<Option<f64>, Self::Error>;
    fn flag(&self, column: &'static str) -> Result<bool, Self::Error>;
}

/// A typed row as columns: decoded from them in one place whatever the driver, and written to them.
///
/// Public in a private module, as [`Columns`] is.
pub trait Columnar: Sized {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error>;

    fn write_to(&self, record: &mut FlatRecord);
}
