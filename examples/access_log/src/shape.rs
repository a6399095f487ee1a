//! How large a made-up log is.

use chrono::{Days, NaiveDate};

/// The seed and the size of a made-up log.
///
/// Defaults to the committed sample: seed 7, 22,000 queries over the 120 days before 2026-07-01, 8 output
/// ports, 20 tech assets, and 12 consumers in 4 domains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// What every draw starts from: ids included, so another seed is another portal.
    pub seed: u64,
    /// The day after the log's last day.
    pub until: NaiveDate,
    /// The number of local days, 3 at least.
    pub days: u32,
    /// Distinct query ids; a procedure's call and each of its statements have their own.
    pub queries: u64,
    /// The number of output ports. The last of every eight is nearly idle.
    pub output_ports: u32,
    /// The number of tech assets, one for each output port at least.
    pub tech_assets: u32,
    /// The number of consumers. The third starts late.
    pub consumers: u32,
    /// The number of domains, no more than there are consumers.
    pub domains: u32,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            seed: 7,
            until: NaiveDate::from_ymd_opt(2026, 7, 1).expect("the first of July exists"),
            days: 120,
            queries: 22_000,
            output_ports: 8,
            tech_assets: 20,
            consumers: 12,
            domains: 4,
        }
    }
}

/// Why there is no log of a shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// A number is too small.
    #[error("{what} is {number}: at least {least}")]
    TooFew {
        /// The field.
        what: &'static str,
        /// What it holds.
        number: u64,
        /// What it has to hold.
        least: u64,
    },
    /// More domains than consumers.
    #[error("domains is {domains}: at most one for each of the {consumers} consumers")]
    EmptyDomains {
        /// The number of domains.
        domains: u32,
        /// The number of consumers.
        consumers: u32,
    },
    /// The days begin before the year 1970 or end after 9999.
    #[error("{days} days before {until} leave the years 1970 to 9999")]
    OutOfCalendar {
        /// The number of days.
        days: u32,
        /// The day after the last.
        until: NaiveDate,
    },
}

impl Shape {
    /// The first day, once everything else was found to fit.
    pub(crate) fn first_day(&self) -> Result<NaiveDate, ShapeError> {
        let at_least = [
            ("days", u64::from(self.days), 3),
            ("queries", self.queries, 1),
            ("output_ports", self.output_ports.into(), 1),
            ("tech_assets", self.tech_assets.into(), self.output_ports.into()),
            ("consumers", self.consumers.into(), 1),
            ("domains", self.domains.into(), 1),
        ];
        for (what, number, least) in at_least {
            if number < least {
                return Err(ShapeError::TooFew { what, number, least });
            }
        }
        if self.domains > self.consumers {
            return Err(ShapeError::EmptyDomains { domains: self.domains, consumers: self.consumers });
        }
        let years = 1970..=9999;
        self.until
            .checked_sub_days(Days::new(self.days.into()))
            .filter(|first| {
                years.contains(&chrono::Datelike::year(first))
                    && years.contains(&chrono::Datelike::year(&self.until))
            })
            .ok_or(ShapeError::OutOfCalendar { days: self.days, until: self.until })
    }
}
