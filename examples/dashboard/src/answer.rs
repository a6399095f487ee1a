//! What a chart is answered with, as JSON.

use std::ops::Range;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use output_port_usage::chart::{Bucket, WithPrevious};
use serde::Serialize;
use utoipa::ToSchema;

use crate::failure::Failure;

/// A chart: the days that it counts, and its rows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Answer<R> {
    #[serde(flatten)]
    pub(crate) period: Period,
    /// The library's own rows, in its order.
    pub(crate) rows: Vec<R>,
}

/// A chart whose rows say how much there was before, if the page is compared with other days.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the document alone names it: a handler knows which of the two it answers with")]
pub(crate) enum Compared<R> {
    With(Answer<WithPrevious<R>>),
    Without(Answer<R>),
}

/// What a chart is of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Period {
    pub(crate) days: HalfOpen,
    /// The days that it is compared with, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<HalfOpen>,
    /// The axis of a chart over time: where each bucket starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) buckets: Option<Vec<Bucket>>,
}

/// Days from the first to the one after the last.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct HalfOpen {
    /// The first.
    from: NaiveDate,
    /// The day after the last.
    until: NaiveDate,
}

impl From<Range<NaiveDate>> for HalfOpen {
    fn from(days: Range<NaiveDate>) -> Self {
        Self { from: days.start, until: days.end }
    }
}

/// Any answer but a file.
pub(crate) fn json(answer: &impl Serialize) -> Result<Response, Failure> {
    Ok(([(CONTENT_TYPE, "application/json")], serde_json::to_vec(answer)?).into_response())
}
