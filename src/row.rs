//! How a result row becomes a typed row: once here, for every driver.

use chrono::NaiveDate;
use uuid::Uuid;

/// The columns of one result row, read by name and type; every driver implements it.
///
/// An error names the column. Public in a private module: hosts meet it in bounds and cannot name it.
pub trait Columns {
    type Error;

    fn date(&self, column: &'static str) -> Result<NaiveDate, Self::Error>;
    fn date_or_null(&self, column: &'static str) -> Result<Option<NaiveDate>, Self::Error>;
    fn uuid(&self, column: &'static str) -> Result<Uuid, Self::Error>;
    fn uuid_or_null(&self, column: &'static str) -> Result<Option<Uuid>, Self::Error>;
    fn text_or_null(&self, column: &'static str) -> Result<Option<String>, Self::Error>;
    fn count(&self, column: &'static str) -> Result<i64, Self::Error>;
    fn count_or_null(&self, column: &'static str) -> Result<Option<i64>, Self::Error>;
    fn share(&self, column: &'static str) -> Result<f64, Self::Error>;
    fn share_or_null(&self, column: &'static str) -> Result<Option<f64>, Self::Error>;
    fn flag(&self, column: &'static str) -> Result<bool, Self::Error>;
}

/// A typed row, decoded in one place whatever the driver.
///
/// Public in a private module, as [`Columns`] is.
pub trait Decode: Sized {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error>;
}
