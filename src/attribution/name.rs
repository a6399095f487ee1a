//! Names as Snowflake reads and prints them.

use std::fmt;

use crate::error::{Error, Kind};

/// The longest identifier that Snowflake accepts, in characters.
const MAX_CHARS: usize = 255;

/// One Snowflake identifier, as it is stored: without quotes, folded to upper case if it had none.
///
/// The rules are those of Snowflake's page "Identifier requirements". A NUL is refused, which no
/// text column downstream could hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SnowflakeIdent(String);

impl SnowflakeIdent {
    /// Parses the whole of `text` as one identifier; an error calls it a `what`.
    pub(crate) fn parse(what: &'static str, text: &str) -> Result<Self, Error> {
        match read_ident(text) {
            Ok((ident, "")) => Ok(ident),
            Ok(_) => Err("holds a character that needs double quotes around the name"),
            Err(reason) => Err(reason),
        }
        .map_err(|reason| invalid(what, text, reason))
    }

    /// The name as Snowflake stores it, and prints it in `USER_NAME` and `ROLE_NAME`.
    pub(crate) fn into_stored(self) -> String {
        self.0
    }

    /// The name in double quotes, as SQL text that no keyword and no character can change.
    fn quoted(&self) -> String {
        format!("\"{}\"", self.0.replace('"', "\"\""))
    }

    fn is_plain(&self) -> bool {
        let mut bytes = self.0.bytes();
        bytes.next().is_some_and(|first| first == b'_' || first.is_ascii_uppercase())
            && bytes
                .all(|byte| matches!(byte, b'_' | b'$') || byte.is_ascii_uppercase() || byte.is_ascii_digit())
    }
}

/// The name with quotes where it needs them.
impl fmt::Display for SnowflakeIdent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_plain() {
            return f.write_str(&self.0);
        }
        f.write_str(&self.quoted())
    }
}

/// A fully qualified object: `DATABASE.SCHEMA.NAME`.
///
/// `Display` writes what `objectName` of `ACCESS_HISTORY` holds: parts joined with dots, a part in
/// quotes only where it needs them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectName([SnowflakeIdent; 3]);

impl ObjectName {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        read_object(text).map_err(|reason| invalid("object name", text, reason))
    }

    /// The name as SQL text, every part in double quotes.
    pub(crate) fn quoted(&self) -> String {
        self.0.each_ref().map(SnowflakeIdent::quoted).join(".")
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([database, schema, name]) = self;
        write!(f, "{database}.{schema}.{name}")
    }
}

fn invalid(what: &'static str, text: &str, reason: &'static str) -> Error {
    Kind::SnowflakeName { what, name: text.to_owned(), reason }.into()
}

fn read_object(text: &str) -> Result<ObjectName, &'static str> {
    const THREE_PARTS: &str = "is not of the form DATABASE.SCHEMA.NAME";
    let (database, rest) = read_ident(text)?;
    let (schema, rest) = read_ident(after_dot(rest)?.ok_or(THREE_PARTS)?)?;
    let (name, rest) = read_ident(after_dot(rest)?.ok_or(THREE_PARTS)?)?;
    match after_dot(rest)? {
        None => Ok(ObjectName([database, schema, name])),
        Some(_) => Err(THREE_PARTS),
    }
}

/// What follows the dot at the start of `rest`; `None` at the end of the name.
fn after_dot(rest: &str) -> Result<Option<&str>, &'static str> {
    if rest.is_empty() {
        return Ok(None);
    }
    rest.strip_prefix('.').map(Some).ok_or("holds a character that needs double quotes around its part")
}

/// Reads one identifier off the start of `text`; returns it and the rest.
fn read_ident(text: &str) -> Result<(SnowflakeIdent, &str), &'static str> {
    let (stored, rest) = match text.strip_prefix('"') {
        Some(quoted) => read_quoted(quoted)?,
        None => read_unquoted(text)?,
    };
    if stored.chars().nth(MAX_CHARS).is_some() {
        return Err("has a part longer than the 255 characters that Snowflake accepts");
    }
    if stored.contains('\0') {
        return Err("holds a NUL");
    }
    Ok((SnowflakeIdent(stored), rest))
}

fn read_quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut stored = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"').ok_or("has a double quote that nothing closes")?;
        stored.push_str(before);
        match after.strip_prefix('"') {
            Some(escaped) => {
                stored.push('"');
                rest = escaped;
            }
            None if stored.is_empty() => return Err("has an empty part"),
            None => return Ok((stored, after)),
        }
    }
}

fn read_unquoted(text: &str) -> Result<(String, &str), &'static str> {
    let end = text
        .find(|char: char| !(char.is_ascii_alphanumeric() || matches!(char, '_' | '$')))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    match name.bytes().next() {
        None if rest.is_empty() || rest.starts_with('.') => Err("has an empty part"),
        None => Err("holds a character that needs double quotes around its part"),
        Some(first) if first == b'$' || first.is_ascii_digit() => {
            Err("has a part that starts with neither a letter nor an underscore: put it in double quotes")
        }
        Some(_) => Ok((name.to_ascii_uppercase(), rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_names_come_out_as_snowflake_prints_them() {
        for (written, printed) in [
            ("sales.public.orders", "SALES.PUBLIC.ORDERS"),
            ("\"SALES\".\"PUBLIC\".\"ORDERS\"", "SALES.PUBLIC.ORDERS"),
            ("mkt_db.out.\"Campaign.Daily\"", "MKT_DB.OUT.\"Campaign.Daily\""),
            ("a.b.\"say \"\"hi\"\"\"", "A.B.\"say \"\"hi\"\"\""),
            ("a._b$1.\"1st\"", "A._B$1.\"1st\""),
            ("a.\"b\".\"é\"", "A.\"b\".\"é\""),
        ] {
            let name = ObjectName::parse(written).unwrap().to_string();
            assert_eq!(name, printed);
            assert_eq!(ObjectName::parse(&name).unwrap().to_string(), printed, "printing twice");
        }
    }

    #[test]
    fn principals_come_out_without_quotes() {
        for (written, stored) in
            [("jsmith", "JSMITH"), ("\"Jane.Doe@x.org\"", "Jane.Doe@x.org"), ("\"a\"\"b\"", "a\"b")]
        {
            assert_eq!(SnowflakeIdent::parse("user name", written).unwrap().into_stored(), stored);
        }
    }

    #[test]
    fn texts_that_are_no_names_are_refused() {
        for (text, reason) in [
            ("", "has an empty part"),
            ("a..b", "has an empty part"),
            ("a.b.", "has an empty part"),
            ("a.b.\"\"", "has an empty part"),
            ("orders", "is not of the form DATABASE.SCHEMA.NAME"),
            ("a.b", "is not of the form DATABASE.SCHEMA.NAME"),
            ("a.b.c.d", "is not of the form DATABASE.SCHEMA.NAME"),
            ("a.b.\"c", "has a double quote that nothing closes"),
            ("a.b.c d", "holds a character that needs double quotes around its part"),
            ("a.\"b\"c.d", "holds a character that needs double quotes around its part"),
            ("a.b.é", "holds a character that needs double quotes around its part"),
            (
                "a.b.1st",
                "has a part that starts with neither a letter nor an underscore: put it in double quotes",
            ),
            ("a.b.\"c\0\"", "holds a NUL"),
        ] {
            let error = ObjectName::parse(text).unwrap_err();
            assert!(error.is_mapping());
            assert_eq!(error.to_string(), format!("object name {text:?} {reason}"));
        }
        let name = |chars| format!("a.b.\"{}\"", "é".repeat(chars));
        assert!(ObjectName::parse(&name(255)).is_ok());
        assert!(ObjectName::parse(&name(256)).unwrap_err().to_string().contains("255 characters"));
        assert!(ObjectName::parse(&"\u{1f600}".repeat(1 << 20)).unwrap_err().to_string().len() < 500);
    }

    #[test]
    fn a_mail_address_as_a_user_name_needs_quotes() {
        let error = SnowflakeIdent::parse("user name", "jane.doe@x.org").unwrap_err();
        assert_eq!(
            error.to_string(),
            "user name \"jane.doe@x.org\" holds a character that needs double quotes around the name"
        );
    }
}
