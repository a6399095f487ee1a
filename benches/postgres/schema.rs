//! The portal's parents, the library's tables, the usual portal design and the raw log, in one database.

use anyhow::{Context, Result};
use output_port_usage::{OnDelete, UsageModel, UsageModelBuilder};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::data::Portal;
use crate::writes::Models;

/// Without foreign keys, as the other designs here; module `writes` adds them where it says so.
pub(crate) fn model() -> Result<UsageModel> {
    with("usage", OnDelete::Keep, OnDelete::Keep)
}

/// What `writes` writes by; `fresh` has its schema and no tables yet.
pub(crate) async fn models(connection: &mut PgConnection) -> Result<Models> {
    let fresh = with("fresh", OnDelete::Keep, OnDelete::Keep)?;
    fresh.create_schema().into_sqlx().execute(connection).await?;
    Ok(Models { keyless: model()?, keyed: with("usage", OnDelete::Cascade, OnDelete::Restrict)?, fresh })
}

/// The model of the examples in another schema, with these foreign keys.
fn with(schema: &str, on_delete: OnDelete, of_consumer: OnDelete) -> Result<UsageModel> {
    let mut model: serde_json::Value = serde_json::from_str(access_log::MODEL)?;
    model["schema"] = schema.into();
    for (parent, on_delete) in
        [("output_ports", on_delete), ("consumers", of_consumer), ("tech_assets", on_delete)]
    {
        model[parent]["on_delete"] = serde_json::to_value(on_delete)?;
    }
    let model: UsageModelBuilder = serde_json::from_value(model)?;
    model.build().context("the bench's model")
}

/// What an ORM makes of the same two tables: the key in the order of the columns, an index for each column that it
/// joins or filters by.
const DESIGN: &str = "
CREATE SCHEMA design;
CREATE TABLE design.output_port_query_stats_daily (
    date date NOT NULL, output_port_id uuid NOT NULL, consumer_id uuid NOT NULL, query_count integer NOT NULL,
    PRIMARY KEY (date, output_port_id, consumer_id));
CREATE INDEX ON design.output_port_query_stats_daily (date);
CREATE INDEX ON design.output_port_query_stats_daily (output_port_id);
CREATE INDEX ON design.output_port_query_stats_daily (consumer_id);
CREATE TABLE design.tech_asset_stats_daily (
    date date NOT NULL, output_port_id uuid NOT NULL, tech_asset_id uuid NOT NULL, consumer_id uuid NOT NULL,
    query_count integer NOT NULL,
    PRIMARY KEY (date, output_port_id, tech_asset_id, consumer_id));
CREATE INDEX ON design.tech_asset_stats_daily (date);
CREATE INDEX ON design.tech_asset_stats_daily (output_port_id);
CREATE INDEX ON design.tech_asset_stats_daily (tech_asset_id)";

/// One row for each query and tech asset. The second index is for combinations alone.
const LOG: &str = "
CREATE SCHEMA log;
CREATE TABLE log.touch (
    query_id uuid NOT NULL, at timestamptz NOT NULL, output_port_id uuid NOT NULL, tech_asset_id uuid NOT NULL,
    consumer_id uuid NOT NULL);
CREATE INDEX touch_port_at ON log.touch (output_port_id, at);
CREATE INDEX touch_query ON log.touch (query_id)";

/// The bare heaps that writes are compared with.
const HEAP: &str = "
CREATE SCHEMA heap;
CREATE TABLE heap.queries (date date NOT NULL, output_port_id uuid NOT NULL, consumer_id uuid NOT NULL,
    query_count integer NOT NULL);
CREATE TABLE heap.touches (date date NOT NULL, output_port_id uuid NOT NULL, tech_asset_id uuid NOT NULL,
    consumer_id uuid NOT NULL, query_count integer NOT NULL)";

/// Everything but the facts.
pub(crate) async fn create(connection: &mut PgConnection, model: &UsageModel, portal: &Portal) -> Result<()> {
    for sql in [access_log::PARENTS, DESIGN, LOG, HEAP] {
        sqlx::raw_sql(sql).execute(&mut *connection).await?;
    }
    model.create_schema().into_sqlx().execute(&mut *connection).await?;
    for statement in model.create_tables() {
        statement.into_sqlx().execute(&mut *connection).await?;
    }
    let names = |kind: &str, count: usize| (0..count).map(|n| format!("{kind} {n}")).collect::<Vec<_>>();
    let ports: Vec<Uuid> = portal.ports.iter().map(|port| port.id).collect();
    let assets: Vec<Uuid> = portal.ports.iter().flat_map(|port| port.assets.clone()).collect();
    let domains = &portal.domains;
    // every twentieth consumer has no domain
    let domain_of = |n: usize| (!n.is_multiple_of(20)).then(|| domains[n % domains.len()]);
    let of_consumers: Vec<_> = (0..portal.consumers.len()).map(domain_of).collect();
    for (sql, ids, kind) in [
        ("INSERT INTO portal.domains SELECT * FROM unnest($1::uuid[], $2::text[])", domains, "Domain"),
        ("INSERT INTO portal.datasets SELECT * FROM unnest($1::uuid[], $2::text[])", &ports, "Output port"),
        (
            "INSERT INTO portal.technical_assets SELECT * FROM unnest($1::uuid[], $2::text[])",
            &assets,
            "Asset",
        ),
    ] {
        sqlx::query(sql).bind(ids).bind(names(kind, ids.len())).execute(&mut *connection).await?;
    }
    let sql = "INSERT INTO portal.data_products SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[])";
    let consumers = sqlx::query(sql).bind(&portal.consumers).bind(names("Consumer", portal.consumers.len()));
    consumers.bind(of_consumers).execute(&mut *connection).await?;
    let vacuum =
        "VACUUM (ANALYZE) portal.domains, portal.data_products, portal.datasets, portal.technical_assets";
    sqlx::raw_sql(vacuum).execute(connection).await?;
    Ok(())
}
