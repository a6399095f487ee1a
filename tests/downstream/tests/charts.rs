//! Ingests by both drivers, then asks for every chart, in the empty database at `DATABASE_URL`.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use chrono::NaiveDate;
use downstream::{Host, routes};
use output_port_usage::*;
use tower::ServiceExt;
use uuid::Uuid;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const PARENTS: &str = "CREATE TABLE parents (id uuid PRIMARY KEY, name text, domain_id uuid);
    INSERT INTO parents SELECT lpad(n::text, 32, '0')::uuid, 'number ' || n FROM generate_series(1, 4) AS n;";

async fn get(host: &Host, path: &str) -> Result<(StatusCode, String)> {
    let response = routes().with_state(host.clone()).oneshot(Request::get(path).body(Body::empty())?).await?;
    let status = response.status();
    Ok((status, String::from_utf8(to_bytes(response.into_body(), 1 << 20).await?.to_vec())?))
}

fn batch() -> Result<UsageBatch> {
    let [first, second, until] = [1, 2, 3].map(|day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap());
    let [port, other] = [1, 4].map(|id| OutputPortId::from(Uuid::from_u128(id)));
    let [cockpit, stranger] = [2, 3].map(|id| ConsumerId::from(Uuid::from_u128(id)));
    let counts = [(first, cockpit, 7), (first, stranger, 3), (second, cockpit, 5)];
    let touches =
        |(day, consumer, count)| TechAssetTouches::new(day, port, Uuid::from_u128(4).into(), consumer, count);
    Ok(UsageBatch::builder(Scope::new(first..until, [port])?)
        .queries(
            counts.map(|(day, consumer, count)| OutputPortQueries::new(day, port, consumer, count)).into(),
        )
        .touches(counts.map(touches).into())
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
    let parents = || Reference::to("parents").label("name");
    let model = UsageModel::builder().schema("usage").output_ports(parents()).tech_assets(parents());
    let model = model.consumers(parents().group("domain_id", parents())).combinations().build()?;
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
    let asked = "port=00000000-0000-0000-0000-000000000001&from=2026-03-01&until=2026-03-03";
    for chart in
        "over-time change split ports distribution groups assets combined summary overview".split(' ')
    {
        for form in ["false", "true"] {
            let path = format!("/{chart}?{asked}&csv={form}");
            let (status, by_sqlx) = get(&host, &path).await?;
            assert_eq!(status, StatusCode::OK, "{path}: {by_sqlx}");
            assert!(
                by_sqlx.len() > 2 && (form == "false" || by_sqlx.lines().count() > 1),
                "{path}: {by_sqlx}"
            );
            assert_eq!(get(&host, &format!("{path}&tokio_postgres=true")).await?.1, by_sqlx, "{path}");
        }
    }
    let (_, change) = get(&host, &format!("/change?csv=true&{}", asked.replace("-01&", "-02&"))).await?;
    assert_eq!(change, "bucket,query_count,partial,previous,change\n2026-03-02,5,false,10,-0.5\n");
    let (_, slices) = get(&host, &format!("/distribution?{asked}&top=1&csv=true")).await?;
    let consumer = "consumer,00000000-0000-0000-0000-000000000002,number 2,,12,0.8,1,";
    assert_eq!(
        slices,
        format!("kind,id,label,members,query_count,share,rank,last_used\n{consumer}\nother,,,1,3,0.2,,\n")
    );

    for (right, wrong) in [("port=0", "port=x"), ("until=2026", "until=2025")] {
        let (status, why) = get(&host, &format!("/summary?{}", asked.replace(right, wrong))).await?;
        assert!(status == StatusCode::BAD_REQUEST && !why.is_empty(), "{status} {why}");
    }
    host.client.batch_execute("DROP TABLE usage.tech_asset_stats_daily").await?;
    for driver in ["false", "true"] {
        let answer = get(&host, &format!("/assets?{asked}&tokio_postgres={driver}")).await?;
        assert_eq!(answer, (StatusCode::INTERNAL_SERVER_ERROR, String::new()));
    }

    let document: serde_json::Value = serde_json::from_str(&get(&host, "/openapi.json").await?.1)?;
    let schemas = &document["components"]["schemas"];
    let slice = &schemas["QueryDistributionSlice"]["properties"]["member"]["$ref"];
    assert_eq!((&document["openapi"], slice), (&"3.1.0".into(), &"#/components/schemas/Member".into()));
    for row in
        ["WithPrevious_QueriesOverTimePoint", "QueryDistributionSlice", "MostPopularAsset", "SummaryTotals"]
    {
        assert!(schemas[row].is_object(), "{row} in {document}");
    }
    // what is null in a row is not missing there, and descriptions are no Rust
    let required = schemas["MostPopularAsset"]["required"].as_array().ok_or("no list")?;
    assert!(required.contains(&"label".into()) && !document.to_string().contains("```"), "{document}");
    Ok(())
}
