//! The foreign keys of the tables: in their DDL, and by themselves.

use super::block;
use crate::ident::Ident;
use crate::model::{Column, OnDelete, Parent, Table, UsageModel};
use crate::statement::{SqlWriter, Statement};

impl UsageModel {
    /// Drops the tables' foreign keys, for a long back-fill.
    ///
    /// Without them Postgres does not look up every id of every row. They are found by what they are: every foreign key
    /// on one of the model's columns that points to the model's parent, whatever its name, of the table itself or of one
    /// of its partitions. That of [coverage](crate::docs::coverage) stays, because an ingest writes one row of it for each
    /// output port, not for each day.
    ///
    /// Run the statements in a short transaction of their own: dropping a foreign key locks its parent table too, until
    /// the commit, and readers of it wait. Until [`add_foreign_keys`](Self::add_foreign_keys) has run, usage outlives a
    /// parent that is deleted.
    ///
    /// ```
    /// # use output_port_usage::{Reference, UsageModel};
    /// # let model = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"))
    /// #     .build()?;
    /// let statements = model.drop_foreign_keys();
    /// assert_eq!(statements[0].title(), "drop the foreign key on output_port_id of queries");
    /// assert_eq!(statements.len(), 2 + 3);
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    pub fn drop_foreign_keys(&self) -> Vec<Statement> {
        self.foreign_keys().map(|key| key.drop()).collect()
    }

    /// Adds the tables' foreign keys again, as [`create_tables`](Self::create_tables) declares them.
    ///
    /// One that is there already under any name stays. One on the same column to the same parent that does something else
    /// on delete, or points to another of its columns, is replaced: after a change of `on_delete` in the model, this
    /// carries it out. `NO ACTION` does what `RESTRICT` does, so it stays.
    ///
    /// Each is first added for new rows only, and then validated for the rows that are there. Run every statement in a
    /// transaction of its own, so that no strong lock is held through a validation, which only keeps parents from being
    /// altered. If a row's parent was deleted meanwhile, the validation fails with SQLSTATE 23503 and names the id.
    ///
    /// Before PostgreSQL 18 a partitioned table takes no foreign key that is `NOT VALID`
    /// ([PostgreSQL's page "ALTER TABLE"](https://www.postgresql.org/docs/17/sql-altertable.html)). There it is added
    /// at once for all rows, and writes to the table and its parent wait until these have been looked up. So it is for a
    /// table with heirs, as TimescaleDB makes them.
    pub fn add_foreign_keys(&self) -> Vec<Statement> {
        let add = self.foreign_keys().map(|key| key.add());
        add.chain(self.foreign_keys().map(|key| key.validate())).collect()
    }

    fn foreign_keys(&self) -> impl Iterator<Item = ForeignKey<'_>> {
        self.tables().flat_map(|table| ForeignKey::of(self, table))
    }
}

/// A table's reference to a parent that Postgres enforces.
pub(in crate::postgres) struct ForeignKey<'a> {
    table: &'a Table,
    column: Column,
    parent: &'a Parent,
    on_delete: &'static str,
}

impl<'a> ForeignKey<'a> {
    pub(in crate::postgres) fn of(model: &'a UsageModel, table: &'a Table) -> impl Iterator<Item = Self> {
        table.stats.ids().filter_map(move |column| {
            let parent = model.0.parent(column)?;
            Some(Self { table, column, parent, on_delete: on_delete(parent)? })
        })
    }

    pub(in crate::postgres) fn is_on(&self, column: Column) -> bool {
        self.column == column
    }

    pub(in crate::postgres) fn name(&self) -> Ident {
        let suffix = match self.column {
            Column::OutputPortId => "output_port_id_fkey",
            Column::OutputPortId1 => "output_port_id_1_fkey",
            Column::OutputPortId2 => "output_port_id_2_fkey",
            Column::TechAssetId => "tech_asset_id_fkey",
            Column::ConsumerId => "consumer_id_fkey",
            _ => "fkey",
        };
        Ident::derived(&self.table.name, suffix)
    }

    /// The constraint as a table declares it.
    pub(in crate::postgres) fn write(&self, sql: &mut SqlWriter) {
        sql.text("CONSTRAINT ").ident(&self.name());
        sql.text(" FOREIGN KEY (").ident(self.table.column(self.column)).text(")");
        references(sql, self.parent, self.on_delete);
    }

    fn drop(&self) -> Statement {
        let rows = |sql: &mut SqlWriter| {
            sql.text(" s.nspname, c.relname, k.conname");
            self.find(sql, Tables::WithPartitions);
            sql.text("\n        ORDER BY c.oid <> t.oid, 2, 3");
        };
        block::for_each(self.titled("drop the foreign key on"), rows, |sql| {
            sql.text(DROP);
        })
    }

    /// Adds it for new rows, unless it is there; one that says something else goes in the same instant.
    pub(in crate::postgres) fn add(&self) -> Statement {
        let mut sql = self.titled("add the foreign key on");
        sql.text("DECLARE\n    of record;\nBEGIN");
        let others = |sql: &mut SqlWriter| {
            sql.text(" s.nspname, c.relname, k.conname");
            self.find(sql, Tables::Itself);
            sql.text(" AND NOT (");
            self.is_declared(sql);
            sql.text(")\n        ORDER BY 3");
        };
        block::write_loop(&mut sql, others, |sql| {
            sql.text(DROP);
        });
        sql.text("\n    IF NOT EXISTS (\n        SELECT");
        self.find(&mut sql, Tables::Itself);
        sql.text(" AND ");
        self.is_declared(&mut sql);
        sql.text("\n    ) THEN\n        IF EXISTS (\n            SELECT FROM pg_catalog.pg_class AS t\n            WHERE ");
        block::is(&mut sql, "t", &self.table.schema, &self.table.name);
        sql.text("\n                AND (");
        sql.text("\n                    t.relkind = 'p' AND pg_catalog.current_setting('server_version_num')::integer < 180000");
        sql.text("\n                    OR t.relkind <> 'p' AND EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = t.oid)");
        sql.text("\n                )\n        ) THEN");
        sql.text("\n            -- a partitioned table takes none that is NOT VALID, and one of TimescaleDB validates none\n            ");
        self.write_add(&mut sql);
        sql.text(";\n        ELSE\n            ");
        self.write_add(&mut sql);
        sql.text(" NOT VALID;\n        END IF;\n    END IF;\nEND");
        sql.into_block()
    }

    fn write_add(&self, sql: &mut SqlWriter) {
        sql.text("ALTER TABLE ").qualified(&self.table.schema, &self.table.name).text(" ADD ");
        self.write(sql);
    }

    pub(in crate::postgres) fn validate(&self) -> Statement {
        let rows = |sql: &mut SqlWriter| {
            sql.text(" s.nspname, c.relname, k.conname");
            self.find(sql, Tables::Itself);
            sql.text(" AND NOT k.convalidated\n        ORDER BY 3");
        };
        block::for_each(self.titled("validate the foreign key on"), rows, |sql| {
            sql.text("'ALTER TABLE %I.%I VALIDATE CONSTRAINT %I', of.nspname, of.relname, of.conname");
        })
    }

    /// The foreign keys on the column to the parent, whatever their name. Those that a partition has from its table, or a
    /// table for the partitions of its parent, go with the one that they come from.
    pub(in crate::postgres) fn find(&self, sql: &mut SqlWriter, tables: Tables) {
        sql.text("\n        FROM pg_catalog.pg_class AS t");
        sql.text(match tables {
            Tables::Itself => "\n        JOIN pg_catalog.pg_class AS c ON c.oid = t.oid",
            Tables::WithPartitions => block::WITH_PARTITIONS,
        });
        sql.text("\n        JOIN pg_catalog.pg_namespace AS s ON s.oid = c.relnamespace");
        sql.text("\n        JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid");
        sql.text("\n        JOIN pg_catalog.pg_class AS p ON p.oid = k.confrelid");
        sql.text(
            "\n        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]",
        );
        sql.text(
            "\n        JOIN pg_catalog.pg_attribute AS b ON b.attrelid = p.oid AND b.attnum = k.confkey[1]",
        );
        sql.text("\n        WHERE ");
        block::is(sql, "t", &self.table.schema, &self.table.name);
        sql.text("\n            AND ");
        block::is(sql, "p", &self.parent.schema, &self.parent.table);
        sql.text("\n            AND k.contype = 'f' AND k.conparentid = 0::oid AND k.conkey[2] IS NULL");
        sql.text("\n            AND a.attname = ").name_literal(self.table.column(self.column));
    }

    /// Whether the one that was found is as [`write`](Self::write) declares it.
    fn is_declared(&self, sql: &mut SqlWriter) {
        sql.text("b.attname = ").name_literal(&self.parent.key).text(" AND k.confdeltype ");
        sql.text(match self.parent.on_delete {
            OnDelete::Cascade => "= 'c'",
            // no action refuses as well, at the end of the statement
            OnDelete::Restrict => "IN ('r', 'a')",
            OnDelete::Keep => unreachable!("what is kept has no foreign key"),
        });
    }

    fn titled(&self, title: &'static str) -> SqlWriter {
        SqlWriter::of([title, self.column.default_name(), "of", self.table.stats.rows()])
    }
}

/// How a key that was found is dropped.
const DROP: &str = "'ALTER TABLE %I.%I DROP CONSTRAINT %I', of.nspname, of.relname, of.conname";

/// Where foreign keys are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::postgres) enum Tables {
    Itself,
    WithPartitions,
}

/// What deleting a parent's row does; `None` where no constraint is declared.
pub(super) fn on_delete(parent: &Parent) -> Option<&'static str> {
    match parent.on_delete {
        OnDelete::Cascade => Some("CASCADE"),
        OnDelete::Restrict => Some("RESTRICT"),
        OnDelete::Keep => None,
    }
}

/// What a foreign key says after its column.
pub(in crate::postgres) fn references(sql: &mut SqlWriter, parent: &Parent, on_delete: &'static str) {
    sql.text(" REFERENCES ").qualified(&parent.schema, &parent.table).text(" (").ident(&parent.key);
    sql.text(") ON DELETE ").text(on_delete);
}
