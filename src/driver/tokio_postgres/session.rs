//! The host's transaction of tokio-postgres, as writes need it.

use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Error, Transaction};
use uuid::Uuid;

use crate::postgres::Session;
use crate::statement::Statement;

pub(super) struct InTransaction<'a, 'c>(pub(super) &'a mut Transaction<'c>);

impl Session for InTransaction<'_, '_> {
    type Error = Error;

    async fn count(&mut self, statement: Statement) -> Result<u64, Error> {
        let statement = statement.into_tokio_postgres();
        let mut rows = pin!(self.0.query_typed_raw(statement.sql(), statement.params()).await?);
        let mut count = 0;
        while rows.try_next().await?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    async fn text(&mut self, statement: Statement) -> Result<String, Error> {
        let statement = statement.into_tokio_postgres();
        self.0.query_typed_one(statement.sql(), &statement.params()).await?.try_get(0)
    }

    fn is_lock_not_available(error: &Error) -> bool {
        error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE)
    }

    async fn uuids(&mut self, statement: Statement) -> Result<Vec<Uuid>, Error> {
        let statement = statement.into_tokio_postgres();
        let rows = self.0.query_typed(statement.sql(), &statement.params()).await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    }
}
