//! Local days as instants.

use std::ops::Range;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use super::zone::Zone;

/// A half-open range of local days in a time zone, and the instants that can bear their dates.
///
/// Local time is not monotone: where a zone goes back over midnight (`America/St_Johns` until 2011,
/// from 00:01 to 23:01), the old date comes back after the new one has begun. So an instant belongs
/// to a range by its local date alone; the instants between the bounds are merely a superset, tight
/// at both ends, that a scan can be pruned by. Ranges that meet neither share nor lose an instant.
#[derive(Debug, Clone)]
pub(crate) struct LocalDays {
    zone: Zone,
    days: Range<NaiveDate>,
    bounds: Range<i64>,
}

impl LocalDays {
    pub(crate) fn new(zone: &Zone, days: Range<NaiveDate>) -> Self {
        let bounds = first_instant(zone, days.start)..last_instant(zone, days.end);
        Self { zone: zone.clone(), days, bounds }
    }

    /// The seconds since the epoch between which every instant of the days lies, half open.
    pub(crate) fn bounds(&self) -> Range<i64> {
        self.bounds.clone()
    }

    /// The local date of `instant`, if it is one of the days.
    pub(crate) fn date_of(&self, instant: DateTime<Utc>) -> Option<NaiveDate> {
        if !self.bounds.contains(&instant.timestamp()) {
            return None;
        }
        let date = local_date(&self.zone, instant);
        self.days.contains(&date).then_some(date)
    }
}

/// The date that `instant` bears in `zone`.
pub(crate) fn local_date(zone: &Zone, instant: DateTime<Utc>) -> NaiveDate {
    local(zone, instant.naive_utc()).date()
}

fn local(zone: &Zone, utc: NaiveDateTime) -> NaiveDateTime {
    // at the two ends of the calendar, where no local time is left, the clock shows UTC
    utc.checked_add_signed(zone.offset(utc)).unwrap_or(utc)
}

/// The first instant that bears `day` or a later date, in seconds since the epoch.
fn first_instant(zone: &Zone, day: NaiveDate) -> i64 {
    let (first, _) = midnights(zone, day);
    first.and_utc().timestamp()
}

/// The instant from which on every date is `day` or later, in seconds since the epoch.
fn last_instant(zone: &Zone, day: NaiveDate) -> i64 {
    let (_, last) = midnights(zone, day);
    last.and_utc().timestamp()
}

/// The first and the last instant (UTC) at which clocks in `zone` come from before `day` into it.
fn midnights(zone: &Zone, day: NaiveDate) -> (NaiveDateTime, NaiveDateTime) {
    let midnight = day.and_time(NaiveTime::MIN);
    // no zone is 2 days from UTC, so midnight is shown between them if it is shown at all
    let days = midnight - TimeDelta::days(2)..midnight + TimeDelta::days(2);
    // a clock that is put back at midnight does not show it that time, and one that is put back from
    // 01:00 shows it a second time within the day: neither is a way into the day
    let shown =
        zone.offsets(days.clone()).into_iter().map(|offset| midnight - offset).filter(|&utc| {
            local(zone, utc) == midnight && local(zone, utc - TimeDelta::seconds(1)) < midnight
        });
    let (mut first, mut last) = (None, None);
    for utc in shown {
        first = Some(first.map_or(utc, |first: NaiveDateTime| first.min(utc)));
        last = Some(last.map_or(utc, |last: NaiveDateTime| last.max(utc)));
    }
    first.zip(last).unwrap_or_else(|| {
        let skipped = skipped_midnight(zone, midnight, days);
        (skipped, skipped)
    })
}

/// The instant between two others at which a clock in `zone` is put forward over `midnight`.
fn skipped_midnight(zone: &Zone, midnight: NaiveDateTime, days: Range<NaiveDateTime>) -> NaiveDateTime {
    // the clock shows less at the one end and more at the other
    let (mut before, mut after) = (days.start, days.end);
    while after - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if local(zone, middle) < midnight {
            before = middle;
        } else {
            after = middle;
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::Days;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn zone(name: &str) -> Zone {
        Zone::named(name.to_owned()).unwrap()
    }

    fn bounds(zone: &Zone, date: &str) -> (String, String) {
        let date = day(date);
        let days = LocalDays::new(zone, date..date + Days::new(1));
        let text = |seconds| DateTime::from_timestamp(seconds, 0).unwrap().format("%F %T").to_string();
        (text(days.bounds.start), text(days.bounds.end))
    }

    #[test]
    fn bounds_follow_the_clock() {
        let (brussels, havana, cairo) = ("Europe/Brussels", "America/Havana", "Africa/Cairo");
        let (apia, st_johns) = ("Pacific/Apia", "America/St_Johns");
        for (zone, date, from, until) in [
            ("UTC", "2026-03-10", "2026-03-10 00:00:00", "2026-03-11 00:00:00"),
            // 23 and 25 hours
            (brussels, "2026-03-29", "2026-03-28 23:00:00", "2026-03-29 22:00:00"),
            (brussels, "2026-10-25", "2026-10-24 22:00:00", "2026-10-25 23:00:00"),
            // 00:00 is put forward to 01:00: the day starts at 01:00
            (havana, "2026-03-08", "2026-03-08 05:00:00", "2026-03-09 04:00:00"),
            // 01:00 is put back to 00:00: the first of two midnights starts the day
            (havana, "2025-11-02", "2025-11-02 04:00:00", "2025-11-03 05:00:00"),
            (cairo, "2026-04-24", "2026-04-23 22:00:00", "2026-04-24 21:00:00"),
            // 24:00 is put back to 23:00: the day has 25 hours, the next one a single midnight
            (cairo, "2026-10-29", "2026-10-28 21:00:00", "2026-10-29 22:00:00"),
            // the date line moved: no instant bears the 30th
            (apia, "2011-12-29", "2011-12-29 10:00:00", "2011-12-30 10:00:00"),
            (apia, "2011-12-30", "2011-12-30 10:00:00", "2011-12-30 10:00:00"),
            (apia, "2011-12-31", "2011-12-30 10:00:00", "2011-12-31 10:00:00"),
            // 00:01 is put back to 23:01: both days reach over the other
            (st_johns, "2010-11-06", "2010-11-06 02:30:00", "2010-11-07 03:30:00"),
            (st_johns, "2010-11-07", "2010-11-07 02:30:00", "2010-11-08 03:30:00"),
        ] {
            assert_eq!(bounds(&self::zone(zone), date), (from.into(), until.into()), "{zone} {date}");
        }
        // since 2026 British Columbia keeps the time of its summers
        assert_eq!(bounds(&zone("America/Vancouver"), "2026-12-10").0, "2026-12-10 07:00:00");
    }

    /// Scans every minute and compares with what the clock shows. Of zones with the same offset on
    /// every day of a year one is tried.
    #[test]
    fn bounds_are_tight_around_every_change_of_the_clock() {
        let mut tried = BTreeSet::new();
        for (zone, year) in Zone::all().flat_map(|zone| {
            [1995, 2010, 2011, 2026].map(|year| (zone.clone(), NaiveDate::from_ymd_opt(year, 1, 1).unwrap()))
        }) {
            let zone = &zone;
            let noon = |day: NaiveDate| zone.offset(day.and_hms_opt(12, 0, 0).unwrap());
            let offsets: Vec<_> = year.iter_days().take(366).map(noon).collect();
            if !tried.insert((year, offsets.clone())) {
                continue;
            }
            for (date, _) in year.iter_days().skip(1).zip(offsets.windows(3)).filter(|(_, of)| of[0] != of[2])
            {
                let minutes = -16 * 60..14 * 60; // from before UTC+14 to after UTC-12
                let shown: Vec<(i64, NaiveDate)> = minutes
                    .map(|minute| date.and_time(NaiveTime::MIN) + TimeDelta::minutes(minute))
                    .map(|utc| (utc.and_utc().timestamp(), local(zone, utc).date()))
                    .collect();
                let first = shown.iter().find(|(_, shown)| *shown >= date).unwrap().0;
                let last = shown.iter().rfind(|(_, shown)| *shown < date).unwrap().0 + 60;
                assert_eq!(first_instant(zone, date), first, "{zone:?} {date}");
                assert_eq!(last_instant(zone, date), last, "{zone:?} {date}");
            }
        }
        assert!(tried.len() > 200, "{}", tried.len());
    }
}
