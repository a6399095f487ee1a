//! The query string of every page and chart: what it may say, and how much of it.

use std::ops::Range;

use chrono::NaiveDate;
use output_port_usage::chart::{Comparison, PortOrder};
use output_port_usage::{Granularity, last_days};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::failure::Failure;

/// The most days of a page: ten years and their leap days.
const MAX_DAYS: u32 = 3_653;
/// The most rows of a ranking, and series of a chart.
const MAX_TOP: u32 = 50;

/// What a page or a chart is asked for. Every part has a default, and every chart takes all of them.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// As many days until today, 1 to 3653. Not beside `from` and `until`.
    #[param(minimum = 1, maximum = 3653, default = 90)]
    days: Option<u32>,
    /// The first day, together with `until`.
    from: Option<NaiveDate>,
    /// The day after the last.
    until: Option<NaiveDate>,
    /// The buckets of a chart over time. The first of them is whole, even if it begins before the days.
    #[param(default = "week")]
    granularity: Option<Granularity>,
    /// The earlier days to compare with. Without it, rows have no change.
    compare: Option<Compare>,
    /// What a split and a distribution are by.
    #[param(default = "consumer")]
    by: Option<By>,
    /// The most rows of a ranking, or series of a split, 1 to 50.
    #[param(minimum = 1, maximum = 50, default = 10)]
    top: Option<u32>,
    /// Which output ports come first; other than `queries` it needs `compare`.
    #[param(default = "queries")]
    order: Option<PortOrder>,
    /// Whether a ranking that is compared has those that were used only before.
    #[param(default = false)]
    gone: Option<bool>,
    /// The chart as JSON, or its rows as a file for a spreadsheet.
    #[param(default = "json")]
    format: Option<Format>,
}

/// The earlier days that a chart is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Compare {
    PreviousPeriod,
    YearBefore,
    YearBeforeByWeekday,
}

/// What the parts of a chart are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    #[default]
    Consumer,
    Group,
}

/// What an answer is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    #[default]
    Json,
    Csv,
}

impl Asked {
    /// Refuses what would cost too much, or contradicts itself.
    pub(crate) fn check(self) -> Result<Self, Failure> {
        let days = match (self.days, self.from, self.until) {
            (days, None, None) => days.unwrap_or(90).into(),
            (None, Some(from), Some(until)) => (until - from).num_days(),
            (Some(_), _, _) => return Err(Failure::asked("days: not beside from and until")),
            _ => return Err(Failure::asked("from and until: one needs the other")),
        };
        if !(1..=i64::from(MAX_DAYS)).contains(&days) {
            return Err(Failure::asked(format!("days: 1 to {MAX_DAYS} of them, not {days}")));
        }
        let top = self.top();
        if !(1..=MAX_TOP).contains(&top) {
            return Err(Failure::asked(format!("top: 1 to {MAX_TOP}, not {top}")));
        }
        if self.compare.is_none() && (self.order() != PortOrder::Queries || self.gone()) {
            return Err(Failure::asked("order and gone: they need compare"));
        }
        Ok(self)
    }

    pub(crate) fn days(&self, today: NaiveDate) -> Range<NaiveDate> {
        match (self.from, self.until) {
            (Some(from), Some(until)) => from..until,
            _ => last_days(self.days.unwrap_or(90), today),
        }
    }

    pub(crate) fn granularity(&self) -> Granularity {
        self.granularity.unwrap_or(Granularity::Week)
    }

    pub(crate) fn comparison(&self) -> Option<Comparison> {
        self.compare.map(|compare| match compare {
            Compare::PreviousPeriod => Comparison::PreviousPeriod,
            Compare::YearBefore => Comparison::YearBefore,
            Compare::YearBeforeByWeekday => Comparison::YearBeforeByWeekday,
        })
    }

    pub(crate) fn by(&self) -> By {
        self.by.unwrap_or_default()
    }

    pub(crate) fn top(&self) -> u32 {
        self.top.unwrap_or(10)
    }

    pub(crate) fn order(&self) -> PortOrder {
        self.order.unwrap_or_default()
    }

    pub(crate) fn gone(&self) -> bool {
        self.gone.unwrap_or_default()
    }

    pub(crate) fn format(&self) -> Format {
        self.format.unwrap_or_default()
    }
}
