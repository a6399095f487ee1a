//! The JSON API: one file of handlers a page.

mod consumer;
mod output_port;
mod portal;
mod tech_asset;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;

use crate::host::Host;

pub(crate) fn routes() -> Router<Host> {
    let (routes, _) = OpenApiRouter::new()
        .nest("/output-ports", output_port::routes())
        .nest("/tech-assets", tech_asset::routes())
        .nest("/consumers", consumer::routes())
        .nest("/portal", portal::routes())
        .split_for_parts();
    routes
}
