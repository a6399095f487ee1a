//! Hosts that run a back-fill, by either driver.

use std::convert::Infallible;

use chrono::Days;
use futures_util::stream;
use output_port_usage::*;

use crate::driver::twins_agree::twins::{Refusal, Twins};
use crate::portal::Portal;

/// The batch in parts of at most this many days.
pub(crate) fn split(batch: &UsageBatch, length: u64) -> Vec<UsageBatch> {
    let days = batch.scope().days();
    let starts = days.start.iter_days().step_by(usize::try_from(length).unwrap());
    let parts = starts.take_while(|start| *start < days.end).map(|start| {
        let part = start..(start + Days::new(length)).min(days.end);
        let scope = Scope::new(part.clone(), batch.scope().output_ports().iter().copied()).unwrap();
        let queries = batch.queries().iter().filter(|row| part.contains(&row.date)).cloned();
        let mut of_part = UsageBatch::builder(scope).queries(queries.collect());
        if let Some(touches) = batch.touches() {
            of_part =
                of_part.touches(touches.iter().filter(|row| part.contains(&row.date)).cloned().collect());
        }
        if let Some(pairs) = batch.combinations() {
            of_part =
                of_part.combinations(pairs.iter().filter(|row| part.contains(&row.date)).cloned().collect());
        }
        of_part.build()
    });
    parts.collect()
}

/// A back-fill of the scope that the batches state together.
pub(crate) fn stated(model: &UsageModel, batches: &[UsageBatch]) -> Backfill {
    let (first, last) = (batches[0].scope(), batches[batches.len() - 1].scope());
    let ports = first.output_ports().iter().copied();
    model.backfill(Scope::new(first.days().start..last.days().end, ports).unwrap()).unwrap()
}

/// Runs it in a transaction that commits whatever comes out.
pub(super) async fn by_sqlx<F: FnMut(&BackfillProgress)>(
    portal: &Portal,
    backfill: Backfill<F>,
    batches: Vec<UsageBatch>,
) -> Result<Outcome, WriteError<sqlx::Error>> {
    by_sqlx_after(portal, "", backfill, batches).await
}

/// As [`by_sqlx`], after `first` in the same transaction.
pub(super) async fn by_sqlx_after<F: FnMut(&BackfillProgress)>(
    portal: &Portal,
    first: &str,
    backfill: Backfill<F>,
    batches: Vec<UsageBatch>,
) -> Result<Outcome, WriteError<sqlx::Error>> {
    let mut transaction = portal.pool.begin().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(first)).execute(&mut *transaction).await.unwrap();
    let outcome =
        backfill.run_sqlx(&mut transaction, stream::iter(batches.into_iter().map(Ok::<_, Infallible>))).await;
    transaction.commit().await.unwrap();
    outcome
}

impl Twins {
    /// Runs a back-fill by both drivers, in transactions that commit whatever comes out; requires equal outcomes,
    /// equal errors and equal tables.
    pub(crate) async fn backfill(
        &mut self,
        backfill: impl Fn(&UsageModel) -> Backfill,
        batches: &[UsageBatch],
    ) -> Result<Outcome, Refusal> {
        let by_sqlx = by_sqlx(&self.sqlx, backfill(self.model()), batches.to_vec()).await;
        let by_sqlx = by_sqlx.map_err(Refusal::of_sqlx);
        let backfill = backfill(self.model());
        let mut transaction = self.client.transaction().await.unwrap();
        let stream = stream::iter(batches.iter().cloned().map(Ok::<_, Infallible>));
        let by_tokio = backfill.run_tokio_postgres(&mut transaction, stream).await;
        transaction.commit().await.unwrap();
        let by_tokio = by_tokio.map_err(Refusal::of_tokio_postgres);
        assert_eq!(by_sqlx, by_tokio);
        self.check_tables().await;
        by_sqlx
    }
}
