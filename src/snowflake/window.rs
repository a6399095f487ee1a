//! Which days to read again, and which of them are settled.

use std::ops::Range;
use std::time::Duration;

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};

use crate::attribution::Attribution;
use crate::error::{Error, Kind};
use crate::time::check_day;

/// How long `ACCOUNT_USAGE` keeps a row of its history views (Snowflake's page "Account Usage").
const KEPT: TimeDelta = TimeDelta::days(365);

/// Plans which days a run aggregates.
///
/// A row appears in `ACCESS_HISTORY` after its query has ended, and up to 3 hours late (Snowflake's page
/// "Account Usage", latency of the views). So each run reads the last days again, and calls a day
/// settled only when the lag has passed since its end.
///
/// # Example
///
/// ```
/// # use output_port_usage::{Attribution, ConsumerId, OutputPortId, TechAssetId};
/// # use uuid::Uuid;
/// use chrono::{DateTime, NaiveDate};
/// use output_port_usage::snowflake::Window;
///
/// # let (port, table) = (OutputPortId(Uuid::from_u128(1)), TechAssetId(Uuid::from_u128(2)));
/// # let attribution = Attribution::builder()
/// #     .object("db.s.t", table)
/// #     .tech_asset(table, [port])
/// #     .user("ana", ConsumerId(Uuid::from_u128(3)))
/// #     .build()?;
/// let now: DateTime<chrono::Utc> = "2026-03-12T02:00:00Z".parse()?;
/// let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
/// let plan = Window::new(&attribution).plan(now, Some(day(10)))?;
/// assert_eq!(plan.days, day(8)..day(13)); // 8, 9 and 10 again, 11 and 12 for the first time
/// assert_eq!(plan.settled, day(8)..day(11)); // rows of the 11th may still arrive until 03:00
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a window plans nothing until `plan` is called"]
pub struct Window<'a> {
    attribution: &'a Attribution,
    trailing_days: u32,
    settle_lag: Duration,
}

/// The days of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowPlan {
    /// The local days to aggregate, today included.
    pub days: Range<NaiveDate>,
    /// The first part of [`days`](Self::days), those that ended the [settle lag](Window::settle_lag) or longer
    /// ago; may be empty.
    ///
    /// A query that runs on for longer past the end of its day appears later still, and the trailing days
    /// read it then.
    ///
    /// Its last day is the one to hand to the next [`Window::plan`].
    pub settled: Range<NaiveDate>,
    /// A warning: days before [`days`](Self::days) that should be read but are no longer kept completely.
    ///
    /// They are left out of `days`, because counting them now would replace what was counted in time.
    pub expired: Option<Range<NaiveDate>>,
}

impl WindowPlan {
    /// The first of the [`days`](Self::days) that are not settled, for
    /// [`UsageBatch::with_unsettled_from`](crate::UsageBatch::with_unsettled_from); `None` if all of them are.
    pub fn unsettled_from(&self) -> Option<NaiveDate> {
        (self.settled.end < self.days.end).then_some(self.settled.end)
    }
}

impl<'a> Window<'a> {
    /// Days in the time zone of `attribution`.
    pub fn new(attribution: &'a Attribution) -> Self {
        Self { attribution, trailing_days: 3, settle_lag: Duration::from_secs(3 * 3600) }
    }

    /// How many days up to the last ingested one are read again. Defaults to 3.
    ///
    /// [`plan`](Self::plan) refuses zero.
    pub fn trailing_days(mut self, days: u32) -> Self {
        self.trailing_days = days;
        self
    }

    /// How long after the end of a day its rows may appear. Defaults to 3 hours.
    ///
    /// A row appears once its query has ended, up to 3 hours late: a query from 23:00 to 04:00 is there by
    /// 07:00. A host with such queries adds their longest to the 3 hours.
    pub fn settle_lag(mut self, lag: Duration) -> Self {
        self.settle_lag = lag;
        self
    }

    /// The days to read at `now`, if everything up to `last_ingested` has been ingested.
    ///
    /// Without a last day: all days that are still kept completely. A last day in the future counts as today.
    ///
    /// # Errors
    ///
    /// Zero trailing days; an instant or a day outside the years 1 to 9999.
    pub fn plan(&self, now: DateTime<Utc>, last_ingested: Option<NaiveDate>) -> Result<WindowPlan, Error> {
        if self.trailing_days == 0 {
            return Err(Kind::NoTrailingDays.into());
        }
        check_day(now.date_naive())?;
        let today = self.attribution.usage_date(now);
        check_day(today)?;
        let until = today + Days::new(1);
        let kept = first_kept_day(self.attribution, now);
        let from = match last_ingested {
            None => kept,
            Some(last) => {
                check_day(last)?;
                let trailing = Days::new(self.trailing_days.into());
                (last.min(today) + Days::new(1)).checked_sub_days(trailing).unwrap_or(kept)
            }
        };
        let start = from.max(kept);
        check_day(start)?;
        Ok(WindowPlan {
            settled: start..self.settled_until(now, until).max(start),
            days: start..until,
            expired: (from < start).then_some(from..start),
        })
    }

    /// The end of the days before `until` whose last instant is the lag or longer ago.
    fn settled_until(&self, now: DateTime<Utc>, until: NaiveDate) -> NaiveDate {
        let settled = TimeDelta::from_std(self.settle_lag)
            .ok()
            .and_then(|lag| now.checked_sub_signed(lag))
            .filter(|instant| is_planned(*instant));
        let Some(settled) = settled else { return NaiveDate::MIN };
        // the day of that instant is not over yet; nor may the one before be, where a clock was put
        // back over midnight
        let mut end = self.attribution.usage_date(settled).min(until);
        while self.attribution.local_days(end - Days::new(1)..end).bounds().end > settled.timestamp() {
            end = end - Days::new(1);
        }
        end
    }
}

/// The first of `days` to the last that is not kept completely at `now`.
pub(super) fn expired(
    attribution: &Attribution,
    days: Range<NaiveDate>,
    now: DateTime<Utc>,
) -> Option<Range<NaiveDate>> {
    let kept = first_kept_day(attribution, now).min(days.end);
    (days.start < kept).then_some(days.start..kept)
}

/// The first day of which every instant is kept at `now`.
fn first_kept_day(attribution: &Attribution, now: DateTime<Utc>) -> NaiveDate {
    let kept = now.checked_sub_signed(KEPT).filter(|instant| is_planned(*instant));
    let Some(kept) = kept else { return NaiveDate::MIN };
    let mut day = attribution.usage_date(kept);
    while attribution.local_days(day..day + Days::new(1)).bounds().start < kept.timestamp() {
        day = day + Days::new(1);
    }
    day
}

/// Whether days around an instant are in the years 1 to 9999.
fn is_planned(instant: DateTime<Utc>) -> bool {
    (2..=9998).contains(&instant.year())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::{ConsumerId, OutputPortId, TechAssetId};

    fn attribution(zone: &str) -> Attribution {
        let table = TechAssetId(Uuid::from_u128(1));
        Attribution::builder()
            .object("db.s.t", table)
            .tech_asset(table, [OutputPortId(Uuid::from_u128(2))])
            .user("ana", ConsumerId(Uuid::from_u128(3)))
            .time_zone(zone)
            .build()
            .unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn plan(zone: &str, now: &str, last: Option<&str>) -> WindowPlan {
        Window::new(&attribution(zone)).plan(now.parse().unwrap(), last.map(day)).unwrap()
    }

    fn shown(plan: &WindowPlan) -> String {
        let range = |days: &Range<NaiveDate>| format!("{}..{}", days.start, days.end);
        let expired = plan.expired.as_ref().map(range).unwrap_or_default();
        format!("{} settled {} expired {expired}", range(&plan.days), range(&plan.settled))
    }

    #[test]
    fn a_run_reads_the_last_three_days_again_and_settles_after_three_hours() {
        for (zone, now, last, expected) in [
            (
                "UTC",
                "2026-03-12T02:59:59Z",
                "2026-03-11",
                "2026-03-09..2026-03-13 settled 2026-03-09..2026-03-11",
            ),
            (
                "UTC",
                "2026-03-12T03:00:00Z",
                "2026-03-11",
                "2026-03-09..2026-03-13 settled 2026-03-09..2026-03-12",
            ),
            (
                "UTC",
                "2026-03-12T12:00:00Z",
                "2026-03-12",
                "2026-03-10..2026-03-13 settled 2026-03-10..2026-03-12",
            ),
            // a clock that is ahead, and runs that were missed
            (
                "UTC",
                "2026-03-12T12:00:00Z",
                "2026-04-01",
                "2026-03-10..2026-03-13 settled 2026-03-10..2026-03-12",
            ),
            (
                "UTC",
                "2026-03-12T12:00:00Z",
                "2026-03-01",
                "2026-02-27..2026-03-13 settled 2026-02-27..2026-03-12",
            ),
            // 23:30 UTC is the next day in Brussels, which the lag has not reached
            (
                "Europe/Brussels",
                "2026-03-11T23:30:00Z",
                "2026-03-11",
                "2026-03-09..2026-03-13 settled 2026-03-09..2026-03-11",
            ),
            // the 6th came back until 03:30 UTC of the 7th
            (
                "America/St_Johns",
                "2010-11-07T06:29:59Z",
                "2010-11-06",
                "2010-11-04..2010-11-08 settled 2010-11-04..2010-11-06",
            ),
            (
                "America/St_Johns",
                "2010-11-07T06:30:00Z",
                "2010-11-06",
                "2010-11-04..2010-11-08 settled 2010-11-04..2010-11-07",
            ),
        ] {
            let plan = plan(zone, now, Some(last));
            assert_eq!(shown(&plan), format!("{expected} expired "), "{zone} {now} {last}");
        }
    }

    #[test]
    fn a_first_run_reads_every_day_that_is_kept_whole() {
        let first = plan("UTC", "2026-03-12T12:00:00Z", None);
        assert_eq!(shown(&first), "2025-03-13..2026-03-13 settled 2025-03-13..2026-03-12 expired ");
        let at_midnight = plan("UTC", "2026-03-12T00:00:00Z", None);
        assert_eq!(at_midnight.days, day("2025-03-12")..day("2026-03-13"));
    }

    #[test]
    fn days_that_are_no_longer_kept_are_a_warning_and_are_not_read() {
        let late = plan("UTC", "2026-03-12T12:00:00Z", Some("2025-03-01"));
        assert_eq!(
            shown(&late),
            "2025-03-13..2026-03-13 settled 2025-03-13..2026-03-12 expired 2025-02-27..2025-03-13"
        );
    }

    #[test]
    fn the_window_can_be_set() {
        let attribution = attribution("UTC");
        let now = "2026-03-12T12:00:00Z".parse().unwrap();
        let window = Window::new(&attribution).trailing_days(1).settle_lag(Duration::ZERO);
        let plan = window.plan(now, Some(day("2026-03-12"))).unwrap();
        assert_eq!(shown(&plan), "2026-03-12..2026-03-13 settled 2026-03-12..2026-03-12 expired ");
        let slow = window.clone().settle_lag(Duration::from_secs(36 * 3600 + 1));
        assert_eq!(
            slow.trailing_days(3).plan(now, Some(day("2026-03-12"))).unwrap().settled.end,
            day("2026-03-10")
        );
    }

    #[test]
    fn windows_out_of_all_bounds_are_refused_or_clipped() {
        let attribution = attribution("America/St_Johns");
        let window = Window::new(&attribution);
        let now = "2026-03-12T12:00:00Z".parse().unwrap();
        let error = window.clone().trailing_days(0).plan(now, None).unwrap_err();
        assert_eq!(error.to_string(), "trailing days are zero: a run reads at least one day again");
        for now in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert!(window.plan(now, None).unwrap_err().is_request());
        }
        assert!(window.plan(now, Some(NaiveDate::MAX)).unwrap_err().is_request());
        let wide = window.trailing_days(u32::MAX).settle_lag(Duration::MAX);
        let plan = wide.plan(now, Some(day("0001-01-01"))).unwrap();
        assert_eq!(plan.days, day("2025-03-13")..day("2026-03-13"));
        assert!(plan.settled.is_empty());
    }
}
