//! What a transaction pooler needs of writes: a name of a prepared statement is one of the server connection's, which
//! others get as well.

use std::convert::Infallible;
use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::stream;
use output_port_usage::chart::QueriesOverTime;
use output_port_usage::{OutputPortId, UsageBatch, UsageModel};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio_postgres::config::Host;
use tokio_postgres::{Config, NoTls};

use crate::portal::{Portal, consumer, day, port, queries, scope};
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

/// PgBouncer in transaction pooling, with two connections to the server; it ends with this value.
struct PgBouncer {
    process: Child,
    url: String,
    _directory: TempDir,
}

impl PgBouncer {
    async fn start(portal: &Portal) -> Self {
        let config: Config = portal.database.url().parse().unwrap();
        let host = match &config.get_hosts()[0] {
            Host::Unix(directory) => directory.display().to_string(),
            Host::Tcp(host) => host.clone(),
        };
        let (user, name) = (config.get_user().unwrap_or("postgres"), config.get_dbname().unwrap());
        let server = config.get_ports().first().copied().unwrap_or(5432);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // root may not run it, and the server's socket belongs to its account
        let owner = Command::new("stat").args(["--format=%U", &host]).output().unwrap().stdout;
        let account = match String::from_utf8(owner).unwrap().trim() {
            "" | "root" => String::new(),
            owner => format!("user = {owner}\n"),
        };
        let password = config.get_password().map(|password| String::from_utf8_lossy(password).into_owned());
        let password = password.map(|password| format!(" password={password}")).unwrap_or_default();
        let settings = format!(
            "[databases]\n{name} = host={host} port={server} user={user}{password}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = transaction\ndefault_pool_size = 2\nignore_startup_parameters = extra_float_digits\n{account}"
        );
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pgbouncer.ini");
        fs::write(&file, settings).unwrap();
        let process = Command::new("pgbouncer").arg("-q").arg(&file).stderr(Stdio::null()).spawn();
        let process = process.expect("pgbouncer is not installed");
        let url = format!("postgres://{user}@127.0.0.1:{port}/{name}");
        let mut pooler = Self { process, url, _directory: directory };
        while PgConnection::connect(&pooler.url).await.is_err() {
            assert!(pooler.process.try_wait().unwrap().is_none(), "pgbouncer ended");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        pooler
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const ROUNDS: u64 = 10;

/// Ten days of an output port, each count of which names the round.
fn round(of: OutputPortId, round: u64) -> UsageBatch {
    let days = day(2026, 1, 1)..day(2026, 1, 11);
    let rows = days
        .start
        .iter_days()
        .take(10)
        .flat_map(|date| (0..5).map(move |by| queries(date, of, consumer(by), round)));
    UsageBatch::builder(scope(days, [of])).queries(rows.collect()).build()
}

fn chart(of: OutputPortId) -> QueriesOverTime {
    QueriesOverTime::new(of, day(2026, 1, 1)..day(2026, 1, 11))
}

async fn by_sqlx(url: String, model: UsageModel, of: OutputPortId) {
    let mut connection = PgConnection::connect(&url).await.unwrap();
    for number in 1..=ROUNDS {
        let batch = round(of, number);
        let mut transaction = connection.begin().await.unwrap();
        if number.is_multiple_of(2) {
            model.replace(&batch).unwrap().run_sqlx(&mut transaction).await.unwrap();
        } else {
            let backfill = stated(&model, std::slice::from_ref(&batch)).replace_existing().keep_keys();
            backfill.run_sqlx(&mut transaction, stream::iter([Ok::<_, Infallible>(batch)])).await.unwrap();
        }
        transaction.commit().await.unwrap();
        let mut transaction = connection.begin().await.unwrap();
        let query = model.query(&chart(of)).unwrap().into_sqlx().persistent(false);
        let points = query.fetch_all(&mut *transaction).await.unwrap();
        assert!(points.len() == 10 && points.iter().all(|point| point.query_count == 5 * number as i64));
        transaction.commit().await.unwrap();
    }
}

async fn by_tokio_postgres(url: String, model: UsageModel, of: OutputPortId) {
    let (mut client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    for number in 1..=ROUNDS {
        let batch = round(of, number);
        let mut transaction = client.transaction().await.unwrap();
        if number.is_multiple_of(2) {
            model.replace(&batch).unwrap().run_tokio_postgres(&mut transaction).await.unwrap();
        } else {
            let backfill = stated(&model, std::slice::from_ref(&batch)).replace_existing().keep_keys();
            let batches = stream::iter([Ok::<_, Infallible>(batch)]);
            backfill.run_tokio_postgres(&mut transaction, batches).await.unwrap();
        }
        transaction.commit().await.unwrap();
        let query = model.query(&chart(of)).unwrap().into_tokio_postgres();
        let rows = client.query_typed(query.sql(), &query.params()).await.unwrap();
        let points = query.decode(&rows).unwrap();
        assert!(points.len() == 10 && points.iter().all(|point| point.query_count == 5 * number as i64));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pgbouncer; run it with -- --ignored pgbouncer"]
async fn writes_and_charts_of_twenty_clients_are_right_behind_pgbouncer() {
    let portal = Portal::new().await;
    let pooler = PgBouncer::start(&portal).await;
    let clients: Vec<_> = (0..20)
        .map(|number| {
            let (url, model, of) = (pooler.url.clone(), portal.model.clone(), port(number));
            match number % 2 {
                0 => tokio::spawn(by_sqlx(url, model, of)),
                _ => tokio::spawn(by_tokio_postgres(url, model, of)),
            }
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
}
