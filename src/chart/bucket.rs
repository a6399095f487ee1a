//! One bucket of a time axis.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A bucket of a chart's time axis.
///
/// A series has one count for each bucket, in the same order.
///
/// As JSON:
///
/// ```
/// # use output_port_usage::chart::Bucket;
/// let json = serde_json::json!({"start": "2026-06-29", "partial": true});
/// let bucket: Bucket = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&bucket)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema), schema(description = "A bucket of a time axis."))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bucket {
    /// The first day of the bucket, which may lie before the requested days.
    pub start: NaiveDate,
    /// Whether the bucket holds days that were not requested.
    pub partial: bool,
}

impl Bucket {
    pub(super) fn new(start: NaiveDate, partial: bool) -> Self {
        Self { start, partial }
    }
}
