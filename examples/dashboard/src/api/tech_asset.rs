//! The page of a tech asset: its touches, through whichever output ports.

use axum::extract::State;
use axum::response::Response;
use output_port_usage::TechAssetId;
use output_port_usage::chart::{
    QueriesOverTime, QueriesOverTimePoint, QueriesOverTimeSeries, QueriesOverTimeSplit, QueryDistribution,
    QueryDistributionSlice, Summary, SummaryTotals,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Compared;
use crate::asked::Asked;
use crate::failure::Failure;
use crate::host::Host;
use crate::names::Names;
use crate::page::Page;
use crate::parents::Named;

pub(crate) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(all))
        .routes(routes!(one))
        .routes(routes!(summary))
        .routes(routes!(over_time))
        .routes(routes!(split))
        .routes(routes!(distribution))
}

/// The tech assets by name.
#[utoipa::path(get, path = "", params(Names), responses((status = 200, body = Vec<Named>)))]
async fn all(names: Names, State(host): State<Host>) -> Result<Response, Failure> {
    names.of(&host, |parents| &parents.tech_assets).await
}

/// One tech asset.
#[utoipa::path(get, path = "/{id}", responses((status = 200, body = Named)))]
async fn one(page: Page<TechAssetId>) -> Result<Response, Failure> {
    page.name().await
}

/// Its touches, consumers and days of use.
#[utoipa::path(get, path = "/{id}/summary", params(Asked), responses((status = 200, body = Compared<SummaryTotals>)))]
async fn summary(page: Page<TechAssetId>) -> Result<Response, Failure> {
    let chart = Summary::new(page.subject, page.days());
    page.compared(chart, Summary::compared_with).await
}

/// Its touches in each bucket.
#[utoipa::path(get, path = "/{id}/over-time", params(Asked), responses((status = 200, body = Compared<QueriesOverTimePoint>)))]
async fn over_time(page: Page<TechAssetId>) -> Result<Response, Failure> {
    let chart = page.over_time(page.subject);
    page.compared_over_time(chart, QueriesOverTime::compared_with).await
}

/// The same for each consumer or group.
#[utoipa::path(get, path = "/{id}/split", params(Asked), responses((status = 200, body = Compared<QueriesOverTimeSeries>)))]
async fn split(page: Page<TechAssetId>) -> Result<Response, Failure> {
    let chart = page.split(page.over_time(page.subject));
    page.compared_over_time(chart, QueriesOverTimeSplit::compared_with).await
}

/// Who touches it.
#[utoipa::path(get, path = "/{id}/distribution", params(Asked), responses((status = 200, body = Compared<QueryDistributionSlice>)))]
async fn distribution(page: Page<TechAssetId>) -> Result<Response, Failure> {
    let chart = page.distribution(page.subject);
    page.ranked(chart, QueryDistribution::compared_with, |chart| chart.include_gone()).await
}
