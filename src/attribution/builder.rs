//! The builder that checks an attribution.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::name::{self, DatabaseName, ObjectName, SchemaName, SnowflakeIdent};
use super::set_kind::SetKind;
use super::sets::ObjectSets;
use super::zone::Zone;
use super::{AccessedObjects, Attribution, CountedUnit, IcebergEvents, OverlappingSets, PrincipalKind};
use crate::error::{Error, Kind};
use crate::id::{ConsumerId, OutputPortId, TechAssetId};

/// The domains of objects that hold rows; stages, functions and procedures share the same arrays.
const OBJECT_DOMAINS: [&str; 8] = [
    "DYNAMIC TABLE",
    "EVENT TABLE",
    "EXTERNAL TABLE",
    "ICEBERG TABLE",
    "MATERIALIZED VIEW",
    "STREAM",
    "TABLE",
    "VIEW",
];

/// Collects the mappings and rules of an [`Attribution`].
#[derive(Debug, Clone, Default)]
#[must_use = "a builder makes nothing until `build` is called"]
pub struct AttributionBuilder {
    sets: Vec<(WrittenSet, String, TechAssetId)>,
    overlapping_sets: OverlappingSets,
    tech_assets: BTreeMap<TechAssetId, BTreeSet<OutputPortId>>,
    principals: Vec<(PrincipalKind, String, ConsumerId)>,
    excluded_users: Vec<String>,
    producers: BTreeMap<OutputPortId, BTreeSet<ConsumerId>>,
    object_domains: Option<Vec<String>>,
    time_zone: Option<String>,
    time_zone_rules: Option<Vec<u8>>,
    accessed_objects: AccessedObjects,
    counted_unit: CountedUnit,
    iceberg_events: IcebergEvents,
}

/// How the name of a set was given.
#[derive(Debug, Clone, Copy)]
enum WrittenSet {
    Object,
    Schema,
    Database,
    /// Any of the three: `DB.SCHEMA.NAME`, `DB.SCHEMA.*` or `DB.*`.
    Objects,
}

impl AttributionBuilder {
    /// Puts an object into a tech asset, by its full name: `DB.SCHEMA.NAME`.
    ///
    /// A tech asset may hold any number of objects, schemas and databases. What is in several of them,
    /// also of several assets, counts for each, or as [`overlapping_sets`](Self::overlapping_sets) says.
    /// A renamed object is given by each of its names.
    pub fn object(self, name: impl Into<String>, tech_asset: TechAssetId) -> Self {
        self.set(WrittenSet::Object, name, tech_asset)
    }

    /// Puts every object of a schema into a tech asset: `DB.SCHEMA`.
    ///
    /// Tables that are created later count from their first query.
    pub fn schema(self, name: impl Into<String>, tech_asset: TechAssetId) -> Self {
        self.set(WrittenSet::Schema, name, tech_asset)
    }

    /// Puts every object of a database into a tech asset, except those of its `INFORMATION_SCHEMA`.
    pub fn database(self, name: impl Into<String>, tech_asset: TechAssetId) -> Self {
        self.set(WrittenSet::Database, name, tech_asset)
    }

    /// Puts objects into a tech asset as people write them in a file.
    ///
    /// `DB.SCHEMA.NAME` is an [`object`](Self::object), `DB.SCHEMA.*` a [`schema`](Self::schema) and `DB.*` a
    /// [`database`](Self::database). A `*` anywhere else is an error, except in quotes, where it is a
    /// character like any other.
    pub fn objects(self, names: impl Into<String>, tech_asset: TechAssetId) -> Self {
        self.set(WrittenSet::Objects, names, tech_asset)
    }

    fn set(mut self, written: WrittenSet, name: impl Into<String>, tech_asset: TechAssetId) -> Self {
        self.sets.push((written, name.into(), tech_asset));
        self
    }

    /// What an object that is in several sets counts for. Defaults to [`OverlappingSets::CountAll`].
    pub fn overlapping_sets(mut self, overlapping_sets: OverlappingSets) -> Self {
        self.overlapping_sets = overlapping_sets;
        self
    }

    /// Puts a tech asset behind output ports. Later calls add more.
    pub fn tech_asset(
        mut self,
        tech_asset: TechAssetId,
        output_ports: impl IntoIterator<Item = OutputPortId>,
    ) -> Self {
        self.tech_assets.entry(tech_asset).or_default().extend(output_ports);
        self
    }

    /// Maps a user to its consumer. A user's mapping takes precedence over that of the role in use.
    pub fn user(mut self, name: impl Into<String>, consumer: ConsumerId) -> Self {
        self.principals.push((PrincipalKind::User, name.into(), consumer));
        self
    }

    /// Maps a role to its consumer, for users that are not mapped themselves.
    ///
    /// Tasks run as user `SYSTEM` with their owner's role, so they are mapped by role.
    ///
    /// The role is the session's primary one, which is all that `QUERY_HISTORY` has. Secondary roles are on by
    /// default for new users (Snowflake's behaviour change BCR-1692): what such a user reads by the rights of a
    /// secondary role counts for the primary role's consumer, or for none. Map users where that matters.
    pub fn role(mut self, name: impl Into<String>, consumer: ConsumerId) -> Self {
        self.principals.push((PrincipalKind::Role, name.into(), consumer));
        self
    }

    /// Leaves out a user's accesses, whether the user is mapped or not. Defaults to nobody; later calls add
    /// users.
    pub fn exclude_user(mut self, name: impl Into<String>) -> Self {
        self.excluded_users.push(name.into());
        self
    }

    /// Leaves out what a producer reads of its own output port.
    ///
    /// Defaults to no producer: own reads count. Later calls add producers.
    pub fn producer(mut self, output_port: OutputPortId, consumer: ConsumerId) -> Self {
        self.producers.entry(output_port).or_default().insert(consumer);
        self
    }

    /// The time zone of usage dates, by its IANA name. Defaults to `UTC`.
    ///
    /// Abbreviations such as `CET`, most of which Snowflake does not take, are an error: name a place. The
    /// rules are those of [`time_zone_version`](crate::time_zone_version).
    pub fn time_zone(mut self, name: impl Into<String>) -> Self {
        self.time_zone = Some(name.into());
        self
    }

    /// The rules of the time zone, as a file of the IANA database holds them (TZif).
    ///
    /// Defaults to the rules that come with the library. If you need newer ones before the library has them,
    /// pass for instance the contents of `/usr/share/zoneinfo/America/Vancouver`. In Snowflake, Snowflake's
    /// own rules decide.
    pub fn time_zone_rules(mut self, tzif: impl Into<Vec<u8>>) -> Self {
        self.time_zone_rules = Some(tzif.into());
        self
    }

    /// Which objects of a query count. Defaults to [`AccessedObjects::Direct`].
    pub fn accessed_objects(mut self, accessed_objects: AccessedObjects) -> Self {
        self.accessed_objects = accessed_objects;
        self
    }

    /// What counts as one query. Defaults to [`CountedUnit::Statement`].
    pub fn counted_unit(mut self, counted_unit: CountedUnit) -> Self {
        self.counted_unit = counted_unit;
        self
    }

    /// What of the reads by external engines counts. Defaults to [`IcebergEvents::Every`].
    pub fn iceberg_events(mut self, iceberg_events: IcebergEvents) -> Self {
        self.iceberg_events = iceberg_events;
        self
    }

    /// The object domains that count, in upper or lower case.
    ///
    /// Defaults to `TABLE`, `VIEW`, `MATERIALIZED VIEW`, `EXTERNAL TABLE`, `ICEBERG TABLE`,
    /// `DYNAMIC TABLE`, `EVENT TABLE` and `STREAM`. A later call replaces an earlier one.
    pub fn object_domains(mut self, domains: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.object_domains = Some(domains.into_iter().map(Into::into).collect());
        self
    }

    /// Checks everything and makes the attribution.
    ///
    /// # Errors
    ///
    /// A text that is not a Snowflake name; a user or role with two consumers; no object, no principal or no domain
    /// at all; a tech asset without an output port, or without an object, schema or database; an unknown time zone,
    /// or rules that are not valid. Each error names what is wrong. Giving the same mapping twice is not an error.
    pub fn build(self) -> Result<Attribution, Error> {
        let mut empty: BTreeSet<TechAssetId> = self.tech_assets.keys().copied().collect();
        let mut sets = Vec::with_capacity(self.sets.len());
        for (written, name, tech_asset) in self.sets {
            let (kind, name) = match written {
                WrittenSet::Object => (SetKind::Object, ObjectName::parse(&name)?.to_string()),
                WrittenSet::Schema => (SetKind::Schema, SchemaName::parse(&name)?.to_string()),
                WrittenSet::Database => (SetKind::Database, DatabaseName::parse(&name)?.to_string()),
                WrittenSet::Objects => name::parse_set(&name)?,
            };
            if !self.tech_assets.contains_key(&tech_asset) {
                return Err(Kind::AssetWithoutPort(tech_asset).into());
            }
            empty.remove(&tech_asset);
            sets.push((kind, name, tech_asset));
        }
        if let Some((&tech_asset, _)) = self.tech_assets.iter().find(|(_, ports)| ports.is_empty()) {
            return Err(Kind::AssetWithoutPort(tech_asset).into());
        }

        let mut principals = BTreeMap::new();
        for (kind, written, consumer) in self.principals {
            let what = match kind {
                PrincipalKind::User => "user name",
                PrincipalKind::Role => "role name",
            };
            let name = SnowflakeIdent::parse(what, &written)?.into_stored();
            if let Some(((kind, name), first)) = insert(&mut principals, (kind, name), consumer) {
                let kind = kind.as_str();
                return Err(Kind::PrincipalMappedTwice { kind, name, first, second: consumer }.into());
            }
        }
        let excluded_users = self
            .excluded_users
            .iter()
            .map(|written| Ok(SnowflakeIdent::parse("user name", written)?.into_stored()))
            .collect::<Result<_, Error>>()?;
        let object_domains: BTreeSet<String> = match &self.object_domains {
            None => OBJECT_DOMAINS.map(str::to_owned).into(),
            Some(domains) => domains.iter().map(|domain| object_domain(domain)).collect::<Result<_, _>>()?,
        };
        for (what, is_empty) in [
            ("object, schema or database", sets.is_empty()),
            ("user or role", principals.is_empty()),
            ("object domain", object_domains.is_empty()),
        ] {
            if is_empty {
                return Err(Kind::EmptyAttribution(what).into());
            }
        }

        if let Some(tech_asset) = empty.pop_first() {
            return Err(Kind::EmptyAsset(tech_asset).into());
        }

        let time_zone = match (self.time_zone, self.time_zone_rules) {
            (None, None) => Zone::utc(),
            (Some(name), None) => Zone::named(name)?,
            (name, Some(rules)) => Zone::with_rules(name.unwrap_or_else(|| "UTC".to_owned()), &rules)?,
        };
        Ok(Attribution {
            sets: ObjectSets::new(sets, self.overlapping_sets),
            tech_assets: self.tech_assets,
            principals,
            excluded_users,
            producers: self.producers,
            object_domains,
            time_zone,
            accessed_objects: self.accessed_objects,
            counted_unit: self.counted_unit,
            iceberg_events: self.iceberg_events,
        })
    }
}

/// Inserts, or returns the key with the other value that it has already.
fn insert<K: Ord + Clone, V: PartialEq + Copy>(map: &mut BTreeMap<K, V>, key: K, value: V) -> Option<(K, V)> {
    match map.entry(key) {
        Entry::Vacant(entry) => {
            entry.insert(value);
            None
        }
        Entry::Occupied(entry) => (*entry.get() != value).then(|| (entry.key().clone(), *entry.get())),
    }
}

fn object_domain(written: &str) -> Result<String, Error> {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    if written.split([' ', '_']).all(is_word) {
        return Ok(written.to_ascii_uppercase());
    }
    let reason = "is not made of letters, single spaces and underscores";
    Err(Kind::SnowflakeName { what: "object domain", name: written.to_owned(), reason }.into())
}
