//! What every answer says to a browser, and what no request may have.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{
    CONTENT_LENGTH, CONTENT_SECURITY_POLICY, HOST, HeaderName, REFERRER_POLICY, TRANSFER_ENCODING,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::failure::Failure;

/// Scripts, styles and data of this server alone, none of it inline, and in no other site's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The longest query string, in bytes.
const MAX_QUERY: usize = 1_000;

pub(crate) async fn headers(mut response: Response) -> Response {
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Refuses what no page and no chart takes, before anything looks at it.
pub(crate) async fn limits(request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let failure = if query.len() > MAX_QUERY {
        let message = format!("a query string of {} bytes; {MAX_QUERY} are the most", query.len());
        Failure::new(StatusCode::URI_TOO_LONG, message)
    } else if query.contains("%00") {
        Failure::asked("a query string with a NUL, which no name has")
    } else if has_body(&request) {
        Failure::asked("a request with a body, where none is wanted")
    } else {
        return next.run(request).await;
    };
    failure.into_response()
}

fn has_body(request: &Request) -> bool {
    let length = request.headers().get(CONTENT_LENGTH);
    request.headers().contains_key(TRANSFER_ENCODING) || length.is_some_and(|length| length != "0")
}

pub(crate) async fn no_such_page() -> Failure {
    Failure::not_found("there is no such page")
}

/// Refuses requests that name another host: a page elsewhere may have made its name mean this machine (DNS rebinding).
///
/// For a service that listens on the loopback alone.
pub async fn of_this_machine(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let name = host.and_then(|host| host.parse::<Authority>().ok());
    let is_own = name.as_ref().map(|name| name.host()).is_some_and(|name| {
        let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
        name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    });
    if is_own {
        return next.run(request).await;
    }
    Failure::new(StatusCode::MISDIRECTED_REQUEST, "a request to another host than localhost").into_response()
}

pub(crate) async fn only_get() -> Failure {
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "only GET: nothing here is written")
}
