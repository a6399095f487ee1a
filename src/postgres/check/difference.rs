//! How a database differs from the model.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::statement::Statement;

/// What a difference between the model and the database leads to, the mildest first.
///
/// In JSON the values are `cosmetic`, `slow`, `errors` and `wrong_numbers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// Nothing that a chart or a write would show.
    Cosmetic,
    /// Charts or writes take longer, or more disk, than they have to.
    Slow,
    /// A chart or a write fails, today or one day.
    Errors,
    /// A chart may show a number that is not what its name says, without a word.
    WrongNumbers,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cosmetic => "cosmetic",
            Self::Slow => "slow",
            Self::Errors => "errors to come",
            Self::WrongNumbers => "wrong numbers",
        })
    }
}

/// What differs between the model and the database.
///
/// In JSON each is its name in lower case, with underscores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DifferenceKind {
    /// The server is older than the model needs.
    Server,
    /// The server is a standby, or the role's transactions are read-only, and the role is to write.
    ReadOnly,
    /// A schema is missing.
    NoSchema,
    /// A table of the model or of the portal is missing.
    NoTable,
    /// What bears the table's name is a view, or something else that is no table.
    NotATable,
    /// A column is missing.
    NoColumn,
    /// A column has another type, or is generated.
    ColumnType,
    /// A column takes NULL.
    Nullable,
    /// A column that the model does not know has to be given a value.
    RequiredColumn,
    /// No unique key settles which row a write changes.
    NoKey,
    /// The unique key is in another order, or without the count, so charts read more than they need.
    Key,
    /// A unique key over fewer columns refuses rows.
    NarrowKey,
    /// An index is missing.
    NoIndex,
    /// An index is invalid, as a `CREATE INDEX CONCURRENTLY` that broke off leaves it.
    InvalidIndex,
    /// An index costs writes, and charts are none the faster or even slower for it.
    NeedlessIndex,
    /// A foreign key is missing, or its rows were never validated.
    NoForeignKey,
    /// A foreign key does something else when its parent is deleted, or is there where the model has none.
    ForeignKey,
    /// Triggers are off that enforce a foreign key.
    NotEnforced,
    /// A check constraint is missing, or its rows were never validated.
    NoCheck,
    /// A parent's key is not unique.
    ParentKey,
    /// Tables inherit from one of these: their rows are seen, and no key or foreign key knows them. Of a parent the first ten
    /// ids that only they hold are named, if the role may read them.
    Inherited,
    /// A table is empty after a crash.
    Unlogged,
    /// Storage parameters are missing, so a vacuum comes late.
    StorageParameters,
    /// Policies may hide rows from this role.
    RowSecurity,
    /// The role lacks a privilege.
    Privilege,
    /// The role does not own a table, or the tables have several owners.
    Owner,
    /// A trigger or a rule may change what is written.
    Trigger,
    /// A partitioned table has no partition for one of the next days.
    NoPartition,
}

/// One difference between the model and the database, with what mends it.
///
/// `Display` says what it is in one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub(super) kind: DifferenceKind,
    pub(super) severity: Severity,
    pub(super) message: String,
    pub(super) mend: Vec<Statement>,
}

impl Difference {
    pub(super) fn new(kind: DifferenceKind, severity: Severity, message: String) -> Self {
        Self { kind, severity, message, mend: Vec::new() }
    }

    pub(super) fn mended_by(mut self, mend: impl IntoIterator<Item = Statement>) -> Self {
        self.mend.extend(mend);
        self
    }

    /// What differs.
    pub fn kind(&self) -> DifferenceKind {
        self.kind
    }

    /// What it leads to.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// The statements that mend it, in order, each to be run by itself and not in a transaction.
    ///
    /// Stop at the first that fails: the next may take away what it was to replace. Empty where a person has to decide:
    /// the message says what about.
    pub fn mend(&self) -> &[Statement] {
        &self.mend
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
