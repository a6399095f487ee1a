//! A backend that embeds output-port-usage: a chart's rows as JSON, by each driver in an axum handler.

use std::error::Error;
use std::ops::Range;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::NaiveDate;
use output_port_usage::chart::{QueriesOverTime, QueriesOverTimePoint};
use output_port_usage::{OutputPortId, UsageModel};

#[derive(Clone)]
pub struct Host {
    pub model: Arc<UsageModel>,
    pub days: Range<NaiveDate>,
    pub pool: sqlx::PgPool,
    pub client: Arc<tokio_postgres::Client>,
}

pub fn routes(host: Host) -> Router {
    Router::new()
        .route("/sqlx/{port}", get(by_sqlx))
        .route("/tokio-postgres/{port}", get(by_tokio_postgres))
        .with_state(host)
}

type Points = Result<Json<Vec<QueriesOverTimePoint>>, Failure>;

async fn by_sqlx(Path(port): Path<OutputPortId>, State(host): State<Host>) -> Points {
    let query = host.model.query(&QueriesOverTime::new(port, host.days))?;
    Ok(Json(query.into_sqlx().fetch_all(&host.pool).await?))
}

async fn by_tokio_postgres(Path(port): Path<OutputPortId>, State(host): State<Host>) -> Points {
    let query = host.model.query(&QueriesOverTime::new(port, host.days))?.into_tokio_postgres();
    let rows = host.client.query_typed(query.sql(), &query.params()).await?;
    Ok(Json(query.decode(&rows)?))
}

pub struct Failure(Box<dyn Error>);

impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        eprintln!("{}", self.0);
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}
