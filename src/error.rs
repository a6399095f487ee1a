//! What can be wrong with a configuration, a request or a batch.

mod kind;
mod shown;
mod unknown_ids;

use std::fmt;

use self::kind::Category;
pub(crate) use self::kind::Kind;
pub(crate) use self::shown::{cut, shown};
pub use self::unknown_ids::UnknownIds;

/// Why the library refused a configuration, a request or a batch.
///
/// The message names what is wrong. A host branches on whose mistake it is, which fits HTTP in one line:
///
/// ```
/// # use output_port_usage::Error;
/// fn status(error: &Error) -> u16 {
///     if error.is_request() { 400 } else { 500 }
/// }
/// let error = "no-uuid".parse::<output_port_usage::OutputPortId>().unwrap_err();
/// assert_eq!(status(&error), 400);
/// assert_eq!(error.to_string(), r#"output port id is not a UUID: "no-uuid""#);
/// ```
///
/// Its cause, where there is one, is its [`source`](std::error::Error::source).
#[derive(Clone, thiserror::Error)]
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

/// Whose mistake it is. Exactly one of these is true of an error.
impl Error {
    pub(crate) fn kind(&self) -> &Kind {
        &self.0
    }

    /// Whether the model is wrong.
    ///
    /// At fault is a name, a parent table, or something that it was built without. The host's mistake, usually found at
    /// start-up: 500 for a caller.
    pub fn is_configuration(&self) -> bool {
        self.kind().category() == Category::Configuration
    }

    /// Whether the request is wrong.
    ///
    /// At fault are its days, its top n, an id that is not a UUID, or a list that is empty or too long. Usually the
    /// caller's mistake: 400.
    pub fn is_request(&self) -> bool {
        self.kind().category() == Category::Request
    }

    /// Whether a batch cannot be written.
    ///
    /// At fault are its rows, its scope, or ids that no parent table holds. The mistake of whatever counted. If
    /// the batch came over HTTP, answer 422 or 400. Nothing was written.
    pub fn is_batch(&self) -> bool {
        self.kind().category() == Category::Batch
    }

    /// Whether an attribution is wrong.
    ///
    /// At fault is a name that Snowflake could not print, a mapping that is ambiguous, empty or too large, or an
    /// unknown time zone. The mistake of whoever keeps the mapping: 500 for a caller.
    pub fn is_mapping(&self) -> bool {
        self.kind().category() == Category::Mapping
    }

    /// Whether a result row, of a Snowflake statement or of a schema check, is not what the statement returns.
    ///
    /// Not caused by input: the rows belong to another statement, or the client changes types. 500.
    pub fn is_result(&self) -> bool {
        self.kind().category() == Category::Result
    }

    /// Whether a write refused the transaction that it was handed, before it wrote anything.
    ///
    /// The host's mistake: 500 for a caller.
    pub fn is_transaction(&self) -> bool {
        self.kind().category() == Category::Transaction
    }
}

/// Two mistakes that a host may want to handle by themselves.
impl Error {
    /// Whether a batch would have emptied a whole scope or a whole day.
    ///
    /// It has no rows there, or only skipped ones; an empty access history looks like this. Also
    /// [`is_batch`](Self::is_batch).
    pub fn is_empty_batch(&self) -> bool {
        matches!(self.kind(), Kind::EmptyBatch { .. } | Kind::EmptyDay { .. } | Kind::AllUnknown(_))
    }

    /// The ids that no parent table holds, if that is the error.
    ///
    /// Also [`is_batch`](Self::is_batch).
    pub fn unknown_ids(&self) -> Option<&UnknownIds> {
        match self.kind() {
            Kind::Unknown(ids) | Kind::AllUnknown(ids) => Some(ids),
            _ => None,
        }
    }
}
