//! Answers that a browser has already are not sent again.

use axum::body::Body;
use axum::http::{Request, StatusCode};

use crate::world::{Got, World, send};

impl World {
    async fn get_unless(&self, path: &str, known: &str) -> Got {
        let request = Request::get(path).header("if-none-match", known).body(Body::empty()).unwrap();
        send(&self.routes, request).await
    }
}

#[tokio::test]
async fn an_answer_is_sent_once_until_it_changes() {
    let world = World::new().await;
    let path = "/api/portal/summary";
    let first = world.get(path).await;
    let tag = first.header("etag");
    assert_eq!((tag.len(), first.header("cache-control")), (34, "private, max-age=60"));
    assert_eq!(first.header("vary"), "authorization, cookie");
    for known in [tag, &format!("W/{tag}"), &format!("\"other\", {tag}"), "*"] {
        let again = world.get_unless(path, known).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
        assert_eq!(again.header("etag"), tag);
    }
    for known in ["\"other\"", "", "\u{e9}"] {
        assert_eq!(world.get_unless(path, known).await.status, StatusCode::OK, "{known}");
    }
    sqlx::raw_sql("UPDATE usage.output_port_query_stats_daily SET query_count = query_count + 1")
        .execute(&world.pool)
        .await
        .unwrap();
    let changed = world.get_unless(path, tag).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_ne!(changed.header("etag"), tag);
    // a file of the same chart is another answer
    assert_ne!(world.get("/api/portal/summary?format=csv").await.header("etag"), changed.header("etag"));
}

#[tokio::test]
async fn a_page_is_asked_for_each_time_and_seldom_sent() {
    let world = World::new().await;
    let page = world.get("/").await;
    assert_eq!(page.header("cache-control"), "no-cache");
    assert_eq!(world.get_unless("/", page.header("etag")).await.status, StatusCode::NOT_MODIFIED);
}
