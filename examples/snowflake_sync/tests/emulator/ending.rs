//! A run ends, whatever does not answer; what may help is tried again; and it says what it did.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::healing::{NOW, Stage};
use crate::job::{MappingFile, Said, job, run};
use crate::pipeline::mapping;

const OPTIONS: [&str; 4] = ["--now", NOW, "--create-tables", "--no-coverage"];

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_server_is_asked_again_and_a_login_that_is_not_taken_has_its_own_words() {
    let mapping = mapping();
    let stage = Stage::new(&[&mapping]).await;
    stage.account.misbehave("busy");
    stage.run(&mapping, NOW, &[]).is(6).fails_with(&["HTTP 429", "too many requests to take this login"]);
    stage.account.misbehave("forbidden");
    stage.run(&mapping, NOW, &[]).is(2).fails_with(&["HTTP 403", "network policy", "SNOWFLAKE_ACCOUNT"]);

    for fault in ["busy", "unavailable", "lose"] {
        stage.account.misbehave(fault);
    }
    stage.run(&mapping, NOW, &["--retries", "2"]).is(0);
    stage.is_as_counted_anew(&mapping, NOW).await;
    // a statement whose answer was lost is not left running
    assert!(stage.account.seen("aborts") > 0);

    // the waits of 1, 2, 4 and 8 seconds end with the run's time
    for _ in 0..8 {
        stage.account.misbehave("unavailable");
    }
    let began = Instant::now();
    stage.run(&mapping, NOW, &["--retries", "8", "--time-limit", "8s"]).is(7);
    assert!(began.elapsed() < Duration::from_secs(13));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_does_not_answer_has_a_limit() {
    let mapping = mapping();
    let stage = Stage::new(&[&mapping]).await;
    let began = Instant::now();
    stage.account.misbehave("mute");
    let said = stage.run(&mapping, NOW, &["--connect-limit", "1s"]).is(7);
    said.fails_with(&["Snowflake did not answer the login in 1s; the tables were created"]);
    for (limit, what) in [
        ("--statement-limit", "a statement in Snowflake took longer than 2s"),
        ("--time-limit", "the run took longer than 2s"),
    ] {
        let aborts = stage.account.seen("aborts");
        stage.account.misbehave("hold");
        stage.run(&mapping, NOW, &[limit, "2s"]).is(7).fails_with(&[what, "; nothing was written"]);
        assert_eq!(stage.account.seen("aborts"), aborts + 1);
    }
    let mut holder = stage.portal.pool.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE usage.output_port_query_stats_daily").execute(&mut *holder).await.unwrap();
    let said = stage.run(&mapping, NOW, &["--lock-limit", "1s"]).is(7);
    said.fails_with(&["somebody else holds a lock in Postgres", "--lock-limit"]);
    holder.rollback().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(60));
    assert_eq!(stage.portal.rows().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_s_signal_cancels_the_statement() {
    let mapping = mapping();
    let stage = Stage::new(&[&mapping]).await;
    let file = MappingFile::new(&mapping);
    for (number, signal) in ["-TERM", "-HUP"].into_iter().enumerate() {
        stage.account.misbehave("hold");
        let run = job(&stage.account, &stage.portal, &file).args(OPTIONS).spawn().unwrap();
        let began = Instant::now();
        while stage.account.seen("held") == number as u64 {
            assert!(began.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(50));
        }
        let kill = std::process::Command::new("kill").args([signal, &run.id().to_string()]).status().unwrap();
        assert!(kill.success());
        Said::of(run.wait_with_output().unwrap()).is(130).fails_with(&["interrupted; "]);
        assert_eq!(stage.account.seen("aborts"), number as u64 + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_first_runs_at_once_leave_what_one_leaves() {
    let mapping = mapping();
    let stage = Stage::new(&[&mapping]).await;
    let file = MappingFile::new(&mapping);
    let runs = [(); 3].map(|()| job(&stage.account, &stage.portal, &file).args(OPTIONS).spawn().unwrap());
    for run in runs {
        Said::of(run.wait_with_output().unwrap()).is(0);
    }
    stage.is_as_counted_anew(&mapping, NOW).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_load_in_parts_goes_on_where_it_was_stopped() {
    let mapping = mapping();
    let stage = Stage::new(&[&mapping]).await;
    // a scan in the middle of the days that have rows: those before had none, or were too long
    stage.account.misbehave("lose/13");
    let parts = ["--rows-at-once", "40"];
    let said = stage.run(&mapping, NOW, &parts).is(6);
    said.fails_with(&[
        "the connection to Snowflake failed; 2025-03-05 to 2026-02-2",
        " was written before that",
    ]);
    let written = stage.portal.rows().await.len();
    assert!(written > 0);
    let said = stage.run(&mapping, NOW, &parts).is(0);
    assert!(said.out.starts_with("reading 2026-02-"), "{}", said.out);
    stage.is_as_counted_anew(&mapping, NOW).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_oauth_logs_in() {
    let mapping = mapping();
    let stage = Stage::new(&[&mapping]).await;
    let file = MappingFile::new(&mapping);
    let with = |variable: &str, value: &str| {
        let mut job = job(&stage.account, &stage.portal, &file);
        run(job.env_remove("SNOWFLAKE_PASSWORD").env(variable, value), &OPTIONS)
    };
    let token = "an-0Auth-t0ken-of-the-account";
    with("SNOWFLAKE_TOKEN", "another-token").is(2).fails_with(&["Invalid OAuth access token."]);
    with("SNOWFLAKE_TOKEN", token).is(0);
    let path = std::env::temp_dir().join(format!("snowflake-sync-token-{}", std::process::id()));
    std::fs::write(&path, format!("{token}\n")).unwrap();
    with("SNOWFLAKE_TOKEN_PATH", path.to_str().unwrap()).is(0);
    std::fs::remove_file(path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_a_line_an_object_and_metrics() {
    let mapping = mapping();
    let stage = Stage::new(&[&mapping]).await;
    let metrics = std::env::temp_dir().join(format!("snowflake-sync-run-{}.prom", std::process::id()));
    let said = stage.run(&mapping, NOW, &["--log", "line", "--metrics", metrics.to_str().unwrap()]).is(0);
    assert_eq!(said.out.lines().count(), 1, "{}", said.out);
    for text in [
        "Z done seconds=",
        " read=\"2025-03-05 to 2026-03-04\" queries=0+39-0 touches=0+52-0 ",
        " settled=2026-03-03 never_measured=0 other_rules=0\n",
    ] {
        assert!(said.out.contains(text), "no {text:?} in {}", said.out);
    }
    let text = std::fs::read_to_string(&metrics).unwrap();
    std::fs::remove_file(metrics).unwrap();
    for line in [
        "snowflake_sync_exit_code 0",
        "snowflake_sync_rows{table=\"queries\",change=\"written\"} 39",
        "snowflake_sync_gap_days{reason=\"never_measured\"} 0",
        // midnight of 3 March 2026
        "snowflake_sync_settled_day_timestamp_seconds 1772496000",
    ] {
        assert!(text.lines().any(|of| of == line), "no {line:?} in {text}");
    }

    let said = stage.run(&mapping, NOW, &["--log", "json"]).is(0);
    let object: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&object["exit"], &object["rows"]["queries"]["unchanged"]), (&0.into(), &12.into()));
    assert_eq!(stage.run(&mapping, NOW, &["--log", "line", "--quiet"]).is(0).out, "");
    stage.account.misbehave("lose");
    let said = stage.run(&mapping, NOW, &["--log", "json", "--quiet"]).is(6);
    let object: Value = serde_json::from_str(&said.out).unwrap();
    assert!(
        object["error"].as_str().unwrap().contains("the connection to Snowflake failed; nothing was written")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_grants_that_a_run_prints_are_those_that_it_lacks() {
    let mapping = mapping();
    let stage = Stage::new(&[&mapping]).await;
    stage.run(&mapping, NOW, &[]).is(0);
    let role = format!("sync_{}", std::process::id());
    let superuser = |sql: String| sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&stage.portal.pool);
    superuser(format!("CREATE ROLE {role} LOGIN PASSWORD 'only-for-a-test'")).await.unwrap();
    let mut url = stage.portal.url();
    url.set_username(&role).unwrap();
    url.set_password(Some("only-for-a-test")).unwrap();
    let file = MappingFile::new(&mapping);
    let as_role = || {
        let mut job = job(&stage.account, &stage.portal, &file);
        run(job.env("DATABASE_URL", url.as_str()), &["--now", NOW, "--no-coverage"])
    };
    let said = as_role().is(5);
    let grants: Vec<&str> =
        said.err.lines().map(str::trim).filter(|line| line.starts_with("GRANT ")).collect();
    assert!(!grants.is_empty(), "{}", said.err);
    superuser(grants.concat()).await.unwrap();
    as_role().is(0);
    superuser(format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
}
