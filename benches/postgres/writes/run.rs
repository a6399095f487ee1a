use std::convert::Infallible;
use std::ops::Range;
use std::time::Instant;

use anyhow::Result;
use chrono::NaiveDate;
use futures_util::stream;
use output_port_usage::{OutputPortId, Scope, UsageBatch, UsageModel};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Postgres, Transaction};

use super::method::Method;
use super::sample::{Facts, Sample};
use super::values;

/// Where rows go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tables<'a> {
    pub(super) model: &'a UsageModel,
    pub(super) copy: [&'static str; 2],
}

/// The time is from the first statement to the commit; what the host prepares is not in it, but the library's own checks
/// are.
pub(super) async fn run(
    method: Method,
    window: &Range<NaiveDate>,
    facts: &[Facts],
    tables: Tables<'_>,
    to: &mut PgConnection,
) -> Result<Sample> {
    sqlx::raw_sql("TRUNCATE heap.queries, heap.touches").execute(&mut *to).await?;
    if method.has_foreign_keys() {
        sqlx::raw_sql(ADD_FOREIGN_KEYS).execute(&mut *to).await?;
    }
    let prepared = Prepared::new(method, window, facts)?;
    let wal: String =
        sqlx::query_scalar("SELECT pg_current_wal_insert_lsn()::text").fetch_one(&mut *to).await?;
    let mut transaction = to.begin().await?;
    let before: i64 = sqlx::query_scalar(VERSIONS).fetch_one(&mut *transaction).await?;
    let start = Instant::now();
    prepared.write(method, window, facts, tables, &mut transaction).await?;
    let written = start.elapsed();
    let versions: i64 = sqlx::query_scalar(VERSIONS).fetch_one(&mut *transaction).await?;
    let commit = Instant::now();
    transaction.commit().await?;
    let seconds = (written + commit.elapsed()).as_secs_f64();
    let wal_bytes: i64 =
        sqlx::query_scalar("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1::pg_lsn)::bigint")
            .bind(wal)
            .fetch_one(&mut *to)
            .await?;
    if method.has_foreign_keys() {
        sqlx::raw_sql(DROP_FOREIGN_KEYS).execute(&mut *to).await?;
    }
    let rows = facts.iter().map(Facts::rows).sum();
    Ok(Sample { rows, seconds, wal_bytes, versions: versions - before })
}

/// What the host has before it writes.
enum Prepared {
    Copies(Vec<[Vec<u8>; 2]>),
    Batch(UsageBatch),
    /// A batch for each day.
    Batches(Scope, Vec<UsageBatch>),
    Nothing,
}

impl Prepared {
    fn new(method: Method, window: &Range<NaiveDate>, facts: &[Facts]) -> Result<Self> {
        let ports = || facts.iter().flat_map(|day| &day.queries).map(|fact| OutputPortId(fact.ids[0]));
        Ok(match method {
            Method::CopyHeap | Method::CopyKeyed | Method::DeleteCopy => {
                Self::Copies(facts.iter().map(Facts::copies).collect())
            }
            Method::Upsert { .. } | Method::Replace { .. } => {
                Self::Batch(batch(Scope::new(window.clone(), ports())?, facts))
            }
            Method::Backfill { .. } => {
                let scope = Scope::new(window.clone(), ports())?;
                let batches = facts.iter().map(|day| {
                    let date = day.date..day.date + chrono::Days::new(1);
                    let of_day = Scope::new(date, scope.output_ports().iter().copied())?;
                    Ok(batch(of_day, std::slice::from_ref(day)))
                });
                let batches = batches.collect::<Result<_>>()?;
                Self::Batches(scope, batches)
            }
            Method::Values => Self::Nothing,
        })
    }

    async fn write(
        self,
        method: Method,
        window: &Range<NaiveDate>,
        facts: &[Facts],
        tables: Tables<'_>,
        transaction: &mut Transaction<'_, Postgres>,
    ) -> Result<()> {
        match self {
            Self::Copies(copies) => {
                if method == Method::DeleteCopy {
                    for sql in DELETE_WINDOW {
                        let delete = sqlx::query(sql).bind(window.start).bind(window.end);
                        delete.execute(&mut **transaction).await?;
                    }
                }
                copy(if method == Method::CopyHeap { COPY_HEAP } else { tables.copy }, &copies, transaction)
                    .await?;
            }
            Self::Batch(batch) => {
                let ingest = match method {
                    Method::Upsert { .. } => tables.model.upsert(&batch)?,
                    _ => tables.model.replace(&batch)?,
                };
                ingest.run_sqlx(transaction).await?;
            }
            Self::Batches(scope, batches) => {
                let batches = stream::iter(batches.into_iter().map(Ok::<_, Infallible>));
                tables.model.backfill(scope)?.run_sqlx(transaction, batches).await?;
            }
            Self::Nothing => values::upsert(facts, transaction).await?,
        }
        Ok(())
    }
}

fn batch(scope: Scope, facts: &[Facts]) -> UsageBatch {
    let queries = facts.iter().flat_map(Facts::output_port_queries).collect();
    UsageBatch::builder(scope)
        .queries(queries)
        .touches(facts.iter().flat_map(Facts::tech_asset_touches).collect())
        .build()
}

async fn copy(
    tables: [&str; 2],
    days: &[[Vec<u8>; 2]],
    transaction: &mut Transaction<'_, Postgres>,
) -> Result<()> {
    for (place, sql) in tables.into_iter().enumerate() {
        for day in days {
            let mut copy = transaction.copy_in_raw(sql).await?;
            copy.send(day[place].as_slice()).await?;
            copy.finish().await?;
        }
    }
    Ok(())
}

const COPY_HEAP: [&str; 2] =
    ["COPY heap.queries FROM STDIN (FORMAT binary)", "COPY heap.touches FROM STDIN (FORMAT binary)"];
pub(super) const COPY_KEYED: [&str; 2] = [
    "COPY usage.output_port_query_stats_daily FROM STDIN (FORMAT binary)",
    "COPY usage.tech_asset_stats_daily FROM STDIN (FORMAT binary)",
];
/// Tables of the same model that are empty before each write.
pub(super) const COPY_FRESH: [&str; 2] = [
    "COPY fresh.output_port_query_stats_daily FROM STDIN (FORMAT binary)",
    "COPY fresh.tech_asset_stats_daily FROM STDIN (FORMAT binary)",
];
const DELETE_WINDOW: [&str; 2] = [
    "DELETE FROM usage.output_port_query_stats_daily WHERE date >= $1 AND date < $2",
    "DELETE FROM usage.tech_asset_stats_daily WHERE date >= $1 AND date < $2",
];
/// With those of earlier transactions that the server has not yet reported.
const VERSIONS: &str = "SELECT COALESCE(SUM(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint
FROM pg_stat_xact_user_tables WHERE schemaname IN ('usage', 'fresh', 'heap')";

/// Not validated: the rows that are there are not looked at, new ones are.
const ADD_FOREIGN_KEYS: &str = "
ALTER TABLE usage.output_port_query_stats_daily
    ADD CONSTRAINT port_fkey FOREIGN KEY (output_port_id) REFERENCES portal.datasets ON DELETE CASCADE NOT VALID,
    ADD CONSTRAINT consumer_fkey FOREIGN KEY (consumer_id) REFERENCES portal.data_products NOT VALID;
ALTER TABLE usage.tech_asset_stats_daily
    ADD CONSTRAINT port_fkey FOREIGN KEY (output_port_id) REFERENCES portal.datasets ON DELETE CASCADE NOT VALID,
    ADD CONSTRAINT asset_fkey FOREIGN KEY (tech_asset_id) REFERENCES portal.technical_assets ON DELETE CASCADE NOT VALID,
    ADD CONSTRAINT consumer_fkey FOREIGN KEY (consumer_id) REFERENCES portal.data_products NOT VALID";
const DROP_FOREIGN_KEYS: &str = "
ALTER TABLE usage.output_port_query_stats_daily DROP CONSTRAINT port_fkey, DROP CONSTRAINT consumer_fkey;
ALTER TABLE usage.tech_asset_stats_daily
    DROP CONSTRAINT port_fkey, DROP CONSTRAINT asset_fkey, DROP CONSTRAINT consumer_fkey";
