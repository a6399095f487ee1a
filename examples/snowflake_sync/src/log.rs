//! Where a run says what it does: for people, or one line or object a run.

use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::sync::Mutex;

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::report;
use crate::secret::Secrets;
use crate::summary::{Summary, listed};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Lines for people, as the run goes on.
    Text,
    /// One line a run.
    Line,
    /// One JSON object a run.
    Json,
}

impl Format {
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        match name {
            "text" => Ok(Self::Text),
            "line" => Ok(Self::Line),
            "json" => Ok(Self::Json),
            _ => Err(format!("{name}: not text, line or json")),
        }
    }
}

/// What a run says, without secrets.
pub(crate) struct Log<'a> {
    format: Format,
    quiet: bool,
    secrets: &'a Secrets,
    warnings: Mutex<Vec<String>>,
}

impl<'a> Log<'a> {
    pub(crate) fn new(format: Option<Format>, quiet: bool, secrets: &'a Secrets) -> Self {
        let default = || if std::io::stdout().is_terminal() { Format::Text } else { Format::Line };
        Self { format: format.unwrap_or_else(default), quiet, secrets, warnings: Mutex::default() }
    }

    /// Tells people, with its own line ends.
    pub(crate) fn say(&self, text: &str) {
        if self.format == Format::Text && !self.quiet {
            print(&self.secrets.shown(text));
        }
    }

    /// What somebody should look at, though the run goes on.
    pub(crate) fn warn(&self, text: &str) {
        let text = self.secrets.shown(text);
        match self.format {
            Format::Json => self.warnings.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(text),
            Format::Text | Format::Line => complain(&text),
        }
    }

    /// The end of a run.
    pub(crate) fn end(&self, summary: &Summary, result: &Result<(), Failure>) {
        let failure = result.as_ref().err();
        match self.format {
            Format::Text | Format::Line => {
                if self.format == Format::Line && !(self.quiet && failure.is_none()) {
                    print(&(self.secrets.shown(&line(summary, failure)).replace('\n', " ") + "\n"));
                }
                if let Some(failure) = failure {
                    complain(&self.secrets.shown(&failure.to_string()));
                }
            }
            Format::Json => {
                let mut warnings = self.warnings.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                if !self.quiet || failure.is_some() || !warnings.is_empty() {
                    let warnings = std::mem::take(&mut *warnings);
                    let failure = failure.map(|failure| self.secrets.shown(&failure.to_string()));
                    let exit = exit_of(result);
                    print(&format!("{}\n", object(summary, exit, failure, &warnings)));
                }
            }
        }
    }
}

pub(crate) fn exit_of(result: &Result<(), Failure>) -> u8 {
    result.as_ref().err().map_or(0, |failure| failure.exit() as u8)
}

fn time() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `key=value` pairs after the time and a word.
fn line(summary: &Summary, failure: Option<&Failure>) -> String {
    let mut line = match failure {
        None => format!("{} done", time()),
        Some(failure) => {
            format!("{} failed exit={} error={:?}", time(), failure.exit() as u8, failure.what())
        }
    };
    line += &format!(" seconds={:.1}", summary.seconds());
    if !summary.read.is_empty() {
        line += &format!(" read=\"{}\"", listed(&summary.read));
    }
    if !summary.written.is_empty() {
        for (table, rows) in summary.tables() {
            line += &format!(" {table}={}+{}-{}", rows.unchanged, rows.written, rows.removed);
        }
    }
    if let Some(standing) = summary.standing {
        let settled = standing.settled.map(|day| day.to_string()).unwrap_or_else(|| "never".to_owned());
        line += &format!(
            " settled={settled} never_measured={} other_rules={}",
            standing.never_measured, standing.other_rules
        );
    }
    if !summary.refused.is_empty() {
        line += &format!(" refused=\"{}\"", listed(&summary.refused));
    }
    if !summary.unknown.is_empty() {
        line += &format!(" unknown={}", summary.unknown.len());
    }
    if !summary.left.is_empty() {
        let (ports, consumers) = (summary.left.output_ports.len(), summary.left.consumers.len());
        line += &format!(" left_output_ports={ports} left_consumers={consumers}");
    }
    if let Some(count) = summary.not_counted {
        line += &format!(" not_counted={count}");
    }
    line
}

fn object(summary: &Summary, exit: u8, failure: Option<String>, warnings: &[String]) -> Value {
    let tables: serde_json::Map<String, Value> = summary
        .tables()
        .map(|(table, rows)| {
            let row = json!({"written": rows.written, "unchanged": rows.unchanged, "removed": rows.removed});
            (table.to_owned(), row)
        })
        .collect();
    let ranges = |ranges: &[std::ops::Range<chrono::NaiveDate>]| json!(ranges);
    json!({
        "time": time(),
        "version": env!("CARGO_PKG_VERSION"),
        "exit": exit,
        "error": failure,
        "warnings": warnings,
        "seconds": summary.seconds(),
        "read": ranges(&summary.read),
        "written": ranges(&summary.written),
        "refused": ranges(&summary.refused),
        "rows": tables,
        "settled": summary.standing.and_then(|standing| standing.settled),
        "never_measured": summary.standing.map(|standing| standing.never_measured),
        "other_rules": summary.standing.map(|standing| standing.other_rules),
        "unknown": summary.unknown,
        "left_output_ports": summary.left.output_ports,
        "left_consumers": summary.left.consumers,
        "not_counted": summary.not_counted,
    })
}

/// Writes to the output. Whoever reads it may have seen enough, which is no failure.
pub(crate) fn print(text: &str) {
    if let Err(error) = try_print(text) {
        complain(&format!("warning: the output cannot be written: {error}"));
    }
}

/// Writes what a command line asks for and nothing else, so that it fails where it cannot.
pub(crate) fn print_asked(text: &str) -> Result<(), Failure> {
    try_print(text).map_err(|error| Failure::new(Exit::Usage, "the output cannot be written").because(error))
}

fn try_print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes a line to the error output, if that is still there.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Days as a heading for people.
pub(crate) fn heading(days: &std::ops::Range<chrono::NaiveDate>) -> String {
    format!("{}\n", report::days(days))
}
