//! Every text that the model renders for Postgres: in full, or as what a setter changes in it.
//!
//! | statement | in full | what else can change its text |
//! | --- | --- | --- |
//! | queries over time | `charts`: day, week | granularity: [`buckets`] |
//! | compared | `charts_compared`: day, week | granularity, comparison: [`comparisons`] |
//! | split by consumer | `charts_series`: day, month | granularity: [`buckets`]; label, key: [`parents`] |
//! | of many ports | `charts_series`: day, week, month | granularity: [`buckets`]; label, key: [`parents`] |
//! | overview | `charts_overview`: day, week | granularity: [`buckets`]; label, key: [`parents`] |
//! | query distribution | `charts` | comparison: `charts_compared`; label, key: [`parents`] |
//! | by group | `charts` | comparison: [`comparisons`]; labels, keys, group: [`parents`] |
//! | most popular assets | `charts` | comparison: `charts_compared`; label, key: [`parents`] |
//! | most often combined with | `combinations` | label, key: [`parents`] |
//! | summary | `charts_compared` | comparison: `charts_compared` |
//! | reconcile | `reconcile`, [`removals`] | names: [`names`] |
//! | replace | `ingest`, `combinations` | what was measured, `OnDelete`, key: [`ingests`] |
//! | upsert | [`ingests`] | as replace |
//! | delete, purge | `removal`, [`removals`] | |
//! | create, drop, vacuum | `ddl` | `OnDelete`, delete indexes, table 3, names: [`definitions`] |
//! | migrations | `migrations`: checksums | |
//! | back-fill | `backfill::statements` | its setters: there |
//! | distribute | `distribute` | the extension: there |
//! | foreign keys | `foreign_keys` | `OnDelete`: there |
//!
//! Ids, days, a top n and the size of a batch are values, which change no text. Names and number of
//! the tables: [`names`]; that hostile names change nothing else: `hostile`.

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

/// The text of a chart in lines, of the usual model with table 3.
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
