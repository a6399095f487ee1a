//! One row of an access history.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::accessed::{AccessedObject, DistinctObjects};
use super::timestamp::Timestamp;

/// A statement and the objects that it accessed.
///
/// Shaped like a row of `ACCESS_HISTORY` joined to its row of `QUERY_HISTORY`, which gives the role and the
/// status. It deserializes from a map whose keys are the columns' names, all in lower or all in upper case;
/// other keys are ignored, but a column's name in mixed case is an error. An empty text is NULL, as many
/// exports write it. The arrays may be JSON or text that holds JSON; only what counting needs of them is
/// kept: each object once, and nothing that is no object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Record {
    /// The statement's own id.
    pub query_id: String,
    /// The id of the query that called this one.
    pub parent_query_id: Option<String>,
    /// The id of the outermost query; absent where that is the statement itself.
    pub root_query_id: Option<String>,
    /// When the statement started.
    ///
    /// Text with an offset from UTC, as RFC 3339 or as Snowflake prints it (`2026-01-02 03:04:05.678
    /// +0100`), or seconds since the epoch as a number or a decimal text. A text without an offset is
    /// an error: it would depend on the session that wrote it.
    pub query_start_time: DateTime<Utc>,
    /// The user, as Snowflake stores the name.
    pub user_name: Option<String>,
    /// The role that ran the statement, as Snowflake stores the name.
    pub role_name: Option<String>,
    /// How the statement ended; absent means successfully.
    pub execution_status: Option<String>,
    /// The objects that the statement names.
    pub direct_objects_accessed: Vec<AccessedObject>,
    /// The tables underneath.
    pub base_objects_accessed: Vec<AccessedObject>,
    /// What made the row: `snowflake_sql` or `horizon_irc`; asked for by [`IcebergEvents`](crate::IcebergEvents).
    pub event_source: Option<String>,
    /// The call of the Iceberg REST catalog: `irc_event_type` of the column `additional_properties`.
    pub irc_event_type: Option<String>,
}

impl Record {
    /// A statement without user, role and objects; set these fields afterwards.
    pub fn new(query_id: impl Into<String>, query_start_time: DateTime<Utc>) -> Self {
        Self {
            query_id: query_id.into(),
            parent_query_id: None,
            root_query_id: None,
            query_start_time,
            user_name: None,
            role_name: None,
            execution_status: None,
            direct_objects_accessed: Vec::new(),
            base_objects_accessed: Vec::new(),
            event_source: None,
            irc_event_type: None,
        }
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RecordVisitor)
    }
}

/// The columns of a record by their keys.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RecordColumn {
    QueryId,
    ParentQueryId,
    RootQueryId,
    QueryStartTime,
    UserName,
    RoleName,
    ExecutionStatus,
    DirectObjectsAccessed,
    BaseObjectsAccessed,
    EventSource,
    IrcEventType,
}

impl RecordColumn {
    const NAMED: [(&str, Self); 11] = [
        ("query_id", Self::QueryId),
        ("parent_query_id", Self::ParentQueryId),
        ("root_query_id", Self::RootQueryId),
        ("query_start_time", Self::QueryStartTime),
        ("user_name", Self::UserName),
        ("role_name", Self::RoleName),
        ("execution_status", Self::ExecutionStatus),
        ("direct_objects_accessed", Self::DirectObjectsAccessed),
        ("base_objects_accessed", Self::BaseObjectsAccessed),
        ("event_source", Self::EventSource),
        ("irc_event_type", Self::IrcEventType),
    ];
}

/// A key: a column with its place among the columns, or another key.
struct Key(Option<(usize, RecordColumn)>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(Keys)
    }
}

struct Keys;

impl Visitor<'_> for Keys {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Key, E> {
        let named = RecordColumn::NAMED.iter().position(|(name, _)| name.eq_ignore_ascii_case(key));
        let Some(place) = named else { return Ok(Key(None)) };
        let (name, column) = RecordColumn::NAMED[place];
        let is_upper = key.bytes().all(|byte| !byte.is_ascii_lowercase());
        if key == name || is_upper {
            return Ok(Key(Some((place, column))));
        }
        Err(E::custom(format_args!("key {key:?} is written neither in lower nor in upper case")))
    }
}

struct RecordVisitor;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = Record;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
        let mut record = Record::new("", DateTime::UNIX_EPOCH);
        let mut seen = [false; RecordColumn::NAMED.len()];
        while let Some(Key(key)) = map.next_key()? {
            let Some((place, column)) = key else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if std::mem::replace(&mut seen[place], true) {
                return Err(A::Error::duplicate_field(RecordColumn::NAMED[place].0));
            }
            match column {
                RecordColumn::QueryId => record.query_id = map.next_value()?,
                RecordColumn::ParentQueryId => record.parent_query_id = text_or_null(map.next_value()?),
                RecordColumn::RootQueryId => record.root_query_id = text_or_null(map.next_value()?),
                RecordColumn::QueryStartTime => record.query_start_time = map.next_value::<Timestamp>()?.0,
                RecordColumn::UserName => record.user_name = text_or_null(map.next_value()?),
                RecordColumn::RoleName => record.role_name = text_or_null(map.next_value()?),
                RecordColumn::ExecutionStatus => record.execution_status = text_or_null(map.next_value()?),
                RecordColumn::EventSource => record.event_source = text_or_null(map.next_value()?),
                RecordColumn::IrcEventType => record.irc_event_type = text_or_null(map.next_value()?),
                RecordColumn::DirectObjectsAccessed => {
                    record.direct_objects_accessed = map.next_value::<DistinctObjects>()?.0;
                }
                RecordColumn::BaseObjectsAccessed => {
                    record.base_objects_accessed = map.next_value::<DistinctObjects>()?.0;
                }
            }
        }
        for ((name, column), seen) in RecordColumn::NAMED.iter().zip(seen) {
            if !seen && matches!(column, RecordColumn::QueryId | RecordColumn::QueryStartTime) {
                return Err(A::Error::missing_field(name));
            }
        }
        Ok(record)
    }
}

/// A text; an empty one is NULL.
fn text_or_null(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
