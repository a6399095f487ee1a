//! Back-fills that break off: nothing is half there, whatever the host does next.

use std::convert::Infallible;

use futures_util::{StreamExt, stream};
use output_port_usage::*;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
use tokio::sync::Notify;

use super::batches;
use super::host::{by_sqlx, stated};
use super::keys::{catalog, files};
use crate::driver::twins_agree::twins::{Refusal, Twins};
use crate::portal::{Portal, consumer, day, port, queries, scope};
use crate::postgres::killed::{pid, terminate, wait_until_it_waits};
use crate::tables;

/// Rows, their versions, the catalog and the files of the keys.
async fn state(portal: &Portal) -> ([Vec<String>; 3], Vec<String>, Vec<String>) {
    (tables::versions(portal).await, catalog(portal).await, files(portal).await)
}

#[derive(Debug, thiserror::Error)]
#[error("the file ends at byte {0}")]
struct Torn(usize);

#[tokio::test]
async fn a_stream_that_fails_at_any_batch_leaves_nothing_even_after_a_commit() {
    let twins = Twins::new().await;
    let (before, before_tokio) = (state(&twins.sqlx).await, state(&twins.tokio).await);
    let mut client = crate::driver::twins_agree::twins::connect(&twins.tokio).await;
    for at in 0..=batches(10).len() {
        let torn = || stream::iter(batches(10).into_iter().map(Ok).take(at).chain([Err(Torn(at))]));
        let mut transaction = twins.sqlx.pool.begin().await.unwrap();
        let result = stated(twins.model(), &batches(10)).run_sqlx(&mut transaction, torn()).await;
        let error = result.unwrap_err();
        assert_eq!(error.to_string(), format!("the file ends at byte {at}"));
        let WriteError::Source(source) = error else { panic!("{error:?}") };
        assert!(matches!(source.downcast_ref(), Some(Torn(byte)) if *byte == at));
        transaction.commit().await.unwrap();
        assert_eq!(state(&twins.sqlx).await, before, "torn at {at}");

        let mut transaction = client.transaction().await.unwrap();
        let result = stated(twins.model(), &batches(10)).run_tokio_postgres(&mut transaction, torn()).await;
        assert_eq!(result.unwrap_err().to_string(), format!("the file ends at byte {at}"));
        transaction.commit().await.unwrap();
        assert_eq!(state(&twins.tokio).await, before_tokio, "torn at {at}");
    }
}

#[tokio::test]
async fn what_the_host_wrote_before_a_broken_back_fill_stays() {
    let portal = Portal::with_combinations().await;
    let mut transaction = portal.pool.begin().await.unwrap();
    let other = UsageBatch::builder(scope(day(2025, 1, 1)..day(2025, 1, 2), [port(1)]))
        .queries(vec![queries(day(2025, 1, 1), port(1), consumer(1), 5)])
        .build();
    portal.model.replace(&other).unwrap().run_sqlx(&mut transaction).await.unwrap();
    let torn = stream::iter(batches(10).into_iter().map(Ok).take(2).chain([Err(Torn(0))]));
    stated(&portal.model, &batches(10)).run_sqlx(&mut transaction, torn).await.unwrap_err();
    // and the transaction goes on
    let whole = stream::iter(batches(10).into_iter().map(Ok::<_, Infallible>));
    stated(&portal.model, &batches(10)).run_sqlx(&mut transaction, whole).await.unwrap();
    transaction.commit().await.unwrap();
    let mut expected = tables::Tables::default();
    expected.replace(&other);
    batches(40).iter().for_each(|batch| expected.replace(batch));
    assert_eq!(tables::contents(&portal).await, expected.texts());
}

#[tokio::test]
async fn a_constraint_violated_half_way_leaves_nothing() {
    for (stricter, state_of_it) in [
        ("ALTER TABLE usage.tech_asset_stats_daily ADD CHECK (date < '2026-01-20')", "23514"),
        (
            "CREATE TABLE portal.known AS SELECT id FROM portal.data_products LIMIT 12;
             ALTER TABLE portal.known ADD PRIMARY KEY (id);
             ALTER TABLE usage.output_port_combined_with_daily ADD FOREIGN KEY (consumer_id) REFERENCES portal.known",
            "23503",
        ),
    ] {
        let mut twins = Twins::new().await;
        for portal in [&twins.sqlx, &twins.tokio] {
            sqlx::raw_sql(stricter).execute(&portal.pool).await.unwrap();
        }
        let before = (state(&twins.sqlx).await, state(&twins.tokio).await);
        let refused = twins.backfill(|model| stated(model, &batches(4)), &batches(4)).await;
        assert_eq!(refused, Err(Refusal::SqlState(state_of_it.to_owned())));
        assert_eq!((state(&twins.sqlx).await, state(&twins.tokio).await), before);
    }
}

/// A connection to be killed, and its process.
async fn doomed(portal: &Portal) -> (PgConnection, i32) {
    let mut connection = PgConnection::connect(portal.database.url()).await.unwrap();
    let pid = pid(&mut connection).await;
    (connection, pid)
}

#[tokio::test]
async fn a_connection_killed_before_any_batch_leaves_nothing() {
    let portal = Portal::with_combinations().await;
    let before = state(&portal).await;
    for at in 0..=batches(10).len() {
        let (mut connection, pid) = doomed(&portal).await;
        let killing = stream::iter(batches(10).into_iter().enumerate().chain([(4, batches(10)[0].clone())]));
        let killing = killing.then(async |(number, batch)| {
            if number == at {
                terminate(&portal, pid).await;
            }
            Ok::<_, Infallible>(batch)
        });
        let mut transaction = connection.begin().await.unwrap();
        let result = stated(&portal.model, &batches(10)).run_sqlx(&mut transaction, killing).await;
        match at {
            // the fifth batch is one too many, and refused without a look at the connection
            4 => assert!(result.unwrap_err().rejected().is_some()),
            _ => assert!(matches!(result, Err(WriteError::Driver(_)))),
        }
        assert!(transaction.commit().await.is_err());
        assert_eq!(state(&portal).await, before, "killed before batch {at}");

        let (client, connection) =
            tokio_postgres::connect(portal.database.url(), tokio_postgres::NoTls).await.unwrap();
        let running = tokio::spawn(connection);
        let mut client = client;
        let pid = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
        let killing = stream::iter(batches(10).into_iter().enumerate()).then(async |(number, batch)| {
            if number == at {
                terminate(&portal, pid).await;
            }
            Ok::<_, Infallible>(batch)
        });
        let mut transaction = client.transaction().await.unwrap();
        let result = stated(&portal.model, &batches(10)).run_tokio_postgres(&mut transaction, killing).await;
        match at {
            4 => transaction.rollback().await.unwrap(),
            _ => {
                assert!(matches!(result, Err(WriteError::Driver(_))));
                assert!(transaction.commit().await.is_err());
                assert!(running.await.unwrap().is_err());
            }
        }
        assert_eq!(state(&portal).await, before, "killed before batch {at}");
    }
}

/// What holds a back-fill up inside a statement, in the order in which it comes upon them.
const OBSTACLES: [(&str, &str); 6] = [
    ("the check of the tables", "LOCK TABLE usage.output_port_query_stats_daily IN ACCESS EXCLUSIVE MODE"),
    ("dropping the last key", "LOCK TABLE usage.output_port_combined_with_daily IN ACCESS SHARE MODE"),
    ("finding unknown ids", "LOCK TABLE portal.data_products IN ACCESS EXCLUSIVE MODE"),
    ("the foreign keys of table 1", "SELECT FROM portal.datasets FOR UPDATE"),
    ("the foreign keys of table 2", "SELECT FROM portal.technical_assets FOR UPDATE"),
    ("the foreign keys of all", "SELECT FROM portal.data_products FOR UPDATE"),
];

#[tokio::test]
async fn a_connection_killed_inside_a_statement_leaves_nothing() {
    let portal = Portal::with_combinations().await;
    let before = state(&portal).await;
    for (obstacle, sql) in OBSTACLES {
        let mut holder = portal.pool.begin().await.unwrap();
        holder.execute(sql).await.unwrap();
        let (mut connection, pid) = doomed(&portal).await;
        let backfill = stated(&portal.model, &batches(10));
        let running = tokio::spawn(async move {
            let batches = stream::iter(batches(10).into_iter().map(Ok::<_, Infallible>));
            let mut transaction = connection.begin().await.unwrap();
            backfill.run_sqlx(&mut transaction, batches).await
        });
        wait_until_it_waits(&portal, pid).await;
        terminate(&portal, pid).await;
        let error = running.await.unwrap().unwrap_err();
        assert!(matches!(error, WriteError::Driver(_)), "{obstacle}: {error:?}");
        holder.rollback().await.unwrap();
        assert_eq!(state(&portal).await, before, "killed at {obstacle}");
    }
}

#[tokio::test]
async fn a_connection_killed_before_the_keys_are_added_or_the_commit_leaves_nothing() {
    let portal = Portal::with_combinations().await;
    let before = state(&portal).await;
    let (mut connection, pid) = doomed(&portal).await;
    let url = portal.database.url().to_owned();
    let backfill = stated(&portal.model, &batches(10)).on_progress(|progress| {
        if progress.step == BackfillStep::AddingKeys {
            let url = url.clone();
            std::thread::spawn(move || kill_from_elsewhere(&url, pid)).join().unwrap();
        }
    });
    let mut transaction = connection.begin().await.unwrap();
    let whole = || stream::iter(batches(10).into_iter().map(Ok::<_, Infallible>));
    assert!(matches!(backfill.run_sqlx(&mut transaction, whole()).await, Err(WriteError::Driver(_))));
    drop(transaction);
    assert_eq!(state(&portal).await, before);

    let (mut connection, pid) = doomed(&portal).await;
    let mut transaction = connection.begin().await.unwrap();
    stated(&portal.model, &batches(10)).run_sqlx(&mut transaction, whole()).await.unwrap();
    terminate(&portal, pid).await;
    assert!(transaction.commit().await.is_err());
    assert_eq!(state(&portal).await, before);
    // nothing of the dead is in the way
    by_sqlx(&portal, stated(&portal.model, &batches(10)), batches(10)).await.unwrap();
}

fn kill_from_elsewhere(url: &str, pid: i32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let kill = sqlx::query_scalar("SELECT pg_terminate_backend($1, 5000)").bind(pid);
        let killed: bool = kill.fetch_one(&mut connection).await.unwrap();
        assert!(killed);
    });
}

#[tokio::test]
async fn a_future_dropped_between_batches_leaves_nothing_even_after_a_commit() {
    let twins = Twins::new().await;
    let (before, before_tokio) = (state(&twins.sqlx).await, state(&twins.tokio).await);
    let asked = Notify::new();
    // two batches, and then none ever again
    let endless = || {
        let first = stream::iter(batches(10).into_iter().take(2).map(Ok::<_, Infallible>));
        let never = async || {
            asked.notify_one();
            std::future::pending().await
        };
        first.chain(stream::once(never()))
    };
    let mut transaction = twins.sqlx.pool.begin().await.unwrap();
    tokio::select! {
        _ = stated(twins.model(), &batches(10)).run_sqlx(&mut transaction, endless()) => unreachable!(),
        () = asked.notified() => {}
    }
    transaction.commit().await.unwrap();
    assert_eq!(state(&twins.sqlx).await, before);

    let mut client = crate::driver::twins_agree::twins::connect(&twins.tokio).await;
    let mut transaction = client.transaction().await.unwrap();
    tokio::select! {
        _ = stated(twins.model(), &batches(10)).run_tokio_postgres(&mut transaction, endless()) => unreachable!(),
        () = asked.notified() => {}
    }
    transaction.commit().await.unwrap();
    assert_eq!(state(&twins.tokio).await, before_tokio);
}
