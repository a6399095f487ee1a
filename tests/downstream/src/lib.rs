//! A backend that embeds output-port-usage: every chart, as JSON or CSV, by each driver, and an OpenAPI document.

use std::ops::Range;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::{Json, Router};
use chrono::NaiveDate;
use output_port_usage::chart::*;
use output_port_usage::{Error, Granularity, OutputPortId, UsageModel};
use serde::Deserialize;
use utoipa::OpenApi;

#[derive(Clone)]
pub struct Host {
    pub model: UsageModel,
    pub pool: sqlx::PgPool,
    pub client: Arc<tokio_postgres::Client>,
}

/// What a request may ask for beside its port.
#[derive(Deserialize)]
struct Asked {
    from: NaiveDate,
    until: NaiveDate,
    #[serde(default)]
    granularity: Granularity,
    #[serde(default = "ten")]
    top: u32,
    compare: Option<Comparison>,
    #[serde(default)]
    csv: bool,
    #[serde(default)]
    tokio_postgres: bool,
}

fn ten() -> u32 {
    10
}

pub fn routes() -> Router<Host> {
    Router::new()
        .route("/{port}/over-time", chart(over_time))
        .route("/{port}/split", chart(|port, days, asked| over_time(port, days, asked).split_by_consumer(asked.top)))
        .route("/{port}/ports", chart(|port, days, _| QueriesOverTime::of_ports([port], days)))
        .route("/{port}/change", chart(|port, days, asked| {
            over_time(port, days, asked).compared_with(asked.compare.unwrap_or(Comparison::PreviousPeriod))
        }))
        .route("/{port}/distribution", chart(|port, days, asked| QueryDistribution::new(port, days).top(asked.top)))
        .route("/{port}/groups", chart(|port, days, _| QueryDistribution::new(port, days).by_group()))
        .route("/{port}/assets", chart(|port, days, asked| MostPopularAssets::new(port, days).top(asked.top)))
        .route("/{port}/combined", chart(|port, days, _| MostOftenCombinedWith::new(port, days)))
        .route("/{port}/summary", chart(|port, days, _| Summary::new(port, days)))
        .route("/{port}/overview", chart(|port, days, _| Overview::new(port, days)))
        .route("/openapi.json", get(async || Json(Api::openapi())))
}

fn over_time(port: OutputPortId, days: Range<NaiveDate>, asked: &Asked) -> QueriesOverTime {
    QueriesOverTime::new(port, days).granularity(asked.granularity)
}

/// The handler of any chart.
fn chart<C: Chart>(of: fn(OutputPortId, Range<NaiveDate>, &Asked) -> C) -> MethodRouter<Host> {
    get(move |State(host): State<Host>, Path(port): Path<String>, Query(asked): Query<Asked>| async move {
        let chart = of(port.parse()?, asked.from..asked.until, &asked);
        let rows = if asked.tokio_postgres { by_tokio_postgres(&host, &chart).await } else { rows(&host, &chart).await };
        if asked.csv { csv(&chart, &rows?) } else { Ok(Json(rows?).into_response()) }
    })
}

async fn rows<C: Chart>(host: &Host, chart: &C) -> Result<Vec<C::Row>, Failure> {
    Ok(host.model.query(chart)?.into_sqlx().fetch_all(&host.pool).await?)
}

async fn by_tokio_postgres<C: Chart>(host: &Host, chart: &C) -> Result<Vec<C::Row>, Failure> {
    let query = host.model.query(chart)?.into_tokio_postgres();
    Ok(query.decode(&host.client.query_typed(query.sql(), &query.params()).await?)?)
}

fn csv<C: Chart>(chart: &C, rows: &[C::Row]) -> Result<Response, Failure> {
    let mut file = csv::Writer::from_writer(Vec::new());
    chart.records(rows)?.iter().try_for_each(|record| file.serialize(record))?;
    Ok(([(CONTENT_TYPE, "text/csv")], file.into_inner()?).into_response())
}

#[derive(OpenApi)]
#[openapi(components(schemas(
    Granularity,
    Comparison,
    QueriesOverTimePoint,
    WithPrevious<QueriesOverTimePoint>,
    QueryDistributionSlice,
    QueryDistributionGroupSlice,
    MostPopularAsset,
    MostOftenCombined,
    SummaryTotals,
)))]
struct Api;

struct Failure(Box<dyn std::error::Error + Send + Sync>);

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let whose = self.0.downcast_ref::<Error>();
        if whose.is_some_and(Error::is_request) {
            return (StatusCode::BAD_REQUEST, self.0.to_string()).into_response();
        }
        eprintln!("{}", self.0);
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}
