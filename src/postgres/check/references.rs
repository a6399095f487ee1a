//! The portal's tables, and the foreign keys to them.

use super::catalog::{Constraint, Described};
use super::difference::{Difference, DifferenceKind as Kind, Severity};
use super::{Report, mend, statement};
use crate::model::{Column, OnDelete, Parent, Table};
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
        if !described.indexes().any(|index| index.is_unique_over(&[key.as_str()])) {
            let message = format!(
                "column {key} of {name} is not unique: one {} may have several rows, and no foreign key can point to it",
                parent.what
            );
            self.found(Difference::new(Kind::ParentKey, Severity::WrongNumbers, message));
        }
        if described.relation.inherited {
            let message = format!(
                "tables inherit from {name}: a foreign key to it refuses the ids that only they hold"
            );
            self.found(Difference::new(Kind::InheritedParent, Severity::Errors, message));
        }
    }

    /// The foreign keys of a daily table, found by their columns.
    pub(super) fn foreign_keys(&mut self, table: &Table) {
        let Some(described) = self.catalog.of(table.stats.rows()).filter(Described::is_table) else { return };
        for column in table.stats.ids() {
            let Some(parent) = self.model.0.parent(column) else { continue };
            let ident = table.column(column).as_str();
            let keys: Vec<&Constraint> = described
                .constraints()
                .filter(|constraint| constraint.references.is_some() && constraint.columns == [ident])
                .collect();
            self.foreign_key(table, column, parent, &keys);
        }
    }

    fn foreign_key(&mut self, table: &Table, column: Column, parent: &Parent, keys: &[&Constraint]) {
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
                        "foreign key {:?} of {name} says {}, not ON DELETE {}",
                        wrong.name,
                        action(wrong),
                        wanted(parent)
                    ),
                ),
            };
            let missing = Difference::new(kind, Severity::WrongNumbers, message);
            // not before the parent is mended, which is the portal's own table
            let mend = self.may_be_referenced(parent).then(|| mend::foreign_key(self.model, table, column));
            self.found(missing.mended_by(mend.into_iter().flatten()));
        }
        if let Some(key) = fitting.filter(|key| !key.validated) {
            let message =
                format!("foreign key {:?} of {name} is not validated: rows may have no parent", key.name);
            let unsure = Difference::new(Kind::NoForeignKey, Severity::WrongNumbers, message);
            self.found(unsure.mended_by([mend::validate(table, &key.name)]));
        }
        for other in keys.iter().copied().filter(|key| Some(&key.name) != fitting.map(|of| &of.name)) {
            let replaced =
                fitting.is_none() && parent.on_delete != OnDelete::Keep && points_to(other, parent);
            if !replaced {
                self.needless_foreign_key(table, &name, parent, other, fitting.is_some());
            }
        }
    }

    fn may_be_referenced(&self, parent: &Parent) -> bool {
        self.catalog.of(parent.what).is_some_and(|described| {
            described.is_table()
                && described.indexes().any(|index| index.is_unique_over(&[parent.key.as_str()]))
        })
    }

    fn needless_foreign_key(
        &mut self,
        table: &Table,
        name: &str,
        parent: &Parent,
        key: &Constraint,
        doubled: bool,
    ) {
        let (severity, why) = match (doubled && points_to(key, parent), action(key)) {
            (true, deletes) if deletes == format!("ON DELETE {}", wanted(parent)) => {
                (Severity::Slow, "is there twice".to_owned())
            }
            (_, "ON DELETE CASCADE") => (
                Severity::WrongNumbers,
                "says ON DELETE CASCADE, and the model has no such key: usage goes with what it points to"
                    .to_owned(),
            ),
            (_, deletes) => (
                Severity::Errors,
                format!("says {deletes}, and the model has no such key: it refuses ids or deletes"),
            ),
        };
        let message = format!("foreign key {:?} of {name} {why}", key.name);
        let needless = Difference::new(Kind::ForeignKey, severity, message);
        self.found(needless.mended_by([mend::drop_constraint(table, &key.name)]));
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
