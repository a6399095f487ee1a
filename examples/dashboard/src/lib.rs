//! The usage pages of a data-product portal, and the JSON API behind them, for a host to copy.
//!
//! [`routes`] is the whole service: a [`Host`] has the pool and the model, `api` holds one file of handlers a page, and
//! `browser` the files for the browser. The README of this directory says how to start it, and the guide of the library
//! walks through the code.

mod answer;
mod api;
mod asked;
mod browser;
mod cache;
mod csv;
mod failure;
mod gaps;
mod host;
mod names;
mod openapi;
mod page;
mod parents;
mod security;
mod subject;

pub use api::document;
pub use failure::with_causes;
pub use host::{Host, Today};
pub use parents::Parents;
pub use security::of_this_machine;

use axum::Router;
use axum::middleware::{from_fn, map_response};

/// The pages and the API.
pub fn routes(host: Host) -> Router {
    Router::new()
        .merge(api::routes())
        .merge(browser::routes())
        .fallback(security::no_such_page)
        .method_not_allowed_fallback(security::only_get)
        .layer(from_fn(security::limits))
        .layer(map_response(security::headers))
        .with_state(host)
}
