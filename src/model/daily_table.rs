//! The tables' names for the host's own sea-query statements.

use sea_query::{DynIden, IntoIden, IntoTableRef, TableRef};

use super::{Column, Table, UsageModel};
use crate::error::Error;

impl UsageModel {
    /// The table of queries, for sea-query statements of your own.
    pub fn queries_table(&self) -> DailyTable<'_> {
        DailyTable(&self.0.queries)
    }

    /// The table of touches, for sea-query statements of your own.
    pub fn touches_table(&self) -> DailyTable<'_> {
        DailyTable(&self.0.touches)
    }

    /// The table of combinations, for sea-query statements of your own.
    ///
    /// `None` if the model was built without it.
    pub fn combinations_table(&self) -> Option<DailyTable<'_>> {
        self.0.combinations.as_ref().map(DailyTable)
    }
}

/// The names of one of the model's tables, for sea-query.
///
/// ```
/// use output_port_usage::{Column, Reference, UsageModel};
/// use sea_query::{Expr, ExprTrait, PostgresQueryBuilder, Query};
///
/// let model = UsageModel::builder()
///     .schema("usage")
///     .output_ports(Reference::to("datasets"))
///     .consumers(Reference::to("data_products"))
///     .tech_assets(Reference::to("technical_assets"))
///     .build()?;
/// let stats = model.queries_table();
/// let (sql, _) = Query::select()
///     .expr_as(Expr::col(stats.column(Column::Date)?).max(), "last_day")
///     .from(stats.table_ref())
///     .build(PostgresQueryBuilder);
/// assert_eq!(sql, r#"SELECT MAX("date") AS "last_day" FROM "usage"."output_port_query_stats_daily""#);
/// # Ok::<(), output_port_usage::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DailyTable<'a>(&'a Table);

impl<'a> DailyTable<'a> {
    /// The schema's name.
    pub fn schema(&self) -> &'a str {
        self.0.schema.as_str()
    }

    /// The table's name.
    pub fn name(&self) -> &'a str {
        self.0.name.as_str()
    }

    /// The table in its schema, for `from` and `join`.
    pub fn table_ref(&self) -> TableRef {
        self.0.table_ref().into_table_ref()
    }

    /// The name of a column.
    ///
    /// # Errors
    ///
    /// A column that the table does not have ([`Error::is_configuration`]).
    pub fn column(&self, column: Column) -> Result<DynIden, Error> {
        self.0.stats.check_column(column)?;
        Ok(self.0.column(column).clone().into_iden())
    }
}
