//! A server that is given: the databases of this process's own server play its part.

use std::collections::BTreeSet;
use std::process::Command;

use sqlx::Row;

use crate::databases::ask;
use crate::hold::{Ending, Hold, command};

const NAMES: &str = "SELECT array_agg(datname::text) FROM pg_database";
const TABLES: &str = "SELECT count(*) FROM pg_class";

/// The one test on this server that kills processes, so that no other start drops what it waits for.
#[test]
fn a_given_server_is_left_as_it_was() {
    let given = throwaway_postgres::database().expect("a database");
    let tables = ask(given.url(), TABLES).get::<i64, _>(0);
    for ending in [Ending::Return, Ending::Panic] {
        let hold = start(given.url(), ending);
        assert!(hold.server.ends_with(" at OUTPUT_PORT_USAGE_DATABASE_URL"), "{}", hold.server);
        let database = hold.end();
        assert!(!names(given.url()).contains(&database), "{ending:?} leaves {database}");
    }

    // Ours by its looks, but nearly: it stays. So do the databases of a process that lives.
    let decoy = "CREATE DATABASE output_port_usage_1_mine_1";
    execute(given.url(), decoy);
    let living = start(given.url(), Ending::Kill);
    let mut killed = Vec::new();
    for ending in [Ending::Exit, Ending::Interrupt, Ending::Kill] {
        let hold = start(given.url(), ending);
        assert_ne!(hold.leaves, living.leaves);
        killed.push(hold.end());
    }
    // The server notices a closed connection a moment later.
    crate::hold::eventually("the next start drops what killed processes left", || {
        start(given.url(), Ending::Return).end();
        let names = names(given.url());
        killed.iter().all(|database| !names.contains(database))
    });
    let left = names(given.url());
    assert!(left.contains(&living.leaves), "a living process's database was dropped");
    assert!(left.contains("output_port_usage_1_mine_1"), "another's database was dropped");
    assert!(left.contains(given.name()));
    assert_eq!(ask(given.url(), TABLES).get::<i64, _>(0), tables);
    execute(given.url(), "DROP DATABASE output_port_usage_1_mine_1");
    living.end();
}

#[test]
fn parameters_of_a_given_url_are_kept() {
    let given = throwaway_postgres::database().expect("a database");
    let url = format!("{}?dbname={}&application_name=kept%20name", given.url(), given.name());
    let hold =
        Hold::start(for_url(&mut command(None, Ending::Kill), &url), Ending::Kill).expect("a database");
    let row = ask(&hold.url, "SELECT current_database()::text, current_setting('application_name')");
    assert_eq!(row.get::<String, _>(0), hold.leaves);
    assert_eq!(row.get::<String, _>(1), "kept name");
    hold.end();
}

fn start(url: &str, ending: Ending) -> Hold {
    Hold::start(for_url(&mut command(Some("url"), ending), url), ending).expect("a database")
}

fn for_url<'a>(command: &'a mut Command, url: &str) -> &'a mut Command {
    command.env("OUTPUT_PORT_USAGE_DATABASE_URL", url)
}

fn names(url: &str) -> BTreeSet<String> {
    ask(url, NAMES).get::<Vec<String>, _>(0).into_iter().collect()
}

fn execute(url: &str, text: &'static str) {
    use sqlx::{Connection, Executor, PgConnection};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut connection = PgConnection::connect(url).await.expect("a connection");
        connection.execute(text).await.expect("done");
    });
}
