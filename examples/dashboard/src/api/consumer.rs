//! The page of a consumer: what it reads.

use axum::extract::State;
use axum::response::Response;
use output_port_usage::ConsumerId;
use output_port_usage::chart::{
    MostPopularAsset, MostPopularAssets, MostUsedPort, MostUsedPorts, QueriesOverTime, QueriesOverTimePoint,
    QueriesOverTimeSeries, QueriesOverTimeSplit, Subject, Summary, SummaryTotals,
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
        .routes(routes!(output_ports))
        .routes(routes!(assets))
}

/// The consumers by name.
#[utoipa::path(get, path = "", params(Names), responses((status = 200, body = Vec<Named>)))]
async fn all(names: Names, State(host): State<Host>) -> Result<Response, Failure> {
    names.of(&host, |parents| &parents.consumers).await
}

/// One consumer.
#[utoipa::path(get, path = "/{id}", responses((status = 200, body = Named)))]
async fn one(page: Page<ConsumerId>) -> Result<Response, Failure> {
    page.name().await
}

/// Its queries and days of use.
#[utoipa::path(get, path = "/{id}/summary", params(Asked), responses((status = 200, body = Compared<SummaryTotals>)))]
async fn summary(page: Page<ConsumerId>) -> Result<Response, Failure> {
    let chart = Summary::new(Subject::Portal, page.days()).of_consumer(page.subject);
    page.compared(chart, Summary::compared_with).await
}

/// Its queries in each bucket.
#[utoipa::path(get, path = "/{id}/over-time", params(Asked), responses((status = 200, body = Compared<QueriesOverTimePoint>)))]
async fn over_time(page: Page<ConsumerId>) -> Result<Response, Failure> {
    let chart = page.over_time(Subject::Portal).of_consumer(page.subject);
    page.compared_over_time(chart, QueriesOverTime::compared_with).await
}

/// The same for each output port that it reads.
#[utoipa::path(get, path = "/{id}/split", params(Asked), responses((status = 200, body = Compared<QueriesOverTimeSeries>)))]
async fn split(page: Page<ConsumerId>) -> Result<Response, Failure> {
    let chart = page.over_time(Subject::Portal).of_consumer(page.subject).split_by_port(page.asked.top());
    page.compared_over_time(chart, QueriesOverTimeSplit::compared_with).await
}

/// The output ports that it reads.
#[utoipa::path(get, path = "/{id}/output-ports", params(Asked), responses((status = 200, body = Compared<MostUsedPort>)))]
async fn output_ports(page: Page<ConsumerId>) -> Result<Response, Failure> {
    let chart = MostUsedPorts::new(page.days()).of_consumer(page.subject).top(page.asked.top());
    let order = page.asked.order();
    let with = |chart: MostUsedPorts, comparison| chart.compared_with(comparison).order(order);
    page.ranked(chart, with, |chart| chart.include_gone()).await
}

/// The tech assets that it touches.
#[utoipa::path(get, path = "/{id}/assets", params(Asked), responses((status = 200, body = Compared<MostPopularAsset>)))]
async fn assets(page: Page<ConsumerId>) -> Result<Response, Failure> {
    let chart = MostPopularAssets::of_portal(page.days()).of_consumer(page.subject).top(page.asked.top());
    page.ranked(chart, MostPopularAssets::compared_with, |chart| chart.include_gone()).await
}
