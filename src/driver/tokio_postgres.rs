//! tokio-postgres: typed parameters for its own query methods, and the decoding of its rows.

mod parameter;
mod rows;
mod savepoint;
mod session;

use std::fmt;
use std::marker::PhantomData;

use futures_util::Stream;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Transaction};

pub use self::rows::DecodeError;
use self::session::InTransaction;
use crate::postgres::{Backfill, BackfillProgress, Ingest, Outcome, Removal, WriteError};
use crate::row::Row;
use crate::statement::{Parameter, Query, Statement};
use crate::usage::UsageBatch;

impl Statement {
    /// The text, with its parameters in the form that tokio-postgres takes.
    pub fn into_tokio_postgres(self) -> TokioPostgresStatement {
        TokioPostgresStatement::new(self)
    }
}

impl<T> Query<T> {
    /// The text, with its parameters in the form that tokio-postgres takes, and the decoding of its rows.
    ///
    /// ```
    /// use output_port_usage::chart::{QueriesOverTime, QueriesOverTimePoint};
    /// use output_port_usage::{OutputPortId, UsageModel, last_days};
    ///
    /// async fn last_week(
    ///     client: &tokio_postgres::Client,
    ///     model: &UsageModel,
    ///     port: OutputPortId,
    ///     today: chrono::NaiveDate,
    /// ) -> Result<Vec<QueriesOverTimePoint>, Box<dyn std::error::Error>> {
    ///     let query = model.query(&QueriesOverTime::new(port, last_days(7, today)))?.into_tokio_postgres();
    ///     let rows = client.query_typed(query.sql(), &query.params()).await?;
    ///     Ok(query.decode(&rows)?)
    /// }
    /// ```
    pub fn into_tokio_postgres(self) -> TokioPostgresQuery<T> {
        let statement = self.into_statement().into_tokio_postgres();
        TokioPostgresQuery { statement, row: PhantomData }
    }
}

/// A statement with parameters for tokio-postgres.
///
/// `query_typed(statement.sql(), &statement.params())` of a client or a transaction runs it in one round trip and
/// leaves no prepared statement behind, so it also works behind a transaction pooler.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a statement does nothing until tokio-postgres runs it"]
pub struct TokioPostgresStatement {
    sql: String,
    values: Vec<Parameter>,
}

impl TokioPostgresStatement {
    fn new(statement: Statement) -> Self {
        let (sql, values) = statement.into_typed_parts();
        Self { sql, values }
    }

    /// The SQL text.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The parameters with their types, for `query_typed` and `execute_typed`.
    pub fn params(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        self.values.iter().map(|value| (value as &(dyn ToSql + Sync), value.r#type())).collect()
    }

    /// The parameters' types, for `prepare_typed` or deadpool's `prepare_typed_cached`.
    pub fn types(&self) -> Vec<Type> {
        self.values.iter().map(Parameter::r#type).collect()
    }

    /// The parameters without their types, for a statement that is prepared already.
    pub fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
    }
}

/// A query with parameters for tokio-postgres, and the decoding of its rows to `T`.
///
/// `query_typed(query.sql(), &query.params())` of a client or a transaction runs it in one round trip and leaves no
/// prepared statement behind, so it also works behind a transaction pooler. For a prepared statement, see
/// [`types`](Self::types) and [`values`](Self::values).
#[must_use = "a query does nothing until tokio-postgres runs it"]
pub struct TokioPostgresQuery<T> {
    statement: TokioPostgresStatement,
    row: PhantomData<fn() -> T>,
}

impl<T> TokioPostgresQuery<T> {
    /// The SQL text.
    pub fn sql(&self) -> &str {
        self.statement.sql()
    }

    /// The parameters with their types, for `query_typed`.
    pub fn params(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        self.statement.params()
    }

    /// The parameters' types, for `prepare_typed` or deadpool's `prepare_typed_cached`.
    pub fn types(&self) -> Vec<Type> {
        self.statement.types()
    }

    /// The parameters without their types, for a statement that is prepared already.
    pub fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.statement.values()
    }

    /// The result rows as typed rows, in their order.
    ///
    /// # Errors
    ///
    /// A column that is missing, NULL or of another type. Rows that this query returned never cause it; rows of
    /// another query may.
    pub fn decode<'r>(
        &self,
        rows: impl IntoIterator<Item = &'r tokio_postgres::Row>,
    ) -> Result<Vec<T>, DecodeError>
    where
        T: Row,
    {
        rows.into_iter().map(T::decode).collect()
    }
}

impl<T> Clone for TokioPostgresQuery<T> {
    fn clone(&self) -> Self {
        Self { statement: self.statement.clone(), row: PhantomData }
    }
}

impl<T> PartialEq for TokioPostgresQuery<T> {
    fn eq(&self, other: &Self) -> bool {
        self.statement == other.statement
    }
}

impl<T> fmt::Debug for TokioPostgresQuery<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioPostgresQuery").field("statement", &self.statement).finish()
    }
}

impl Ingest {
    /// Runs the ingest in the host's transaction; the host commits.
    ///
    /// It takes the transaction of tokio-postgres, or that of deadpool, which derefs to it. Use READ COMMITTED or
    /// SERIALIZABLE. A SERIALIZABLE transaction may fail with SQLSTATE 40001; retry it. All writers of one model
    /// use the same level: a SERIALIZABLE transaction does not see what a READ COMMITTED one wrote while it waited
    /// for the lock.
    ///
    /// It runs inside a savepoint. After an error, or if the future is dropped before it ends, the
    /// transaction is as it was before, and so is the connection; what was sent last is still waited for. If
    /// it is dropped in its very last step, all of it may be done.
    ///
    /// # Errors
    ///
    /// [`WriteError::Rejected`] before the first write: an empty batch, a REPEATABLE READ transaction, an unknown
    /// output port, tech asset or consumer. [`WriteError::Driver`] for what tokio-postgres reports.
    pub async fn run_tokio_postgres(
        self,
        transaction: &mut Transaction<'_>,
    ) -> Result<Outcome, WriteError<Error>> {
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
    /// it is dropped in its very last step, all of it may be done.
    ///
    /// # Errors
    ///
    /// [`WriteError::Rejected`] for a REPEATABLE READ transaction, before the first row is removed.
    /// [`WriteError::Driver`] for what tokio-postgres reports.
    pub async fn run_tokio_postgres(
        self,
        transaction: &mut Transaction<'_>,
    ) -> Result<Outcome, WriteError<Error>> {
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
    /// it is dropped in its very last step, all of it may be done.
    ///
    /// # Errors
    ///
    /// [`WriteError::Rejected`] for a REPEATABLE READ transaction, for rows that exist and for a table without its
    /// key, all before the first row; for what [`UsageModel::replace`](crate::UsageModel::replace) refuses of a batch,
    /// before its first row; for batches that do not cover the scope. [`WriteError::Source`] for what the stream
    /// reports. [`WriteError::Driver`] for what tokio-postgres reports.
    pub async fn run_tokio_postgres<B, E>(
        self,
        transaction: &mut Transaction<'_>,
        batches: B,
    ) -> Result<Outcome, WriteError<Error>>
    where
        B: Stream<Item = Result<UsageBatch, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut savepoint = savepoint::open(transaction).await?;
        let outcome = super::backfill::run(self, &mut InTransaction(&mut savepoint), batches).await;
        savepoint::close(savepoint, outcome).await
    }
}
