//! What keeps the tables fast: storage parameters, and partitions for the days to come.

use chrono::NaiveDate;

use super::catalog::{Described, Partition};
use super::difference::{Difference, DifferenceKind as Kind, Severity};
use super::{DAYS_AHEAD, Report, mend};
use crate::model::{Column, Table};
use crate::postgres::{ddl, partitions};

impl Report<'_> {
    pub(super) fn upkeep(&mut self, table: &Table) {
        let Some(described) = self.catalog.of(table.stats.rows()).filter(Described::is_table) else { return };
        let name = format!("{}.{}", table.schema, table.name);
        if described.is_partitioned() {
            for partition in described.partitions().filter(|partition| partition.is_leaf) {
                let name = format!("\"{}\".\"{}\"", partition.schema, partition.name);
                self.storage(&partition.options, &name, &partition.schema, &partition.name);
            }
            self.partitions(table, described, &name);
        } else {
            self.storage(&described.relation.options, &name, table.schema.as_str(), table.name.as_str());
        }
    }

    /// Another value is the host's choice; none at all leaves the server's defaults, which come late.
    fn storage(&mut self, options: &[String], shown: &str, schema: &str, table: &str) {
        let missing: Vec<(&'static str, &'static str)> = ddl::STORAGE_PARAMETERS
            .into_iter()
            .filter(|(wanted, _)| !options.iter().any(|there| there.split('=').next() == Some(wanted)))
            .collect();
        let off = options
            .iter()
            .any(|there| matches!(there.as_str(), "autovacuum_enabled=false" | "autovacuum_enabled=off"));
        if off {
            let message =
                format!("{shown} has autovacuum off: charts read the table until somebody vacuums it");
            self.found(Difference::new(Kind::StorageParameters, Severity::Slow, message));
        }
        if !missing.is_empty() {
            let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
            let message = format!("{shown} is without {}: vacuums come late", names.join(", "));
            let difference = Difference::new(Kind::StorageParameters, Severity::Slow, message);
            self.found(difference.mended_by([mend::storage(schema, table, &missing)]));
        }
    }

    /// Reports the first of the next days that no partition takes.
    fn partitions(&mut self, table: &Table, described: Described<'_>, name: &str) {
        // by other columns, or by more, a day alone does not say where a row goes
        if !described.is_partitioned_by(table.column(Column::Date).as_str()) {
            return;
        }
        let bounds: Vec<(Option<NaiveDate>, Option<NaiveDate>)> =
            described.partitions().filter_map(days).collect();
        let is_taken = |day: &NaiveDate| {
            bounds.iter().any(|(from, until)| {
                from.is_none_or(|from| from <= *day) && until.is_none_or(|until| *day < until)
            })
        };
        let missing = self.today.iter_days().take(DAYS_AHEAD).find(|day| !is_taken(day));
        let default = described.partitions().any(|partition| partition.bound == "DEFAULT");
        if let Some(day) = missing {
            let (severity, leads_to) = if default {
                (Severity::Slow, "rows go to the default partition")
            } else {
                (Severity::Errors, "an ingest will fail with SQLSTATE 23514")
            };
            let message = format!("{name} has no partition for {day}: {leads_to}");
            let year = partitions::add_free_year(table, day, &bounds).filter(|_| !default);
            self.found(Difference::new(Kind::NoPartition, severity, message).mended_by(year));
        }
    }
}

/// The days of a partition: `None` on a side that has no bound.
fn days(partition: &Partition) -> Option<(Option<NaiveDate>, Option<NaiveDate>)> {
    let bounds = partition.bound.strip_prefix("FOR VALUES FROM (")?;
    let (from, until) = bounds.split_once(") TO (")?;
    let day = |text: &str| text.trim_end_matches(')').trim_matches('\'').parse().ok();
    Some((day(from), day(until)))
}
