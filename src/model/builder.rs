//! Configuring a model; every name is checked at `build()`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    CoverageTable, Definition, IndexName, OnDelete, Parent, ReadBy, Reference, Stats, Table, TableNames,
    UsageModel,
};
use crate::error::{Error, Kind};
use crate::ident::Ident;

/// Builds a [`UsageModel`].
///
/// It is also data: one file can configure a backend and the programs beside it. An unknown key is an error that names
/// it.
///
/// ```
/// # use output_port_usage::{OnDelete, Reference, UsageModel, UsageModelBuilder};
/// let builder: UsageModelBuilder = serde_json::from_str(r#"{
///     "schema": "usage",
///     "output_ports": {"table": "datasets", "schema": "portal", "label": "name"},
///     "consumers": {"table": "data_products", "schema": "portal", "label": "name",
///         "group": {"column": "domain_id", "parent": {"table": "domains", "schema": "portal", "label": "name"}}},
///     "tech_assets": {"table": "technical_assets", "schema": "portal", "on_delete": "keep"},
///     "queries": {"table": "port_usage", "columns": {"date": "day"}},
///     "combinations": {},
///     "coverage": {},
///     "read_by_consumer": true,
///     "read_by_tech_asset": true
/// }"#)?;
/// let model = builder.build()?;
/// assert_eq!(model.queries_table().name(), "port_usage");
/// assert!(model.combinations_table().is_some());
///
/// let typo = serde_json::from_str::<UsageModelBuilder>(r#"{"shema": "usage"}"#).unwrap_err();
/// assert!(typo.to_string().starts_with("unknown field `shema`"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[must_use = "a builder does nothing until `build()`"]
pub struct UsageModelBuilder {
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_ports: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumers: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tech_assets: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queries: Option<TableNames>,
    #[serde(skip_serializing_if = "Option::is_none")]
    touches: Option<TableNames>,
    #[serde(skip_serializing_if = "Option::is_none")]
    combinations: Option<TableNames>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<TableNames>,
    read_by_consumer: bool,
    read_by_tech_asset: bool,
    on_citus: bool,
}

impl UsageModelBuilder {
    /// Sets the schema of the model's tables. Defaults to `public`.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// Sets the parent table of output ports. Required.
    pub fn output_ports(mut self, reference: Reference) -> Self {
        self.output_ports = Some(reference);
        self
    }

    /// Sets the parent table of consumers. Required.
    pub fn consumers(mut self, reference: Reference) -> Self {
        self.consumers = Some(reference);
        self
    }

    /// Sets the parent table of tech assets. Required.
    pub fn tech_assets(mut self, reference: Reference) -> Self {
        self.tech_assets = Some(reference);
        self
    }

    /// Names the table of queries. Defaults to `output_port_query_stats_daily` and its default columns.
    pub fn queries_table(mut self, names: TableNames) -> Self {
        self.queries = Some(names);
        self
    }

    /// Names the table of touches. Defaults to `tech_asset_stats_daily` and its default columns.
    pub fn touches_table(mut self, names: TableNames) -> Self {
        self.touches = Some(names);
        self
    }

    /// Adds the table of combinations, which the chart "Most often combined with" reads. Defaults to none.
    ///
    /// Its name is `output_port_combined_with_daily`.
    pub fn combinations(self) -> Self {
        self.combinations_table(TableNames::default())
    }

    /// Adds the table of combinations under names of the host's own; see [`combinations`](Self::combinations).
    pub fn combinations_table(mut self, names: TableNames) -> Self {
        self.combinations = Some(names);
        self
    }

    /// Adds the table of coverage, so that a day that nobody measured is told from a day without use. Defaults to none.
    ///
    /// It holds one row for each output port: the days that were measured, which of them are settled, and by which
    /// rules they were counted. Writes keep it, charts read it, and [`gaps`](UsageModel::gaps) lists the days to ingest
    /// again; see the [guide](crate::docs::coverage). Its name is `output_port_usage_coverage`. It needs PostgreSQL 14.
    pub fn coverage(self) -> Self {
        self.coverage_table(TableNames::default())
    }

    /// Adds the table of coverage under names of the host's own; see [`coverage`](Self::coverage).
    pub fn coverage_table(mut self, names: TableNames) -> Self {
        self.coverage = Some(names);
        self
    }

    /// Adds keys that start with the consumer, so that all that one consumer read is found at once. Defaults to none.
    ///
    /// Charts of output ports do without them. What names no output port wants them: a consumer's page, a chart of the
    /// whole portal for one consumer or one group, and the day on which a consumer was last seen. Without them such a
    /// chart gives the same rows and reads the whole table for them. They also make deleting a consumer fast, because
    /// its foreign keys look for its rows.
    ///
    /// What they cost an ingest and on disk is in the [guide](crate::docs::scale#ways-to-read). Turned on later, they
    /// are [migrations](crate::docs::migrations#turning-on-a-way-to-read) 3 and 4.
    pub fn read_by_consumer(mut self) -> Self {
        self.read_by_consumer = true;
        self
    }

    /// Adds a key that starts with the tech asset, so that all touches of one are found at once. Defaults to none.
    ///
    /// What shows a tech asset through all of its output ports wants it, and the day on which it was last used; a
    /// chart of one output port's tech assets does without. It also makes deleting a tech asset fast. Otherwise as
    /// [`read_by_consumer`](Self::read_by_consumer); turned on later, it is migration 6.
    pub fn read_by_tech_asset(mut self) -> Self {
        self.read_by_tech_asset = true;
        self
    }

    /// Says that the tables are spread over the nodes of a Citus cluster. Defaults to one server.
    ///
    /// Charts of one output port stay as they are. Those of a tech asset, of the whole portal and of what is unused then sum
    /// up what they read, because across nodes Citus refuses to look each id up, or gives wrong rows. Where every
    /// row has its parents, they give the same rows on one server too, and are slower there. See the [guide](crate::docs::scale#distribute).
    pub fn on_citus(mut self) -> Self {
        self.on_citus = true;
        self
    }

    /// Checks every name and builds the model.
    ///
    /// # Errors
    ///
    /// All are [`Error::is_configuration`]: a parent table that was not given; a name that is empty, longer than 63
    /// bytes or holds a double quote or NUL; a name shared by two tables, by a table and an index, or by two columns of
    /// a table; a name for a column that the table does not have; a group on a parent other than consumers; `on_delete`
    /// on the table of a group.
    pub fn build(self) -> Result<UsageModel, Error> {
        let parent = |what, reference: &Option<Reference>| match reference {
            None => Err(Error::from(Kind::NoReference(what))),
            Some(reference) => Parent::check(what, reference, OnDelete::Cascade),
        };
        let schema = Ident::new("the model's schema", self.schema.as_deref().unwrap_or("public"))?;
        let table = |stats, names: &Option<TableNames>| Table::check(stats, &schema, names.as_ref());
        let combinations =
            self.combinations.is_some().then(|| table(Stats::Combinations, &self.combinations));
        let definition = Definition {
            output_ports: parent("output port", &self.output_ports)?,
            consumers: Parent::check_consumers(
                self.consumers.as_ref().ok_or(Kind::NoReference("consumer"))?,
            )?,
            tech_assets: parent("tech asset", &self.tech_assets)?,
            queries: table(Stats::Queries, &self.queries)?,
            touches: table(Stats::Touches, &self.touches)?,
            combinations: combinations.transpose()?,
            coverage: self.coverage.as_ref().map(|names| CoverageTable::check(&schema, names)).transpose()?,
            read_by: ReadBy { consumer: self.read_by_consumer, tech_asset: self.read_by_tech_asset },
            on_citus: self.on_citus,
            schema,
        };
        definition.check_names()?;
        Ok(UsageModel(Arc::new(definition)))
    }
}

impl Definition {
    /// Tables and indexes of a schema share one name space: none may bear the name of another, nor that of a parent.
    fn check_names(&self) -> Result<(), Error> {
        let mut taken: Vec<(String, &Ident, Ident)> = Vec::new();
        let mut take = |what: String, schema, name: Ident| {
            if let Some((first, ..)) = taken.iter().find(|other| other.1 == schema && other.2 == name) {
                let first = first.clone();
                return Err(Kind::NamesAlike { first, second: what, name: name.as_str().to_owned() });
            }
            taken.push((what, schema, name));
            Ok(())
        };
        // one table may be the parent of several ids
        let groups = self.consumers.group.as_ref().map(|(_, groups)| &**groups);
        let parents = [&self.output_ports, &self.consumers, &self.tech_assets];
        let parents: Vec<&Parent> = parents.into_iter().chain(groups).collect();
        for (index, parent) in parents.iter().enumerate() {
            if !parents[..index].iter().any(|other| other.table_ref() == parent.table_ref()) {
                take(format!("the table of {}s", parent.what), &parent.schema, parent.table.clone())?;
            }
        }
        for table in self.tables() {
            let what = table.stats.what();
            take(format!("the table of {what}"), &table.schema, table.name.clone())?;
        }
        if let Some(table) = &self.coverage {
            take(format!("the table of {}", CoverageTable::WHAT), &table.schema, table.name.clone())?;
            let key = format!("the primary key of {}", CoverageTable::WHAT);
            take(key, &table.schema, table.key_name())?;
        }
        for table in self.tables() {
            for index in IndexName::of(table.stats) {
                let what = format!("{} of {}", index.what(), table.stats.what());
                take(what, &table.schema, table.index_name(index))?;
            }
        }
        Ok(())
    }
}
