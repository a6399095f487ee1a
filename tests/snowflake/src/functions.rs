//! Snowflake's scalar functions, as far as the statements use them.
//!
//! A TIMESTAMP_LTZ is an integer: nanoseconds since the epoch. A TIMESTAMP_TZ or a DATE is ISO text.

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error};

/// Registers them on a connection whose session has a time zone.
pub(crate) fn register(connection: &Connection, session_zone: Tz) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    // SQLite's own UPPER leaves everything but ASCII as it is
    connection.create_scalar_function("upper", 1, flags, |context| {
        context.get::<Option<String>>(0).map(|text| text.map(|text| text.to_uppercase()))
    })?;
    connection.create_scalar_function("startswith", 2, flags, |context| {
        let (text, start): (Option<String>, Option<String>) = (context.get(0)?, context.get(1)?);
        Ok(text.zip(start).map(|(text, start)| text.starts_with(&start)))
    })?;
    connection.create_scalar_function("split_part", 3, flags, |context| {
        let texts: (Option<String>, Option<String>) = (context.get(0)?, context.get(1)?);
        let part = usize::try_from(integer(context, 2)?).ok().and_then(|part| part.checked_sub(1));
        let part = part.ok_or_else(|| refused("split_part: a part from 1 on"))?;
        // a part that is not there is empty
        Ok(texts.0.zip(texts.1).map(|(text, by)| text.split(&by).nth(part).unwrap_or_default().to_owned()))
    })?;
    connection.create_scalar_function("parse_json", 1, flags, |context| {
        let text: String = context.get(0)?;
        serde_json::from_str::<serde_json::Value>(&text)
            .map_err(|error| Error::UserFunctionError(error.into()))?;
        Ok(text)
    })?;
    connection.create_scalar_function("to_timestamp_ltz", 2, flags, |context| {
        let (number, scale) = (integer(context, 0)?, integer(context, 1)?);
        let unit = u32::try_from(9 - scale).ok().and_then(|digits| 10_i64.checked_pow(digits));
        let unit = unit.ok_or_else(|| refused("to_timestamp_ltz: a scale from 0 to 9"))?;
        Ok(number.saturating_mul(unit))
    })?;
    connection.create_scalar_function("convert_timezone", 2, flags, |context| {
        let name: String = context.get(0)?;
        let zone: Tz = name.parse().map_err(|_| refused("convert_timezone: an IANA name"))?;
        let instant = DateTime::from_timestamp_nanos(integer(context, 1)?);
        Ok(instant.with_timezone(&zone).naive_local().to_string())
    })?;
    connection.create_scalar_function("to_date", 1, flags, move |context| match context.get_raw(0) {
        // a bare date of an instant follows the session's time zone
        ValueRef::Integer(nanos) => {
            Ok(DateTime::from_timestamp_nanos(nanos).with_timezone(&session_zone).date_naive().to_string())
        }
        ValueRef::Text(_) => {
            let text: String = context.get(0)?;
            let date: Option<NaiveDate> = text.get(..10).and_then(|date| date.parse().ok());
            Ok(date.ok_or_else(|| refused("to_date: a timestamp"))?.to_string())
        }
        _ => Err(refused("to_date: a timestamp")),
    })?;
    connection.create_scalar_function("to_date", 2, flags, |context| {
        let (text, format): (String, String) = (context.get(0)?, context.get(1)?);
        let date: Option<NaiveDate> = text.parse().ok().filter(|_| format == "YYYY-MM-DD");
        Ok(date.ok_or_else(|| refused("to_date: a date in the format YYYY-MM-DD"))?.to_string())
    })
}

fn integer(context: &Context<'_>, argument: usize) -> rusqlite::Result<i64> {
    match context.get_raw(argument) {
        ValueRef::Integer(number) => Ok(number),
        _ => Err(refused("a whole number")),
    }
}

fn refused(wanted: &str) -> Error {
    Error::UserFunctionError(format!("wanted: {wanted}").into())
}
