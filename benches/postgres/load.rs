//! Loads day after day into every design at once, as daily ingests would leave them: each day in the order of the
//! key, into tables that have their keys.

use std::sync::Arc;

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use output_port_usage::UsageModel;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, PgPool};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::copy::DayBytes;
use crate::data::{DAYS, Portal};

type Part = fn(&DayBytes) -> &[u8];

/// The tables that one connection fills, and what of a day goes there.
const STREAMS: [&[(&str, Part)]; 4] = [
    &[
        ("COPY usage.output_port_query_stats_daily FROM STDIN (FORMAT binary)", |day| &day.queries),
        ("COPY usage.tech_asset_stats_daily FROM STDIN (FORMAT binary)", |day| &day.touches),
        ("COPY usage.output_port_combined_with_daily FROM STDIN (FORMAT binary)", |day| &day.combinations),
    ],
    &[("COPY design.output_port_query_stats_daily FROM STDIN (FORMAT binary)", |day| &day.queries)],
    &[("COPY design.tech_asset_stats_daily FROM STDIN (FORMAT binary)", |day| &day.touches)],
    &[("COPY log.touch FROM STDIN (FORMAT binary)", |day| &day.log)],
];

/// Days that wait for a slower table.
const AHEAD: usize = 8;

#[derive(Debug)]
pub(crate) struct Load {
    portal: Arc<Portal>,
    url: String,
    /// The number of the next day.
    pub(crate) next: u64,
    /// Rows of tables 1, 2 and 3 and of the log so far.
    pub(crate) rows: [u64; 4],
}

impl Load {
    pub(crate) fn new(portal: Arc<Portal>, url: &str) -> Self {
        Self { portal, url: url.to_owned(), next: 0, rows: [0; 4] }
    }

    /// Loads whole days until the table of queries has this many rows, or all days if there are fewer, and vacuums.
    pub(crate) async fn until(&mut self, rows: u64, model: &UsageModel, bar: &ProgressBar) -> Result<()> {
        let mut tasks = JoinSet::new();
        let mut senders = Vec::new();
        for stream in STREAMS {
            let (sender, receiver) = mpsc::channel(AHEAD);
            senders.push(sender);
            let connection = PgConnection::connect(&self.url).await?;
            tasks.spawn(fill(connection, stream, receiver));
        }
        let (portal, first, mut sums, bar) = (self.portal.clone(), self.next, self.rows, bar.clone());
        let made = tokio::task::spawn_blocking(move || {
            let mut number = first;
            while number < DAYS && sums[0] < rows {
                let day = Arc::new(DayBytes::from(&portal.day(number)));
                number += 1;
                sums = std::array::from_fn(|table| sums[table] + day.rows[table]);
                for sender in &senders {
                    if sender.blocking_send(day.clone()).is_err() {
                        return (number, sums); // its task says why
                    }
                }
                bar.inc(day.rows[0]);
            }
            (number, sums)
        });
        while let Some(task) = tasks.join_next().await {
            task??;
        }
        (self.next, self.rows) = made.await?;
        let pool = PgPool::connect(&self.url).await?;
        for statement in model.vacuum() {
            statement.into_sqlx().execute(&pool).await?;
        }
        let others =
            "VACUUM (ANALYZE) design.output_port_query_stats_daily, design.tech_asset_stats_daily, log.touch";
        sqlx::raw_sql(others).execute(&pool).await?;
        pool.close().await;
        Ok(())
    }
}

async fn fill(
    mut connection: PgConnection,
    tables: &'static [(&'static str, Part)],
    mut days: mpsc::Receiver<Arc<DayBytes>>,
) -> Result<()> {
    while let Some(day) = days.recv().await {
        for (sql, part) in tables {
            let mut copy = connection.copy_in_raw(sql).await.with_context(|| (*sql).to_owned())?;
            copy.send(part(&day)).await.with_context(|| (*sql).to_owned())?;
            copy.finish().await.with_context(|| (*sql).to_owned())?;
        }
    }
    connection.close().await?;
    Ok(())
}
