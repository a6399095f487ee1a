//! Ids from text.

use std::str::FromStr;

use uuid::Uuid;

use super::{ConsumerId, GroupId, OutputPortId, TechAssetId};
use crate::error::{Error, Kind};

macro_rules! parse {
    ($($name:ident is $what:literal),*) => {$(
        impl FromStr for $name {
            type Err = Error;

            /// Parses a UUID in any of its usual spellings.
            ///
            /// # Errors
            ///
            /// A text that is not a UUID ([`Error::is_request`]).
            fn from_str(text: &str) -> Result<Self, Error> {
                Uuid::parse_str(text)
                    .map(Self)
                    .map_err(|source| Kind::Id { what: $what, text: text.into(), source }.into())
            }
        }
    )*};
}

parse!(
    OutputPortId is "output port id",
    ConsumerId is "consumer id",
    TechAssetId is "tech asset id",
    GroupId is "group id"
);
