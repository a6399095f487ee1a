//! A savepoint around each write: one that is dropped or fails leaves the transaction as it was.

use tokio_postgres::{Error, Transaction};

use crate::postgres::{Outcome, WriteError};

/// Opens a savepoint in the host's transaction; dropping it goes back there.
pub(super) async fn open<'a>(host: &'a mut Transaction<'_>) -> Result<Transaction<'a>, WriteError<Error>> {
    host.savepoint("output_port_usage").await.map_err(WriteError::Driver)
}

/// Keeps what the write did, or goes back where it failed.
pub(super) async fn close(
    savepoint: Transaction<'_>,
    outcome: Result<Outcome, WriteError<Error>>,
) -> Result<Outcome, WriteError<Error>> {
    match outcome {
        Ok(_) => savepoint.commit().await.map_err(WriteError::Driver)?,
        // where this fails too, the connection is lost, and the transaction with it
        Err(_) => savepoint.rollback().await.unwrap_or_default(),
    }
    outcome
}
