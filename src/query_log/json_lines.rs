//! Records from newline-delimited JSON.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::iter::FusedIterator;

use super::record::Record;
use crate::error::cut;

/// The longest line that is read, in bytes; Snowflake's own limit for one value was 16 MiB for long.
const MAX_LINE: u64 = 64 << 20;

/// Reads records from newline-delimited JSON, one line at a time.
///
/// A line that is not a record gives an error with its number and the reason, and reading goes on after it.
/// An I/O error is the last item. Blank lines are skipped. Only one line is in memory at a time; a line
/// longer than 64 MiB is malformed. What begins as a JSON array or as UTF-16 is one error for the whole, and
/// nothing more is read.
pub fn json_lines<R: BufRead>(reader: R) -> JsonLines<R> {
    JsonLines { reader, line: Vec::new(), number: 0, ended: false, max_line: MAX_LINE, failed: None }
}

/// The records of a reader, made by [`json_lines`].
#[derive(Debug)]
#[must_use = "an iterator reads nothing until it is asked"]
pub struct JsonLines<R> {
    reader: R,
    line: Vec<u8>,
    number: u64,
    ended: bool,
    max_line: u64,
    /// What the reader said when it was asked whether anything follows.
    failed: Option<io::Error>,
}

impl<R: BufRead> JsonLines<R> {
    /// Reads the next line into the buffer; `None` at the end.
    fn read_line(&mut self) -> io::Result<Option<Line>> {
        self.line.clear();
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let read = (&mut self.reader).take(self.max_line + 1).read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(None);
        }
        if self.line.last() != Some(&b'\n') && self.line.len() as u64 > self.max_line {
            self.line.clear();
            self.skip_line()?;
            return Ok(Some(Line::TooLong));
        }
        Ok(Some(Line::Read))
    }

    /// Whether nothing but blank lines follows; passes over those.
    fn is_at_end(&mut self) -> bool {
        loop {
            let buffer = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.failed = Some(error);
                    return false;
                }
                Ok(buffer) => buffer,
            };
            if buffer.is_empty() {
                return true;
            }
            let blank = buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let lines = buffer[..blank].iter().filter(|&&byte| byte == b'\n').count();
            let is_all_blank = blank == buffer.len();
            self.reader.consume(blank);
            self.number += lines as u64;
            if !is_all_blank {
                return false;
            }
        }
    }

    fn malformed(&mut self, line_number: u64, reason: String) -> LineError {
        let is_last = self.is_at_end();
        LineError { line_number, kind: LineErrorKind::Malformed { reason, is_last } }
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                buffer => buffer?,
            };
            let end = buffer.iter().position(|&byte| byte == b'\n');
            let used = end.map_or(buffer.len(), |end| end + 1);
            self.reader.consume(used);
            if end.is_some() || used == 0 {
                return Ok(());
            }
        }
    }
}

enum Line {
    Read,
    TooLong,
}

impl<R: BufRead> Iterator for JsonLines<R> {
    type Item = Result<Record, LineError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            self.number += 1;
            let line_number = self.number;
            let is_first = line_number == 1;
            match self.read_line() {
                Ok(None) => self.ended = true,
                Ok(Some(Line::TooLong)) => {
                    let reason = format!("it is longer than {} bytes", self.max_line);
                    return Some(Err(self.malformed(line_number, reason)));
                }
                Ok(Some(Line::Read)) => {
                    let mut line = self.line.as_slice();
                    if is_first {
                        // some writers put two marks there
                        while let Some(rest) = line.strip_prefix("\u{feff}".as_bytes()) {
                            line = rest;
                        }
                    }
                    let line = line.trim_ascii();
                    let shape = is_first.then(|| other_shape(line)).flatten();
                    match line.first() {
                        None => continue,
                        Some(_) if shape.is_some() => {
                            self.ended = true;
                            let reason = shape.unwrap_or_default().to_owned();
                            let kind = LineErrorKind::Malformed { reason, is_last: true };
                            return Some(Err(LineError { line_number, kind }));
                        }
                        // serde would also take an array for a record, by position
                        Some(b'{') => {
                            let record = serde_json::from_slice(line).map_err(|error| reason(&error));
                            return Some(record.map_err(|reason| self.malformed(line_number, reason)));
                        }
                        Some(_) => {
                            let reason = "it is no JSON object".to_owned();
                            return Some(Err(self.malformed(line_number, reason)));
                        }
                    }
                }
                Err(source) => {
                    self.ended = true;
                    return Some(Err(LineError { line_number, kind: LineErrorKind::Io(source) }));
                }
            }
        }
        None
    }
}

impl<R: BufRead> FusedIterator for JsonLines<R> {}

/// What the whole is, if its first line shows that it is no JSON a line.
fn other_shape(line: &[u8]) -> Option<&'static str> {
    match line {
        [b'[', ..] => Some("the log is a JSON array: write one object a line, as jq does with -c '.[]'"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [_, 0, ..] | [0, ..] => {
            Some("the log is UTF-16: write it as UTF-8")
        }
        _ => None,
    }
}

/// What `error` says, without its place: a line number of its own would mislead.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let reason = text.strip_suffix(&place).unwrap_or(&text);
    format!("{} (column {})", cut(reason, 200), error.column())
}

/// Why a line gave no record.
#[derive(Debug)]
pub struct LineError {
    line_number: u64,
    kind: LineErrorKind,
}

#[derive(Debug)]
enum LineErrorKind {
    Malformed { reason: String, is_last: bool },
    Io(io::Error),
}

impl LineError {
    /// The line's number, from 1.
    pub fn line_number(&self) -> u64 {
        self.line_number
    }

    /// Whether the line is not a record, and reading goes on. Otherwise the reader failed.
    pub fn is_malformed(&self) -> bool {
        matches!(self.kind, LineErrorKind::Malformed { .. })
    }

    /// Whether no line follows, as in a file that was cut off in the middle of a line.
    ///
    /// Blank lines do not count as lines. It is also true where nothing more is read: after a reader failed,
    /// or because the whole is not one JSON value a line. Counts of a log that ends like this are probably
    /// too low: a host that replaces earlier counts should stop here.
    pub fn is_last(&self) -> bool {
        match self.kind {
            LineErrorKind::Malformed { is_last, .. } => is_last,
            LineErrorKind::Io(_) => true,
        }
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            LineErrorKind::Malformed { reason, .. } => {
                write!(f, "line {} is malformed: {reason}", self.line_number)
            }
            LineErrorKind::Io(_) => write!(f, "cannot read line {}", self.line_number),
        }
    }
}

impl std::error::Error for LineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            LineErrorKind::Malformed { .. } => None,
            LineErrorKind::Io(source) => Some(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_skipped_without_being_kept() {
        let record = r#"{"query_id":"q","query_start_time":0}"#;
        let log = format!("{}\n{record}\n{}", "x".repeat(1000), "y".repeat(1000));
        let mut lines = json_lines(io::BufReader::with_capacity(7, log.as_bytes()));
        lines.max_line = 100;
        assert_eq!(
            lines.next().unwrap().unwrap_err().to_string(),
            "line 1 is malformed: it is longer than 100 bytes"
        );
        assert!(lines.line.capacity() < 400);
        assert_eq!(lines.next().unwrap().unwrap().query_id, "q");
        assert_eq!(lines.next().unwrap().unwrap_err().line_number(), 3);
        assert!(lines.next().is_none());

        let mut exact = json_lines(record.as_bytes());
        exact.max_line = record.len() as u64;
        assert!(exact.next().unwrap().is_ok());
    }
}
