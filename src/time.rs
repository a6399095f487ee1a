//! Days and the buckets of a chart's time axis.

use std::ops::Range;

use chrono::{Datelike, Months, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind};

/// The width of a chart's time buckets. Defaults to [`Day`](Self::Day).
///
/// A bucket is named by its first day. Weeks start on Monday (ISO 8601). In JSON and in query strings the values are
/// `day`, `week`, `month`, `quarter` and `year`.
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Granularity {
    /// One local day.
    #[default]
    Day,
    /// Seven days from Monday.
    Week,
    /// A calendar month.
    Month,
    /// Three months from January, April, July or October.
    Quarter,
    /// A calendar year.
    Year,
}

impl Granularity {
    /// How a title says it.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// The first day of the bucket that holds `day`.
    pub fn bucket(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Week => {
                let since_monday = chrono::Days::new(day.weekday().num_days_from_monday().into());
                day.checked_sub_days(since_monday).unwrap_or(NaiveDate::MIN)
            }
            Self::Month => first_of(day.year(), day.month()),
            Self::Quarter => first_of(day.year(), day.month0() / 3 * 3 + 1),
            Self::Year => first_of(day.year(), 1),
        }
    }

    /// The first day of the bucket after the one that holds `day`.
    pub fn next_bucket(self, day: NaiveDate) -> NaiveDate {
        let start = self.bucket(day);
        let next = match self {
            Self::Day => start.checked_add_days(chrono::Days::new(1)),
            Self::Week => start.checked_add_days(chrono::Days::new(7)),
            Self::Month => start.checked_add_months(Months::new(1)),
            Self::Quarter => start.checked_add_months(Months::new(3)),
            Self::Year => start.checked_add_months(Months::new(12)),
        };
        next.unwrap_or(NaiveDate::MAX)
    }

    /// Moves the start of `days` back to the start of its bucket.
    ///
    /// This is what a chart until today wants. A chart counts exactly the requested days, so a first bucket that begins
    /// before them would show only a part of its queries. The end stays: a last bucket that is not over is
    /// [`partial`](crate::chart::QueriesOverTimePoint::partial), and is compared with as many days as it has so far. An
    /// empty range stays as it is.
    ///
    /// ```
    /// use chrono::NaiveDate;
    /// use output_port_usage::{Granularity, last_days};
    ///
    /// let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap();
    /// let days = Granularity::Month.expand_start(last_days(90, day(11, 24)));
    /// assert_eq!(days, day(8, 1)..day(11, 25)); // November is partial on its 24th day
    /// ```
    pub fn expand_start(self, days: Range<NaiveDate>) -> Range<NaiveDate> {
        if days.is_empty() {
            return days;
        }
        self.bucket(days.start)..days.end
    }

    /// The complete buckets inside `days`; an empty range if there is none.
    ///
    /// ```
    /// use chrono::NaiveDate;
    /// use output_port_usage::{Granularity, last_days};
    ///
    /// let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap();
    /// assert_eq!(Granularity::Month.within(last_days(90, day(11, 24))), day(9, 1)..day(11, 1));
    /// assert!(Granularity::Year.within(last_days(90, day(11, 24))).is_empty());
    /// ```
    pub fn within(self, days: Range<NaiveDate>) -> Range<NaiveDate> {
        if days.is_empty() {
            return days;
        }
        let first = self.bucket(days.start);
        let start = if first == days.start { first } else { self.next_bucket(days.start) };
        // the bucket of the first day after them is the first that they do not hold whole
        let end = self.bucket(days.end);
        start..end.max(start)
    }

    /// The whole buckets that `days` touch.
    ///
    /// For days that lie wholly in the past. For days that end with today, the last bucket may reach into the future,
    /// and a chart takes the days to come for days without queries: see [`expand_start`](Self::expand_start). An empty
    /// range stays as it is.
    ///
    /// ```
    /// use chrono::NaiveDate;
    /// use output_port_usage::Granularity;
    ///
    /// let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap();
    /// // Thursday 15 January to Tuesday 3 February
    /// let whole = Granularity::Week.expand(day(1, 15)..day(2, 4));
    /// assert_eq!(whole, day(1, 12)..day(2, 9));
    /// ```
    pub fn expand(self, days: Range<NaiveDate>) -> Range<NaiveDate> {
        if days.is_empty() {
            return days;
        }
        let last = days.end - chrono::Days::new(1);
        self.bucket(days.start)..self.next_bucket(last)
    }
}

fn first_of(year: i32, month: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, 1).expect("the year holds a day already and the month is 1 to 12")
}

/// The `count` days that end with `today`: `today - (count - 1) .. today + 1`.
///
/// The library never reads a clock: `today` is the host's, in the attribution's time zone. A count
/// of zero gives an empty range, which charts and ingests refuse; a count that reaches beyond the calendar
/// is cut off at the calendar's first day.
///
/// ```
/// use chrono::NaiveDate;
/// use output_port_usage::last_days;
///
/// let today = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
/// let days = last_days(2, today);
/// assert_eq!(days.start, NaiveDate::from_ymd_opt(2026, 2, 28).unwrap());
/// assert_eq!(days.end, NaiveDate::from_ymd_opt(2026, 3, 2).unwrap());
/// ```
pub fn last_days(count: u32, today: NaiveDate) -> Range<NaiveDate> {
    let end = today.checked_add_days(chrono::Days::new(1)).unwrap_or(NaiveDate::MAX);
    let start = end.checked_sub_days(chrono::Days::new(count.into())).unwrap_or(NaiveDate::MIN);
    start..end
}

/// Half-open days that are at least one, within the years 1 to 9999, which Postgres, Snowflake and ISO 8601 text all
/// carry. The exclusive end may be the first day of year 10000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Days {
    start: NaiveDate,
    end: NaiveDate,
}

impl Days {
    /// # Errors
    ///
    /// A range that is empty, reversed or outside these years.
    pub(crate) fn check(days: &Range<NaiveDate>) -> Result<Self, Error> {
        let &Range { start, end } = days;
        if days.is_empty() {
            return Err(Kind::EmptyDays { from: start, until: end }.into());
        }
        check_day(start)?;
        check_day(end - chrono::Days::new(1))?;
        Ok(Self { start, end })
    }

    pub(crate) fn start(self) -> NaiveDate {
        self.start
    }

    /// The first day after them.
    pub(crate) fn end(self) -> NaiveDate {
        self.end
    }

    pub(crate) fn last(self) -> NaiveDate {
        self.end - chrono::Days::new(1)
    }

    /// How many there are, at least one.
    pub(crate) fn count(self) -> u32 {
        u32::try_from((self.end - self.start).num_days())
            .expect("9999 years have fewer days than a u32 counts")
    }

    pub(crate) fn range(self) -> Range<NaiveDate> {
        self.start..self.end
    }

    /// Some of the days; none where the range is empty or reaches beyond them.
    pub(crate) fn part(self, days: Range<NaiveDate>) -> Option<Self> {
        let Range { start, end } = days;
        (start < end && start >= self.start && end <= self.end).then_some(Self { start, end })
    }

    pub(crate) fn contains(self, day: NaiveDate) -> bool {
        self.range().contains(&day)
    }
}

/// Refuses a day outside the years 1 to 9999.
pub(crate) fn check_day(day: NaiveDate) -> Result<(), Error> {
    match day.year() {
        1..=9999 => Ok(()),
        _ => Err(Kind::DayOutOfRange(day).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn buckets_start_where_the_calendar_says() {
        let sunday = day(2027, 1, 3); // in ISO week 53 of 2026
        for (granularity, start, next) in [
            (Granularity::Day, sunday, day(2027, 1, 4)),
            (Granularity::Week, day(2026, 12, 28), day(2027, 1, 4)),
            (Granularity::Month, day(2027, 1, 1), day(2027, 2, 1)),
            (Granularity::Quarter, day(2027, 1, 1), day(2027, 4, 1)),
            (Granularity::Year, day(2027, 1, 1), day(2028, 1, 1)),
        ] {
            assert_eq!(granularity.bucket(sunday), start, "{granularity:?}");
            assert_eq!(granularity.next_bucket(sunday), next, "{granularity:?}");
        }
        assert_eq!(Granularity::Quarter.bucket(day(2028, 12, 31)), day(2028, 10, 1));
    }

    #[test]
    fn expanding_twice_changes_nothing_more() {
        let days = day(2028, 2, 29)..day(2028, 3, 1);
        assert_eq!(Granularity::Month.expand(days.clone()), day(2028, 2, 1)..day(2028, 3, 1));
        let year = Granularity::Year.expand(days);
        assert_eq!(Granularity::Year.expand(year.clone()), year);
    }

    #[test]
    fn complete_buckets_lie_inside_the_days() {
        let (first, until) = (day(2026, 8, 27), day(2026, 11, 25));
        assert_eq!(Granularity::Day.within(first..until), first..until);
        assert_eq!(Granularity::Week.within(first..until), day(2026, 8, 31)..day(2026, 11, 23));
        assert_eq!(Granularity::Month.within(first..until), day(2026, 9, 1)..day(2026, 11, 1));
        assert!(Granularity::Quarter.within(first..until).is_empty());
        assert!(Granularity::Year.within(first..until).is_empty());
        let whole = day(2026, 7, 1)..day(2026, 10, 1);
        assert_eq!(Granularity::Quarter.within(whole.clone()), whole);
        // a range inside one bucket, and one that only touches two
        assert!(Granularity::Month.within(day(2026, 5, 2)..day(2026, 5, 31)).is_empty());
        assert!(Granularity::Month.within(day(2026, 5, 31)..day(2026, 6, 2)).is_empty());
        assert!(Granularity::Month.within(day(2026, 5, 3)..day(2026, 5, 3)).is_empty());
    }

    #[test]
    fn days_outside_years_1_to_9999_are_refused() {
        let days = Days::check(&(day(1, 1, 1)..day(10000, 1, 1))).unwrap();
        assert_eq!((days.last(), days.count()), (day(9999, 12, 31), 3_652_059));
        for (days, message) in [
            (day(0, 12, 31)..day(1, 1, 2), "day 0000-12-31 is outside the years 1 to 9999"),
            (day(9999, 12, 31)..day(10000, 1, 2), "day +10000-01-01 is outside the years 1 to 9999"),
            (
                last_days(0, day(2026, 1, 1)),
                "days are empty or reversed: 2026-01-02 to 2026-01-02 (the end is exclusive)",
            ),
        ] {
            let error = Days::check(&days).unwrap_err();
            assert!(error.is_request());
            assert_eq!(error.to_string(), message);
        }
    }
}
