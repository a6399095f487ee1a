//! Back-fills that drop keys beside readers of several tables.

use std::time::Duration;

use futures_util::stream;
use tokio::time::timeout;

use super::batches;
use super::host::stated;
use crate::portal::{COMBINATION_STATS, Portal, QUERY_STATS, TOUCH_STATS};
use crate::postgres::killed::{pid, wait_until_it_waits};

#[tokio::test]
async fn a_reader_of_two_tables_in_any_order_and_a_back_fill_both_end() {
    let tables = [QUERY_STATS, TOUCH_STATS, COMBINATION_STATS];
    let pairs = tables.iter().flat_map(|first| tables.iter().map(move |second| (*first, *second)));
    for (first, second) in pairs.filter(|(first, second)| first != second) {
        let portal = Portal::with_combinations().await;
        let read = |table: &str| sqlx::AssertSqlSafe(format!("SELECT count(*) FROM usage.{table}"));
        let mut reader = portal.pool.begin().await.unwrap();
        sqlx::query(read(first)).execute(&mut *reader).await.unwrap();

        let (pool, backfill) = (portal.pool.clone(), stated(&portal.model, &batches(40)));
        let mut transaction = pool.begin().await.unwrap();
        let writer = pid(&mut transaction).await;
        let running = tokio::spawn(async move {
            let batches = stream::iter(batches(40).into_iter().map(Ok::<_, std::convert::Infallible>));
            let outcome = backfill.run_sqlx(&mut transaction, batches).await?;
            transaction.commit().await.unwrap();
            Ok::<_, output_port_usage::WriteError<sqlx::Error>>(outcome)
        });
        wait_until_it_waits(&portal, writer).await;
        let second_read = timeout(Duration::from_secs(20), sqlx::query(read(second)).execute(&mut *reader));
        let what = format!("{first}, then {second}");
        second_read
            .await
            .unwrap_or_else(|_| panic!("{what}: waits"))
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        reader.commit().await.unwrap();
        let outcome = running.await.unwrap().unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(outcome.queries.written > 0, "{what}");
    }
}
