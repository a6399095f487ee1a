//! The model's migrations in a host that has migrations of its own: the recipes of the guide, run as a host runs them.

mod changed;
mod refinery;
mod sqlx;
mod tenants;

use ::sqlx::postgres::PgPoolOptions;
use output_port_usage::chart::Summary;
use output_port_usage::*;

use crate::portal::{Portal, builder, consumer, day, port, queries, scope};
use crate::postgres::migrations::definitions;

/// The table in which the model's migrations have a history of their own.
const HISTORY: &str = "usage_migrations";

/// The host's own migrations: the first two come before the model's tables, the third is of a later release.
const HOST: [(i64, &str, &str); 3] = [
    (
        1,
        "parents",
        "CREATE SCHEMA portal;
        CREATE TABLE portal.domains (id uuid PRIMARY KEY, name text NOT NULL);
        CREATE TABLE portal.data_products (id uuid PRIMARY KEY, name text NOT NULL, domain_id uuid REFERENCES portal.domains);
        CREATE TABLE portal.datasets (id uuid PRIMARY KEY, name text NOT NULL);
        CREATE TABLE portal.technical_assets (id uuid PRIMARY KEY, name text NOT NULL);
        INSERT INTO portal.datasets VALUES ('00000000-0000-0000-0000-0000a0000001', 'port');
        INSERT INTO portal.data_products VALUES ('00000000-0000-0000-0000-0000c0000001', 'consumer');",
    ),
    (2, "usage_schema", "CREATE SCHEMA usage;"),
    (3, "retired", "ALTER TABLE portal.datasets ADD COLUMN retired boolean NOT NULL DEFAULT false;"),
];

/// What is turned on later has a lower number than what is there.
fn early() -> UsageModel {
    builder().coverage().build().unwrap()
}

fn late() -> UsageModel {
    builder().coverage().combinations().read_by_consumer().build().unwrap()
}

/// A database with nothing in it.
async fn empty(model: UsageModel) -> Portal {
    let database = throwaway_postgres::database().unwrap_or_else(|error| panic!("{error}"));
    let pool = PgPoolOptions::new().max_connections(4).connect(database.url()).await.unwrap();
    Portal { pool, model, database }
}

/// Holds the tables to those of the later model, as its statements make them, and writes and reads them.
async fn has_all(portal: &mut Portal) {
    portal.model = late();
    assert_eq!(definitions(portal).await, definitions(&Portal::with(late()).await).await);
    counts(portal).await;
}

/// Counts three queries, and reads them.
async fn counts(portal: &Portal) {
    let days = day(2026, 1, 1)..day(2026, 1, 2);
    let batch = UsageBatch::builder(scope(days.clone(), [port(1)]));
    portal.replace(&batch.queries(vec![queries(days.start, port(1), consumer(1), 3)]).build()).await;
    assert_eq!(portal.rows(&Summary::new(port(1), days)).await[0].query_count, 3);
}
