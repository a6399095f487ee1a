//! Runs Snowflake statements without an account: parsed with Snowflake's grammar, executed in SQLite.
//!
//! [`Account`] holds an `ACCESS_HISTORY` and a `QUERY_HISTORY` made from the records of a log. A statement
//! is parsed by sqlparser's Snowflake dialect; the few nodes that SQLite lacks are rewritten ([`rewrite`]),
//! and Snowflake's functions are registered as scalar functions of SQLite. A construct that is neither
//! rewritten nor registered is an error, never a guess.

mod account;
mod functions;
mod rewrite;

use std::fmt;

pub use account::{Access, Account, Answer, additional_properties};
pub use rewrite::rewrite;

/// Why a statement did not run.
#[derive(Debug)]
pub enum Error {
    /// Snowflake's grammar does not have it.
    Grammar(sqlparser::parser::ParserError),
    /// SQLite refused what came of it.
    Sqlite(rusqlite::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grammar(error) => write!(f, "Snowflake's grammar: {error}"),
            Self::Sqlite(error) => write!(f, "SQLite: {error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<sqlparser::parser::ParserError> for Error {
    fn from(error: sqlparser::parser::ParserError) -> Self {
        Self::Grammar(error)
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}
