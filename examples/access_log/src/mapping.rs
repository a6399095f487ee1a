//! The mapping beside a log: a portal's names and ids, and what of the warehouse they stand for.

mod check;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::check::MappingError;
use crate::zone::Zone;

/// A portal's domains, output ports, tech assets and consumers, and what they are in the warehouse.
///
/// It is JSON that a person writes by hand:
///
/// ```json
/// {
///   "time_zone": "Europe/Brussels",
///   "domains": [{ "id": "6a1f0c0e-5d6e-4b58-9d50-0f3b9a0c1a11", "name": "Marketing" }],
///   "output_ports": [{ "id": "0d5c2a34-7a86-4f0e-8a1c-52f6f2a1b201", "name": "Orders" }],
///   "tech_assets": [{
///     "id": "b6f7a4a2-34a5-4a55-9a52-6f3f1f6a9c31", "name": "Order lines",
///     "object": "SALES_DB.OUT.ORDER_LINE", "output_ports": ["0d5c2a34-7a86-4f0e-8a1c-52f6f2a1b201"]
///   }],
///   "consumers": [{
///     "id": "f2a9d3f8-2c68-4d6b-8f7d-0a5b8f1e7d41", "name": "Sales cockpit",
///     "domain": "6a1f0c0e-5d6e-4b58-9d50-0f3b9a0c1a11", "users": ["SVC_COCKPIT"], "roles": ["SALES_ANALYST"]
///   }]
/// }
/// ```
///
/// A tech asset may be a whole schema, `"object": "SALES_DB.OUT.*"`, a whole database, `"SALES_DB.*"`, or a
/// list of any of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The zone whose local days are counted. Defaults to UTC.
    #[serde(default)]
    pub time_zone: Zone,
    /// Which of a record's two arrays counts. Defaults to the direct objects.
    #[serde(default)]
    pub objects: ObjectsRead,
    /// What counts once. Defaults to the statement.
    #[serde(default)]
    pub unit: UnitCounted,
    /// What an object counts for that is in several tech assets. Defaults to all of them.
    #[serde(default, skip_serializing_if = "SetsCounted::are_all")]
    pub overlapping_sets: SetsCounted,
    /// What of the reads by external engines counts. Defaults to every event.
    #[serde(default, skip_serializing_if = "EventsCounted::are_all")]
    pub iceberg_events: EventsCounted,
    /// The domains of objects that count, such as `TABLE` and `VIEW`. Defaults to those that hold rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_domains: Option<Vec<String>>,
    /// Users whose queries are left out: scanners and the like.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_users: Vec<String>,
    /// The groups of consumers.
    #[serde(default)]
    pub domains: Vec<Domain>,
    /// The output ports.
    pub output_ports: Vec<OutputPort>,
    /// The tech assets behind them.
    pub tech_assets: Vec<TechAsset>,
    /// The consumers.
    pub consumers: Vec<Consumer>,
}

/// Which of a record's two arrays counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectsRead {
    /// What the query names: a view counts as the view.
    #[default]
    Direct,
    /// What the query reads in the end: a view counts as its tables.
    Base,
}

/// What counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitCounted {
    /// Each statement, a procedure's included.
    #[default]
    Statement,
    /// A procedure's call with all of its statements.
    RootQuery,
}

/// What an object counts for that is in several tech assets: by itself, in its schema, in its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetsCounted {
    /// All of them.
    #[default]
    CountAll,
    /// Those that name the object, or else its schema, or else its database.
    MostSpecific,
}

impl SetsCounted {
    fn are_all(&self) -> bool {
        *self == Self::CountAll
    }
}

/// What of the reads by external engines counts, which are events of Horizon's Iceberg REST catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventsCounted {
    /// Every event, as if it were a statement.
    #[default]
    Every,
    /// Those that load a table.
    TableLoads,
}

impl EventsCounted {
    fn are_all(&self) -> bool {
        *self == Self::Every
    }
}

/// A group of consumers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// Its id in the portal.
    pub id: Uuid,
    /// Its name in the portal.
    pub name: String,
}

/// The dataset that a data product exposes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputPort {
    /// Its id in the portal.
    pub id: Uuid,
    /// Its name in the portal.
    pub name: String,
    /// The consumer that makes it, whose own reads are left out. Defaults to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub producer: Option<Uuid>,
}

/// What stands behind output ports: tables and views, or whole schemas and databases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TechAsset {
    /// Its id in the portal.
    pub id: Uuid,
    /// Its name in the portal.
    pub name: String,
    /// Full names in Snowflake, one or a list, each quoted where SQL needs the quotes:
    /// `MKT_DB.OUT."Campaign.Daily"`, `MKT_DB.OUT.*` for a schema, `MKT_DB.*` for a database.
    ///
    /// In the file it is `object`, or `objects`.
    #[serde(rename = "object", alias = "objects", with = "one_or_many")]
    pub objects: Vec<String>,
    /// The ids of the output ports that it is part of, one at least.
    pub output_ports: Vec<Uuid>,
}

/// The data product that queries output ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consumer {
    /// Its id in the portal.
    pub id: Uuid,
    /// Its name in the portal.
    pub name: String,
    /// The id of its domain. Defaults to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Uuid>,
    /// The Snowflake users that are this consumer. A user goes before a role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// The Snowflake roles that are this consumer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

/// A text, or a list of texts.
mod one_or_many {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(texts: &[String], serializer: S) -> Result<S::Ok, S::Error> {
        match texts {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
        deserializer.deserialize_any(OneOrMany)
    }

    struct OneOrMany;

    impl<'de> serde::de::Visitor<'de> for OneOrMany {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a name, or a list of names")
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(vec![text.to_owned()])
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
            Vec::deserialize(serde::de::value::SeqAccessDeserializer::new(seq))
        }
    }
}
