//! Writes whose future is dropped at each of its awaits: all of it is there or nothing, and the connection goes on
//! answering what it is asked.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use futures_util::stream;
use output_port_usage::chart::*;
use output_port_usage::*;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{Postgres, Transaction};
use tokio_postgres::NoTls;

use crate::portal::{COMBINATION_STATS, COVERAGE, Portal, QUERY_STATS, TOUCH_STATS, consumer, day, port};
use crate::postgres::backfill::host::{split, stated};
use crate::postgres::killed::{batch, filled, pid, wait_until_it_waits};
use crate::postgres::relay::Relay;
use crate::sample;
use crate::tables;

/// Polls the future at most so many times and then drops it, at whichever await it is.
async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[derive(Clone)]
enum Write {
    Ingest(Ingest),
    Removal(Removal),
    Backfill(Backfill, Vec<UsageBatch>),
}

impl Write {
    async fn by_sqlx(self, transaction: &mut Transaction<'_, Postgres>) -> Outcome {
        match self {
            Self::Ingest(ingest) => ingest.run_sqlx(transaction).await,
            Self::Removal(removal) => removal.run_sqlx(transaction).await,
            Self::Backfill(backfill, batches) => {
                let batches = stream::iter(batches.into_iter().map(Ok::<_, Infallible>));
                backfill.run_sqlx(transaction, batches).await
            }
        }
        .unwrap()
    }

    async fn by_tokio_postgres(self, transaction: &mut tokio_postgres::Transaction<'_>) -> Outcome {
        match self {
            Self::Ingest(ingest) => ingest.run_tokio_postgres(transaction).await,
            Self::Removal(removal) => removal.run_tokio_postgres(transaction).await,
            Self::Backfill(backfill, batches) => {
                let batches = stream::iter(batches.into_iter().map(Ok::<_, Infallible>));
                backfill.run_tokio_postgres(transaction, batches).await
            }
        }
        .unwrap()
    }
}

/// What the host does with its transaction after the write was dropped.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ending {
    Commit,
    Rollback,
    Drop,
}

/// How a transaction in which a write was dropped came out.
#[derive(Debug)]
struct Ended {
    /// The write was done before it could be dropped.
    complete: bool,
    /// What the ending said.
    answer: Result<(), String>,
}

/// The host's one connection.
enum Host {
    Sqlx(PgPool),
    TokioPostgres(tokio_postgres::Client),
}

/// A row of the host's own, in the same transaction.
const NOTE: &str = "INSERT INTO portal.notes DEFAULT VALUES";

impl Host {
    async fn sqlx(portal: &Portal) -> Self {
        let Relay { url, .. } = Relay::start(portal.database.url()).await;
        let pool = PgPoolOptions::new().max_connections(1).connect(&url).await.unwrap();
        Self::Sqlx(pool)
    }

    async fn tokio_postgres(portal: &Portal) -> Self {
        let Relay { url, .. } = Relay::start(portal.database.url()).await;
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        Self::TokioPostgres(client)
    }

    async fn write(&mut self, write: Write, polls: usize, ending: Ending) -> Ended {
        match self {
            Self::Sqlx(pool) => {
                let mut transaction = pool.begin().await.unwrap();
                sqlx::query(NOTE).execute(&mut *transaction).await.unwrap();
                let complete = polled(write.by_sqlx(&mut transaction), polls).await.is_some();
                let answer = match ending {
                    Ending::Commit => transaction.commit().await,
                    Ending::Rollback => transaction.rollback().await,
                    Ending::Drop => {
                        drop(transaction);
                        Ok(())
                    }
                };
                Ended { complete, answer: answer.map_err(|error| error.to_string()) }
            }
            Self::TokioPostgres(client) => {
                let mut transaction = client.transaction().await.unwrap();
                transaction.execute(NOTE, &[]).await.unwrap();
                let complete = polled(write.by_tokio_postgres(&mut transaction), polls).await.is_some();
                let answer = match ending {
                    Ending::Commit => transaction.commit().await,
                    Ending::Rollback => transaction.rollback().await,
                    Ending::Drop => {
                        drop(transaction);
                        Ok(())
                    }
                };
                Ended { complete, answer: answer.map_err(|error| error.to_string()) }
            }
        }
    }

    /// Charts of different columns, one after the other; SQLx has them prepared.
    async fn charts(&self, model: &UsageModel) -> Vec<String> {
        let days = || day(2026, 1, 1)..day(2026, 1, 4);
        vec![
            self.rows(model, &QueriesOverTime::new(port(1), days())).await,
            self.rows(model, &QueryDistribution::new(port(1), days())).await,
            self.rows(model, &MostPopularAssets::new(port(2), days())).await,
            self.rows(model, &MostOftenCombinedWith::new(port(1), days())).await,
            self.rows(model, &QueriesOverTime::new(port(3), days())).await,
        ]
    }

    async fn rows<C: Chart>(&self, model: &UsageModel, chart: &C) -> String {
        let query = model.query(chart).unwrap();
        let rows = match self {
            Self::Sqlx(pool) => query.into_sqlx().fetch_all(pool).await.unwrap(),
            Self::TokioPostgres(client) => {
                let query = query.into_tokio_postgres();
                query.decode(&client.query_typed(query.sql(), &query.params()).await.unwrap()).unwrap()
            }
        };
        serde_json::to_string(&rows).unwrap()
    }
}

/// Rows and indexes.
async fn state(portal: &Portal) -> ([Vec<String>; 3], Vec<String>, Vec<String>) {
    let indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'usage' ORDER BY 1";
    (tables::contents(portal).await, portal.contents(COVERAGE).await, portal.texts(indexes).await)
}

async fn notes(portal: &Portal) -> usize {
    portal.texts("SELECT 'a note' FROM portal.notes").await.len()
}

const TABLES: [&str; 4] = [QUERY_STATS, TOUCH_STATS, COMBINATION_STATS, COVERAGE];

async fn run(portal: &Portal, sql: String) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&portal.pool).await.unwrap();
}

/// Drops the write at each of its awaits, and ends the transaction in every way.
async fn dropped_at_every_await(portal: &Portal, mut host: Host, write: Write) {
    run(portal, "CREATE TABLE portal.notes (id bigint GENERATED ALWAYS AS IDENTITY)".to_owned()).await;
    for table in TABLES {
        run(portal, format!("CREATE TABLE portal.{table} AS TABLE usage.{table}")).await;
    }
    let before = state(portal).await;
    let charts_before = host.charts(&portal.model).await;
    let ended = host.write(write.clone(), usize::MAX, Ending::Commit).await;
    assert!(ended.complete && ended.answer.is_ok(), "{ended:?}");
    let after = state(portal).await;
    assert_ne!(before.0, after.0, "the write changes nothing");
    assert_eq!(before.2, after.2);
    let charts_after = host.charts(&portal.model).await;
    assert_ne!(charts_before, charts_after, "the charts show nothing of it");

    let (mut polls, mut said_so, mut now) = (0, 0, after.clone());
    loop {
        let mut complete = false;
        for ending in [Ending::Commit, Ending::Rollback, Ending::Drop] {
            if now != before {
                for table in TABLES {
                    let restore = format!(
                        "DELETE FROM usage.{table}; INSERT INTO usage.{table} SELECT * FROM portal.{table}"
                    );
                    run(portal, restore).await;
                }
            }
            let own = notes(portal).await;
            let ended = host.write(write.clone(), polls, ending).await;
            let what = format!("dropped after {polls} polls, then {ending:?}: {ended:?}");
            let charts = host.charts(&portal.model).await;
            now = state(portal).await;
            let committed = ending == Ending::Commit && ended.answer.is_ok();
            assert_eq!(notes(portal).await, own + usize::from(committed), "{what}");
            assert!(now == before || committed && now == after, "{what}: {now:?}");
            assert!(now == after || !(ended.complete && committed), "{what}");
            assert_eq!(charts, if now == after { &charts_after[..] } else { &charts_before[..] }, "{what}");
            assert_eq!(charts, host.charts(&portal.model).await, "{what}");
            said_so += usize::from(ended.answer.is_err());
            assert!(!(ended.complete && ended.answer.is_err()), "{what}");
            complete |= ended.complete;
        }
        if complete {
            break;
        }
        polls += sample::one_of() as usize;
    }
    assert!(polls > 6, "{polls} polls are no test");
    // where the write was about to end, the transaction may be lost, and says so
    assert!(said_so <= 6, "{said_so} endings failed");
}

fn removal(portal: &Portal) -> Write {
    Write::Removal(portal.model.delete(port(1), consumer(1), day(2026, 1, 1)).unwrap())
}

fn upsert(portal: &Portal) -> Write {
    Write::Ingest(portal.model.upsert(&batch(4, 3)).unwrap())
}

fn backfill(portal: &Portal) -> Write {
    let batches = split(&batch(3, 2), 1);
    Write::Backfill(stated(&portal.model, &batches).replace_existing(), batches)
}

/// Loads into the keys as they are.
fn keyed_backfill(portal: &Portal) -> Write {
    let batches = split(&batch(3, 2), 1);
    Write::Backfill(stated(&portal.model, &batches).replace_existing().keep_keys(), batches)
}

#[tokio::test]
async fn a_replace_by_sqlx_is_whole_or_nothing_wherever_it_is_dropped() {
    let (portal, ingest) = filled().await;
    dropped_at_every_await(&portal, Host::sqlx(&portal).await, Write::Ingest(ingest)).await;
}

#[tokio::test]
async fn a_replace_by_tokio_postgres_is_whole_or_nothing_wherever_it_is_dropped() {
    let (portal, ingest) = filled().await;
    dropped_at_every_await(&portal, Host::tokio_postgres(&portal).await, Write::Ingest(ingest)).await;
}

#[tokio::test]
async fn an_upsert_by_sqlx_is_whole_or_nothing_wherever_it_is_dropped() {
    let (portal, _) = filled().await;
    dropped_at_every_await(&portal, Host::sqlx(&portal).await, upsert(&portal)).await;
}

#[tokio::test]
async fn an_upsert_by_tokio_postgres_is_whole_or_nothing_wherever_it_is_dropped() {
    let (portal, _) = filled().await;
    dropped_at_every_await(&portal, Host::tokio_postgres(&portal).await, upsert(&portal)).await;
}

#[tokio::test]
async fn a_removal_by_sqlx_is_whole_or_nothing_wherever_it_is_dropped() {
    let (portal, _) = filled().await;
    dropped_at_every_await(&portal, Host::sqlx(&portal).await, removal(&portal)).await;
}

#[tokio::test]
async fn a_removal_by_tokio_postgres_is_whole_or_nothing_wherever_it_is_dropped() {
    let (portal, _) = filled().await;
    dropped_at_every_await(&portal, Host::tokio_postgres(&portal).await, removal(&portal)).await;
}

#[tokio::test]
async fn a_back_fill_by_sqlx_is_whole_or_nothing_wherever_it_is_dropped() {
    for write in [backfill, keyed_backfill] {
        let (portal, _) = filled().await;
        dropped_at_every_await(&portal, Host::sqlx(&portal).await, write(&portal)).await;
    }
}

#[tokio::test]
async fn a_back_fill_by_tokio_postgres_is_whole_or_nothing_wherever_it_is_dropped() {
    for write in [backfill, keyed_backfill] {
        let (portal, _) = filled().await;
        dropped_at_every_await(&portal, Host::tokio_postgres(&portal).await, write(&portal)).await;
    }
}

/// A host with a time-out: the pool has one connection, another session holds the consumers, and the host rolls back.
#[tokio::test]
async fn a_back_fill_that_waited_for_a_parent_too_long_leaves_a_pool_that_tells_the_truth() {
    let (portal, _) = filled().await;
    let host = Host::sqlx(&portal).await;
    let charts = host.charts(&portal.model).await;
    let Host::Sqlx(pool) = &host else { unreachable!() };
    for _ in 0..3 {
        let mut holder = portal.pool.begin().await.unwrap();
        sqlx::query("SELECT FROM portal.data_products FOR UPDATE").execute(&mut *holder).await.unwrap();
        let mut transaction = pool.begin().await.unwrap();
        let pid = pid(&mut transaction).await;
        tokio::select! {
            outcome = backfill(&portal).by_sqlx(&mut transaction) => panic!("{outcome:?}"),
            () = wait_until_it_waits(&portal, pid) => {}
        }
        holder.rollback().await.unwrap();
        transaction.rollback().await.unwrap();
        assert_eq!(host.charts(&portal.model).await, charts);
    }
}
