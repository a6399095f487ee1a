//! The schema, the tables, their columns and their checks.

use super::catalog::Described;
use super::difference::{Difference, DifferenceKind as Kind, Severity};
use super::{Report, mend};
use crate::ident::Ident;
use crate::model::{Column, CoverageTable, Stats, Table};

impl Report<'_> {
    pub(super) fn server(&mut self) {
        let server = &self.catalog.server;
        if server.version < 140_000 {
            let message = format!(
                "the server is PostgreSQL {}: the library needs 14 or newer",
                server.version / 10_000
            );
            self.found(Difference::new(Kind::Server, Severity::Errors, message));
        }
        if server.standby && self.writes() {
            let message = "the server is a standby: it takes no writes".to_owned();
            self.found(Difference::new(Kind::ReadOnly, Severity::Errors, message));
        } else if server.read_only && self.writes() {
            let message = format!(
                "default_transaction_read_only is on for role {}: it writes nothing",
                Ident::found(&server.role)
            );
            self.found(Difference::new(Kind::ReadOnly, Severity::Errors, message));
        }
        if server.replica && self.writes() {
            let message = "session_replication_role is replica: no foreign key is enforced".to_owned();
            self.found(Difference::new(Kind::NotEnforced, Severity::WrongNumbers, message));
        }
    }

    pub(super) fn schema(&mut self) {
        let schema = &self.model.0.schema;
        if !self.catalog.schemas.iter().any(|there| there.name == schema.as_str()) {
            let message = format!("schema {schema} does not exist");
            let missing = Difference::new(Kind::NoSchema, Severity::Errors, message);
            self.found(missing.mended_by([self.model.create_schema()]));
        }
    }

    /// A daily table, if it is one: its columns and checks.
    pub(super) fn daily_table(&mut self, table: &Table) {
        let name = format!("{}.{}", table.schema, table.name);
        let Some(described) = self.catalog.of(table.stats.rows()) else {
            let message = format!("table {name} of {} does not exist", table.stats.rows());
            let missing = Difference::new(Kind::NoTable, Severity::Errors, message);
            self.found(missing.mended_by(self.model.create_table_and_ways(table)));
            return;
        };
        if !self.is_table(described, &name) {
            return;
        }
        for &column in table.stats.columns() {
            let wanted = match column {
                Column::Date => "date",
                Column::QueryCount => "int4",
                _ => "uuid",
            };
            let ident = table.column(column);
            self.column(described, &name, ident, wanted);
            if described.column(ident.as_str()).is_some_and(|there| !there.not_null) {
                let message = format!("column {ident} of {name} takes NULL");
                let nullable = Difference::new(Kind::Nullable, Severity::WrongNumbers, message);
                self.found(nullable.mended_by(mend::set_not_null(table, column)));
            }
        }
        let known: Vec<&str> =
            table.stats.columns().iter().map(|&column| table.column(column).as_str()).collect();
        self.required_columns(described, &name, &known);
        self.checks(described, table, &name);
        self.triggers(described, &name);
        self.kind_of_table(described, &name);
    }

    pub(super) fn coverage_table(&mut self, table: &CoverageTable) {
        let name = format!("{}.{}", table.schema, table.name);
        let Some(described) = self.catalog.of(super::statement::COVERAGE) else {
            let message = format!("table {name} of coverage does not exist");
            let missing = Difference::new(Kind::NoTable, Severity::Errors, message);
            self.found(missing.mended_by(self.model.create_coverage()));
            return;
        };
        if !self.is_table(described, &name) {
            return;
        }
        for column in CoverageTable::COLUMNS {
            let wanted = match column {
                Column::OutputPortId | Column::Rules => "uuid",
                _ => "datemultirange",
            };
            self.column(described, &name, table.column(column), wanted);
        }
        let known: Vec<&str> =
            CoverageTable::COLUMNS.into_iter().map(|column| table.column(column).as_str()).collect();
        self.required_columns(described, &name, &known);
        let port = table.column(Column::OutputPortId).as_str();
        if !described.indexes().any(|index| index.is_unique_over(&[port])) {
            let message = format!("{name} has no unique key over {}", table.column(Column::OutputPortId));
            self.found(Difference::new(Kind::NoKey, Severity::Errors, message));
        }
        self.coverage_foreign_key(described, table, &name);
        self.triggers(described, &name);
    }

    fn kind_of_table(&mut self, described: Described<'_>, name: &str) {
        if let Some(heirs) = described.relation.heirs() {
            let message = format!("heirs of {name} ({heirs}): charts count their rows too");
            self.found(Difference::new(Kind::Inherited, Severity::WrongNumbers, message));
        }
        if described.relation.unlogged {
            let message = format!("{name} or a partition of it is unlogged: after a crash it is empty");
            self.found(Difference::new(Kind::Unlogged, Severity::WrongNumbers, message));
        }
    }

    /// Reports what is no table.
    pub(super) fn is_table(&mut self, described: Described<'_>, name: &str) -> bool {
        if !described.is_table() {
            let message = format!("{name} is {}, not a table", described.what());
            self.found(Difference::new(Kind::NotATable, Severity::Errors, message));
        }
        described.is_table()
    }

    /// Reports a column that is missing or has another type.
    pub(super) fn column(&mut self, described: Described<'_>, name: &str, column: &Ident, wanted: &str) {
        match described.column(column.as_str()) {
            None => {
                let message = format!("{name} has no column {column}");
                self.found(Difference::new(Kind::NoColumn, Severity::Errors, message));
            }
            Some(there) if there.of_type.as_deref() != Some(wanted) => {
                let wanted = if wanted == "int4" { "integer" } else { wanted };
                let message = format!("column {column} of {name} is {}, not {wanted}", there.shown);
                self.found(Difference::new(Kind::ColumnType, Severity::Errors, message));
            }
            Some(there) if there.generated => {
                let message = format!("column {column} of {name} is generated: no write can set it");
                self.found(Difference::new(Kind::ColumnType, Severity::Errors, message));
            }
            Some(_) => {}
        }
    }

    /// Reports columns that the library leaves out of what it writes, and Postgres does not.
    fn required_columns(&mut self, described: Described<'_>, name: &str, known: &[&str]) {
        for column in described.columns() {
            if column.not_null && !column.filled && !known.contains(&column.name.as_str()) {
                let message = format!(
                    "column {} of {name} is NOT NULL without a default: the library writes no value for it",
                    Ident::found(&column.name)
                );
                self.found(Difference::new(Kind::RequiredColumn, Severity::Errors, message));
            }
        }
    }

    /// Constraints are found by what they say, as Postgres writes it.
    fn checks(&mut self, described: Described<'_>, table: &Table, name: &str) {
        let shown = |column| table.column(column).as_str();
        let mut wanted = vec![(format!("CHECK (({} >= 0))", shown(Column::QueryCount)), mend::Check::Count)];
        if table.stats == Stats::Combinations {
            let (first, second) = (shown(Column::OutputPortId1), shown(Column::OutputPortId2));
            wanted.push((format!("CHECK (({first} < {second}))"), mend::Check::Ordered));
        }
        let is_integer = described.column(shown(Column::QueryCount)).is_some_and(|of| of.shown == "integer");
        for (definition, check) in wanted {
            if check == mend::Check::Count && !is_integer {
                // the type is reported, and Postgres shows the constraint with a cast
                continue;
            }
            let there = described.constraints().find(|constraint| {
                // Postgres quotes what it has to; a name of the model holds no quote
                constraint.references.is_none()
                    && constraint.definition.replace('"', "").starts_with(&definition)
            });
            if there.is_some_and(|constraint| constraint.validated) {
                continue;
            }
            let message = match there {
                Some(_) => format!("{name} has a constraint that is not validated: {definition}"),
                None => format!("{name} has no constraint {definition}"),
            };
            let severity = match check {
                mend::Check::Count => Severity::Errors,
                // a chart reads the pairs from either side
                mend::Check::Ordered => Severity::WrongNumbers,
            };
            let missing = Difference::new(Kind::NoCheck, severity, message);
            let is_free = there.is_some() || !described.has_name(check.name(table).as_str());
            let mend = if is_free { mend::check(table, check, there) } else { Vec::new() };
            self.found(missing.mended_by(mend));
        }
    }

    fn triggers(&mut self, described: Described<'_>, name: &str) {
        for trigger in described.triggers() {
            let (severity, what) = if trigger.before {
                (Severity::WrongNumbers, "may change or swallow what is written")
            } else {
                (Severity::Slow, "runs for what is written")
            };
            let message = format!("trigger {} on {name} {what}", Ident::found(&trigger.name));
            self.found(Difference::new(Kind::Trigger, severity, message));
        }
        if described.relation.rules {
            let message = format!("a rule on {name} may change or swallow what is written");
            self.found(Difference::new(Kind::Trigger, Severity::WrongNumbers, message));
        }
    }
}
