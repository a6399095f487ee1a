//! The foreign keys of the tables: in their DDL, and by themselves.

use crate::ident::Ident;
use crate::model::{Column, OnDelete, Parent, Table, UsageModel};
use crate::statement::{SqlWriter, Statement};

impl UsageModel {
    /// Drops the tables' foreign keys, for a long back-fill.
    ///
    /// Without them Postgres does not look up every id of every row. Run the statements in a short transaction of their
    /// own: dropping a foreign key locks its parent table too, until the commit, and readers of it wait. Until
    /// [`add_foreign_keys`](Self::add_foreign_keys) has run, usage outlives a parent that is deleted.
    ///
    /// ```
    /// # use output_port_usage::{Reference, UsageModel};
    /// # let model = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"))
    /// #     .build()?;
    /// assert_eq!(
    ///     model.drop_foreign_keys()[0].sql(),
    ///     r#"ALTER /* output-port-usage: drop the foreign key on output_port_id of queries */ TABLE "public"."output_port_query_stats_daily" DROP CONSTRAINT IF EXISTS "output_port_query_stats_daily_output_port_id_fkey""#,
    /// );
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    pub fn drop_foreign_keys(&self) -> Vec<Statement> {
        self.foreign_keys().map(|key| key.drop()).collect()
    }

    /// Adds the tables' foreign keys again, as [`create_tables`](Self::create_tables) declares them.
    ///
    /// Each is first added for new rows only, and then validated for the rows that are there. Run every statement in a
    /// transaction of its own, so that no strong lock is held through a validation, which only keeps parents from being
    /// altered. If a row's parent was deleted meanwhile, the validation fails with SQLSTATE 23503 and names the id.
    ///
    /// Before PostgreSQL 18 a partitioned table takes no foreign key that is `NOT VALID`; there the host adds its own.
    /// (PostgreSQL's page "ALTER TABLE".)
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
        let mut sql = self.alter("drop the foreign key on");
        sql.text(" DROP CONSTRAINT IF EXISTS ").ident(&self.name());
        sql.into_statement()
    }

    /// One that is there already is replaced, so that twice is as once.
    fn add(&self) -> Statement {
        let mut sql = self.alter("add the foreign key on");
        sql.text("\n    DROP CONSTRAINT IF EXISTS ").ident(&self.name()).text(",\n    ADD ");
        self.write(&mut sql);
        sql.text(" NOT VALID");
        sql.into_statement()
    }

    fn validate(&self) -> Statement {
        let mut sql = self.alter("validate the foreign key on");
        sql.text(" VALIDATE CONSTRAINT ").ident(&self.name());
        sql.into_statement()
    }

    fn alter(&self, title: &'static str) -> SqlWriter {
        let mut sql = SqlWriter::of([title, self.column.default_name(), "of", self.table.stats.rows()]);
        sql.text("ALTER TABLE ").qualified(&self.table.schema, &self.table.name);
        sql
    }
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
pub(super) fn references(sql: &mut SqlWriter, parent: &Parent, on_delete: &'static str) {
    sql.text(" REFERENCES ").qualified(&parent.schema, &parent.table).text(" (").ident(&parent.key);
    sql.text(") ON DELETE ").text(on_delete);
}
