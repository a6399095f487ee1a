//! What a run has done so far: for what it says at its end, and for metrics.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Instant;

use chrono::{DateTime, Days, NaiveDate, Utc};
use output_port_usage::snowflake::CoverageReport;
use output_port_usage::{Gap, GapReason, Outcome, PortCoverage, TableOutcome};
use uuid::Uuid;

use crate::database::LeftIds;
use crate::{plan, report};

#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) began: DateTime<Utc>,
    clock: Instant,
    /// Whether `--create-tables` has created something.
    pub(crate) created: bool,
    pub(crate) read: Vec<Range<NaiveDate>>,
    pub(crate) written: Vec<Range<NaiveDate>>,
    /// In how many parts that was.
    pub(crate) parts: usize,
    /// Whether all that was to be written is.
    pub(crate) complete: bool,
    /// Whether all that has to be read was, and days are read once more.
    pub(crate) reads_once_more: bool,
    /// Days of which nothing was counted, though the tables hold something.
    pub(crate) refused: Vec<Range<NaiveDate>>,
    pub(crate) outcome: Outcome,
    pub(crate) unknown: BTreeSet<Uuid>,
    pub(crate) left: LeftIds,
    /// How many rows of what has left the mapping are gone.
    pub(crate) left_removed: u64,
    pub(crate) standing: Option<Standing>,
    /// Of the last days: queries by users that no mapping knows, and reads of objects that none knows, one for each
    /// query and object.
    pub(crate) not_counted: Option<u64>,
}

/// How the coverage is after the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The last settled day of the output port that is furthest behind.
    pub(crate) settled: Option<NaiveDate>,
    /// Days of output ports that were never measured, of those that Snowflake keeps.
    pub(crate) never_measured: u64,
    /// Those that were counted by other rules.
    pub(crate) other_rules: u64,
}

impl Standing {
    pub(crate) fn of(gaps: &[Gap], coverage: &[PortCoverage]) -> Self {
        let days = |reason| {
            let of_reason = gaps.iter().filter(|gap| gap.reason == reason);
            of_reason.map(|gap| (gap.days.end - gap.days.start).num_days().unsigned_abs()).sum()
        };
        let settled = coverage.iter().map(|port| port.settled_until).min().flatten();
        Self {
            settled: settled.map(|until| until - Days::new(1)),
            never_measured: days(GapReason::NeverMeasured),
            other_rules: days(GapReason::OtherRules),
        }
    }
}

impl Summary {
    pub(crate) fn begin() -> Self {
        Self {
            began: Utc::now(),
            clock: Instant::now(),
            created: false,
            read: Vec::new(),
            written: Vec::new(),
            parts: 0,
            complete: false,
            reads_once_more: false,
            refused: Vec::new(),
            outcome: Outcome::default(),
            unknown: BTreeSet::new(),
            left: LeftIds::default(),
            left_removed: 0,
            standing: None,
            not_counted: None,
        }
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.clock.elapsed().as_secs_f64()
    }

    /// Takes in what was written of a part.
    pub(crate) fn add(&mut self, days: Range<NaiveDate>, outcome: &Outcome) {
        self.parts += 1;
        self.written = plan::union(self.written.drain(..).chain([days]));
        let sum = |sum: &mut TableOutcome, part: &TableOutcome| {
            sum.written += part.written;
            sum.unchanged += part.unchanged;
            sum.removed += part.removed;
        };
        sum(&mut self.outcome.queries, &outcome.queries);
        for (total, part) in [
            (&mut self.outcome.touches, &outcome.touches),
            (&mut self.outcome.combinations, &outcome.combinations),
        ] {
            if let Some(part) = part {
                sum(total.get_or_insert_default(), part);
            }
        }
        // the same output ports in each part
        self.outcome.coverage = self.outcome.coverage.max(outcome.coverage);
    }

    pub(crate) fn left_out(&mut self, report: &CoverageReport) {
        let principals = report.unmapped_principals.iter().map(|of| of.query_count);
        let objects = report.unmapped_objects.iter().map(|of| of.query_count);
        self.not_counted =
            Some(principals.chain(objects).fold(0_u64, |sum, count| sum.saturating_add(count)));
    }

    /// What a run that failed has written.
    pub(crate) fn written_so_far(&self) -> String {
        let mut text = match (self.complete, self.written.is_empty(), self.created) {
            (true, ..) => "all rows were written before that".to_owned(),
            (false, false, _) => format!("{} was written before that", listed(&self.written)),
            (false, true, true) => "the tables were created, and no rows were written".to_owned(),
            (false, true, false) => "nothing was written".to_owned(),
        };
        if !self.refused.is_empty() && !self.written.is_empty() {
            text += &format!("; {} was not, as nothing counts there", listed(&self.refused));
        }
        if self.reads_once_more {
            text += "; what is read once more was cut off, and comes when --recount schedules it next";
        }
        text + &self.removed_so_far()
    }

    /// The rest of a sentence, where rows of what has left the mapping were removed.
    pub(crate) fn removed_so_far(&self) -> String {
        match self.left_removed {
            0 => String::new(),
            rows => format!("; {rows} rows of what has left the mapping were removed"),
        }
    }

    /// The tables of the outcome with their names.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (&'static str, TableOutcome)> {
        let tables = [
            ("queries", Some(self.outcome.queries)),
            ("touches", self.outcome.touches),
            ("combinations", self.outcome.combinations),
        ];
        tables.into_iter().filter_map(|(name, table)| Some((name, table?)))
    }
}

/// Ranges of days as a list.
pub(crate) fn listed(ranges: &[Range<NaiveDate>]) -> String {
    ranges.iter().map(report::days).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_fails_says_what_was_written_and_what_was_not() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
        let mut summary = Summary::begin();
        assert_eq!(summary.written_so_far(), "nothing was written");
        summary.created = true;
        assert_eq!(summary.written_so_far(), "the tables were created, and no rows were written");
        // days that are read once more come after those that have to be read
        for days in [day(9)..day(13), day(2)..day(5), day(5)..day(7)] {
            summary.add(days, &Outcome::default());
        }
        summary.reads_once_more = true;
        assert_eq!(
            summary.written_so_far(),
            "2026-03-02 to 2026-03-06, 2026-03-09 to 2026-03-12 was written before that; what is read once more was cut off, \
             and comes when --recount schedules it next"
        );
        summary.reads_once_more = false;
        summary.refused.push(day(7)..day(9));
        summary.left_removed = 3;
        assert_eq!(
            summary.written_so_far(),
            "2026-03-02 to 2026-03-06, 2026-03-09 to 2026-03-12 was written before that; 2026-03-07 to 2026-03-08 was not, as \
             nothing counts there; 3 rows of what has left the mapping were removed"
        );
        summary.refused.clear();
        summary.complete = true;
        assert_eq!(
            summary.written_so_far(),
            "all rows were written before that; 3 rows of what has left the mapping were removed"
        );
    }
}
