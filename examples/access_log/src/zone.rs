//! A mapping's time zone, by its IANA name.

use std::fmt;
use std::sync::LazyLock;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The rules that are built in, the same on every machine.
static RULES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone of the IANA database. Defaults to UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone of that name, written as the database writes it.
    pub fn named(name: &str) -> Option<Self> {
        let rules = RULES.get(name).ok()?;
        (rules.iana_name() == Some(name)).then_some(Self(rules))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// What a clock there shows at the instant.
    pub fn local(&self, instant: DateTime<Utc>) -> NaiveDateTime {
        let instant = instant.naive_utc();
        instant + self.offset(instant)
    }

    /// The first instant at which a clock there shows that time; none in the hour that is left out in spring.
    pub fn first_instant(&self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        // the offsets of a day before and after are those of either side of a change
        let sides = [TimeDelta::days(-1), TimeDelta::days(1)].map(|away| self.offset(local + away));
        let instants = sides.map(|offset| (local - offset).and_utc());
        instants.into_iter().filter(|instant| self.local(*instant) == local).min()
    }

    fn offset(&self, utc: NaiveDateTime) -> TimeDelta {
        let timestamp = Timestamp::from_second(utc.and_utc().timestamp()).unwrap_or(Timestamp::MAX);
        TimeDelta::seconds(self.0.to_offset(timestamp).seconds().into())
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Name)
    }
}

struct Name;

impl serde::de::Visitor<'_> for Name {
    type Value = Zone;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the IANA name of a time zone, such as Europe/Brussels")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Zone, E> {
        Zone::named(name).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(name), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_time_is_an_instant_unless_the_clock_skips_it() {
        let zone = Zone::named("Europe/Brussels").unwrap();
        for (local, instant) in [
            ("2026-03-29T01:59:59.250", Some("2026-03-29T00:59:59.250Z")),
            ("2026-03-29T02:30:00", None),
            ("2026-03-29T03:00:00", Some("2026-03-29T01:00:00Z")),
            ("2026-10-25T02:30:00", Some("2026-10-25T00:30:00Z")), // and again an hour later
            ("2026-10-25T03:00:00", Some("2026-10-25T02:00:00Z")),
        ] {
            let local: NaiveDateTime = local.parse().unwrap();
            let instant: Option<DateTime<Utc>> = instant.map(|instant| instant.parse().unwrap());
            assert_eq!(zone.first_instant(local), instant, "{local}");
            assert!(instant.is_none_or(|instant| zone.local(instant) == local));
        }
        assert_eq!(Zone::default().name(), "UTC");
        assert_eq!(Zone::named("europe/brussels"), None);
    }
}
