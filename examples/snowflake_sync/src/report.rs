//! What a run says: which days, what changed, what is not counted.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;

use access_log::{Mapping, printable};
use chrono::{Days, NaiveDate};
use output_port_usage::snowflake::CoverageReport;
use output_port_usage::{Gap, GapReason, Outcome, TableOutcome};

use crate::database::LeftIds;
use crate::plan::Plan;

/// The most names of one kind.
const NAMES_SHOWN: usize = 10;

/// Days by their first and last, as people say them.
pub(crate) fn days(days: &Range<NaiveDate>) -> String {
    let last = days.end - Days::new(1);
    if days.start >= last { days.start.to_string() } else { format!("{} to {last}", days.start) }
}

pub(crate) fn of_plan(plan: &Plan, mapping: &Mapping) -> String {
    let ranges: Vec<String> = plan.days().iter().map(days).collect();
    let reads = if ranges.is_empty() {
        "nothing to read".to_owned()
    } else {
        format!("reading {}", ranges.join(", "))
    };
    let settled = plan.unsettled_from.map(|from| format!(", settled until {}", from - Days::new(1)));
    let settled = settled.unwrap_or_default();
    let mut text = format!("{reads} ({}){settled}\n", mapping.time_zone.name());
    for (reason, what) in [
        (GapReason::NeverMeasured, "never measured:"),
        (GapReason::Unsettled, "not settled:"),
        (GapReason::OtherRules, "other mapping:"),
    ] {
        let gaps: Vec<Gap> = plan.gaps.iter().filter(|gap| gap.reason == reason).cloned().collect();
        text += &of_gaps(what, &gaps);
    }
    if let Some(from) = plan.recounted_from {
        text += &format!("  {:<16}everything from {from} on, as scheduled by --recount\n", "once more:");
    }
    if !plan.new.is_empty() {
        text += "output ports that are counted for the first time:\n";
        let names = plan.new.iter().map(|new| {
            let id = new.output_port_id;
            let port = mapping.output_ports.iter().find(|port| port.id == id.0);
            format!("{id}  {}", port.map(|port| shown(&port.name)).unwrap_or_default())
        });
        text += &list(names.collect());
    }
    text
}

/// How many output ports have gaps, and on which days.
fn of_gaps(what: &str, gaps: &[Gap]) -> String {
    let ports: BTreeSet<_> = gaps.iter().map(|gap| gap.output_port_id).collect();
    let ranges = Gap::days(gaps);
    let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else { return String::new() };
    let ports = match ports.len() {
        1 => "1 output port".to_owned(),
        many => format!("{many} output ports"),
    };
    let within = if ranges.len() > 1 { " (not all of these days)" } else { "" };
    format!("  {what:<16}{ports}, {}{within}\n", days(&(first.start..last.end)))
}

pub(crate) fn of_ingest(outcome: &Outcome) -> String {
    let mut text = String::new();
    let tables = [
        ("queries", Some(&outcome.queries)),
        ("touches", outcome.touches.as_ref()),
        ("combinations", outcome.combinations.as_ref()),
    ];
    for (table, outcome) in tables {
        if let Some(TableOutcome { written, unchanged, removed, .. }) = outcome {
            let row = format!("{written} written, {unchanged} unchanged, {removed} removed");
            text += &format!("{:<14}{row}\n", format!("{table}:"));
        }
    }
    if let Some(changed) = outcome.coverage {
        text += &format!("{:<14}{changed} output ports changed\n", "coverage:");
    }
    text
}

/// What has left the mapping, and how many of its rows were removed, if they were.
pub(crate) fn of_left(left: &LeftIds, removed: Option<u64>) -> String {
    let fate = match removed {
        Some(rows) => format!("its {rows} rows are removed"),
        None => "its rows stay; --remove-left removes them".to_owned(),
    };
    let mut text = format!("not in the mapping any more ({fate}):\n");
    let ports = left.output_ports.iter().map(|id| format!("output port {id}"));
    text += &list(ports.chain(left.consumers.iter().map(|id| format!("consumer {id}"))).collect());
    text
}

pub(crate) fn of_coverage(coverage: &CoverageReport) -> String {
    let name = |name: &Option<String>| name.as_deref().map_or_else(|| "(without a name)".to_owned(), shown);
    let principals: Vec<String> = coverage
        .unmapped_principals
        .iter()
        .map(|principal| {
            let role = principal.role_name.as_deref().map(|role| format!(" as {}", shown(role)));
            let names = name(&principal.user_name) + &role.unwrap_or_default();
            format!("{:>9}  {names}", principal.query_count)
        })
        .collect();
    let objects: Vec<String> = coverage
        .unmapped_objects
        .iter()
        .map(|object| format!("{:>9}  {}", object.query_count, name(&object.object_name)))
        .collect();
    let domains: Vec<String> = coverage
        .uncounted_domains
        .iter()
        .map(|object| {
            let domain = object.object_domain.as_deref().map_or_else(|| "no domain".to_owned(), shown);
            format!("{:>9}  {} ({domain})", object.query_count, shown(&object.object_name))
        })
        .collect();
    let mut text = String::new();
    for (what, lines) in [
        ("users that no mapping knows", principals),
        ("objects that no mapping knows", objects),
        ("mapped objects of domains that do not count", domains),
    ] {
        if !lines.is_empty() {
            let _ = writeln!(text, "not counted, queries of {what}:");
            text += &list(lines);
        }
    }
    if coverage.objects_without_keys > 0 {
        let count = coverage.objects_without_keys;
        let _ =
            writeln!(text, "not counted, objects with neither objectDomain nor objectName: {count} queries");
    }
    if coverage.not_in_query_history > 0 {
        let count = coverage.not_in_query_history;
        let _ = writeln!(text, "not counted yet, because QUERY_HISTORY does not have them: {count} queries");
    }
    if text.is_empty() {
        text += "every query of a mapped object or by a mapped user is counted\n";
    }
    text
}

fn list(lines: Vec<String>) -> String {
    let mut text: String = lines.iter().take(NAMES_SHOWN).map(|line| format!("  {line}\n")).collect();
    if lines.len() > NAMES_SHOWN {
        let _ = writeln!(text, "  and {} more", lines.len() - NAMES_SHOWN);
    }
    text
}

/// A name from the warehouse that can neither fill nor command the terminal.
pub(crate) fn shown(name: &str) -> String {
    printable(&name.replace('\n', " ")).chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_said_by_first_and_last() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
        assert_eq!(days(&(day(10)..day(13))), "2026-03-10 to 2026-03-12");
        assert_eq!(days(&(day(10)..day(11))), "2026-03-10");
    }

    #[test]
    fn names_of_the_warehouse_do_not_command_the_terminal() {
        assert_eq!(shown("A\u{1b}[2J\nB"), "A\u{fffd}[2J B");
        assert_eq!(shown(&"x".repeat(1000)).len(), 80);
    }
}
