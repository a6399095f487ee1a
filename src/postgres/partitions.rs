//! The daily tables partitioned by year: converting them, years to come, years that are over.

mod convert;

use std::ops::Range;

use chrono::{Datelike, NaiveDate};

use super::ddl::{self, block};
use crate::error::{Error, Kind};
use crate::ident::Ident;
use crate::model::{Table, UsageModel};
use crate::statement::{SqlWriter, Statement};

impl UsageModel {
    /// Partitions the daily tables by year, with the rows that are there.
    ///
    /// `years` are half-open, as days are, and have to hold every row: one outside is an error (SQLSTATE 23514), and then
    /// nothing has changed. Each statement converts one table and is a transaction by itself, which has to be READ
    /// COMMITTED (else SQLSTATE 25001). Writes to the table wait until it has copied all rows, and towards the end writes to
    /// the parents; charts go on, and wait only for the moment of the swap. A table that is partitioned already is left
    /// alone. Names of keys, indexes and foreign keys, check constraints, comments, the owner and the rights of roles are as
    /// before; what would not be, such as rights on single columns, triggers, policies, rules, views, publications, and
    /// indexes or foreign keys of the host's own, is refused with its name (SQLSTATE 0A000).
    ///
    /// Run [`vacuum`](Self::vacuum) afterwards, and [`add_years`](Self::add_years) before the last year ends. See
    /// [the guide](crate::docs::scale#partition-by-year).
    ///
    /// # Errors
    ///
    /// [`is_request`](Error::is_request) if there is no year in `years`, or one outside 1 to 9998.
    ///
    /// # Example
    ///
    /// ```
    /// # use output_port_usage::{Reference, UsageModel};
    /// # let model = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"))
    /// #     .build()?;
    /// for statement in model.partition_by_year(2024..2028)? {
    ///     println!("-- {}\n{};", statement.title(), statement.sql());
    /// }
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    pub fn partition_by_year(&self, years: Range<i32>) -> Result<Vec<Statement>, Error> {
        let years = Year::all(&years)?;
        Ok(self.tables().map(|table| convert::statement(self, table, &years)).collect())
    }

    /// Makes the partitions of more years, for instance of those to come.
    ///
    /// A year that has a partition is left alone, whatever the partition's name. Without a partition for its day, a row is
    /// refused with SQLSTATE 23514, so run this before a year begins; every day will do.
    ///
    /// # Errors
    ///
    /// As [`partition_by_year`](Self::partition_by_year).
    pub fn add_years(&self, years: Range<i32>) -> Result<Vec<Statement>, Error> {
        let years = Year::all(&years)?;
        Ok(self.tables().flat_map(|table| years.iter().map(|year| year.add(table))).collect())
    }

    /// Takes a year's partitions out of the daily tables, each as a table by itself, while others read and write.
    ///
    /// Run each statement by itself, outside a transaction. Charts no longer see the year. Its rows keep their foreign
    /// keys, so a parent that is not to be deleted while it has usage stays until the year is
    /// [dropped](Self::drop_year). [Coverage](crate::docs::coverage) still says that its days were measured:
    /// [`purge`](Self::purge) before the end of the year takes them out.
    ///
    /// # Errors
    ///
    /// [`is_request`](Error::is_request) if the year is outside 1 to 9998.
    pub fn detach_year(&self, year: i32) -> Result<Vec<Statement>, Error> {
        let year = Year::new(year)?;
        Ok(self.tables().map(|table| year.detach(table)).collect())
    }

    /// Drops the tables of a year that was [detached](Self::detach_year), with all their rows.
    ///
    /// A year that is still attached is refused (SQLSTATE 55006), and so is a table of that name that is none of the model's
    /// (42809). Tables that do not exist are skipped.
    ///
    /// # Errors
    ///
    /// As [`detach_year`](Self::detach_year).
    pub fn drop_year(&self, year: i32) -> Result<Vec<Statement>, Error> {
        let year = Year::new(year)?;
        Ok(self.tables().map(|table| year.drop(table)).collect())
    }
}

/// Adds the whole year of a day, unless a partition has some of its days: `taken`, where `None` is a side without end.
pub(super) fn add_free_year(
    table: &Table,
    day: NaiveDate,
    taken: &[(Option<NaiveDate>, Option<NaiveDate>)],
) -> Option<Statement> {
    let year = Year::new(day.year()).ok()?;
    let overlaps = taken.iter().any(|(from, until)| {
        from.is_none_or(|from| from < year.until) && until.is_none_or(|until| year.from < until)
    });
    (!overlaps).then(|| year.add(table))
}

/// A year of which every table has a partition.
#[derive(Debug, Clone, Copy)]
struct Year {
    year: i32,
    from: NaiveDate,
    until: NaiveDate,
}

impl Year {
    fn new(year: i32) -> Result<Self, Error> {
        let first = |year| NaiveDate::from_ymd_opt(year, 1, 1);
        match (first(year), first(year.saturating_add(1))) {
            (Some(from), Some(until)) if (1..=9998).contains(&year) => Ok(Self { year, from, until }),
            _ => Err(Kind::YearOutOfRange(year).into()),
        }
    }

    fn all(years: &Range<i32>) -> Result<Vec<Self>, Error> {
        if years.is_empty() {
            return Err(Kind::EmptyYears { from: years.start, until: years.end }.into());
        }
        // the last first, so that a range of any length is refused at once
        Self::new(years.end - 1)?;
        Self::new(years.start)?;
        years.clone().map(Self::new).collect()
    }

    fn name(self, table: &Table) -> Ident {
        Ident::of_year(&table.name, self.year)
    }

    /// `CREATE TABLE … PARTITION OF` a table under that name.
    fn create(self, sql: &mut SqlWriter, table: &Table, parent: &Ident) {
        sql.text("CREATE TABLE ").qualified(&table.schema, &self.name(table));
        sql.text(" PARTITION OF ").qualified(&table.schema, parent);
        sql.text("\n            FOR VALUES FROM (")
            .day(self.from)
            .text(") TO (")
            .day(self.until)
            .text(") WITH (");
        ddl::storage_parameters(sql);
        sql.text("\n        )");
    }

    fn add(self, table: &Table) -> Statement {
        let mut sql = SqlWriter::for_each("add a year of", table.stats.rows());
        sql.text("DECLARE\n    of record;\nBEGIN\n    IF NOT EXISTS (\n        SELECT");
        {
            let sql = &mut sql;
            sql.text("\n        FROM pg_catalog.pg_class AS t");
            sql.text("\n        JOIN pg_catalog.pg_inherits AS h ON h.inhparent = t.oid");
            sql.text("\n        JOIN pg_catalog.pg_class AS c ON c.oid = h.inhrelid\n        WHERE ");
            block::is(sql, "t", &table.schema, &table.name);
            sql.text("\n            AND pg_catalog.pg_get_expr(c.relpartbound, c.oid) = pg_catalog.format(");
            sql.text("\n                'FOR VALUES FROM (%L) TO (%L)', ").day(self.from).text("::date, ");
            sql.day(self.until).text("::date\n            )");
            // one that is being detached takes no row any more
            sql.text(" AND NOT h.inhdetachpending");
        }
        sql.text("\n    ) THEN\n        ");
        self.create(&mut sql, table, &table.name);
        sql.text(";");
        convert::same_owner(&mut sql, table, table);
        sql.text("\n    END IF;\nEND");
        sql.into_block()
    }

    fn detach(self, table: &Table) -> Statement {
        let mut sql = SqlWriter::for_each("detach a year of", table.stats.rows());
        sql.text("ALTER TABLE ").qualified(&table.schema, &table.name);
        sql.text(" DETACH PARTITION ").qualified(&table.schema, &self.name(table)).text(" CONCURRENTLY");
        sql.into_statement_outside_transaction()
    }

    fn drop(self, table: &Table) -> Statement {
        let name = self.name(table);
        let mut sql = SqlWriter::for_each("drop a year of", table.stats.rows());
        sql.text("BEGIN\n    IF EXISTS (\n        SELECT FROM pg_catalog.pg_class AS t\n        WHERE ");
        block::is(&mut sql, "t", &table.schema, &name);
        sql.text(" AND t.relispartition\n    ) THEN");
        sql.text("\n        RAISE EXCEPTION '% is still a partition', ").name_literal(&name);
        sql.text(" USING ERRCODE = 'object_in_use',");
        sql.text("\n            HINT = 'detach it first; a detach that was cancelled is ended by ALTER TABLE ... DETACH PARTITION ... FINALIZE';");
        sql.text(
            "\n    END IF;\n    IF EXISTS (\n        SELECT FROM pg_catalog.pg_class AS t\n        WHERE ",
        );
        block::is(&mut sql, "t", &table.schema, &name);
        // whatever else bears the name is the host's own
        sql.text("\n            AND (t.relkind <> 'r' OR EXISTS (");
        sql.text("\n                SELECT FROM (VALUES (").list(
            "), (",
            table.stats.columns(),
            |sql, &column| {
                sql.name_literal(table.column(column));
            },
        );
        sql.text(")) AS w(named)\n                WHERE w.named::name NOT IN (");
        sql.text("\n                    SELECT a.attname FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = t.oid AND NOT a.attisdropped");
        sql.text("\n                )\n            ))\n    ) THEN\n        RAISE EXCEPTION '% is no year of the model', ").name_literal(&name);
        sql.text(" USING ERRCODE = 'wrong_object_type';\n    END IF;");
        sql.text("\n    DROP TABLE IF EXISTS ").qualified(&table.schema, &name).text(";\nEND");
        sql.into_block()
    }
}
