//! One row of an access history.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize as DeserializeDerive, Serialize};

use super::timestamp;

/// A statement and the objects that it accessed.
///
/// Shaped like a row of `ACCESS_HISTORY` joined to its row of `QUERY_HISTORY`, which gives the role
/// and the status. It deserializes from a map whose keys are the columns' names, all in lower or all
/// in upper case; other keys are ignored. The arrays may be JSON or text that holds JSON; only what
/// counting needs of them is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, DeserializeDerive)]
#[non_exhaustive]
pub struct Record {
    /// The statement's own id.
    #[serde(alias = "QUERY_ID")]
    pub query_id: String,
    /// The id of the query that called this one.
    #[serde(default, alias = "PARENT_QUERY_ID")]
    pub parent_query_id: Option<String>,
    /// The id of the outermost query; absent where that is the statement itself.
    #[serde(default, alias = "ROOT_QUERY_ID")]
    pub root_query_id: Option<String>,
    /// When the statement started.
    ///
    /// Text with an offset from UTC, as RFC 3339 or as Snowflake prints it (`2026-01-02 03:04:05.678
    /// +0100`), or seconds since the epoch as a number or a decimal text. A text without an offset is
    /// an error: it would depend on the session that wrote it.
    #[serde(alias = "QUERY_START_TIME", deserialize_with = "timestamp::deserialize")]
    pub query_start_time: DateTime<Utc>,
    /// The user, as Snowflake stores the name.
    #[serde(default, alias = "USER_NAME")]
    pub user_name: Option<String>,
    /// The role that ran the statement, as Snowflake stores the name.
    #[serde(default, alias = "ROLE_NAME")]
    pub role_name: Option<String>,
    /// How the statement ended; absent means successfully.
    #[serde(default, alias = "EXECUTION_STATUS")]
    pub execution_status: Option<String>,
    /// The objects that the statement names.
    #[serde(default, alias = "DIRECT_OBJECTS_ACCESSED", deserialize_with = "objects")]
    pub direct_objects_accessed: Vec<AccessedObject>,
    /// The tables underneath.
    #[serde(default, alias = "BASE_OBJECTS_ACCESSED", deserialize_with = "objects")]
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

/// An object in one of a record's arrays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccessedObject {
    /// The kind of object, in any case.
    pub object_domain: Option<String>,
    /// The fully qualified name; absent or `TRUNCATED` where Snowflake does not give it.
    pub object_name: Option<String>,
}

impl AccessedObject {
    /// An object of a domain, with its name as Snowflake prints it.
    pub fn new(object_domain: impl Into<String>, object_name: impl Into<String>) -> Self {
        Self { object_domain: Some(object_domain.into()), object_name: Some(object_name.into()) }
    }
}

/// Reads an array, a text that holds one, or null.
fn objects<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<AccessedObject>, D::Error> {
    deserializer.deserialize_any(Objects)
}

struct Objects;

impl<'de> Visitor<'de> for Objects {
    type Value = Vec<AccessedObject>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of accessed objects, or a text that holds one")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        let objects: Option<_> = serde_json::from_str(text)
            .map_err(|error| E::custom(format_args!("the text of an array is not one ({error})")))?;
        Ok(objects.unwrap_or_default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut objects = Vec::new();
        while let Some(object) = seq.next_element()? {
            objects.push(object);
        }
        Ok(objects)
    }
}

/// A path that leads nowhere is NULL in Snowflake, so an element that is no object, or whose paths
/// hold no text, is an object without domain and name rather than an error.
impl<'de> Deserialize<'de> for AccessedObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Lenient).map(|value| match value {
            Value::Object(object) => object,
            Value::Text(_) | Value::Other => Self::default(),
        })
    }
}

/// A JSON value, of which only texts and the two paths are kept.
enum Value {
    Object(AccessedObject),
    Text(String),
    Other,
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Lenient)
    }
}

struct Lenient;

impl<'de> Visitor<'de> for Lenient {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = AccessedObject::default();
        while let Some(key) = map.next_key::<String>()? {
            let path = match key.as_str() {
                "objectDomain" => &mut object.object_domain,
                "objectName" => &mut object.object_name,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *path = match map.next_value()? {
                Value::Text(text) => Some(text),
                Value::Object(_) | Value::Other => None,
            };
        }
        Ok(Value::Object(object))
    }
}
