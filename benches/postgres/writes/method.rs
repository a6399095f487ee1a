use std::fmt;
use std::ops::Range;
use std::time::Instant;

use anyhow::Result;
use chrono::NaiveDate;
use output_port_usage::{OutputPortId, Scope, UsageBatch, UsageModel};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Postgres, Transaction};

use super::sample::{Facts, Sample};
use super::values;

/// A way of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    CopyHeap,
    CopyKeyed,
    /// DELETE and COPY of the window.
    DeleteCopy,
    Upsert {
        foreign_keys: bool,
    },
    Replace {
        foreign_keys: bool,
    },
    /// `INSERT … VALUES … ON CONFLICT DO UPDATE` for each output port, up to 1,000 rows a statement.
    Values,
}

impl Method {
    pub(super) const FIRST: [Self; 7] = [
        Self::CopyHeap,
        Self::CopyKeyed,
        Self::Upsert { foreign_keys: false },
        Self::Replace { foreign_keys: false },
        Self::Values,
        Self::Upsert { foreign_keys: true },
        Self::Replace { foreign_keys: true },
    ];
    pub(super) const AGAIN: [Self; 6] = [
        Self::DeleteCopy,
        Self::Upsert { foreign_keys: false },
        Self::Replace { foreign_keys: false },
        Self::Values,
        Self::Upsert { foreign_keys: true },
        Self::Replace { foreign_keys: true },
    ];

    /// Whose first load it writes again.
    pub(super) fn first(self) -> Self {
        match self {
            Self::DeleteCopy => Self::CopyKeyed,
            other => other,
        }
    }

    pub(super) fn has_foreign_keys(self) -> bool {
        matches!(self, Self::Upsert { foreign_keys: true } | Self::Replace { foreign_keys: true })
    }

    /// The time is from the first statement to the commit; what the host prepares is not in it, but the library's own
    /// checks are.
    pub(super) async fn run(
        self,
        window: &Range<NaiveDate>,
        facts: &[Facts],
        model: &UsageModel,
        to: &mut PgConnection,
    ) -> Result<Sample> {
        sqlx::raw_sql("TRUNCATE heap.queries, heap.touches").execute(&mut *to).await?;
        if self.has_foreign_keys() {
            sqlx::raw_sql(ADD_FOREIGN_KEYS).execute(&mut *to).await?;
        }
        let copies: Vec<[Vec<u8>; 2]> = facts.iter().map(Facts::copies).collect();
        let batch = batch(window, facts)?;
        let wal: String =
            sqlx::query_scalar("SELECT pg_current_wal_insert_lsn()::text").fetch_one(&mut *to).await?;
        let mut transaction = to.begin().await?;
        let before: i64 = sqlx::query_scalar(VERSIONS).fetch_one(&mut *transaction).await?;
        let start = Instant::now();
        match self {
            Self::CopyHeap => copy(COPY_HEAP, &copies, &mut transaction).await?,
            Self::CopyKeyed => copy(COPY_KEYED, &copies, &mut transaction).await?,
            Self::DeleteCopy => {
                for sql in DELETE_WINDOW {
                    sqlx::query(sql).bind(window.start).bind(window.end).execute(&mut *transaction).await?;
                }
                copy(COPY_KEYED, &copies, &mut transaction).await?;
            }
            Self::Upsert { .. } => drop(model.upsert(&batch)?.run_sqlx(&mut transaction).await?),
            Self::Replace { .. } => drop(model.replace(&batch)?.run_sqlx(&mut transaction).await?),
            Self::Values => values::upsert(facts, &mut transaction).await?,
        }
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
        if self.has_foreign_keys() {
            sqlx::raw_sql(DROP_FOREIGN_KEYS).execute(&mut *to).await?;
        }
        Ok(Sample {
            rows: facts.iter().map(Facts::rows).sum(),
            seconds,
            wal_bytes,
            versions: versions - before,
        })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CopyHeap => "COPY into a bare heap",
            Self::CopyKeyed => "COPY into the keyed table",
            Self::DeleteCopy => "DELETE and COPY of the window",
            Self::Upsert { foreign_keys: false } => "`upsert`",
            Self::Upsert { foreign_keys: true } => "`upsert`, foreign keys",
            Self::Replace { foreign_keys: false } => "`replace`",
            Self::Replace { foreign_keys: true } => "`replace`, foreign keys",
            Self::Values => "VALUES lists per output port",
        })
    }
}

const COPY_HEAP: [&str; 2] =
    ["COPY heap.queries FROM STDIN (FORMAT binary)", "COPY heap.touches FROM STDIN (FORMAT binary)"];
const COPY_KEYED: [&str; 2] = [
    "COPY usage.output_port_query_stats_daily FROM STDIN (FORMAT binary)",
    "COPY usage.tech_asset_stats_daily FROM STDIN (FORMAT binary)",
];
const DELETE_WINDOW: [&str; 2] = [
    "DELETE FROM usage.output_port_query_stats_daily WHERE date >= $1 AND date < $2",
    "DELETE FROM usage.tech_asset_stats_daily WHERE date >= $1 AND date < $2",
];
/// With those of earlier transactions that the server has not yet reported.
const VERSIONS: &str = "SELECT COALESCE(SUM(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint
FROM pg_stat_xact_user_tables WHERE schemaname IN ('usage', 'heap')";

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

fn batch(window: &Range<NaiveDate>, facts: &[Facts]) -> Result<UsageBatch> {
    let queries: Vec<_> = facts.iter().flat_map(Facts::output_port_queries).collect();
    let touches = facts.iter().flat_map(Facts::tech_asset_touches).collect();
    let ports: Vec<OutputPortId> = queries.iter().map(|row| row.output_port_id).collect();
    Ok(UsageBatch::new(Scope::new(window.clone(), ports)?, queries).touches(touches))
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
