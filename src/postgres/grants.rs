//! The rights that a database role needs, and no others.

use super::Role;
use crate::error::{Error, Kind};
use crate::ident::Ident;
use crate::model::{OnDelete, Parent, UsageModel};
use crate::statement::{SqlWriter, Statement};

impl UsageModel {
    /// Grants a role what it needs: its schemas, tables, and columns of the parents.
    ///
    /// Run the statements as the owner of the schemas and tables, or as a superuser: those of a [reader](Role::Reader) and a
    /// [writer](Role::Writer) after the tables exist, those of an [owner](Role::Owner), who then creates them, before. Of a
    /// parent, only the key, the label and the group column are granted.
    ///
    /// An owner has all rights on tables that it has created. [`create_schema`](Self::create_schema) needs CREATE on the
    /// database, which is not granted here. A writer may not [`vacuum`](Self::vacuum), and its
    /// [back-fills](Self::backfill) load into the keys as they are. If a parent has row level security, the role needs a
    /// policy too.
    ///
    /// # Errors
    ///
    /// [`is_configuration`](Error::is_configuration) if the name is none, or is `public`, which to Postgres means every role.
    ///
    /// # Example
    ///
    /// ```
    /// use output_port_usage::{Reference, Role, UsageModel};
    ///
    /// let model = UsageModel::builder()
    ///     .schema("usage")
    ///     .output_ports(Reference::to("datasets").label("name"))
    ///     .consumers(Reference::to("data_products"))
    ///     .tech_assets(Reference::to("technical_assets"))
    ///     .build()?;
    /// let grants = model.grants(Role::Reader, "dashboard")?;
    /// let texts: Vec<_> = grants.iter().map(|grant| grant.sql()).collect();
    /// assert_eq!(texts[0], r#"GRANT /* output-port-usage: grant the schema */ USAGE ON SCHEMA "usage" TO "dashboard""#);
    /// assert_eq!(
    ///     texts[3],
    ///     r#"GRANT /* output-port-usage: grant output ports */ SELECT ("id", "name") ON TABLE "public"."datasets" TO "dashboard""#,
    /// );
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    pub fn grants(&self, role: Role, name: &str) -> Result<Vec<Statement>, Error> {
        let name = Ident::new("the role", name)?;
        if name.as_str() == "public" {
            let (what, name) = ("the role".to_owned(), name.as_str().to_owned());
            return Err(Kind::Name { what, name, reason: "means every role to Postgres" }.into());
        }
        let grant = Grant { model: self, role, to: &name };
        let mut statements = vec![grant.schema()];
        statements.extend(grant.tables());
        statements.extend(grant.coverage());
        statements.extend(grant.parents());
        Ok(statements)
    }
}

struct Grant<'a> {
    model: &'a UsageModel,
    role: Role,
    to: &'a Ident,
}

impl Grant<'_> {
    fn schema(&self) -> Statement {
        let mut sql = SqlWriter::new("grant the schema");
        sql.text(match self.role {
            Role::Reader | Role::Writer => "GRANT USAGE ON SCHEMA ",
            Role::Owner => "GRANT USAGE, CREATE ON SCHEMA ",
        });
        sql.ident(&self.model.0.schema);
        self.to(sql)
    }

    fn tables(&self) -> Option<Statement> {
        let mut sql = SqlWriter::new("grant the tables");
        sql.text(match self.role {
            Role::Reader => "GRANT SELECT ON TABLE ",
            Role::Writer => "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE ",
            Role::Owner => return None,
        });
        sql.list(", ", self.model.tables(), |sql, table| {
            sql.qualified(&table.schema, &table.name);
        });
        Some(self.to(sql))
    }

    fn coverage(&self) -> Option<Statement> {
        let table = self.model.0.coverage.as_ref()?;
        let mut sql = SqlWriter::new("grant the table of coverage");
        sql.text(match self.role {
            Role::Reader => "GRANT SELECT ON TABLE ",
            // its rows go with their output ports alone
            Role::Writer => "GRANT SELECT, INSERT, UPDATE ON TABLE ",
            Role::Owner => return None,
        });
        sql.qualified(&table.schema, &table.name);
        Some(self.to(sql))
    }

    /// The schemas of the parents, each once, and the columns of each parent.
    fn parents(&self) -> Vec<Statement> {
        let model = &self.model.0;
        let groups = model.consumers.group.as_ref().map(|(_, groups)| &**groups);
        let parents = [Some(&model.output_ports), Some(&model.consumers), Some(&model.tech_assets), groups];
        let parents: Vec<&Parent> = parents.into_iter().flatten().collect();
        let mut schemas: Vec<&Ident> = Vec::new();
        for parent in &parents {
            if parent.schema != model.schema && !schemas.contains(&&parent.schema) {
                schemas.push(&parent.schema);
            }
        }
        let of_schemas = (!schemas.is_empty()).then(|| {
            let mut sql = SqlWriter::new("grant the schemas of the parents");
            sql.text("GRANT USAGE ON SCHEMA ").list(", ", schemas, |sql, schema| {
                sql.ident(schema);
            });
            self.to(sql)
        });
        of_schemas.into_iter().chain(parents.into_iter().map(|parent| self.parent(parent))).collect()
    }

    fn parent(&self, parent: &Parent) -> Statement {
        let mut sql = SqlWriter::for_each("grant", parent.plural());
        sql.text("GRANT SELECT (").list(", ", columns(parent), |sql, column| {
            sql.ident(column);
        });
        sql.text(")");
        if self.role == Role::Owner && parent.on_delete != OnDelete::Keep {
            sql.text(", REFERENCES (").ident(&parent.key).text(")");
        }
        sql.text(" ON TABLE ").qualified(&parent.schema, &parent.table);
        self.to(sql)
    }

    fn to(&self, mut sql: SqlWriter) -> Statement {
        sql.text(" TO ").ident(self.to);
        sql.into_statement()
    }
}

/// What charts read of a parent, each once: a group may be named by its key.
fn columns(parent: &Parent) -> Vec<&Ident> {
    let mut columns = vec![&parent.key];
    let group = parent.group.as_ref().map(|(column, _)| column);
    for column in parent.label.iter().chain(group) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}
