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

/// A text that begins as a formula does, behind an apostrophe; a number stays one.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    if is_formula { format!("'{text}") } else { text.to_owned() }
}
