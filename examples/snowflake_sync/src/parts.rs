//! The parts in which days are counted.

use std::ops::Range;

use chrono::{Days, NaiveDate};

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
        let days = days_in(&part).saturating_mul(self.rows_at_once as u64) / (rows as u64).max(1);
        let longest = if self.overflowed { 2 * self.length } else { 366 };
        self.length = days.clamp(1, longest.min(366));
    }
}

fn days_in(days: &Range<NaiveDate>) -> u64 {
    (days.end - days.start).num_days().try_into().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report;

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
        let mut boundless = Parts::new(usize::MAX);
        boundless.begin(day("2025-03-13")..day("2026-03-13"));
        boundless.next(boundless.current().unwrap(), 1);
        assert_eq!(report::days(&boundless.current().unwrap()), "2025-04-13 to 2026-03-12");
        // a day is never cut, whatever it holds
        parts.begin(day("2026-03-13")..day("2026-03-15"));
        let one = parts.current().unwrap();
        assert_eq!((report::days(&one), parts.most_rows(&one)), ("2026-03-13".to_owned(), usize::MAX));
    }
}
