//! Spreading the tables over a distributed PostgreSQL.

use crate::ident::Ident;
use crate::model::{Column, CoverageTable, Parent, Table, UsageModel};
use crate::statement::{SqlWriter, Statement};

/// An extension that spreads the model's tables, for [`UsageModel::distribute`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Distribution {
    /// [Citus](https://docs.citusdata.com): parents on every node, usage spread by output port.
    ///
    /// All rows of an output port are on one node, so a chart of one output port reads one node. Each parent table
    /// becomes a reference table. `create_reference_table` refuses a table whose own foreign keys point to a local
    /// table, so parents of parents (the groups of consumers) come first.
    Citus,
    /// [TimescaleDB](https://docs.timescale.com): a chunk for each year, compressed by output port when asked to.
    ///
    /// The statements partition the tables and say how a chunk is compressed. Which chunks are, and when, is up to the
    /// host: `add_compression_policy` or `compress_chunk`. Leave days that are still replaced uncompressed.
    TimescaleDb,
}

impl UsageModel {
    /// Spreads the empty tables over a distributed PostgreSQL.
    ///
    /// Run the statements in order, each by itself, after [`create_tables`](Self::create_tables) and before the first
    /// ingest, where the extension is installed; on Citus, on the coordinator. They ask the catalogs what is left to do, so
    /// they may be run again at any time, and have to be after a table was added. Where the extension is missing, each is an
    /// error that names it (SQLSTATE 0A000). Ingests, charts and upkeep stay the same statements. What was tried is in the
    /// [guide](crate::docs::scale#distribute).
    ///
    /// ```
    /// use output_port_usage::{Distribution, Reference, UsageModel};
    ///
    /// let model = UsageModel::builder()
    ///     .schema("usage")
    ///     .output_ports(Reference::to("datasets"))
    ///     .consumers(Reference::to("data_products"))
    ///     .tech_assets(Reference::to("technical_assets"))
    ///     .build()?;
    /// let statements = model.distribute(Distribution::Citus);
    /// assert!(statements[0].sql().contains("create_reference_table"));
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    pub fn distribute(&self, distribution: Distribution) -> Vec<Statement> {
        match distribution {
            Distribution::Citus => self.over_citus(),
            Distribution::TimescaleDb => self.tables().flat_map(by_year).collect(),
        }
    }

    /// Each parent once, before the tables that point to it.
    fn over_citus(&self) -> Vec<Statement> {
        let mut parents: Vec<&Parent> = Vec::new();
        for parent in [&self.0.output_ports, &self.0.consumers, &self.0.tech_assets] {
            let group = parent.group.as_ref().map(|(_, groups)| &**groups);
            for parent in group.into_iter().chain([parent]) {
                if !parents.iter().any(|other| other.table_ref() == parent.table_ref()) {
                    parents.push(parent);
                }
            }
        }
        let first = self.tables().next();
        let references = parents.into_iter().map(reference_table);
        let coverage = self.0.coverage.as_ref().map(|table| distributed_coverage(table, first));
        references.chain(self.tables().map(|table| distributed_table(table, first))).chain(coverage).collect()
    }
}

fn reference_table(parent: &Parent) -> Statement {
    let sql = SqlWriter::for_each("distribute the parents,", parent.plural());
    let there = |sql: &mut SqlWriter| {
        spread(sql, &parent.schema, &parent.table);
        sql.text(" AND d.partmethod = 'n' AND d.repmodel = 't'");
    };
    unless(CITUS, sql, there, |sql| {
        sql.text("PERFORM create_reference_table(").regclass(&parent.schema, &parent.table).text(")");
    })
}

/// As the daily tables are.
fn distributed_coverage(table: &CoverageTable, first: Option<&Table>) -> Statement {
    let sql = SqlWriter::new("distribute the table of coverage");
    by_port(sql, (&table.schema, &table.name, table.column(Column::OutputPortId)), first)
}

/// By output port, and on the node where the first table has it.
fn distributed_table(table: &Table, first: Option<&Table>) -> Statement {
    let sql = SqlWriter::for_each("distribute the table of", table.stats.rows());
    let column = table.column(first_port(table));
    by_port(sql, (&table.schema, &table.name, column), first.filter(|first| *first != table))
}

/// A table that is spread by another column is refused by Citus itself.
fn by_port(
    sql: SqlWriter,
    (schema, name, column): (&Ident, &Ident, &Ident),
    first: Option<&Table>,
) -> Statement {
    let there = |sql: &mut SqlWriter| {
        spread(sql, schema, name);
        sql.text(
            " AND d.partmethod = 'h'\n            AND column_to_column_name(d.logicalrelid, d.partkey) = ",
        );
        sql.name_literal(column);
    };
    unless(CITUS, sql, there, |sql| {
        sql.text("PERFORM create_distributed_table(").regclass(schema, name).text(", ").name_literal(column);
        if let Some(first) = first {
            sql.text(", colocate_with => ").regclass(&first.schema, &first.name);
        }
        sql.text(")");
    })
}

/// The table in the catalog of Citus, as `d`.
fn spread(sql: &mut SqlWriter, schema: &Ident, name: &Ident) {
    sql.text("\n        FROM pg_dist_partition AS d\n        WHERE d.logicalrelid = ").regclass(schema, name);
    sql.text("::regclass");
}

/// An extension, by a relation that it brings. Where its functions are is the host's choice, so they bear no schema.
struct Extension {
    missing: &'static str,
}

const CITUS: Extension = Extension {
    missing: "IF pg_catalog.to_regclass('pg_dist_partition') IS NULL THEN
        RAISE EXCEPTION 'the extension citus is not installed in this database' USING ERRCODE = 'feature_not_supported';",
};

const TIMESCALE_DB: Extension = Extension {
    missing: "IF pg_catalog.to_regclass('timescaledb_information.hypertables') IS NULL THEN
        RAISE EXCEPTION 'the extension timescaledb is not installed in this database' USING ERRCODE = 'feature_not_supported';",
};

/// Runs `spread` unless `there` finds a row; it goes on after `SELECT`.
fn unless(
    extension: Extension,
    mut sql: SqlWriter,
    there: impl FnOnce(&mut SqlWriter),
    spread: impl FnOnce(&mut SqlWriter),
) -> Statement {
    sql.text("BEGIN\n    ")
        .text(extension.missing)
        .text("\n    END IF;\n    IF NOT EXISTS (\n        SELECT");
    there(&mut sql);
    sql.text("\n    ) THEN\n        ");
    spread(&mut sql);
    sql.text(";\n    END IF;\nEND");
    sql.into_block()
}

/// The key has a date, so no index is added; the rest of the key orders a compressed segment.
fn by_year(table: &Table) -> [Statement; 2] {
    let port = first_port(table);
    let hypertable = |sql: &mut SqlWriter| {
        sql.text(
            "\n        FROM timescaledb_information.hypertables AS h\n        WHERE h.hypertable_schema = ",
        );
        sql.name_literal(&table.schema).text(" AND h.hypertable_name = ").name_literal(&table.name);
    };
    let compressed = |sql: &mut SqlWriter| {
        hypertable(sql);
        sql.text(" AND h.compression_enabled");
    };
    let partition = SqlWriter::for_each("partition by year the table of", table.stats.rows());
    let partition = unless(TIMESCALE_DB, partition, hypertable, |sql| {
        sql.text("PERFORM create_hypertable(").regclass(&table.schema, &table.name).text(", by_range(");
        sql.name_literal(table.column(Column::Date));
        sql.text(", interval '1 year'), create_default_indexes => false)");
    });
    let compress = SqlWriter::for_each("say how to compress", table.stats.rows());
    let compress = unless(TIMESCALE_DB, compress, compressed, |sql| {
        sql.text("ALTER TABLE ").qualified(&table.schema, &table.name).text(" SET (");
        sql.text("timescaledb.compress, timescaledb.compress_segmentby = ");
        sql.ident_literal([table.column(port)]);
        sql.text(", timescaledb.compress_orderby = ");
        let rest = table.stats.key().iter().filter(|column| **column != port);
        sql.ident_literal(rest.map(|&column| table.column(column)));
        sql.text(")");
    });
    [partition, compress]
}

/// The output port that the table's key starts with.
fn first_port(table: &Table) -> Column {
    table.stats.key()[0]
}
