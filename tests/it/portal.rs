//! A portal's parent tables and the model's tables in a database of their own.

use std::ops::Range;

use chrono::NaiveDate;
use output_port_usage::*;
use sqlx::postgres::{PgPool, PgPoolOptions};
use uuid::Uuid;

use crate::rows::Listed;

pub(crate) fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

pub(crate) fn port(number: u128) -> OutputPortId {
    OutputPortId(Uuid::from_u128(0xa000_0000 + number))
}

pub(crate) fn consumer(number: u128) -> ConsumerId {
    ConsumerId(Uuid::from_u128(0xc000_0000 + number))
}

pub(crate) fn asset(number: u128) -> TechAssetId {
    TechAssetId(Uuid::from_u128(0xe000_0000 + number))
}

pub(crate) fn group(number: u128) -> GroupId {
    GroupId(Uuid::from_u128(0xd000_0000 + number))
}

/// The group of a test portal's consumer: three share two groups, every fourth has none.
pub(crate) fn group_of(consumer: ConsumerId) -> Option<GroupId> {
    match consumer.0.as_u128() % 4 {
        0 => None,
        rest => Some(group(rest % 2)),
    }
}

pub(crate) fn queries(
    date: NaiveDate,
    of: OutputPortId,
    by: ConsumerId,
    query_count: u64,
) -> OutputPortQueries {
    OutputPortQueries::new(date, of, by, query_count)
}

pub(crate) fn touches(
    date: NaiveDate,
    of: OutputPortId,
    tech_asset_id: TechAssetId,
    by: ConsumerId,
    query_count: u64,
) -> TechAssetTouches {
    TechAssetTouches::new(date, of, tech_asset_id, by, query_count)
}

pub(crate) fn combination(
    date: NaiveDate,
    output_port_id_1: OutputPortId,
    output_port_id_2: OutputPortId,
    by: ConsumerId,
    query_count: u64,
) -> Combination {
    Combination::new(date, output_port_id_1, output_port_id_2, by, query_count)
}

pub(crate) fn scope(days: Range<NaiveDate>, ports: impl IntoIterator<Item = OutputPortId>) -> Scope {
    Scope::new(days, ports).unwrap()
}

/// The usual model of the tests: every parent in the schema `portal`, labelled, consumers in domains.
pub(crate) fn builder() -> UsageModelBuilder {
    let portal = |table| Reference::to(table).schema("portal").label("name");
    UsageModel::builder()
        .schema("usage")
        .output_ports(portal("datasets"))
        .consumers(portal("data_products").group("domain_id", portal("domains")))
        .tech_assets(portal("technical_assets"))
}

/// The model of [`builder`] without labels.
pub(crate) fn unlabelled() -> UsageModelBuilder {
    let portal = |table| Reference::to(table).schema("portal");
    UsageModel::builder()
        .schema("usage")
        .output_ports(portal("datasets"))
        .consumers(portal("data_products").group("domain_id", portal("domains")))
        .tech_assets(portal("technical_assets"))
}

pub(crate) struct Portal {
    pub(crate) pool: PgPool,
    pub(crate) model: UsageModel,
    pub(crate) database: throwaway_postgres::Database,
}

impl Portal {
    /// Parents 0 to 19 of each kind, and the tables of the usual model.
    pub(crate) async fn new() -> Self {
        Self::with(builder().build().unwrap()).await
    }

    pub(crate) async fn with(model: UsageModel) -> Self {
        let portal = Self::without_tables(model).await;
        portal.create_tables().await;
        portal
    }

    /// As [`new`](Self::new), with a table for combinations.
    pub(crate) async fn with_combinations() -> Self {
        Self::with(builder().combinations().build().unwrap()).await
    }

    pub(crate) async fn without_tables(model: UsageModel) -> Self {
        let database = throwaway_postgres::database().unwrap_or_else(|error| panic!("{error}"));
        let pool = PgPoolOptions::new().max_connections(8).connect(database.url()).await.unwrap();
        let parents = "CREATE SCHEMA portal;
            CREATE TABLE portal.domains (id uuid PRIMARY KEY, name text NOT NULL);
            CREATE TABLE portal.data_products (id uuid PRIMARY KEY, name text NOT NULL,
                domain_id uuid REFERENCES portal.domains);
            CREATE TABLE portal.datasets (id uuid PRIMARY KEY, name text NOT NULL);
            CREATE TABLE portal.technical_assets (id uuid PRIMARY KEY, name text NOT NULL);";
        sqlx::raw_sql(parents).execute(&pool).await.unwrap();
        let numbers = 0..20;
        for (table, name, ids) in [
            ("domains", "domain", numbers.clone().map(|n| group(n).0).collect::<Vec<_>>()),
            ("data_products", "consumer", numbers.clone().map(|n| consumer(n).0).collect()),
            ("datasets", "port", numbers.clone().map(|n| port(n).0).collect()),
            ("technical_assets", "asset", numbers.clone().map(|n| asset(n).0).collect()),
        ] {
            let insert = format!(
                "INSERT INTO portal.{table} (id, name)
                 SELECT id, '{name} ' || row_number - 1 FROM unnest($1::uuid[]) WITH ORDINALITY AS u(id, row_number)"
            );
            sqlx::query(sqlx::AssertSqlSafe(insert)).bind(ids).execute(&pool).await.unwrap();
        }
        for consumer in numbers.map(consumer) {
            let update = "UPDATE portal.data_products SET domain_id = $2 WHERE id = $1";
            sqlx::query(update).bind(consumer).bind(group_of(consumer)).execute(&pool).await.unwrap();
        }
        Self { pool, model, database }
    }

    pub(crate) async fn vacuum(&self) {
        for statement in self.model.vacuum() {
            statement.into_sqlx().execute(&self.pool).await.unwrap();
        }
    }

    pub(crate) async fn create_tables(&self) {
        self.model.create_schema().into_sqlx().execute(&self.pool).await.unwrap();
        for statement in self.model.create_tables() {
            let text = statement.to_string();
            statement.into_sqlx().execute(&self.pool).await.unwrap_or_else(|error| panic!("{error}: {text}"));
        }
    }

    /// Replaces the batch's scope in a transaction of its own.
    pub(crate) async fn replace(&self, batch: &UsageBatch) -> Outcome {
        self.try_ingest(self.model.replace(batch).unwrap()).await.unwrap()
    }

    /// Runs an ingest in a transaction of its own.
    pub(crate) async fn try_ingest(&self, ingest: Ingest) -> Result<Outcome, WriteError<sqlx::Error>> {
        let mut transaction = self.pool.begin().await.unwrap();
        let outcome = ingest.run_sqlx(&mut transaction).await?;
        transaction.commit().await.unwrap();
        Ok(outcome)
    }

    /// Runs a removal in a transaction of its own.
    pub(crate) async fn remove(&self, removal: Removal) -> Outcome {
        let mut transaction = self.pool.begin().await.unwrap();
        let outcome = removal.run_sqlx(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        outcome
    }

    /// The rows of a chart.
    pub(crate) async fn rows<C: Chart>(&self, chart: &C) -> Vec<C::Row>
    where
        C::Row: Listed,
    {
        let query = self.model.query(chart).unwrap();
        let text = query.to_string();
        query.into_sqlx().fetch_all(&self.pool).await.unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Every row of a table of the model as text, in order, with the row versions that hold it.
    pub(crate) async fn versions(&self, table: &str) -> Vec<String> {
        self.texts(&format!(
            "SELECT t::text || ' ' || t.xmin || ' ' || t.ctid FROM usage.\"{table}\" AS t ORDER BY 1"
        ))
        .await
    }

    /// Every row of a table of the model as text, in order.
    pub(crate) async fn contents(&self, table: &str) -> Vec<String> {
        self.texts(&format!("SELECT t::text FROM usage.\"{table}\" AS t ORDER BY 1")).await
    }

    /// The first column of a query of the test's own.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&self.pool).await.unwrap()
    }
}

pub(crate) const QUERY_STATS: &str = "output_port_query_stats_daily";
pub(crate) const TOUCH_STATS: &str = "tech_asset_stats_daily";
pub(crate) const COMBINATION_STATS: &str = "output_port_combined_with_daily";
pub(crate) const COVERAGE: &str = "output_port_usage_coverage";
