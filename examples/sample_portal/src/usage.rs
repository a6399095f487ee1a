//! The model's tables: made and filled.

use anyhow::{Context, Result};
use output_port_usage::{Outcome, UsageBatch, UsageModel};
use sqlx::PgPool;

/// Makes the model's schema and its tables.
pub async fn create_tables(pool: &PgPool, model: &UsageModel) -> Result<(), sqlx::Error> {
    model.create_schema().into_sqlx().execute(pool).await?;
    for statement in model.create_tables() {
        statement.into_sqlx().execute(pool).await?;
    }
    Ok(())
}

/// Writes all of the batches or nothing, then vacuums: the transaction is the host's.
///
/// The days are the log's own here, and one on which no query counts is a day without use: there are records of it. A
/// host whose days do not come from its log, say the last three, calls `refuse_empty_days()` on the replace instead: a
/// log that holds one of them would remove what was counted on the others.
pub async fn ingest(pool: &PgPool, model: &UsageModel, batches: &[UsageBatch]) -> Result<Vec<Outcome>> {
    let mut transaction = pool.begin().await.context("cannot begin a transaction")?;
    let mut outcomes = Vec::with_capacity(batches.len());
    for batch in batches {
        outcomes.push(model.replace(batch)?.allow_empty().run_sqlx(&mut transaction).await?);
    }
    transaction.commit().await.context("cannot commit the ingest")?;
    for statement in model.vacuum() {
        statement.into_sqlx().execute(pool).await.context("cannot vacuum the tables")?;
    }
    Ok(outcomes)
}
