//! The server that is measured: what is set for loading, and what it is.

use anyhow::Result;
use chrono::Utc;
use sqlx::postgres::PgConnection;
use throwaway_postgres::{Database, Origin};

use crate::arguments::Arguments;

/// For a server of our own: fewer checkpoints, and no autovacuum beside a measurement (tables are vacuumed explicitly).
/// What the planner goes by stays as it is. A given server is left alone.
const SETTINGS: [&str; 4] = [
    "ALTER SYSTEM SET autovacuum = off",
    "ALTER SYSTEM SET max_wal_size = '4GB'",
    "ALTER SYSTEM SET checkpoint_timeout = '1h'",
    "SELECT pg_reload_conf()",
];

pub(crate) async fn settle(database: &Database, to: &mut PgConnection) -> Result<()> {
    if *database.origin() != Origin::Url {
        for sql in SETTINGS {
            sqlx::raw_sql(sql).execute(&mut *to).await?;
        }
    }
    Ok(())
}

/// Lines for the report.
pub(crate) async fn about(
    arguments: &Arguments,
    database: &Database,
    to: &mut PgConnection,
) -> Result<Vec<String>> {
    let settings: Vec<(String, String)> = sqlx::query_as(
        "SELECT name, current_setting(name) FROM pg_settings
WHERE name IN ('shared_buffers', 'work_mem', 'fsync', 'autovacuum', 'jit') ORDER BY name",
    )
    .fetch_all(to)
    .await?;
    let settings: Vec<String> = settings.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let cores = std::thread::available_parallelism()?;
    let memory = memory().map_or_else(String::new, |gigabytes| format!(", {gigabytes:.0} GB of memory"));
    Ok(vec![
        format!("{}: `{}`", Utc::now().format("%Y-%m-%d"), arguments.command),
        format!("{} cores{memory}, {} ({})", cores, database.server(), settings.join(", ")),
    ])
}

/// Gigabytes, where the system says.
fn memory() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kilobytes = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: f64 = kilobytes.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024.0 / 1024.0)
}
