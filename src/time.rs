//! Days and the buckets of a chart's time axis.

use std::ops::Range;

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind};

/// The width of a chart's time buckets.
///
/// A bucket is named by its start date. Weeks start on Monday (ISO 8601).
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
    /// The start of the bucket that holds `day`.
    pub fn bucket(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Week => {
                let since_monday = Days::new(day.weekday().num_days_from_monday().into());
                day.checked_sub_days(since_monday).unwrap_or(NaiveDate::MIN)
            }
            Self::Month => first_of(day.year(), day.month()),
            Self::Quarter => first_of(day.year(), day.month0() / 3 * 3 + 1),
            Self::Year => first_of(day.year(), 1),
        }
    }

    /// The start of the bucket after the one that holds `day`.
    pub fn next_bucket(self, day: NaiveDate) -> NaiveDate {
        let start = self.bucket(day);
        let next = match self {
            Self::Day => start.checked_add_days(Days::new(1)),
            Self::Week => start.checked_add_days(Days::new(7)),
            Self::Month => start.checked_add_months(Months::new(1)),
            Self::Quarter => start.checked_add_months(Months::new(3)),
            Self::Year => start.checked_add_months(Months::new(12)),
        };
        next.unwrap_or(NaiveDate::MAX)
    }

    /// The whole buckets that `days` touch.
    ///
    /// A chart counts exactly the requested days, so its first and last bucket may be partial;
    /// expand the days first where every point is to be a whole bucket. An empty range stays as it is.
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
        let last = days.end - Days::new(1);
        self.bucket(days.start)..self.next_bucket(last)
    }
}

fn first_of(year: i32, month: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, 1).expect("the year holds a day already and the month is 1 to 12")
}

/// The `count` days that end with `today`: `today - (count - 1) .. today + 1`.
///
/// The library never reads a clock: `today` is the host's, in the attribution's time zone. A count
/// of zero gives an empty range, which charts and ingests refuse; a count that leaves the calendar
/// is cut at its first day.
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
    let end = today.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
    let start = end.checked_sub_days(Days::new(count.into())).unwrap_or(NaiveDate::MIN);
    start..end
}

/// Refuses a range that is empty, reversed or outside the years 1 to 9999, which Postgres, Snowflake
/// and ISO 8601 text all carry. The exclusive end may be the first day of year 10000.
pub(crate) fn check_days(days: &Range<NaiveDate>) -> Result<(), Error> {
    if days.is_empty() {
        return Err(Kind::EmptyDays { from: days.start, until: days.end }.into());
    }
    check_day(days.start)?;
    check_day(days.end - Days::new(1))
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
    fn days_outside_years_1_to_9999_are_refused() {
        assert!(check_days(&(day(1, 1, 1)..day(10000, 1, 1))).is_ok());
        assert!(check_days(&(day(0, 12, 31)..day(1, 1, 2))).unwrap_err().is_invalid_days());
        assert!(check_days(&(day(9999, 12, 31)..day(10000, 1, 2))).unwrap_err().is_invalid_days());
        assert!(check_days(&last_days(0, day(2026, 1, 1))).unwrap_err().is_invalid_days());
    }
}
