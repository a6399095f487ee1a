//! The host's transaction of SQLx, as writes need it.

use futures_util::TryStreamExt;
use sqlx::postgres::{PgArguments, Postgres};
use sqlx::query::Query;
use sqlx::{Arguments, Row, Transaction};
use uuid::Uuid;

use super::audited;
use crate::postgres::Session;
use crate::statement::{Parameter, Statement};

pub(super) struct InTransaction<'a, 'c>(pub(super) &'a mut Transaction<'c, Postgres>);

impl Session for InTransaction<'_, '_> {
    type Error = sqlx::Error;

    async fn count(&mut self, statement: Statement) -> Result<u64, sqlx::Error> {
        let query = typed(statement)?;
        let mut rows = query.fetch(&mut **self.0);
        let mut count = 0;
        while rows.try_next().await?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    async fn text(&mut self, statement: Statement) -> Result<String, sqlx::Error> {
        typed(statement)?.fetch_one(&mut **self.0).await?.try_get(0)
    }

    fn is_lock_not_available(error: &sqlx::Error) -> bool {
        error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "55P03")
    }

    async fn uuids(&mut self, statement: Statement) -> Result<Vec<Uuid>, sqlx::Error> {
        let rows = typed(statement)?.fetch_all(&mut **self.0).await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    }
}

/// Binds the arrays of a batch as they are, and prepares under no name: a plan for any values would take every array for
/// a short one.
fn typed(statement: Statement) -> Result<Query<'static, Postgres, PgArguments>, sqlx::Error> {
    let (sql, values) = statement.into_typed_parts();
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Parameter::Int(value) => arguments.add(value),
            Parameter::BigInt(value) => arguments.add(value),
            Parameter::Text(value) => arguments.add(value),
            Parameter::Date(value) => arguments.add(value),
            Parameter::Uuid(value) => arguments.add(value),
            Parameter::Ints(values) => arguments.add(&*values),
            Parameter::Dates(values) => arguments.add(&*values),
            Parameter::Uuids(values) => arguments.add(&*values),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(sqlx::query_with(audited(sql), arguments).persistent(false))
}
