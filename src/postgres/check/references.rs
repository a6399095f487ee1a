//! The portal's tables, and the foreign keys to them.

use super::catalog::{Constraint, Described};
use super::difference::{Difference, DifferenceKind as Kind, Severity};
use super::{Report, mend, statement};
use crate::ident::Ident;
use crate::model::{Column, CoverageTable, OnDelete, Parent, Table};
use crate::postgres::ddl::foreign_key::ForeignKey;

impl Report<'_> {
    pub(super) fn parents(&mut self) {
        for (parent, _) in statement::parents(self.model) {
            let name = format!("{}.{}", parent.schema, parent.table);
            let Some(described) = self.catalog.of(parent.what) else {
                let message = format!("table {name} of {}s does not exist", parent.what);
                self.found(Difference::new(Kind::NoTable, Severity::Errors, message));
                continue;
            };
            self.column(described, &name, &parent.key, "uuid");
            if let Some((column, _)) = &parent.group {
                self.column(described, &name, column, "uuid");
            }
            if let Some(label) = parent.label.as_ref().filter(|of| described.column(of.as_str()).is_none()) {
                let message = format!("{name} has no column {label}");
                self.found(Difference::new(Kind::NoColumn, Severity::Errors, message));
            }
            // without a foreign key the library takes any relation, and ids that repeat
            if !parent.may_repeat() && self.is_table(described, &name) {
                self.unique_key(described, parent, &name);
            }
        }
    }

    fn unique_key(&mut self, described: Described<'_>, parent: &Parent, name: &str) {
        let key = &parent.key;
        if !described.indexes().any(|index| index.is_key_over(&[key.as_str()])) {
            let message = format!(
                "column {key} of {name} is not unique: one {} may have several rows, and no foreign key can point to it",
                parent.what
            );
            self.found(Difference::new(Kind::ParentKey, Severity::WrongNumbers, message));
        }
        if let Some(heirs) = described.relation.heirs() {
            let ids = described.relation.only_in_heirs();
            let such = if ids.is_empty() { String::new() } else { format!(", such as {}", ids.join(", ")) };
            let message = format!(
                "heirs of {name} ({heirs}): a foreign key to it refuses the ids that only they hold{such}"
            );
            self.found(Difference::new(Kind::Inherited, Severity::Errors, message));
        }
    }

    /// The foreign keys of a daily table, found by their columns.
    pub(super) fn foreign_keys(&mut self, table: &Table) {
        let Some(described) = self.catalog.of(table.stats.rows()).filter(Described::is_table) else { return };
        let name = format!("{}.{}", table.schema, table.name);
        let all: Vec<&Constraint> = described.constraints().filter(|of| of.references.is_some()).collect();
        for key in all.iter().filter(|key| key.disabled) {
            let message = format!(
                "foreign key {} of {name} is not enforced: its triggers are off, here or on its parent",
                Ident::found(&key.name)
            );
            self.found(Difference::new(Kind::NotEnforced, Severity::WrongNumbers, message));
        }
        for column in table.stats.ids() {
            let Some(parent) = self.model.0.parent(column) else { continue };
            let ident = table.column(column).as_str();
            let keys: Vec<&Constraint> = all.iter().copied().filter(|key| key.columns == [ident]).collect();
            self.foreign_key(described, table, column, parent, &keys);
        }
        let ids: Vec<&str> = table.stats.ids().map(|column| table.column(column).as_str()).collect();
        for key in all.iter().filter(|key| key.columns.len() != 1 || !ids.contains(&key.columns[0].as_str()))
        {
            let message = format!(
                "foreign key {} of {name} is on ({}), where the model has none: it may refuse rows",
                Ident::found(&key.name),
                key.columns.join(", ")
            );
            self.found(Difference::new(Kind::ForeignKey, Severity::Errors, message));
        }
    }

    fn foreign_key(
        &mut self,
        described: Described<'_>,
        table: &Table,
        column: Column,
        parent: &Parent,
        keys: &[&Constraint],
    ) {
        let name = format!("column {} of {}.{}", table.column(column), table.schema, table.name);
        let fits = |key: &&&Constraint| points_to(key, parent) && does_as(key, parent.on_delete);
        let own = ForeignKey::of(self.model, table).find(|key| key.is_on(column)).map(|key| key.name());
        let is_own = |key: &&&Constraint| own.as_ref().is_some_and(|own| own.as_str() == key.name);
        let fitting = keys.iter().filter(fits).find(is_own).or_else(|| keys.iter().find(fits)).copied();
        if fitting.is_none() && parent.on_delete != OnDelete::Keep {
            let wrong = keys.iter().copied().find(|key| points_to(key, parent));
            let (kind, message) = match wrong {
                None => (
                    Kind::NoForeignKey,
                    format!("{name} has no foreign key to {}.{}", parent.schema, parent.table),
                ),
                Some(wrong) => (
                    Kind::ForeignKey,
                    format!(
                        "foreign key {} of {name} says {}, not ON DELETE {}",
                        Ident::found(&wrong.name),
                        action(wrong),
                        wanted(parent)
                    ),
                ),
            };
            let missing = Difference::new(kind, Severity::WrongNumbers, message);
            // not before types and the parent are right, and never in the place of a key of the host's own
            let is_taken = own.is_some_and(|own| {
                described.has_name(own.as_str())
                    && !keys.iter().any(|key| key.name == own.as_str() && points_to(key, parent))
            });
            let is_uuid = described
                .column(table.column(column).as_str())
                .is_some_and(|column| column.of_type.as_deref() == Some("uuid"));
            let may = self.may_be_referenced(parent) && is_uuid && !is_taken;
            let mend = if may { mend::foreign_key(self.model, table, column) } else { Vec::new() };
            self.found(missing.mended_by(mend));
        }
        if let Some(key) = fitting.filter(|key| !key.validated) {
            let message = format!(
                "foreign key {} of {name} is not validated: rows may have no parent",
                Ident::found(&key.name)
            );
            let unsure = Difference::new(Kind::NoForeignKey, Severity::WrongNumbers, message);
            self.found(unsure.mended_by([mend::validate(table, &key.name)]));
        }
        for other in keys.iter().copied().filter(|key| Some(&key.name) != fitting.map(|of| &of.name)) {
            let replaced =
                fitting.is_none() && parent.on_delete != OnDelete::Keep && points_to(other, parent);
            if !replaced {
                self.needless_foreign_key(table, &name, parent, other, fitting);
            }
        }
    }

    /// Rows of coverage go with their output port, whatever becomes of its usage.
    pub(super) fn coverage_foreign_key(
        &mut self,
        described: Described<'_>,
        table: &CoverageTable,
        name: &str,
    ) {
        let parent = &self.model.0.output_ports;
        let column = table.column(Column::OutputPortId);
        let is_there = described.constraints().any(|key| {
            key.columns == [column.as_str()] && points_to(key, parent) && does_as(key, OnDelete::Cascade)
        });
        if parent.on_delete != OnDelete::Keep && !is_there {
            let message = format!(
                "column {column} of {name} has no foreign key to {}.{} that cascades: coverage outlives its output port",
                parent.schema, parent.table
            );
            let may = self.may_be_referenced(parent)
                && !described.has_name(mend::coverage_foreign_key_name(table).as_str());
            let mend = if may { mend::coverage_foreign_key(table, parent) } else { Vec::new() };
            self.found(Difference::new(Kind::NoForeignKey, Severity::Cosmetic, message).mended_by(mend));
        }
    }

    fn may_be_referenced(&self, parent: &Parent) -> bool {
        self.catalog.of(parent.what).is_some_and(|described| {
            let key = parent.key.as_str();
            described.is_table()
                && described.column(key).is_some_and(|column| column.of_type.as_deref() == Some("uuid"))
                && described.indexes().any(|index| index.is_key_over(&[key]))
        })
    }

    fn needless_foreign_key(
        &mut self,
        table: &Table,
        name: &str,
        parent: &Parent,
        key: &Constraint,
        fitting: Option<&Constraint>,
    ) {
        let is_doubled = points_to(key, parent) && fitting.is_some();
        let does_the_same = is_doubled && does_as(key, parent.on_delete);
        let (severity, why) = match action(key) {
            _ if does_the_same => (Severity::Slow, "is there twice".to_owned()),
            "ON DELETE CASCADE" => (
                Severity::WrongNumbers,
                "says ON DELETE CASCADE, and the model has no such key: usage goes with what it points to"
                    .to_owned(),
            ),
            deletes => (
                Severity::Errors,
                format!("says {deletes}, and the model has no such key: it refuses ids or deletes"),
            ),
        };
        let message = format!("foreign key {} of {name} {why}", Ident::found(&key.name));
        let needless = Difference::new(Kind::ForeignKey, severity, message);
        // one to another table is the host's own, or the parent has another name
        let drop = points_to(key, parent).then(|| mend::drop_constraint(table, &key.name));
        self.found(needless.mended_by(drop));
    }
}

fn points_to(key: &Constraint, parent: &Parent) -> bool {
    key.references.as_ref().is_some_and(|to| {
        to.schema == parent.schema.as_str()
            && to.table == parent.table.as_str()
            && to.columns == [parent.key.as_str()]
    })
}

/// `NO ACTION` refuses as `RESTRICT` does, at the end of the statement.
fn does_as(key: &Constraint, on_delete: OnDelete) -> bool {
    let action = key.references.as_ref().map_or("", |to| to.on_delete.as_str());
    match on_delete {
        OnDelete::Cascade => action == "c",
        OnDelete::Restrict => matches!(action, "r" | "a"),
        OnDelete::Keep => false,
    }
}

fn action(key: &Constraint) -> &'static str {
    match key.references.as_ref().map_or("", |to| to.on_delete.as_str()) {
        "c" => "ON DELETE CASCADE",
        "r" => "ON DELETE RESTRICT",
        "n" => "ON DELETE SET NULL",
        "d" => "ON DELETE SET DEFAULT",
        _ => "ON DELETE NO ACTION",
    }
}

fn wanted(parent: &Parent) -> &'static str {
    match parent.on_delete {
        OnDelete::Cascade => "CASCADE",
        OnDelete::Restrict => "RESTRICT",
        OnDelete::Keep => "nothing",
    }
}
