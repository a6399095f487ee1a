//! What can be wrong with a configuration, a request or a batch.

use std::fmt;

use chrono::NaiveDate;

/// Why the library refused a configuration, a request or a batch.
///
/// The message names the offending thing. Callers that branch use the predicates, for instance
/// [`is_duplicate_key`](Error::is_duplicate_key); causes are reached through
/// [`source`](std::error::Error::source).
#[derive(thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Kind>);

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self(Box::new(kind))
    }
}

/// Everything that can be wrong, one variant for each thing that a caller can mend.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Kind {
    #[error("{what} is not a UUID: {text:?}", text = shown(text))]
    Id { what: &'static str, text: String, source: uuid::Error },

    #[error("name {name:?} of {what} {reason}", name = shown(name))]
    Name { what: String, name: String, reason: &'static str },
    #[error("{first} and {second} are both named {name:?}", name = shown(name))]
    NamesAlike { first: String, second: String, name: String },

    #[error("days are empty or reversed: {from} to {until} (the end is exclusive)")]
    EmptyDays { from: NaiveDate, until: NaiveDate },
    #[error("day {0} is outside the years 1 to 9999")]
    DayOutOfRange(NaiveDate),
    #[error("the number of days before {today} is out of range: {count}")]
    LastDays { count: u32, today: NaiveDate },
    #[error("{0} is zero: ask for at least one")]
    TopZero(&'static str),
}

impl Error {
    pub(crate) fn kind(&self) -> &Kind {
        &self.0
    }

    /// Whether a name cannot be a Postgres name: empty, too long, or with a quote or NUL in it.
    pub fn is_invalid_name(&self) -> bool {
        matches!(self.kind(), Kind::Name { .. })
    }

    /// Whether two things of a model bear one name.
    pub fn is_duplicate_name(&self) -> bool {
        matches!(self.kind(), Kind::NamesAlike { .. })
    }

    /// Whether a range of days is empty, reversed or outside the years 1 to 9999.
    pub fn is_invalid_days(&self) -> bool {
        matches!(self.kind(), Kind::EmptyDays { .. } | Kind::DayOutOfRange(_) | Kind::LastDays { .. })
    }
}

/// A text from outside, cut to what a message can carry.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 80;
    match text.char_indices().nth(MOST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
