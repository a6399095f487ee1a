//! Names as Snowflake reads and prints them.

use std::borrow::Cow;
use std::fmt;

use super::set_kind::SetKind;
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
}

/// The name with quotes where it needs them.
impl fmt::Display for SnowflakeIdent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_plain(&self.0) {
            return f.write_str(&self.0);
        }
        f.write_str(&self.quoted())
    }
}

/// A name of so many parts: a database, a schema in its database, or an object in its schema.
///
/// `Display` writes what `objectName` of `ACCESS_HISTORY` holds, or starts with: parts joined with dots, a
/// part in quotes only where it needs them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct QualifiedName<const PARTS: usize>([SnowflakeIdent; PARTS]);

/// `DATABASE`.
pub(crate) type DatabaseName = QualifiedName<1>;
/// `DATABASE.SCHEMA`.
pub(crate) type SchemaName = QualifiedName<2>;
/// `DATABASE.SCHEMA.NAME`.
pub(crate) type ObjectName = QualifiedName<3>;

impl<const PARTS: usize> QualifiedName<PARTS> {
    const WHAT: &str = ["database name", "schema name", "object name"][PARTS - 1];
    const FORM: &str = [
        "is not of the form DATABASE",
        "is not of the form DATABASE.SCHEMA",
        "is not of the form DATABASE.SCHEMA.NAME",
    ][PARTS - 1];

    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let parts = read_parts(text).and_then(|(parts, star)| match (star, parts.try_into()) {
            (true, _) => Err(STAR),
            (false, Ok(parts)) => Ok(Self(parts)),
            (false, Err(_)) => Err(Self::FORM),
        });
        parts.map_err(|reason| invalid(Self::WHAT, text, reason))
    }

    /// The name as SQL text, every part in double quotes.
    pub(crate) fn quoted(&self) -> String {
        self.0.each_ref().map(SnowflakeIdent::quoted).join(".")
    }
}

impl<const PARTS: usize> fmt::Display for QualifiedName<PARTS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, part) in self.0.iter().enumerate() {
            write!(f, "{}{part}", if place > 0 { "." } else { "" })?;
        }
        Ok(())
    }
}

/// A set as people write it: `DATABASE.SCHEMA.NAME`, `DATABASE.SCHEMA.*` or `DATABASE.*`; its kind, and its
/// name as Snowflake prints it.
pub(crate) fn parse_set(text: &str) -> Result<(SetKind, String), Error> {
    const FORM: &str = "is not of the form DATABASE.SCHEMA.NAME, DATABASE.SCHEMA.* or DATABASE.*";
    let set = read_parts(text).and_then(|(parts, star)| {
        let (one, two, three) = (parts.clone().try_into(), parts.clone().try_into(), parts.try_into());
        match (star, one, two, three) {
            (false, _, _, Ok(parts)) => Ok((SetKind::Object, QualifiedName::<3>(parts).to_string())),
            (true, _, Ok(parts), _) => Ok((SetKind::Schema, QualifiedName::<2>(parts).to_string())),
            (true, Ok(parts), _, _) => Ok((SetKind::Database, QualifiedName::<1>(parts).to_string())),
            _ => Err(FORM),
        }
    });
    set.map_err(|reason| invalid("object name", text, reason))
}

/// The schema of every database that describes its objects.
pub(crate) const INFORMATION_SCHEMA: &str = "INFORMATION_SCHEMA";

/// The database and the schema at the start of an object's printed name, where a dot follows them.
///
/// The schema comes with its database: `DB.S` of `DB.S.T`. Of a text that is no name they are whatever a
/// name could start with.
pub(crate) fn database_and_schema(object_name: &str) -> (Option<&str>, Option<&str>) {
    let Some(database) = before_dot(object_name, 0) else { return (None, None) };
    (Some(database), before_dot(object_name, database.len() + 1))
}

/// `text` up to the dot behind the part that starts at `start`.
fn before_dot(text: &str, start: usize) -> Option<&str> {
    let part = text.get(start..)?;
    let len = match part.strip_prefix('"') {
        None => part.find('.')?,
        Some(quoted) => {
            let mut quotes = quoted.match_indices('"').map(|(at, _)| at).peekable();
            loop {
                let quote = quotes.next()?;
                // a quote that is doubled stands for itself
                if quotes.next_if_eq(&(quote + 1)).is_none() {
                    break quote + 2;
                }
            }
        }
    };
    part[len..].starts_with('.').then(|| &text[..start + len])
}

/// A name of a log as Snowflake prints it: without the quotes around parts that need none.
///
/// Any other text is kept as it is.
pub(crate) fn as_printed(object_name: &str) -> Cow<'_, str> {
    if !object_name.contains('"') {
        return Cow::Borrowed(object_name);
    }
    let mut printed = String::with_capacity(object_name.len());
    let mut start = 0;
    for _ in 0..2 {
        let Some(before) = before_dot(object_name, start) else { return Cow::Borrowed(object_name) };
        push_printed(&mut printed, &object_name[start..before.len()]);
        printed.push('.');
        start = before.len() + 1;
    }
    push_printed(&mut printed, &object_name[start..]);
    Cow::Owned(printed)
}

fn push_printed(printed: &mut String, part: &str) {
    let stored = part.strip_prefix('"').and_then(|part| part.strip_suffix('"'));
    printed.push_str(stored.filter(|stored| is_plain(stored)).unwrap_or(part));
}

/// Whether Snowflake prints a stored name without quotes.
fn is_plain(stored: &str) -> bool {
    let mut bytes = stored.bytes();
    bytes.next().is_some_and(|first| first == b'_' || first.is_ascii_uppercase())
        && bytes.all(|byte| matches!(byte, b'_' | b'$') || byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn invalid(what: &'static str, text: &str, reason: &'static str) -> Error {
    Kind::SnowflakeName { what, name: text.to_owned(), reason }.into()
}

const STAR: &str = "has a * in it: it stands alone at the end, for everything in a schema or database";

/// The parts of a name, and whether a `*` stands behind them for another part.
fn read_parts(text: &str) -> Result<(Vec<SnowflakeIdent>, bool), &'static str> {
    let (first, mut rest) = read_ident(text)?;
    let mut parts = vec![first];
    while let Some(after) = after_dot(rest)? {
        if after == "*" {
            return Ok((parts, true));
        }
        let (part, after) = read_ident(after)?;
        parts.push(part);
        rest = after;
    }
    Ok((parts, false))
}

/// What follows the dot at the start of `rest`; `None` at the end of the name.
fn after_dot(rest: &str) -> Result<Option<&str>, &'static str> {
    if rest.is_empty() {
        return Ok(None);
    }
    rest.strip_prefix('.').map(Some).ok_or_else(|| odd_character(rest))
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

fn odd_character(rest: &str) -> &'static str {
    if rest.starts_with('*') { STAR } else { "holds a character that needs double quotes around its part" }
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
        None => Err(odd_character(rest)),
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
