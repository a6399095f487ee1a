//! The page of an output port.

use axum::extract::State;
use axum::response::Response;
use output_port_usage::OutputPortId;
use output_port_usage::chart::{
    MostOftenCombined, MostOftenCombinedWith, MostPopularAsset, MostPopularAssets, QueriesOverTime,
    QueriesOverTimePoint, QueriesOverTimeSeries, QueriesOverTimeSplit, QueryDistribution,
    QueryDistributionSlice, Summary, SummaryTotals,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Compared;
use crate::asked::Asked;
use crate::failure::Failure;
use crate::gaps::{self, PortDays};
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
        .routes(routes!(assets))
        .routes(routes!(combined_with))
        .routes(routes!(coverage))
}

/// The output ports by name.
#[utoipa::path(get, path = "", params(Names), responses((status = 200, body = Vec<Named>)))]
async fn all(names: Names, State(host): State<Host>) -> Result<Response, Failure> {
    names.of(&host, |parents| &parents.output_ports).await
}

/// One output port.
#[utoipa::path(get, path = "/{id}", responses((status = 200, body = Named)))]
async fn one(page: Page<OutputPortId>) -> Result<Response, Failure> {
    page.name().await
}

/// Its queries, consumers and days of use.
#[utoipa::path(get, path = "/{id}/summary", params(Asked), responses((status = 200, body = Compared<SummaryTotals>)))]
async fn summary(page: Page<OutputPortId>) -> Result<Response, Failure> {
    let chart = Summary::new(page.subject, page.days());
    page.compared(chart, Summary::compared_with).await
}

/// Its queries in each bucket.
#[utoipa::path(get, path = "/{id}/over-time", params(Asked), responses((status = 200, body = Compared<QueriesOverTimePoint>)))]
async fn over_time(page: Page<OutputPortId>) -> Result<Response, Failure> {
    let chart = page.over_time(page.subject);
    page.compared_over_time(chart, QueriesOverTime::compared_with).await
}

/// The same for each consumer or group.
#[utoipa::path(get, path = "/{id}/split", params(Asked), responses((status = 200, body = Compared<QueriesOverTimeSeries>)))]
async fn split(page: Page<OutputPortId>) -> Result<Response, Failure> {
    let chart = page.split(page.over_time(page.subject));
    page.compared_over_time(chart, QueriesOverTimeSplit::compared_with).await
}

/// Who reads it.
#[utoipa::path(get, path = "/{id}/distribution", params(Asked), responses((status = 200, body = Compared<QueryDistributionSlice>)))]
async fn distribution(page: Page<OutputPortId>) -> Result<Response, Failure> {
    let chart = page.distribution(page.subject);
    page.ranked(chart, QueryDistribution::compared_with, |chart| chart.include_gone()).await
}

/// Its tech assets.
#[utoipa::path(get, path = "/{id}/assets", params(Asked), responses((status = 200, body = Compared<MostPopularAsset>)))]
async fn assets(page: Page<OutputPortId>) -> Result<Response, Failure> {
    let chart = MostPopularAssets::new(page.subject, page.days()).top(page.asked.top());
    page.ranked(chart, MostPopularAssets::compared_with, |chart| chart.include_gone()).await
}

/// The output ports that the same queries read.
#[utoipa::path(get, path = "/{id}/combined-with", params(Asked), responses((status = 200, body = Compared<MostOftenCombined>)))]
async fn combined_with(page: Page<OutputPortId>) -> Result<Response, Failure> {
    let chart = MostOftenCombinedWith::new(page.subject, page.days()).top(page.asked.top());
    page.ranked(chart, MostOftenCombinedWith::compared_with, |chart| chart.include_gone()).await
}

/// Which of its days were measured.
#[utoipa::path(get, path = "/{id}/coverage", params(Asked), responses((status = 200, body = PortDays)))]
async fn coverage(page: Page<OutputPortId>) -> Result<Response, Failure> {
    gaps::of_port(page).await
}
