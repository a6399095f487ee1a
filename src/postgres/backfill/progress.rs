//! How far a back-fill has come.

use std::ops::Range;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::postgres::Outcome;

/// How far a back-fill has come; see [`Backfill::on_progress`](crate::Backfill::on_progress).
///
/// As JSON:
///
/// ```
/// # use output_port_usage::BackfillProgress;
/// let json = serde_json::json!({
///     "step": "loaded",
///     "days": {"start": "2023-01-01", "end": "2023-01-15"},
///     "outcome": {
///         "queries": {"written": 40, "unchanged": 0, "removed": 0, "skipped": 0},
///         "touches": null,
///         "combinations": null,
///         "unknown": {"output_ports": [], "tech_assets": [], "consumers": []}
///     }
/// });
/// let progress: BackfillProgress = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&progress)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BackfillProgress {
    /// What just happened.
    pub step: BackfillStep,
    /// The days loaded so far, half open, from the first day of the scope.
    pub days: Range<NaiveDate>,
    /// What was done to each table so far.
    pub outcome: Outcome,
}

/// What a back-fill did last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BackfillStep {
    /// A batch was loaded.
    Loaded,
    /// Every batch was loaded, and the dropped keys are about to be added again. That may take a while and reports
    /// no progress.
    AddingKeys,
}
