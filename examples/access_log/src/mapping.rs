//! The mapping beside a log: a portal's names and ids, and what of the warehouse they stand for.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::printable;

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The zone whose local days are counted. Defaults to UTC.
    #[serde(default, with = "zone_name")]
    pub time_zone: Tz,
    /// Which of a record's two arrays counts. Defaults to the direct objects.
    #[serde(default)]
    pub objects: ObjectsRead,
    /// What counts once. Defaults to the statement.
    #[serde(default)]
    pub unit: UnitCounted,
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

/// A table or view behind output ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TechAsset {
    /// Its id in the portal.
    pub id: Uuid,
    /// Its name in the portal.
    pub name: String,
    /// Its full name in Snowflake, quoted where SQL needs the quotes: `MKT_DB.OUT."Campaign.Daily"`.
    pub object: String,
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

/// Why a text is no mapping. The message begins with the entry: `tech_assets[3].output_ports[1]: …`.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// The text is not JSON, or not of this form; the message ends with line and column.
    #[error("{}: {}", printable(entry), printable(&reason.to_string()))]
    Form {
        /// Where in the mapping, `.` for the whole.
        entry: String,
        /// What is wrong there; it is in the message, so it is no cause behind it.
        reason: serde_json::Error,
    },
    /// A name or an object is empty or blank.
    #[error("{entry}: empty")]
    Empty {
        /// Where in the mapping.
        entry: String,
    },
    /// An entry bears the id of an earlier one.
    #[error("{entry}: repeats the id {id} of {first}")]
    RepeatedId {
        /// Where in the mapping.
        entry: String,
        /// The id.
        id: Uuid,
        /// Where it stood first.
        first: String,
    },
    /// An id that no entry bears.
    #[error("{entry}: no {wanted} has the id {id}")]
    UnknownId {
        /// Where in the mapping.
        entry: String,
        /// What was looked for.
        wanted: &'static str,
        /// The id.
        id: Uuid,
    },
    /// A list that has to hold something.
    #[error("{entry}: lists none, at least one is needed")]
    EmptyList {
        /// Where in the mapping.
        entry: String,
    },
    /// A consumer without users and roles can have no query.
    #[error("{entry}: has neither users nor roles")]
    NoPrincipal {
        /// Where in the mapping.
        entry: String,
    },
}

impl Mapping {
    /// Reads and checks a mapping.
    ///
    /// # Errors
    ///
    /// Text that is not of this form, a repeated or unknown id, an empty name or list. Whether objects and
    /// principals are Snowflake's names, and belong to one entry only, is found when the attribution is built.
    pub fn read(reader: impl Read) -> Result<Self, MappingError> {
        let form = |entry: String, reason| MappingError::Form { entry, reason };
        let mut json = serde_json::Deserializer::from_reader(reader);
        let mapping: Self = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| form(error.path().to_string(), error.into_inner()))?;
        json.end().map_err(|error| form(".".to_owned(), error))?;
        mapping.check()?;
        Ok(mapping)
    }

    fn check(&self) -> Result<(), MappingError> {
        let domains =
            entries("domains", self.domains.iter().map(|domain| (domain.id, domain.name.as_str())))?;
        let ports =
            entries("output_ports", self.output_ports.iter().map(|port| (port.id, port.name.as_str())))?;
        entries("tech_assets", self.tech_assets.iter().map(|asset| (asset.id, asset.name.as_str())))?;
        let consumers = entries(
            "consumers",
            self.consumers.iter().map(|consumer| (consumer.id, consumer.name.as_str())),
        )?;
        let lists = [
            ("output_ports", self.output_ports.is_empty()),
            ("tech_assets", self.tech_assets.is_empty()),
            ("consumers", self.consumers.is_empty()),
        ];
        for (list, empty) in lists {
            if empty {
                return Err(MappingError::EmptyList { entry: list.to_owned() });
            }
        }
        for (index, port) in self.output_ports.iter().enumerate() {
            if let Some(producer) = port.producer {
                known(&consumers, "consumer", producer, || format!("output_ports[{index}].producer"))?;
            }
        }
        for (index, asset) in self.tech_assets.iter().enumerate() {
            let entry = format!("tech_assets[{index}]");
            not_blank(&asset.object, || format!("{entry}.object"))?;
            if asset.output_ports.is_empty() {
                return Err(MappingError::EmptyList { entry: format!("{entry}.output_ports") });
            }
            for (at, port) in asset.output_ports.iter().enumerate() {
                known(&ports, "output port", *port, || format!("{entry}.output_ports[{at}]"))?;
            }
        }
        for (index, consumer) in self.consumers.iter().enumerate() {
            let entry = format!("consumers[{index}]");
            if let Some(domain) = consumer.domain {
                known(&domains, "domain", domain, || format!("{entry}.domain"))?;
            }
            if consumer.users.is_empty() && consumer.roles.is_empty() {
                return Err(MappingError::NoPrincipal { entry });
            }
            all_not_blank(&consumer.users, || format!("{entry}.users"))?;
            all_not_blank(&consumer.roles, || format!("{entry}.roles"))?;
        }
        all_not_blank(&self.excluded_users, || "excluded_users".to_owned())
    }
}

/// The ids of a list with the places where they stand, once names and ids were found good.
fn entries<'a>(
    list: &'static str,
    pairs: impl Iterator<Item = (Uuid, &'a str)>,
) -> Result<BTreeMap<Uuid, String>, MappingError> {
    let mut places: BTreeMap<Uuid, String> = BTreeMap::new();
    for (index, (id, name)) in pairs.enumerate() {
        let entry = format!("{list}[{index}]");
        not_blank(name, || format!("{entry}.name"))?;
        if let Some(first) = places.get(&id) {
            return Err(MappingError::RepeatedId { entry, id, first: first.clone() });
        }
        places.insert(id, entry);
    }
    Ok(places)
}

fn known(
    places: &BTreeMap<Uuid, String>,
    wanted: &'static str,
    id: Uuid,
    entry: impl FnOnce() -> String,
) -> Result<(), MappingError> {
    if places.contains_key(&id) {
        Ok(())
    } else {
        Err(MappingError::UnknownId { entry: entry(), wanted, id })
    }
}

fn not_blank(text: &str, entry: impl FnOnce() -> String) -> Result<(), MappingError> {
    if text.trim().is_empty() { Err(MappingError::Empty { entry: entry() }) } else { Ok(()) }
}

fn all_not_blank(texts: &[String], list: impl Fn() -> String) -> Result<(), MappingError> {
    texts.iter().enumerate().try_for_each(|(index, text)| not_blank(text, || format!("{}[{index}]", list())))
}

/// A time zone as its IANA name.
mod zone_name {
    use super::{Tz, ZoneName};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(zone: &Tz, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(zone.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
        deserializer.deserialize_str(ZoneName)
    }
}

struct ZoneName;

impl serde::de::Visitor<'_> for ZoneName {
    type Value = Tz;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the IANA name of a time zone, such as Europe/Brussels")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Tz, E> {
        name.parse().map_err(|_| E::invalid_value(serde::de::Unexpected::Str(name), &self))
    }
}
