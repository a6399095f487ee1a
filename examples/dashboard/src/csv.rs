//! A chart as a file for a spreadsheet.

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use output_port_usage::chart::FlatRecord;

use crate::failure::Failure;

/// The file of some records; it is named after the last part of its path.
pub(crate) fn file(path: &str, records: &[FlatRecord]) -> Result<Response, Failure> {
    let mut written = csv::Writer::from_writer(Vec::new());
    records.iter().try_for_each(|record| written.serialize(record))?;
    let written = written.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    let name = path.rsplit('/').next().unwrap_or("chart");
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")),
    ];
    Ok((headers, safe(&written)?).into_response())
}

/// The same file, of which a spreadsheet takes no text for a formula.
fn safe(file: &[u8]) -> Result<Vec<u8>, csv::Error> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(file);
    let mut written = csv::Writer::from_writer(Vec::with_capacity(file.len()));
    for record in reader.records() {
        written.write_record(record?.iter().map(cell))?;
    }
    written.into_inner().map_err(|error| error.into_error().into())
}

/// What a formula begins with.
const STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
/// What parts cells in some countries, quotes or not.
const SEPARATORS: [char; 4] = [';', '\t', '\n', '\r'];

/// A text that begins as a formula does, behind an apostrophe, and one in which a cell could begin so, in one cell; a number
/// stays one.
fn cell(text: &str) -> String {
    if text.parse::<f64>().is_ok() {
        return text.to_owned();
    }
    let is_formula = |part: &str| part.trim_start_matches('"').starts_with(STARTS);
    let inner = text.split(SEPARATORS).skip(1).any(is_formula);
    let text = if inner { text.replace(SEPARATORS, " ") } else { text.to_owned() };
    if is_formula(&text) { format!("'{text}") } else { text }
}
