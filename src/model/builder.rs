//! Configuring a model; every name is checked at `build()`.

use super::{DeleteIndexes, OnDelete, Parent, Reference, Stats, Table, TableNames, UsageModel};
use crate::error::{Error, Kind};
use crate::ident::Ident;

/// Builds a [`UsageModel`].
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until `build()`"]
pub struct UsageModelBuilder {
    schema: Option<String>,
    output_ports: Option<Reference>,
    consumers: Option<Reference>,
    tech_assets: Option<Reference>,
    query_stats: Option<TableNames>,
    touch_stats: Option<TableNames>,
    combination_stats: Option<TableNames>,
    delete_indexes: Option<DeleteIndexes>,
}

impl UsageModelBuilder {
    /// The schema of the model's tables. Defaults to `public`.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// The parent table of output ports. Required.
    pub fn output_ports(mut self, reference: Reference) -> Self {
        self.output_ports = Some(reference);
        self
    }

    /// The parent table of consumers. Required.
    pub fn consumers(mut self, reference: Reference) -> Self {
        self.consumers = Some(reference);
        self
    }

    /// The parent table of tech assets. Required.
    pub fn tech_assets(mut self, reference: Reference) -> Self {
        self.tech_assets = Some(reference);
        self
    }

    /// The names of table 1. Defaults to `output_port_query_stats_daily` and its default columns.
    pub fn query_stats(mut self, names: TableNames) -> Self {
        self.query_stats = Some(names);
        self
    }

    /// The names of table 2. Defaults to `tech_asset_stats_daily` and its default columns.
    pub fn touch_stats(mut self, names: TableNames) -> Self {
        self.touch_stats = Some(names);
        self
    }

    /// Adds table 3, which the chart "Most often combined with" reads. Defaults to none.
    pub fn combinations(self) -> Self {
        self.combination_stats(TableNames::new(Stats::Combinations.default_name()))
    }

    /// Adds table 3 under names of the host's own; see [`combinations`](Self::combinations).
    pub fn combination_stats(mut self, names: TableNames) -> Self {
        self.combination_stats = Some(names);
        self
    }

    /// Adds indexes that make deleting a consumer or a tech asset fast. Defaults to none: they slow
    /// every ingest down, no chart uses them, and deleting an output port is fast without.
    pub fn delete_indexes(mut self) -> Self {
        self.delete_indexes = Some(DeleteIndexes::With);
        self
    }

    /// Checks every name, once.
    ///
    /// # Errors
    ///
    /// A parent table that was not given; a name that is empty, longer than 63 bytes or holds a
    /// double quote or NUL ([`Error::is_invalid_name`]); two tables or two columns of a table with one name
    /// ([`Error::is_duplicate_name`]); a name for a column that the table does not have.
    pub fn build(self) -> Result<UsageModel, Error> {
        let parent = |what, reference: &Option<Reference>, on_delete| match reference {
            None => Err(Error::from(Kind::NoReference(what))),
            Some(reference) => Parent::check(what, reference, on_delete),
        };
        let schema = Ident::new("the model's schema", self.schema.as_deref().unwrap_or("public"))?;
        let model = UsageModel {
            output_ports: parent("output port", &self.output_ports, OnDelete::Cascade)?,
            consumers: parent("consumer", &self.consumers, OnDelete::Restrict)?,
            tech_assets: parent("tech asset", &self.tech_assets, OnDelete::Cascade)?,
            query_stats: Table::check(Stats::Queries, &schema, self.query_stats.as_ref())?,
            touch_stats: Table::check(Stats::Touches, &schema, self.touch_stats.as_ref())?,
            combination_stats: self
                .combination_stats
                .map(|names| Table::check(Stats::Combinations, &schema, Some(&names)))
                .transpose()?,
            delete_indexes: self.delete_indexes.unwrap_or(DeleteIndexes::Without),
            schema,
        };
        model.check_table_names()?;
        Ok(model)
    }
}

impl UsageModel {
    /// No table of the model may bear the name of another, nor that of a parent.
    fn check_table_names(&self) -> Result<(), Error> {
        let parents = [&self.output_ports, &self.consumers, &self.tech_assets]
            .map(|parent| (format!("the table of {}s", parent.what), &parent.schema, &parent.table));
        let mut taken = parents.to_vec();
        for table in self.tables() {
            let this = (format!("the table of {}", table.stats.what()), &table.schema, &table.name);
            if let Some(other) = taken.iter().find(|other| other.1 == this.1 && other.2 == this.2) {
                let name = table.name.as_str().to_owned();
                return Err(Kind::NamesAlike { first: other.0.clone(), second: this.0, name }.into());
            }
            taken.push(this);
        }
        Ok(())
    }
}
