//! The page of the whole portal.

use axum::extract::State;
use axum::response::Response;
use output_port_usage::OutputPortId;
use output_port_usage::chart::{
    MostPopularAsset, MostPopularAssets, MostUsedPort, MostUsedPorts, QueriesOverTime,
    QueriesOverTimeOfPorts, QueriesOverTimePoint, QueriesOverTimeSeries, QueriesOverTimeSplit,
    QueryDistribution, QueryDistributionSlice, Subject, Summary, SummaryTotals, Unused, UnusedMember,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{self, Answer, Compared};
use crate::asked::Asked;
use crate::failure::Failure;
use crate::host::{About, Host};
use crate::page::Page;
use crate::subject::Portal;

pub(crate) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(about))
        .routes(routes!(summary))
        .routes(routes!(over_time))
        .routes(routes!(split))
        .routes(routes!(distribution))
        .routes(routes!(output_ports))
        .routes(routes!(sparklines))
        .routes(routes!(assets))
        .routes(routes!(unused_output_ports))
        .routes(routes!(unused_tech_assets))
        .routes(routes!(unused_consumers))
}

/// Which day is today, and which charts there are.
#[utoipa::path(get, path = "", responses((status = 200, body = About)))]
async fn about(State(host): State<Host>) -> Result<Response, Failure> {
    answer::json(&host.about())
}

/// Queries, consumers and days of use of all output ports.
#[utoipa::path(get, path = "/summary", params(Asked), responses((status = 200, body = Compared<SummaryTotals>)))]
async fn summary(page: Page<Portal>) -> Result<Response, Failure> {
    let chart = Summary::new(Subject::Portal, page.days());
    page.compared(chart, Summary::compared_with).await
}

/// Queries in each bucket.
#[utoipa::path(get, path = "/over-time", params(Asked), responses((status = 200, body = Compared<QueriesOverTimePoint>)))]
async fn over_time(page: Page<Portal>) -> Result<Response, Failure> {
    let chart = page.over_time(Subject::Portal);
    page.compared_over_time(chart, QueriesOverTime::compared_with).await
}

/// The same for each consumer or group.
#[utoipa::path(get, path = "/split", params(Asked), responses((status = 200, body = Compared<QueriesOverTimeSeries>)))]
async fn split(page: Page<Portal>) -> Result<Response, Failure> {
    let chart = page.split(page.over_time(Subject::Portal));
    page.compared_over_time(chart, QueriesOverTimeSplit::compared_with).await
}

/// Who reads most.
#[utoipa::path(get, path = "/distribution", params(Asked), responses((status = 200, body = Compared<QueryDistributionSlice>)))]
async fn distribution(page: Page<Portal>) -> Result<Response, Failure> {
    let chart = page.distribution(Subject::Portal);
    page.ranked(chart, QueryDistribution::compared_with, |chart| chart.include_gone()).await
}

/// The output ports that are read most, or that rose or fell most.
#[utoipa::path(get, path = "/output-ports", params(Asked), responses((status = 200, body = Compared<MostUsedPort>)))]
async fn output_ports(page: Page<Portal>) -> Result<Response, Failure> {
    let chart = MostUsedPorts::new(page.days()).top(page.asked.top());
    let order = page.asked.order();
    let with = |chart: MostUsedPorts, comparison| chart.compared_with(comparison).order(order);
    page.ranked(chart, with, |chart| chart.include_gone()).await
}

/// The queries of the same output ports in each bucket, for lines beside the ranking; in the order of their ids.
#[utoipa::path(get, path = "/sparklines", params(Asked), responses((status = 200, body = Compared<QueriesOverTimeSeries>)))]
async fn sparklines(mut page: Page<Portal>) -> Result<Response, Failure> {
    let ids = ranked(&mut page).await?;
    let (days, granularity) = (page.days_over_time(), page.asked.granularity());
    if ids.is_empty() {
        // which the library refuses: a list of no output ports is a mistake elsewhere
        return page.without_rows::<QueriesOverTimeSeries>();
    }
    let chart = QueriesOverTime::of_ports(ids, days).granularity(granularity);
    page.compared_over_time(chart, QueriesOverTimeOfPorts::compared_with).await
}

/// The output ports of the ranking, in its order.
async fn ranked(page: &mut Page<Portal>) -> Result<Vec<OutputPortId>, Failure> {
    let chart = MostUsedPorts::new(page.days()).top(page.asked.top());
    let Some(comparison) = page.asked.comparison() else {
        return Ok(page.rows(&chart).await?.into_iter().map(|row| row.output_port_id).collect());
    };
    let chart = chart.compared_with(comparison).order(page.asked.order());
    let chart = if page.asked.gone() { chart.include_gone() } else { chart };
    Ok(page.rows(&chart).await?.into_iter().map(|row| row.current.output_port_id).collect())
}

/// The tech assets that are touched most.
#[utoipa::path(get, path = "/assets", params(Asked), responses((status = 200, body = Compared<MostPopularAsset>)))]
async fn assets(page: Page<Portal>) -> Result<Response, Failure> {
    let chart = MostPopularAssets::of_portal(page.days()).top(page.asked.top());
    page.ranked(chart, MostPopularAssets::compared_with, |chart| chart.include_gone()).await
}

/// Output ports that nobody used.
#[utoipa::path(get, path = "/unused-output-ports", params(Asked), responses((status = 200, body = Answer<UnusedMember>)))]
async fn unused_output_ports(page: Page<Portal>) -> Result<Response, Failure> {
    let chart = Unused::output_ports(page.days()).top(page.asked.top());
    page.chart(chart).await
}

/// Tech assets that nobody touched.
#[utoipa::path(get, path = "/unused-tech-assets", params(Asked), responses((status = 200, body = Answer<UnusedMember>)))]
async fn unused_tech_assets(page: Page<Portal>) -> Result<Response, Failure> {
    let chart = Unused::tech_assets(page.days()).top(page.asked.top());
    page.chart(chart).await
}

/// Consumers that read nothing.
#[utoipa::path(get, path = "/unused-consumers", params(Asked), responses((status = 200, body = Answer<UnusedMember>)))]
async fn unused_consumers(page: Page<Portal>) -> Result<Response, Failure> {
    let chart = Unused::consumers(page.days()).top(page.asked.top());
    page.chart(chart).await
}
