//! The portal: its parent tables, and the model over them.

use anyhow::Result;
use output_port_usage::{Reference, UsageModelBuilder};
use uuid::Uuid;

use crate::side::Sides;

/// How many consumers, tech assets and groups there are.
pub(crate) const CONSUMERS: u128 = 40;
pub(crate) const ASSETS: u128 = 50;
pub(crate) const GROUPS: u128 = 25;

/// An output port that is deleted in the end, with its usage.
pub(crate) const DELETED: u128 = 17;

pub(crate) fn builder() -> UsageModelBuilder {
    let portal = |table| Reference::to(table).schema("portal").label("name");
    UsageModelBuilder::default()
        .schema("usage")
        .output_ports(portal("datasets"))
        .consumers(portal("data_products").group("domain_id", portal("domains")))
        .tech_assets(portal("technical_assets"))
}

/// The tables of the portal's own, with rows: the same ids on every run, so that those of the samples are there.
pub(crate) async fn create(sides: &mut Sides, ports: u128) -> Result<()> {
    sides
        .text(
            "create the portal's tables",
            "CREATE SCHEMA portal;
             CREATE TABLE portal.domains (id uuid PRIMARY KEY, name text NOT NULL);
             CREATE TABLE portal.data_products (id uuid PRIMARY KEY, name text NOT NULL,
                 domain_id uuid REFERENCES portal.domains);
             CREATE TABLE portal.datasets (id uuid PRIMARY KEY, name text NOT NULL);
             CREATE TABLE portal.technical_assets (id uuid PRIMARY KEY, name text NOT NULL)",
        )
        .await?;
    for (table, rows) in
        [("domains", GROUPS), ("datasets", ports), ("technical_assets", ASSETS), ("data_products", CONSUMERS)]
    {
        let ids: Vec<Uuid> = (1..=rows).map(Uuid::from_u128).collect();
        // every fourth consumer has no group
        let groups: Vec<Option<Uuid>> =
            (1..=rows).map(|n| (n % 4 > 0).then(|| Uuid::from_u128(1 + n % GROUPS))).collect();
        sides.insert_parents(table, &ids, (table == "data_products").then_some(&groups)).await?;
    }
    Ok(())
}
