//! The three kinds of sets of objects.

/// What a set holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum SetKind {
    /// One object.
    Object,
    /// Every object of a schema.
    Schema,
    /// Every object of a database but those of its `INFORMATION_SCHEMA`.
    Database,
}
