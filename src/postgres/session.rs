//! The host's transaction, and how every write enters it.

use uuid::Uuid;

use super::WriteError;
use crate::error::Kind;
use crate::hash::fnv1a;
use crate::model::UsageModel;
use crate::statement::{SqlWriter, Statement};

/// A transaction of some driver, as far as a write needs it.
///
/// A driver plans each statement for its values: a plan made for any values would take every array for a short one.
pub(crate) trait Session {
    type Error: std::error::Error + 'static;

    /// Runs a statement for its effect and counts the rows that it returns.
    async fn count(&mut self, statement: Statement) -> Result<u64, Self::Error>;
    /// The text in the only column of the only row.
    async fn text(&mut self, statement: Statement) -> Result<String, Self::Error>;
    /// Whether the server refused a lock that others hold (SQLSTATE 55P03).
    fn is_lock_not_available(error: &Self::Error) -> bool;
    /// The ids in the only column.
    async fn uuids(&mut self, statement: Statement) -> Result<Vec<Uuid>, Self::Error>;
}

/// The statements that every write starts with.
pub(super) fn entrance(model: &UsageModel) -> [Statement; 2] {
    [isolation(), lock(model)]
}

/// Refuses a transaction whose snapshot is older than the lock, then waits for the lock.
pub(super) async fn enter<S: Session>(
    session: &mut S,
    model: &UsageModel,
) -> Result<(), WriteError<S::Error>> {
    let isolation = session.text(isolation()).await.map_err(WriteError::Driver)?;
    if isolation == "repeatable read" {
        return Err(WriteError::Rejected(Kind::Isolation(isolation.to_uppercase()).into()));
    }
    session.count(lock(model)).await.map_err(WriteError::Driver)?;
    Ok(())
}

/// Which isolation level the transaction has: its snapshot must not be older than the lock.
fn isolation() -> Statement {
    let mut sql = SqlWriter::new("ask for the isolation level");
    sql.text("SELECT pg_catalog.current_setting('transaction_isolation') AS \"isolation\"");
    sql.into_statement()
}

/// One writer for each model: without it, two ingests of overlapping scopes could mix.
fn lock(model: &UsageModel) -> Statement {
    let name = format!("output-port-usage {} {}", model.0.schema, model.0.queries.name);
    let key = i64::from_ne_bytes(fnv1a(name.as_bytes()).to_ne_bytes());
    let mut sql = SqlWriter::new("wait for other writers");
    let key = sql.bind(key);
    sql.text("SELECT pg_catalog.pg_advisory_xact_lock(").param(key).text(")");
    sql.into_statement()
}
