//! A portal of three output ports, three consumers and three tech assets, and what they did around March 2026.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::NaiveDate;
use output_port_usage::{
    Combination, ConsumerId, OutputPortId, OutputPortQueries, Scope, TechAssetId, TechAssetTouches,
    UsageBatch, UsageModel, UsageModelBuilder,
};
use serde_json::Value;
use sqlx::PgPool;
use throwaway_postgres::Database;
use tower::ServiceExt;
use usage_dashboard::{Host, Parents, Today};
use uuid::Uuid;

pub(crate) const ORDERS: OutputPortId = OutputPortId(Uuid::from_u128(0x10));
pub(crate) const CUSTOMERS: OutputPortId = OutputPortId(Uuid::from_u128(0x11));
/// Nobody queries it.
pub(crate) const STOCK: OutputPortId = OutputPortId(Uuid::from_u128(0x12));
pub(crate) const SALES: ConsumerId = ConsumerId(Uuid::from_u128(0x20));
pub(crate) const RISK: ConsumerId = ConsumerId(Uuid::from_u128(0x21));
/// It queries nothing, and has no domain.
pub(crate) const IDLE: ConsumerId = ConsumerId(Uuid::from_u128(0x22));
pub(crate) const ORDER_TABLE: TechAssetId = TechAssetId(Uuid::from_u128(0x30));
pub(crate) const CUSTOMER_TABLE: TechAssetId = TechAssetId(Uuid::from_u128(0x31));
/// Nobody touches it.
pub(crate) const STOCK_TABLE: TechAssetId = TechAssetId(Uuid::from_u128(0x32));

const NAMES: &str = "
    INSERT INTO portal.domains VALUES
        ('00000000-0000-0000-0000-000000000001', 'Commerce'), ('00000000-0000-0000-0000-000000000002', 'Finance');
    INSERT INTO portal.datasets VALUES
        ('00000000-0000-0000-0000-000000000010', 'Orders'),
        ('00000000-0000-0000-0000-000000000011', 'Customers'),
        ('00000000-0000-0000-0000-000000000012', 'Stock');
    INSERT INTO portal.data_products VALUES
        ('00000000-0000-0000-0000-000000000020', 'Sales', '00000000-0000-0000-0000-000000000001'),
        ('00000000-0000-0000-0000-000000000021', 'Risk', '00000000-0000-0000-0000-000000000002'),
        ('00000000-0000-0000-0000-000000000022', 'Idle', NULL);
    INSERT INTO portal.technical_assets VALUES
        ('00000000-0000-0000-0000-000000000030', 'ORDERS'),
        ('00000000-0000-0000-0000-000000000031', 'CUSTOMERS'),
        ('00000000-0000-0000-0000-000000000032', 'STOCK');";

pub(crate) struct World {
    pub(crate) pool: PgPool,
    pub(crate) model: UsageModel,
    pub(crate) host: Host,
    pub(crate) routes: Router,
    pub(crate) database: Database,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

pub(crate) fn day(month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, month, day).unwrap()
}

impl World {
    /// The portal of this file; for it, today is 31 March, a Tuesday.
    pub(crate) async fn new() -> Self {
        Self::of(access_log::MODEL, usage()).await
    }

    /// The same, as a model sees it that has no combinations.
    pub(crate) async fn with_model_without_combinations(model: &str) -> Self {
        Self::of(model, usage().without_combinations()).await
    }

    async fn of(model: &str, usage: UsageBatch) -> Self {
        let database = throwaway_postgres::database().unwrap();
        let pool = PgPool::connect(database.url()).await.unwrap();
        let builder: UsageModelBuilder = serde_json::from_str(model).unwrap();
        let parents = Parents::of(&builder).unwrap();
        let model = builder.build().unwrap();
        sqlx::raw_sql(access_log::PARENTS).execute(&pool).await.unwrap();
        sqlx::raw_sql(NAMES).execute(&pool).await.unwrap();
        sample_portal::create_tables(&pool, &model).await.unwrap();
        sample_portal::ingest(&pool, &model, &[usage]).await.unwrap();
        let host =
            Host { pool: pool.clone(), model: model.clone(), parents, today: Today::Fixed(day(3, 31)) };
        let routes = usage_dashboard::routes(host.clone());
        Self { pool, model, host, routes, database }
    }

    /// The same portal over another pool.
    pub(crate) fn over(&self, pool: PgPool) -> Router {
        usage_dashboard::routes(Host { pool, ..self.host.clone() })
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        get(&self.routes, path).await
    }

    /// The answer to a request that is right.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let got = self.get(path).await;
        assert_eq!(got.status, StatusCode::OK, "{path}: {}", got.text());
        got.json()
    }
}

pub(crate) async fn get(routes: &Router, path: &str) -> Got {
    send(routes, Request::get(path).body(Body::empty()).unwrap()).await
}

pub(crate) async fn send(routes: &Router, request: Request<Body>) -> Got {
    let (parts, body) = routes.clone().oneshot(request).await.unwrap().into_parts();
    Got { status: parts.status, headers: parts.headers, body: to_bytes(body, 1 << 24).await.unwrap() }
}

impl Got {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Three months of three output ports, all of them settled.
fn usage() -> UsageBatch {
    let queries = vec![
        OutputPortQueries::new(day(2, 10), ORDERS, SALES, 10),
        OutputPortQueries::new(day(3, 2), ORDERS, SALES, 1),
        OutputPortQueries::new(day(3, 30), ORDERS, SALES, 4),
        OutputPortQueries::new(day(3, 31), ORDERS, SALES, 1),
        OutputPortQueries::new(day(3, 31), ORDERS, RISK, 2),
        OutputPortQueries::new(day(3, 31), CUSTOMERS, SALES, 3),
    ];
    let touches = queries.iter().map(|row| {
        let asset = if row.output_port_id == ORDERS { ORDER_TABLE } else { CUSTOMER_TABLE };
        TechAssetTouches::new(row.date, row.output_port_id, asset, row.consumer_id, row.query_count)
    });
    // one of the three queries of Customers read Orders, too
    let combinations = vec![Combination::new(day(3, 31), ORDERS, CUSTOMERS, SALES, 1)];
    UsageBatch::builder(Scope::new(day(1, 1)..day(4, 1), [ORDERS, CUSTOMERS, STOCK]).unwrap())
        .touches(touches.collect())
        .queries(queries)
        .combinations(combinations)
        .build()
}
