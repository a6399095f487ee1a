//! Back-fills: what they load, what they leave, and what the tables look like afterwards.

mod broken;
mod edges;
pub(crate) mod host;
mod keys;
mod random;
mod readers;
mod refused;
mod statements;
mod unlike_ours;

use std::convert::Infallible;

use futures_util::stream;
use output_port_usage::*;

use self::host::{split, stated};
use crate::driver::twins_agree::twins::{self, Twins};
use crate::portal::{Portal, builder, consumer, day, port, queries, scope};
use crate::tables;

/// 40 days of 4 output ports, in batches of at most this many days.
fn batches(days: u64) -> Vec<UsageBatch> {
    split(&twins::batch(1), days)
}

#[tokio::test]
async fn a_back_fill_holds_what_a_replace_of_its_batches_holds() {
    let replaced = Portal::with_combinations().await;
    replaced.replace(&twins::batch(1)).await;
    for days in [1, 7, 40] {
        let mut twins = Twins::new().await;
        let outcome = twins.backfill(|model| stated(model, &batches(days)), &batches(days)).await.unwrap();
        let batch = twins::batch(1);
        assert_eq!(outcome.queries.written, batch.queries().len() as u64);
        assert_eq!(outcome.touches.unwrap().written, batch.touches().unwrap().len() as u64);
        assert_eq!(outcome.combinations.unwrap().written, batch.combinations().unwrap().len() as u64);
        assert_eq!(tables::contents(&twins.sqlx).await, tables::contents(&replaced).await);
        // what was loaded is all that a replace of the same would write
        let again = twins.replace("", &batch).await.unwrap();
        assert_eq!((again.queries.written, again.touches.unwrap().written), (0, 0));
    }
}

#[tokio::test]
async fn years_are_loaded_beside_what_is_there() {
    let mut twins = Twins::new().await;
    let later = UsageBatch::builder(scope(day(2026, 2, 10)..day(2026, 2, 12), (1..=4).map(port)))
        .queries(vec![queries(day(2026, 2, 10), port(1), consumer(1), 7)])
        .build();
    twins.replace("", &later).await.unwrap();
    let other_port = UsageBatch::builder(scope(day(2026, 1, 1)..day(2026, 1, 2), [port(9)]))
        .queries(vec![queries(day(2026, 1, 1), port(9), consumer(1), 8)])
        .build();
    twins.replace("", &other_port).await.unwrap();
    twins.backfill(|model| stated(model, &batches(5)), &batches(5)).await.unwrap();
    let mut expected = tables::Tables::default();
    for batch in [later, other_port, twins::batch(1)] {
        expected.replace(&batch);
    }
    assert_eq!(tables::contents(&twins.sqlx).await, expected.texts());
}

#[tokio::test]
async fn existing_rows_are_replaced_by_choice() {
    let mut twins = Twins::new().await;
    let outside = UsageBatch::builder(scope(day(2025, 12, 31)..day(2026, 1, 1), [port(1)]))
        .queries(vec![queries(day(2025, 12, 31), port(1), consumer(1), 7)])
        .build();
    twins.replace("", &outside).await.unwrap();
    let old = twins.replace("", &twins::batch(2)).await.unwrap();
    let replace = |model: &UsageModel| stated(model, &batches(10)).replace_existing();
    let outcome = twins.backfill(replace, &batches(10)).await.unwrap();
    assert_eq!(outcome.queries.removed, old.queries.written);
    assert_eq!(outcome.combinations.unwrap().removed, old.combinations.unwrap().written);
    let mut expected = tables::Tables::default();
    for batch in [outside, twins::batch(1)] {
        expected.replace(&batch);
    }
    assert_eq!(tables::contents(&twins.sqlx).await, expected.texts());
}

#[tokio::test]
async fn a_table_that_is_not_measured_is_left_alone() {
    let mut twins = Twins::filled().await;
    let before = tables::contents(&twins.sqlx).await;
    let only_queries: Vec<UsageBatch> = split(&twins::batch(2), 8)
        .into_iter()
        .map(|batch| UsageBatch::builder(batch.scope().clone()).queries(batch.queries().to_vec()).build())
        .collect();
    let replace = |model: &UsageModel| stated(model, &only_queries).replace_existing();
    let outcome = twins.backfill(replace, &only_queries).await.unwrap();
    assert_eq!((outcome.touches, outcome.combinations), (None, None));
    let after = tables::contents(&twins.sqlx).await;
    assert_ne!(after[0], before[0]);
    assert_eq!(after[1..], before[1..]);
}

#[tokio::test]
async fn a_model_without_combinations_is_filled_too() {
    let portal = Portal::with(builder().build().unwrap()).await;
    let batches: Vec<UsageBatch> = batches(20).into_iter().map(UsageBatch::without_combinations).collect();
    let outcome = host::by_sqlx(&portal, stated(&portal.model, &batches), batches.clone()).await.unwrap();
    assert_eq!(outcome.combinations, None);
    assert_eq!(
        portal.contents("tech_asset_stats_daily").await.len() as u64,
        outcome.touches.unwrap().written
    );
    assert!(outcome.touches.unwrap().written > 0);
}

#[tokio::test]
async fn progress_comes_after_each_batch_and_before_the_keys() {
    let portal = Portal::with_combinations().await;
    let mut seen = Vec::new();
    let backfill = stated(&portal.model, &batches(15)).on_progress(|progress| {
        let written = progress.outcome.queries.written;
        seen.push((progress.step, progress.days.clone(), written));
    });
    let outcome = host::by_sqlx(&portal, backfill, batches(15)).await.unwrap();
    let first = day(2026, 1, 1);
    let until = |end: chrono::NaiveDate| {
        let of_batches = twins::batch(1);
        (first..end, of_batches.queries().iter().filter(|row| row.date < end).count() as u64)
    };
    let loaded = |end| {
        let (days, rows) = until(end);
        (BackfillStep::Loaded, days, rows)
    };
    let last = (BackfillStep::AddingKeys, first..day(2026, 2, 10), outcome.queries.written);
    assert_eq!(seen, [loaded(day(2026, 1, 16)), loaded(day(2026, 1, 31)), loaded(day(2026, 2, 10)), last],);
}

#[tokio::test]
async fn a_back_fill_runs_on_a_spawned_task() {
    let portal = Portal::with_combinations().await;
    let (pool, backfill) = (portal.pool.clone(), stated(&portal.model, &batches(40)).on_progress(|_| {}));
    let running = tokio::spawn(async move {
        let mut transaction = pool.begin().await.unwrap();
        let batches = stream::iter(batches(40).into_iter().map(Ok::<_, Infallible>));
        let outcome = backfill.run_sqlx(&mut transaction, batches).await.unwrap();
        transaction.commit().await.unwrap();
        outcome
    });
    assert!(running.await.unwrap().queries.written > 0);
    let client = crate::driver::twins_agree::twins::connect(&portal).await;
    let backfill = stated(&portal.model, &batches(40)).replace_existing();
    let running = tokio::spawn(async move {
        let mut client = client;
        let mut transaction = client.transaction().await.unwrap();
        let batches = stream::iter(batches(40).into_iter().map(Ok::<_, Infallible>));
        backfill.run_tokio_postgres(&mut transaction, batches).await.unwrap()
    });
    assert!(running.await.unwrap().queries.removed > 0);
}
