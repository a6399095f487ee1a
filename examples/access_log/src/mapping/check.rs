//! Reads a mapping, and says what is wrong with it.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};

use uuid::Uuid;

use super::Mapping;

/// Why a text is no mapping. The message begins with the entry: `tech_assets[3].output_ports[1]: …`.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// The text is not JSON, or not of this form; the message ends with line and column.
    #[error("{}: {}", visible(entry), visible(&reason.to_string()))]
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
        // serde_json asks for one byte at a time
        let mut json = serde_json::Deserializer::from_reader(BufReader::new(reader));
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
            match &asset.objects[..] {
                [] => return Err(MappingError::EmptyList { entry: format!("{entry}.object") }),
                [object] => not_blank(object, || format!("{entry}.object"))?,
                objects => all_not_blank(objects, || format!("{entry}.object"))?,
            }
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
        if let Some(domains) = &self.object_domains {
            if domains.is_empty() {
                return Err(MappingError::EmptyList { entry: "object_domains".to_owned() });
            }
            all_not_blank(domains, || "object_domains".to_owned())?;
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

/// The start of a text from outside, whose control characters a terminal would obey written out.
fn visible(text: &str) -> String {
    const MOST: usize = 500;
    let mut shown = String::new();
    for (place, char) in text.chars().enumerate() {
        match char {
            _ if place == MOST => {
                shown.push('…');
                break;
            }
            '\\' | '"' | '\'' => shown.push(char),
            _ => shown.extend(char.escape_debug()),
        }
    }
    shown
}
