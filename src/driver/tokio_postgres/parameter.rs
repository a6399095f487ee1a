//! A statement's values as parameters of tokio-postgres.
//!
//! Only the kinds that the library binds. sea-query-postgres has them all, but stops compiling where another crate of
//! the host turns on a feature of sea-query that it has not, as sea-orm does.

use chrono::NaiveDate;
use sea_query::{ArrayType, Value};
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Parameter {
    Bool(Option<bool>),
    SmallInt(Option<i16>),
    Int(Option<i32>),
    BigInt(Option<i64>),
    Text(Option<String>),
    Date(Option<NaiveDate>),
    Uuid(Option<Uuid>),
    Ints(Vec<i32>),
    Dates(Vec<NaiveDate>),
    Uuids(Vec<Uuid>),
}

impl Parameter {
    pub(super) fn value(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Bool(value) => value,
            Self::SmallInt(value) => value,
            Self::Int(value) => value,
            Self::BigInt(value) => value,
            Self::Text(value) => value,
            Self::Date(value) => value,
            Self::Uuid(value) => value,
            Self::Ints(values) => values,
            Self::Dates(values) => values,
            Self::Uuids(values) => values,
        }
    }

    pub(super) fn r#type(&self) -> Type {
        match self {
            Self::Bool(_) => Type::BOOL,
            Self::SmallInt(_) => Type::INT2,
            Self::Int(_) => Type::INT4,
            Self::BigInt(_) => Type::INT8,
            Self::Text(_) => Type::TEXT,
            Self::Date(_) => Type::DATE,
            Self::Uuid(_) => Type::UUID,
            Self::Ints(_) => Type::INT4_ARRAY,
            Self::Dates(_) => Type::DATE_ARRAY,
            Self::Uuids(_) => Type::UUID_ARRAY,
        }
    }
}

impl From<Value> for Parameter {
    fn from(value: Value) -> Self {
        const MADE_SO: &str = "the library's arrays hold values of the array's type alone";
        match value {
            Value::Bool(value) => Self::Bool(value),
            Value::SmallInt(value) => Self::SmallInt(value),
            Value::Int(value) => Self::Int(value),
            Value::BigInt(value) => Self::BigInt(value),
            Value::String(value) => Self::Text(value),
            Value::ChronoDate(value) => Self::Date(value),
            Value::Uuid(value) => Self::Uuid(value),
            Value::Array(ArrayType::Int, Some(_)) => Self::Ints(value.expect(MADE_SO)),
            Value::Array(ArrayType::ChronoDate, Some(_)) => Self::Dates(value.expect(MADE_SO)),
            Value::Array(ArrayType::Uuid, Some(_)) => Self::Uuids(value.expect(MADE_SO)),
            // A test runs every statement of the library by both drivers.
            other => unreachable!("the library binds no value like {other:?}"),
        }
    }
}
