//! A database that is busy or away, and comes back.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use sqlx::postgres::PgPoolOptions;

use crate::proxy::Proxy;
use crate::world::{World, get};

const WAIT: Duration = Duration::from_secs(1);
const WORDS: &str = "the database is busy or away: try again in a few seconds";

#[tokio::test]
async fn a_pool_without_a_free_connection_is_503_in_time_and_recovers() {
    let world = World::new().await;
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(WAIT);
    let pool = pool.connect(world.database.url()).await.unwrap();
    let routes = world.over(pool.clone());
    assert_eq!(get(&routes, "/api/portal/summary").await.status, StatusCode::OK);

    let held = pool.acquire().await.unwrap();
    let began = Instant::now();
    let got = get(&routes, "/api/portal/summary").await;
    assert_eq!((got.status, got.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"));
    assert_eq!(got.json()["error"], WORDS);
    assert!((WAIT..3 * WAIT).contains(&began.elapsed()), "{:?}", began.elapsed());
    // what is wrong with a request is said without a connection
    assert_eq!(get(&routes, "/api/portal/summary?days=0").await.status, StatusCode::BAD_REQUEST);

    drop(held);
    assert_eq!(get(&routes, "/api/portal/summary").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_database_that_goes_away_is_503_until_it_is_back() {
    let world = World::new().await;
    let mut proxy = Proxy::to(world.database.url()).await;
    let pool = PgPoolOptions::new().acquire_timeout(WAIT).connect_with(proxy.options()).await.unwrap();
    let routes = world.over(pool);
    let before = get(&routes, "/api/portal/summary").await;
    assert_eq!(before.status, StatusCode::OK);

    proxy.cut().await;
    let began = Instant::now();
    for _ in 0..2 {
        let got = get(&routes, "/api/portal/summary").await;
        assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE, "{}", got.text());
        assert_eq!(got.json()["error"], WORDS);
    }
    assert!(began.elapsed() < 5 * WAIT, "{:?}", began.elapsed());

    proxy.mend().await;
    let after = get(&routes, "/api/portal/summary").await;
    assert_eq!((after.status, after.body), (StatusCode::OK, before.body));
}

#[tokio::test]
async fn a_server_that_ends_every_connection_costs_no_restart() {
    let world = World::new().await;
    assert_eq!(world.get("/api/portal/summary").await.status, StatusCode::OK);
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let other = sqlx::PgPool::connect(world.database.url()).await.unwrap();
    sqlx::query(end).execute(&other).await.unwrap();
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(world.get("/api/portal/summary").await.status);
    }
    // a connection that broke is found out before it is used, or by the first request alone
    assert!(answers[0] == StatusCode::OK || answers[0] == StatusCode::SERVICE_UNAVAILABLE, "{answers:?}");
    assert_eq!(answers[1..], [StatusCode::OK; 2]);
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_ended() {
    let world = World::new().await;
    // whoever reads waits for the lock
    let mut locked = world.pool.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE usage.output_port_query_stats_daily").execute(&mut *locked).await.unwrap();
    let began = Instant::now();
    let got = world.get("/api/portal/summary").await;
    assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(got.json()["error"], "the database took too long");
    assert!((10..15).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    drop(locked);
    assert_eq!(world.get("/api/portal/summary").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_writes_nothing() {
    let world = World::new().await;
    let mut transaction = world.host.begin().await.unwrap();
    let error = sqlx::raw_sql("DELETE FROM portal.domains").execute(&mut *transaction).await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("25006"));
}
