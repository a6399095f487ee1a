//! Ingests by both drivers, then asks both handlers, in the empty database at `DATABASE_URL`.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use chrono::NaiveDate;
use downstream::{Host, routes};
use output_port_usage::{
    ConsumerId, OutputPortId, OutputPortQueries, Reference, Scope, UsageBatch, UsageModel,
};
use tower::ServiceExt;

const PORT: &str = "00000000-0000-0000-0000-000000000001";
const OTHER: &str = "00000000-0000-0000-0000-000000000002";

#[tokio::test]
async fn both_handlers_answer_what_both_drivers_ingested() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL is an empty database");
    let pool = sqlx::PgPool::connect(&url).await?;
    let (mut client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    let parents = "CREATE TABLE ports (id uuid PRIMARY KEY);
        CREATE TABLE products (id uuid PRIMARY KEY);
        CREATE TABLE assets (id uuid PRIMARY KEY);
        INSERT INTO ports VALUES ('00000000-0000-0000-0000-000000000001');
        INSERT INTO products VALUES ('00000000-0000-0000-0000-000000000002');";
    client.batch_execute(parents).await?;
    let model = UsageModel::builder()
        .schema("usage")
        .output_ports(Reference::to("ports"))
        .consumers(Reference::to("products"))
        .tech_assets(Reference::to("assets"))
        .build()?;
    model.create_schema().into_sqlx().execute(&pool).await?;
    for migration in model.migrations() {
        client.batch_execute(migration.up()).await?;
    }

    let (first, until): (NaiveDate, NaiveDate) = ("2026-03-01".parse()?, "2026-03-03".parse()?);
    let (output_port_id, consumer_id): (OutputPortId, ConsumerId) = (PORT.parse()?, OTHER.parse()?);
    let queries = OutputPortQueries::new(first, output_port_id, consumer_id, 7);
    let batch = UsageBatch::builder(Scope::new(first..until, [output_port_id])?).queries(vec![queries]).build();
    let mut transaction = client.transaction().await?;
    let outcome = model.replace(&batch)?.run_tokio_postgres(&mut transaction).await?;
    transaction.commit().await?;
    assert_eq!(outcome.queries.written, 1);
    let mut transaction = pool.begin().await?;
    let outcome = model.replace(&batch)?.run_sqlx(&mut transaction).await?;
    transaction.commit().await?;
    assert_eq!(outcome.queries.unchanged, 1);

    let host = Host { model: Arc::new(model), days: first..until, pool, client: Arc::new(client) };
    for driver in ["sqlx", "tokio-postgres"] {
        let request = Request::get(format!("/{driver}/{PORT}")).body(Body::empty())?;
        let response = routes(host.clone()).oneshot(request).await?;
        assert_eq!(response.status(), StatusCode::OK, "{driver}");
        assert_eq!(
            to_bytes(response.into_body(), 1 << 20).await?,
            r#"[{"bucket":"2026-03-01","query_count":7,"partial":false},{"bucket":"2026-03-02","query_count":0,"partial":false}]"#,
            "{driver}"
        );
    }
    Ok(())
}
