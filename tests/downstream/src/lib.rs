//! A backend that embeds output-port-usage: every chart, as JSON or CSV, by each driver, and an OpenAPI document.

use std::ops::Range;
use std::sync::Arc;

use axum::extract::{Query, State};
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

#[derive(Deserialize)]
struct Asked {
    port: OutputPortId,
    from: NaiveDate,
    until: NaiveDate,
    top: Option<u32>,
    granularity: Option<Granularity>,
    #[serde(default)]
    csv: bool,
    #[serde(default)]
    tokio_postgres: bool,
}

impl Asked {
    fn days(&self) -> Range<NaiveDate> {
        self.from..self.until
    }

    fn over_time(&self) -> QueriesOverTime {
        QueriesOverTime::new(self.port, self.days()).granularity(self.granularity.unwrap_or_default())
    }

    fn distribution(&self) -> QueryDistribution {
        QueryDistribution::new(self.port, self.days()).top(self.top.unwrap_or(10))
    }
}

pub fn routes() -> Router<Host> {
    Router::new()
        .route("/over-time", chart(Asked::over_time))
        .route("/change", chart(|asked| asked.over_time().compared_with(Comparison::PreviousPeriod)))
        .route("/split", chart(|asked| asked.over_time().split_by_consumer(asked.top.unwrap_or(10))))
        .route("/ports", chart(|asked| QueriesOverTime::of_ports([asked.port], asked.days())))
        .route("/distribution", chart(Asked::distribution))
        .route("/groups", chart(|asked| asked.distribution().by_group()))
        .route("/assets", chart(|asked| MostPopularAssets::new(asked.port, asked.days())))
        .route("/combined", chart(|asked| MostOftenCombinedWith::new(asked.port, asked.days())))
        .route("/summary", chart(|asked| Summary::new(asked.port, asked.days())))
        .route("/overview", chart(|asked| Overview::new(asked.port, asked.days())))
        .route("/openapi.json", get(async || Json(Api::openapi())))
}

/// The handler of any chart.
fn chart<C: Chart>(of: fn(&Asked) -> C) -> MethodRouter<Host> {
    get(async move |State(host): State<Host>, Query(asked): Query<Asked>| {
        let chart = of(&asked);
        let by_sqlx = !asked.tokio_postgres;
        let rows = if by_sqlx { rows(&host, &chart).await } else { by_tokio_postgres(&host, &chart).await }?;
        if asked.csv { csv(&chart, &rows) } else { Ok(Json(rows).into_response()) }
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
    Granularity, QueriesOverTimePoint, WithPrevious<QueriesOverTimePoint>, QueryDistributionSlice,
    MostPopularAsset, MostOftenCombined, SummaryTotals, QueriesOverTimeSeries, OverviewRow, OverviewCharts, Bucket,
    MostUsedPort, UnusedMember, PortOrder,
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
        match self.0.downcast_ref::<Error>() {
            Some(error) if error.is_request() => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
            _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(), // a host logs the error
        }
    }
}
