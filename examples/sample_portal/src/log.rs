//! Reading and counting an access log.

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use access_log::Mapping;
use anyhow::{Context, Result, bail};
use chrono::NaiveDate;
use flate2::bufread::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressStyle};
use output_port_usage::query_log::{self, Aggregator, LogSummary};
use output_port_usage::{Attribution, Scope, UsageBatch};

const SAMPLE_LOG: &[u8] = include_bytes!("../../sample/log.jsonl.gz");
const SAMPLE_MAPPING: &[u8] = include_bytes!("../../sample/mapping.json");
const MALFORMED_SHOWN: usize = 3;

/// Where the log and its mapping come from.
#[derive(Debug)]
pub enum Input {
    /// The made-up log that is committed beside this example.
    Sample,
    /// The reader's own.
    Files { log: PathBuf, mapping: PathBuf },
}

/// A log that is open and not yet read.
pub struct Log {
    name: String,
    reader: Box<dyn Read>,
    bytes: u64,
}

/// What a log held.
#[derive(Debug)]
pub struct Counted {
    pub name: String,
    /// The local days from the log's first record to its last.
    pub days: Range<NaiveDate>,
    /// The counts of all of these days.
    pub batch: UsageBatch,
    pub summary: LogSummary,
    /// The first of the malformed lines.
    pub malformed: Vec<String>,
    pub took: Duration,
}

impl Input {
    pub fn mapping(&self) -> Result<Mapping> {
        let mapping = match self {
            Self::Sample => Mapping::read(SAMPLE_MAPPING),
            Self::Files { mapping, .. } => {
                let file =
                    File::open(mapping).with_context(|| format!("cannot open {}", mapping.display()))?;
                Mapping::read(BufReader::new(file))
            }
        };
        mapping.with_context(|| self.mapping_name())
    }

    /// How messages call the mapping.
    pub fn mapping_name(&self) -> String {
        match self {
            Self::Sample => "the sample's mapping".to_owned(),
            Self::Files { mapping, .. } => format!("mapping {}", mapping.display()),
        }
    }

    pub fn open_log(&self) -> Result<Log> {
        match self {
            Self::Sample => Ok(Log {
                name: "the sample".to_owned(),
                reader: Box::new(SAMPLE_LOG),
                bytes: SAMPLE_LOG.len() as u64,
            }),
            Self::Files { log, .. } => {
                let name = log.display().to_string();
                let file = File::open(log).with_context(|| format!("cannot open {name}"))?;
                let data = file.metadata().with_context(|| format!("cannot read {name}"))?;
                if data.is_dir() {
                    bail!("cannot read {name}: it is a directory");
                }
                Ok(Log { name, reader: Box::new(file), bytes: data.len() })
            }
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("name", &self.name).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Log {
    /// Counts the log in one pass: its days are known only at its end.
    pub fn count(self, attribution: &Attribution) -> Result<Counted> {
        let began = Instant::now();
        let every_day = first_of_january(1)?..first_of_january(10_000)?;
        let mut aggregator = Aggregator::new(attribution, every_day.clone())?;
        let mut days: Option<(NaiveDate, NaiveDate)> = None;
        let mut malformed = Vec::new();

        let bar = progress(self.bytes);
        let reader = unpacked(BufReader::new(bar.wrap_read(self.reader)))
            .with_context(|| format!("cannot read {}", self.name))?;
        for line in query_log::json_lines(reader) {
            match line {
                Ok(record) => {
                    let day = attribution.usage_date(record.query_start_time);
                    if every_day.contains(&day) {
                        let (first, last) = days.unwrap_or((day, day));
                        days = Some((first.min(day), last.max(day)));
                    }
                    aggregator.add(&record);
                }
                // what a file cut off in the middle has not, a replace would remove from the tables
                Err(error) if error.is_malformed() && error.is_last() => {
                    bail!(
                        "{} ends in a line that is no record, as a file that was cut off does: {error}",
                        self.name
                    )
                }
                Err(error) if error.is_malformed() => {
                    aggregator.skip_malformed_line();
                    if malformed.len() < MALFORMED_SHOWN {
                        malformed.push(error.to_string());
                    }
                }
                Err(error) => return Err(error).with_context(|| self.name),
            }
        }
        bar.finish_and_clear();

        let (batch, mut summary) = aggregator.finish();
        let Some((first, last)) = days else {
            match malformed.first() {
                Some(first) => {
                    bail!("{} holds no record in {} lines: {first}", self.name, summary.malformed_lines)
                }
                None => bail!("{} is empty", self.name),
            }
        };
        let days = first..last.succ_opt().context("the log's last day has no day after it")?;
        let batch = within(&batch, days.clone())?;
        summary.days_without_records.retain(|day| days.contains(day));
        Ok(Counted { name: self.name, days, batch, summary, malformed, took: began.elapsed() })
    }
}

impl Counted {
    /// The batches that state what the log knows: a day without any record is in none of them, and on its last day
    /// more records may follow.
    pub fn batches(&self) -> Result<Vec<UsageBatch>> {
        let without = &self.summary.days_without_records;
        let mut batches = Vec::new();
        let mut from = self.days.start;
        for next in without.iter().copied().chain([self.days.end]) {
            if from < next {
                batches.push(within(&self.batch, from..next)?);
            }
            from = next.succ_opt().context("the calendar ends too early")?;
        }
        let last = batches.pop().context("the log has no day")?;
        batches.push(last.with_unsettled_from(self.days.end.pred_opt()));
        Ok(batches)
    }
}

/// The part of the batch on some of its days.
fn within(batch: &UsageBatch, days: Range<NaiveDate>) -> Result<UsageBatch> {
    let scope = Scope::new(days.clone(), batch.scope().output_ports().iter().copied())?;
    let queries = batch.queries().iter().filter(|row| days.contains(&row.date)).cloned().collect();
    let mut part = UsageBatch::builder(scope).queries(queries).rules(batch.rules().clone());
    if let Some(touches) = batch.touches() {
        part = part.touches(touches.iter().filter(|row| days.contains(&row.date)).cloned().collect());
    }
    if let Some(combinations) = batch.combinations() {
        let within = combinations.iter().filter(|row| days.contains(&row.date));
        part = part.combinations(within.cloned().collect());
    }
    Ok(part.build())
}

fn first_of_january(year: i32) -> Result<NaiveDate> {
    NaiveDate::from_ymd_opt(year, 1, 1).context("the calendar ends too early")
}

/// The text of a log, plain or gzip: its first bytes tell, whatever its name.
fn unpacked(mut reader: impl BufRead + 'static) -> std::io::Result<Box<dyn BufRead>> {
    Ok(if reader.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        Box::new(BufReader::new(MultiGzDecoder::new(reader)))
    } else {
        Box::new(reader)
    })
}

/// A bar over the file's bytes; hidden where stderr is no terminal.
fn progress(bytes: u64) -> ProgressBar {
    let template = "reading the log {bar:40.cyan/dim} {bytes} of {total_bytes}, {eta} left";
    match ProgressStyle::with_template(template) {
        Ok(style) => ProgressBar::new(bytes).with_style(style.progress_chars("━╸─")),
        Err(_) => ProgressBar::new(bytes),
    }
}
