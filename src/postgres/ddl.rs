//! Creating and dropping the tables.
//!
//! The physical design is measured: the key starts with the output port, so a chart reads one
//! contiguous run of it, and includes the count, so no chart reads the table itself. The small BRIN
//! index on the date serves what names no output port.

pub(super) mod block;
mod comment;
mod coverage;
pub(super) mod foreign_key;
pub(super) mod index;
pub(super) mod key;

use self::foreign_key::ForeignKey;
use self::index::Index;
use crate::ident::Ident;
use crate::model::{Column, Stats, Table, UsageModel};
use crate::statement::{SqlWriter, Statement};

impl UsageModel {
    /// Creates the model's schema unless it exists.
    ///
    /// It is separate from [`create_tables`](Self::create_tables) because it needs the privilege CREATE on the database
    /// where the schema is missing. Where it exists, any role may run it.
    pub fn create_schema(&self) -> Statement {
        let schema = &self.0.schema;
        let there = |sql: &mut SqlWriter| {
            sql.text("\n        FROM pg_catalog.pg_namespace AS n\n        WHERE n.nspname = ")
                .name_literal(schema);
        };
        block::unless(SqlWriter::new("create the schema"), there, |sql| {
            sql.text("CREATE SCHEMA ").ident(schema);
        })
    }

    /// Creates the tables with their indexes and comments.
    ///
    /// Run the statements in order, in a transaction if you like, after the parent tables exist, and from one process
    /// at a time: of two that find a table missing, one fails. Tables that exist are left as they are. So is an index of
    /// the same columns, whatever its name; a comment is written only where it differs. Where everything exists, any role
    /// may run them, and nothing is locked. If another relation bears a name that is wanted, Postgres says so (SQLSTATE
    /// 42P07). For a migration tool see [`migrations`](Self::migrations).
    ///
    /// ```
    /// use output_port_usage::{Reference, UsageModel};
    ///
    /// let model = UsageModel::builder()
    ///     .schema("usage")
    ///     .output_ports(Reference::to("datasets"))
    ///     .consumers(Reference::to("data_products"))
    ///     .tech_assets(Reference::to("technical_assets"))
    ///     .build()?;
    /// let first = &model.create_tables()[0];
    /// assert!(first.sql().contains(r#"CREATE TABLE "usage"."output_port_query_stats_daily" ("#));
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    pub fn create_tables(&self) -> Vec<Statement> {
        self.tables()
            .flat_map(|table| self.create_table_and_ways(table))
            .chain(self.create_coverage())
            .collect()
    }

    /// Drops the tables with all their rows; tables that do not exist are skipped.
    pub fn drop_tables(&self) -> Vec<Statement> {
        self.drop_coverage().into_iter().chain(self.tables().rev().map(drop_table)).collect()
    }

    /// The table with its comments and all indexes that the model asks for.
    pub(super) fn create_table_and_ways(&self, table: &Table) -> Vec<Statement> {
        let mut statements = self.create_table(table);
        statements.extend(self.ways_to_read(table).map(|index| index.create()));
        statements
    }

    /// The table with its comments and the indexes that it always has.
    pub(super) fn create_table(&self, table: &Table) -> Vec<Statement> {
        let mut statements = vec![self.table(table)];
        statements.extend(Index::way_back(table).map(|index| index.create()));
        statements.push(Index::date(table).create());
        statements.push(comment_on_table(table));
        statements.extend(table.stats.columns().iter().map(|&column| comment_on_column(table, column)));
        statements
    }

    fn table(&self, table: &Table) -> Statement {
        let sql = SqlWriter::for_each("create the table of", table.stats.rows());
        let there = |sql: &mut SqlWriter| block::find_table(sql, &table.schema, &table.name);
        block::unless(sql, there, |sql| {
            sql.text("CREATE TABLE ").qualified(&table.schema, &table.name).text(" (");
            self.columns(sql, table);
            sql.text("\n        ) WITH (");
            storage_parameters(sql);
            sql.text("\n        )");
        })
    }

    fn columns(&self, sql: &mut SqlWriter, table: &Table) {
        let constraint = |suffix| Ident::derived(&table.name, suffix);
        for &column in table.stats.columns() {
            sql.text(COLUMN).ident(table.column(column)).text(" ").text(sql_type(column)).text(" NOT NULL,");
        }
        sql.text(COLUMN);
        key::write(sql, table);
        sql.text(",").text(COLUMN).text("CONSTRAINT ").ident(&constraint("query_count_check"));
        sql.text(" CHECK (").ident(table.column(Column::QueryCount)).text(" >= 0)");
        if table.stats == Stats::Combinations {
            sql.text(",")
                .text(COLUMN)
                .text("CONSTRAINT ")
                .ident(&constraint("ordered_check"))
                .text(" CHECK (");
            sql.ident(table.column(Column::OutputPortId1)).text(" < ");
            sql.ident(table.column(Column::OutputPortId2)).text(")");
        }
        for key in ForeignKey::of(self, table) {
            sql.text(",").text(COLUMN);
            key.write(sql);
        }
    }
}

/// A line of a table's definition.
const COLUMN: &str = "\n            ";

/// The parameters of a table, or of a partition, each in a line.
pub(in crate::postgres) fn storage_parameters(sql: &mut SqlWriter) {
    sql.list(",", STORAGE_PARAMETERS, |sql, (name, value)| {
        sql.text(COLUMN).text(name).text(" = ").text(value);
    });
}

/// Vacuum soon after every ingest, so that charts stay index-only, and keep statistics fresh.
/// A first load and a daily ingest only insert: `autovacuum_vacuum_insert_*` (PostgreSQL 13) is what counts.
pub(super) const STORAGE_PARAMETERS: [(&str, &str); 4] = [
    ("autovacuum_vacuum_insert_scale_factor", "0.0"),
    ("autovacuum_vacuum_insert_threshold", "5000"),
    ("autovacuum_vacuum_scale_factor", "0.01"),
    ("autovacuum_analyze_scale_factor", "0.02"),
];

fn sql_type(column: Column) -> &'static str {
    match column {
        Column::Date => "date",
        Column::QueryCount => "integer",
        _ => "uuid",
    }
}

pub(super) fn drop_table(table: &Table) -> Statement {
    let mut sql = SqlWriter::for_each("drop the table of", table.stats.rows());
    sql.text("DROP TABLE IF EXISTS ").qualified(&table.schema, &table.name);
    sql.into_statement()
}

fn comment_on_table(table: &Table) -> Statement {
    let sql = SqlWriter::for_each("describe the table of", table.stats.rows());
    comment::on_table(
        sql,
        &table.schema,
        &table.name,
        match table.stats {
            Stats::Queries => {
                "'Queries per day, output port and consumer; a query counts once however many tech assets it joins'"
            }
            Stats::Touches => {
                "'Touches per day, output port, tech asset and consumer; a query that reads a tech asset is one touch of it'"
            }
            Stats::Combinations => {
                "'Queries per day, pair of output ports and consumer that read both through different tech assets'"
            }
        },
    )
}

fn comment_on_column(table: &Table, column: Column) -> Statement {
    let sql = SqlWriter::of(["describe", column.default_name(), "of", table.stats.rows()]);
    let named = (&table.schema, &table.name, table.column(column));
    comment::on_column(
        sql,
        named,
        match column {
            Column::Date => "'Local day of the query''s start'",
            Column::OutputPortId => "'Output port that was read'",
            Column::OutputPortId1 => "'Smaller of the two output port ids'",
            Column::OutputPortId2 => "'Larger of the two output port ids'",
            Column::TechAssetId => "'Tech asset that was read'",
            Column::ConsumerId => "'Data product that ran the query'",
            Column::QueryCount => match table.stats {
                Stats::Queries => "'Distinct queries on the output port'",
                Stats::Touches => "'Distinct queries that read the tech asset'",
                Stats::Combinations => "'Distinct queries that read both output ports'",
            },
            Column::Measured | Column::Settled | Column::Rules | Column::Counted => {
                unreachable!("the daily tables declare no such column")
            }
        },
    )
}
