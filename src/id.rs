//! The identifiers that the host's own tables define.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Kind};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The UUID as the host's table holds it.
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            /// Parses a UUID in any of its usual spellings.
            fn from_str(text: &str) -> Result<Self, Error> {
                Uuid::parse_str(text)
                    .map(Self)
                    .map_err(|source| Kind::Id { what: $what, text: text.into(), source }.into())
            }
        }
    };
}

id! {
    /// An output port: the dataset that a data product exposes.
    OutputPortId, "output port id"
}
id! {
    /// A consumer: the data product that queries an output port.
    ConsumerId, "consumer id"
}
id! {
    /// A tech asset: a table or view behind output ports.
    TechAssetId, "tech asset id"
}
id! {
    /// A group of consumers, for instance the domain that they belong to.
    GroupId, "group id"
}
