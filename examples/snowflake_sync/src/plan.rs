//! Which days a run reads, and why.

use std::ops::Range;

use chrono::{DateTime, Days, NaiveDate, Utc};
use output_port_usage::snowflake::{Window, WindowPlan};
use output_port_usage::{Attribution, Error, Gap, PortCoverage};

/// The days that can be read, before anybody knows which of them have to be.
pub(crate) struct Readable {
    /// All days that Snowflake still keeps, or those from the asked day on.
    window: WindowPlan,
    /// The last three days and today: their rows may have arrived late.
    trailing: Range<NaiveDate>,
    /// Whether the command line says from which day on.
    asked: bool,
}

/// What a run reads.
pub(crate) struct Plan {
    /// Ranges that do not touch, in order; the last one ends with today.
    pub(crate) ranges: Vec<Range<NaiveDate>>,
    /// The first day whose rows may still arrive.
    pub(crate) unsettled_from: Option<NaiveDate>,
    /// Days that should be read but that Snowflake no longer keeps.
    pub(crate) expired: Option<Range<NaiveDate>>,
    /// What the coverage lacks of the days that are read.
    pub(crate) gaps: Vec<Gap>,
    /// Output ports of which no day was ever measured, though days of others were.
    pub(crate) new: Vec<PortCoverage>,
}

impl Readable {
    pub(crate) fn new(
        attribution: &Attribution,
        now: DateTime<Utc>,
        since: Option<NaiveDate>,
    ) -> Result<Self, Error> {
        let window = Window::new(attribution);
        let yesterday = attribution.usage_date(now).checked_sub_days(Days::new(1));
        Ok(Self {
            trailing: window.plan(now, yesterday)?.days,
            window: window.trailing_days(1).plan(now, since)?,
            asked: since.is_some(),
        })
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
    /// Days that were asked for are all read. Otherwise it is what the coverage lacks, and the last days once more.
    pub(crate) fn plan(self, gaps: Vec<Gap>, coverage: Vec<PortCoverage>) -> Plan {
        let ranges = match self.asked {
            true => vec![self.days()],
            false => with_trailing(Gap::days(&gaps), self.trailing),
        };
        let last_measured = coverage.iter().filter_map(|port| port.last_measured).max();
        let outage = last_measured.map(|last| last + Days::new(1)..self.window.days.start);
        let is_new = |port: &PortCoverage| last_measured.is_some() && port.first_measured.is_none();
        Plan {
            ranges,
            unsettled_from: self.window.unsettled_from(),
            expired: self.window.expired.or(outage.filter(|days| !days.is_empty())),
            gaps,
            new: coverage.into_iter().filter(is_new).collect(),
        }
    }
}

impl Plan {
    /// The first day of a range whose rows may still arrive.
    pub(crate) fn unsettled_in(&self, days: &Range<NaiveDate>) -> Option<NaiveDate> {
        self.unsettled_from.map(|from| from.max(days.start)).filter(|from| days.contains(from))
    }
}

/// The ranges with the last days, which end where no range ends later.
fn with_trailing(mut ranges: Vec<Range<NaiveDate>>, mut trailing: Range<NaiveDate>) -> Vec<Range<NaiveDate>> {
    while let Some(last) = ranges.pop_if(|last| last.end >= trailing.start) {
        trailing.start = trailing.start.min(last.start);
    }
    ranges.push(trailing);
    ranges
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
            "settled_until": null, "missing_days": 0});
        from_value(port).unwrap()
    }

    fn planned(since: Option<&str>, gaps: &[(&str, &str)], last: Option<&str>) -> Plan {
        let now = "2026-03-12T02:00:00Z".parse().unwrap(); // 3 o'clock in Brussels
        let since = since.map(|since| since.parse().unwrap());
        let gaps = gaps.iter().map(|(from, until)| gap(from, until)).collect();
        Readable::new(&attribution(), now, since).unwrap().plan(gaps, vec![measured(last)])
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
