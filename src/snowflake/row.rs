//! Result rows, as clients hand them over.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{Days, NaiveDate};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use uuid::Uuid;

use crate::error::{Error, Kind, shown};
use crate::id::OutputPortId;
use crate::usage::Scope;

/// A row of a result, in any shape that clients give it.
///
/// It deserializes from a map whose keys are the columns' names in upper or lower case (other keys are ignored),
/// or from an array with one cell for each column. Counts may be numbers or texts; dates may be ISO text, or days
/// since 1970-01-01 as a number or a text, as Snowflake's SQL API returns them (with its parameter `nullable`
/// left on: without it NULL comes as the text `null`, which is refused).
/// [`SnowflakeStatement::decode`](super::SnowflakeStatement::decode) checks whether the cells fit the statement.
///
/// A client that gives neither collects the cells as texts: `cells.collect::<ResultRow>()`, where a cell is
/// an `Option<String>`.
///
/// # Example
///
/// ```
/// use output_port_usage::snowflake::ResultRow;
///
/// // the `data` of an answer of the SQL API
/// let rows: Vec<ResultRow> = serde_json::from_str(r#"[["20522", "0000b001-…", "0000c001-…", "3"]]"#)?;
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ResultRow(Cells);

#[derive(Debug, Clone, PartialEq)]
enum Cells {
    /// By the columns' names in lower case.
    Named(BTreeMap<String, Cell>),
    Placed(Vec<Cell>),
}

#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Null,
    Integer(i64),
    /// A number that is not whole, or too large to be exact.
    Float(f64),
    Text(String),
    /// A boolean, an array, a map or a number beyond 64 bits.
    Other,
}

impl FromIterator<Option<String>> for ResultRow {
    /// A row of texts, one for each column, `None` for NULL.
    fn from_iter<I: IntoIterator<Item = Option<String>>>(cells: I) -> Self {
        let cell = |text: Option<String>| text.map_or(Cell::Null, Cell::Text);
        Self(Cells::Placed(cells.into_iter().map(cell).collect()))
    }
}

impl<'de> Deserialize<'de> for ResultRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ResultRowVisitor)
    }
}

struct ResultRowVisitor;

impl<'de> Visitor<'de> for ResultRowVisitor {
    type Value = ResultRow;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row: a map of columns, or an array of cells")
    }

    // serde's own message would repeat the whole text, whatever its length
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ResultRow, E> {
        Err(E::custom(format_args!("{:?} is not a row: a map of columns, or an array of cells", shown(text))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ResultRow, A::Error> {
        let mut cells = Vec::new();
        while let Some(cell) = seq.next_element()? {
            cells.push(cell);
        }
        Ok(ResultRow(Cells::Placed(cells)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ResultRow, A::Error> {
        let mut cells = BTreeMap::new();
        while let Some(column) = map.next_key::<String>()? {
            let cell = map.next_value()?;
            if cells.insert(column.to_ascii_lowercase(), cell).is_some() {
                return Err(A::Error::custom(format_args!("column {:?} is there twice", shown(&column))));
            }
        }
        Ok(ResultRow(Cells::Named(cells)))
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cell")
    }

    fn visit_unit<E>(self) -> Result<Cell, E> {
        Ok(Cell::Null)
    }

    fn visit_none<E>(self) -> Result<Cell, E> {
        Ok(Cell::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cell, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Cell, E> {
        Ok(Cell::Other)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Cell, E> {
        Ok(Cell::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Cell, E> {
        Ok(i64::try_from(number).map_or(Cell::Other, Cell::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Cell, E> {
        // some clients have no other numbers; up to 2^53 each is one whole number
        let is_whole = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
        Ok(if is_whole { Cell::Integer(number as i64) } else { Cell::Float(number) })
    }

    fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
        Ok(Cell::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Cell, E> {
        Ok(Cell::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Cell, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Cell::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cell, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cell::Other)
    }
}

/// What a message shows of a cell.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{:?}", shown(text)),
            Self::Other => f.write_str("neither a text nor a number"),
        }
    }
}

/// The rows of a statement, with the columns that they should have.
pub(super) struct ResultRows<'a> {
    columns: &'static [&'static str],
    rows: &'a mut dyn Iterator<Item = ResultRow>,
}

impl<'a> ResultRows<'a> {
    pub(super) fn new(
        columns: &'static [&'static str],
        rows: &'a mut dyn Iterator<Item = ResultRow>,
    ) -> Self {
        Self { columns, rows }
    }

    /// Reads each row.
    pub(super) fn each(
        self,
        mut read: impl FnMut(&ResultColumns<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for (index, row) in self.rows.enumerate() {
            let columns = ResultColumns { names: self.columns, cells: &row.0, row: index + 1 };
            columns.check_width()?;
            read(&columns)?;
        }
        Ok(())
    }
}

/// The columns of one row, read by name and type.
pub(super) struct ResultColumns<'a> {
    names: &'static [&'static str],
    cells: &'a Cells,
    /// The row's number, from 1.
    row: usize,
}

impl ResultColumns<'_> {
    pub(super) fn text(&self, column: &'static str) -> Result<&str, Error> {
        match self.cell(column)? {
            Cell::Text(text) => Ok(text),
            other => Err(self.refuse(column, format!("is no text: {other}"))),
        }
    }

    pub(super) fn text_or_null(&self, column: &'static str) -> Result<Option<&str>, Error> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            _ => self.text(column).map(Some),
        }
    }

    pub(super) fn uuid(&self, column: &'static str) -> Result<Uuid, Error> {
        let text = self.text(column)?;
        Uuid::try_parse(text).map_err(|_| self.refuse(column, format!("is no UUID: {:?}", shown(text))))
    }

    /// An output port of the scope.
    pub(super) fn output_port(&self, column: &'static str, scope: &Scope) -> Result<OutputPortId, Error> {
        let output_port = OutputPortId(self.uuid(column)?);
        if scope.output_ports().contains(&output_port) {
            return Ok(output_port);
        }
        Err(self.refuse(column, format!("is an output port outside the scope: {output_port}")))
    }

    /// A day of the scope.
    pub(super) fn date(&self, column: &'static str, scope: &Scope) -> Result<NaiveDate, Error> {
        let cell = self.cell(column)?;
        let date = match cell {
            Cell::Integer(days) => from_epoch(*days),
            Cell::Text(text) => match text.parse() {
                Ok(days) => from_epoch(days),
                Err(_) => text.parse().ok(),
            },
            Cell::Null | Cell::Float(_) | Cell::Other => None,
        };
        let date = date.ok_or_else(|| {
            self.refuse(column, format!("is neither an ISO date nor a number of days since 1970: {cell}"))
        })?;
        if scope.days().contains(&date) {
            return Ok(date);
        }
        Err(self.refuse(column, format!("is a day outside the scope: {date}")))
    }

    pub(super) fn count(&self, column: &'static str) -> Result<u64, Error> {
        let cell = self.cell(column)?;
        let count = match cell {
            Cell::Integer(number) => u64::try_from(*number).ok(),
            Cell::Text(text) => text.parse().ok(),
            Cell::Null | Cell::Float(_) | Cell::Other => None,
        };
        count.ok_or_else(|| self.refuse(column, format!("is no count: {cell}")))
    }

    /// An error about a cell.
    pub(super) fn refuse(&self, column: &'static str, reason: String) -> Error {
        Kind::ResultCell { row: self.row, column, reason }.into()
    }

    fn cell(&self, column: &'static str) -> Result<&Cell, Error> {
        let cell = match &self.cells {
            Cells::Named(cells) => cells.get(column),
            Cells::Placed(cells) => {
                self.names.iter().position(|name| *name == column).and_then(|place| cells.get(place))
            }
        };
        cell.ok_or_else(|| self.refuse(column, "is missing".into()))
    }

    fn check_width(&self) -> Result<(), Error> {
        match &self.cells {
            Cells::Placed(cells) if cells.len() != self.names.len() => {
                let (row, cells, columns) = (self.row, cells.len(), self.names.join(", "));
                Err(Kind::ResultWidth { row, cells, columns }.into())
            }
            Cells::Placed(_) | Cells::Named(_) => Ok(()),
        }
    }
}

fn from_epoch(days: i64) -> Option<NaiveDate> {
    let count = Days::new(days.unsigned_abs());
    if days < 0 {
        NaiveDate::default().checked_sub_days(count)
    } else {
        NaiveDate::default().checked_add_days(count)
    }
}
