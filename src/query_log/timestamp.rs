//! Instants as access histories write them.

use std::fmt;

use chrono::{DateTime, Datelike, Utc};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::error::shown;

/// An instant, from a text with an offset from UTC or from seconds since the epoch.
pub(super) struct Timestamp(pub(super) DateTime<Utc>);

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TimestampVisitor).map(Self)
    }
}

struct TimestampVisitor;

impl Visitor<'_> for TimestampVisitor {
    type Value = DateTime<Utc>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a timestamp with an offset from UTC, or seconds since the epoch")
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Self::Value, E> {
        from_epoch(seconds, 0).ok_or_else(|| out_of_range(&seconds.to_string()))
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Self::Value, E> {
        let instant = i64::try_from(seconds).ok().and_then(|seconds| from_epoch(seconds, 0));
        instant.ok_or_else(|| out_of_range(&seconds.to_string()))
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Self::Value, E> {
        // the shortest text of a float has the decimals that were written
        parse_epoch(&seconds.to_string()).ok_or_else(|| out_of_range(&seconds.to_string()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if let Some(instant) = parse_epoch(text) {
            return Ok(instant);
        }
        // chrono's relaxed RFC 3339 reads Snowflake's `2026-01-02 03:04:05.678 +0100` as well
        let parsed = text.parse::<DateTime<Utc>>().or_else(|error| match has_offset_in_hours(text) {
            true => format!("{text}:00").parse(),
            false => Err(error),
        });
        let instant = parsed.map_err(|_| {
            E::custom(format_args!(
                "query_start_time is no timestamp with an offset from UTC: {:?}",
                shown(text)
            ))
        })?;
        in_range(instant).ok_or_else(|| out_of_range(text))
    }
}

/// Whether a time of the day is followed by an offset of a sign and two digits, such as `+00`.
fn has_offset_in_hours(text: &str) -> bool {
    let time_and_offset = text.split_once(':').map(|(_, rest)| rest.as_bytes());
    matches!(time_and_offset, Some([.., b'+' | b'-', tens, ones]) if tens.is_ascii_digit() && ones.is_ascii_digit())
}

fn out_of_range<E: Error>(text: &str) -> E {
    E::custom(format_args!(
        "query_start_time is outside the years 1 to 9999, in seconds since the epoch: {}",
        shown(text)
    ))
}

/// Parses decimal seconds; the fraction beyond nanoseconds is cut.
fn parse_epoch(text: &str) -> Option<DateTime<Utc>> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().ok()?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    let nanos = digits.fold(0, |nanos, digit| nanos * 10 + u32::from(digit - b'0'));
    match (whole.starts_with('-'), nanos) {
        (false, _) | (true, 0) => from_epoch(seconds, nanos),
        (true, _) => from_epoch(seconds.checked_sub(1)?, 1_000_000_000 - nanos),
    }
}

fn from_epoch(seconds: i64, nanos: u32) -> Option<DateTime<Utc>> {
    in_range(DateTime::from_timestamp(seconds, nanos)?)
}

/// What is in the years 1 to 9999.
fn in_range(instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (1..=9999).contains(&instant.year()).then_some(instant)
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error as ValueError, F64Deserializer, StrDeserializer};

    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let from: StrDeserializer<'_, ValueError> = text.into_deserializer();
        Timestamp::deserialize(from).map(|instant| instant.0.to_rfc3339()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_spelling_of_one_instant_reads_alike() {
        for text in [
            "2026-01-02T03:04:05.678Z",
            "2026-01-02T04:04:05.678+01:00",
            "2026-01-02 04:04:05.678 +0100",
            "2026-01-01 19:04:05.678 -0800",
            "2026-01-01 19:04:05.678 -08:00",
            "2026-01-02 03:04:05.678 Z",
            "2026-01-02 03:04:05.678+00",
            "2026-01-02 03:04:05.678 +00",
            "2026-01-01T19:04:05.678-08",
            "2026-01-02 03:04:05.678000000 +0000",
            "1767323045.678",
            "1767323045.678000000",
        ] {
            assert_eq!(read(text).as_deref(), Ok("2026-01-02T03:04:05.678+00:00"), "{text}");
        }
        let number: F64Deserializer<ValueError> = 1_767_323_045.678.into_deserializer();
        assert_eq!(Timestamp::deserialize(number).unwrap().0.timestamp_millis(), 1_767_323_045_678);
        assert_eq!(read("-0.25").as_deref(), Ok("1969-12-31T23:59:59.750+00:00"));
    }

    #[test]
    fn a_timestamp_that_depends_on_a_session_is_refused() {
        for text in [
            "2026-01-02 03:04:05.678",
            "2026-01-02",
            "yesterday",
            "",
            "2026-13-02T03:04:05Z",
            "1.2.3",
            "2026-01-02 03:04:05 +0",
            "2026-01-02 03:04:05 +99",
            "2026-01-02 03:04-08-08",
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error, format!("query_start_time is no timestamp with an offset from UTC: {text:?}"));
        }
    }

    #[test]
    fn milliseconds_are_not_taken_for_seconds() {
        for text in ["1767323045678", "99999999999999999999", "-62135596801"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
