//! SQLx: statements become its own query types, rows decode through its `FromRow`.

use chrono::NaiveDate;
use futures_util::{Stream, TryStreamExt};
use sea_query_binder::SqlxValues;
use sqlx::postgres::{PgRow, PgTypeInfo, PgValueRef, Postgres};
use sqlx::query::{Query as SqlxQuery, QueryAs};
use sqlx::{AssertSqlSafe, Connection, Decode, Encode, FromRow, Row, SqlSafeStr, SqlStr, Transaction, Type};
use uuid::Uuid;

use crate::chart;
use crate::id::{ConsumerId, GroupId, OutputPortId, TechAssetId};
use crate::postgres::{
    Backfill, BackfillError, BackfillProgress, Ingest, IngestError, Outcome, Removal, Session, Violation,
};
use crate::row::{self, Columns};
use crate::statement::{Query, Statement};
use crate::usage::UsageBatch;

/// Run-time text becomes a statement here and nowhere else: the library wrote it from constants, checked names
/// and placeholders.
fn audited(sql: String) -> SqlStr {
    AssertSqlSafe(sql).into_sql_str()
}

impl Statement {
    /// SQLx's own query: run it with a pool, a connection or a transaction.
    pub fn into_sqlx(self) -> SqlxQuery<'static, Postgres, SqlxValues> {
        let (sql, values) = self.into_parts();
        sqlx::query_with(audited(sql), SqlxValues(values))
    }
}

impl<T> Query<T> {
    /// SQLx's own query, typed: every fetch method works with a pool, a connection or a transaction.
    pub fn into_sqlx(self) -> QueryAs<'static, Postgres, T, SqlxValues>
    where
        T: for<'r> FromRow<'r, PgRow>,
    {
        let (sql, values) = self.into_parts();
        sqlx::query_as_with(audited(sql), SqlxValues(values))
    }
}

impl Ingest {
    /// Runs the ingest in the host's transaction; the host commits.
    ///
    /// READ COMMITTED and SERIALIZABLE are right; a SERIALIZABLE transaction may fail with SQLSTATE 40001, which
    /// the host retries. All writers of one model use one level: a SERIALIZABLE transaction does not see what a
    /// READ COMMITTED one wrote while it waited for the lock.
    ///
    /// Not cancel safe: roll back if the future is dropped before it ends.
    ///
    /// # Errors
    ///
    /// [`IngestError::Rejected`] before the first write: an empty batch, a REPEATABLE READ transaction, an unknown
    /// output port, tech asset or consumer. [`IngestError::Driver`] for what SQLx reports. Roll back after either.
    pub async fn run_sqlx(
        self,
        transaction: &mut Transaction<'_, Postgres>,
    ) -> Result<Outcome, IngestError<sqlx::Error>> {
        self.run(&mut InTransaction(transaction)).await
    }
}

impl Removal {
    /// Removes the rows in the host's transaction; the host commits.
    ///
    /// Not cancel safe: roll back if the future is dropped before it ends.
    ///
    /// # Errors
    ///
    /// [`IngestError::Rejected`] for a REPEATABLE READ transaction, before the first row is removed.
    /// [`IngestError::Driver`] for what SQLx reports. Roll back after either.
    pub async fn run_sqlx(
        self,
        transaction: &mut Transaction<'_, Postgres>,
    ) -> Result<Outcome, IngestError<sqlx::Error>> {
        self.run(&mut InTransaction(transaction)).await
    }
}

impl<F: FnMut(&BackfillProgress)> Backfill<F> {
    /// Runs the back-fill in the host's transaction; the host commits.
    ///
    /// READ COMMITTED and SERIALIZABLE are right, as for an ingest. It runs inside a savepoint, to which it goes back
    /// after an error.
    ///
    /// Not cancel safe: roll back if the future is dropped before it ends.
    ///
    /// # Errors
    ///
    /// [`BackfillError::Rejected`] for a REPEATABLE READ transaction, for rows that exist and for a table without its
    /// key, all before the first row; for what [`UsageModel::replace`](crate::UsageModel::replace) refuses of a batch,
    /// before its first row; for batches that do not state the scope. [`BackfillError::Source`] for what the stream
    /// reports. [`BackfillError::Driver`] for what SQLx reports.
    ///
    /// # Example
    ///
    /// ```no_run
    /// use futures_util::stream;
    /// use output_port_usage::*;
    ///
    /// async fn load(
    ///     pool: sqlx::PgPool,
    ///     model: UsageModel,
    ///     scope: Scope,
    ///     days: impl Iterator<Item = Result<UsageBatch, std::io::Error>>,
    /// ) -> Result<(), Box<dyn std::error::Error>> {
    ///     let backfill = model.backfill(scope)?.on_progress(|progress| {
    ///         eprintln!("until {}: {} rows", progress.days.end, progress.outcome.queries.written);
    ///     });
    ///     let mut transaction = pool.begin().await?;
    ///     let outcome = backfill.run_sqlx(&mut transaction, stream::iter(days)).await?;
    ///     transaction.commit().await?;
    ///     model.vacuum().into_sqlx().execute(&pool).await?;
    ///     println!("{} rows loaded", outcome.queries.written);
    ///     Ok(())
    /// }
    /// ```
    pub async fn run_sqlx<B, E>(
        self,
        transaction: &mut Transaction<'_, Postgres>,
        batches: B,
    ) -> Result<Outcome, BackfillError<E, sqlx::Error>>
    where
        B: Stream<Item = Result<UsageBatch, E>>,
    {
        let mut savepoint = Connection::begin(&mut **transaction).await.map_err(BackfillError::Driver)?;
        let outcome = super::backfill::run(self, &mut InTransaction(&mut savepoint), batches).await;
        match outcome {
            Ok(_) => savepoint.commit().await.map_err(BackfillError::Driver)?,
            // where this fails too, the connection is lost, and the transaction with it
            Err(_) => savepoint.rollback().await.unwrap_or_default(),
        }
        outcome
    }
}

struct InTransaction<'a, 'c>(&'a mut Transaction<'c, Postgres>);

impl Session for InTransaction<'_, '_> {
    type Error = sqlx::Error;

    async fn count(&mut self, statement: Statement) -> Result<u64, sqlx::Error> {
        let query = statement.into_sqlx().persistent(false);
        let mut rows = query.fetch(&mut **self.0);
        let mut count = 0;
        while rows.try_next().await?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    async fn text(&mut self, statement: Statement) -> Result<String, sqlx::Error> {
        statement.into_sqlx().persistent(false).fetch_one(&mut **self.0).await?.try_get(0)
    }

    async fn copy(
        &mut self,
        statement: Statement,
        chunks: impl Iterator<Item = Vec<u8>> + Send,
    ) -> Result<u64, sqlx::Error> {
        let mut copy = self.0.copy_in_raw(statement.sql()).await?;
        for chunk in chunks {
            copy.send(chunk).await?;
        }
        copy.finish().await
    }

    async fn uuids(&mut self, statement: Statement) -> Result<Vec<Uuid>, sqlx::Error> {
        let rows = statement.into_sqlx().persistent(false).fetch_all(&mut **self.0).await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    }
}

impl Columns for PgRow {
    type Error = sqlx::Error;

    fn date(&self, column: &'static str) -> Result<NaiveDate, sqlx::Error> {
        self.try_get(column)
    }

    fn date_or_null(&self, column: &'static str) -> Result<Option<NaiveDate>, sqlx::Error> {
        self.try_get(column)
    }

    fn uuid(&self, column: &'static str) -> Result<Uuid, sqlx::Error> {
        self.try_get(column)
    }

    fn uuid_or_null(&self, column: &'static str) -> Result<Option<Uuid>, sqlx::Error> {
        self.try_get(column)
    }

    fn text_or_null(&self, column: &'static str) -> Result<Option<String>, sqlx::Error> {
        self.try_get(column)
    }

    fn count(&self, column: &'static str) -> Result<i64, sqlx::Error> {
        self.try_get(column)
    }

    fn count_or_null(&self, column: &'static str) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(column)
    }

    fn share(&self, column: &'static str) -> Result<f64, sqlx::Error> {
        self.try_get(column)
    }

    fn share_or_null(&self, column: &'static str) -> Result<Option<f64>, sqlx::Error> {
        self.try_get(column)
    }

    fn flag(&self, column: &'static str) -> Result<bool, sqlx::Error> {
        self.try_get(column)
    }
}

macro_rules! row {
    ($($name:ident),* $(,)?) => {$(
        impl FromRow<'_, PgRow> for chart::$name {
            fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
                row::Decode::decode(row)
            }
        }
    )*};
}

row!(
    MostOftenCombined,
    MostPopularAsset,
    OverviewRow,
    QueriesOverTimeByConsumerPoint,
    QueriesOverTimeOfPortsPoint,
    QueriesOverTimePoint,
    QueryDistributionGroupSlice,
    QueryDistributionSlice,
    SummaryTotals,
);

impl<R: row::Decode> FromRow<'_, PgRow> for chart::WithPrevious<R> {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        row::Decode::decode(row)
    }
}

impl FromRow<'_, PgRow> for Violation {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        row::Decode::decode(row)
    }
}

macro_rules! id {
    ($($name:ident),*) => {$(
        impl Type<Postgres> for $name {
            fn type_info() -> PgTypeInfo {
                <Uuid as Type<Postgres>>::type_info()
            }

            fn compatible(ty: &PgTypeInfo) -> bool {
                <Uuid as Type<Postgres>>::compatible(ty)
            }
        }

        impl<'q> Encode<'q, Postgres> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut sqlx::postgres::PgArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                <Uuid as Encode<'q, Postgres>>::encode_by_ref(&self.0, buffer)
            }
        }

        impl<'r> Decode<'r, Postgres> for $name {
            fn decode(value: PgValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                <Uuid as Decode<'r, Postgres>>::decode(value).map(Self)
            }
        }

        impl sqlx::postgres::PgHasArrayType for $name {
            fn array_type_info() -> PgTypeInfo {
                <Uuid as sqlx::postgres::PgHasArrayType>::array_type_info()
            }
        }
    )*};
}

id!(OutputPortId, ConsumerId, TechAssetId, GroupId);
