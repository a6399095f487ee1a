//! Names of Postgres objects.

use std::fmt;

use crate::error::{Error, Kind};
use crate::hash;

/// The longest name that Postgres keeps, in bytes (`NAMEDATALEN` - 1).
const MAX_BYTES: usize = 63;

/// The only text that becomes a Postgres name: 1 to 63 bytes, without `"` and NUL.
///
/// A name is always written in quotes, so case and punctuation are kept and no name can end the
/// statement it stands in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ident(String);

impl Ident {
    /// Checks `name`; an error calls it the name of `what`.
    pub(crate) fn new(what: &str, name: &str) -> Result<Self, Error> {
        let reason = if name.is_empty() {
            "is empty"
        } else if name.len() > MAX_BYTES {
            "is longer than the 63 bytes that Postgres keeps"
        } else if name.contains('"') {
            "holds a double quote"
        } else if name.contains('\0') {
            "holds a NUL"
        } else {
            return Ok(Self(name.to_owned()));
        };
        Err(Kind::Name { what: what.to_owned(), name: name.to_owned(), reason }.into())
    }

    /// A name that Postgres itself gave, whatever it holds.
    pub(crate) fn found(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// A name made of `base` and `suffix`; where that is too long, `base` is cut and a hash of the
    /// whole keeps the result distinct and stable.
    pub(crate) fn derived(base: &Ident, suffix: &'static str) -> Self {
        Self::joined(base, suffix)
    }

    /// The name of a year's partition, made as a derived one is.
    pub(crate) fn of_year(base: &Ident, year: i32) -> Self {
        Self::joined(base, &format!("{year:04}"))
    }

    fn joined(base: &Ident, suffix: &str) -> Self {
        let whole = format!("{}_{suffix}", base.0);
        if whole.len() <= MAX_BYTES {
            return Self(whole);
        }
        let hash = hash::fnv1a(whole.as_bytes());
        let tail = format!("_{:08x}_{suffix}", (hash ^ (hash >> 32)) as u32);
        let mut end = MAX_BYTES.saturating_sub(tail.len()).min(base.0.len());
        while !base.0.is_char_boundary(end) {
            end -= 1;
        }
        Self(format!("{}{tail}", &base.0[..end]))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name in quotes, as SQL text.
impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // a name of the host's holds no quote; one that was found may
        write!(f, "\"{}\"", self.0.replace('"', "\"\""))
    }
}

impl sea_query::Iden for Ident {
    fn unquoted(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_looks_like_a_statement_is_only_a_name() {
        let name = Ident::new("schema", "public; drop table x").unwrap();
        assert_eq!(name.to_string(), "\"public; drop table x\"");
    }

    #[test]
    fn names_that_postgres_would_change_are_refused() {
        for (name, reason) in [
            ("", "is empty"),
            ("a\"b", "holds a double quote"),
            ("a\0b", "holds a NUL"),
            (&"é".repeat(32), "is longer than the 63 bytes that Postgres keeps"),
        ] {
            let error = Ident::new("the table", name).unwrap_err();
            assert!(error.is_configuration());
            assert_eq!(error.to_string(), format!("name {name:?} of the table {reason}"));
        }
        assert!(Ident::new("the table", &"a".repeat(63)).is_ok());
    }

    #[test]
    fn derived_names_stay_within_63_bytes_and_distinct() {
        let short = Ident::new("table", "stats").unwrap();
        assert_eq!(Ident::derived(&short, "pkey").as_str(), "stats_pkey");
        assert_eq!(Ident::of_year(&short, 2026).as_str(), "stats_2026");
        let one = Ident::new("table", &format!("{}1", "é".repeat(31))).unwrap();
        let two = Ident::new("table", &format!("{}2", "é".repeat(31))).unwrap();
        let (one, two) = (Ident::derived(&one, "pkey"), Ident::derived(&two, "pkey"));
        assert!(one.as_str().len() <= 63 && two.as_str().len() <= 63);
        assert_ne!(one, two);
    }
}
