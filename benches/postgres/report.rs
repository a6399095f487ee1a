//! The tables, as Markdown.

mod writes;

use std::fmt::Write;

use crate::goals::{self, Verdict};
use crate::growth::Checkpoint;
use crate::measure::{Beside, Reading, Spread};
use crate::storage::Storage;
use crate::writes::Series;

const READS: &str = "\
Medians of paired, interleaved runs, with quartiles; a run is the driver's fetch, rows decoded, and what the application \
adds to it. The floor is an index-only sum of the same tuples; \"on the server\" is the ratio of the execution times alone. \
No heap fetch and no temporary block is a goal of every row. Labels are looked up in the portal's own tables.\n\n";
const SERIES: &str = "\
Milliseconds of paired, interleaved runs, medians. *A row a point* is the library's statement before a series was one row; \
*bare* is a GROUP BY of bucket and consumer that ships its rows, without names, ranks, Other and zeros.\n\n";
const WRITES: &str = "\
Rows of tables 1 and 2 together, from the first statement to the commit, in a transaction of its own; ratios are of rows a \
second in the same round, medians with quartiles. Row versions: inserted, updated and deleted.\n\n";

/// Everything that a run measured.
#[derive(Debug)]
pub(crate) struct Report {
    /// Machine, server, date, command and data, one line each.
    pub(crate) about: Vec<String>,
    pub(crate) readings: Vec<Reading>,
    pub(crate) checkpoints: Vec<Checkpoint>,
    /// Queries over time of the heavy and the median port against the range.
    pub(crate) ranges: Vec<Reading>,
    pub(crate) storage: Vec<Storage>,
    pub(crate) writes: Vec<Series>,
}

impl Report {
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        for line in &self.about {
            text += &format!("- {line}\n");
        }
        text += "\n### Reads\n\n";
        text += READS;
        text += &self.reads();
        text += "\n### Series\n\n";
        text += SERIES;
        text += &self.series();
        text += "\n### Writes\n\n";
        text += WRITES;
        text += &writes::table(&self.writes);
        text += "\n### Storage\n\n";
        text += &storage(&self.storage);
        text
    }

    fn reads(&self) -> String {
        let mut table = Table::new(&[
            "chart",
            "port",
            "tuples",
            "ms",
            "× floor",
            "on the server",
            "raw log ÷ ours",
            "portal design ÷ ours",
            "buffers: ours, labels, floor, design, log",
            "heap fetches, temporary blocks",
            "goal",
            "",
        ]);
        for reading in &self.readings {
            let buffers = |beside: &Option<Beside>| match beside {
                Some(beside) => thousands(beside.cost.buffers as i64),
                None => "–".to_owned(),
            };
            let cost = reading.cost;
            let all_buffers = [
                thousands(cost.of_facts as i64),
                thousands((cost.buffers - cost.of_facts) as i64),
                thousands(reading.floor.cost.buffers as i64),
                buffers(&reading.design),
                buffers(&reading.log),
            ];
            let [goal, result] = goals::cell(&goals::of(reading));
            table.row([
                reading.request.to_string(),
                reading.port.to_owned(),
                thousands(reading.tuples),
                format!("{:.2}", reading.ours.median),
                spread(reading.floor.ratio),
                format!("{:.2}", cost.execution / reading.floor.cost.execution),
                beside(&reading.log),
                beside(&reading.design),
                all_buffers.join(", "),
                format!("{}, {}", cost.heap_fetches, cost.temp_blocks),
                goal,
                result,
            ]);
        }
        if let Some(verdict) = self.growth() {
            let [goal, result] = goals::cell(&[verdict]);
            let mut row = vec![String::new(); 12];
            [row[0], row[10], row[11]] = ["queries over time, the same 30 days".to_owned(), goal, result];
            table.row(row);
        }
        table.text
    }

    /// The charts of series beside what they are compared with.
    fn series(&self) -> String {
        let mut table =
            Table::new(&["chart", "port", "tuples", "ms", "a row a point", "bare", "floor", "ours ÷ bare"]);
        for reading in &self.readings {
            let (Some(bare), Some(points)) = (&reading.bare, &reading.points) else { continue };
            table.row([
                reading.request.to_string(),
                reading.port.to_owned(),
                thousands(reading.tuples),
                format!("{:.2}", reading.ours.median),
                format!("{:.2}", points.time.median),
                format!("{:.2}", bare.time.median),
                format!("{:.2}", reading.floor.time.median),
                spread(bare.ratio),
            ]);
        }
        table.text
    }

    /// Buffers of the same rows at a tenth (or what is nearest to it) of the final size and at the final size.
    fn growth(&self) -> Option<Verdict> {
        let last = self.checkpoints.last()?;
        let tenth = |checkpoint: &&Checkpoint| checkpoint.rows.abs_diff(last.rows / 10);
        let before = self.checkpoints.iter().min_by_key(tenth)?;
        let met =
            before.same_rows.iter().zip(last.same_rows).all(|(&before, after)| after * 100 <= before * 115);
        let times = last.rows as f64 / before.rows as f64;
        let [m, h] = before.same_rows;
        let [later_m, later_h] = last.same_rows;
        Some(Verdict::new(
            format!("{times:.1} × the rows: buffers ≤ + 15 % (M {m} → {later_m}, H {h} → {later_h})"),
            met,
        ))
    }
}

fn beside(beside: &Option<Beside>) -> String {
    beside.as_ref().map_or_else(|| "–".to_owned(), |beside| spread(beside.ratio))
}

fn storage(tables: &[Storage]) -> String {
    let mut table = Table::new(&["", "rows", "bytes a row", "table", "key", "all indexes", "in all"]);
    for storage in tables {
        let a_row = |bytes: i64| format!("{:.0}", bytes as f64 / storage.rows as f64);
        let of = match storage.design.as_str() {
            "usage" => "ours",
            "design" => "portal design",
            _ => "raw log",
        };
        let all = storage.table_bytes + storage.index_bytes;
        table.row([
            format!("{of}: `{}`", storage.table),
            thousands(storage.rows),
            a_row(all),
            a_row(storage.table_bytes),
            if storage.key_bytes > 0 { a_row(storage.key_bytes) } else { "–".to_owned() },
            a_row(storage.index_bytes),
            format!("{} MB", thousands(all / 1_000_000)),
        ]);
    }
    table.text
}

/// A Markdown table.
struct Table {
    text: String,
}

impl Table {
    fn new(columns: &[&str]) -> Self {
        let rule = vec!["---"; columns.len()].join(" | ");
        Self { text: format!("| {} |\n| {rule} |\n", columns.join(" | ")) }
    }

    fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells: Vec<String> = cells.into_iter().collect();
        let _ = writeln!(self.text, "| {} |", cells.join(" | "));
    }
}

/// The median with its quartiles.
fn spread(spread: Spread) -> String {
    let digits = |value: f64| match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => thousands(value.round() as i64),
    };
    let [lower, median, upper] = [spread.lower, spread.median, spread.upper].map(digits);
    format!("{median} ({lower}–{upper})")
}

/// With a comma before every three digits.
pub(crate) fn thousands(number: i64) -> String {
    indicatif::HumanCount(number.max(0) as u64).to_string()
}
