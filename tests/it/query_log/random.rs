//! Random logs in which names collide, with a naive fold of every counting rule.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::{DateTime, NaiveDate, TimeDelta};
use output_port_usage::query_log::{AccessedObject, Record};
use output_port_usage::{AccessedObjects, Attribution, CountedUnit, IcebergEvents, OverlappingSets};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::hand_made::{asset, consumer, port};

/// What a log can exercise; [`RandomLog::fold`] says which of them one does.
pub(crate) const RULES: [&str; 27] = [
    "a unit reads an asset twice",
    "two assets of one port in a query",
    "two ports combined",
    "one asset behind two ports",
    "direct and base differ",
    "a root query with two statements",
    "a root query over two days",
    "a user goes before a role",
    "a role maps an unmapped user",
    "an unmapped principal",
    "an excluded user",
    "no user name",
    "no object name",
    "another domain",
    "outside the days",
    "not successful",
    "a producer's own read",
    "a schema holds an object",
    "a database holds an object",
    "a name that only starts like a schema's",
    "an object of INFORMATION_SCHEMA",
    "one object in two assets",
    "the most specific set alone",
    "an empty root query",
    "an empty status",
    "an external engine loads a table",
    "an event that loads no table",
];

/// Zones without daylight saving, with their seconds east of UTC.
const ZONES: [(&str, i64); 3] = [("UTC", 0), ("Asia/Kolkata", 19_800), ("America/Phoenix", -25_200)];
/// Names part by part, some of which start alike once their quotes and dots are forgotten.
const OBJECTS: [[&str; 3]; 12] = [
    ["DB", "S", "T0"],
    ["DB", "S", "T1"],
    ["DB", "S", "t.2"],
    ["DB", "S", "T3"],
    ["DB", "SX", "T0"],
    ["DB", "s.2", "T0"],
    ["DB", "INFORMATION_SCHEMA", "TABLES"],
    ["DBX", "S", "T0"],
    ["DB.S", "T0", "T0"],
    ["DB.S", "X", "T0"],
    ["DB.T", "S", "T0"],
    ["OTHER", "S", "T0"],
];
/// Sets of objects: each object that a set names in full, then schemas and databases.
const SETS: [&[&str]; 11] = [
    &OBJECTS[0],
    &OBJECTS[1],
    &OBJECTS[2],
    &OBJECTS[3],
    &["DB", "S"],
    &["DB", "s.2"],
    &["DB", "INFORMATION_SCHEMA"],
    &["DB"],
    &["DB.S"],
    &["DBX"],
    &["DB.S", "T0"],
];
const NAMES: [&str; 4] = ["N0", "N1", "n.2", "N3"];
/// What makes a row, with the call if it is one of the Iceberg REST catalog.
const EVENTS: [(&str, Option<&str>); 5] = [
    ("snowflake_sql", None),
    ("horizon_irc", Some("LoadTable")),
    ("HORIZON_IRC", Some("loadtable")),
    ("HORIZON_IRC", Some("PlanTableScan")),
    ("horizon_irc", None),
];
const DOMAINS: [&str; 5] = ["Table", "VIEW", "iceberg table", "Stage", "Truncated"];

/// A log with the mapping and the rules to count it by; everything is an index.
#[derive(Debug, Clone)]
pub(crate) struct RandomLog {
    pub(crate) days: Range<NaiveDate>,
    pub(crate) records: Vec<Record>,
    zone: (&'static str, i64),
    /// Sets with their assets.
    sets: BTreeSet<(usize, usize)>,
    most_specific: bool,
    /// Ports of each asset.
    assets: Vec<BTreeSet<usize>>,
    pub(crate) users: BTreeMap<usize, usize>,
    pub(crate) roles: BTreeMap<usize, usize>,
    excluded: BTreeSet<usize>,
    producers: BTreeSet<(usize, usize)>,
    base: bool,
    root: bool,
    pub(crate) iceberg_events: IcebergEvents,
}

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 9).unwrap()
}

fn accessed() -> impl Strategy<Value = AccessedObject> {
    let domain = prop_oneof![20 => Just(Some(0)), 5 => (1..5usize).prop_map(Some), 1 => Just(None)];
    let name =
        prop_oneof![9 => (0..4usize).prop_map(Some), 5 => (4..12usize).prop_map(Some), 1 => Just(None)];
    (domain, name).prop_map(|(domain, name)| {
        let mut object = AccessedObject::default();
        object.object_domain = domain.map(|domain| DOMAINS[domain].to_owned());
        object.object_name = name.map(|name| printed(&OBJECTS[name]));
        object
    })
}

fn record() -> impl Strategy<Value = Record> {
    let name = || prop_oneof![9 => (0..4usize).prop_map(Some), 1 => Just(None)];
    let root = prop_oneof![2 => Just(None), 10 => (0..2usize).prop_map(Some), 1 => Just(Some(2))];
    let status = prop_oneof![5 => Just(None), 2 => Just(Some("success")), 1 => Just(Some("FAIL")), 1 => Just(Some(""))];
    let event = prop_oneof![9 => Just(None), 3 => (0..5usize).prop_map(Some)];
    let objects = || vec(accessed(), 0..6);
    (0..12usize, root, 0..3 * 24 * 60i64, name(), name(), status, event, objects(), objects()).prop_map(
        |(id, root, minute, user, role, status, event, direct, base)| {
            let start = first_day().and_hms_opt(0, 0, 0).unwrap() + TimeDelta::minutes(minute);
            let mut record = Record::new(format!("q{id}"), start.and_utc());
            record.root_query_id = root.map(|root| ["q0", "q1", ""][root].to_owned());
            record.user_name = user.map(|user| NAMES[user].to_owned());
            record.role_name = role.map(|role| NAMES[role].to_owned());
            record.execution_status = status.map(Into::into);
            record.direct_objects_accessed = direct;
            record.base_objects_accessed = base;
            if let Some((source, event_type)) = event.map(|event| EVENTS[event]) {
                record.event_source = Some(source.to_owned());
                record.irc_event_type = event_type.map(str::to_owned);
            }
            if is_event(&record) {
                // no statement, which would have a role and a status
                record.query_id = format!("e{id}");
                (record.role_name, record.execution_status) = (None, None);
            }
            record
        },
    )
}

/// Whether the record is an event of the Iceberg REST catalog.
pub(crate) fn is_event(record: &Record) -> bool {
    record.event_source.as_ref().is_some_and(|source| source.eq_ignore_ascii_case("horizon_irc"))
}

/// Logs of up to 40 records over 3 days, of which 1 to 3 are aggregated.
pub(crate) fn log() -> impl Strategy<Value = RandomLog> {
    let map = || proptest::collection::btree_map(0..4usize, 0..4usize, 2..=4);
    let set = prop_oneof![3 => 0..11usize, 1 => Just(7)];
    // half of the logs have objects alone, each in one asset
    let more_sets = prop_oneof![Just(BTreeSet::new()), btree_set((set, 0..4usize), 2..7)];
    let sets = (map(), more_sets, any::<bool>());
    let names = (sets, vec(btree_set(0..3usize, 1..3), 4), map(), map());
    let left_out = (btree_set(0..4usize, 0..2), btree_set((0..3usize, 0..4usize), 0..6));
    let days = (0..2u64, 1..=3u64);
    let records = vec(record(), 0..40);
    let events = prop_oneof![1 => Just(IcebergEvents::Every), 1 => Just(IcebergEvents::TableLoads)];
    let rules = (any::<bool>(), any::<bool>(), events);
    (names, left_out, days, 0..3usize, rules, records).prop_map(
        |((sets, assets, users, roles), (excluded, producers), (skip, len), zone, rules, records)| {
            let (base, root, iceberg_events) = rules;
            let (objects, more_sets, most_specific) = sets;
            let sets = objects.into_iter().chain(more_sets).collect();
            let start = first_day() + chrono::Days::new(skip);
            let days = start..start + chrono::Days::new(len);
            let zone = ZONES[zone];
            RandomLog {
                days,
                records,
                zone,
                sets,
                most_specific,
                assets,
                users,
                roles,
                excluded,
                producers,
                base,
                root,
                iceberg_events,
            }
        },
    )
}

/// The name as SQL: quoted, so that it is kept.
fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// The name as Snowflake prints it.
fn printed(parts: &[&str; 3]) -> String {
    parts.map(|part| if part.contains(['.', 't', 's']) { quoted(part) } else { part.to_owned() }).join(".")
}

fn index_of(names: &[&str; 4], name: Option<&String>) -> Option<usize> {
    names.iter().position(|other| Some(*other) == name.map(String::as_str))
}

/// Whether a set holds an object: its parts are the object's first ones.
fn is_held(object: &[&str; 3], set: &[&str]) -> bool {
    object.starts_with(set) && (set.len() > 1 || object[1] != "INFORMATION_SCHEMA")
}

impl RandomLog {
    /// The mapping and the rules as the library takes them.
    pub(crate) fn attribution(&self) -> Attribution {
        let mut builder = Attribution::builder()
            .time_zone(self.zone.0)
            .accessed_objects(if self.base { AccessedObjects::Base } else { AccessedObjects::Direct })
            .counted_unit(if self.root { CountedUnit::RootQuery } else { CountedUnit::Statement })
            .iceberg_events(self.iceberg_events);
        if self.most_specific {
            builder = builder.overlapping_sets(OverlappingSets::MostSpecific);
        }
        for &(set, tech_asset) in &self.sets {
            let output_ports = self.assets[tech_asset].iter().map(|&output_port| port(output_port as u128));
            let (set, tech_asset) = (SETS[set], asset(tech_asset as u128));
            let name = set.iter().map(|part| quoted(part)).collect::<Vec<_>>().join(".");
            builder = match set.len() {
                1 => builder.database(name, tech_asset),
                2 => builder.schema(name, tech_asset),
                _ => builder.object(name, tech_asset),
            };
            builder = builder.tech_asset(tech_asset, output_ports);
        }
        for (&user, &owner) in &self.users {
            builder = builder.user(quoted(NAMES[user]), consumer(owner as u128));
        }
        for (&role, &owner) in &self.roles {
            builder = builder.role(quoted(NAMES[role]), consumer(owner as u128));
        }
        for &user in &self.excluded {
            builder = builder.exclude_user(quoted(NAMES[user]));
        }
        for &(output_port, owner) in &self.producers {
            builder = builder.producer(port(output_port as u128), consumer(owner as u128));
        }
        builder.build().unwrap()
    }

    /// The three tables as text, and the rules that the log exercises.
    pub(crate) fn fold(&self) -> ([Vec<String>; 3], BTreeSet<&'static str>) {
        let mut met = BTreeSet::new();
        let mut touches: BTreeMap<_, BTreeSet<usize>> = BTreeMap::new();
        let mut statements: BTreeMap<(String, usize), BTreeSet<(NaiveDate, String)>> = BTreeMap::new();
        for record in &self.records {
            let shifted: DateTime<_> = record.query_start_time + TimeDelta::seconds(self.zone.1);
            let date = shifted.date_naive();
            let user = index_of(&NAMES, record.user_name.as_ref());
            let role = index_of(&NAMES, record.role_name.as_ref());
            if record.execution_status.as_deref() == Some("") {
                met.insert("an empty status");
            }
            if record.execution_status.as_deref() == Some("FAIL") {
                met.insert("not successful");
                continue;
            }
            if date < self.days.start || date >= self.days.end {
                met.insert("outside the days");
                continue;
            }
            if user.is_some_and(|user| self.excluded.contains(&user)) {
                met.insert("an excluded user");
                continue;
            }
            if self.iceberg_events == IcebergEvents::TableLoads && is_event(record) {
                if record.irc_event_type.as_ref().is_none_or(|name| name == "PlanTableScan") {
                    met.insert("an event that loads no table");
                    continue;
                }
                met.insert("an external engine loads a table");
            }
            if user.is_none() {
                met.insert("no user name");
            }
            let by_user = user.and_then(|user| self.users.get(&user));
            let by_role = role.and_then(|role| self.roles.get(&role));
            let reader = match (by_user, by_role) {
                (Some(by_user), Some(by_role)) if by_user != by_role => {
                    met.insert("a user goes before a role");
                    *by_user
                }
                (Some(by_user), _) => *by_user,
                (None, Some(by_role)) => {
                    met.insert("a role maps an unmapped user");
                    *by_role
                }
                (None, None) => {
                    met.insert("an unmapped principal");
                    continue;
                }
            };
            if record.direct_objects_accessed != record.base_objects_accessed {
                met.insert("direct and base differ");
            }
            let objects =
                if self.base { &record.base_objects_accessed } else { &record.direct_objects_accessed };
            let unit = match &record.root_query_id {
                Some(root) if root.is_empty() => {
                    met.insert("an empty root query");
                    &record.query_id
                }
                Some(root) if self.root => root,
                _ => &record.query_id,
            };
            for object in objects {
                if matches!(object.object_domain.as_deref(), None | Some("Stage" | "Truncated")) {
                    met.insert("another domain");
                    continue;
                }
                let Some(name) = &object.object_name else {
                    met.insert("no object name");
                    continue;
                };
                let object = OBJECTS.iter().position(|parts| printed(parts) == *name).unwrap();
                for read in self.assets_of(object, &mut met) {
                    for &output_port in &self.assets[read] {
                        if self.producers.contains(&(output_port, reader)) {
                            met.insert("a producer's own read");
                        } else {
                            let key = (date, output_port, read, reader, unit.clone());
                            let objects = touches.entry(key).or_default();
                            if !objects.is_empty() {
                                met.insert("a unit reads an asset twice");
                            }
                            objects.insert(object);
                        }
                        statements
                            .entry((unit.clone(), reader))
                            .or_default()
                            .insert((date, record.query_id.clone()));
                    }
                }
            }
        }
        if self.root {
            for ids in statements.values().filter(|ids| ids.len() > 1) {
                met.insert("a root query with two statements");
                let dates: BTreeSet<_> = ids.iter().map(|(date, _)| date).collect();
                if dates.len() > 1 {
                    met.insert("a root query over two days");
                }
            }
        }

        let tables = tables(&touches, &mut met);
        (tables, met)
    }
    /// The assets that an object counts for.
    fn assets_of(&self, object: usize, met: &mut BTreeSet<&'static str>) -> BTreeSet<usize> {
        let parts = &OBJECTS[object];
        let holding = self.sets.iter().filter(|(set, _)| is_held(parts, SETS[*set]));
        let most = holding.clone().map(|(set, _)| SETS[*set].len()).max();
        let kept = holding.clone().filter(|(set, _)| !self.most_specific || Some(SETS[*set].len()) == most);
        let assets: BTreeSet<usize> = kept.clone().map(|(_, asset)| *asset).collect();
        for (set, _) in kept.clone() {
            match SETS[*set].len() {
                1 => met.insert("a database holds an object"),
                2 => met.insert("a schema holds an object"),
                _ => continue,
            };
        }
        if kept.count() < holding.count() {
            met.insert("the most specific set alone");
        }
        let starts_alike = |set: &[&str]| {
            let (name, start) = (parts.join("."), set.join("."));
            set.len() < 3 && !parts.starts_with(set) && name.starts_with(&start)
        };
        if self.sets.iter().any(|(set, _)| starts_alike(SETS[*set])) {
            met.insert("a name that only starts like a schema's");
        }
        if parts[1] == "INFORMATION_SCHEMA" && self.sets.iter().any(|(set, _)| *SETS[*set] == ["DB"]) {
            met.insert("an object of INFORMATION_SCHEMA");
        }
        assets
    }
}

/// Day, output port, asset, consumer and unit, with the objects that were read.
type Touches = BTreeMap<(NaiveDate, usize, usize, usize, String), BTreeSet<usize>>;

fn tables(touches: &Touches, met: &mut BTreeSet<&'static str>) -> [Vec<String>; 3] {
    let mut by_asset: BTreeMap<_, u64> = BTreeMap::new();
    let mut by_port: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    let mut by_pair: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for ((date, output_port, read, reader, unit), objects) in touches {
        *by_asset.entry((date, output_port, read, reader)).or_default() += 1;
        by_port.entry((date, output_port, reader)).or_default().insert(unit);
        for ((date_2, port_2, read_2, reader_2, unit_2), objects_2) in touches {
            if (date, reader, unit) != (date_2, reader_2, unit_2) {
                continue;
            }
            let two_objects = objects.iter().any(|one| objects_2.iter().any(|other| one != other));
            if output_port < port_2 && read != read_2 && !two_objects {
                met.insert("one object in two assets");
            }
            if output_port < port_2 && read != read_2 && two_objects {
                met.insert("two ports combined");
                by_pair.entry((date, output_port, port_2, reader)).or_default().insert(unit);
            }
            if output_port < port_2 && read == read_2 {
                met.insert("one asset behind two ports");
            }
            if output_port == port_2 && read < read_2 {
                met.insert("two assets of one port in a query");
            }
        }
    }
    [
        by_port.iter().map(|((date, p, c), units)| format!("{date} P{p} C{c} {}", units.len())).collect(),
        by_asset.iter().map(|((date, p, a, c), count)| format!("{date} P{p} A{a} C{c} {count}")).collect(),
        by_pair
            .iter()
            .map(|((date, p, q, c), units)| format!("{date} P{p} P{q} C{c} {}", units.len()))
            .collect(),
    ]
}
