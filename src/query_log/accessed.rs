//! The objects in one of a record's arrays.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::attribution::as_printed;

/// An object in one of a record's arrays.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccessedObject {
    /// The kind of object, in upper or lower case.
    pub object_domain: Option<String>,
    /// The fully qualified name as Snowflake prints it; absent or `TRUNCATED` where it does not give one.
    ///
    /// Read from JSON, it loses the quotes around parts that need none: `"DB"."S"."T"` is `DB.S.T`.
    pub object_name: Option<String>,
}

impl AccessedObject {
    /// An object of a domain, with its name as Snowflake prints it.
    pub fn new(object_domain: impl Into<String>, object_name: impl Into<String>) -> Self {
        Self { object_domain: Some(object_domain.into()), object_name: Some(object_name.into()) }
    }
}

/// An array, a text that holds one, or null: each object once, in the order in which they come first.
///
/// Elements that are no objects are not kept, so that a long line of nothing takes no memory.
pub(super) struct DistinctObjects(pub(super) Vec<AccessedObject>);

impl<'de> Deserialize<'de> for DistinctObjects {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Array).map(Self)
    }
}

struct Array;

impl<'de> Visitor<'de> for Array {
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
        let mut json = serde_json::Deserializer::from_str(text);
        // an array in a text in a text is none
        let objects = match text.trim_start().starts_with('"') {
            true => Err(serde::de::Error::custom("it is a text again")),
            false => json.deserialize_any(self).and_then(|objects| json.end().map(|()| objects)),
        };
        objects.map_err(|error: serde_json::Error| {
            E::custom(format_args!("the text of an array is not one ({error})"))
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut distinct = Distinct::default();
        while let Some(element) = seq.next_element()? {
            if let Element::Object(object) = element {
                distinct.insert(object);
            }
        }
        Ok(distinct.into_vec())
    }
}

/// Objects in the order in which they come first.
#[derive(Default)]
struct Distinct {
    few: Vec<AccessedObject>,
    /// With their places, once they are too many to be compared one by one.
    many: HashMap<AccessedObject, usize>,
}

impl Distinct {
    const FEW: usize = 16;

    fn insert(&mut self, object: AccessedObject) {
        if self.many.is_empty() {
            if self.few.contains(&object) {
                return;
            }
            if self.few.len() < Self::FEW {
                self.few.push(object);
                return;
            }
            self.many = self.few.drain(..).zip(0..).collect();
        }
        let place = self.many.len();
        self.many.entry(object).or_insert(place);
    }

    fn into_vec(self) -> Vec<AccessedObject> {
        if self.many.is_empty() {
            return self.few;
        }
        let mut placed: Vec<(AccessedObject, usize)> = self.many.into_iter().collect();
        placed.sort_unstable_by_key(|(_, place)| *place);
        placed.into_iter().map(|(object, _)| object).collect()
    }
}

/// A path that leads nowhere is NULL in Snowflake, so an element that is no object, or whose paths
/// hold no text, is an object without domain and name rather than an error.
impl<'de> Deserialize<'de> for AccessedObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Lenient).map(|element| match element {
            Element::Object(object) => object,
            Element::Text(_) | Element::Other => Self::default(),
        })
    }
}

/// A JSON value, of which only texts and the two paths are kept.
enum Element {
    Object(AccessedObject),
    Text(String),
    Other,
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Lenient)
    }
}

struct Lenient;

impl<'de> Visitor<'de> for Lenient {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Element, E> {
        Ok(Element::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Element, E> {
        Ok(Element::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Element, E> {
        Ok(Element::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Element, E> {
        Ok(Element::Other)
    }

    fn visit_unit<E>(self) -> Result<Element, E> {
        Ok(Element::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Element, E> {
        Ok(Element::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Element, E> {
        Ok(Element::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Element, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Element::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Element, A::Error> {
        let mut object = AccessedObject::default();
        while let Some(path) = map.next_key()? {
            match path {
                Path::Domain => object.object_domain = text(map.next_value()?),
                Path::Name => {
                    let name = text(map.next_value()?);
                    object.object_name = name.map(|name| match as_printed(&name) {
                        std::borrow::Cow::Owned(printed) => printed,
                        std::borrow::Cow::Borrowed(_) => name,
                    });
                }
                Path::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Element::Object(object))
    }
}

fn text(value: Element) -> Option<String> {
    match value {
        Element::Text(text) => Some(text),
        Element::Object(_) | Element::Other => None,
    }
}

/// A key of an element; case decides, as in Snowflake's paths.
enum Path {
    Domain,
    Name,
    Other,
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(PathVisitor)
    }
}

struct PathVisitor;

impl Visitor<'_> for PathVisitor {
    type Value = Path;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Path, E> {
        Ok(match key {
            "objectDomain" => Path::Domain,
            "objectName" => Path::Name,
            _ => Path::Other,
        })
    }
}
