//! The job's binary, and a portal's Postgres for it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use access_log::{Mapping, PARENTS};
use sqlx::postgres::{PgPool, PgPoolOptions};
use uuid::Uuid;

use crate::account::{ACCOUNT, Account, PASSWORD, USER, keys};

/// A portal with its own tables, and none of usage yet.
pub(crate) struct Portal {
    pub(crate) pool: PgPool,
    database: throwaway_postgres::Database,
}

const TABLES: [&str; 3] =
    ["output_port_query_stats_daily", "tech_asset_stats_daily", "output_port_combined_with_daily"];
const COVERAGE: &str = "output_port_usage_coverage";

impl Portal {
    /// A portal that knows what these mappings name.
    pub(crate) async fn new(mappings: &[&Mapping]) -> Self {
        let database = throwaway_postgres::database().unwrap_or_else(|error| panic!("{error}"));
        let pool = PgPoolOptions::new().max_connections(2).connect(database.url()).await.unwrap();
        sqlx::raw_sql(PARENTS).execute(&pool).await.unwrap();
        let ids = |of: &dyn Fn(&Mapping) -> Vec<Uuid>| -> Vec<Uuid> {
            mappings.iter().flat_map(|mapping| of(mapping)).collect::<BTreeSet<_>>().into_iter().collect()
        };
        for (insert, ids) in [
            (
                "INSERT INTO portal.datasets SELECT id, 'port' FROM unnest($1::uuid[]) AS u (id)",
                ids(&|mapping| mapping.output_ports.iter().map(|port| port.id).collect()),
            ),
            (
                "INSERT INTO portal.technical_assets SELECT id, 'asset' FROM unnest($1::uuid[]) AS u (id)",
                ids(&|mapping| mapping.tech_assets.iter().map(|asset| asset.id).collect()),
            ),
            (
                "INSERT INTO portal.data_products SELECT id, 'consumer' FROM unnest($1::uuid[]) AS u (id)",
                ids(&|mapping| mapping.consumers.iter().map(|consumer| consumer.id).collect()),
            ),
        ] {
            sqlx::query(insert).bind(ids).execute(&pool).await.unwrap();
        }
        Self { pool, database }
    }

    pub(crate) fn url(&self) -> url::Url {
        self.database.url().parse().unwrap()
    }

    /// Every row of the tables of usage and coverage, with the row versions that hold it.
    pub(crate) async fn versions(&self) -> Vec<String> {
        let mut rows = self.texts(COVERAGE, "t::text || ' ' || t.xmin").await;
        for table in TABLES {
            rows.extend(self.texts(table, "t::text || ' ' || t.xmin").await);
        }
        rows
    }

    /// Every row of the tables of usage.
    pub(crate) async fn rows(&self) -> Vec<String> {
        let mut rows = Vec::new();
        for table in TABLES {
            rows.extend(self.texts(table, "t::text").await);
        }
        rows
    }

    async fn texts(&self, table: &str, text: &str) -> Vec<String> {
        let sql = format!("SELECT '{table} ' || {text} FROM usage.{table} AS t ORDER BY 1");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&self.pool).await.unwrap()
    }
}

/// A file that is deleted with the test.
pub(crate) struct MappingFile(PathBuf);

impl MappingFile {
    pub(crate) fn new(mapping: &Mapping) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("mapping-{}-{}.json", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, serde_json::to_vec_pretty(mapping).unwrap()).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for MappingFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What a run said; no secret is in it.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) exit: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let said = Self { exit: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
        let key = std::fs::read_to_string(keys().join("private.pem")).unwrap();
        let line_of_key = key.lines().nth(3).unwrap();
        for secret in [PASSWORD, line_of_key, "correct-horse-battery", "postgres://", "wrong-password"] {
            assert!(!said.out.contains(secret) && !said.err.contains(secret), "{secret} in {said:?}");
        }
        said
    }

    #[track_caller]
    pub(crate) fn is(self, exit: i32) -> Self {
        assert_eq!(self.exit, Some(exit), "{}\n{}", self.out, self.err);
        self
    }

    /// Whether every text is in what was said as a failure.
    #[track_caller]
    pub(crate) fn fails_with(&self, texts: &[&str]) {
        for text in texts {
            assert!(self.err.contains(text), "no {text:?} in: {}", self.err);
        }
    }
}

/// The job with a password, on this account, portal and mapping.
pub(crate) fn job(account: &Account, portal: &Portal, mapping: &MappingFile) -> Command {
    let mut job = Command::new(env!("CARGO_BIN_EXE_snowflake-sync"));
    job.arg(mapping.path())
        .args(["--log", "text", "--retries", "0"])
        .env_clear()
        .envs(
            std::env::vars_os()
                .filter(|(name, _)| name.to_str().is_some_and(|name| name.starts_with("LLVM"))),
        )
        .env("SNOWFLAKE_URL", format!("http://127.0.0.1:{}", account.port))
        .env("SNOWFLAKE_ACCOUNT", ACCOUNT)
        .env("SNOWFLAKE_USER", USER)
        .env("SNOWFLAKE_PASSWORD", PASSWORD)
        .env("SNOWFLAKE_ROLE", "USAGE_READER")
        .env("SNOWFLAKE_WAREHOUSE", "REPORTING")
        .env("DATABASE_URL", portal.database.url())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    job
}

/// Runs the job to its end.
pub(crate) fn run(job: &mut Command, arguments: &[impl AsRef<OsStr>]) -> Said {
    Said::of(job.args(arguments).output().unwrap())
}
