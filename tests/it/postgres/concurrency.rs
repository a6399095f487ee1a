//! Writers of overlapping scopes at once, and readers beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::Days;
use output_port_usage::*;
use sqlx::postgres::{PgPool, Postgres};
use sqlx::{AssertSqlSafe, Transaction};
use tokio::sync::Barrier;

use crate::kept::Kept;
use crate::portal::{Portal, asset, builder, combination, consumer, day, port, queries, scope, touches};
use crate::sample;
use crate::tables::{self, Tables};

const ROUNDS: u64 = 50;

/// Writer n states ports n and n + 1 on days n to n + 2, so that neighbours overlap and so do pairs; its counts name
/// the round and the writer. Every third of the keys is missing, another third in the next round.
fn batch(writer: u64, round: u64) -> UsageBatch {
    let count = 1 + round * 10 + writer;
    let (mut rows, mut read, mut pairs) = (Vec::new(), Vec::new(), Vec::new());
    let from = day(2026, 1, 1) + Days::new(writer);
    for (offset, by) in (0..3).flat_map(|offset| (0..2).map(move |by| (offset, by))) {
        if (offset + by + round).is_multiple_of(3) {
            continue;
        }
        let (date, by) = (from + Days::new(offset), consumer(by.into()));
        for of in [port(writer.into()), port(u128::from(writer) + 1)] {
            rows.push(queries(date, of, by, count));
            read.push(touches(date, of, asset(1), by, count));
        }
        // the last has a partner outside the scope, which another writer may state
        for smaller in [writer, writer + 1] {
            let one = u128::from(smaller);
            pairs.push(combination(date, port(one), port(one + 1), by, count));
        }
    }
    let stated = [port(writer.into()), port(u128::from(writer) + 1)];
    UsageBatch::builder(scope(from..from + Days::new(3), stated))
        .queries(rows)
        .touches(read)
        .combinations(pairs)
        .build()
}

/// Every state that the batches lead to, one after the other in any order, and those with all of them written.
fn reachable(start: &Tables, batches: &[UsageBatch]) -> (BTreeSet<String>, BTreeMap<String, Tables>) {
    let (mut all, mut last) = (BTreeSet::new(), BTreeMap::new());
    let mut open = vec![(start.clone(), (0..batches.len()).collect::<Vec<_>>())];
    while let Some((state, left)) = open.pop() {
        all.insert(seen(&state));
        for writer in &left {
            let mut next = state.clone();
            next.replace(&batches[*writer]);
            open.push((next, left.iter().copied().filter(|other| other != writer).collect()));
        }
        if left.is_empty() {
            last.insert(seen(&state), state);
        }
    }
    (all, last)
}

fn seen(state: &Tables) -> String {
    state.texts().concat().join(" ")
}

/// The three tables in one statement, as [`seen`] writes them.
const READ: &str = "SELECT coalesce(string_agg(row, ' ' ORDER BY number, row), '') FROM (
    SELECT 1, t::text FROM usage.output_port_query_stats_daily t
    UNION ALL SELECT 2, t::text FROM usage.tech_asset_stats_daily t
    UNION ALL SELECT 3, t::text FROM usage.output_port_combined_with_daily t) AS u(number, row)";

async fn read(pool: &PgPool) -> String {
    sqlx::query_scalar(READ).fetch_one(pool).await.unwrap()
}

async fn waiters(transaction: &mut Transaction<'_, Postgres>) -> i64 {
    let waiters = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    sqlx::query_scalar(waiters).fetch_one(&mut **transaction).await.unwrap()
}

/// Writes a batch, again after each 40001; whoever holds the lock goes on only when all who are left wait for it.
async fn write(pool: PgPool, ingest: Ingest, isolation: &'static str, left: Arc<AtomicUsize>) -> u64 {
    let mut retries = 0;
    loop {
        let mut transaction = pool.begin().await.unwrap();
        let set = format!("SET TRANSACTION ISOLATION LEVEL {isolation}");
        sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut *transaction).await.unwrap();
        let result = match ingest.clone().run_sqlx(&mut transaction).await {
            Err(WriteError::Driver(error)) => Err(error),
            Err(rejected) => panic!("{rejected:?}"),
            Ok(_) => {
                while waiters(&mut transaction).await < left.load(Ordering::SeqCst) as i64 - 1 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                // before the commit: the next holder must not wait for this one
                left.fetch_sub(1, Ordering::SeqCst);
                let committed = transaction.commit().await;
                if committed.is_err() {
                    left.fetch_add(1, Ordering::SeqCst);
                }
                committed
            }
        };
        match result {
            Ok(()) => return retries,
            Err(error) => {
                let code = error.as_database_error().and_then(|error| error.code()).map(String::from);
                assert_eq!(code.as_deref(), Some("40001"), "{error}");
                assert_eq!(isolation, "SERIALIZABLE", "{error}");
                retries += 1;
            }
        }
    }
}

/// Races the writers; a writer whom nobody waits for, or who waits for ever, fails it by the clock.
async fn race(isolation: &'static str, writers: u64) {
    tokio::time::timeout(Duration::from_secs(120), rounds(isolation, writers)).await.unwrap();
}

async fn rounds(isolation: &'static str, writers: u64) {
    let portal = Portal::with(builder().combinations().coverage().build().unwrap()).await;
    let mut kept = Kept::default();
    let mut state = Tables::default();
    let (mut retries, mut reads) = (0, 0);
    let number = ROUNDS.div_ceil(sample::one_of().into());
    for round in 0..number {
        let batches: Vec<UsageBatch> = (0..writers).map(|writer| batch(writer, round)).collect();
        let (all, mut last) = reachable(&state, &batches);
        let barrier = Arc::new(Barrier::new(writers as usize));
        let left = Arc::new(AtomicUsize::new(writers as usize));
        let done = Arc::new(AtomicBool::new(false));
        let reader = tokio::spawn({
            let (pool, done) = (portal.pool.clone(), done.clone());
            async move {
                let (mut observed, mut reads) = (BTreeSet::new(), 0);
                while !done.load(Ordering::SeqCst) {
                    observed.insert(read(&pool).await);
                    reads += 1;
                }
                (observed, reads)
            }
        });
        let running: Vec<_> = batches
            .iter()
            .map(|batch| {
                let (ingest, pool) = (portal.model.replace(batch).unwrap(), portal.pool.clone());
                let (barrier, left) = (barrier.clone(), left.clone());
                tokio::spawn(async move {
                    barrier.wait().await;
                    write(pool, ingest, isolation, left).await
                })
            })
            .collect();
        for writer in running {
            retries += writer.await.unwrap();
        }
        done.store(true, Ordering::SeqCst);
        let (observed, count) = reader.await.unwrap();
        reads += count;
        check_coverage(&portal, &mut kept, &batches).await;
        let held = tables::contents(&portal).await.concat().join(" ");
        state = last.remove(&held).unwrap_or_else(|| panic!("round {round}: {held}"));
        let mixed: Vec<_> = observed.difference(&all).collect();
        assert!(mixed.is_empty(), "round {round}: a reader saw {mixed:?}");
    }
    assert!(reads > 2 * number, "the readers must read while writers write: {reads}");
    assert_eq!(retries > 0, isolation == "SERIALIZABLE", "{retries} retries");
}

/// Days are measured that any of the writers stated, whoever was the last.
async fn check_coverage(portal: &Portal, kept: &mut Kept, batches: &[UsageBatch]) {
    for batch in batches {
        kept.mark(batch.scope(), None, |_| None);
    }
    let ports: BTreeSet<OutputPortId> =
        batches.iter().flat_map(|batch| batch.scope().output_ports().iter().copied()).collect();
    let rows = portal.model.coverage(ports).unwrap().into_sqlx().fetch_all(&portal.pool).await.unwrap();
    for row in rows {
        let read = (row.first_measured, row.last_measured, row.settled_until, row.missing_days);
        assert_eq!(read, kept.report(row.output_port_id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_at_read_committed_end_as_one_after_the_other() {
    race("READ COMMITTED", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_writers_at_read_committed_end_as_one_after_the_other() {
    race("READ COMMITTED", 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_at_serializable_end_as_one_after_the_other() {
    race("SERIALIZABLE", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_writers_at_serializable_end_as_one_after_the_other() {
    race("SERIALIZABLE", 4).await;
}
