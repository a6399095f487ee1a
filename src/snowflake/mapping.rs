//! The attribution's maps as tables of a statement.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::statement::{Bind, ScriptWriter};
use crate::attribution::{Attribution, PrincipalKind, SetKind};
use crate::error::{Error, Kind};
use crate::id::{OutputPortId, TechAssetId};

/// The most rows that are written as VALUES; Snowflake fails on lists of some 20,000 constants.
const MAX_VALUES: usize = 512;

/// How a statement carries the attribution's maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Mappings {
    /// Each map as one bound JSON document.
    ///
    /// Snowflake recommends query text of up to 1 MB once compressed, and bound values count (page "Limits on
    /// Query Text Size"). Whole schemas are one row each, which keeps a mapping small. Where it is larger all
    /// the same, count [in parts](crate::docs::counting#a-mapping-in-parts). Bound values can be read in
    /// `QUERY_HISTORY.BIND_VALUES`.
    #[default]
    Json,
    /// Each map as a VALUES list of at most 512 rows, written out in every form of the statement.
    Values,
}

/// One map: a common table expression of texts.
pub(super) struct Mapping<'a> {
    /// What a message calls the rows.
    what: &'static str,
    /// `<name> AS ( -- <what it is>`.
    opening: &'static str,
    columns: &'static [&'static str],
    rows: Vec<Vec<Cow<'a, str>>>,
}

/// Without rows where no object is given by itself.
pub(super) fn object_map(attribution: &Attribution) -> Mapping<'_> {
    let row = |(name, output_port, asset)| vec![Cow::from(name), id(output_port), id(asset)];
    Mapping {
        what: "pairs of object and output port",
        opening: "object_map AS ( -- an object by its name in ACCESS_HISTORY, its tech asset and output ports\n",
        columns: &["object_name", "output_port_id", "tech_asset_id"],
        rows: sets(attribution, SetKind::Object).map(row).collect(),
    }
}

/// Without rows where no schema is given as a whole.
pub(super) fn schema_map(attribution: &Attribution) -> Mapping<'_> {
    let row = |(name, output_port, asset)| {
        let [database_start, schema_start] = starts(name);
        let prefix = Cow::from(format!("{name}."));
        vec![prefix, database_start, schema_start, id(output_port), id(asset)]
    };
    Mapping {
        what: "pairs of schema and output port",
        opening: "schema_map AS ( -- a schema by the prefix of every name in it, its tech asset and output ports\n",
        columns: &["schema_prefix", "database_start", "schema_start", "output_port_id", "tech_asset_id"],
        rows: sets(attribution, SetKind::Schema).map(row).collect(),
    }
}

/// Without rows where no database is given as a whole.
pub(super) fn database_map(attribution: &Attribution) -> Mapping<'_> {
    let row = |(name, output_port, asset)| {
        let [database_start, _] = starts(name);
        vec![Cow::from(format!("{name}.")), database_start, id(output_port), id(asset)]
    };
    Mapping {
        what: "pairs of database and output port",
        opening: "database_map AS ( -- a database by the prefix of every name in it, its tech asset and output ports\n",
        columns: &["database_prefix", "database_start", "output_port_id", "tech_asset_id"],
        rows: sets(attribution, SetKind::Database).map(row).collect(),
    }
}

/// The sets of one kind by their names, with their output ports and tech assets.
fn sets(attribution: &Attribution, kind: SetKind) -> impl Iterator<Item = (&str, OutputPortId, TechAssetId)> {
    let of_kind = attribution.set_map().filter(move |(other, ..)| *other == kind);
    of_kind.map(|(_, name, output_port, asset)| (name, output_port, asset))
}

/// What stands before the first and the second dot of a set's prefix, quotes or not.
///
/// Every name with that prefix has the same there, so a join can look for them before it compares prefixes.
fn starts(name: &str) -> [Cow<'_, str>; 2] {
    let mut parts = name.split('.');
    [(); 2].map(|()| Cow::from(parts.next().unwrap_or_default()))
}

pub(super) fn consumer_map(attribution: &Attribution) -> Mapping<'_> {
    let row = |(kind, name, consumer): (PrincipalKind, _, _)| {
        vec![kind.as_str().into(), Cow::from(name), id(consumer)]
    };
    Mapping {
        what: "users and roles",
        opening: "consumer_map AS ( -- a user or role by its name in the history views, and its consumer\n",
        columns: &["principal_kind", "principal_name", "consumer_id"],
        rows: attribution.consumer_map().map(row).collect(),
    }
}

/// Without rows where nobody is excluded.
pub(super) fn excluded_user(attribution: &Attribution) -> Mapping<'_> {
    Mapping {
        what: "excluded users",
        opening: "excluded_user AS ( -- users whose accesses never count\n",
        columns: &["user_name"],
        rows: attribution.excluded_users().iter().map(|name| vec![Cow::from(name)]).collect(),
    }
}

/// Without rows where producers' own reads count.
pub(super) fn producer(attribution: &Attribution) -> Mapping<'_> {
    Mapping {
        what: "pairs of output port and producer",
        opening: "producer AS ( -- consumers whose own reads of an output port do not count\n",
        columns: &["output_port_id", "consumer_id"],
        rows: attribution.producers().map(|(port, consumer)| vec![id(port), id(consumer)]).collect(),
    }
}

impl Mapping<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the table, with the comma behind it.
    pub(super) fn write(&self, sql: &mut ScriptWriter, mappings: Mappings) -> Result<(), Error> {
        sql.text(self.opening).text("    SELECT\n");
        match mappings {
            Mappings::Json => self.write_json(sql),
            Mappings::Values => self.write_values(sql)?,
        }
        sql.text("\n),\n\n");
        Ok(())
    }

    fn write_json(&self, sql: &mut ScriptWriter) {
        sql.list(",\n", self.columns, |sql, &column| {
            sql.text("        entry.value:\"").text(column).text("\"::VARCHAR AS ").text(column);
        });
        let document = serde_json::to_string(&Document(self)).expect("texts under text keys are JSON");
        sql.text("\n    FROM TABLE(FLATTEN(input => PARSE_JSON(")
            .bind(Bind::Text(document))
            .text("))) AS entry");
    }

    fn write_values(&self, sql: &mut ScriptWriter) -> Result<(), Error> {
        const PLACES: [&str; 5] = ["column1", "column2", "column3", "column4", "column5"];
        if self.rows.len() > MAX_VALUES {
            return Err(
                Kind::TooManyValues { what: self.what, rows: self.rows.len(), max: MAX_VALUES }.into()
            );
        }
        sql.list(",\n", PLACES.iter().zip(self.columns), |sql, (&place, &column)| {
            sql.text("        ").text(place).text("::VARCHAR AS ").text(column);
        });
        sql.text("\n    FROM (\n        VALUES\n");
        sql.list(",\n", &self.rows, |sql, row| {
            sql.text("        (")
                .list(", ", row, |sql, text| {
                    sql.literal(text);
                })
                .text(")");
        });
        sql.text("\n    )");
        Ok(())
    }
}

fn id(id: impl ToString) -> Cow<'static, str> {
    Cow::from(id.to_string())
}

/// The rows as a JSON array of objects, keys in the order of the columns.
struct Document<'a>(&'a Mapping<'a>);

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.rows.iter().map(|row| DocumentRow(self.0.columns, row)))
    }
}

struct DocumentRow<'a>(&'static [&'static str], &'a [Cow<'a, str>]);

impl Serialize for DocumentRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().zip(self.1))
    }
}
