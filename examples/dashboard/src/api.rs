//! The JSON API: one file of handlers a page.

mod consumer;
mod output_port;
mod portal;
mod tech_asset;

use axum::middleware::from_fn;
use axum::routing::get;
use axum::{Json, Router};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::failure::Failure;
use crate::host::Host;
use crate::{cache, openapi};

pub(crate) fn routes() -> Router<Host> {
    let (routes, document) = with_document();
    routes
        .route("/api/openapi.json", get(async || Json(document)))
        .route("/api/{*path}", get(async || Failure::not_found("the API has no such path")))
        .layer(from_fn(cache::charts))
}

/// The OpenAPI document of the API.
pub fn document() -> OpenApi {
    with_document().1
}

fn with_document() -> (Router<Host>, OpenApi) {
    let (routes, document) = OpenApiRouter::new()
        .nest("/api/output-ports", output_port::routes())
        .nest("/api/tech-assets", tech_asset::routes())
        .nest("/api/consumers", consumer::routes())
        .nest("/api/portal", portal::routes())
        .split_for_parts();
    (routes, openapi::complete(document))
}
