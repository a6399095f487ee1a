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
    /// What has to be read: ranges that do not touch, in order; the last one ends with today, unless the command line says
    /// otherwise.
    pub(crate) ranges: Vec<Range<NaiveDate>>,
    /// What is read after that, though nothing says that it is wrong: other days, in ranges that do not touch, in order.
    pub(crate) once_more: Vec<Range<NaiveDate>>,
    /// The first day whose rows may still arrive.
    pub(crate) unsettled_from: Option<NaiveDate>,
    /// Days that should be read but that Snowflake no longer keeps.
    pub(crate) expired: Option<Range<NaiveDate>>,
    /// What the coverage lacks of the days that are read.
    pub(crate) gaps: Vec<Gap>,
    /// Output ports of which no day was ever measured, though days of others were.
    pub(crate) new: Vec<PortCoverage>,
    /// From which day on everything is read, where that takes reading days once more.
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
        let nothing = self.plan(Vec::new(), Vec::new());
        Plan { ranges, once_more: Vec::new(), recounted_from: None, ..nothing }
    }

    /// What to read, by what the coverage has and lacks.
    ///
    /// Days that were asked for are all read. Otherwise it is what the coverage lacks and the last days, and then, now and
    /// then, more of them once more.
    pub(crate) fn plan(self, gaps: Vec<Gap>, coverage: Vec<PortCoverage>) -> Plan {
        let last_measured = coverage.iter().filter_map(|port| port.last_measured).max();
        let is_asked = self.asked.since.is_some();
        // a first load that was stopped goes on, before anything is read twice. Other days may stay never measured, because
        // nothing counts on them though the tables hold rows: these are no reason to wait
        let last_days = self.trailing.start.min(self.window.days.end);
        let has_backlog = gaps.iter().any(|gap| {
            gap.reason == GapReason::NeverMeasured && gap.days.start < last_days && gap.days.end >= last_days
        });
        let kept_from = self.window.days.start;
        let due = |recount: &Recount| recount.first_day(self.today, kept_from, last_measured);
        let recounted_from = self.asked.recounts.iter().filter_map(due).min();
        let recounted_from =
            recounted_from.filter(|first| *first < self.trailing.start && !is_asked && !has_backlog);
        let ranges = match is_asked {
            true => vec![self.days()],
            false => union(Gap::days(&gaps).into_iter().chain([self.trailing])),
        };
        let until = self.window.days.end;
        let once_more = recounted_from.map(|first| without(first..until, &ranges)).unwrap_or_default();
        let outage = last_measured.map(|last| last + Days::new(1)..self.window.days.start);
        let is_new = |port: &PortCoverage| last_measured.is_some() && port.first_measured.is_none();
        // with a first day that was asked for, the days before it are kept, and nobody wants them
        let outage = outage.filter(|days| !is_asked && !days.is_empty());
        Plan {
            ranges,
            unsettled_from: self.window.unsettled_from(),
            expired: self.window.expired.or(outage),
            gaps,
            new: coverage.into_iter().filter(is_new).collect(),
            recounted_from: recounted_from.filter(|_| !once_more.is_empty()),
            once_more,
        }
    }
}

impl Plan {
    /// All days that are read, in ranges that do not touch, in order.
    pub(crate) fn days(&self) -> Vec<Range<NaiveDate>> {
        union(self.ranges.iter().chain(&self.once_more).cloned())
    }

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
pub(crate) fn union(ranges: impl Iterator<Item = Range<NaiveDate>>) -> Vec<Range<NaiveDate>> {
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

/// The days that are in none of the ranges, which do not touch and are in order.
fn without(days: Range<NaiveDate>, ranges: &[Range<NaiveDate>]) -> Vec<Range<NaiveDate>> {
    let mut rest = Vec::new();
    let mut from = days.start;
    for range in ranges {
        rest.push(from..range.start.min(days.end));
        from = from.max(range.end);
    }
    rest.push(from..days.end);
    rest.retain(|days| !days.is_empty());
    rest
}

#[cfg(test)]
mod tests {
    use access_log::Mapping;
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

    fn shown_again(plan: &Plan) -> Vec<String> {
        plan.once_more.iter().map(report::days).collect()
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
        let asks = Asked { since: None, until: None, recounts: &recounts };
        let planned = |gaps: &[(&str, &str)], last: &str| {
            let plan = asked(asks, &[gaps, &[("2026-03-12", "2026-03-13")]].concat(), Some(last));
            (shown(&plan), shown_again(&plan))
        };
        // what has to be read is read first, whatever cuts off the rest
        let last_days = || vec!["2026-03-09 to 2026-03-12".to_owned()];
        let once_more = |days: &str| vec![days.to_owned()];
        // a Thursday: after a run on that day, on the day before, and in the week before
        assert_eq!(planned(&[], "2026-03-12"), (last_days(), Vec::new()));
        assert_eq!(planned(&[], "2026-03-11"), (last_days(), once_more("2026-02-11 to 2026-03-08")));
        assert_eq!(planned(&[], "2026-03-08"), (last_days(), once_more("2025-03-13 to 2026-03-08")));
        // days that stay never measured do not keep others from it
        let (first, again) = planned(&[("2026-02-20", "2026-02-22")], "2026-03-11");
        assert_eq!(first, ["2026-02-20 to 2026-02-21", "2026-03-09 to 2026-03-12"]);
        assert_eq!(again, ["2026-02-11 to 2026-02-19", "2026-02-22 to 2026-03-08"]);
        // a first load that was stopped does, also with a last day
        let rest = asked(asks, &[("2026-02-01", "2026-03-13")], Some("2026-01-31"));
        assert_eq!((shown(&rest), shown_again(&rest)), (once_more("2026-02-01 to 2026-03-12"), Vec::new()));
        let until = Asked { until: NaiveDate::from_ymd_opt(2026, 3, 1), ..asks };
        let rest = asked(until, &[("2026-02-01", "2026-03-01")], Some("2026-01-31"));
        assert_eq!((shown(&rest), shown_again(&rest)), (once_more("2026-02-01 to 2026-02-28"), Vec::new()));
        // and so does the command line
        let since = Asked { since: NaiveDate::from_ymd_opt(2026, 3, 11), ..asks };
        let plan = asked(since, &[], Some("2026-03-08"));
        assert_eq!((shown(&plan), shown_again(&plan)), (once_more("2026-03-11 to 2026-03-12"), Vec::new()));
    }

    #[test]
    fn a_run_with_nothing_to_read_says_so() {
        let until = NaiveDate::from_ymd_opt(2026, 3, 1);
        let plan = asked(Asked { since: None, until, recounts: &[] }, &[], Some("2026-02-28"));
        assert_eq!((shown(&plan), shown_again(&plan)), (Vec::new(), Vec::new()));
        let mapping = Mapping::read(include_str!("../../sample/mapping.json").as_bytes()).unwrap();
        let text = report::of_plan(&plan, &mapping);
        assert!(text.starts_with("nothing to read (Europe/Brussels)"), "{text}");
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
        // these are kept, and were not asked for
        assert_eq!(expired(planned(Some("2026-03-01"), &[], Some("2026-02-01"))), None);
    }
}
