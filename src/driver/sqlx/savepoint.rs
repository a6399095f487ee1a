//! A savepoint around each write: one that is dropped or fails leaves the transaction as it was.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use sqlx::postgres::Postgres;
use sqlx::{Connection, Error, Transaction};

use crate::postgres::{Outcome, WriteError};

/// Opens a savepoint in the host's transaction; dropping it goes back there.
pub(super) async fn open<'a>(
    host: &'a mut Transaction<'_, Postgres>,
) -> Result<Transaction<'a, Postgres>, WriteError<Error>> {
    Opening(Some(Box::pin(Connection::begin(&mut **host)))).await.map_err(WriteError::Driver)
}

/// Keeps what the write did, or goes back where it failed.
pub(super) async fn close(
    savepoint: Transaction<'_, Postgres>,
    outcome: Result<Outcome, WriteError<Error>>,
) -> Result<Outcome, WriteError<Error>> {
    match outcome {
        Ok(_) => savepoint.commit().await.map_err(WriteError::Driver)?,
        // where this fails too, the connection is lost, and the transaction with it
        Err(_) => savepoint.rollback().await.unwrap_or_default(),
    }
    outcome
}

/// SQLx's opening of a savepoint, which is forgotten where it is dropped before it is ready.
///
/// Dropped, SQLx 0.9 would roll the host's whole transaction back, and the host's commit would say Ok of nothing. A
/// savepoint that nobody uses does no harm, and what is forgotten is a small allocation.
struct Opening<F>(Option<Pin<Box<F>>>);

impl<F: Future> Future for Opening<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let opening = self.0.as_mut().expect("nobody polls a future that was ready");
        let polled = opening.as_mut().poll(context);
        if polled.is_ready() {
            self.0 = None;
        }
        polled
    }
}

impl<F> Drop for Opening<F> {
    fn drop(&mut self) {
        mem::forget(self.0.take());
    }
}
