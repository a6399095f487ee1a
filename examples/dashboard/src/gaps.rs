//! Which days of an output port nobody measured, or not yet for good.

use axum::response::Response;
use chrono::NaiveDate;
use output_port_usage::chart::Row;
use output_port_usage::{Gap, GapReason, Gaps, OutputPortId, PortCoverage, Scope};
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::{self, HalfOpen};
use crate::asked::Format;
use crate::csv;
use crate::failure::Failure;
use crate::page::Page;

/// What is known of an output port's days.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PortDays {
    days: HalfOpen,
    /// The first day that was ever measured.
    #[schema(required = true)]
    first_measured: Option<NaiveDate>,
    /// The last day that was ever measured.
    #[schema(required = true)]
    last_measured: Option<NaiveDate>,
    /// The day after the last that no later run is expected to change.
    #[schema(required = true)]
    settled_until: Option<NaiveDate>,
    /// The gaps within the page's days, the first one first.
    gaps: Vec<DaysLacking>,
}

/// Some days, and what they lack.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DaysLacking {
    #[serde(flatten)]
    days: HalfOpen,
    /// `never_measured`, or `unsettled` where more may come.
    #[schema(value_type = String)]
    reason: GapReason,
}

/// The coverage of the page's days.
pub(crate) async fn of_port(mut page: Page<OutputPortId>) -> Result<Response, Failure> {
    let (port, days) = (page.subject, page.days());
    let of_port = page.fetch(page.model().coverage([port])?).await?.pop();
    let gaps = Gaps::of(Scope::new(days.clone(), [port])?);
    let gaps: Vec<Gap> = page.fetch(page.model().gaps(&gaps)?).await?;
    if page.asked.format() == Format::Csv {
        return csv::file("coverage", &gaps.iter().map(Row::record).collect::<Vec<_>>());
    }
    let of_port = of_port.as_ref();
    let day = |day: fn(&PortCoverage) -> Option<NaiveDate>| of_port.and_then(day);
    answer::json(&PortDays {
        days: days.into(),
        first_measured: day(|port| port.first_measured),
        last_measured: day(|port| port.last_measured),
        settled_until: day(|port| port.settled_until),
        gaps: gaps.into_iter().map(|gap| DaysLacking { days: gap.days.into(), reason: gap.reason }).collect(),
    })
}
