//! What a transaction pooler needs of writes: a name of a prepared statement is one of the server connection's, which
//! others get as well.

mod client;
mod pgbouncer;

use std::convert::Infallible;
use std::env;
use std::process::{Command, Stdio};

use futures_util::stream;
use sqlx::{Connection, PgConnection};
use tokio_postgres::NoTls;

use self::pgbouncer::PgBouncer;
use crate::portal::{Portal, consumer, day, port};
use crate::postgres::backfill::host::{split, stated};
use crate::postgres::killed::{batch, filled};
use crate::postgres::relay::Relay;

#[tokio::test]
async fn no_write_prepares_a_statement_under_a_name() {
    let (portal, replace) = filled().await;
    let model = &portal.model;
    let upsert = model.upsert(&batch(4, 3)).unwrap();
    let removal = || model.delete(port(1), consumer(1), day(2026, 1, 1)).unwrap();
    let backfill = || stated(model, &split(&batch(3, 2), 1)).replace_existing();
    let batches = || stream::iter(split(&batch(3, 2), 1).into_iter().map(Ok::<_, Infallible>));
    let relay = Relay::start(portal.database.url()).await;

    let mut connection = PgConnection::connect(&relay.url).await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    replace.clone().run_sqlx(&mut transaction).await.unwrap();
    upsert.clone().run_sqlx(&mut transaction).await.unwrap();
    removal().run_sqlx(&mut transaction).await.unwrap();
    backfill().run_sqlx(&mut transaction, batches()).await.unwrap();
    assert_eq!(relay.take_prepared(), [""; 0]);
    // which it would tell
    sqlx::query("SELECT 1").execute(&mut *transaction).await.unwrap();
    assert_eq!(relay.take_prepared().len(), 1);
    transaction.rollback().await.unwrap();

    let (mut client, connection) = tokio_postgres::connect(&relay.url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let mut transaction = client.transaction().await.unwrap();
    replace.run_tokio_postgres(&mut transaction).await.unwrap();
    upsert.run_tokio_postgres(&mut transaction).await.unwrap();
    removal().run_tokio_postgres(&mut transaction).await.unwrap();
    backfill().run_tokio_postgres(&mut transaction, batches()).await.unwrap();
    assert_eq!(relay.take_prepared(), [""; 0]);
    transaction.prepare("SELECT 1").await.unwrap();
    assert_eq!(relay.take_prepared().len(), 1);
    transaction.rollback().await.unwrap();
}

/// Names of statements collide where processes count them alike, so one process would not show it.
const PROCESSES: u128 = 4;
const CLIENTS: u128 = 5;

/// What a process of the test is told: the pooler's URL, and the number of its first client.
const URL: &str = "OUTPUT_PORT_USAGE_TEST_POOLER_URL";
const FIRST: &str = "OUTPUT_PORT_USAGE_TEST_POOLER_FIRST";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pgbouncer; run it with -- --ignored pgbouncer"]
async fn writes_and_charts_of_four_processes_are_right_behind_pgbouncer() {
    if let Ok(url) = env::var(URL) {
        let first: u128 = env::var(FIRST).unwrap().parse().unwrap();
        return client::run_all(&url, first..first + CLIENTS).await;
    }
    let portal = Portal::with(client::model()).await;
    let pooler = PgBouncer::start(&portal).await;
    let this = concat!(module_path!(), "::writes_and_charts_of_four_processes_are_right_behind_pgbouncer");
    let (_, this) = this.split_once("::").unwrap();
    let start = |number: u128| {
        Command::new(env::current_exe().unwrap())
            .args(["--exact", this, "--ignored"])
            .env(URL, &pooler.url)
            .env(FIRST, (number * CLIENTS).to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let processes: Vec<_> = (0..PROCESSES).map(start).collect();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        assert!(output.status.success() && said[0].contains("1 passed"), "{}", said.concat());
    }
}
