//! Ingests by both drivers, then asks for every chart, in the empty database at `DATABASE_URL`.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use chrono::NaiveDate;
use downstream::{Host, routes};
use output_port_usage::*;
use tower::ServiceExt;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const PORT: &str = "00000000-0000-0000-0000-000000000001";
const COCKPIT: &str = "00000000-0000-0000-0000-000000000002";
const PARENTS: &str = "CREATE TABLE ports (id uuid PRIMARY KEY, name text);
    CREATE TABLE domains (id uuid PRIMARY KEY, name text);
    CREATE TABLE products (id uuid PRIMARY KEY, name text, domain_id uuid);
    CREATE TABLE assets (id uuid PRIMARY KEY, name text);
    INSERT INTO ports SELECT lpad(n::text, 32, '0')::uuid, 'port ' || n FROM generate_series(1, 2) AS n;
    INSERT INTO products SELECT lpad(n::text, 32, '0')::uuid, 'product ' || n FROM generate_series(2, 3) AS n;
    INSERT INTO assets VALUES (lpad('9', 32, '0')::uuid, 'asset');";

async fn get(host: &Host, path: &str) -> Result<(StatusCode, String)> {
    let response = routes().with_state(host.clone()).oneshot(Request::get(path).body(Body::empty())?).await?;
    let status = response.status();
    Ok((status, String::from_utf8(to_bytes(response.into_body(), 1 << 20).await?.to_vec())?))
}

fn batch() -> Result<UsageBatch> {
    let [first, second, until]: [NaiveDate; 3] = ["2026-03-01".parse()?, "2026-03-02".parse()?, "2026-03-03".parse()?];
    let (port, asset): (OutputPortId, TechAssetId) = (PORT.parse()?, "00000000-0000-0000-0000-000000000009".parse()?);
    let (other, stranger) = (COCKPIT.parse()?, "00000000-0000-0000-0000-000000000003".parse()?);
    let cockpit: ConsumerId = COCKPIT.parse()?;
    let counts = [(first, cockpit, 7), (first, stranger, 3), (second, cockpit, 5)];
    let queries = counts.map(|(day, consumer, count)| OutputPortQueries::new(day, port, consumer, count));
    let touches = counts.map(|(day, consumer, count)| TechAssetTouches::new(day, port, asset, consumer, count));
    Ok(UsageBatch::builder(Scope::new(first..until, [port])?)
        .queries(queries.to_vec())
        .touches(touches.to_vec())
        .combinations(vec![Combination::new(first, port, other, cockpit, 2)])
        .build())
}

#[tokio::test]
async fn every_chart_is_served_by_both_drivers() -> Result<()> {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL is an empty database");
    let pool = sqlx::PgPool::connect(&url).await?;
    let (mut client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute(PARENTS).await?;
    let model = UsageModel::builder()
        .schema("usage")
        .output_ports(Reference::to("ports").label("name"))
        .consumers(Reference::to("products").label("name").group("domain_id", Reference::to("domains")))
        .tech_assets(Reference::to("assets").label("name"))
        .combinations()
        .build()?;
    model.create_schema().into_sqlx().execute(&pool).await?;
    for migration in model.migrations() {
        client.batch_execute(migration.up()).await?;
    }
    let mut transaction = client.transaction().await?;
    let outcome = model.replace(&batch()?)?.run_tokio_postgres(&mut transaction).await?;
    transaction.commit().await?;
    assert_eq!(outcome.queries.written, 3);
    let mut transaction = pool.begin().await?;
    let outcome = model.replace(&batch()?)?.run_sqlx(&mut transaction).await?;
    transaction.commit().await?;
    assert_eq!(outcome.queries.unchanged, 3);

    let host = Host { model, pool, client: Arc::new(client) };
    const DAYS: &str = "from=2026-03-01&until=2026-03-03";
    for chart in "over-time split ports change distribution groups assets combined summary overview".split(' ') {
        for form in ["false", "true"] {
            let path = format!("/{PORT}/{chart}?{DAYS}&csv={form}");
            let (status, by_sqlx) = get(&host, &path).await?;
            assert_eq!(status, StatusCode::OK, "{path}: {by_sqlx}");
            assert!(by_sqlx.len() > 2 && (form == "false" || by_sqlx.lines().count() > 1), "{path}: {by_sqlx}");
            assert_eq!(get(&host, &format!("{path}&tokio_postgres=true")).await?.1, by_sqlx, "{path}");
        }
    }
    let (_, change) = get(&host, &format!("/{PORT}/change?from=2026-03-02&until=2026-03-03&csv=true")).await?;
    assert_eq!(change, "bucket,query_count,partial,previous,change\n2026-03-02,5,false,10,-0.5\n");
    let (_, slices) = get(&host, &format!("/{PORT}/distribution?{DAYS}&top=1&csv=true")).await?;
    let consumer = format!("consumer,{COCKPIT},product 2,,12,0.8,1");
    assert_eq!(slices, format!("kind,id,label,members,query_count,share,rank\n{consumer}\nother,,,1,3,0.2,\n"));

    for path in [format!("/no-id/summary?{DAYS}"), format!("/{PORT}/summary?from=2026-03-03&until=2026-03-01")] {
        let (status, why) = get(&host, &path).await?;
        assert!(status == StatusCode::BAD_REQUEST && why.contains("id") != why.contains("reversed"), "{status} {why}");
    }
    host.client.batch_execute("DROP TABLE usage.tech_asset_stats_daily").await?;
    for driver in ["false", "true"] {
        let answer = get(&host, &format!("/{PORT}/assets?{DAYS}&tokio_postgres={driver}")).await?;
        assert_eq!(answer, (StatusCode::INTERNAL_SERVER_ERROR, String::new()));
    }

    let document: serde_json::Value = serde_json::from_str(&get(&host, "/openapi.json").await?.1)?;
    let schemas = &document["components"]["schemas"];
    let slice = &schemas["QueryDistributionSlice"]["properties"]["consumer"]["$ref"];
    assert_eq!((&document["openapi"], slice), (&"3.1.0".into(), &"#/components/schemas/ConsumerOrOther".into()));
    for row in ["WithPrevious_QueriesOverTimePoint", "QueryDistributionGroupSlice", "MostPopularAsset", "SummaryTotals"] {
        assert!(schemas[row].is_object(), "{row} in {document}");
    }
    Ok(())
}
