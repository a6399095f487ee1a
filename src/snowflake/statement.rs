//! Statements for Snowflake, in the three forms that clients and people take.

use std::fmt;

use super::row::{ResultRow, ResultRows};
use crate::error::Error;
use crate::usage::{Scope, UsageBatch};

/// A statement for Snowflake whose result decodes into `T`.
///
/// It has a type of its own, so that no Postgres driver takes it. It comes in three forms, which differ only
/// in how they carry the values: [`sql`](Self::sql) with `?`, [`numbered_sql`](Self::numbered_sql) with `:1`,
/// and [`script`](Self::script) with literals. `Display` writes the script.
#[must_use = "a statement does nothing until a client runs it"]
pub struct SnowflakeStatement<T> {
    pieces: Vec<Piece>,
    /// A batch of its scope and rules, without rows.
    empty: UsageBatch,
    columns: &'static [&'static str],
    decode: DecodeRows<T>,
}

/// How the rows of one statement become its result.
pub(super) type DecodeRows<T> = fn(UsageBatch, ResultRows<'_>) -> Result<T, Error>;

/// A value to bind, with the type that the statement counts on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Bind {
    /// `TEXT`.
    Text(String),
    /// `FIXED`: a whole number.
    Number(i64),
}

/// A stretch of a statement.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Sql(String),
    Bind(Bind),
}

impl<T> SnowflakeStatement<T> {
    /// The text with a `?` for each of [`binds`](Self::binds).
    ///
    /// Text and number of binds depend on the shape of the request alone, but for names that
    /// [`Mappings::Values`](super::Mappings::Values) writes out.
    pub fn sql(&self) -> String {
        self.render(|sql, _, _| sql.push('?'))
    }

    /// The text with `:1`, `:2` and so on for [`binds`](Self::binds).
    pub fn numbered_sql(&self) -> String {
        self.render(|sql, number, _| {
            sql.push(':');
            sql.push_str(&number.to_string());
        })
    }

    /// The text with every value as a literal, for a worksheet, a task or a dbt model.
    ///
    /// It has no semicolon at the end, which a dbt model could not have. Snowflake takes up to 1 MB of
    /// text: larger mappings have to be bound.
    pub fn script(&self) -> String {
        self.render(|sql, _, bind| match bind {
            Bind::Text(text) => push_literal(sql, text),
            Bind::Number(number) => sql.push_str(&number.to_string()),
        })
    }

    /// The values to bind, in the order of the placeholders.
    pub fn binds(&self) -> impl Iterator<Item = &Bind> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Bind(bind) => Some(bind),
            Piece::Sql(_) => None,
        })
    }

    /// The names of the result's columns, in lower case. Snowflake returns them in upper case.
    pub fn columns(&self) -> &'static [&'static str] {
        self.columns
    }

    /// The days and output ports that the result covers completely.
    pub fn scope(&self) -> &Scope {
        self.empty.scope()
    }

    /// Decodes the rows of the result; see [`ResultRow`] for what they may look like.
    ///
    /// # Errors
    ///
    /// A row that the statement cannot have returned: too few or too many cells, a column missing or NULL, a
    /// count that is negative or fractional, an id that is not a UUID, a day or an output port outside the
    /// scope. The message names row and column.
    pub fn decode(&self, rows: impl IntoIterator<Item = ResultRow>) -> Result<T, Error> {
        let rows = &mut rows.into_iter();
        (self.decode)(self.empty.clone(), ResultRows::new(self.columns, rows))
    }

    fn render(&self, mut write_bind: impl FnMut(&mut String, usize, &Bind)) -> String {
        let mut sql = String::new();
        let mut number = 0;
        for piece in &self.pieces {
            match piece {
                Piece::Sql(text) => sql.push_str(text),
                Piece::Bind(bind) => {
                    number += 1;
                    write_bind(&mut sql, number, bind);
                }
            }
        }
        sql
    }
}

impl<T> fmt::Display for SnowflakeStatement<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.script())
    }
}

impl<T> Clone for SnowflakeStatement<T> {
    fn clone(&self) -> Self {
        Self { pieces: self.pieces.clone(), empty: self.empty.clone(), ..*self }
    }
}

impl<T> PartialEq for SnowflakeStatement<T> {
    fn eq(&self, other: &Self) -> bool {
        self.pieces == other.pieces && self.empty == other.empty
    }
}

impl<T> fmt::Debug for SnowflakeStatement<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnowflakeStatement")
            .field("pieces", &self.pieces)
            .field("scope", self.scope())
            .finish_non_exhaustive()
    }
}

/// Writes a statement: its text comes from `&'static str`, quoted names, literals and binds alone.
#[derive(Debug, Default)]
pub(super) struct ScriptWriter {
    pieces: Vec<Piece>,
}

impl ScriptWriter {
    pub(super) fn text(&mut self, text: &'static str) -> &mut Self {
        self.open().push_str(text);
        self
    }

    /// A view's name, every part in double quotes.
    pub(super) fn name(&mut self, name: &crate::attribution::ObjectName) -> &mut Self {
        self.open().push_str(&name.quoted());
        self
    }

    /// A text that stays in the statement whatever its form.
    pub(super) fn literal(&mut self, text: &str) -> &mut Self {
        push_literal(self.open(), text);
        self
    }

    /// A value that stands for a placeholder, but in a script.
    pub(super) fn bind(&mut self, bind: Bind) -> &mut Self {
        self.pieces.push(Piece::Bind(bind));
        self
    }

    /// `each` for every item, `separator` between.
    pub(super) fn list<I: IntoIterator>(
        &mut self,
        separator: &'static str,
        items: I,
        mut each: impl FnMut(&mut Self, I::Item),
    ) -> &mut Self {
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.text(separator);
            }
            each(self, item);
        }
        self
    }

    pub(super) fn into_statement<T>(
        self,
        empty: UsageBatch,
        columns: &'static [&'static str],
        decode: DecodeRows<T>,
    ) -> SnowflakeStatement<T> {
        SnowflakeStatement { pieces: self.pieces, empty, columns, decode }
    }

    /// The text that is being written.
    fn open(&mut self) -> &mut String {
        if !matches!(self.pieces.last(), Some(Piece::Sql(_))) {
            self.pieces.push(Piece::Sql(String::new()));
        }
        match self.pieces.last_mut() {
            Some(Piece::Sql(text)) => text,
            _ => unreachable!("a text has just been put there"),
        }
    }
}

/// Writes `text` as a string constant.
///
/// In one, Snowflake reads a backslash as the start of an escape sequence and a quote as its end
/// (Snowflake's page "String & binary data types"); everything else stands for itself.
fn push_literal(sql: &mut String, text: &str) {
    sql.push('\'');
    for char in text.chars() {
        match char {
            '\\' => sql.push_str(r"\\"),
            '\'' => sql.push_str("''"),
            _ => sql.push(char),
        }
    }
    sql.push('\'');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads a string constant as Snowflake does: what it holds, and what follows it.
    fn read_literal(sql: &str) -> Option<(String, &str)> {
        let mut held = String::new();
        let mut rest = sql.strip_prefix('\'')?.chars();
        loop {
            match rest.next()? {
                '\\' => held.push(match rest.next()? {
                    'n' => '\n',
                    '0' => '\0',
                    other => other,
                }),
                '\'' => match rest.as_str().strip_prefix('\'') {
                    Some(after) => {
                        held.push('\'');
                        rest = after.chars();
                    }
                    None => return Some((held, rest.as_str())),
                },
                other => held.push(other),
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_ends_its_literal(text in r#"([\\'"n0\n\x00;?:]|--|\PC){0,40}"#) {
            let mut sql = String::new();
            push_literal(&mut sql, &text);
            sql.push_str(" AND");
            prop_assert_eq!(read_literal(&sql), Some((text, " AND")));
        }
    }

    #[test]
    fn a_megabyte_of_quotes_and_backslashes_stays_one_literal() {
        for text in ["'".repeat(1 << 20), "\\".repeat(1 << 20), "\\'".repeat(1 << 19)] {
            let mut sql = String::new();
            push_literal(&mut sql, &text);
            assert!(read_literal(&sql) == Some((text, "")));
        }
    }
}
