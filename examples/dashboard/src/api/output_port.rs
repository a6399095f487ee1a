//! The page of an output port.

use axum::extract::State;
use axum::response::Response;
use output_port_usage::OutputPortId;
use output_port_usage::chart::*;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
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
        .routes(routes!(assets))
        .routes(routes!(combined_with))
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
#[utoipa::path(get, path = "/{id}/summary", params(Asked), responses((status = 200, body = Answer<SummaryTotals>)))]
async fn summary(page: Page<OutputPortId>) -> Result<Response, Failure> {
    let chart = Summary::new(page.subject, page.days());
    page.compared(chart, Summary::compared_with).await
}

/// Its queries in each bucket.
#[utoipa::path(get, path = "/{id}/over-time", params(Asked), responses((status = 200, body = Answer<QueriesOverTimePoint>)))]
async fn over_time(page: Page<OutputPortId>) -> Result<Response, Failure> {
    let chart = page.over_time(page.subject);
    page.compared_over_time(chart, QueriesOverTime::compared_with).await
}

/// The same for each consumer or group.
#[utoipa::path(get, path = "/{id}/split", params(Asked), responses((status = 200, body = Answer<QueriesOverTimeSeries>)))]
async fn split(page: Page<OutputPortId>) -> Result<Response, Failure> {
    let chart = page.split(page.over_time(page.subject));
    page.compared_over_time(chart, QueriesOverTimeSplit::compared_with).await
}

/// Who reads it.
#[utoipa::path(get, path = "/{id}/distribution", params(Asked), responses((status = 200, body = Answer<QueryDistributionSlice>)))]
async fn distribution(page: Page<OutputPortId>) -> Result<Response, Failure> {
    let chart = page.distribution(page.subject);
    page.ranked(chart, QueryDistribution::compared_with, Compared::include_gone).await
}

/// Its tech assets.
#[utoipa::path(get, path = "/{id}/assets", params(Asked), responses((status = 200, body = Answer<MostPopularAsset>)))]
async fn assets(page: Page<OutputPortId>) -> Result<Response, Failure> {
    let chart = MostPopularAssets::new(page.subject, page.days()).top(page.asked.top());
    page.ranked(chart, MostPopularAssets::compared_with, Compared::include_gone).await
}

/// The output ports that the same queries read.
#[utoipa::path(get, path = "/{id}/combined-with", params(Asked), responses((status = 200, body = Answer<MostOftenCombined>)))]
async fn combined_with(page: Page<OutputPortId>) -> Result<Response, Failure> {
    let chart = MostOftenCombinedWith::new(page.subject, page.days()).top(page.asked.top());
    page.ranked(chart, MostOftenCombinedWith::compared_with, Compared::include_gone).await
}
