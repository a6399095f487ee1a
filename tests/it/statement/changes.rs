//! What a setter or a name changes in the texts that the model renders for Postgres.
//!
//! The texts themselves are in `snapshots`, one a statement: the list is the model's own (`review`). Ids, days, a top n
//! and the size of a batch are values, which change no text; that hostile names change nothing else: `hostile`.

mod buckets;
mod comparisons;
mod definitions;
mod ingests;
mod names;
mod parents;
mod removals;

use output_port_usage::chart::*;
use output_port_usage::*;
use similar::{ChangeTag, TextDiff};

use crate::portal::{builder, day, port};

fn days() -> std::ops::Range<chrono::NaiveDate> {
    day(2026, 1, 1)..day(2026, 2, 1)
}

fn over_time(granularity: Granularity) -> QueriesOverTime {
    QueriesOverTime::new(port(1), days()).granularity(granularity)
}

/// The text of a chart in lines, of the usual model with combinations.
fn pretty<C: Chart>(chart: &C) -> String {
    pretty_of(builder(), chart)
}

fn pretty_of<C: Chart>(builder: UsageModelBuilder, chart: &C) -> String {
    builder.combinations().build().unwrap().query(chart).unwrap().pretty()
}

/// The text of statements, one after the other.
fn script(statements: &[Statement]) -> String {
    statements.iter().map(|statement| format!("{};\n", statement.sql())).collect()
}

/// The lines that go and those that come in their place.
fn changes(from: &str, to: &str) -> String {
    let diff = TextDiff::from_lines(from, to);
    let changed = diff.iter_all_changes().filter(|change| change.tag() != ChangeTag::Equal);
    changed.map(|change| format!("{} {}\n", change.tag(), change.value().trim_end())).collect()
}
