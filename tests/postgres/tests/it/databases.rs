//! One server, many databases, from anywhere.

use std::collections::BTreeSet;

use sqlx::{Connection, PgConnection, Row};

use crate::hold::{Ending, Hold, command};

#[test]
fn every_call_makes_an_empty_database_on_the_same_server() {
    let databases: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(throwaway_postgres::database)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic").expect("a database")).collect()
    });
    let names: BTreeSet<&str> = databases.iter().map(|database| database.name()).collect();
    assert_eq!(names.len(), 8);
    for database in &databases {
        assert_eq!(database.origin(), databases[0].origin());
        let row = ask(
            database.url(),
            "SELECT current_database()::text, (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace), \
             pg_encoding_to_char(encoding)::text || ' ' || datcollate::text FROM pg_database WHERE datname = current_database()",
        );
        assert_eq!(row.get::<String, _>(0), database.name());
        assert_eq!(row.get::<i64, _>(1), 0);
        assert_eq!(row.get::<String, _>(2), "UTF8 C");
    }
}

#[test]
fn a_database_can_be_made_in_any_runtime() {
    for mut builder in
        [tokio::runtime::Builder::new_current_thread(), tokio::runtime::Builder::new_multi_thread()]
    {
        let runtime = builder.enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let database = throwaway_postgres::database().expect("a database");
            PgConnection::connect(database.url()).await.expect("a connection");
        });
    }
}

#[test]
fn a_dropped_database_is_gone_even_with_a_connection_open() {
    let kept = throwaway_postgres::database().expect("a database");
    let dropped = throwaway_postgres::database().expect("a database");
    let name = dropped.name().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let connection = runtime.block_on(PgConnection::connect(dropped.url())).expect("a connection");
    drop(dropped);
    let text = "SELECT count(*) FROM pg_database WHERE datname = current_setting('application_name')";
    let url = format!("{}?application_name={name}", kept.url());
    assert_eq!(ask(&url, text).get::<i64, _>(0), 0);
    drop(connection);
}

#[test]
fn the_version_is_the_servers() {
    let database = throwaway_postgres::database().expect("a database");
    let stated: String = ask(database.url(), "SHOW server_version").get(0);
    let version = throwaway_postgres::server_version().expect("a server");
    assert_eq!(stated.split(' ').next(), Some(version));
    assert!(database.server().to_string().contains(version));
}

#[test]
fn two_processes_have_two_servers_at_once() {
    // The way that this process took, whichever it is.
    let forced = match throwaway_postgres::database().expect("a database").origin() {
        throwaway_postgres::Origin::Docker { .. } => "docker",
        throwaway_postgres::Origin::Local { .. } => "local",
        _ => {
            println!("on a given server, another test runs processes side by side");
            return;
        }
    };
    let start = || Hold::start(&mut command(Some(forced), Ending::Kill), Ending::Kill).expect("a database");
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(start);
        let other = start();
        (one.join().expect("no panic"), other)
    });
    assert_ne!(one.leaves, other.leaves);
    one.end();
    assert_eq!(ask(&other.url, "SELECT 1").get::<i32, _>(0), 1);
    other.end();
}

pub(crate) fn ask(url: &str, text: &'static str) -> sqlx::postgres::PgRow {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut connection = PgConnection::connect(url).await.expect("a connection");
        sqlx::query(text).fetch_one(&mut connection).await.expect("an answer")
    })
}
