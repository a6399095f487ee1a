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

const FILES: [File; 0] = [];

pub(crate) fn routes() -> Router<Host> {
    Router::new()
        .route("/", get(|| async { Html(include_str!("../static/portal.html")) }))
        .route("/output-ports/{id}", get(|| async { Html(include_str!("../static/output-port.html")) }))
        .route("/tech-assets/{id}", get(|| async { Html(include_str!("../static/tech-asset.html")) }))
        .route("/consumers/{id}", get(|| async { Html(include_str!("../static/consumer.html")) }))
        .route("/static/{*path}", get(file))
        .layer(from_fn(cache::files))
}

async fn file(Path(path): Path<String>) -> Result<Response, Failure> {
    let file = FILES.iter().find(|(name, ..)| *name == path);
    let (_, kind, bytes) = file.ok_or_else(|| Failure::not_found("no such file"))?;
    Ok(([(CONTENT_TYPE, *kind)], *bytes).into_response())
}
