//! What can be wrong, and how it is said.

use std::ops::Range;

use chrono::NaiveDate;

use super::shown::shown;
use super::unknown_ids::UnknownIds;
use crate::id::{ConsumerId, OutputPortId, TechAssetId};

/// Everything that can be wrong, one variant for each thing that a caller can mend.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Kind {
    #[error("{what} is not a UUID: {text:?}", text = shown(text))]
    Id { what: &'static str, text: String, source: uuid::Error },

    #[error("name {name:?} of {what} {reason}", name = shown(name))]
    Name { what: String, name: String, reason: &'static str },
    #[error("{first} and {second} are both named {name:?}", name = shown(name))]
    NamesAlike { first: String, second: String, name: String },

    #[error("there is no column {column} in {table}")]
    ForeignColumn { column: &'static str, table: &'static str },
    #[error("the model has no reference for {0}s")]
    NoReference(&'static str),
    #[error("the reference for {0}s has a group: only consumers are grouped")]
    GroupOfOthers(&'static str),
    #[error("the groups of consumers have on_delete: the model has no foreign key to them")]
    OnDeleteOfGroup,
    #[error("the model's reference for consumers has no group")]
    NoGroup,

    #[error("days are empty or reversed: {from} to {until} (the end is exclusive)")]
    EmptyDays { from: NaiveDate, until: NaiveDate },
    #[error("years are empty or reversed: {from} to {until} (the end is exclusive)")]
    EmptyYears { from: i32, until: i32 },
    #[error("year {0} is outside 1 to 9998")]
    YearOutOfRange(i32),
    #[error("day {0} is outside the years 1 to 9999")]
    DayOutOfRange(NaiveDate),
    #[error("days {from} to {until} are compared with days before year 1")]
    ComparedBeforeCalendar { from: NaiveDate, until: NaiveDate },
    #[error(
        "the chart would have {points} points, more than {most}: widen its granularity, or ask for fewer days or series"
    )]
    TooManyPoints { points: u64, most: u64 },
    #[error("{0} is zero: ask for at least one")]
    TopZero(&'static str),
    #[error("the list of output ports is empty: ask for at least one")]
    NoPorts,
    #[error("queries over time are split by output port for the whole portal only")]
    SplitByPortOfOther,
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
    #[error("the model has no table for coverage: build it with coverage()")]
    NoCoverage,
    #[error(
        "the batch is unsettled from {day} on, a day outside its scope: {from} to {until} (the end is exclusive)"
    )]
    UnsettledOutsideScope { day: NaiveDate, from: NaiveDate, until: NaiveDate },
    #[error("the model has no table for combinations: build it with combinations()")]
    NoCombinations,
    #[error(
        "the batch has no row on {days} of its days, {first} the first of them, for any of its {ports} output ports, which would remove everything there: leave the days out of the scope, or do not refuse empty days"
    )]
    EmptyDay { first: NaiveDate, days: usize, ports: usize },
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
    #[error(
        "row level security may hide rows of {0} from this role, which a write could neither find nor remove: write as the table's owner, or as a role with BYPASSRLS"
    )]
    RowSecurity(String),
    #[error("column {0}: change its type, or name another column")]
    ColumnType(String),
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
    #[error("{kind} {name:?} is mapped to two consumers: {first} and {second}", name = shown(name))]
    PrincipalMappedTwice { kind: &'static str, name: String, first: ConsumerId, second: ConsumerId },
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
    #[error("a row is none of the check's: {reason}", reason = shown(.0))]
    CatalogRow(String),
    #[error("trailing days are zero: a run reads at least one day again")]
    NoTrailingDays,
    #[error("tech asset {0} holds nothing: give it an object, a schema or a database, or leave it out")]
    EmptyAsset(TechAssetId),
    #[error(
        "time zone {0} is an abbreviation, which Snowflake may not take: name a place, such as Europe/Brussels"
    )]
    TimeZoneAbbreviation(String),
    #[error("the rules of time zone {name:?} are none: {reason}", name = shown(name), reason = shown(reason))]
    TimeZoneRules { name: String, reason: String },
}

/// Whose mistake it is: what a host branches on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Category {
    Configuration,
    Request,
    Batch,
    Mapping,
    Result,
    Transaction,
}

impl Kind {
    pub(crate) fn category(&self) -> Category {
        match self {
            Self::Name { .. }
            | Self::NamesAlike { .. }
            | Self::ForeignColumn { .. }
            | Self::NoReference(_)
            | Self::GroupOfOthers(_)
            | Self::OnDeleteOfGroup
            | Self::NoGroup
            | Self::NoCombinationsTable
            | Self::NoCombinations
            | Self::NoCoverage
            | Self::ColumnType(_)
            | Self::NoKey { .. } => Category::Configuration,
            Self::Id { .. }
            | Self::EmptyDays { .. }
            | Self::DayOutOfRange(_)
            | Self::ComparedBeforeCalendar { .. }
            | Self::TooManyPoints { .. }
            | Self::TopZero(_)
            | Self::NoPorts
            | Self::SplitByPortOfOther
            | Self::TooManyPorts { .. }
            | Self::EmptyYears { .. }
            | Self::YearOutOfRange(_)
            | Self::NoTrailingDays
            | Self::PurgeOfKeptDays { .. } => Category::Request,
            Self::DuplicateKey { .. }
            | Self::OutsideScope { .. }
            | Self::CountTooLarge { .. }
            | Self::TouchesAboveQueries { .. }
            | Self::QueriesAboveTouches { .. }
            | Self::PairOutOfOrder(_)
            | Self::PairOfOne(_)
            | Self::CombinationsAboveQueries { .. }
            | Self::EmptyDay { .. }
            | Self::EmptyBatch { .. }
            | Self::EmptyScope
            | Self::UnsettledOutsideScope { .. }
            | Self::Unknown(_)
            | Self::AllUnknown(_)
            | Self::BatchTooLarge { .. }
            | Self::ScopesDiffer { .. }
            | Self::MeasuredInOne(_)
            | Self::ScopeOccupied { .. }
            | Self::BatchOutOfTurn { .. }
            | Self::BatchOfOtherPorts { .. }
            | Self::BackfillBrokeOff { .. } => Category::Batch,
            Self::SnowflakeName { .. }
            | Self::PrincipalMappedTwice { .. }
            | Self::EmptyAttribution(_)
            | Self::AssetWithoutPort(_)
            | Self::EmptyAsset(_)
            | Self::UnknownTimeZone(_)
            | Self::TimeZoneAbbreviation(_)
            | Self::TimeZoneRules { .. }
            | Self::TooManyValues { .. } => Category::Mapping,
            Self::ResultCell { .. } | Self::ResultWidth { .. } | Self::CatalogRow(_) => Category::Result,
            Self::Isolation(_) | Self::RowSecurity(_) => Category::Transaction,
        }
    }
}
