//! The writer of the statements that sea-query has no nodes for.

use std::fmt;

use chrono::NaiveDate;

use super::{Parameter, Statement, Transaction};
use crate::ident::Ident;

/// A bound value's number in the statement that it was bound to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Param(usize);

/// Writes the statements that sea-query has no nodes for.
///
/// Its text comes from `&'static str`, checked names and placeholders alone.
#[derive(Debug)]
pub(crate) struct SqlWriter {
    title: String,
    sql: String,
    values: Vec<Parameter>,
}

impl SqlWriter {
    /// Starts a statement that is for `title`.
    pub(crate) fn new(title: &'static str) -> Self {
        Self { title: title.to_owned(), sql: String::new(), values: Vec::new() }
    }

    /// Starts one of several statements that differ in their object: "create the table of", "touches".
    pub(crate) fn for_each(title: &'static str, object: &'static str) -> Self {
        Self::of([title, object])
    }

    /// Starts a statement whose title has so many parts.
    pub(crate) fn of<const N: usize>(title: [&'static str; N]) -> Self {
        Self { title: title.join(" "), sql: String::new(), values: Vec::new() }
    }

    pub(crate) fn text(&mut self, text: &'static str) -> &mut Self {
        self.sql.push_str(text);
        self
    }

    /// A name in quotes.
    pub(crate) fn ident(&mut self, ident: &Ident) -> &mut Self {
        self.write(format_args!("{ident}"))
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
        self.write(format_args!("'{}'", names.replace('\'', "''")))
    }

    /// A number that the library itself counts; a host's are bound.
    pub(crate) fn number(&mut self, number: usize) -> &mut Self {
        self.write(format_args!("{number}"))
    }

    /// A day as a literal, where Postgres takes no parameter.
    pub(crate) fn day(&mut self, day: NaiveDate) -> &mut Self {
        self.write(format_args!("'{}'", day.format("%Y-%m-%d")))
    }

    fn write(&mut self, arguments: fmt::Arguments<'_>) -> &mut Self {
        fmt::Write::write_fmt(&mut self.sql, arguments).expect("a String takes any text");
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
    pub(crate) fn bind(&mut self, value: impl Into<Parameter>) -> Param {
        self.values.push(value.into());
        Param(self.values.len())
    }

    /// The placeholder of a bound value.
    pub(crate) fn param(&mut self, param: Param) -> &mut Self {
        self.write(format_args!("${}", param.0))
    }

    pub(crate) fn into_statement(self) -> Statement {
        Statement::titled(self.title, &[], &self.sql, self.values)
    }

    /// What is written as the body of a `DO` block, for what Postgres has no `IF NOT EXISTS` for.
    ///
    /// A name in it may hold what would end the block: the quote is the first of `$do$`, `$do1$`, … that it does not hold.
    pub(crate) fn into_block(self) -> Statement {
        debug_assert!(self.values.is_empty(), "a block takes no parameters");
        let (mut quote, mut number) = ("$do$".to_owned(), 0_usize);
        while self.sql.contains(&quote) {
            number += 1;
            quote = format!("$do{number}$");
        }
        let block = ["DO ", &quote, "\n", &self.sql, "\n", &quote].concat();
        Statement::titled(self.title, &[], &block, self.values)
    }

    /// For what Postgres refuses inside a transaction block.
    pub(crate) fn into_statement_outside_transaction(self) -> Statement {
        Statement { transaction: Transaction::Forbidden, ..self.into_statement() }
    }
}
