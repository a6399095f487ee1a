//! What a row weighs.

use anyhow::Result;
use sqlx::postgres::PgConnection;

#[derive(Debug, Clone)]
pub(crate) struct Storage {
    pub(crate) design: String,
    pub(crate) table: String,
    pub(crate) rows: i64,
    pub(crate) table_bytes: i64,
    pub(crate) key_bytes: i64,
    pub(crate) index_bytes: i64,
}

/// The key is the primary key; the log has none.
const SIZES: &str = "
SELECT n.nspname::text, c.relname::text, pg_table_size(c.oid),
    COALESCE((SELECT SUM(pg_relation_size(i.indexrelid)) FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary), 0)::bigint,
    pg_indexes_size(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN ('usage', 'design', 'log')
ORDER BY n.nspname = 'usage' DESC, n.nspname = 'design' DESC, c.relname = 'output_port_query_stats_daily' DESC,
    c.relname = 'tech_asset_stats_daily' DESC";

/// Of every table, with the rows of tables 1, 2 and 3 and of the log.
pub(crate) async fn measure(rows: [u64; 4], to: &mut PgConnection) -> Result<Vec<Storage>> {
    let sizes: Vec<(String, String, i64, i64, i64)> = sqlx::query_as(SIZES).fetch_all(to).await?;
    let rows_of = |table: &str| match table {
        "output_port_query_stats_daily" => rows[0],
        "tech_asset_stats_daily" => rows[1],
        "output_port_combined_with_daily" => rows[2],
        _ => rows[3],
    };
    let storage = |(design, table, table_bytes, key_bytes, index_bytes): (String, String, _, _, _)| {
        let rows = rows_of(&table) as i64;
        Storage { design, table, rows, table_bytes, key_bytes, index_bytes }
    };
    Ok(sizes.into_iter().map(storage).collect())
}
