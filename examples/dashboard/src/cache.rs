//! How long a browser keeps an answer, and how it asks whether that is still the same.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

/// Counts change about once an hour, so going back and forth within a minute asks nothing.
const OF_A_CHART: HeaderValue = HeaderValue::from_static("private, max-age=60");
/// Pages and scripts change with a release: the browser asks each time, and is told that nothing did.
const OF_A_FILE: HeaderValue = HeaderValue::from_static("no-cache");

pub(crate) async fn charts(request: Request, next: Next) -> Response {
    tagged(request, next, OF_A_CHART).await
}

pub(crate) async fn files(request: Request, next: Next) -> Response {
    tagged(request, next, OF_A_FILE).await
}

/// The answer with a tag of what it holds; none at all where the browser has it already.
async fn tagged(request: Request, next: Next, keep: HeaderValue) -> Response {
    let known = request.headers().get(IF_NONE_MATCH).cloned();
    let is_get = request.method() == Method::GET;
    let response = next.run(request).await;
    if !is_get || response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // the handlers have made all of it already, so it is no longer than they let it be
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let tag = format!("\"{}\"", Uuid::new_v5(&Uuid::NAMESPACE_OID, &body).simple());
    let is_known = known.is_some_and(|known| holds(&known, &tag));
    // a host that asks who somebody is gives nobody another's charts
    let by_user = HeaderValue::from_static("authorization, cookie");
    let headers: [_; 3] =
        [(ETAG, HeaderValue::from_str(&tag).ok()), (CACHE_CONTROL, Some(keep)), (VARY, Some(by_user))];
    let headers: HeaderMap = headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    if is_known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    parts.headers.extend(headers);
    Response::from_parts(parts, Body::from(body))
}

/// Whether `If-None-Match` names the tag. A proxy that compressed the answer has made it a weak one.
fn holds(known: &HeaderValue, tag: &str) -> bool {
    let known = known.to_str().unwrap_or_default();
    known.trim() == "*" || known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag)
}
