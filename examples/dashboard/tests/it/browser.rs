//! What a browser is told of every answer.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::middleware::from_fn;

use crate::world::{ORDERS, World, send};

#[tokio::test]
async fn every_answer_has_the_policy_whatever_its_status() {
    let world = World::new().await;
    for (path, status) in [
        ("/".to_owned(), StatusCode::OK),
        (format!("/output-ports/{ORDERS}"), StatusCode::OK),
        (format!("/tech-assets/{ORDERS}"), StatusCode::OK),
        (format!("/consumers/{ORDERS}?days=30"), StatusCode::OK),
        ("/api/portal".to_owned(), StatusCode::OK),
        ("/api/portal/summary?format=csv".to_owned(), StatusCode::OK),
        ("/api/openapi.json".to_owned(), StatusCode::OK),
        ("/api/portal/summary?days=0".to_owned(), StatusCode::BAD_REQUEST),
        ("/static/nothing.js".to_owned(), StatusCode::NOT_FOUND),
        ("/static/../src/lib.rs".to_owned(), StatusCode::NOT_FOUND),
        ("/static/%2e%2e/Cargo.toml".to_owned(), StatusCode::NOT_FOUND),
        ("/nothing".to_owned(), StatusCode::NOT_FOUND),
        (format!("/?x={}", "x".repeat(1_000)), StatusCode::URI_TOO_LONG),
    ] {
        for method in ["GET", "HEAD", "POST"] {
            let request = Request::builder().method(method).uri(&path).body(Body::empty()).unwrap();
            let got = send(&world.routes, request).await;
            if method == "GET" {
                assert_eq!(got.status, status, "{path}: {}", got.text());
            }
            let policy = got.header("content-security-policy");
            assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{path}");
            assert!(policy.ends_with("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}");
            assert_eq!(got.header("x-content-type-options"), "nosniff", "{method} {path}");
            assert_eq!(got.header("referrer-policy"), "no-referrer", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn names_from_outside_stay_text() {
    let world = World::new().await;
    let long = "x".repeat(500);
    for name in
        ["<script>alert(1)</script>", "\"; DROP TABLE x; --", "\u{202e}sdrow", "", "\\u0000 \n\t", &long]
    {
        sqlx::query("UPDATE portal.datasets SET name = $1").bind(name).execute(&world.pool).await.unwrap();
        let got = world.get(&format!("/api/output-ports/{ORDERS}")).await;
        assert_eq!(got.header("content-type"), "application/json");
        assert_eq!(got.json()["label"], name);
        let ranking = world.json("/api/portal/output-ports").await;
        assert_eq!(ranking["rows"][0]["label"], name);
    }
}

#[tokio::test]
async fn a_name_that_was_made_to_mean_this_machine_is_refused() {
    let world = World::new().await;
    let routes = world.routes.clone().layer(from_fn(usage_dashboard::of_this_machine));
    for (host, status) in [
        ("127.0.0.1:8080", StatusCode::OK),
        ("127.0.0.2", StatusCode::OK),
        ("LocalHost:1", StatusCode::OK),
        ("[::1]:8080", StatusCode::OK),
        ("evil.test:8080", StatusCode::MISDIRECTED_REQUEST),
        ("127.0.0.1.evil.test", StatusCode::MISDIRECTED_REQUEST),
        ("", StatusCode::MISDIRECTED_REQUEST),
    ] {
        let request = Request::get("/api/portal").header("host", host).body(Body::empty()).unwrap();
        assert_eq!(send(&routes, request).await.status, status, "{host:?}");
    }
}
