//! Finding where the tables contradict each other.

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{
    CommonTableExpression, Condition, Expr, ExprTrait, Func, JoinType, NullOrdering, Order,
    PostgresQueryBuilder, SelectStatement, UnionType,
};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::id::{ConsumerId, OutputPortId, TechAssetId};
use crate::ident::Ident;
use crate::model::{Column, Table, UsageModel};
use crate::row::{Columnar, Columns, FlatRecord};
use crate::statement::Query;
use crate::time::Days;

/// Rows of two tables that cannot both be right.
///
/// Batches that measure everything leave none. A batch without touches or combinations leaves the earlier ones in
/// place, which may then exceed its queries; upserts of single rows and tables filled by other means can have the same
/// effect. To mend them, replace the days again with a batch that measures all three.
///
/// As JSON:
///
/// ```
/// # use output_port_usage::Violation;
/// let json = serde_json::json!([
///     {"kind": "touches_above_queries", "date": "2026-06-30",
///         "output_port_id": "0190d3a2-5c1e-7b4a-8f00-0123456789a1",
///         "tech_asset_id": "0190d3a2-5c1e-7b4a-8f00-0123456789e1",
///         "consumer_id": "0190d3a2-5c1e-7b4a-8f00-0123456789c1",
///         "touches": 9,
///         "queries": 8},
///     {"kind": "combination_above_queries", "date": "2026-06-30",
///         "output_port_id": "0190d3a2-5c1e-7b4a-8f00-0123456789a1",
///         "other_output_port_id": "0190d3a2-5c1e-7b4a-8f00-0123456789a2",
///         "consumer_id": "0190d3a2-5c1e-7b4a-8f00-0123456789c1",
///         "combinations": 9,
///         "queries": 8},
///     {"kind": "pair_out_of_order", "date": "2026-06-30",
///         "output_port_id_1": "0190d3a2-5c1e-7b4a-8f00-0123456789a2",
///         "output_port_id_2": "0190d3a2-5c1e-7b4a-8f00-0123456789a1",
///         "consumer_id": "0190d3a2-5c1e-7b4a-8f00-0123456789c1",
///         "combinations": 9}
/// ]);
/// let violations: Vec<Violation> = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&violations)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Violation {
    /// A tech asset was touched by more queries than its output port had.
    #[non_exhaustive]
    TouchesAboveQueries {
        /// The day.
        date: NaiveDate,
        /// The output port.
        output_port_id: OutputPortId,
        /// The tech asset.
        tech_asset_id: TechAssetId,
        /// The consumer.
        consumer_id: ConsumerId,
        /// The touches of the tech asset.
        touches: i64,
        /// The output port's queries, 0 where the table has no row.
        queries: i64,
    },
    /// A pair was combined by more queries than one of its output ports had.
    #[non_exhaustive]
    CombinationAboveQueries {
        /// The day.
        date: NaiveDate,
        /// The output port that has fewer queries than the pair has combinations.
        output_port_id: OutputPortId,
        /// The other output port of the pair.
        other_output_port_id: OutputPortId,
        /// The consumer.
        consumer_id: ConsumerId,
        /// The queries that combine both.
        combinations: i64,
        /// The queries of that output port, 0 where the table has no row.
        queries: i64,
    },
    /// A pair whose first output port is not the smaller one.
    ///
    /// Only a table without the library's constraint can hold it.
    #[non_exhaustive]
    PairOutOfOrder {
        /// The day.
        date: NaiveDate,
        /// The first output port of the pair.
        output_port_id_1: OutputPortId,
        /// The second output port of the pair, smaller than the first or the same.
        output_port_id_2: OutputPortId,
        /// The consumer.
        consumer_id: ConsumerId,
        /// The queries that combine both.
        combinations: i64,
    },
}

impl Columnar for Violation {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        let date = row.date("date")?;
        let output_port_id = OutputPortId(row.uuid("output_port_id")?);
        let consumer_id = ConsumerId(row.uuid("consumer_id")?);
        let counted = row.count("counted")?;
        let Some(other) = row.uuid_or_null("other_output_port_id")?.map(OutputPortId) else {
            return Ok(Self::TouchesAboveQueries {
                date,
                output_port_id,
                tech_asset_id: TechAssetId(row.uuid("tech_asset_id")?),
                consumer_id,
                touches: counted,
                queries: row.count("queries")?,
            });
        };
        Ok(match row.count_or_null("queries")? {
            Some(queries) => Self::CombinationAboveQueries {
                date,
                output_port_id,
                other_output_port_id: other,
                consumer_id,
                combinations: counted,
                queries,
            },
            None => Self::PairOutOfOrder {
                date,
                output_port_id_1: output_port_id,
                output_port_id_2: other,
                consumer_id,
                combinations: counted,
            },
        })
    }

    fn write_to(&self, record: &mut FlatRecord) {
        let (kind, date, port, other, asset, consumer, counted, queries) = match self {
            Self::TouchesAboveQueries {
                date,
                output_port_id,
                tech_asset_id,
                consumer_id,
                touches,
                queries,
            } => (
                "touches_above_queries",
                date,
                output_port_id,
                None,
                Some(tech_asset_id.0),
                consumer_id,
                touches,
                Some(*queries),
            ),
            Self::CombinationAboveQueries {
                date,
                output_port_id,
                other_output_port_id,
                consumer_id,
                combinations,
                queries,
            } => (
                "combination_above_queries",
                date,
                output_port_id,
                Some(other_output_port_id.0),
                None,
                consumer_id,
                combinations,
                Some(*queries),
            ),
            Self::PairOutOfOrder { date, output_port_id_1, output_port_id_2, consumer_id, combinations } => (
                "pair_out_of_order",
                date,
                output_port_id_1,
                Some(output_port_id_2.0),
                None,
                consumer_id,
                combinations,
                None,
            ),
        };
        record
            .text("kind", kind)
            .date("date", *date)
            .id("output_port_id", port.0)
            .id("other_output_port_id", other)
            .id("tech_asset_id", asset)
            .id("consumer_id", consumer.0)
            .count("counted", *counted)
            .count("queries", queries);
    }
}

impl UsageModel {
    /// Finds the rows on the half-open `days` in which the tables contradict each other.
    ///
    /// Queries above the sum of an output port's touches are not listed: that is what deleting a tech asset or skipping
    /// an unknown one leaves behind. A pair is listed with zero queries until the other output port has been ingested
    /// too. The order is day, output port, consumer.
    ///
    /// # Errors
    ///
    /// Days that are empty, reversed or outside the years 1 to 9999 ([`Error::is_request`]).
    ///
    /// # Example
    ///
    /// ```
    /// # use chrono::NaiveDate;
    /// # use output_port_usage::*;
    /// # let model = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"))
    /// #     .build()?;
    /// let today = NaiveDate::from_ymd_opt(2026, 1, 31).unwrap();
    /// let query: Query<Violation> = model.reconcile(last_days(30, today))?;
    /// // let violations = query.into_sqlx().fetch_all(&pool).await?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn reconcile(&self, days: Range<NaiveDate>) -> Result<Query<Violation>, Error> {
        let days = Days::check(&days)?;
        let mut violations = self.touches_above_queries(days);
        let mut select = SelectStatement::new();
        if let Some(table) = &self.0.combinations {
            violations
                .union(UnionType::All, self.pairs_above_queries(table, days))
                .union(UnionType::All, self.pairs_above_queries_on_the_way_back(table, days))
                .union(UnionType::All, pairs_out_of_order(table, days));
            select.with_cte(pairs_on_days(table, days));
        }
        for (name, of_type) in RESULT {
            select.expr_as(Expr::col(name).cast_as(of_type), name);
        }
        select.from_subquery(violations, "violation");
        for (name, _) in RESULT {
            select.order_by_with_nulls(name, Order::Asc, NullOrdering::Last);
        }
        Ok(Query::new("reconcile the tables", select.build(PostgresQueryBuilder)))
    }

    fn touches_above_queries(&self, days: Days) -> SelectStatement {
        let table = &self.0.touches;
        let mut select = SelectStatement::new();
        select
            .expr_as(of(table, Column::Date), "date")
            .expr_as(of(table, Column::OutputPortId), "output_port_id")
            .expr_as(of(table, Column::ConsumerId), "consumer_id")
            .expr_as(of(table, Column::TechAssetId), "tech_asset_id")
            .expr_as(null("uuid"), "other_output_port_id");
        self.counted_above_queries(&mut select, table, Column::OutputPortId, days);
        on_days(&mut select, table, days);
        select
    }

    fn pairs_above_queries(&self, table: &Table, days: Days) -> SelectStatement {
        let mut select = pairs(table, Column::OutputPortId1, Column::OutputPortId2);
        self.counted_above_queries(&mut select, table, Column::OutputPortId1, days);
        on_days(&mut select, table, days);
        select
    }

    /// From the pairs as a result of its own: on Citus, the second output port's queries may be on another node.
    fn pairs_above_queries_on_the_way_back(&self, table: &Table, days: Days) -> SelectStatement {
        let mut select = pairs(table, Column::OutputPortId2, Column::OutputPortId1);
        self.counted_above_queries(&mut select, table, Column::OutputPortId2, days);
        select.from_as(PAIRS, "counted");
        select
    }

    /// Rows that count more than the queries do for the same day, output port and consumer.
    fn counted_above_queries(&self, select: &mut SelectStatement, table: &Table, port: Column, days: Days) {
        let queries = |column: Column| Expr::col(("queries", self.0.queries.column(column).clone()));
        let same = |mine: Column, theirs: Column| queries(theirs).eq(of(table, mine));
        let key = Condition::all()
            .add(same(port, Column::OutputPortId))
            .add(same(Column::Date, Column::Date))
            .add(same(Column::ConsumerId, Column::ConsumerId))
            .add(queries(Column::Date).gte(days.start()))
            .add(queries(Column::Date).lt(days.end()));
        let count = || Expr::from(Func::coalesce([queries(Column::QueryCount), Expr::cust("0")]));
        select
            .expr_as(of(table, Column::QueryCount), "counted")
            .expr_as(count(), "queries")
            .join_as(JoinType::LeftJoin, self.0.queries.table_ref(), "queries", key)
            .and_where(of(table, Column::QueryCount).gt(count()));
    }
}

/// The common table expression of the pairs on the days.
const PAIRS: &str = "pair";

fn pairs_on_days(table: &Table, days: Days) -> CommonTableExpression {
    let mut select = SelectStatement::new();
    select.columns(table.stats.columns().iter().map(|&column| ("counted", table.column(column).clone())));
    on_days(&mut select, table, days);
    CommonTableExpression::new().table_name(PAIRS).query(select).materialized(true).to_owned()
}

/// The columns of the result in the order by which it is sorted.
const RESULT: [(&str, &str); 7] = [
    ("date", "date"),
    ("output_port_id", "uuid"),
    ("consumer_id", "uuid"),
    ("tech_asset_id", "uuid"),
    ("other_output_port_id", "uuid"),
    ("counted", "bigint"),
    ("queries", "bigint"),
];

fn pairs(table: &Table, this: Column, other: Column) -> SelectStatement {
    let mut select = SelectStatement::new();
    select
        .expr_as(of(table, Column::Date), "date")
        .expr_as(of(table, this), "output_port_id")
        .expr_as(of(table, Column::ConsumerId), "consumer_id")
        .expr_as(null("uuid"), "tech_asset_id")
        .expr_as(of(table, other), "other_output_port_id");
    select
}

fn pairs_out_of_order(table: &Table, days: Days) -> SelectStatement {
    let (one, other) = (Column::OutputPortId1, Column::OutputPortId2);
    let mut select = pairs(table, one, other);
    select
        .expr_as(of(table, Column::QueryCount), "counted")
        .expr_as(null("integer"), "queries")
        .and_where(of(table, one).gte(of(table, other)));
    on_days(&mut select, table, days);
    select
}

fn on_days(select: &mut SelectStatement, table: &Table, days: Days) {
    select
        .from_as(table.table_ref(), "counted")
        .and_where(of(table, Column::Date).gte(days.start()))
        .and_where(of(table, Column::Date).lt(days.end()));
}

/// A column of the table whose rows are listed.
fn of(table: &Table, column: Column) -> Expr {
    let name: Ident = table.column(column).clone();
    Expr::col(("counted", name))
}

fn null(of_type: &'static str) -> Expr {
    Expr::cust("NULL").cast_as(of_type)
}
