//! What can be wrong with a configuration, a request or a batch.

mod kind;
mod unknown_ids;

use std::fmt;

pub(crate) use self::kind::Kind;
pub use self::unknown_ids::UnknownIds;

/// Why the library refused a configuration, a request or a batch.
///
/// The message names the offending thing. Callers that branch use the predicates, for instance
/// [`is_duplicate_key`](Error::is_duplicate_key); causes are reached through
/// [`source`](std::error::Error::source).
#[derive(thiserror::Error)]
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

impl Error {
    pub(crate) fn kind(&self) -> &Kind {
        &self.0
    }

    /// Whether a name cannot be a Postgres name: empty, too long, or with a quote or NUL in it.
    pub fn is_invalid_name(&self) -> bool {
        matches!(self.kind(), Kind::Name { .. })
    }

    /// Whether two things of a model bear one name.
    pub fn is_duplicate_name(&self) -> bool {
        matches!(self.kind(), Kind::NamesAlike { .. })
    }

    /// Whether a range of days is empty, reversed, outside the years 1 to 9999 or compared with days that are.
    pub fn is_invalid_days(&self) -> bool {
        matches!(
            self.kind(),
            Kind::EmptyDays { .. } | Kind::DayOutOfRange(_) | Kind::ComparedBeforeCalendar { .. }
        )
    }

    /// Whether a list of output ports is empty or longer than one statement takes.
    pub fn is_invalid_ports(&self) -> bool {
        matches!(self.kind(), Kind::NoPorts | Kind::TooManyPorts { .. })
    }

    /// Whether a batch holds one key twice.
    pub fn is_duplicate_key(&self) -> bool {
        matches!(self.kind(), Kind::DuplicateKey { .. })
    }

    /// Whether a batch holds a row outside its scope.
    pub fn is_outside_scope(&self) -> bool {
        matches!(self.kind(), Kind::OutsideScope { .. })
    }

    /// Whether a batch's tables contradict each other.
    pub fn is_inconsistent(&self) -> bool {
        matches!(
            self.kind(),
            Kind::TouchesAboveQueries { .. }
                | Kind::QueriesAboveTouches { .. }
                | Kind::CombinationsAboveQueries { .. }
        )
    }

    /// Whether a combination's output ports are one and the same, or out of order.
    pub fn is_invalid_pair(&self) -> bool {
        matches!(self.kind(), Kind::PairOutOfOrder(_) | Kind::PairOfOne(_))
    }

    /// Whether combinations meet a model that was built without them.
    pub fn is_without_combinations(&self) -> bool {
        matches!(self.kind(), Kind::NoCombinationsTable | Kind::NoCombinations)
    }

    /// Whether a request asks for a top n of zero.
    pub fn is_zero_top(&self) -> bool {
        matches!(self.kind(), Kind::TopZero(_))
    }

    /// Whether a text is not the id that it should be.
    pub fn is_invalid_id(&self) -> bool {
        matches!(self.kind(), Kind::Id { .. })
    }

    /// Whether a request or a builder needs something that the model was not given: a parent, a group, a column.
    pub fn is_incomplete_model(&self) -> bool {
        matches!(self.kind(), Kind::NoGroup | Kind::NoReference(_) | Kind::ForeignColumn { .. })
    }

    /// Whether a count is over what the tables hold, `i32::MAX`.
    pub fn is_count_too_large(&self) -> bool {
        matches!(self.kind(), Kind::CountTooLarge { .. })
    }

    /// Whether a batch's scope has no output ports.
    pub fn is_empty_scope(&self) -> bool {
        matches!(self.kind(), Kind::EmptyScope)
    }

    /// Whether a request would give more points than a chart can hold.
    pub fn is_too_many_points(&self) -> bool {
        matches!(self.kind(), Kind::TooManyPoints { .. })
    }

    /// Whether a batch without rows, or with none but skipped ones, was to replace a whole scope.
    pub fn is_empty_batch(&self) -> bool {
        matches!(self.kind(), Kind::EmptyBatch { .. } | Kind::AllUnknown(_))
    }

    /// Whether a batch holds more rows than one ingest can send.
    pub fn is_too_large(&self) -> bool {
        matches!(self.kind(), Kind::BatchTooLarge { .. })
    }

    /// Whether two batches do not go together: their scopes differ in a merge, or only one of them measured a table.
    pub fn is_unmergeable(&self) -> bool {
        matches!(self.kind(), Kind::ScopesDiffer { .. } | Kind::MeasuredInOne(_))
    }

    /// Whether a purge would remove days that it was told to keep.
    pub fn is_purge_of_kept_days(&self) -> bool {
        matches!(self.kind(), Kind::PurgeOfKeptDays { .. })
    }

    /// Whether a back-fill met rows in its scope.
    pub fn is_scope_occupied(&self) -> bool {
        matches!(self.kind(), Kind::ScopeOccupied { .. })
    }

    /// Whether the batches of a back-fill do not state its scope: out of turn, of other output ports, or too few.
    pub fn is_scope_not_stated(&self) -> bool {
        matches!(
            self.kind(),
            Kind::BatchOutOfTurn { .. } | Kind::BatchOfOtherPorts { .. } | Kind::BackfillBrokeOff { .. }
        )
    }

    /// Whether a table has no key to load into.
    pub fn is_without_key(&self) -> bool {
        matches!(self.kind(), Kind::NoKey { .. })
    }

    /// Whether an ingest was refused because its transaction is REPEATABLE READ.
    pub fn is_unsupported_isolation(&self) -> bool {
        matches!(self.kind(), Kind::Isolation(_))
    }

    /// The ids that a batch names and no parent table knows, if that is the error.
    pub fn unknown_ids(&self) -> Option<&UnknownIds> {
        match self.kind() {
            Kind::Unknown(ids) | Kind::AllUnknown(ids) => Some(ids),
            _ => None,
        }
    }
}

/// What can be wrong with an attribution and its Snowflake statements.
impl Error {
    /// Whether a text is no name that Snowflake could give an object, a user, a role or a domain.
    pub fn is_invalid_snowflake_name(&self) -> bool {
        matches!(self.kind(), Kind::SnowflakeName { .. })
    }

    /// Whether a user or role has two consumers.
    pub fn is_ambiguous_mapping(&self) -> bool {
        matches!(self.kind(), Kind::PrincipalMappedTwice { .. })
    }

    /// Whether a mapping is empty or ends at a tech asset without an output port or an object.
    pub fn is_incomplete_mapping(&self) -> bool {
        matches!(self.kind(), Kind::EmptyAttribution(_) | Kind::AssetWithoutPort(_) | Kind::EmptyAsset(_))
    }

    /// Whether a mapping has more rows than a VALUES list takes.
    pub fn is_too_many_values(&self) -> bool {
        matches!(self.kind(), Kind::TooManyValues { .. })
    }

    /// Whether a result row of a Snowflake statement is not what the statement returns.
    pub fn is_invalid_result(&self) -> bool {
        matches!(self.kind(), Kind::ResultCell { .. } | Kind::ResultWidth { .. })
    }

    /// Whether a time zone is not in the IANA database.
    pub fn is_unknown_time_zone(&self) -> bool {
        matches!(self.kind(), Kind::UnknownTimeZone(_))
    }
}

/// A text from outside, cut to what a message can carry.
pub(crate) fn shown(text: &str) -> String {
    cut(text, 80)
}

/// The first `most` characters of a text from outside.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
