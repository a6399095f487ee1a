//! The program itself: how it starts, and what keeps it from starting.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use crate::world::World;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usage-dashboard"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    program(arguments).output().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A file of this test run.
fn file(name: &str, text: &str) -> String {
    let path = format!("{}/{name}", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&path, text).unwrap();
    path
}

/// Written once: another test's program may be reading it.
fn model() -> String {
    static MODEL: LazyLock<String> = LazyLock::new(|| file("model.json", access_log::MODEL));
    MODEL.clone()
}

/// Starts it, asks for a path, and ends it.
fn ask(arguments: &[&str], path: &str) -> String {
    let mut child = program(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines.find_map(|line| {
        let line = line.unwrap();
        Some(line.split_once("http://")?.1.split_once('/')?.0.to_owned())
    });
    let address = address.unwrap();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    answer
}

#[test]
fn without_arguments_it_serves_the_sample() {
    let answer = ask(&["--port", "0"], "/api/portal");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.ends_with(r#"{"today":"2026-06-30","groups":true,"combinations":true,"coverage":true}"#),
        "{answer}"
    );
}

#[tokio::test]
async fn it_serves_a_database_of_somebody_else() {
    let world = World::new().await;
    let arguments = ["--database", world.database.url(), "--model", &model(), "--port", "0"];
    let answer = ask(&arguments, "/api/portal/summary?from=2026-03-02&until=2026-04-01");
    // Orders has 8 queries there, and Customers 3
    assert!(answer.contains(r#""rows":[{"query_count":11,"#), "{answer}");
    let today = ask(&[&arguments[..], &["--time-zone", "Pacific/Kiritimati"]].concat(), "/api/portal");
    assert!(today.contains("200 OK"), "{today}");
}

#[test]
fn a_port_in_use_is_said_before_anything_starts() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let output = run(&["--port", &address.port().to_string()]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let words = format!("error: cannot listen on {address}: Address already in use");
    assert!(errors(&output).starts_with(&words), "{}", errors(&output));
}

#[test]
fn a_database_without_usage_tables_is_told_what_is_missing() {
    let database = throwaway_postgres::database().unwrap();
    let output = run(&["--database", database.url(), "--model", &model(), "--port", "0"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let errors = errors(&output);
    assert!(errors.contains("errors to come: "), "{errors}");
    assert!(errors.contains("\"portal\""), "{errors}");
    assert!(
        errors.ends_with("error: the database is not as the model says: the lines above say how\n"),
        "{errors}"
    );
}

#[tokio::test]
async fn what_only_makes_charts_slow_keeps_nothing_from_starting() {
    let world = World::new().await;
    let reset = "ALTER TABLE usage.tech_asset_stats_daily RESET (autovacuum_vacuum_insert_scale_factor)";
    sqlx::raw_sql(reset).execute(&world.pool).await.unwrap();
    let answer = ask(&["--database", world.database.url(), "--model", &model(), "--port", "0"], "/");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[test]
fn no_message_repeats_a_password() {
    for (url, words) in [
        (
            "postgres://reader:s3cret@127.0.0.1:1/portal",
            "error: cannot connect to the database: error communicating with database: Connection refused (os error 111)\n",
        ),
        ("reader:s3cret@127.0.0.1", "error: the database's URL does not begin with postgres://\n"),
        ("postgres://reader:s3cret@127.0.0.1:many", "error: the database's URL is none: "),
    ] {
        let output = run(&["--database", url, "--model", &model(), "--port", "0"]);
        let errors = errors(&output);
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.starts_with(words) && !errors.contains("s3cret"), "{errors}");
    }
}

#[test]
fn a_model_that_is_none_is_named_with_its_key() {
    let wrong = file("wrong.json", r#"{ "output_ports": { "tabel": "datasets" } }"#);
    let missing = file("missing.json", "{}");
    for (path, words) in [
        (wrong.as_str(), "output_ports.tabel: unknown field `tabel`"),
        (&missing, "missing field `output_ports`"),
        ("/nowhere.json", "cannot read the model /nowhere.json"),
    ] {
        let output = run(&["--database", "postgres://x", "--model", path, "--port", "0"]);
        let errors = errors(&output);
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.contains(words) && errors.contains(path), "{errors}");
    }
}

#[test]
fn arguments_that_do_not_fit_are_refused() {
    for (arguments, words) in [
        (&["--port", "65536"][..], "65536"),
        (&["--listen", "everywhere"], "everywhere"),
        (&["LOG"], "a log and its mapping are two files, 1 given"),
        (&["--database", "postgres://x"], "--database needs --model, the model of its usage"),
        (&["--model", "m.json"], "--model and --time-zone are for --database"),
        (
            &["--database", "x", "--model", "m.json", "LOG", "MAPPING"],
            "a log goes to a throw-away database, not to --database",
        ),
        (
            &["--database", "x", "--model", "m.json", "--time-zone", "Mars"],
            "it is no time zone, such as Europe/Brussels",
        ),
        (&["--colour"], "invalid option '--colour'"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(errors(&output).contains(words), "{arguments:?}: {}", errors(&output));
    }
    assert!(String::from_utf8(run(&["--help"]).stdout).unwrap().starts_with("Shows the usage"));
    assert!(
        String::from_utf8(run(&["--openapi"]).stdout).unwrap().starts_with("{\n  \"openapi\": \"3.1.0\"")
    );
}
