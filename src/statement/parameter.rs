//! Values as statements hold them: a column of a batch is one typed array, shared by the statements that bind it.

use std::sync::Arc;

use chrono::NaiveDate;
use sea_query::{ArrayType, Value};
use uuid::Uuid;

/// A bound value of one of the kinds that the library binds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parameter {
    Int(i32),
    BigInt(i64),
    Text(String),
    Date(NaiveDate),
    Uuid(Uuid),
    Ints(Arc<[i32]>),
    Dates(Arc<[NaiveDate]>),
    Uuids(Arc<[Uuid]>),
}

/// What sea-query bound in a statement that it wrote.
impl From<Value> for Parameter {
    fn from(value: Value) -> Self {
        match value {
            Value::Int(Some(value)) => Self::Int(value),
            Value::BigInt(Some(value)) => Self::BigInt(value),
            // a LIMIT comes as a type that Postgres does not have
            Value::BigUnsigned(Some(limit)) => Self::BigInt(i64::try_from(limit).unwrap_or(i64::MAX)),
            Value::ChronoDate(Some(value)) => Self::Date(value),
            Value::Uuid(Some(value)) => Self::Uuid(value),
            Value::Array(ArrayType::Int, Some(values)) => {
                let ints = values.into_iter().filter_map(|value| match value {
                    Value::Int(int) => int,
                    _ => None,
                });
                Self::Ints(ints.collect())
            }
            Value::Array(ArrayType::Uuid, Some(values)) => {
                let ids = values.into_iter().filter_map(|value| match value {
                    Value::Uuid(id) => id,
                    _ => None,
                });
                Self::Uuids(ids.collect())
            }
            Value::Array(ArrayType::ChronoDate, Some(values)) => {
                let dates = values.into_iter().filter_map(|value| match value {
                    Value::ChronoDate(date) => date,
                    _ => None,
                });
                Self::Dates(dates.collect())
            }
            // a test renders every statement of the library
            other => unreachable!("the library binds no value like {other:?}"),
        }
    }
}

impl From<Parameter> for Value {
    fn from(parameter: Parameter) -> Self {
        fn array<T: Copy + Into<Value>>(of: ArrayType, values: &[T]) -> Value {
            Value::Array(of, Some(Box::new(values.iter().map(|&value| value.into()).collect())))
        }
        match parameter {
            Parameter::Int(value) => value.into(),
            Parameter::BigInt(value) => value.into(),
            Parameter::Text(value) => value.into(),
            Parameter::Date(value) => value.into(),
            Parameter::Uuid(value) => value.into(),
            Parameter::Ints(values) => array(ArrayType::Int, &values),
            Parameter::Dates(values) => array(ArrayType::ChronoDate, &values),
            Parameter::Uuids(values) => array(ArrayType::Uuid, &values),
        }
    }
}

macro_rules! from {
    ($($type:ty => $kind:ident),* $(,)?) => {$(
        impl From<$type> for Parameter {
            fn from(value: $type) -> Self {
                Self::$kind(value.into())
            }
        }
    )*};
}

from!(
    i32 => Int,
    i64 => BigInt,
    &str => Text,
    String => Text,
    NaiveDate => Date,
    Uuid => Uuid,
    Arc<[i32]> => Ints,
    Arc<[NaiveDate]> => Dates,
    Arc<[Uuid]> => Uuids,
);
