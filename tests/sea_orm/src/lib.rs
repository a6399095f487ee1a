//! output-port-usage in a host with sea-orm 2: charts, ingests and migrations.

mod migrations;

use output_port_usage::chart::Row;
use output_port_usage::{Error, Outcome, Query, Reference, UsageBatch, UsageModel};
use sea_orm::sqlx;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, RuntimeErr, Statement};

pub use migrations::Migrator;

/// The host's model, made of the tables that its entities have.
pub fn model() -> Result<UsageModel, Error> {
    UsageModel::builder()
        .schema("usage")
        .output_ports(Reference::to("datasets").label("name"))
        .consumers(Reference::to("data_products").label("name"))
        .tech_assets(Reference::to("technical_assets").label("name"))
        .combinations()
        .build()
}

/// An ingest, in a transaction of SQLx: sea-orm's pool is one of SQLx.
pub async fn ingest(
    db: &DatabaseConnection,
    model: &UsageModel,
    batch: &UsageBatch,
) -> Result<Outcome, Box<dyn std::error::Error>> {
    let mut transaction = db.get_postgres_connection_pool().begin().await?;
    let outcome = model.replace(batch)?.run_sqlx(&mut transaction).await?;
    transaction.commit().await?;
    Ok(outcome)
}

/// A chart on sea-orm's pool, as in a host with SQLx alone.
pub async fn chart_by_pool<T>(db: &DatabaseConnection, query: Query<T>) -> Result<Vec<T>, sqlx::Error>
where
    T: Row,
{
    query.into_sqlx().fetch_all(db.get_postgres_connection_pool()).await
}

/// A chart on any connection or transaction of sea-orm: its statement is the query's parts.
pub async fn chart_by_parts<T>(db: &impl ConnectionTrait, query: Query<T>) -> Result<Vec<T>, DbErr>
where
    T: Row,
{
    let (sql, values) = query.into_parts();
    let rows = db.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    let rows = rows.iter().filter_map(|row| row.try_as_pg_row());
    rows.map(|row| T::from_row(row).map_err(|error| DbErr::Query(RuntimeErr::SqlxError(error.into()))))
        .collect()
}
