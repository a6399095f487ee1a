//! Spreading the tables over a distributed PostgreSQL.

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
    /// Run the statements in order, once, after [`create_tables`](Self::create_tables) and before the first ingest,
    /// where the extension is installed; on Citus, on the coordinator. Ingests, charts and upkeep stay the same
    /// statements. What was tried is in the [guide](crate::docs::scale#distribute).
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
    /// assert_eq!(statements[0].sql(), r#"SELECT /* output-port-usage: distribute the parents, output ports */ create_reference_table('"public"."datasets"')"#);
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
    let mut sql = SqlWriter::for_each("distribute the parents,", parent.plural());
    sql.text("SELECT create_reference_table(").regclass(&parent.schema, &parent.table).text(")");
    sql.into_statement()
}

/// As the daily tables are.
fn distributed_coverage(table: &CoverageTable, first: Option<&Table>) -> Statement {
    let mut sql = SqlWriter::new("distribute the table of coverage");
    sql.text("SELECT create_distributed_table(").regclass(&table.schema, &table.name).text(", ");
    sql.name_literal(table.column(Column::OutputPortId));
    if let Some(first) = first {
        sql.text(", colocate_with => ").regclass(&first.schema, &first.name);
    }
    sql.text(")");
    sql.into_statement()
}

/// By output port, and on the node where the first table has it.
fn distributed_table(table: &Table, first: Option<&Table>) -> Statement {
    let mut sql = SqlWriter::for_each("distribute the table of", table.stats.rows());
    sql.text("SELECT create_distributed_table(").regclass(&table.schema, &table.name).text(", ");
    sql.name_literal(table.column(first_port(table)));
    if let Some(first) = first.filter(|first| *first != table) {
        sql.text(", colocate_with => ").regclass(&first.schema, &first.name);
    }
    sql.text(")");
    sql.into_statement()
}

/// The key has a date, so no index is added; the rest of the key orders a compressed segment.
fn by_year(table: &Table) -> [Statement; 2] {
    let mut hypertable = SqlWriter::for_each("partition by year the table of", table.stats.rows());
    hypertable.text("SELECT create_hypertable(").regclass(&table.schema, &table.name).text(", by_range(");
    hypertable.name_literal(table.column(Column::Date));
    hypertable.text(", interval '1 year'), create_default_indexes => false)");
    let mut compressed = SqlWriter::for_each("say how to compress", table.stats.rows());
    compressed.text("ALTER TABLE ").qualified(&table.schema, &table.name).text(" SET (");
    compressed.text("timescaledb.compress, timescaledb.compress_segmentby = ");
    compressed.ident_literal([table.column(first_port(table))]);
    compressed.text(", timescaledb.compress_orderby = ");
    let port = first_port(table);
    let rest = table.stats.key().iter().filter(|column| **column != port);
    compressed.ident_literal(rest.map(|&column| table.column(column)));
    compressed.text(")");
    [hypertable.into_statement(), compressed.into_statement()]
}

/// The output port that the table's key starts with.
fn first_port(table: &Table) -> Column {
    table.stats.key()[0]
}
