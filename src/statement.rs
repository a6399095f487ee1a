//! Statements with their bound values.

mod literals;
mod parameter;
mod writer;

use std::fmt;
use std::marker::PhantomData;

use sea_query::Values;

pub(crate) use self::parameter::Parameter;
pub(crate) use self::writer::{Param, SqlWriter};

/// A statement: SQL text with `$1` placeholders, and the values to bind.
///
/// The first word of the text is followed by a comment that says what the statement is for, such as
/// `SELECT /* output-port-usage: summary */ …`, so that a DBA sees it in
/// [`pg_stat_activity` and `pg_stat_statements`](crate::docs::reviewing_sql). `Display` shows the text with literals in
/// place of the placeholders, for reading and review.
///
/// ```
/// # use output_port_usage::{Reference, UsageModel};
/// # let model = UsageModel::builder()
/// #     .schema("usage")
/// #     .output_ports(Reference::to("datasets"))
/// #     .consumers(Reference::to("data_products"))
/// #     .tech_assets(Reference::to("technical_assets"))
/// #     .build()?;
/// let statement = &model.drop_tables()[0];
/// assert_eq!(statement.title(), "drop the table of touches");
/// assert_eq!(
///     statement.sql(),
///     r#"DROP /* output-port-usage: drop the table of touches */ TABLE IF EXISTS "usage"."tech_asset_stats_daily""#
/// );
/// # Ok::<(), output_port_usage::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a statement does nothing until a driver runs it"]
pub struct Statement {
    title: String,
    sql: String,
    values: Vec<Parameter>,
    transaction: Transaction,
}

/// Whether a statement may run inside a transaction block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transaction {
    Allowed,
    Forbidden,
}

impl Statement {
    /// Puts the title behind the first word of the text, and a note for whoever reads the text behind the title.
    fn titled(title: String, notes: &[&'static str], sql: &str, values: Vec<Parameter>) -> Self {
        let noted = notes.iter().filter(|note| !note.is_empty());
        let comment = [title.as_str()].into_iter().chain(noted.copied()).collect::<Vec<_>>().join("; ");
        // no title or note may end the comment, or look like a value in it
        debug_assert!(!comment.contains(['\'', '"', '$', '*']));
        let (first, rest) = sql.split_once(' ').unwrap_or((sql, ""));
        let sql = format!("{first} /* output-port-usage: {comment} */ {rest}");
        Self { title, sql, values, transaction: Transaction::Allowed }
    }

    /// What the statement is for, in a few words.
    ///
    /// Its text holds them in a comment.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The SQL text.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The values to bind, in the order of the placeholders.
    ///
    /// They are copies in sea-query's type, with an enum value for each element of an array. The crate's own drivers
    /// bind the arrays as they are.
    pub fn values(&self) -> Values {
        Values(self.values.iter().cloned().map(Into::into).collect())
    }

    /// The text and the values, for a driver of the host's choice.
    pub fn into_parts(self) -> (String, Values) {
        let (sql, values) = self.into_typed_parts();
        (sql, Values(values.into_iter().map(Into::into).collect()))
    }

    /// The text and the values as the crate's own drivers bind them.
    pub(crate) fn into_typed_parts(self) -> (String, Vec<Parameter>) {
        (self.sql, self.values)
    }

    /// Whether Postgres refuses the statement inside a transaction block, as it does `VACUUM`.
    pub fn runs_outside_transaction(&self) -> bool {
        self.transaction == Transaction::Forbidden
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        literals::write(f, &self.sql, &self.values)
    }
}

/// A statement whose rows decode as `T`.
///
/// `Display` shows it with literals in place of the placeholders, for reading and review.
#[must_use = "a query does nothing until a driver runs it"]
pub struct Query<T> {
    statement: Statement,
    row: PhantomData<fn() -> T>,
}

impl<T> Query<T> {
    /// What sea-query wrote.
    pub(crate) fn new(title: impl Into<String>, built: (String, Values)) -> Self {
        Self::noted(title, &[], built)
    }

    /// What sea-query wrote, with a note for whoever reads it.
    pub(crate) fn noted(
        title: impl Into<String>,
        notes: &[&'static str],
        (sql, values): (String, Values),
    ) -> Self {
        let values = values.into_iter().map(Parameter::from).collect();
        Self { statement: Statement::titled(title.into(), notes, &sql, values), row: PhantomData }
    }

    /// A statement of the library's own writer, whose rows these are.
    pub(crate) fn of(statement: Statement) -> Self {
        Self { statement, row: PhantomData }
    }

    /// The statement without the type of its rows.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The statement without the type of its rows.
    pub fn into_statement(self) -> Statement {
        self.statement
    }

    /// What the query is for, in a few words; see [`Statement::title`].
    pub fn title(&self) -> &str {
        self.statement.title()
    }

    /// The SQL text.
    pub fn sql(&self) -> &str {
        self.statement.sql()
    }

    /// The values to bind, in the order of the placeholders.
    pub fn values(&self) -> Values {
        self.statement.values()
    }

    /// The text and the values, for a driver of the host's choice.
    pub fn into_parts(self) -> (String, Values) {
        self.statement.into_parts()
    }
}

impl<T> Clone for Query<T> {
    fn clone(&self) -> Self {
        Self { statement: self.statement.clone(), row: PhantomData }
    }
}

impl<T> PartialEq for Query<T> {
    fn eq(&self, other: &Self) -> bool {
        self.statement == other.statement
    }
}

impl<T> fmt::Debug for Query<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").field("statement", &self.statement).finish()
    }
}

impl<T> fmt::Display for Query<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.statement, f)
    }
}
