//! Vacuuming the tables.

use super::ddl::block;
use crate::ident::Ident;
use crate::model::UsageModel;
use crate::statement::{SqlWriter, Statement};

impl UsageModel {
    /// Vacuums the tables: run the statements in order after an ingest, each by itself, outside a transaction.
    ///
    /// Fresh pages are not yet marked all-visible, so charts read the table as well as its index, which takes 1.6 to 3
    /// times as long, until a vacuum has passed. The tables' storage parameters make autovacuum come soon; this does it
    /// at once.
    ///
    /// `VACUUM` skips a table that the role may not vacuum, with no more than a warning. So the first statement asks for
    /// the right, and fails with SQLSTATE 42501 and the table's name where it is missing: a role that neither owns the
    /// tables and their partitions nor the database needs the privilege MAINTAIN on them, which PostgreSQL has from 17 on.
    ///
    /// ```
    /// # use output_port_usage::{Reference, UsageModel};
    /// # let model = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"))
    /// #     .build()?;
    /// let titles: Vec<_> = model.vacuum().iter().map(|statement| statement.title().to_owned()).collect();
    /// assert_eq!(titles, ["ask whether the role may vacuum", "vacuum the tables"]);
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    pub fn vacuum(&self) -> Vec<Statement> {
        let daily = self.tables().map(|table| (&table.schema, &table.name));
        let coverage = self.0.coverage.iter().map(|table| (&table.schema, &table.name));
        let tables: Vec<_> = daily.chain(coverage).collect();
        let mut sql = SqlWriter::new("vacuum the tables");
        sql.text("VACUUM (ANALYZE) ").list(", ", &tables, |sql, (schema, name)| {
            sql.qualified(schema, name);
        });
        vec![may_vacuum(&tables), sql.into_statement_outside_transaction()]
    }
}

/// Raises what Postgres only warns of, for the first table or partition.
fn may_vacuum(tables: &[(&Ident, &Ident)]) -> Statement {
    let mut sql = SqlWriter::new("ask whether the role may vacuum");
    sql.text("DECLARE\n    of record;\nBEGIN\n    FOR of IN\n        SELECT s.nspname, c.relname");
    sql.text("\n        FROM pg_catalog.pg_class AS t");
    sql.text(block::WITH_PARTITIONS);
    sql.text("\n        JOIN pg_catalog.pg_namespace AS s ON s.oid = c.relnamespace");
    sql.text("\n        JOIN pg_catalog.pg_database AS d ON d.datname = pg_catalog.current_database()");
    sql.text("\n        WHERE (").list("\n                OR ", tables, |sql, (schema, name)| {
        block::is(sql, "t", schema, name);
    });
    sql.text(")\n            AND NOT pg_catalog.pg_has_role(c.relowner, 'USAGE')");
    sql.text(" AND NOT pg_catalog.pg_has_role(d.datdba, 'USAGE')");
    // before, Postgres does not know the privilege
    sql.text("\n            AND CASE WHEN pg_catalog.current_setting('server_version_num')::integer < 170000 THEN true");
    sql.text("\n                ELSE NOT pg_catalog.has_table_privilege(c.oid, 'MAINTAIN') END");
    sql.text("\n        ORDER BY c.oid <> t.oid, 1, 2\n    LOOP");
    sql.text("\n        RAISE EXCEPTION 'permission denied to vacuum %.%', of.nspname, of.relname");
    sql.text("\n            USING ERRCODE = 'insufficient_privilege',");
    sql.text(" HINT = 'its owner may, or from PostgreSQL 17 on a role with MAINTAIN';");
    sql.text("\n    END LOOP;\nEND");
    sql.into_block()
}
