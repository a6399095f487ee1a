//! What can be wrong with a configuration, a request or a batch.

use std::fmt;
use std::ops::Range;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::attribution::PrincipalKind;
use crate::id::{ConsumerId, OutputPortId, TechAssetId};

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

/// Everything that can be wrong, one variant for each thing that a caller can mend.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Kind {
    #[error("{what} is not a UUID: {text:?}", text = shown(text))]
    Id { what: &'static str, text: String, source: uuid::Error },

    #[error("name {name:?} of {what} {reason}", name = shown(name))]
    Name { what: String, name: String, reason: &'static str },
    #[error("{first} and {second} are both named {name:?}", name = shown(name))]
    NamesAlike { first: String, second: String, name: String },

    #[error("{table} have no column {column}")]
    ForeignColumn { column: &'static str, table: &'static str },
    #[error("the model has no reference for {0}s")]
    NoReference(&'static str),
    #[error("the model's reference for consumers has no group")]
    NoGroup,

    #[error("days are empty or reversed: {from} to {until} (the end is exclusive)")]
    EmptyDays { from: NaiveDate, until: NaiveDate },
    #[error("day {0} is outside the years 1 to 9999")]
    DayOutOfRange(NaiveDate),
    #[error("days {from} to {until} are compared with days before year 1")]
    ComparedBeforeCalendar { from: NaiveDate, until: NaiveDate },
    #[error(
        "the chart would have {points} points, more than {most}: widen its granularity or ask for fewer days"
    )]
    TooManyPoints { points: u64, most: u64 },
    #[error("{0} is zero: ask for at least one")]
    TopZero(&'static str),
    #[error("the list of output ports is empty: ask for at least one")]
    NoPorts,
    #[error("{count} output ports are more than the {most} that one statement reads: ask in parts")]
    TooManyPorts { count: usize, most: usize },

    #[error("{table} hold the key ({key}) twice")]
    DuplicateKey { table: &'static str, key: String },
    #[error("{table} hold a row outside the batch's scope: ({key})")]
    OutsideScope { table: &'static str, key: String },
    #[error("{table} count {count} for ({key}), more than the {max} that the table holds", max = i32::MAX)]
    CountTooLarge { table: &'static str, key: String, count: u64 },
    #[error(
        "the batch counts {touches} touches of a tech asset but {queries} queries of its output port: ({key}); results of statements that ran at different moments may disagree: take them from one scan"
    )]
    TouchesAboveQueries { key: String, touches: u64, queries: u64 },
    #[error(
        "the batch counts {queries} queries of an output port but {touches} touches of all its tech assets: ({key}); results of statements that ran at different moments may disagree: take them from one scan"
    )]
    QueriesAboveTouches { key: String, touches: u64, queries: u64 },
    #[error("a combination has its output ports in the wrong order, the smaller id comes first: ({0})")]
    PairOutOfOrder(String),
    #[error("a combination pairs an output port with itself: ({0})")]
    PairOfOne(String),
    #[error(
        "the batch counts {combinations} queries that combine an output port but {queries} queries of it: ({key}); results of statements that ran at different moments may disagree: take them from one scan"
    )]
    CombinationsAboveQueries { key: String, combinations: u64, queries: u64 },
    #[error(
        "the batch holds combinations but the model has no table for them: build it with combinations(), or leave them out with without_combinations()"
    )]
    NoCombinationsTable,
    #[error("the model has no table for combinations: build it with combinations()")]
    NoCombinations,
    #[error(
        "the batch has no rows for its whole scope ({days} days of {ports} output ports), which would remove everything there: allow it if that is meant"
    )]
    EmptyBatch { days: u64, ports: usize },
    #[error("the batch's scope has no output ports")]
    EmptyScope,
    #[error(
        "the transaction is {0}: its snapshot is older than the ingest's lock; use READ COMMITTED, or SERIALIZABLE and retry on SQLSTATE 40001"
    )]
    Isolation(String),
    #[error("unknown {0}")]
    Unknown(UnknownIds),
    #[error(
        "every row of the batch names an unknown id, so nothing would be left in its whole scope: unknown {0}"
    )]
    AllUnknown(UnknownIds),
    #[error(
        "{table} hold {rows} rows, more than the {most} of one ingest: split the batch by days or by output ports"
    )]
    BatchTooLarge { table: &'static str, rows: usize, most: usize },
    #[error("batches of different scopes do not add up: {first} and {second}")]
    ScopesDiffer { first: String, second: String },
    #[error("only one of two batches measured {0}: leave them out of the other, or measure them in both")]
    MeasuredInOne(&'static str),
    #[error(
        "purging before {before} would remove days of a scope that is still to be replaced: {from} to {until} (the end is exclusive)"
    )]
    PurgeOfKeptDays { before: NaiveDate, from: NaiveDate, until: NaiveDate },

    #[error(
        "{what} have no unique key over the columns of the model's key: add it to {table}, or create the table by the model"
    )]
    NoKey { what: &'static str, table: String },
    #[error(
        "{table} hold rows in the back-fill's scope: ({key}) is one; replace what exists if that is meant"
    )]
    ScopeOccupied { table: &'static str, key: String },
    #[error(
        "a batch is out of turn: it states {} to {}, the back-fill is to be stated from {from} to {until} yet (ends are exclusive)",
        batch.start,
        batch.end
    )]
    BatchOutOfTurn { from: NaiveDate, until: NaiveDate, batch: Range<NaiveDate> },
    #[error(
        "the batch of {} to {} (the end is exclusive) states other output ports than the back-fill: {port} is {}",
        batch.start,
        batch.end,
        if *stated { "not the back-fill's" } else { "missing" }
    )]
    BatchOfOtherPorts { batch: Range<NaiveDate>, port: OutputPortId, stated: bool },
    #[error("the batches break off: {from} to {until} (the end is exclusive) are not stated")]
    BackfillBrokeOff { from: NaiveDate, until: NaiveDate },

    #[error("{what} {name:?} {reason}", name = shown(name))]
    SnowflakeName { what: &'static str, name: String, reason: &'static str },
    #[error("object {object} is mapped to two tech assets: {first} and {second}", object = shown(object))]
    ObjectMappedTwice { object: String, first: TechAssetId, second: TechAssetId },
    #[error("{kind} {name:?} is mapped to two consumers: {first} and {second}", name = shown(name))]
    PrincipalMappedTwice { kind: PrincipalKind, name: String, first: ConsumerId, second: ConsumerId },
    #[error("an attribution needs at least one {0}")]
    EmptyAttribution(&'static str),
    #[error("tech asset {0} stands behind no output port")]
    AssetWithoutPort(TechAssetId),
    #[error("unknown time zone: {name:?}", name = shown(.0))]
    UnknownTimeZone(String),

    #[error("{rows} {what} are more than the {max} rows of a VALUES list: bind them as JSON")]
    TooManyValues { what: &'static str, rows: usize, max: usize },
    #[error("row {row} of the result, column {column}: {reason}")]
    ResultCell { row: usize, column: &'static str, reason: String },
    #[error("row {row} of the result has {cells} cells, not one for each of the columns {columns}")]
    ResultWidth { row: usize, cells: usize, columns: String },
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

    /// Whether an object has two tech assets, or a user or role two consumers.
    pub fn is_ambiguous_mapping(&self) -> bool {
        matches!(self.kind(), Kind::ObjectMappedTwice { .. } | Kind::PrincipalMappedTwice { .. })
    }

    /// Whether a mapping is empty or ends at a tech asset without an output port.
    pub fn is_incomplete_mapping(&self) -> bool {
        matches!(self.kind(), Kind::EmptyAttribution(_) | Kind::AssetWithoutPort(_))
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

/// Ids that a batch names and that the parent tables do not hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownIds {
    pub(crate) output_ports: Vec<Uuid>,
    pub(crate) tech_assets: Vec<Uuid>,
    pub(crate) consumers: Vec<Uuid>,
}

impl UnknownIds {
    /// Adds the ids of another list.
    pub(crate) fn extend(&mut self, other: UnknownIds) {
        for (ids, others) in [
            (&mut self.output_ports, other.output_ports),
            (&mut self.tech_assets, other.tech_assets),
            (&mut self.consumers, other.consumers),
        ] {
            ids.extend(others);
            ids.sort_unstable();
            ids.dedup();
        }
    }

    /// The unknown output ports, ascending.
    pub fn output_ports(&self) -> impl ExactSizeIterator<Item = OutputPortId> {
        self.output_ports.iter().copied().map(OutputPortId)
    }

    /// The unknown tech assets, ascending.
    pub fn tech_assets(&self) -> impl ExactSizeIterator<Item = TechAssetId> {
        self.tech_assets.iter().copied().map(TechAssetId)
    }

    /// The unknown consumers, ascending.
    pub fn consumers(&self) -> impl ExactSizeIterator<Item = ConsumerId> {
        self.consumers.iter().copied().map(ConsumerId)
    }

    /// Whether every id is known.
    pub fn is_empty(&self) -> bool {
        self.output_ports.is_empty() && self.tech_assets.is_empty() && self.consumers.is_empty()
    }
}

/// Names every id of a short list, and the first ten of a long one.
impl fmt::Display for UnknownIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 10;
        let kinds = [
            ("output port", &self.output_ports),
            ("tech asset", &self.tech_assets),
            ("consumer", &self.consumers),
        ];
        let mut separator = "";
        for (what, ids) in kinds.into_iter().filter(|(_, ids)| !ids.is_empty()) {
            write!(f, "{separator}{what}{} ", if ids.len() == 1 { "" } else { "s" })?;
            for (index, id) in ids.iter().take(MOST).enumerate() {
                write!(f, "{}{id}", if index == 0 { "" } else { ", " })?;
            }
            if ids.len() > MOST {
                write!(f, " and {} more", ids.len() - MOST)?;
            }
            separator = "; ";
        }
        Ok(())
    }
}
