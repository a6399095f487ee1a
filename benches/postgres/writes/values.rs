use anyhow::Result;
use chrono::NaiveDate;
use sqlx::{Postgres, QueryBuilder, Transaction};

use super::sample::Facts;
use crate::data::day::Fact;

/// As many an application writes it: an output port at a time, in lists.
pub(super) async fn upsert(facts: &[Facts], transaction: &mut Transaction<'_, Postgres>) -> Result<()> {
    const ROWS: usize = 1_000;
    for day in facts {
        for port in day.queries.chunk_by(|one, other| one.ids[0] == other.ids[0]) {
            for rows in port.chunks(ROWS) {
                let mut insert = list(INSERT_QUERIES, day.date, rows);
                insert.push(" ON CONFLICT (output_port_id, date, consumer_id)");
                insert.push(" DO UPDATE SET query_count = EXCLUDED.query_count");
                insert.build().execute(&mut **transaction).await?;
            }
        }
        for port in day.touches.chunk_by(|one, other| one.ids[0] == other.ids[0]) {
            for rows in port.chunks(ROWS) {
                let mut insert = list(INSERT_TOUCHES, day.date, rows);
                insert.push(" ON CONFLICT (output_port_id, date, tech_asset_id, consumer_id)");
                insert.push(" DO UPDATE SET query_count = EXCLUDED.query_count");
                insert.build().execute(&mut **transaction).await?;
            }
        }
    }
    Ok(())
}

const INSERT_QUERIES: &str = "INSERT INTO usage.output_port_query_stats_daily
    (date, output_port_id, consumer_id, query_count) ";
const INSERT_TOUCHES: &str = "INSERT INTO usage.tech_asset_stats_daily
    (date, output_port_id, tech_asset_id, consumer_id, query_count) ";

fn list<const N: usize>(insert: &'static str, date: NaiveDate, rows: &[Fact<N>]) -> QueryBuilder<Postgres> {
    let mut builder = QueryBuilder::new(insert);
    builder.push_values(rows, |mut row, fact| {
        row.push_bind(date);
        for id in fact.ids {
            row.push_bind(id);
        }
        row.push_bind(fact.count as i32);
    });
    builder
}
