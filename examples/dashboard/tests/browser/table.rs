//! What the tables of a page hold.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::browser::Browser;

/// A cell: what a reader sees, and the exact value behind it.
#[derive(Debug, Deserialize)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) value: Option<String>,
    pub(crate) link: Option<String>,
}

/// The section with a heading: its cells, row by row, tiles being rows of one cell.
const CELLS: &str = "
    const section = [...document.querySelectorAll('section')]
        .find((section) => section.querySelector('h1, h2').textContent === arguments[0]);
    const cell = (place) => {
        const exact = place.querySelector('data, time');
        return {
            text: place.textContent.trim(),
            value: exact && (exact.tagName === 'DATA' ? exact.value : exact.dateTime),
            link: place.querySelector('a')?.getAttribute('href') ?? null,
        };
    };
    const rows = [...section.querySelectorAll('tbody tr')].map((row) => [...row.cells].map(cell));
    return [...rows, ...[...section.querySelectorAll('dd.value')].map((tile) => [cell(tile)])];";

/// The file of the section with a heading.
const FILE: &str = "
    const section = [...document.querySelectorAll('section')]
        .find((section) => section.querySelector('h1, h2').textContent === given[0]);
    return await (await fetch(section.querySelector('a[download]').href)).text();";

impl Browser {
    pub(crate) async fn table(&self, heading: &str) -> Vec<Vec<Cell>> {
        serde_json::from_value(self.script(CELLS, [json!(heading)]).await).unwrap()
    }

    pub(crate) async fn file(&self, heading: &str) -> String {
        self.promise(FILE, [json!(heading)]).await.as_str().unwrap().to_owned()
    }

    /// The table has these values, one for each cell.
    pub(crate) async fn assert_table(&self, heading: &str, expected: &[Vec<Value>]) {
        let table = self.table(heading).await;
        assert_eq!(table.len(), expected.len(), "{heading}: {table:#?}\n{expected:#?}");
        for (row, expected) in table.iter().zip(expected) {
            assert_eq!(row.len(), expected.len(), "{heading}: {row:?}\n{expected:?}");
            for (cell, expected) in row.iter().zip(expected) {
                assert_cell(heading, cell, expected);
            }
        }
    }
}

/// A count is written as in English, a fraction as a percentage, a missing value as a dash; a text is that text.
fn assert_cell(heading: &str, cell: &Cell, expected: &Value) {
    let as_written = match expected {
        Value::Null => cell.text == "–" && cell.value.is_none(),
        Value::String(day) if cell.value.is_some() => cell.value.as_deref() == Some(day),
        Value::String(text) => cell.text == *text,
        Value::Number(number) => match number.as_i64() {
            Some(count) => {
                let exact = cell.value.as_ref().is_none_or(|value| *value == count.to_string());
                exact && cell.text == thousands(count)
            }
            None => is_percentage(cell, number.as_f64().unwrap()),
        },
        _ => false,
    };
    assert!(as_written, "{heading}: {cell:?} should be {expected}");
}

fn is_percentage(cell: &Cell, fraction: f64) -> bool {
    let number: String =
        cell.text.chars().filter(|letter| letter.is_ascii_digit() || "-.".contains(*letter)).collect();
    let is_exact = cell.value.as_ref().is_some_and(|value| value.parse() == Ok(fraction));
    let is_signed = !cell.text.contains(['▲', '▼']) || cell.text.contains('▲') == (fraction > 0.0);
    let is_near = number.parse::<f64>().is_ok_and(|number| (number - 100.0 * fraction).abs() <= 0.050_001);
    is_exact && is_signed && is_near && cell.text.ends_with('%')
}

fn thousands(count: i64) -> String {
    let digits = count.to_string();
    let mut written = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}
