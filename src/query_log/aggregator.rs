//! Records into counts.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

use chrono::{Days, NaiveDate};

use super::accessed::AccessedObject;
use super::counts::LogCounts;
use super::reads::Reads;
use super::record::Record;
use super::summary::{IgnoredObject, LogSummary, Tally, UnmappedObject, UnmappedPrincipal};
use super::touches::{Through, Touch, Touches, Unit};
use crate::attribution::{
    AccessedObjects, Attribution, CountedUnit, ICEBERG_SOURCE, IcebergEvents, LocalDays, PrincipalKind,
    SetIndex, TABLE_LOAD, TRUNCATED,
};
use crate::error::Error;
use crate::id::{ConsumerId, OutputPortId, TechAssetId};
use crate::usage::{Scope, UsageBatch};

/// Counts the usage of some days, one record at a time, in any order.
///
/// Until [`finish`](Self::finish) it holds at most 64 bytes for each distinct touch that counts,
/// whatever the size of the log, besides the attribution and the summary's names.
#[derive(Debug)]
#[must_use = "an aggregator gives its counts in `finish`"]
pub struct Aggregator<'a> {
    attribution: &'a Attribution,
    scope: Scope,
    days: LocalDays,
    /// In the order of the ids, so that indexes sort like ids.
    links: Vec<(OutputPortId, TechAssetId)>,
    consumers: Vec<ConsumerId>,
    sets: SetIndex<'a>,
    /// The links of a tech asset.
    assets: HashMap<TechAssetId, Vec<u32>>,
    principals: HashMap<(PrincipalKind, &'a str), u32>,
    producers: HashSet<(OutputPortId, ConsumerId)>,
    touches: Touches,
    /// Whether a day has a record, by its place among the days.
    has_records: Vec<bool>,
    /// Those of the record at hand.
    reads: Reads<'a>,
    summary: LogSummary,
    unmapped_principals: Tally<(Option<String>, Option<String>)>,
    unmapped_objects: Tally<Option<String>>,
    ignored_objects: Tally<(Option<String>, String)>,
}

impl<'a> Aggregator<'a> {
    /// Starts with nothing counted, for the half-open `days` and all output ports of `attribution`.
    ///
    /// # Errors
    ///
    /// Days that are empty, reversed or outside the years 1 to 9999.
    pub fn new(attribution: &'a Attribution, days: Range<NaiveDate>) -> Result<Self, Error> {
        let scope = Scope::new(days.clone(), attribution.output_ports())?;
        let links = sorted(attribution.links());
        let consumers = sorted(attribution.consumer_map().map(|(_, _, consumer)| consumer));
        let mut assets: HashMap<TechAssetId, Vec<u32>> = HashMap::new();
        for (link, (_, asset)) in (0..).zip(&links) {
            assets.entry(*asset).or_default().push(link);
        }
        let principals = attribution
            .consumer_map()
            .map(|(kind, name, consumer)| ((kind, name), index_of(&consumers, &consumer)))
            .collect();
        let len = (days.end - days.start).num_days();
        let len = usize::try_from(len).expect("a scope has between one and 3,652,059 days");
        Ok(Self {
            attribution,
            scope,
            days: attribution.local_days(days),
            links,
            consumers,
            sets: attribution.set_index(),
            assets,
            principals,
            producers: attribution.producers().collect(),
            touches: Touches::default(),
            has_records: vec![false; len],
            reads: Reads::default(),
            summary: LogSummary::default(),
            unmapped_principals: Tally::default(),
            unmapped_objects: Tally::default(),
            ignored_objects: Tally::default(),
        })
    }

    /// Counts a record, or notes in the summary why it does not count.
    pub fn add(&mut self, record: &Record) {
        self.summary.records += 1;
        let date = self.days.date_of(record.query_start_time);
        if let Some(date) = date {
            let day = self.day(date);
            self.has_records[day as usize] = true;
        }
        let status = record.execution_status.as_deref().filter(|status| !status.is_empty());
        if status.is_some_and(|status| !is_same_in_upper_case(status, "SUCCESS")) {
            self.summary.not_successful += 1;
            return;
        }
        let Some(date) = date else {
            self.summary.outside_days += 1;
            return;
        };
        if record.user_name.as_ref().is_some_and(|user| self.attribution.excluded_users().contains(user)) {
            self.summary.excluded_user += 1;
            return;
        }
        if self.attribution.iceberg_events() == IcebergEvents::TableLoads && is_other_event(record) {
            self.summary.iceberg_events += 1;
            return;
        }
        let consumer = self.consumer(record);
        self.find_reads(record, consumer.is_some());
        if self.reads.is_empty() {
            self.summary.no_mapped_object += 1;
            return;
        }
        let Some(consumer) = consumer else {
            self.summary.unmapped_principal += 1;
            let bytes =
                [&record.user_name, &record.role_name].map(|name| name.as_ref().map_or(0, String::len));
            let principal = (record.user_name.clone(), record.role_name.clone());
            self.unmapped_principals.count(principal, bytes.iter().sum());
            return;
        };
        self.count(record, date, consumer);
    }

    /// Notes in the summary that a line was not a record.
    pub fn skip_malformed_line(&mut self) {
        self.summary.malformed_lines += 1;
    }

    /// The place of a date among the days, of which it is one.
    fn day(&self, date: NaiveDate) -> u32 {
        let day = (date - self.scope.days().start).num_days();
        u32::try_from(day).expect("the date is one of at most 9999 years of days")
    }

    /// The user's consumer, or else the role's.
    fn consumer(&self, record: &Record) -> Option<u32> {
        let find = |kind, name: &Option<String>| {
            let name = name.as_deref()?;
            self.principals.get(&(kind, name)).copied()
        };
        find(PrincipalKind::User, &record.user_name).or_else(|| find(PrincipalKind::Role, &record.role_name))
    }

    /// Finds the sets of the record's objects, and counts those that do not count if a mapped principal
    /// reads them.
    fn find_reads(&mut self, record: &Record, is_principal_mapped: bool) {
        self.reads.clear();
        let objects = match self.attribution.accessed_objects() {
            AccessedObjects::Direct => &record.direct_objects_accessed,
            AccessedObjects::Base => &record.base_objects_accessed,
        };
        let mut left_out = BTreeSet::new();
        for object in objects {
            let name = object.object_name.as_deref();
            let sets = name.map(|name| (name, self.sets.holding(name)));
            let sets = sets.filter(|(_, sets)| !sets.is_empty());
            match (DomainKind::of(object, self.attribution), sets) {
                (DomainKind::Counted, Some((name, sets))) if sets.are_of_several_assets() => {
                    self.reads.add(sets, self.touches.through(name));
                }
                (DomainKind::Counted, Some((_, sets))) => self.reads.add(sets, Through::Others),
                (DomainKind::Counted, None) => _ = left_out.insert(LeftOut::Unmapped(name)),
                (DomainKind::Truncated, _) => _ = left_out.insert(LeftOut::Unmapped(None)),
                (DomainKind::Other, Some((name, _))) => {
                    left_out.insert(LeftOut::OfDomain(
                        object.object_domain.as_ref().map(|domain| domain.to_uppercase()),
                        name,
                    ));
                }
                (DomainKind::Other, None) if object.object_domain.is_none() && name.is_none() => {
                    left_out.insert(LeftOut::WithoutKeys);
                }
                (DomainKind::Other, None) => {}
            }
        }
        if is_principal_mapped {
            left_out.into_iter().for_each(|object| self.leave_out(object));
        }
    }

    /// Counts what a mapped principal reads without its counting.
    fn leave_out(&mut self, object: LeftOut<'_>) {
        match object {
            LeftOut::Unmapped(name) => {
                self.unmapped_objects.count(name.map(str::to_owned), name.map_or(0, str::len));
            }
            LeftOut::OfDomain(domain, name) => {
                let bytes = domain.as_ref().map_or(0, String::len) + name.len();
                self.ignored_objects.count((domain, name.to_owned()), bytes);
            }
            LeftOut::WithoutKeys => self.summary.objects_without_keys += 1,
        }
    }

    /// Adds the touches of the reads at hand, but for those of the consumer's own output ports.
    fn count(&mut self, record: &Record, date: NaiveDate, consumer: u32) {
        let unit = match self.attribution.counted_unit() {
            CountedUnit::Statement => &record.query_id,
            CountedUnit::RootQuery => {
                let root = record.root_query_id.as_ref().filter(|root| !root.is_empty());
                root.unwrap_or(&record.query_id)
            }
        };
        let unit = Unit::new(unit);
        let day = self.day(date);
        let producer = self.consumers[consumer as usize];
        let mut is_counted = false;
        for (asset, through) in self.reads.assets() {
            for &link in self.assets.get(&asset).into_iter().flatten() {
                let (output_port, _) = self.links[link as usize];
                if !self.producers.contains(&(output_port, producer)) {
                    self.touches.insert(Touch { unit, day, consumer, link, through });
                    is_counted = true;
                }
            }
        }
        if is_counted {
            self.summary.counted += 1;
        } else {
            self.summary.own_reads += 1;
        }
    }

    /// The counts of everything added, and what became of the records.
    ///
    /// The batch has queries, touches and combinations, in the order of their keys. Making it takes
    /// memory in proportion to its rows.
    pub fn finish(self) -> (UsageBatch, LogSummary) {
        let mut summary = self.summary;
        let days = self.scope.days().start.iter_days().zip(&self.has_records);
        summary.days_without_records =
            days.filter(|(_, has_records)| !**has_records).map(|(day, _)| day).collect();
        let mut counts = LogCounts::default();
        for touches in self.touches.into_sorted_parts() {
            for unit in touches.chunk_by(|a, b| a.unit == b.unit) {
                summary.units += 1;
                for touches in unit.chunk_by(|a, b| (a.day, a.consumer) == (b.day, b.consumer)) {
                    let date = self.scope.days().start + Days::new(touches[0].day.into());
                    let consumer = self.consumers[touches[0].consumer as usize];
                    let read = |touch: &Touch| {
                        let (output_port, asset) = self.links[touch.link as usize];
                        (output_port, asset, touch.through)
                    };
                    counts.add(date, consumer, &touches.iter().map(read).collect::<Vec<_>>());
                }
            }
        }

        (summary.unmapped_principals, summary.more_unmapped_principals) =
            self.unmapped_principals.into_ranking(|(user_name, role_name), records| UnmappedPrincipal {
                user_name,
                role_name,
                records,
            });
        (summary.ignored_objects, summary.more_ignored_objects) =
            self.ignored_objects.into_ranking(|(object_domain, object_name), records| IgnoredObject {
                object_domain,
                object_name,
                records,
            });
        (summary.unmapped_objects, summary.more_unmapped_objects) = self
            .unmapped_objects
            .into_ranking(|object_name, records| UnmappedObject { object_name, records });
        let batch = counts.into_batch(self.scope).into_builder().rules(self.attribution.rules()).build();
        (batch, summary)
    }
}

/// What an object's domain says about it.
enum DomainKind {
    /// It counts, if it has a name that some set holds.
    Counted,
    /// It stands for objects that Snowflake cut off: their names are not given.
    Truncated,
    Other,
}

impl DomainKind {
    fn of(object: &AccessedObject, attribution: &Attribution) -> Self {
        let Some(domain) = &object.object_domain else { return Self::Other };
        let is = |upper: &str| is_same_in_upper_case(domain, upper);
        if attribution.object_domains().iter().any(|counted| is(counted)) {
            Self::Counted
        } else if is(TRUNCATED) {
            Self::Truncated
        } else {
            Self::Other
        }
    }
}

/// An object of a record that does not count, and why.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum LeftOut<'r> {
    /// No set holds its name, or it has none.
    Unmapped(Option<&'r str>),
    /// A set holds its name, but its domain, in upper case, does not count.
    OfDomain(Option<String>, &'r str),
    /// It has neither of the keys that an object has.
    WithoutKeys,
}

/// Whether the record is an event of the Iceberg REST catalog that loads no table.
fn is_other_event(record: &Record) -> bool {
    let is =
        |text: &Option<String>, upper| text.as_deref().is_some_and(|text| is_same_in_upper_case(text, upper));
    is(&record.event_source, ICEBERG_SOURCE) && !is(&record.irc_event_type, TABLE_LOAD)
}

/// What `UPPER(text) = upper` is in SQL.
fn is_same_in_upper_case(text: &str, upper: &str) -> bool {
    text.chars().flat_map(char::to_uppercase).eq(upper.chars())
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort_unstable();
    items.dedup();
    items
}

/// The place of `item` in `sorted`, which holds it.
fn index_of<T: Ord>(sorted: &[T], item: &T) -> u32 {
    let index = sorted.partition_point(|other| other < item);
    u32::try_from(index).expect("a mapping of four billion entries does not fit in memory")
}
