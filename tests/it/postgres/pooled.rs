//! What a transaction pooler needs of writes: a name of a prepared statement is one of the server connection's, which
//! others get as well.

mod charts;
mod client;
mod pgbouncer;
mod rounds;

use std::convert::Infallible;
use std::env;
use std::process::{Command, Stdio};

use futures_util::stream;
use output_port_usage::chart::Summary;
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

/// Those that a chart or a statement takes, and the names that it prepares.
#[tokio::test]
async fn sqlx_reads_in_few_round_trips_and_under_no_name_unless_asked() {
    let portal = Portal::with(rounds::model()).await;
    let relay = Relay::start(portal.database.url()).await;
    let seen = || {
        let seen = relay.take_seen();
        (seen.round_trips, seen.prepared.len())
    };
    let chart = Summary::new(port(1), day(2026, 1, 1)..day(2026, 1, 11));
    let query = || portal.model.query(&chart).unwrap().into_sqlx();
    let mut connection = PgConnection::connect(&relay.url).await.unwrap();
    seen();

    for statement in portal.model.vacuum() {
        statement.into_sqlx().execute(&mut connection).await.unwrap();
        assert_eq!(seen(), (1, 0), "one message, which no other client comes between");
    }
    let mut transaction = connection.begin().await.unwrap();
    for _ in 0..3 {
        query().fetch_one(&mut *transaction).await.unwrap();
    }
    transaction.commit().await.unwrap();
    assert_eq!(seen(), (2 + 3 * 2, 0));
    for round_trips in [2, 1, 1] {
        query().persistent(true).fetch_one(&mut connection).await.unwrap();
        assert_eq!(seen(), (round_trips, round_trips - 1));
    }

    let client = client::connect(&relay.url).await;
    seen();
    let query = portal.model.query(&chart).unwrap().into_tokio_postgres();
    client.query_typed(query.sql(), &query.params()).await.unwrap();
    assert_eq!(seen(), (1, 0));
}

/// Names of statements collide where processes count them alike, so one process would not show it.
const PROCESSES: u128 = 4;
const CLIENTS: u128 = 5;

/// What a process of the test is told: the pooler's URL, the server's, and the number of its first client.
const URL: &str = "OUTPUT_PORT_USAGE_TEST_POOLER_URL";
const DIRECT: &str = "OUTPUT_PORT_USAGE_TEST_POOLER_DIRECT";
const FIRST: &str = "OUTPUT_PORT_USAGE_TEST_POOLER_FIRST";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pgbouncer; run it with -- --ignored pgbouncer"]
async fn writes_and_charts_of_four_processes_are_right_behind_pgbouncer() {
    if let Ok(url) = env::var(URL) {
        let first: u128 = env::var(FIRST).unwrap().parse().unwrap();
        return rounds::run_all(&url, &env::var(DIRECT).unwrap(), first..first + CLIENTS).await;
    }
    let portal = Portal::with(rounds::model()).await;
    charts::fill(&portal).await;
    let pooler = PgBouncer::start(&portal).await;
    let this = concat!(module_path!(), "::writes_and_charts_of_four_processes_are_right_behind_pgbouncer");
    let (_, this) = this.split_once("::").unwrap();
    let start = |number: u128| {
        Command::new(env::current_exe().unwrap())
            .args(["--exact", this, "--ignored"])
            .env(URL, &pooler.url)
            .env(DIRECT, portal.database.url())
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
