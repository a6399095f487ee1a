//! The table of coverage.

use super::{COLUMN, block, comment, foreign_key};
use crate::ident::Ident;
use crate::model::{Column, CoverageTable, UsageModel};
use crate::statement::{SqlWriter, Statement};

impl UsageModel {
    /// The table of coverage with its comments, where the model has one.
    pub(in crate::postgres) fn create_coverage(&self) -> Vec<Statement> {
        let Some(table) = &self.0.coverage else { return Vec::new() };
        let columns = CoverageTable::COLUMNS.into_iter().map(|column| comment_on_column(table, column));
        [self.coverage_table(table), comment_on_table(table)].into_iter().chain(columns).collect()
    }

    pub(in crate::postgres) fn drop_coverage(&self) -> Option<Statement> {
        self.0.coverage.as_ref().map(|table| {
            let mut sql = SqlWriter::new("drop the table of coverage");
            sql.text("DROP TABLE IF EXISTS ").qualified(&table.schema, &table.name);
            sql.into_statement()
        })
    }

    fn coverage_table(&self, table: &CoverageTable) -> Statement {
        let sql = SqlWriter::new("create the table of coverage");
        let there = |sql: &mut SqlWriter| block::find_table(sql, &table.schema, &table.name);
        block::unless(sql, there, |sql| self.write_coverage(sql, table))
    }

    fn write_coverage(&self, sql: &mut SqlWriter, table: &CoverageTable) {
        let name = |suffix| Ident::derived(&table.name, suffix);
        let column = |column| table.column(column);
        sql.text("CREATE TABLE ").qualified(&table.schema, &table.name).text(" (");
        for of in CoverageTable::COLUMNS {
            sql.text(COLUMN).ident(column(of)).text(match of {
                Column::OutputPortId => " uuid NOT NULL,",
                Column::Rules => " uuid,",
                _ => " datemultirange NOT NULL,",
            });
        }
        sql.text(COLUMN).text("CONSTRAINT ").ident(&table.key_name());
        sql.text(" PRIMARY KEY (").ident(column(Column::OutputPortId)).text(")");
        for (of, suffix) in [(Column::Settled, "settled_check"), (Column::Counted, "counted_check")] {
            sql.text(",")
                .text(COLUMN)
                .text("CONSTRAINT ")
                .ident(&name(suffix))
                .text(" CHECK (")
                .ident(column(of));
            sql.text(" OPERATOR(pg_catalog.<@) ").ident(column(Column::Measured)).text(")");
        }
        if foreign_key::on_delete(&self.0.output_ports).is_some() {
            sql.text(",").text(COLUMN).text("CONSTRAINT ").ident(&name("output_port_id_fkey"));
            sql.text(" FOREIGN KEY (").ident(column(Column::OutputPortId)).text(")");
            // never RESTRICT: it is usage that may keep an output port, not that it was looked for
            foreign_key::references(sql, &self.0.output_ports, "CASCADE");
        }
        // room for the next version of every row beside it, because an ingest changes most rows at once; and years of gaps
        // stay in the row, where a chart finds them at once
        sql.text("\n        ) WITH (fillfactor = 50, toast_tuple_target = 8160)");
    }
}

fn comment_on_table(table: &CoverageTable) -> Statement {
    let sql = SqlWriter::new("describe the table of coverage");
    let days = "'Which days of an output port were measured; on any other day, no row does not mean no use'";
    comment::on_table(sql, &table.schema, &table.name, days)
}

fn comment_on_column(table: &CoverageTable, column: Column) -> Statement {
    let sql = SqlWriter::of(["describe", column.default_name(), "of coverage"]);
    let named = (&table.schema, &table.name, table.column(column));
    comment::on_column(
        sql,
        named,
        match column {
            Column::Measured => "'Days that some batch stated completely'",
            Column::Settled => "'Measured days that no later run is expected to change'",
            Column::Rules => "'Fingerprint of the rules by which the output port was counted last'",
            Column::Counted => "'Measured days that were counted by these rules'",
            _ => "'Output port'",
        },
    )
}
