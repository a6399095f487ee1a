//! What goes wrong in an account: each has its exit code, keeps Snowflake's message and names the next step.

use std::time::{Duration, Instant};

use crate::account::Account;
use crate::job::{MappingFile, Portal, Said, job, run};
use crate::pipeline::{log, mapping};

const NOW: [&str; 3] = ["--now", "2026-03-02T12:00:00Z", "--create-tables"];

async fn start() -> (Account, Portal, MappingFile) {
    let account = Account::start().await;
    account.load(&log(0..10)).await;
    let mapping = mapping();
    (account, Portal::new(&[&mapping]).await, MappingFile::new(&mapping))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_is_told_apart_and_writes_nothing() {
    let (account, portal, file) = start().await;
    for (variable, value, texts) in [
        ("SNOWFLAKE_PASSWORD", "wrong-password", ["Incorrect username or password was specified.", "next: "]),
        ("SNOWFLAKE_USER", "nobody", ["Incorrect username or password was specified.", "SNOWFLAKE_USER"]),
        ("SNOWFLAKE_ACCOUNT", "xy99999", ["HTTP 404", "check SNOWFLAKE_ACCOUNT"]),
        ("SNOWFLAKE_ROLE", "NOT_MINE", ["Role 'NOT_MINE' specified in the connect string", "SNOWFLAKE_ROLE"]),
    ] {
        let said = run(job(&account, &portal, &file).env(variable, value), &NOW).is(2);
        said.fails_with(&texts);
    }
    assert_eq!(portal.versions().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_pair_logs_in_and_a_strange_one_does_not() {
    let (account, portal, file) = start().await;
    let keys = crate::account::keys();
    let with_key = |name: &str| {
        let mut job = job(&account, &portal, &file);
        job.env_remove("SNOWFLAKE_PASSWORD").env("SNOWFLAKE_PRIVATE_KEY_PATH", keys.join(name));
        job
    };
    run(&mut with_key("private.pem"), &NOW).is(0);
    let mut locked = with_key("locked.pem");
    run(locked.env("SNOWFLAKE_PRIVATE_KEY_PASSPHRASE", "correct-horse-battery"), &NOW).is(0);
    let mut locked = with_key("locked.pem");
    run(locked.env("SNOWFLAKE_PRIVATE_KEY_PASSPHRASE", "wrong-password"), &NOW)
        .is(2)
        .fails_with(&["private key error"]);
    run(&mut with_key("stranger.pem"), &NOW).is(2).fails_with(&["JWT token is invalid.", "RSA_PUBLIC_KEY"]);
    run(&mut with_key("public.pem"), &NOW).is(2).fails_with(&["private key error"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_grants_keeps_the_message_and_names_the_grant() {
    let (account, portal, file) = start().await;
    run(job(&account, &portal, &file).env("SNOWFLAKE_ROLE", "NO_GRANTS"), &NOW).is(3).fails_with(&[
        "Database 'SNOWFLAKE' does not exist or not authorized.",
        "GRANT DATABASE ROLE SNOWFLAKE.GOVERNANCE_VIEWER",
    ]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_history_wipes_nothing() {
    let (account, portal, file) = start().await;
    run(&mut job(&account, &portal, &file), &NOW).is(0);
    let before = portal.versions().await;
    assert!(!before.is_empty());

    account.load(&[]).await;
    run(&mut job(&account, &portal, &file), &NOW)
        .is(4)
        .fails_with(&["ACCESS_HISTORY is empty; nothing was written", "Enterprise Edition"]);
    // rows there are, but none that the mapping counts
    let mut strange = log(8..10);
    strange.iter_mut().for_each(|access| access.record.user_name = None);
    strange.iter_mut().for_each(|access| access.record.role_name = None);
    account.load(&strange).await;
    run(&mut job(&account, &portal, &file), &NOW).is(4).fails_with(&["no query counts by the mapping"]);
    assert_eq!(portal.versions().await, before);

    run(&mut job(&account, &portal, &file), &[&NOW[..], &["--allow-empty"]].concat()).is(0);
    assert!(portal.versions().await.len() < before.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_cancels_the_statement_in_snowflake_and_writes_nothing() {
    let (account, portal, file) = start().await;
    account.misbehave("hold");
    let run = job(&account, &portal, &file).args(NOW).spawn().unwrap();
    let began = Instant::now();
    while account.seen("held") == 0 {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(50));
    }
    let kill = std::process::Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap();
    assert!(kill.success());
    Said::of(run.wait_with_output().unwrap())
        .is(130)
        .fails_with(&["interrupted; the tables were created, and no rows were written"]);
    assert_eq!(account.seen("aborts"), 1);
    assert_eq!(portal.versions().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_goes_away_while_it_counts_is_a_lost_connection() {
    let (mut account, portal, file) = start().await;
    account.misbehave("hold");
    let run = job(&account, &portal, &file).args(NOW).spawn().unwrap();
    let began = Instant::now();
    while account.seen("held") == 0 {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(50));
    }
    account.stop();
    let said = Said::of(run.wait_with_output().unwrap()).is(6);
    said.fails_with(&[
        "the connection to Snowflake failed; the tables were created, and no rows were written",
    ]);
    assert_eq!(portal.versions().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_fails_once_is_tried_again() {
    let (account, portal, file) = start().await;
    account.misbehave("stumble");
    let said = run(&mut job(&account, &portal, &file), &NOW).is(0);
    assert!(said.out.contains("queries:      30 written"), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_that_the_portal_does_not_know_is_refused_by_name() {
    let (account, portal, file) = start().await;
    sqlx::query("DELETE FROM portal.datasets WHERE id = '00000000-0000-4000-8000-000000000002'")
        .execute(&portal.pool)
        .await
        .unwrap();
    run(&mut job(&account, &portal, &file), &NOW).is(5).fails_with(&[
        "the portal does not know what the mapping names; the tables were created, and no rows were written",
        "output port 00000000-0000-4000-8000-000000000002  Campaigns",
        "--skip-unknown",
    ]);
    assert_eq!(account.seen("scans"), 0);
    assert_eq!(portal.versions().await, Vec::<String>::new());
}
