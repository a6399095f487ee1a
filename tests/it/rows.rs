//! Every row type that a query of the crate gives: result rows in SQL, and the JSON that they become.
//!
//! [`Portal::rows`](crate::portal::Portal::rows) reads no row type that is not in this list.

mod list;

use std::fmt::Debug;

use output_port_usage::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;

/// A row type of the list.
pub(crate) trait Listed: chart::Row {}

/// A row type without its type.
pub(crate) struct RowType {
    pub(crate) samples: Vec<Sample>,
    /// The JSON of a row that was read from JSON.
    pub(crate) by_json: fn(&str) -> String,
    /// The JSON of a row that SQLx read.
    pub(crate) by_sqlx: fn(&PgRow) -> Result<String, sqlx::Error>,
    /// The JSON of a row that tokio-postgres read.
    pub(crate) by_tokio_postgres: fn(&tokio_postgres::Row) -> Result<String, DecodeError>,
}

/// One result row: what its decoding reads, and what comes of it.
pub(crate) struct Sample {
    pub(crate) columns: Vec<SampleColumn>,
    /// Written by hand: hosts put it on the wire.
    pub(crate) json: String,
}

pub(crate) struct SampleColumn {
    pub(crate) name: &'static str,
    /// Its value as a SQL expression.
    pub(crate) value: String,
    /// Whether a NULL in its place is another row rather than a broken one.
    pub(crate) nullable: bool,
}

pub(crate) use list::list;

/// The JSON of a row, after reading it back.
pub(crate) fn json<T: Serialize + DeserializeOwned + PartialEq + Debug>(row: &T) -> String {
    let json = serde_json::to_string(row).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), row);
    json
}
