//! Which days a run reads, and why.

use std::ops::Range;

use chrono::{DateTime, Days, NaiveDate, Utc};
use output_port_usage::snowflake::{Window, WindowPlan};
use output_port_usage::{Attribution, Error, Gap, GapReason, PortCoverage};

use crate::recount::Recount;

/// Which days the command line asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) since: Option<NaiveDate>,
    pub(crate) until: Option<NaiveDate>,
    pub(crate) recounts: &'a [Recount],
}

/// The days that can be read, before anybody knows which of them have to be.
pub(crate) struct Readable<'a> {
    /// All days that Snowflake still keeps, or those from the asked day on.
    window: WindowPlan,
    /// The last three days and today: their rows may have arrived late.
    trailing: Range<NaiveDate>,
    today: NaiveDate,
    asked: Asked<'a>,
}

/// What a run reads.
pub(crate) struct Plan {
    /// Ranges that do not touch, in order; the last one ends with today, unless the command line says otherwise.
    pub(crate) ranges: Vec<Range<NaiveDate>>,
    /// The first day whose rows may still arrive.
    pub(crate) unsettled_from: Option<NaiveDate>,
    /// Days that should be read but that Snowflake no longer keeps.
    pub(crate) expired: Option<Range<NaiveDate>>,
    /// What the coverage lacks of the days that are read.
    pub(crate) gaps: Vec<Gap>,
    /// Output ports of which no day was ever measured, though days of others were.
    pub(crate) new: Vec<PortCoverage>,
    /// From which day on days are read again that nothing says are wrong.
    pub(crate) recounted_from: Option<NaiveDate>,
}

impl<'a> Readable<'a> {
    pub(crate) fn new(
        attribution: &Attribution,
        now: DateTime<Utc>,
        asked: Asked<'a>,
    ) -> Result<Self, NoSuchDays> {
        let window = Window::new(attribution);
        let today = attribution.usage_date(now);
        let mut trailing = window.plan(now, today.checked_sub_days(Days::new(1)))?.days;
        let mut window = window.trailing_days(1).plan(now, asked.since)?;
        if let Some(until) = asked.until {
            for days in [&mut window.days, &mut trailing] {
                days.end = days.end.min(until);
            }
            if window.days.is_empty() {
                return Err(NoSuchDays::Reversed { from: window.days.start, until });
            }
        }
        Ok(Self { trailing, window, today, asked })
    }

    pub(crate) fn days(&self) -> Range<NaiveDate> {
        self.window.days.clone()
    }

    /// What a first run reads.
    pub(crate) fn first_run(self) -> Plan {
        let ranges = vec![self.days()];
        Plan { ranges, ..self.plan(Vec::new(), Vec::new()) }
    }

    /// What to read, by what the coverage has and lacks.
    ///
    /// Days that were asked for are all read. Otherwise it is what the coverage lacks, the last days once more, and now
    /// and then more of them.
    pub(crate) fn plan(self, gaps: Vec<Gap>, coverage: Vec<PortCoverage>) -> Plan {
        let last_measured = coverage.iter().filter_map(|port| port.last_measured).max();
        let is_asked = self.asked.since.is_some();
        // a first load that was stopped goes on, before anything is read twice
        let has_backlog = gaps
            .iter()
            .any(|gap| gap.reason == GapReason::NeverMeasured && gap.days.start < self.trailing.start);
        let kept_from = self.window.days.start;
        let due = |recount: &Recount| recount.first_day(self.today, kept_from, last_measured);
        let recounted_from = self.asked.recounts.iter().filter_map(due).min();
        let recounted_from =
            recounted_from.filter(|first| *first < self.trailing.start && !is_asked && !has_backlog);
        let ranges = match is_asked {
            true => vec![self.days()],
            false => {
                let recounted = recounted_from.map(|first| first..self.window.days.end);
                union(Gap::days(&gaps).into_iter().chain([self.trailing]).chain(recounted))
            }
        };
        let outage = last_measured.map(|last| last + Days::new(1)..self.window.days.start);
        let is_new = |port: &PortCoverage| last_measured.is_some() && port.first_measured.is_none();
        Plan {
            ranges,
            unsettled_from: self.window.unsettled_from(),
            expired: self.window.expired.or(outage.filter(|days| !days.is_empty())),
            gaps,
            new: coverage.into_iter().filter(is_new).collect(),
            recounted_from,
        }
    }
}

impl Plan {
    /// The first day of a range whose rows may still arrive.
    pub(crate) fn unsettled_in(&self, days: &Range<NaiveDate>) -> Option<NaiveDate> {
        self.unsettled_from.map(|from| from.max(days.start)).filter(|from| days.contains(from))
    }
}

/// Why there are no days to read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoSuchDays {
    #[error(transparent)]
    Window(#[from] Error),
    #[error("{from} is the first day to read, and none from {until} on may be read")]
    Reversed { from: NaiveDate, until: NaiveDate },
}

/// The same days as ranges that do not touch, in order.
fn union(ranges: impl Iterator<Item = Range<NaiveDate>>) -> Vec<Range<NaiveDate>> {
    let mut ranges: Vec<_> = ranges.filter(|days| !days.is_empty()).collect();
    ranges.sort_unstable_by_key(|days| (days.start, days.end));
    let mut apart: Vec<Range<NaiveDate>> = Vec::new();
    for next in ranges {
        match apart.last_mut() {
            Some(last) if next.start <= last.end => last.end = last.end.max(next.end),
            _ => apart.push(next),
        }
    }
    apart
}

/// The parts in which a range is counted, so that no part has more rows than memory is meant for.
///
/// How many rows a day has is seen when it was counted: the first part is a month, and each next one as long as the
/// rows of the one before let expect.
#[derive(Debug)]
pub(crate) struct Parts {
    rest: Range<NaiveDate>,
    length: u64,
    /// Whether a part had too many rows, so that the next ones grow with care.
    overflowed: bool,
    rows_at_once: usize,
}

impl Parts {
    const MONTH: u64 = 31;

    pub(crate) fn new(rows_at_once: usize) -> Self {
        let nothing = NaiveDate::MIN..NaiveDate::MIN;
        Self { rest: nothing, length: Self::MONTH, overflowed: false, rows_at_once }
    }

    /// Goes on with another range.
    pub(crate) fn begin(&mut self, range: Range<NaiveDate>) {
        self.rest = range;
    }

    /// The days to count now.
    pub(crate) fn current(&self) -> Option<Range<NaiveDate>> {
        let end = self.rest.start.checked_add_days(Days::new(self.length)).unwrap_or(self.rest.end);
        let part = self.rest.start..end.min(self.rest.end);
        (!part.is_empty()).then_some(part)
    }

    /// The most rows of a part, unless it is one day.
    pub(crate) fn most_rows(&self, part: &Range<NaiveDate>) -> usize {
        if days_in(part) > 1 { self.rows_at_once } else { usize::MAX }
    }

    /// The current part has more rows than that.
    pub(crate) fn halve(&mut self, part: &Range<NaiveDate>) {
        self.length = (days_in(part) / 2).max(1);
        self.overflowed = true;
    }

    /// The current part is done.
    pub(crate) fn next(&mut self, part: Range<NaiveDate>, rows: usize) {
        self.rest.start = part.end;
        let days = days_in(&part) * self.rows_at_once as u64 / (rows as u64).max(1);
        let longest = if self.overflowed { 2 * self.length } else { 366 };
        self.length = days.clamp(1, longest.min(366));
    }
}

fn days_in(days: &Range<NaiveDate>) -> u64 {
    (days.end - days.start).num_days().try_into().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use output_port_usage::{ConsumerId, OutputPortId, TechAssetId};
    use serde_json::{from_value, json};
    use uuid::Uuid;

    use super::*;
    use crate::report;

    fn attribution() -> Attribution {
        let asset = TechAssetId(Uuid::from_u128(1));
        let builder =
            Attribution::builder().object("db.s.t", asset).user("ana", ConsumerId(Uuid::from_u128(2)));
        builder
            .tech_asset(asset, [OutputPortId(Uuid::from_u128(3))])
            .time_zone("Europe/Brussels")
            .build()
            .unwrap()
    }

    fn gap(from: &str, until: &str) -> Gap {
        let days = json!({"start": from, "end": until});
        from_value(json!({"output_port_id": Uuid::from_u128(3), "days": days, "reason": "never_measured"}))
            .unwrap()
    }

    fn measured(last: Option<&str>) -> PortCoverage {
        let port = json!({"output_port_id": Uuid::from_u128(3), "first_measured": last, "last_measured": last,
            "settled_until": null, "missing_days": 0, "rules": null});
        from_value(port).unwrap()
    }

    fn planned(since: Option<&str>, gaps: &[(&str, &str)], last: Option<&str>) -> Plan {
        let since = since.map(|since| since.parse().unwrap());
        asked(Asked { since, until: None, recounts: &[] }, gaps, last)
    }

    fn asked(asked: Asked<'_>, gaps: &[(&str, &str)], last: Option<&str>) -> Plan {
        let now = "2026-03-12T02:00:00Z".parse().unwrap(); // 3 o'clock in Brussels
        let gaps = gaps.iter().map(|(from, until)| gap(from, until)).collect();
        Readable::new(&attribution(), now, asked).unwrap().plan(gaps, vec![measured(last)])
    }

    fn shown(plan: &Plan) -> Vec<String> {
        plan.ranges.iter().map(report::days).collect()
    }

    #[test]
    fn what_the_coverage_lacks_is_read_and_the_last_days_again() {
        let today = Some("2026-03-12");
        assert_eq!(shown(&planned(None, &[], today)), ["2026-03-09 to 2026-03-12"]);
        let outage =
            [("2026-02-01", "2026-02-03"), ("2026-03-05", "2026-03-08"), ("2026-03-11", "2026-03-13")];
        assert_eq!(
            shown(&planned(None, &outage, today)),
            ["2026-02-01 to 2026-02-02", "2026-03-05 to 2026-03-07", "2026-03-09 to 2026-03-12"]
        );
        // a range that touches the last days is one with them
        assert_eq!(
            shown(&planned(None, &[("2026-03-05", "2026-03-09")], today)),
            ["2026-03-05 to 2026-03-12"]
        );
        let year = [("2025-03-13", "2026-03-13")];
        assert_eq!(shown(&planned(None, &year, None)), ["2025-03-13 to 2026-03-12"]);
    }

    #[test]
    fn days_that_are_asked_for_are_read_whole_and_no_others() {
        let gaps = [("2026-03-02", "2026-03-03")];
        assert_eq!(shown(&planned(Some("2026-03-01"), &gaps, None)), ["2026-03-01 to 2026-03-12"]);
        assert_eq!(shown(&planned(Some("2026-03-12"), &[], None)), ["2026-03-12"]);
    }

    #[test]
    fn the_first_run_of_a_day_reads_more_days_again() {
        let recounts = Recount::defaults();
        let planned = |last| {
            let asks = Asked { since: None, until: None, recounts: &recounts };
            shown(&asked(asks, &[("2026-03-12", "2026-03-13")], Some(last)))
        };
        // a Thursday: after a run on that day, on the day before, and in the week before
        assert_eq!(planned("2026-03-12"), ["2026-03-09 to 2026-03-12"]);
        assert_eq!(planned("2026-03-11"), ["2026-02-11 to 2026-03-12"]);
        assert_eq!(planned("2026-03-08"), ["2025-03-13 to 2026-03-12"]);
        // a first load that was stopped goes before it
        let asks = Asked { since: None, until: None, recounts: &recounts };
        let rest = asked(asks, &[("2026-02-01", "2026-03-13")], Some("2026-01-31"));
        assert_eq!(shown(&rest), ["2026-02-01 to 2026-03-12"]);
        // and so does the command line
        let day = NaiveDate::from_ymd_opt(2026, 3, 11);
        let asks = Asked { since: day, until: None, recounts: &recounts };
        assert_eq!(shown(&asked(asks, &[], Some("2026-03-08"))), ["2026-03-11 to 2026-03-12"]);
    }

    #[test]
    fn no_day_is_read_from_the_day_on_that_the_command_line_says() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 3, day);
        let asks = |since, until| Asked { since, until, recounts: &[] };
        let first_load = asked(asks(None, day(1)), &[("2025-03-13", "2026-03-01")], None);
        assert_eq!(shown(&first_load), ["2025-03-13 to 2026-02-28"]);
        assert_eq!(shown(&asked(asks(day(2), day(5)), &[], None)), ["2026-03-02 to 2026-03-04"]);
        assert_eq!(shown(&asked(asks(None, day(11)), &[], None)), ["2026-03-09 to 2026-03-10"]);
        let now = "2026-03-12T02:00:00Z".parse().unwrap();
        let error = Readable::new(&attribution(), now, asks(day(5), day(5))).err().unwrap();
        assert_eq!(
            error.to_string(),
            "2026-03-05 is the first day to read, and none from 2026-03-05 on may be read"
        );
    }

    #[test]
    fn parts_are_as_long_as_their_rows_allow() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let mut parts = Parts::new(1000);
        parts.begin(day("2025-03-13")..day("2026-03-13"));
        let first = parts.current().unwrap();
        assert_eq!(report::days(&first), "2025-03-13 to 2025-04-12");
        assert_eq!(parts.most_rows(&first), 1000);
        parts.halve(&first);
        let half = parts.current().unwrap();
        assert_eq!(report::days(&half), "2025-03-13 to 2025-03-27");
        parts.next(half, 500); // 15 days of 500 rows
        assert_eq!(report::days(&parts.current().unwrap()), "2025-03-28 to 2025-04-26");
        parts.next(parts.current().unwrap(), 0);
        // twice as long at most, as one part had too many rows
        assert_eq!(report::days(&parts.current().unwrap()), "2025-04-27 to 2025-06-25");
        for _ in 0..2 {
            parts.next(parts.current().unwrap(), 0);
        }
        parts.next(parts.current().unwrap(), usize::MAX);
        assert_eq!(parts.current(), None);
        // a day is never cut, whatever it holds
        parts.begin(day("2026-03-13")..day("2026-03-15"));
        let one = parts.current().unwrap();
        assert_eq!((report::days(&one), parts.most_rows(&one)), ("2026-03-13".to_owned(), usize::MAX));
    }

    #[test]
    fn a_range_is_unsettled_from_the_day_that_may_still_change() {
        // rows of the 11th may arrive until 3 hours after its end
        let plan = planned(None, &[("2026-02-01", "2026-02-03")], Some("2026-03-12"));
        let unsettled: Vec<_> = plan.ranges.iter().map(|days| plan.unsettled_in(days)).collect();
        assert_eq!(unsettled, [None, "2026-03-12".parse().ok()]);
        let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
        assert_eq!(plan.unsettled_in(&(day(12)..day(13))), Some(day(12)));
        assert_eq!(plan.unsettled_in(&(day(9)..day(12))), None);
    }

    #[test]
    fn days_that_snowflake_no_longer_keeps_are_said() {
        let expired = |plan: Plan| plan.expired.map(|days| report::days(&days));
        assert_eq!(expired(planned(None, &[], None)), None);
        assert_eq!(expired(planned(None, &[], Some("2025-03-12"))), None);
        assert_eq!(expired(planned(None, &[], Some("2025-03-01"))).unwrap(), "2025-03-02 to 2025-03-12");
        assert_eq!(expired(planned(Some("2025-03-10"), &[], None)).unwrap(), "2025-03-10 to 2025-03-12");
    }
}
