//! The one loop that feeds a back-fill from a stream, whatever the driver.

use std::pin::pin;

use futures_util::{Stream, TryStreamExt};

use crate::postgres::{Backfill, BackfillError, BackfillProgress, IngestError, Load, Outcome, Session};
use crate::usage::UsageBatch;

/// Takes a batch when the one before is in, so that memory holds one.
pub(super) async fn run<F, B, S, E>(
    backfill: Backfill<F>,
    session: &mut S,
    batches: B,
) -> Result<Outcome, BackfillError<E, S::Error>>
where
    F: FnMut(&BackfillProgress),
    B: Stream<Item = Result<UsageBatch, E>>,
    S: Session,
{
    let mut batches = pin!(batches);
    let mut load = Load::enter(backfill, session).await.map_err(of_load)?;
    while let Some(batch) = batches.try_next().await.map_err(BackfillError::Source)? {
        load.batch(session, batch).await.map_err(of_load)?;
    }
    load.finish(session).await.map_err(of_load)
}

fn of_load<S, E: std::error::Error + 'static>(error: IngestError<E>) -> BackfillError<S, E> {
    match error {
        IngestError::Rejected(error) => BackfillError::Rejected(error),
        IngestError::Driver(error) => BackfillError::Driver(error),
    }
}
