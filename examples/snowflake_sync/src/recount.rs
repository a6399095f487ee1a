//! Reading days again that count as settled: now and then, because rows may come later than anybody expects.

use chrono::{Datelike as _, Days, NaiveDate};

/// How many of the last days are read again in the first run of each period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recount {
    /// None means all that Snowflake keeps.
    days: Option<u64>,
    period: Period,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Period {
    Run,
    Day,
    /// From Monday on.
    Week,
}

impl Recount {
    /// What a run does that is not told otherwise.
    pub(crate) fn defaults() -> [Self; 2] {
        [Self::of(30, Period::Day), Self::of_all(Period::Week)]
    }

    pub(crate) fn of(days: u64, period: Period) -> Self {
        Self { days: Some(days), period }
    }

    pub(crate) fn of_all(period: Period) -> Self {
        Self { days: None, period }
    }

    /// `30/day`, `all/week`, or `never`, which is none.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, String> {
        if text == "never" {
            return Ok(None);
        }
        let wrong = || format!("{text}: not DAYS/PERIOD, such as 30/day or all/week, nor never");
        let (days, period) = text.split_once('/').ok_or_else(wrong)?;
        let days = match days {
            "all" => None,
            number => Some(number.parse().ok().filter(|days| *days > 0).ok_or_else(wrong)?),
        };
        let period = match period {
            "run" => Period::Run,
            "day" => Period::Day,
            "week" => Period::Week,
            _ => return Err(wrong()),
        };
        Ok(Some(Self { days, period }))
    }

    /// The first day to read again, if it is time for it.
    ///
    /// It is, where no day of the period was measured so far. A run writes today before it reads anything once more: what
    /// is cut off then has to wait for the next period, and today never waits for it.
    pub(crate) fn first_day(
        &self,
        today: NaiveDate,
        kept_from: NaiveDate,
        last_measured: Option<NaiveDate>,
    ) -> Option<NaiveDate> {
        let period_from = match self.period {
            Period::Run => None,
            Period::Day => Some(today),
            Period::Week => Some(today - Days::new(today.weekday().num_days_from_monday().into())),
        };
        // where nothing was ever measured everything is read anyway
        let is_due = period_from.is_none_or(|from| last_measured.is_some_and(|last| last < from));
        let first = self.days.and_then(|days| today.checked_sub_days(Days::new(days - 1)));
        is_due.then(|| first.unwrap_or(kept_from).max(kept_from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
    }

    #[test]
    fn the_first_run_of_a_period_reads_more() {
        // 9 March 2026 is a Monday
        for (recount, today, last, expected) in [
            ("5/day", 12, Some(12), None),
            ("5/day", 12, Some(11), Some(8)),
            ("5/day", 12, None, None),
            ("5/run", 12, Some(12), Some(8)),
            ("all/week", 12, Some(9), None),
            ("all/week", 12, Some(8), Some(1)),
            ("all/week", 9, Some(8), Some(1)),
            ("90/day", 12, Some(11), Some(1)),
            ("1/day", 12, Some(11), Some(12)),
        ] {
            let recount = Recount::parse(recount).unwrap().unwrap();
            let first = recount.first_day(day(today), day(1), last.map(day));
            assert_eq!(first, expected.map(day), "{recount:?} on {today}");
        }
    }

    #[test]
    fn what_is_no_recount_is_refused() {
        for text in ["", "30", "0/day", "-1/day", "30/month", "some/day"] {
            assert!(Recount::parse(text).unwrap_err().starts_with(text));
        }
        assert_eq!(Recount::parse("never"), Ok(None));
    }
}
