//! The one loop that feeds a back-fill from a stream, whatever the driver.

use std::pin::pin;

use futures_util::{Stream, TryStreamExt};

use crate::postgres::{Backfill, BackfillProgress, Load, Outcome, Session, WriteError};
use crate::usage::UsageBatch;

/// Takes a batch when the one before is in, so that memory holds one.
pub(super) async fn run<F, B, S, E>(
    backfill: Backfill<F>,
    session: &mut S,
    batches: B,
) -> Result<Outcome, WriteError<S::Error>>
where
    F: FnMut(&BackfillProgress),
    B: Stream<Item = Result<UsageBatch, E>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
    S: Session,
{
    let mut batches = pin!(batches);
    let mut load = Load::enter(backfill, session).await?;
    while let Some(batch) = batches.try_next().await.map_err(|error| WriteError::Source(error.into()))? {
        load.batch(session, batch).await?;
    }
    load.finish(session).await
}
