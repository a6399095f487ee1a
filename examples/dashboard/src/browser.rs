//! What the browser gets: a page for each address, and the files that draw it.
//!
//! The files are in the program. A page is the same for every id: its script reads the address and asks the API.

use axum::Router;
use axum::extract::Path;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::from_fn;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use crate::cache;
use crate::failure::Failure;
use crate::host::Host;

/// A file's address under `/static`, its type, and what it holds.
type File = (&'static str, &'static str, &'static [u8]);

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

/// One page for every address: `main.js` sees which of them it is.
const PAGE: &str = include_str!("../static/page.html");

macro_rules! file {
    ($name:literal, $kind:expr) => {
        ($name, $kind, include_bytes!(concat!("../static/", $name)))
    };
}

const FILES: [File; 23] = [
    file!("address.js", JS),
    file!("api.js", JS),
    file!("canvas.js", JS),
    file!("charts.js", JS),
    file!("controls.js", JS),
    file!("coverage.js", JS),
    file!("elements.js", JS),
    file!("format.js", JS),
    file!("found.js", JS),
    file!("icon.svg", "image/svg+xml"),
    file!("look.js", JS),
    file!("main.js", JS),
    file!("members.js", JS),
    file!("over_time.js", JS),
    file!("pages/consumer.js", JS),
    file!("pages/output_port.js", JS),
    file!("pages/portal.js", JS),
    file!("pages/tech_asset.js", JS),
    file!("section.js", JS),
    file!("sparkline.js", JS),
    file!("style.css", CSS),
    file!("table.js", JS),
    file!("vendor/chart.umd.min.js", JS),
];

pub(crate) fn routes() -> Router<Host> {
    Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/output-ports/{id}", get(|| async { Html(PAGE) }))
        .route("/tech-assets/{id}", get(|| async { Html(PAGE) }))
        .route("/consumers/{id}", get(|| async { Html(PAGE) }))
        .route("/static/{*path}", get(file))
        .layer(from_fn(cache::files))
}

async fn file(Path(path): Path<String>) -> Result<Response, Failure> {
    let file = FILES.iter().find(|(name, ..)| *name == path);
    let (_, kind, bytes) = file.ok_or_else(|| Failure::not_found("no such file"))?;
    Ok(([(CONTENT_TYPE, *kind)], *bytes).into_response())
}
