//! What the caller got wrong, and what they are told.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::Value;

use crate::world::{CUSTOMER_TABLE, IDLE, ORDERS, STOCK, STOCK_TABLE, World, send};

impl World {
    async fn refuses(&self, path: &str, status: StatusCode, words: &str) {
        let got = self.get(path).await;
        assert_eq!(got.status, status, "{path}: {}", got.text());
        assert_eq!(got.json()["error"], Value::from(words), "{path}");
        assert_eq!(got.header("cache-control"), "no-store", "{path}");
    }
}

#[tokio::test]
async fn an_id_is_a_uuid_that_the_portal_knows() {
    let world = World::new().await;
    const NOBODY: &str = "00000000-0000-0000-0000-0000000000ff";
    for (page, what) in
        [("output-ports", "output port"), ("tech-assets", "tech asset"), ("consumers", "consumer")]
    {
        for chart in ["", "/summary", "/over-time"] {
            let at = |id: &str| format!("/api/{page}/{id}{chart}");
            let words = format!("no {what} has the id {NOBODY}");
            world.refuses(&at(NOBODY), StatusCode::NOT_FOUND, &words).await;
            for (id, shown) in [("17", "17"), ("%00", "\0"), ("'%20OR%201=1", "' OR 1=1"), ("..%2F", "../")] {
                let words = format!("the id in the path is no UUID: {shown}");
                world.refuses(&at(id), StatusCode::BAD_REQUEST, &words).await;
            }
        }
    }
    let words = format!("the id in the path is no UUID: {}…", "é".repeat(60));
    world
        .refuses(&format!("/api/consumers/{}", "%C3%A9".repeat(5_000)), StatusCode::BAD_REQUEST, &words)
        .await;
    let got = world.get("/api/consumers/%FF").await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST, "no UTF-8: {}", got.text());
}

#[tokio::test]
async fn an_id_without_use_is_no_error() {
    let world = World::new().await;
    for path in [
        format!("/api/output-ports/{STOCK}/over-time"),
        format!("/api/tech-assets/{STOCK_TABLE}/summary"),
        format!("/api/consumers/{IDLE}/split"),
        format!("/api/tech-assets/{CUSTOMER_TABLE}"),
    ] {
        world.json(&path).await;
    }
}

#[tokio::test]
async fn days_are_some_and_not_too_many() {
    let world = World::new().await;
    for (query, words) in [
        ("days=0", "days: 1 to 3653 of them, not 0"),
        ("days=3654", "days: 1 to 3653 of them, not 3654"),
        ("days=4000000000", "days: 1 to 3653 of them, not 4000000000"),
        ("days=4294967296", "days: number too large to fit in target type"),
        ("days=-1", "days: invalid digit found in string"),
        ("days=ten", "days: invalid digit found in string"),
        ("days=", "days: cannot parse integer from empty string"),
        ("from=2026-03-31&until=2026-03-01", "days: 1 to 3653 of them, not -30"),
        ("from=2026-03-31&until=2026-03-31", "days: 1 to 3653 of them, not 0"),
        ("from=0001-01-01&until=9999-12-31", "days: 1 to 3653 of them, not 3652058"),
        ("from=2026-03-31", "from and until: one needs the other"),
        ("until=2026-03-31", "from and until: one needs the other"),
        ("days=30&from=2026-03-01&until=2026-03-02", "days: not beside from and until"),
        ("from=2026-02-30&until=2026-03-02", "from: input is out of range"),
        ("from=yesterday&until=2026-03-02", "from: input contains invalid characters"),
        ("from=-9999-01-01&until=-9998-01-01", "day -9999-01-01 is outside the years 1 to 9999"),
        (
            "from=0001-01-01&until=0001-01-02&compare=previous_period",
            "days 0001-01-01 to 0001-01-02 are compared with days before year 1",
        ),
    ] {
        world
            .refuses(&format!("/api/output-ports/{ORDERS}/over-time?{query}"), StatusCode::BAD_REQUEST, words)
            .await;
    }
    // ten years by day, of as many series as there can be, is an answer
    let largest =
        format!("/api/output-ports/{ORDERS}/split?days=3653&granularity=day&top=50&compare=year_before");
    let axis = world.json(&largest).await["buckets"].as_array().unwrap().len();
    assert_eq!(axis, 3_653);
}

#[tokio::test]
async fn every_other_parameter_has_its_words_and_its_limit() {
    let world = World::new().await;
    for (query, words) in [
        ("top=0", "top: 1 to 50, not 0"),
        ("top=51", "top: 1 to 50, not 51"),
        ("top=4000000000", "top: 1 to 50, not 4000000000"),
        ("top=2.5", "top: invalid digit found in string"),
        (
            "granularity=fortnight",
            "granularity: unknown variant `fortnight`, expected one of `day`, `week`, `month`, `quarter`, `year`",
        ),
        (
            "compare=days",
            "compare: unknown variant `days`, expected one of `previous_period`, `year_before`, `year_before_by_weekday`",
        ),
        ("by=colour", "by: unknown variant `colour`, expected `consumer` or `group`"),
        ("format=xml", "format: unknown variant `xml`, expected `json` or `csv`"),
        (
            "order=random&compare=year_before",
            "order: unknown variant `random`, expected one of `queries`, `risers`, `fallers`",
        ),
        ("order=risers", "order and gone: they need compare"),
        ("gone=true", "order and gone: they need compare"),
        ("gone=maybe", "gone: provided string was not `true` or `false`"),
        (
            "colour=red",
            "colour: unknown field `colour`, expected one of `days`, `from`, `until`, `granularity`, `compare`, `by`, `top`, `order`, `gone`, `format`",
        ),
        ("top=1&top=2", "duplicate field `top`"),
        ("top=1%00", "a query string with a NUL, which no name has"),
    ] {
        world.refuses(&format!("/api/portal/output-ports?{query}"), StatusCode::BAD_REQUEST, words).await;
    }
    world.refuses("/api/consumers?limit=1001", StatusCode::BAD_REQUEST, "limit: 1 to 1000, not 1001").await;
    world.refuses("/api/consumers?limit=0", StatusCode::BAD_REQUEST, "limit: 1 to 1000, not 0").await;
    let words = "days: unknown field `days`, expected `q` or `limit`";
    world.refuses("/api/consumers?days=1", StatusCode::BAD_REQUEST, words).await;
}

#[tokio::test]
async fn a_request_is_a_short_get_without_a_body() {
    let world = World::new().await;
    let long = format!("/api/consumers?q={}", "x".repeat(10_000));
    let words = "a query string of 10002 bytes; 1000 are the most";
    world.refuses(&long, StatusCode::URI_TOO_LONG, words).await;
    world.refuses("/api/nothing", StatusCode::NOT_FOUND, "the API has no such path").await;
    world.refuses("/api/portal/nothing/more", StatusCode::NOT_FOUND, "the API has no such path").await;
    for header in ["content-length", "transfer-encoding"] {
        let value = if header == "content-length" { "2" } else { "chunked" };
        let request = Request::get("/api/portal").header(header, value).body(Body::from("{}")).unwrap();
        let got = send(&world.routes, request).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST);
        assert_eq!(got.json()["error"], "a request with a body, where none is wanted");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        for path in ["/api/portal", "/", "/api/consumers"] {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            let got = send(&world.routes, request).await;
            assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert!(got.header("allow").contains("GET"));
        }
    }
}

#[tokio::test]
async fn a_chart_that_the_model_has_no_tables_for_is_not_found() {
    let model: &str = r#"{
        "schema": "usage",
        "output_ports": { "schema": "portal", "table": "datasets" },
        "consumers": { "schema": "portal", "table": "data_products" },
        "tech_assets": { "schema": "portal", "table": "technical_assets" }
    }"#;
    let world = World::with_model_without_combinations(model).await;
    for chart in ["combined-with", "distribution?by=group", "split?by=group", "coverage"] {
        let got = world.get(&format!("/api/output-ports/{ORDERS}/{chart}")).await;
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{chart}: {}", got.text());
    }
    let about = world.json("/api/portal").await;
    assert_eq!(
        (&about["groups"], &about["combinations"], &about["coverage"]),
        (&false.into(), &false.into(), &false.into())
    );
    // names, where the model has no column for them
    let one = world.json(&format!("/api/output-ports/{ORDERS}")).await;
    assert_eq!(one, serde_json::json!({ "id": ORDERS, "label": null }));
    assert_eq!(world.json("/api/consumers?q=sales").await, serde_json::json!([]));
    let summary = world.json(&format!("/api/output-ports/{ORDERS}/summary")).await;
    assert_eq!(summary["rows"][0]["query_count"], 18);
}

#[tokio::test]
async fn an_error_of_the_server_has_no_details() {
    let world = World::new().await;
    sqlx::raw_sql("DROP SCHEMA usage CASCADE").execute(&world.pool).await.unwrap();
    let words = "an error of the server, which its log tells";
    world.refuses("/api/portal/summary", StatusCode::INTERNAL_SERVER_ERROR, words).await;
}
