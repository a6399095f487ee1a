//! A portal of 300 output ports over two years, with what the pages are of.

use anyhow::Result;
use chrono::NaiveDate;
use output_port_usage::{
    ConsumerId, GroupId, OutputPortId, Reference, TechAssetId, UsageModel, UsageModelBuilder,
};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

/// The ids of what a bench asks for, by kind and number.
const fn id(kind: u128, number: u128) -> Uuid {
    Uuid::from_u128(kind << 96 | number)
}

/// An output port with 19 consumers, and one with 137.
pub(crate) const MEDIAN: OutputPortId = OutputPortId(id(0xa, 1));
pub(crate) const HEAVY: OutputPortId = OutputPortId(id(0xa, 2));
/// A consumer that reads eight output ports, and one that reads 60; both read the median one and the heavy one.
pub(crate) const USUAL: ConsumerId = ConsumerId(id(0xc, 2));
pub(crate) const BUSY: ConsumerId = ConsumerId(id(0xc, 1));
/// The busy consumer's group, one of twelve of 125 consumers each.
pub(crate) const GROUP: GroupId = GroupId(id(0xd, 1));
/// A tech asset of the median output port, and one of the heavy one that is in two more.
pub(crate) const ASSET: TechAssetId = TechAssetId(id(0xe, 11));
pub(crate) const SHARED: TechAssetId = TechAssetId(id(0xe, 21));

pub(crate) const FIRST: NaiveDate = NaiveDate::from_ymd_opt(2024, 1, 1).expect("a date of the calendar");
pub(crate) const END: NaiveDate = NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date of the calendar");

pub(crate) fn builder() -> UsageModelBuilder {
    UsageModel::builder()
        .output_ports(Reference::to("datasets").label("name"))
        .consumers(
            Reference::to("data_products")
                .label("name")
                .group("domain_id", Reference::to("domains").label("name")),
        )
        .tech_assets(Reference::to("technical_assets").label("name"))
        .combinations()
}

/// Five tech assets an output port. Most consumers read two or three output ports, as many as there are on average.
const PARENTS: &str = "
SELECT setseed(0.42);
CREATE FUNCTION id(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
    RETURN (lpad(kind, 8, '0') || lpad(to_hex(n), 24, '0'))::uuid;
CREATE TABLE domains (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE data_products (id uuid PRIMARY KEY, name text NOT NULL, domain_id uuid REFERENCES domains);
CREATE TABLE datasets (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE technical_assets (id uuid PRIMARY KEY, name text NOT NULL);
INSERT INTO domains SELECT id('d', n), 'Domain ' || n FROM generate_series(0, 11) AS n;
INSERT INTO data_products SELECT id('c', n), 'Consumer ' || n, id('d', n % 12) FROM generate_series(1, 1500) AS n;
CREATE INDEX ON data_products (domain_id);
INSERT INTO datasets SELECT id('a', n), 'Output port ' || n FROM generate_series(1, 300) AS n;
INSERT INTO technical_assets SELECT id('e', 10 * p + n), 'Asset ' || n || ' of ' || p
    FROM generate_series(1, 300) AS p, generate_series(1, 5) AS n;
CREATE TABLE pair AS
SELECT p, c, row_number() OVER (PARTITION BY p) AS place, 0.3 + 0.6 * random() AS activity
FROM generate_series(1, 300) AS p, LATERAL (
    SELECT c FROM generate_series(1, 1500) AS c
    -- the busy consumer first, then the usual one, where they read; others by chance
    WHERE c > 2 OR c = 1 AND (p <= 2 OR p % 5 = 0) OR c = 2 AND (p <= 2 OR p % 50 = 0)
    ORDER BY greatest(c, 3), md5(c || ' of ' || p)
    LIMIT CASE p WHEN 1 THEN 19 WHEN 2 THEN 137 ELSE 3 + p % 17 END
) AS of_port";

/// Day by day, as daily ingests leave them; weekends see a fifth. Two output ports share a tech asset of the heavy one, so that
/// its touches are theirs, too.
const FACTS: [&str; 4] = [
    "CREATE TEMPORARY TABLE used AS
    SELECT date::date, p, c, place, 1 + floor(9 * random())::int AS count
    FROM generate_series($1::timestamp, $2::timestamp - interval '1 day', '1 day') AS date, pair
    WHERE random() < activity * CASE WHEN extract(isodow FROM date) > 5 THEN 0.2 ELSE 1 END",
    "INSERT INTO output_port_query_stats_daily (date, output_port_id, consumer_id, query_count)
    SELECT date, id('a', p), id('c', c), max(count) FROM (
        SELECT date, p, c, count FROM used WHERE p NOT IN (3, 4)
        UNION ALL SELECT date, other, c, count FROM used, generate_series(3, 4) AS other WHERE p = 2 AND place % 5 <= 1
    ) AS q GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    "INSERT INTO tech_asset_stats_daily (date, output_port_id, tech_asset_id, consumer_id, query_count)
    SELECT date, id('a', p), id('e', asset), id('c', c), count FROM (
        SELECT date, p, 10 * p + 1 + (place + n) % 5 AS asset, c, count
        FROM used, generate_series(0, 1) AS n WHERE p NOT IN (3, 4)
        UNION ALL SELECT date, other, 21, c, count
        FROM used, generate_series(3, 4) AS other WHERE p = 2 AND place % 5 IN (0, 4)
    ) AS t ORDER BY 1, 2, 3, 4",
    "INSERT INTO output_port_combined_with_daily (date, output_port_id_1, output_port_id_2, consumer_id, query_count)
    SELECT date, id('a', least(p, other)), id('a', greatest(p, other)), id('c', c), min(count) FROM (
        SELECT date, p, 1 + (p + n * n) % 300 AS other, c, count
        FROM used, generate_series(1, 3) AS n WHERE $1 < $2 AND (place + extract(doy FROM date)::int) % 5 = n
    ) AS q GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
];

pub(crate) async fn fill(model: &UsageModel, to: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql(PARENTS).execute(&mut *to).await?;
    for statement in model.create_tables() {
        statement.into_sqlx().execute(&mut *to).await?;
    }
    // a load of this size leaves foreign keys out
    sqlx::raw_sql("SET session_replication_role = replica").execute(&mut *to).await?;
    for facts in FACTS {
        let mut query = sqlx::query(facts);
        if facts.contains("$1") {
            query = query.bind(FIRST).bind(END);
        }
        query.execute(&mut *to).await?;
    }
    sqlx::raw_sql("RESET session_replication_role; DROP TABLE used").execute(&mut *to).await?;
    for statement in model.vacuum() {
        statement.into_sqlx().execute(&mut *to).await?;
    }
    sqlx::raw_sql("VACUUM ANALYZE domains, data_products, datasets, technical_assets")
        .execute(&mut *to)
        .await?;
    let rows: (i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM output_port_query_stats_daily), (SELECT count(*) FROM tech_asset_stats_daily),
            (SELECT count(*) FROM output_port_combined_with_daily)",
    )
    .fetch_one(to)
    .await?;
    println!("{} rows of queries, {} of touches, {} of combinations", rows.0, rows.1, rows.2);
    Ok(())
}
