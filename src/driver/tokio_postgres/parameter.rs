//! A statement's values as parameters of tokio-postgres.
//!
//! sea-query-postgres has them too, but stops compiling where another crate of the host turns on a feature of sea-query
//! that it has not, as sea-orm does; and it has an enum value for each cell of an array.

use std::error::Error;

use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type};

use crate::statement::Parameter;

type Written = Result<IsNull, Box<dyn Error + Sync + Send>>;

impl Parameter {
    pub(super) fn r#type(&self) -> Type {
        match self {
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

macro_rules! delegate {
    ($self:ident, $ty:ident, $out:ident, $method:ident) => {
        match $self {
            Self::Int(value) => value.$method($ty, $out),
            Self::BigInt(value) => value.$method($ty, $out),
            Self::Text(value) => value.$method($ty, $out),
            Self::Date(value) => value.$method($ty, $out),
            Self::Uuid(value) => value.$method($ty, $out),
            Self::Ints(values) => (&**values).$method($ty, $out),
            Self::Dates(values) => (&**values).$method($ty, $out),
            Self::Uuids(values) => (&**values).$method($ty, $out),
        }
    };
}

impl ToSql for Parameter {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Written {
        delegate!(self, ty, out, to_sql)
    }

    /// What each kind accepts is asked of the kind, by [`to_sql_checked`](Self::to_sql_checked).
    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Written {
        delegate!(self, ty, out, to_sql_checked)
    }
}
