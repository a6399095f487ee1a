//! Comparing the database with the model.

mod catalog;
mod difference;
mod keys;
mod mend;
mod references;
mod rights;
mod statement;
mod tables;
mod upkeep;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use self::catalog::Catalog;
pub use self::difference::{Difference, DifferenceKind, Severity};
use super::Role;
use crate::error::Error;
use crate::model::{Table, UsageModel};
use crate::row::{Columnar, Columns, FlatRecord};
use crate::statement::Query;

/// How many days ahead a partition has to be there.
const DAYS_AHEAD: usize = 31;

impl UsageModel {
    /// Compares the database with the model: for a start-up, and to [adopt](crate::docs::migrations#adopting-a-table) tables.
    ///
    /// It is one statement that only reads the catalogs, and ids of a parent that has heirs if the role may, so any role may
    /// run it, on a standby too, and a database without the model's schema is no error but a difference. Its rows become
    /// [differences](Check::differences), each with what it leads to and the statements that mend it. `today` decides which
    /// partitions have to be there.
    ///
    /// It asks as a [writer](Role::Writer), unless [`Check::of_role`] says otherwise, and finds keys, indexes and foreign
    /// keys by their columns, whatever their names.
    ///
    #[cfg_attr(feature = "sqlx", doc = "```no_run")]
    #[cfg_attr(not(feature = "sqlx"), doc = "```ignore")]
    /// # use output_port_usage::{Severity, UsageModel};
    /// # async fn start(
    /// #     pool: sqlx::PgPool,
    /// #     model: UsageModel,
    /// #     today: chrono::NaiveDate,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let check = model.check(today);
    /// let mut transaction = pool.begin().await?;
    /// let rows = check.query().into_sqlx().fetch_all(&mut *transaction).await?;
    /// transaction.commit().await?;
    /// for difference in check.differences(rows)? {
    ///     eprintln!("{}: {difference}", difference.severity());
    ///     for statement in difference.mend() {
    ///         eprintln!("    {statement};");
    ///     }
    ///     if difference.severity() >= Severity::Errors {
    ///         return Err(difference.to_string().into());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn check(&self, today: NaiveDate) -> Check {
        Check { model: self.clone(), role: Role::Writer, today }
    }
}

/// Compares the database with the model; made by [`UsageModel::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a check does nothing until its query has run and its rows are compared"]
pub struct Check {
    model: UsageModel,
    role: Role,
    today: NaiveDate,
}

impl Check {
    /// What the role that asks is for. Defaults to [`Role::Writer`].
    ///
    /// A reader lacks nothing if it may only read, and an owner has to own the model's tables.
    pub fn of_role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// The statement that reads the catalogs.
    ///
    /// It waits while somebody holds one of the model's tables exclusively, as an `ALTER TABLE` does. To give up instead,
    /// set `lock_timeout` first.
    pub fn query(&self) -> Query<CatalogRow> {
        Query::of(statement::read_catalogs(&self.model))
    }

    /// What differs, in the order in which it is best mended. None if all is as the model says.
    ///
    /// To mend everything, run the statements of each in turn, each by itself and not in a transaction, stop at the
    /// first that fails, and check again: what a run could not finish is found by the next.
    ///
    /// # Errors
    ///
    /// Rows of another statement ([`Error::is_result`]).
    pub fn differences(&self, rows: impl IntoIterator<Item = CatalogRow>) -> Result<Vec<Difference>, Error> {
        let catalog = Catalog::read(rows)?;
        let mut report = Report {
            model: &self.model,
            role: self.role,
            today: self.today,
            catalog: &catalog,
            differences: Vec::new(),
        };
        report.all();
        Ok(report.differences)
    }
}

/// A row of [`Check::query`]: one thing that the catalogs say, for [`Check::differences`].
///
/// As JSON: `{"fact": "…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CatalogRow {
    /// JSON, whose keys may change with any release.
    pub fact: String,
}

impl Columnar for CatalogRow {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(Self { fact: row.text("fact")? })
    }

    fn write_to(&self, record: &mut FlatRecord) {
        record.text("fact", self.fact.as_str());
    }
}

/// A comparison under way.
struct Report<'a> {
    model: &'a UsageModel,
    role: Role,
    today: NaiveDate,
    catalog: &'a Catalog,
    differences: Vec<Difference>,
}

impl Report<'_> {
    fn all(&mut self) {
        self.server();
        self.schema();
        self.parents();
        let tables: Vec<Table> = self.model.tables().cloned().collect();
        for table in &tables {
            self.daily_table(table);
        }
        if let Some(table) = self.model.0.coverage.clone() {
            self.coverage_table(&table);
        }
        for table in &tables {
            self.keys(table);
            self.foreign_keys(table);
            self.upkeep(table);
        }
        self.rights();
    }

    fn found(&mut self, difference: Difference) {
        self.differences.push(difference);
    }

    fn writes(&self) -> bool {
        self.role != Role::Reader
    }

    /// The parts of the model's own tables, and their names for a message.
    fn own_tables(&self) -> Vec<(&'static str, String)> {
        let daily = self.model.tables().map(|table| (table.stats.rows(), &table.schema, &table.name));
        let coverage =
            self.model.0.coverage.iter().map(|table| (statement::COVERAGE, &table.schema, &table.name));
        daily.chain(coverage).map(|(part, schema, name)| (part, format!("{schema}.{name}"))).collect()
    }
}
