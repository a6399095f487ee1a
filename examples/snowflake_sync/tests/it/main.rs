//! The command line and the environment, without an account.

mod echo;

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output};

use sqlparser::dialect::SnowflakeDialect;
use sqlparser::parser::Parser;

const SECRETS: [&str; 3] = ["Tr0ub4dor-and-3", "p4ssw0rd-of-postgres", "s3cret-in-the-key"];

fn mapping() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../sample/mapping.json")
}

fn job(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut job = Command::new(env!("CARGO_BIN_EXE_snowflake-sync"));
    let output = job.args(arguments).env_clear().envs(variables.iter().copied()).output().unwrap();
    for secret in SECRETS {
        for text in [&output.stdout, &output.stderr] {
            assert!(!String::from_utf8_lossy(text).contains(secret), "{secret} in {output:?}");
        }
    }
    output
}

#[track_caller]
fn fails(output: &Output, exit: i32, texts: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{said}");
    for text in texts {
        assert!(said.contains(text), "no {text:?} in: {said}");
    }
}

/// A port of this machine where nothing listens.
fn closed_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

#[test]
fn help_tells_the_exit_codes() {
    let output = job(&["--help"], &[]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("exit codes:"));
}

#[test]
fn a_dry_run_prints_statements_and_needs_neither_account_nor_database() {
    let mapping = mapping();
    let output = job(&[mapping.to_str().unwrap(), "--dry-run", "--now", "2026-03-12T12:00:00Z"], &[]);
    assert!(output.status.success(), "{output:?}");
    let sql = String::from_utf8(output.stdout).unwrap();
    assert!(sql.starts_with("-- usage of 2025-03-13 to 2026-03-12\nWITH\n"), "{sql}");
    assert_eq!(Parser::parse_sql(&SnowflakeDialect, &sql).unwrap().len(), 2);
}

#[test]
fn a_dry_run_before_the_tables_are_there_prints_what_a_first_run_reads() {
    let database = throwaway_postgres::database().unwrap_or_else(|error| panic!("{error}"));
    let arguments =
        [mapping().to_str().unwrap(), "--dry-run", "--now", "2026-03-12T12:00:00Z"].map(str::to_owned);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = job(&arguments, &[("DATABASE_URL", database.url())]);
    assert!(output.status.success(), "{output:?}");
    let sql = String::from_utf8(output.stdout).unwrap();
    let expected = "-- the tables are not there yet, so this is what a first run reads\n-- usage of 2025-03-13 to 2026-03-12\nWITH\n";
    assert!(sql.starts_with(expected), "{sql}");
    assert_eq!(Parser::parse_sql(&SnowflakeDialect, &sql).unwrap().len(), 2);
}

#[test]
fn what_is_missing_is_said_before_anything_is_reached() {
    let mapping = mapping();
    let mapping = mapping.to_str().unwrap();
    fails(&job(&[], &[]), 1, &["MAPPING.json is missing", "next: snowflake-sync --help"]);
    fails(&job(&["no-such-file.json"], &[]), 1, &["the mapping no-such-file.json", "No such file"]);
    fails(&job(&[concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")], &[]), 1, &["line 1 column"]);
    fails(&job(&[mapping, "--model", "no-such.json"], &[]), 1, &["the model no-such.json", "No such file"]);
    fails(&job(&[mapping], &[]), 1, &["SNOWFLAKE_ACCOUNT is not set"]);
    let account =
        [("SNOWFLAKE_ACCOUNT", "acme-one"), ("SNOWFLAKE_USER", "sync"), ("SNOWFLAKE_PASSWORD", SECRETS[0])];
    fails(&job(&[mapping], &account), 1, &["DATABASE_URL is not set"]);
    let strange = ("DATABASE_URL", "p4ssw0rd-of-postgres");
    fails(&job(&[mapping], &[&account[..], &[strange]].concat()), 1, &["DATABASE_URL is no URL"]);
}

#[test]
fn an_output_that_is_full_or_closed_is_no_panic() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer
    };
    let mapping = mapping();
    let start = |arguments: &[&str]| {
        let mut job = Command::new(env!("CARGO_BIN_EXE_snowflake-sync"));
        job.args(arguments).env_clear().stderr(std::process::Stdio::piped());
        job
    };
    for arguments in [&["--help"][..], &["--version"], &[mapping.to_str().unwrap(), "--dry-run"]] {
        let output = start(arguments).stdout(full()).output().unwrap();
        fails(&output, 1, &["the output cannot be written"]);
        let output = start(arguments).stdout(closed()).output().unwrap();
        assert_eq!((output.status.code(), &output.stderr[..]), (Some(0), &b""[..]), "{arguments:?}");
    }
    // there is nowhere left to say what is wrong
    let status = start(&["no-such-file.json"]).stdout(full()).stderr(full()).status().unwrap();
    assert_eq!(status.code(), Some(1));
    let status = start(&["no-such-file.json"]).stdout(closed()).stderr(closed()).status().unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn a_postgres_that_does_not_answer_has_a_limit() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("postgres://app@127.0.0.1:{}/portal", listener.local_addr().unwrap().port());
    let variables = [
        ("SNOWFLAKE_ACCOUNT", "acme-one"),
        ("SNOWFLAKE_USER", "sync"),
        ("SNOWFLAKE_PASSWORD", SECRETS[0]),
        ("DATABASE_URL", &url),
    ];
    let output = job(&[mapping().to_str().unwrap(), "--connect-limit", "1s"], &variables);
    fails(&output, 7, &["Postgres did not answer in 1s; nothing was written", "--connect-limit"]);
}

/// The model of an installation that is older than coverage.
fn without_coverage() -> String {
    let mut model: serde_json::Value = serde_json::from_str(access_log::MODEL).unwrap();
    model.as_object_mut().unwrap().remove("coverage").expect("the examples' model has coverage");
    model.to_string()
}

#[test]
fn a_wrong_file_is_named_with_its_key_and_commands_no_terminal() {
    let directory = std::env::temp_dir().join(format!("snowflake-sync-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.join(name);
        std::fs::write(&path, text).unwrap();
        path.into_os_string().into_string().unwrap()
    };
    let good = std::fs::read_to_string(mapping()).unwrap();
    let escape = r"\u001b[2J\u001b]0;gone\u0007\u202e";
    for (from, to, expected) in [
        ("{", format!(r#"{{ "{escape}": 1,"#), "unknown field `\\u{1b}[2J\\u{1b}]0;gone\\u{7}\\u{202e}`"),
        ("{", format!(r#"{{ "unit": "{escape}","#), "unit: unknown variant `\\u{1b}[2J"),
        ("{", format!(r#"{{ "time_zone": "{escape}","#), "time_zone: "),
        (r#""object": ""#, format!(r#""object": "{escape}"#), "the mapping"),
    ] {
        let mapping = file(
            "mapping.json",
            &good.replace("\"time_zone\": \"Europe/Brussels\",", "").replacen(from, &to, 1),
        );
        let output = job(&[&mapping, "--dry-run"], &[]);
        fails(&output, 1, &["error: the mapping", expected]);
        assert!(!output.stderr.iter().any(|byte| *byte == 0x1b || *byte == 7), "{output:?}");
    }
    let mapping = mapping();
    for (model, expected) in [
        (
            r#"{ "output_ports": { "tabel": "datasets" } }"#.to_owned(),
            "output_ports.tabel: unknown field `tabel`",
        ),
        (format!(r#"{{ "{escape}": 1 }}"#), "unknown field `\u{fffd}[2J"),
        (r#"{ "schema": "usage" } x"#.to_owned(), "trailing characters"),
        (r#"{ "schema": "usage" }"#.to_owned(), "no reference for output ports"),
        (without_coverage(), "build it with coverage()\nnext: add \"coverage\": {} to it"),
    ] {
        let model = file("model.json", &model);
        let output = job(&[mapping.to_str().unwrap(), "--dry-run", "--model", &model], &[]);
        fails(&output, 1, &["error: the model", "model.json is of no use", expected]);
        assert!(!output.stderr.contains(&0x1b), "{output:?}");
    }
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_postgres_that_is_not_there_is_no_secret_s_way_out() {
    let mapping = mapping();
    let url = format!("postgres://app:{}@127.0.0.1:{}/portal", SECRETS[1], closed_port());
    let variables = [
        ("SNOWFLAKE_ACCOUNT", "acme-one"),
        ("SNOWFLAKE_USER", "sync"),
        ("SNOWFLAKE_PASSWORD", SECRETS[0]),
        ("DATABASE_URL", &url),
    ];
    let output = job(&[mapping.to_str().unwrap()], &variables);
    fails(&output, 5, &["Postgres was not reached", "onnection refused", "next: check DATABASE_URL"]);
}

#[test]
fn a_key_that_cannot_be_read_is_named_by_its_path() {
    let mapping = mapping();
    let variables = [
        ("SNOWFLAKE_ACCOUNT", "acme-one"),
        ("SNOWFLAKE_USER", "sync"),
        ("SNOWFLAKE_PRIVATE_KEY_PATH", "/no/such/key.p8"),
        ("SNOWFLAKE_PRIVATE_KEY_PASSPHRASE", SECRETS[2]),
    ];
    let output = job(&[mapping.to_str().unwrap()], &variables);
    fails(&output, 1, &["SNOWFLAKE_PRIVATE_KEY_PATH: \"/no/such/key.p8\" cannot be read"]);
}
