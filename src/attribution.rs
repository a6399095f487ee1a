//! Which object is which tech asset of which output ports, and which principal is which consumer.

mod builder;
mod local_days;
mod name;
mod rules;
mod set_kind;
mod sets;
mod zone;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

pub use self::builder::AttributionBuilder;
pub(crate) use self::local_days::LocalDays;
pub(crate) use self::name::{ObjectName, as_printed};
pub(crate) use self::set_kind::SetKind;
use self::sets::ObjectSets;
pub(crate) use self::sets::{HoldingSet, HoldingSets, SetIndex};
use self::zone::Zone;
pub use self::zone::time_zone_version;
use crate::id::{ConsumerId, OutputPortId, TechAssetId};

/// Which accesses count, and for whom.
///
/// An attribution maps names of the warehouse to ids of the portal: objects to their tech assets, a tech
/// asset to its output ports, a user or role to its consumer. It also fixes the time zone of a
/// usage date and the rules of counting, so that every aggregation made from it means the same.
///
/// A tech asset holds objects, whole schemas and whole databases, any number and mix of them. What is in
/// several of its sets counts once; what is in the sets of several tech assets counts for each of them, or
/// for the most specific, as [`OverlappingSets`] says. An `INFORMATION_SCHEMA` is in no database here: it
/// counts where it is named.
///
/// Names are written as in Snowflake SQL: unquoted parts fold to upper case, quoted parts are kept,
/// `""` inside quotes is a quote. They match the form that `ACCOUNT_USAGE` prints: `objectName` is
/// fully qualified with quotes where a part needs them, `USER_NAME` and `ROLE_NAME` have none.
///
/// # Example
///
/// ```
/// use output_port_usage::{Attribution, ConsumerId, OutputPortId, TechAssetId};
/// use uuid::Uuid;
///
/// let port = OutputPortId(Uuid::from_u128(1));
/// let (orders, campaigns) = (TechAssetId(Uuid::from_u128(11)), TechAssetId(Uuid::from_u128(12)));
/// let finance = ConsumerId(Uuid::from_u128(21));
///
/// let attribution = Attribution::builder()
///     .object("sales.public.orders", orders)
///     .object(r#"MKT_DB.OUT."Campaign.Daily""#, campaigns)
///     .schema("mkt_db.archive", campaigns)
///     .tech_asset(orders, [port])
///     .tech_asset(campaigns, [port])
///     .user(r#""jane.doe@example.org""#, finance)
///     .role("finance_reader", finance)
///     .time_zone("Europe/Brussels")
///     .build()?;
/// assert!(attribution.output_ports().contains(&port));
/// # Ok::<(), output_port_usage::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribution {
    sets: ObjectSets,
    tech_assets: BTreeMap<TechAssetId, BTreeSet<OutputPortId>>,
    /// Keyed by the name as printed.
    principals: BTreeMap<(PrincipalKind, String), ConsumerId>,
    excluded_users: BTreeSet<String>,
    producers: BTreeMap<OutputPortId, BTreeSet<ConsumerId>>,
    object_domains: BTreeSet<String>,
    time_zone: Zone,
    accessed_objects: AccessedObjects,
    counted_unit: CountedUnit,
    iceberg_events: IcebergEvents,
}

/// Which of a query's two lists of objects counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccessedObjects {
    /// Those that the query names: a view counts as the view (`DIRECT_OBJECTS_ACCESSED`).
    #[default]
    Direct,
    /// The tables underneath, whatever view was named (`BASE_OBJECTS_ACCESSED`).
    Base,
}

/// What counts as one query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CountedUnit {
    /// Every statement, those inside a stored procedure included.
    #[default]
    Statement,
    /// The outermost query: a call of a stored procedure counts once on each day and output port that its
    /// statements reached. The statements of one multi-statement request have a root query too.
    RootQuery,
}

/// What an object that is in several sets counts for.
///
/// It may be in one by itself, by its schema and by its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OverlappingSets {
    /// Every tech asset one of whose sets holds it.
    #[default]
    CountAll,
    /// Only the tech assets of the most specific set: an object before a schema, a schema before a database.
    /// So a table that is an asset by itself no longer counts for that of its schema.
    MostSpecific,
}

/// What of the reads by external engines counts.
///
/// Spark, Trino and others read Iceberg tables through the REST catalog of Snowflake Horizon. `ACCESS_HISTORY` has
/// a row with a query id of its own for each call that they make there: its `event_source` is `horizon_irc`, and
/// its `additional_properties` hold the call as `irc_event_type` (Snowflake's pages "ACCESS_HISTORY view" and
/// "Horizon Iceberg REST Catalog operations in ACCESS_HISTORY"). [Counting](crate::docs::counting#external-engines)
/// says what that comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IcebergEvents {
    /// Every event, as if it were a statement. The two columns are not asked for.
    #[default]
    Every,
    /// The events of type `LoadTable` alone: an engine loads each table that it reads.
    TableLoads,
}

/// The `event_source` of the REST catalog's events, in upper case.
pub(crate) const ICEBERG_SOURCE: &str = "HORIZON_IRC";
/// The `irc_event_type` of a table that is loaded, in upper case.
pub(crate) const TABLE_LOAD: &str = "LOADTABLE";

/// The domain, and the name, of the element that stands for objects that `ACCESS_HISTORY` cut off
/// (Snowflake's page "ACCESS_HISTORY view").
pub(crate) const TRUNCATED: &str = "TRUNCATED";

/// The two kinds of principal; a user's mapping goes before a role's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum PrincipalKind {
    User,
    Role,
}

impl PrincipalKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
        }
    }
}

impl Attribution {
    /// Starts an attribution with nothing mapped.
    pub fn builder() -> AttributionBuilder {
        AttributionBuilder::default()
    }

    /// The output ports that have at least one tech asset behind them.
    ///
    /// They are the scope of every aggregation: an output port without a tech asset is not measured, so
    /// nothing is said about it.
    pub fn output_ports(&self) -> BTreeSet<OutputPortId> {
        self.tech_assets.values().flatten().copied().collect()
    }

    /// The usage date of a query that starts at `instant`: its local date in the time zone.
    ///
    /// Where the local date would lie beyond either end of chrono's calendar, it is the date in UTC.
    pub fn usage_date(&self, instant: DateTime<Utc>) -> NaiveDate {
        local_days::local_date(&self.time_zone, instant)
    }
}

/// What an aggregation reads, in a fixed order.
impl Attribution {
    /// Each set by its kind and name as printed, with every output port and tech asset that it stands for.
    pub(crate) fn set_map(&self) -> impl Iterator<Item = (SetKind, &str, OutputPortId, TechAssetId)> {
        self.sets.iter().flat_map(|(kind, name, asset)| {
            let output_ports = self.tech_assets.get(&asset).into_iter().flatten();
            output_ports.map(move |&output_port| (kind, name, output_port, asset))
        })
    }

    /// The sets by their names, for looking up objects.
    pub(crate) fn set_index(&self) -> SetIndex<'_> {
        self.sets.index()
    }

    /// Whether an object may be in two tech assets at once.
    pub(crate) fn sets_may_overlap(&self) -> bool {
        self.sets.may_overlap()
    }

    pub(crate) fn overlapping_sets(&self) -> OverlappingSets {
        self.sets.overlapping()
    }

    /// Every output port with each tech asset behind it.
    pub(crate) fn links(&self) -> impl Iterator<Item = (OutputPortId, TechAssetId)> {
        self.tech_assets.iter().flat_map(|(asset, ports)| ports.iter().map(move |port| (*port, *asset)))
    }

    /// Principal name as printed, with its consumer.
    pub(crate) fn consumer_map(&self) -> impl Iterator<Item = (PrincipalKind, &str, ConsumerId)> {
        self.principals.iter().map(|((kind, name), &consumer)| (*kind, name.as_str(), consumer))
    }

    /// User names as printed whose accesses never count.
    pub(crate) fn excluded_users(&self) -> &BTreeSet<String> {
        &self.excluded_users
    }

    /// The consumers whose own reads of an output port do not count.
    pub(crate) fn producers(&self) -> impl Iterator<Item = (OutputPortId, ConsumerId)> {
        self.producers.iter().flat_map(|(&output_port, consumers)| {
            consumers.iter().map(move |&consumer| (output_port, consumer))
        })
    }

    /// The object domains that count, in upper case.
    pub(crate) fn object_domains(&self) -> &BTreeSet<String> {
        &self.object_domains
    }

    pub(crate) fn accessed_objects(&self) -> AccessedObjects {
        self.accessed_objects
    }

    pub(crate) fn counted_unit(&self) -> CountedUnit {
        self.counted_unit
    }

    pub(crate) fn iceberg_events(&self) -> IcebergEvents {
        self.iceberg_events
    }

    pub(crate) fn time_zone(&self) -> &Zone {
        &self.time_zone
    }

    /// `days` in the time zone; checked by the caller.
    pub(crate) fn local_days(&self, days: Range<NaiveDate>) -> LocalDays {
        LocalDays::new(&self.time_zone, days)
    }
}
