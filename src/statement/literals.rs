//! A statement's text with its values as literals, for people.

use std::fmt::{self, Display, Formatter};

use chrono::{Datelike, NaiveDate};
use uuid::Uuid;

use super::Parameter;

/// Writes `sql` with each placeholder replaced by its value as a literal.
///
/// Quotes are doubled, never escaped with a backslash, in the text of this library: what stands
/// between quotes is copied as it is, so a name that looks like a placeholder stays a name.
pub(super) fn write(f: &mut Formatter<'_>, sql: &str, values: &[Parameter]) -> fmt::Result {
    let mut rest = sql;
    while let Some(at) = rest.find(['$', '"', '\'']) {
        let (before, found) = rest.split_at(at);
        f.write_str(before)?;
        let (mark, after) = found.split_at(1);
        if mark == "$" {
            let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let number = after[..digits].parse::<usize>().ok();
            match number.and_then(|number| values.get(number.wrapping_sub(1))) {
                Some(value) => Literal(value).fmt(f)?,
                None => f.write_str(&found[..1 + digits])?,
            }
            rest = &after[digits..];
        } else {
            let end = after.find(mark).map_or(found.len(), |end| end + 2);
            f.write_str(&found[..end])?;
            rest = &found[end..];
        }
    }
    f.write_str(rest)
}

struct Literal<'a>(&'a Parameter);

impl Display for Literal<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Parameter::Int(value) => write!(f, "{value}"),
            Parameter::BigInt(value) => write!(f, "{value}"),
            Parameter::Text(value) => write!(f, "'{}'", value.replace('\'', "''")),
            Parameter::Date(value) => date(f, value),
            Parameter::Uuid(value) => uuid(f, value),
            Parameter::Ints(values) => array(f, values, |f, value| write!(f, "{value}")),
            Parameter::Dates(values) => array(f, values, date),
            Parameter::Uuids(values) => array(f, values, uuid),
        }
    }
}

fn array<T>(
    f: &mut Formatter<'_>,
    values: &[T],
    mut each: impl FnMut(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    if values.is_empty() {
        return f.write_str("'{}'");
    }
    for (index, value) in values.iter().enumerate() {
        f.write_str(if index == 0 { "ARRAY[" } else { "," })?;
        each(f, value)?;
    }
    f.write_str("]")
}

/// Without the plus sign that ISO 8601 wants before a year of five digits and Postgres does not read.
fn date(f: &mut Formatter<'_>, date: &NaiveDate) -> fmt::Result {
    write!(f, "'{:04}-{:02}-{:02}'", date.year(), date.month(), date.day())
}

fn uuid(f: &mut Formatter<'_>, id: &Uuid) -> fmt::Result {
    write!(f, "'{id}'")
}
