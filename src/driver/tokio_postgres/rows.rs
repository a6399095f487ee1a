//! Rows of tokio-postgres as the library's.

use chrono::NaiveDate;
use tokio_postgres::types::FromSql;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use crate::row::Columns;

/// Why a row of tokio-postgres did not decode.
///
/// tokio-postgres knows a column only by its number, so this error names the column and keeps tokio-postgres'
/// own as its [`source`](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
#[error("column {column:?} of a result row cannot be decoded")]
pub struct DecodeError {
    column: &'static str,
    source: Error,
}

impl DecodeError {
    /// The column that is missing, NULL or of another type.
    pub fn column(&self) -> &'static str {
        self.column
    }
}

fn column<'r, T: FromSql<'r>>(row: &'r Row, column: &'static str) -> Result<T, DecodeError> {
    row.try_get(column).map_err(|source| DecodeError { column, source })
}

impl Columns for Row {
    type Error = DecodeError;

    fn date(&self, name: &'static str) -> Result<NaiveDate, DecodeError> {
        column(self, name)
    }

    fn date_or_null(&self, name: &'static str) -> Result<Option<NaiveDate>, DecodeError> {
        column(self, name)
    }

    fn uuid(&self, name: &'static str) -> Result<Uuid, DecodeError> {
        column(self, name)
    }

    fn uuid_or_null(&self, name: &'static str) -> Result<Option<Uuid>, DecodeError> {
        column(self, name)
    }

    fn text(&self, name: &'static str) -> Result<String, DecodeError> {
        column(self, name)
    }

    fn text_or_null(&self, name: &'static str) -> Result<Option<String>, DecodeError> {
        column(self, name)
    }

    fn count(&self, name: &'static str) -> Result<i64, DecodeError> {
        column(self, name)
    }

    fn count_or_null(&self, name: &'static str) -> Result<Option<i64>, DecodeError> {
        column(self, name)
    }

    fn counts(&self, name: &'static str) -> Result<Vec<i64>, DecodeError> {
        column(self, name)
    }

    fn share(&self, name: &'static str) -> Result<f64, DecodeError> {
        column(self, name)
    }

    fn share_or_null(&self, name: &'static str) -> Result<Option<f64>, DecodeError> {
        column(self, name)
    }

    fn flag(&self, name: &'static str) -> Result<bool, DecodeError> {
        column(self, name)
    }
}
