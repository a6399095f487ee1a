//! Rows of one level, for files.

use chrono::NaiveDate;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use uuid::Uuid;

/// A flat row: columns and values, for CSV and spreadsheets.
///
/// Made by [`Chart::records`](crate::Chart::records). No value is a list or an object, and one that is missing is
/// empty. All records of a chart have the same columns.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use output_port_usage::chart::{QueryDistribution, QueryDistributionSlice};
/// use output_port_usage::Chart;
/// # let chart = QueryDistribution::new(
/// #     output_port_usage::OutputPortId(uuid::Uuid::nil()),
/// #     output_port_usage::last_days(1, chrono::NaiveDate::default()),
/// # );
/// # let rows: Vec<QueryDistributionSlice> = serde_json::from_str(
/// #     r#"[{"member": {"kind": "other", "members": 3}, "query_count": 12, "share": 0.25, "rank": null}]"#)?;
///
/// let mut csv = csv::Writer::from_writer(Vec::new());
/// for record in chart.records(&rows)? {
///     csv.serialize(record)?;
/// }
/// assert_eq!(
///     String::from_utf8(csv.into_inner()?)?,
///     "kind,id,label,members,query_count,share,rank,last_used\n\
///      other,,,3,12,0.25,,\n"
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FlatRecord {
    fields: Vec<(&'static str, Field)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Field {
    Nothing,
    Text(String),
    Id(Uuid),
    Date(NaiveDate),
    Count(i64),
    Share(f64),
    Flag(bool),
}

impl FlatRecord {
    pub(crate) fn new() -> Self {
        Self { fields: Vec::new() }
    }

    pub(crate) fn of<R: super::Columnar>(row: &R) -> Self {
        let mut record = Self::new();
        row.write_to(&mut record);
        record
    }

    /// The columns, in their order.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = &'static str> {
        self.fields.iter().map(|(column, _)| *column)
    }

    fn field(&mut self, column: &'static str, field: Option<Field>) -> &mut Self {
        self.fields.push((column, field.unwrap_or(Field::Nothing)));
        self
    }

    pub(crate) fn text<'a>(&mut self, column: &'static str, text: impl Into<Option<&'a str>>) -> &mut Self {
        self.field(column, text.into().map(|text| Field::Text(text.to_owned())))
    }

    pub(crate) fn id(&mut self, column: &'static str, id: impl Into<Option<Uuid>>) -> &mut Self {
        self.field(column, id.into().map(Field::Id))
    }

    pub(crate) fn date(&mut self, column: &'static str, date: impl Into<Option<NaiveDate>>) -> &mut Self {
        self.field(column, date.into().map(Field::Date))
    }

    pub(crate) fn count(&mut self, column: &'static str, count: impl Into<Option<i64>>) -> &mut Self {
        self.field(column, count.into().map(Field::Count))
    }

    pub(crate) fn share(&mut self, column: &'static str, share: impl Into<Option<f64>>) -> &mut Self {
        self.field(column, share.into().map(Field::Share))
    }

    pub(crate) fn flag(&mut self, column: &'static str, flag: bool) -> &mut Self {
        self.field(column, Some(Field::Flag(flag)))
    }
}

impl Serialize for FlatRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut record = serializer.serialize_struct("FlatRecord", self.fields.len())?;
        for (column, field) in &self.fields {
            match field {
                Field::Nothing => record.serialize_field(column, &None::<()>)?,
                Field::Text(text) => record.serialize_field(column, text)?,
                Field::Id(id) => record.serialize_field(column, id)?,
                Field::Date(date) => record.serialize_field(column, date)?,
                Field::Count(count) => record.serialize_field(column, count)?,
                Field::Share(share) => record.serialize_field(column, share)?,
                Field::Flag(flag) => record.serialize_field(column, flag)?,
            }
        }
        record.end()
    }
}
