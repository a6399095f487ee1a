//! What was read and written, in a few lines that a person can act on.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use access_log::{Mapping, UnitCounted, printable};
use chrono::{Days, NaiveDate};
use output_port_usage::query_log::UnmappedPrincipal;
use output_port_usage::{Outcome, OutputPortId, TableOutcome, UsageBatch};
use sample_portal::Counted;

use crate::charts::grouped;

const NAMES_SHOWN: usize = 3;
const DAYS_SHOWN: usize = 5;

/// What became of the log's records, and what could be mended.
pub(crate) fn of_log(counted: &Counted, mapping: &Mapping) -> String {
    let Counted { name, days, summary, malformed, took, .. } = counted;
    let records = count(summary.records);
    let length = match (days.end - days.start).num_days() {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    };
    let (last, zone) = (days.end - Days::new(1), mapping.time_zone.name());
    let mut lines = vec![
        format!(
            "read {}: {records} records of {length}, {} to {last} ({zone}), in {}",
            printable(name),
            days.start,
            seconds(*took)
        ),
        format!(
            "  {:>9} counted, {} distinct {}",
            count(summary.counted),
            count(summary.units),
            unit(mapping)
        ),
    ];
    let left_out = [
        (summary.not_successful, "the query failed"),
        (summary.outside_days, "the day is outside the years 1 to 9999"),
        (summary.excluded_user, "the user is excluded"),
        (summary.iceberg_events, "the call by an external engine loads no table"),
        (summary.no_mapped_object, "no object is mapped"),
        (summary.unmapped_principal, "neither user nor role is mapped"),
        (summary.own_reads, "a producer reads its own output port"),
    ];
    for (records, why) in left_out.into_iter().filter(|(records, _)| *records > 0) {
        lines.push(format!("  {:>9} left out: {why}", count(records)));
    }
    if summary.malformed_lines > 0 {
        lines.push(format!("  {:>9} malformed lines:", count(summary.malformed_lines)));
        lines.extend(malformed.iter().map(|error| format!("            {}", printable(error))));
    }
    let without = &summary.days_without_records;
    if !without.is_empty() {
        let days = if without.len() == 1 { "day" } else { "days" };
        let first: Vec<String> = without.iter().take(DAYS_SHOWN).map(NaiveDate::to_string).collect();
        let more = without.len() - first.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let number = count(without.len() as u64);
        lines.push(format!(
            "  {number:>9} {days} without a record, charted as not measured: {}{more}",
            first.join(", ")
        ));
    }
    let principals = summary.unmapped_principals.iter().map(|entry| (principal(entry), entry.records));
    let objects = summary.unmapped_objects.iter().map(|entry| {
        (entry.object_name.clone().unwrap_or_else(|| "(without a name)".to_owned()), entry.records)
    });
    lines.extend(most("unmapped users", principals));
    lines.extend(most("unmapped objects", objects));
    lines.join("\n") + "\n"
}

/// What the ingest did to each table.
pub(crate) fn of_ingest(outcomes: &[Outcome], took: Duration) -> String {
    let written = |table: fn(&Outcome) -> Option<&TableOutcome>| {
        count(outcomes.iter().filter_map(table).map(|table| table.written).sum())
    };
    format!(
        "wrote rows: {} of queries, {} of touches, {} of combinations, in {} with VACUUM\n",
        written(|outcome| Some(&outcome.queries)),
        written(|outcome| outcome.touches.as_ref()),
        written(|outcome| outcome.combinations.as_ref()),
        seconds(took)
    )
}

/// What is counted for one output port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) days: Range<NaiveDate>,
    pub(crate) queries: i64,
    /// The queries once more, by consumer.
    pub(crate) distributed: i64,
    pub(crate) touches: i64,
}

impl Totals {
    /// The totals of a batch, without a database.
    pub(crate) fn of(batch: &UsageBatch, port: OutputPortId) -> Self {
        let queries = batch.queries().iter().filter(|row| row.output_port_id == port);
        let touches = batch.touches().unwrap_or_default();
        let touches = touches.iter().filter(|row| row.output_port_id == port);
        let queries = queries.map(|row| row.query_count.cast_signed()).sum();
        Self {
            days: batch.scope().days(),
            queries,
            distributed: queries,
            touches: touches.map(|row| row.query_count.cast_signed()).sum(),
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} queries, {} touches", self.queries, self.touches)
    }
}

fn unit(mapping: &Mapping) -> &'static str {
    match mapping.unit {
        UnitCounted::Statement => "statements",
        UnitCounted::RootQuery => "root queries",
    }
}

/// The names that most records are left out for, a line each.
fn most(what: &str, names: impl ExactSizeIterator<Item = (String, u64)>) -> Vec<String> {
    let more = names.len().saturating_sub(NAMES_SHOWN);
    let mut lines: Vec<String> = names
        .take(NAMES_SHOWN)
        .map(|(name, records)| format!("  {:>9} {}", count(records), shown(&name)))
        .collect();
    if !lines.is_empty() {
        lines.insert(0, format!("  {what}:"));
    }
    if more > 0 {
        lines.push(format!("            and {more} more"));
    }
    lines
}

/// A name from the log that can neither fill nor command the terminal.
fn shown(name: &str) -> String {
    printable(&name.replace('\n', " ")).chars().take(80).collect()
}

fn principal(entry: &UnmappedPrincipal) -> String {
    match (&entry.user_name, &entry.role_name) {
        (Some(user), Some(role)) => format!("{user} as {role}"),
        (Some(user), None) => user.clone(),
        (None, Some(role)) => format!("role {role}"),
        (None, None) => "(nobody)".to_owned(),
    }
}

fn count(number: u64) -> String {
    grouped(number.cast_signed())
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}
