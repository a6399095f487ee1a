//! Rows of a result, as Snowflake's clients hand them over.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::{Days, NaiveDate};
use output_port_usage::snowflake::{Aggregation, ResultRow, SnowflakeStatement};
use output_port_usage::{Attribution, ConsumerId, Error, OutputPortId, TechAssetId, UsageBatch};
use serde_json::Value;
use uuid::Uuid;

use crate::text::assert_printable;

/// Bytes as the JSON of rows, decoded by every statement.
pub fn result_rows(data: &[u8]) {
    let Ok(rows) = serde_json::from_slice::<Vec<ResultRow>>(data) else { return };
    let day = NaiveDate::from_ymd_opt(2026, 3, 10).expect("a day of the calendar");
    let aggregation = Aggregation::new(&ATTRIBUTION, day..day + Days::new(3));

    if let Some(batch) = decoded(aggregation.usage(), &rows) {
        let (touches, combinations) =
            (batch.touches().unwrap_or_default(), batch.combinations().unwrap_or_default());
        assert_eq!(batch.queries().len() + touches.len() + combinations.len(), rows.len());
    }
    if let Some(batch) = decoded(aggregation.output_port_queries(), &rows) {
        check_queries(&batch, data);
    }
    if let Some(touches) = decoded(aggregation.tech_asset_touches(), &rows) {
        assert_eq!(touches.len(), rows.len());
    }
    if let Some(combinations) = decoded(aggregation.combinations(), &rows) {
        assert_eq!(combinations.len(), rows.len());
    }
    if let Some(report) = decoded(aggregation.coverage(), &rows) {
        serde_json::to_string(&report).expect("a report is JSON");
    }
}

static ATTRIBUTION: LazyLock<Attribution> = LazyLock::new(|| {
    let id = Uuid::from_u128;
    Attribution::builder()
        .object("db.s.t", TechAssetId(id(11)))
        .schema("db.s", TechAssetId(id(12)))
        .tech_asset(TechAssetId(id(11)), [OutputPortId(id(1)), OutputPortId(id(2))])
        .tech_asset(TechAssetId(id(12)), [OutputPortId(id(2))])
        .role("reader", ConsumerId(id(21)))
        .build()
        .expect("the mapping is right")
});

/// What a statement makes of the rows, or else asserts that the error names one of them.
fn decoded<T>(statement: Result<SnowflakeStatement<T>, Error>, rows: &[ResultRow]) -> Option<T> {
    let statement = statement.expect("the request is right");
    match statement.decode(rows.iter().cloned()) {
        Ok(result) => Some(result),
        Err(error) => {
            assert!(error.is_result(), "{error}");
            let message = error.to_string();
            assert_printable(&message);
            let named = (1..=rows.len()).any(|row| message.starts_with(&format!("row {row} of the result")));
            assert!(named, "{message}");
            None
        }
    }
}

/// Reads the rows without the library.
///
/// Inside of a cell that no column wants, the library takes what serde skips: a number beyond every range, half a
/// surrogate. A `Value` does not.
fn check_queries(batch: &UsageBatch, data: &[u8]) {
    let Ok(rows) = serde_json::from_slice::<Vec<Value>>(data) else { return };
    assert_eq!(batch.queries().len(), rows.len());
    for (row, decoded) in rows.iter().zip(batch.queries()) {
        let cells: Vec<&Value> = match row {
            Value::Array(cells) => cells.iter().collect(),
            Value::Object(columns) => {
                let lower: BTreeMap<String, &Value> =
                    columns.iter().map(|(name, cell)| (name.to_ascii_lowercase(), cell)).collect();
                ["usage_date", "output_port_id", "consumer_id", "query_count"]
                    .iter()
                    .map(|name| lower[*name])
                    .collect()
            }
            other => panic!("{other} is no row"),
        };
        let text = |cell: &Value| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
        let date = text(cells[0]);
        let days = date.parse::<f64>().map(|days| NaiveDate::default() + Days::new(days as u64));
        assert_eq!(days.ok().or_else(|| date.parse().ok()), Some(decoded.date), "{row}");
        assert_eq!(text(cells[1]).parse().ok(), Some(decoded.output_port_id), "{row}");
        assert_eq!(text(cells[2]).parse().ok(), Some(decoded.consumer_id), "{row}");
        let count = text(cells[3]);
        let is_same = count.parse().ok() == Some(decoded.query_count)
            || count.parse().ok() == Some(decoded.query_count as f64);
        assert!(is_same, "{row}");
    }
}
