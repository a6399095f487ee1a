//! What the role may see and do.

use super::catalog::Described;
use super::difference::{Difference, DifferenceKind as Kind, Severity};
use super::{Report, statement};
use crate::ident::Ident;
use crate::postgres::Role;

impl Report<'_> {
    pub(super) fn rights(&mut self) {
        let role = Ident::found(&self.catalog.server.role);
        for schema in &self.catalog.schemas {
            if !schema.usage {
                let message = format!("role {role} may not use schema {}", Ident::found(&schema.name));
                self.found(Difference::new(Kind::Privilege, Severity::Errors, message));
            }
        }
        let tables: Vec<(&'static str, String)> = self.own_tables();
        let mut owners: Vec<&str> = Vec::new();
        for (part, name) in &tables {
            let Some(described) = self.catalog.of(part) else { continue };
            let needs_delete = *part != statement::COVERAGE;
            self.rights_on_table(described, name, needs_delete);
            if !owners.contains(&described.relation.owner.as_str()) {
                owners.push(&described.relation.owner);
            }
        }
        if owners.len() > 1 {
            let message = format!("the tables have several owners: {}", owners.join(", "));
            self.found(Difference::new(Kind::Owner, Severity::Cosmetic, message));
        }
        for (parent, columns) in statement::parents(self.model) {
            let Some(described) = self.catalog.of(parent.what) else { continue };
            let name = format!("{}.{}", parent.schema, parent.table);
            self.row_security(described, &name, "charts leave out the names and the rows that it hides");
            for column in columns {
                if described.column(column.as_str()).is_some_and(|there| !there.select) {
                    self.lacks(&format!("read column {column} of {name}"));
                }
            }
        }
    }

    /// Rows of coverage go with their output port alone, so no write deletes one.
    fn rights_on_table(&mut self, described: Described<'_>, name: &str, needs_delete: bool) {
        let relation = described.relation;
        self.row_security(described, name, "charts leave out the rows that it hides, and writes are refused");
        if !relation.select && !described.columns().all(|column| column.select) {
            self.lacks(&format!("read {name}"));
        }
        if self.writes() {
            for (may, what) in [
                (relation.insert, "insert into"),
                (relation.update, "update"),
                (relation.delete || !needs_delete, "delete from"),
            ] {
                if !may {
                    self.lacks(&format!("{what} {name}"));
                }
            }
        }
        if self.role == Role::Owner && !relation.owned {
            let message = format!("{name} belongs to {}", Ident::found(&relation.owner));
            self.found(Difference::new(Kind::Owner, Severity::Errors, message));
        }
    }

    fn row_security(&mut self, described: Described<'_>, name: &str, leads_to: &str) {
        if described.relation.row_security {
            let message = format!(
                "row level security of {name} applies to role {}: {leads_to}",
                Ident::found(&self.catalog.server.role)
            );
            self.found(Difference::new(Kind::RowSecurity, Severity::WrongNumbers, message));
        }
    }

    fn lacks(&mut self, what: &str) {
        let message = format!("role {} may not {what}", Ident::found(&self.catalog.server.role));
        self.found(Difference::new(Kind::Privilege, Severity::Errors, message));
    }
}
