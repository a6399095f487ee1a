//! What a write makes of days without rows.

/// Whether a scope, or a day, without any row is one without usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Empty {
    Refused,
    Allowed,
}
