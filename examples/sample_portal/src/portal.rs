//! A portal's parent tables, and the model over them.

use access_log::{MODEL, Mapping, PARENTS};
use anyhow::{Context, Result};
use output_port_usage::{UsageModel, UsageModelBuilder};
use sqlx::PgPool;
use uuid::Uuid;

/// The model of a portal whose tables are in the schema `portal`: a file, which other programs can share.
pub fn model() -> Result<UsageModel> {
    let builder: UsageModelBuilder = serde_json::from_str(MODEL).context("examples/sample/model.json")?;
    Ok(builder.build()?)
}

/// Makes the parent tables, with what the mapping names.
pub async fn create_parents(pool: &PgPool, mapping: &Mapping) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(PARENTS).execute(pool).await?;
    let domains = mapping.domains.iter().map(|domain| (domain.id, domain.name.as_str()));
    let ports = mapping.output_ports.iter().map(|port| (port.id, port.name.as_str()));
    let assets = mapping.tech_assets.iter().map(|asset| (asset.id, asset.name.as_str()));
    let consumers = mapping.consumers.iter().map(|consumer| (consumer.id, consumer.name.as_str()));
    let insert = "INSERT INTO portal.domains SELECT * FROM unnest($1::uuid[], $2::text[])";
    insert_named(pool, insert, domains).await?;
    let insert = "INSERT INTO portal.datasets SELECT * FROM unnest($1::uuid[], $2::text[])";
    insert_named(pool, insert, ports).await?;
    let insert = "INSERT INTO portal.technical_assets SELECT * FROM unnest($1::uuid[], $2::text[])";
    insert_named(pool, insert, assets).await?;
    let insert = "INSERT INTO portal.data_products (id, name) SELECT * FROM unnest($1::uuid[], $2::text[])";
    insert_named(pool, insert, consumers).await?;

    let (consumers, domains): (Vec<Uuid>, Vec<Option<Uuid>>) =
        mapping.consumers.iter().map(|consumer| (consumer.id, consumer.domain)).unzip();
    let update = "UPDATE portal.data_products SET domain_id = u.domain_id
        FROM unnest($1::uuid[], $2::uuid[]) AS u (id, domain_id) WHERE data_products.id = u.id";
    sqlx::query(update).bind(consumers).bind(domains).execute(pool).await?;
    Ok(())
}

async fn insert_named<'a>(
    pool: &PgPool,
    insert: &'static str,
    rows: impl Iterator<Item = (Uuid, &'a str)>,
) -> Result<(), sqlx::Error> {
    let (ids, names): (Vec<Uuid>, Vec<&str>) = rows.unzip();
    sqlx::query(insert).bind(ids).bind(names).execute(pool).await?;
    Ok(())
}
