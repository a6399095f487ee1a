//! Records into counts.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use chrono::{Days, NaiveDate};

use super::accessed::AccessedObject;
use super::counts::LogCounts;
use super::reads::Reads;
use super::record::Record;
use super::summary::{LogSummary, Tally, UnmappedObject, UnmappedPrincipal};
use super::touches::{Through, Touch, Touches, Unit};
use crate::attribution::{AccessedObjects, Attribution, CountedUnit, LocalDays, PrincipalKind};
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
            assets,
            principals,
            producers: attribution.producers().collect(),
            touches: Touches::default(),
            has_records: vec![false; len],
            reads: Reads::default(),
            summary: LogSummary::default(),
            unmapped_principals: Tally::default(),
            unmapped_objects: Tally::default(),
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
        if record.execution_status.as_deref().is_some_and(|status| !is_same_in_upper_case(status, "SUCCESS"))
        {
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

    /// Notes in the summary a line that was no record.
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

    /// Finds the sets of the record's objects, and counts its unmapped ones if a mapped principal reads
    /// them.
    fn find_reads(&mut self, record: &Record, is_principal_mapped: bool) {
        self.reads.clear();
        let objects = match self.attribution.accessed_objects() {
            AccessedObjects::Direct => &record.direct_objects_accessed,
            AccessedObjects::Base => &record.base_objects_accessed,
        };
        let mut unmapped: Vec<Option<&str>> = Vec::new();
        for object in objects.iter().filter(|object| is_counted(self.attribution, object)) {
            let name = object.object_name.as_deref();
            let sets = name.map(|name| (name, self.attribution.sets_holding(name)));
            match sets.filter(|(_, sets)| !sets.is_empty()) {
                Some((name, sets)) if sets.are_of_several_assets() => {
                    self.reads.add(sets, self.touches.through(name));
                }
                Some((_, sets)) => self.reads.add(sets, Through::Others),
                None if is_principal_mapped => unmapped.push(name),
                None => {}
            }
        }
        unmapped.sort_unstable();
        unmapped.dedup();
        for name in unmapped {
            self.unmapped_objects.count(name.map(str::to_owned), name.map_or(0, str::len));
        }
    }

    /// Adds the touches of the reads at hand, but for those of the consumer's own output ports.
    fn count(&mut self, record: &Record, date: NaiveDate, consumer: u32) {
        let unit = match self.attribution.counted_unit() {
            CountedUnit::Statement => &record.query_id,
            CountedUnit::RootQuery => record.root_query_id.as_ref().unwrap_or(&record.query_id),
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
        (summary.unmapped_objects, summary.more_unmapped_objects) = self
            .unmapped_objects
            .into_ranking(|object_name, records| UnmappedObject { object_name, records });
        (counts.into_batch(self.scope), summary)
    }
}

/// Whether an object's domain counts. A name is not asked for: a missing one is an unmapped one.
fn is_counted(attribution: &Attribution, object: &AccessedObject) -> bool {
    let Some(domain) = &object.object_domain else { return false };
    attribution.object_domains().iter().any(|counted| is_same_in_upper_case(domain, counted))
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
