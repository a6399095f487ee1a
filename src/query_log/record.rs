//! One row of an access history.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};

use super::accessed::{AccessedObject, distinct_objects};
use super::timestamp;

/// A statement and the objects that it accessed.
///
/// Shaped like a row of `ACCESS_HISTORY` joined to its row of `QUERY_HISTORY`, which gives the role
/// and the status. It deserializes from a map whose keys are the columns' names, all in lower or all
/// in upper case; other keys are ignored. An empty text is NULL, as many exports write it. The arrays may be JSON or text that holds JSON; only what
/// counting needs of them is kept: each object once, and nothing that is no object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// The statement's own id.
    #[serde(alias = "QUERY_ID")]
    pub query_id: String,
    /// The id of the query that called this one.
    #[serde(default, alias = "PARENT_QUERY_ID", deserialize_with = "text_or_null")]
    pub parent_query_id: Option<String>,
    /// The id of the outermost query; absent where that is the statement itself.
    #[serde(default, alias = "ROOT_QUERY_ID", deserialize_with = "text_or_null")]
    pub root_query_id: Option<String>,
    /// When the statement started.
    ///
    /// Text with an offset from UTC, as RFC 3339 or as Snowflake prints it (`2026-01-02 03:04:05.678
    /// +0100`), or seconds since the epoch as a number or a decimal text. A text without an offset is
    /// an error: it would depend on the session that wrote it.
    #[serde(alias = "QUERY_START_TIME", deserialize_with = "timestamp::deserialize")]
    pub query_start_time: DateTime<Utc>,
    /// The user, as Snowflake stores the name.
    #[serde(default, alias = "USER_NAME", deserialize_with = "text_or_null")]
    pub user_name: Option<String>,
    /// The role that ran the statement, as Snowflake stores the name.
    #[serde(default, alias = "ROLE_NAME", deserialize_with = "text_or_null")]
    pub role_name: Option<String>,
    /// How the statement ended; absent means successfully.
    #[serde(default, alias = "EXECUTION_STATUS", deserialize_with = "text_or_null")]
    pub execution_status: Option<String>,
    /// The objects that the statement names.
    #[serde(default, alias = "DIRECT_OBJECTS_ACCESSED", deserialize_with = "distinct_objects")]
    pub direct_objects_accessed: Vec<AccessedObject>,
    /// The tables underneath.
    #[serde(default, alias = "BASE_OBJECTS_ACCESSED", deserialize_with = "distinct_objects")]
    pub base_objects_accessed: Vec<AccessedObject>,
}

impl Record {
    /// A statement by nobody that accessed nothing; the fields are set afterwards.
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
        }
    }
}

/// A text; an empty one is NULL.
fn text_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()))
}
