//! SQLx: statements become its own query types, rows decode through its `FromRow`.

mod ids;
mod rows;
mod savepoint;
mod session;

use futures_util::Stream;
use sea_query_binder::SqlxValues;
use sqlx::postgres::Postgres;
use sqlx::query::{Query as SqlxQuery, QueryAs};
use sqlx::{AssertSqlSafe, Execute, SqlSafeStr, SqlStr, Transaction};

use self::session::InTransaction;
use crate::postgres::{Backfill, BackfillProgress, Ingest, Outcome, Removal, WriteError};
use crate::row::Row;
use crate::statement::{Query, Statement};
use crate::usage::UsageBatch;

/// Run-time text becomes a statement here and nowhere else: the library wrote it from constants, checked names
/// and placeholders.
fn audited(sql: String) -> SqlStr {
    AssertSqlSafe(sql).into_sql_str()
}

impl Statement {
    /// SQLx's own query: run it with a pool, a connection or a transaction.
    ///
    /// It is not prepared under a name, unless `.persistent(true)` asks for that. Without values it is not prepared at
    /// all: SQLx sends it as one message, which is right [behind any pooler](crate::docs::drivers#pgbouncer), as what
    /// creates and vacuums tables is.
    pub fn into_sqlx(self) -> SqlxQuery<'static, Postgres, SqlxValues> {
        let (sql, values) = self.into_parts();
        let has_values = !values.0.is_empty();
        let mut query = sqlx::query_with(audited(sql), SqlxValues(values)).persistent(false);
        if !has_values {
            // without arguments, even without an empty list of them, SQLx uses the simple protocol
            drop(query.take_arguments());
        }
        query
    }
}

impl<T> Query<T> {
    /// SQLx's own query, typed: every fetch method works with a pool, a connection or a transaction.
    ///
    /// It is not prepared under a name, and planned each time. In a transaction this is right [behind any
    /// pooler](crate::docs::drivers#pgbouncer). With a pool of your own and nothing between it and the server,
    /// `.persistent(true)` keeps the statement and its plan on each connection, which makes small charts faster.
    pub fn into_sqlx(self) -> QueryAs<'static, Postgres, T, SqlxValues>
    where
        T: Row,
    {
        let (sql, values) = self.into_parts();
        sqlx::query_as_with(audited(sql), SqlxValues(values)).persistent(false)
    }
}

impl Ingest {
    /// Runs the ingest in the host's transaction; the host commits.
    ///
    /// Use READ COMMITTED or SERIALIZABLE. A SERIALIZABLE transaction may fail with SQLSTATE 40001; retry it.
    /// All writers of one model use the same level: a SERIALIZABLE transaction does not see what a READ
    /// COMMITTED one wrote while it waited for the lock.
    ///
    /// It runs inside a savepoint. After an error, or if the future is dropped before it ends, the
    /// transaction is as it was before, and so is the connection; what was sent last is still waited for. If
    /// it is dropped in its very last step, the transaction is lost instead, and whatever the host does next
    /// with it is an error.
    ///
    /// # Errors
    ///
    /// [`WriteError::Rejected`] before the first write: an empty batch, a REPEATABLE READ transaction, an unknown
    /// output port, tech asset or consumer. [`WriteError::Driver`] for what SQLx reports.
    pub async fn run_sqlx(
        self,
        transaction: &mut Transaction<'_, Postgres>,
    ) -> Result<Outcome, WriteError<sqlx::Error>> {
        let mut savepoint = savepoint::open(transaction).await?;
        let outcome = self.run(&mut InTransaction(&mut savepoint)).await;
        savepoint::close(savepoint, outcome).await
    }
}

impl Removal {
    /// Removes the rows in the host's transaction; the host commits.
    ///
    /// It runs inside a savepoint. After an error, or if the future is dropped before it ends, the
    /// transaction is as it was before, and so is the connection; what was sent last is still waited for. If
    /// it is dropped in its very last step, the transaction is lost instead, and whatever the host does next
    /// with it is an error.
    ///
    /// # Errors
    ///
    /// [`WriteError::Rejected`] for a REPEATABLE READ transaction, before the first row is removed.
    /// [`WriteError::Driver`] for what SQLx reports.
    pub async fn run_sqlx(
        self,
        transaction: &mut Transaction<'_, Postgres>,
    ) -> Result<Outcome, WriteError<sqlx::Error>> {
        let mut savepoint = savepoint::open(transaction).await?;
        let outcome = self.run(&mut InTransaction(&mut savepoint)).await;
        savepoint::close(savepoint, outcome).await
    }
}

impl<F: FnMut(&BackfillProgress)> Backfill<F> {
    /// Runs the back-fill in the host's transaction; the host commits.
    ///
    /// Use READ COMMITTED or SERIALIZABLE, as for an ingest.
    ///
    /// It runs inside a savepoint. After an error, or if the future is dropped before it ends, the
    /// transaction is as it was before, and so is the connection; what was sent last is still waited for. If
    /// it is dropped in its very last step, the transaction is lost instead, and whatever the host does next
    /// with it is an error.
    ///
    /// # Errors
    ///
    /// [`WriteError::Rejected`] for a REPEATABLE READ transaction, for rows that exist and for a table without its
    /// key, all before the first row; for what [`UsageModel::replace`](crate::UsageModel::replace) refuses of a batch,
    /// before its first row; for batches that do not cover the scope. [`WriteError::Source`] for what the stream
    /// reports. [`WriteError::Driver`] for what SQLx reports.
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
    ///     for statement in model.vacuum() {
    ///         statement.into_sqlx().execute(&pool).await?;
    ///     }
    ///     println!("{} rows loaded", outcome.queries.written);
    ///     Ok(())
    /// }
    /// ```
    pub async fn run_sqlx<B, E>(
        self,
        transaction: &mut Transaction<'_, Postgres>,
        batches: B,
    ) -> Result<Outcome, WriteError<sqlx::Error>>
    where
        B: Stream<Item = Result<UsageBatch, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut savepoint = savepoint::open(transaction).await?;
        let outcome = super::backfill::run(self, &mut InTransaction(&mut savepoint), batches).await;
        savepoint::close(savepoint, outcome).await
    }
}
