//! Statements with their bound values, and the writer of those that sea-query has no nodes for.

use std::fmt;
use std::marker::PhantomData;

use chrono::NaiveDate;
use sea_query::{ArrayType, PostgresQueryBuilder, QueryBuilder, Value, Values};
use uuid::Uuid;

use crate::ident::Ident;

/// A statement that returns no rows to decode.
///
/// It is text with `$1` placeholders and the values to bind. `Display` shows it with literals in
/// place of the placeholders, for reading and review.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a statement does nothing until a driver runs it"]
pub struct Statement {
    sql: String,
    values: Values,
    transaction: Transaction,
}

/// Whether a statement may run inside a transaction block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transaction {
    Allowed,
    Forbidden,
}

impl Statement {
    /// The SQL text.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The values to bind, in the order of the placeholders.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The text and the values, for a driver of the host's choice.
    pub fn into_parts(self) -> (String, Values) {
        (self.sql, self.values)
    }

    /// Whether Postgres refuses the statement inside a transaction block, as it does `VACUUM`.
    pub fn runs_outside_transaction(&self) -> bool {
        self.transaction == Transaction::Forbidden
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_literals(f, &self.sql, &self.values)
    }
}

/// A statement that returns rows of `T`.
///
/// It is text with `$1` placeholders and the values to bind. `Display` shows it with literals in
/// place of the placeholders, for reading and review.
#[must_use = "a query does nothing until a driver runs it"]
pub struct Query<T> {
    sql: String,
    values: Values,
    row: PhantomData<fn() -> T>,
}

impl<T> Query<T> {
    pub(crate) fn new((sql, Values(values)): (String, Values)) -> Self {
        // a LIMIT comes from sea-query as a u64, a type that Postgres does not have
        let values = values.into_iter().map(|value| match value {
            Value::BigUnsigned(limit) => {
                Value::BigInt(limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX)))
            }
            value => value,
        });
        Self { sql, values: Values(values.collect()), row: PhantomData }
    }

    /// The SQL text.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The values to bind, in the order of the placeholders.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The text and the values, for a driver of the host's choice.
    pub fn into_parts(self) -> (String, Values) {
        (self.sql, self.values)
    }
}

impl<T> Clone for Query<T> {
    fn clone(&self) -> Self {
        Self { sql: self.sql.clone(), values: self.values.clone(), row: PhantomData }
    }
}

impl<T> PartialEq for Query<T> {
    fn eq(&self, other: &Self) -> bool {
        self.sql == other.sql && self.values == other.values
    }
}

impl<T> fmt::Debug for Query<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").field("sql", &self.sql).field("values", &self.values).finish()
    }
}

impl<T> fmt::Display for Query<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_literals(f, &self.sql, &self.values)
    }
}

/// Writes `sql` with each placeholder replaced by its value as a literal.
///
/// Quotes are doubled, never escaped with a backslash, in the text of this library: what stands
/// between quotes is copied as it is, so a name that looks like a placeholder stays a name.
fn write_literals(f: &mut fmt::Formatter<'_>, sql: &str, values: &Values) -> fmt::Result {
    let mut rest = sql;
    while let Some(at) = rest.find(['$', '"', '\'']) {
        let (before, found) = rest.split_at(at);
        f.write_str(before)?;
        let mark = &found[..1];
        let after = &found[1..];
        if mark == "$" {
            let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            match after[..digits]
                .parse::<usize>()
                .ok()
                .and_then(|number| values.0.get(number.wrapping_sub(1)))
            {
                Some(value) => f.write_str(&PostgresQueryBuilder.value_to_string(value))?,
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

/// A bound value's number in the statement that it was bound to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Param(usize);

/// Writes the statements that sea-query has no nodes for.
///
/// Its text comes from `&'static str`, checked names and placeholders alone.
#[derive(Debug, Default)]
pub(crate) struct SqlWriter {
    sql: String,
    values: Vec<Value>,
}

impl SqlWriter {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn text(&mut self, text: &'static str) -> &mut Self {
        self.sql.push_str(text);
        self
    }

    /// A name in quotes.
    pub(crate) fn ident(&mut self, ident: &Ident) -> &mut Self {
        fmt::Write::write_fmt(&mut self.sql, format_args!("{ident}")).expect("a String takes any text");
        self
    }

    /// A name in its schema.
    pub(crate) fn qualified(&mut self, schema: &Ident, name: &Ident) -> &mut Self {
        self.ident(schema).text(".").ident(name)
    }

    /// A name as the text of a string literal, for functions that take a column's name.
    pub(crate) fn name_literal(&mut self, name: &Ident) -> &mut Self {
        self.literal(name.as_str())
    }

    /// Names in quotes and with commas as the text of a string literal, for settings that take a list of columns.
    pub(crate) fn ident_literal<'a>(&mut self, idents: impl IntoIterator<Item = &'a Ident>) -> &mut Self {
        let idents: Vec<String> = idents.into_iter().map(Ident::to_string).collect();
        self.literal(&idents.join(", "))
    }

    /// A table's name as the text of a string literal, for functions that take a `regclass`.
    pub(crate) fn regclass(&mut self, schema: &Ident, name: &Ident) -> &mut Self {
        self.literal(&format!("{schema}.{name}"))
    }

    /// Checked names alone; with `standard_conforming_strings`, on by default, a backslash is a character like others.
    fn literal(&mut self, names: &str) -> &mut Self {
        fmt::Write::write_fmt(&mut self.sql, format_args!("'{}'", names.replace('\'', "''")))
            .expect("a String takes any text");
        self
    }

    /// `each` for every item, `separator` between.
    pub(crate) fn list<I: IntoIterator>(
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

    /// Binds a value; it may be written any number of times.
    pub(crate) fn bind(&mut self, value: Value) -> Param {
        self.values.push(value);
        Param(self.values.len())
    }

    /// The placeholder of a bound value.
    pub(crate) fn param(&mut self, param: Param) -> &mut Self {
        fmt::Write::write_fmt(&mut self.sql, format_args!("${}", param.0)).expect("a String takes any text");
        self
    }

    pub(crate) fn into_statement(self) -> Statement {
        Statement { sql: self.sql, values: Values(self.values), transaction: Transaction::Allowed }
    }

    /// For what Postgres refuses inside a transaction block.
    pub(crate) fn into_statement_outside_transaction(self) -> Statement {
        Statement { transaction: Transaction::Forbidden, ..self.into_statement() }
    }
}

/// One array parameter of dates.
pub(crate) fn dates(dates: impl IntoIterator<Item = NaiveDate>) -> Value {
    array(ArrayType::ChronoDate, dates.into_iter().map(Value::from))
}

/// One array parameter of ids.
pub(crate) fn uuids(ids: impl IntoIterator<Item = Uuid>) -> Value {
    array(ArrayType::Uuid, ids.into_iter().map(Value::from))
}

/// One array parameter of counts.
pub(crate) fn ints(counts: impl IntoIterator<Item = i32>) -> Value {
    array(ArrayType::Int, counts.into_iter().map(Value::from))
}

fn array(of: ArrayType, values: impl Iterator<Item = Value>) -> Value {
    Value::Array(of, Some(Box::new(values.collect())))
}
