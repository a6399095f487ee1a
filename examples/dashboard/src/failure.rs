//! What a request can fail of, and its status.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use output_port_usage::Error;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A request without an answer.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    message: String,
}

/// What a failed request is answered with.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Failed {
    /// What was wrong, for a person.
    error: String,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// The caller asked for what nobody can be given.
    pub(crate) fn asked(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// Ours alone: the caller learns no details, the log does.
    fn internal(error: &dyn std::error::Error) -> Self {
        eprintln!("error: {}", access_log::printable(&with_causes(error)));
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "an error of the server, which its log tells")
    }

    fn unavailable(message: &str, error: &sqlx::Error) -> Self {
        eprintln!("unavailable: {}", access_log::printable(&with_causes(error)));
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }
}

/// An error and what caused it, each after a colon; SQLx's own says its cause already.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |error| error.source()) {
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Of the library: the caller's fault, a chart that this model has no tables for, or ours.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if error.is_request() {
            Self::asked(error.to_string())
        } else if error.is_configuration() {
            Self::not_found(error.to_string())
        } else {
            Self::internal(&error)
        }
    }
}

/// Of the database: away or busy, which passes, or anything else.
impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        // a pool that waits for a connection cannot tell a server that is away from one that is busy
        const AWAY: &str = "the database is busy or away: try again in a few seconds";
        match &error {
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Io(_)
            | sqlx::Error::BeginFailed => Self::unavailable(AWAY, &error),
            sqlx::Error::Database(database) => match database.code().as_deref() {
                Some("57014") => Self::unavailable("the database took too long", &error),
                // a shutdown or a start, or as many connections as it takes
                Some("57P01" | "57P02" | "57P03" | "53300") => Self::unavailable(AWAY, &error),
                _ => Self::internal(&error),
            },
            _ => Self::internal(&error),
        }
    }
}

/// Of a query string: the parameter, and what is wrong with it.
impl From<QueryRejection> for Failure {
    fn from(rejection: QueryRejection) -> Self {
        let cause = std::error::Error::source(&rejection).map(ToString::to_string);
        Self::asked(cause.unwrap_or_else(|| rejection.body_text()))
    }
}

impl From<::csv::Error> for Failure {
    fn from(error: ::csv::Error) -> Self {
        Self::internal(&error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(Failed { error: self.message })).into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
