//! The tables' indexes beside their keys.

use super::{block, key};
use crate::ident::Ident;
use crate::model::{Column, IndexName, Stats, Table, UsageModel};
use crate::statement::{SqlWriter, Statement};

/// An index of one of the model's tables.
#[derive(Debug)]
pub(in crate::postgres) struct Index<'a> {
    table: &'a Table,
    name: Ident,
    columns: &'static [Column],
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Charts read nothing else.
    Covering,
    /// A small one over a column that grows with the table.
    Brin,
    Plain,
}

/// As `CREATE INDEX` writes them; `pg_get_indexdef` has each value in quotes.
const BRIN_PARAMETERS: [(&str, &str); 2] = [("pages_per_range", "32"), ("autosummarize", "on")];

impl<'a> Index<'a> {
    /// A combination is found from either output port, each by one contiguous run of an index.
    pub(super) fn way_back(table: &'a Table) -> Option<Self> {
        let columns = table.stats.way_back()?;
        Some(Self { table, name: table.index_name(IndexName::WayBack), columns, kind: Kind::Covering })
    }

    /// 300 kB for 24 million rows: enough to purge and to find days without naming an output port.
    pub(super) fn date(table: &'a Table) -> Self {
        let name = table.index_name(IndexName::Date);
        Self { table, name, columns: &[Column::Date], kind: Kind::Brin }
    }

    /// What a consumer read, by one contiguous run of an index; deleting a consumer finds its rows by it too.
    pub(in crate::postgres) fn by_consumer(table: &'a Table) -> Self {
        let kind = match table.stats {
            Stats::Queries | Stats::Touches => Kind::Covering,
            // a tenth of the size, because equal ids share an entry
            Stats::Combinations => Kind::Plain,
        };
        let name = table.index_name(IndexName::ByConsumer);
        Self { table, name, columns: table.stats.by_consumer(), kind }
    }

    /// The touches of a tech asset through all of its output ports, as those of a consumer.
    pub(in crate::postgres) fn by_tech_asset(table: &'a Table) -> Option<Self> {
        let columns = table.stats.by_tech_asset()?;
        Some(Self { table, name: table.index_name(IndexName::ByTechAsset), columns, kind: Kind::Covering })
    }

    /// The name that the library gives to it.
    pub(in crate::postgres) fn name(&self) -> &Ident {
        &self.name
    }

    /// Its method, its columns and what it includes.
    pub(in crate::postgres) fn definition(&self) -> (&'static str, Vec<&'a str>, Vec<&'a str>) {
        let columns = self.columns.iter().map(|&column| self.table.column(column).as_str()).collect();
        let included = match self.kind {
            Kind::Covering => vec![self.table.column(Column::QueryCount).as_str()],
            Kind::Brin | Kind::Plain => Vec::new(),
        };
        (if self.kind == Kind::Brin { "brin" } else { "btree" }, columns, included)
    }

    /// Creates it unless the table has a valid index of this definition, whatever its name.
    pub(in crate::postgres) fn create(&self) -> Statement {
        let valid = |sql: &mut SqlWriter| {
            self.find(sql);
            sql.text(" AND i.indisvalid");
        };
        block::unless(self.titled("create the index on"), valid, |sql| {
            sql.text("CREATE INDEX ");
            self.write(sql);
        })
    }

    /// Creates it while others write. Twice is an error, and so is what a failed attempt has left.
    pub(in crate::postgres) fn create_concurrently(&self) -> Statement {
        let mut sql = self.titled("create without blocking the index on");
        sql.text("CREATE INDEX CONCURRENTLY ");
        self.write(&mut sql);
        sql.into_statement_outside_transaction()
    }

    /// Drops the one that [`find_droppable`](Self::find_droppable) found.
    pub(in crate::postgres) fn drop_found(&self) -> Statement {
        let mut sql = self.titled("drop the index on");
        sql.text("DROP INDEX ").qualified(&self.table.schema, &self.name);
        sql.into_statement()
    }

    /// Creates the one that was dropped.
    pub(in crate::postgres) fn create_again(&self) -> Statement {
        let mut sql = self.titled("add the index on");
        sql.text("CREATE INDEX ");
        self.write(&mut sql);
        sql.into_statement()
    }

    /// As `CREATE INDEX` goes on.
    pub(in crate::postgres) fn write(&self, sql: &mut SqlWriter) {
        sql.ident(&self.name).text(" ON ").qualified(&self.table.schema, &self.table.name);
        sql.text(if self.kind == Kind::Brin { " USING brin (" } else { " (" });
        sql.list(", ", self.columns, |sql, &column| {
            sql.ident(self.table.column(column));
        });
        sql.text(")");
        match self.kind {
            Kind::Covering => {
                sql.text(" INCLUDE (").ident(self.table.column(Column::QueryCount)).text(")");
            }
            Kind::Brin => {
                sql.text(" WITH (").list(", ", BRIN_PARAMETERS, |sql, (name, value)| {
                    sql.text(name).text(" = ").text(value);
                });
                sql.text(")");
            }
            Kind::Plain => {}
        }
    }

    /// Drops every index of this definition, whatever its name, also one that was never finished. One that keeps rows
    /// unique is the host's.
    pub(in crate::postgres) fn drop(&self) -> Statement {
        let rows = |sql: &mut SqlWriter| {
            sql.text(" s.nspname, x.relname");
            self.find(sql);
            sql.text(" AND NOT i.indisunique");
        };
        block::for_each(self.titled("drop the index on"), rows, |sql| {
            sql.text("'DROP INDEX %I.%I', of.nspname, of.relname");
        })
    }

    /// The indexes of the table that have this method and these columns.
    pub(in crate::postgres) fn find(&self, sql: &mut SqlWriter) {
        let included = (self.kind == Kind::Covering).then_some(&Column::QueryCount);
        sql.text("\n        FROM pg_catalog.pg_index AS i");
        sql.text("\n        JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid");
        sql.text("\n        JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid");
        sql.text("\n        JOIN pg_catalog.pg_namespace AS s ON s.oid = x.relnamespace");
        sql.text("\n        JOIN pg_catalog.pg_am AS m ON m.oid = x.relam\n        WHERE ");
        block::is(sql, "t", &self.table.schema, &self.table.name);
        sql.text("\n            AND m.amname = ");
        sql.text(if self.kind == Kind::Brin { "'brin'" } else { "'btree'" });
        sql.text(" AND i.indnkeyatts = ").number(self.columns.len());
        sql.text("\n            AND ARRAY(\n                SELECT a.attname");
        sql.text("\n                FROM pg_catalog.generate_subscripts(i.indkey, 1) AS k");
        sql.text(
            "\n                JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[k]",
        );
        sql.text("\n                ORDER BY k\n            ) OPERATOR(pg_catalog.=) ARRAY[");
        sql.list(", ", self.columns.iter().chain(included), |sql, &column| {
            sql.name_literal(self.table.column(column));
        });
        sql.text("]::name[]\n            AND i.indpred IS NULL AND i.indexprs IS NULL");
    }

    fn titled(&self, title: &'static str) -> SqlWriter {
        let column = self.columns[0].default_name();
        SqlWriter::of([title, column, "of", self.table.stats.rows()])
    }

    /// Finds the index where it can be dropped and created again without a trace: it is as [`write`](Self::write)
    /// defines it, and nothing describes it. Whether the role owns the table is asked with its key.
    pub(in crate::postgres) fn find_droppable(&self) -> Statement {
        let mut sql = self.titled("look for the index on");
        let of = sql.bind(key::regclass(self.table));
        let schema = sql.bind(self.table.schema.as_str());
        let table = sql.bind(self.table.name.as_str());
        let name = sql.bind(self.name.as_str());
        let mut column = |column: Column| sql.bind(self.table.column(column).as_str());
        let columns: Vec<_> = self.columns.iter().map(|&of_index| column(of_index)).collect();
        let included = (self.kind == Kind::Covering).then(|| column(Column::QueryCount));
        sql.text(
            "SELECT 1\nFROM pg_catalog.pg_index AS i\nJOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid",
        );
        sql.text("\nWHERE i.indrelid = ")
            .param(of)
            .text("::text::regclass::oid AND x.relname = ")
            .param(name);
        sql.text(
            "::text\n    AND pg_catalog.pg_get_indexdef(x.oid) = 'CREATE INDEX ' || pg_catalog.quote_ident(",
        )
        .param(name);
        sql.text("::text) || ' ON ' || pg_catalog.quote_ident(").param(schema);
        sql.text("::text) || '.' || pg_catalog.quote_ident(").param(table);
        sql.text(if self.kind == Kind::Brin {
            "::text) || ' USING brin (' || "
        } else {
            "::text) || ' USING btree (' || "
        });
        sql.list(" || ', ' || ", columns, |sql, column| {
            sql.text("pg_catalog.quote_ident(").param(column).text("::text)");
        });
        sql.text(" || ')");
        if let Some(included) = included {
            sql.text(" INCLUDE (' || pg_catalog.quote_ident(").param(included).text("::text) || ')");
        }
        if self.kind == Kind::Brin {
            sql.text(" WITH (").list(", ", BRIN_PARAMETERS, |sql, (name, value)| {
                sql.text(name).text("=''").text(value).text("''");
            });
            sql.text(")");
        }
        sql.text("'");
        key::plain_index(&mut sql);
        sql.text("\n    AND NOT EXISTS (SELECT FROM pg_catalog.pg_description AS d WHERE d.objoid = x.oid)");
        sql.into_statement()
    }
}

impl UsageModel {
    /// Creates the indexes of the model's ways to read while others write, before the migrations that want them.
    ///
    /// Run each by itself, outside a transaction. The migrations, and [`create_tables`](Self::create_tables), then find
    /// the indexes and leave them alone. One that fails or is cancelled leaves an index that is not valid under its name:
    /// drop that first, or running the statement again is an error (SQLSTATE 42P07). Postgres builds no index of a
    /// partitioned table in this way. See [the guide](crate::docs::migrations#turning-on-a-way-to-read).
    ///
    /// ```
    /// # use output_port_usage::{Reference, UsageModel};
    /// # let builder = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"));
    /// let model = builder.read_by_consumer().build()?;
    /// let statements = model.create_ways_to_read_concurrently();
    /// assert_eq!(
    ///     statements[0].sql(),
    ///     r#"CREATE /* output-port-usage: create without blocking the index on consumer_id of queries */ INDEX CONCURRENTLY "output_port_query_stats_daily_by_consumer_idx" ON "public"."output_port_query_stats_daily" ("consumer_id", "date", "output_port_id") INCLUDE ("query_count")"#,
    /// );
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    pub fn create_ways_to_read_concurrently(&self) -> Vec<Statement> {
        let ways = self.tables().flat_map(|table| self.ways_to_read(table));
        ways.map(|index| index.create_concurrently()).collect()
    }

    /// Every index of a table beside its key.
    pub(in crate::postgres) fn indexes<'a>(&self, table: &'a Table) -> impl Iterator<Item = Index<'a>> {
        Index::way_back(table).into_iter().chain([Index::date(table)]).chain(self.ways_to_read(table))
    }

    /// The indexes of a table that the model's ways to read ask for.
    pub(super) fn ways_to_read<'a>(&self, table: &'a Table) -> impl Iterator<Item = Index<'a>> {
        let by_consumer = self.0.read_by.consumer.then(|| Index::by_consumer(table));
        let by_tech_asset = self.0.read_by.tech_asset.then(|| Index::by_tech_asset(table));
        by_consumer.into_iter().chain(by_tech_asset.flatten())
    }
}
