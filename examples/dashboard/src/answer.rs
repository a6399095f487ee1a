//! A chart as JSON.

use std::ops::Range;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use output_port_usage::chart::Bucket;
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

/// What a chart is of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Period {
    #[serde(serialize_with = "days")]
    #[schema(value_type = HalfOpen)]
    pub(crate) days: Range<NaiveDate>,
    /// The days that it is compared with, if it is.
    #[serde(serialize_with = "days_or_none", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<HalfOpen>)]
    pub(crate) previous: Option<Range<NaiveDate>>,
    /// The axis of a chart over time: where each bucket starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) buckets: Option<Vec<Bucket>>,
}

/// Days from the first to the one after the last.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HalfOpen {
    from: NaiveDate,
    until: NaiveDate,
}

fn days<S: serde::Serializer>(days: &Range<NaiveDate>, serializer: S) -> Result<S::Ok, S::Error> {
    HalfOpen { from: days.start, until: days.end }.serialize(serializer)
}

fn days_or_none<S: serde::Serializer>(
    period: &Option<Range<NaiveDate>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match period {
        Some(period) => days(period, serializer),
        None => serializer.serialize_none(),
    }
}

/// Any answer that is not a chart's rows as a file.
pub(crate) fn json(answer: &impl Serialize) -> Result<Response, Failure> {
    Ok(([(CONTENT_TYPE, "application/json")], serde_json::to_vec(answer)?).into_response())
}
