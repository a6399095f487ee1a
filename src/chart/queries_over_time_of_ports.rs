//! "Queries over time" of many output ports.

use std::collections::BTreeSet;
use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{Expr, ExprTrait, Func, JoinType, Order, PostgresQueryBuilder, SelectStatement, WithClause};
use serde::{Deserialize, Serialize};

use super::buckets::Buckets;
use super::queries_over_time::QueriesOverTime;
use super::sql::{self, PortDays};
use super::{Chart, sealed};
use crate::error::{Error, Kind};
use crate::id::OutputPortId;
use crate::model::{Column, UsageModel};
use crate::row::{Columnar, Columns, FlatRecord};
use crate::statement::Query;
use crate::time::{Days, Granularity};

/// The queries on many output ports over time, in one statement.
///
/// Made by [`QueriesOverTime::of_ports`]. The rows are a dense grid, zero filled: output port after output port by
/// id, each with every bucket in order, whether or not it has queries or its parent row still exists.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct QueriesOverTimeOfPorts {
    ports: BTreeSet<OutputPortId>,
    days: Range<NaiveDate>,
    granularity: Granularity,
}

impl QueriesOverTimeOfPorts {
    /// How many output ports one statement reads at most.
    pub const MAX_PORTS: usize = 10_000;

    /// The width of a bucket. Defaults to [`Granularity::Day`].
    pub fn granularity(mut self, granularity: Granularity) -> Self {
        self.granularity = granularity;
        self
    }
}

impl QueriesOverTime {
    /// The half-open `days` of many output ports, by day: 1 to 10,000 of them, and any other number makes the query
    /// an error. An output port that is named twice counts once.
    ///
    /// ```
    /// # use chrono::NaiveDate;
    /// # use output_port_usage::{Reference, UsageModel, OutputPortId};
    /// use output_port_usage::chart::QueriesOverTime;
    /// use output_port_usage::{Granularity, last_days};
    /// # let model = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"))
    /// #     .build()?;
    /// # let ports = [1, 2, 3].map(|n| OutputPortId(uuid::Uuid::from_u128(n)));
    /// # let today = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap();
    ///
    /// let sparklines = QueriesOverTime::of_ports(ports, last_days(90, today)).granularity(Granularity::Week);
    /// let query = model.query(&sparklines)?;
    /// assert!(query.sql().contains(r#""output_port_id" = ANY("#)); // an array: the text is the same for any number
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    pub fn of_ports(
        ports: impl IntoIterator<Item = OutputPortId>,
        days: Range<NaiveDate>,
    ) -> QueriesOverTimeOfPorts {
        QueriesOverTimeOfPorts { ports: ports.into_iter().collect(), days, granularity: Granularity::Day }
    }
}

/// A point of [`QueriesOverTimeOfPorts`].
///
/// As JSON:
///
/// ```
/// # use output_port_usage::chart::QueriesOverTimeOfPortsPoint;
/// let json = serde_json::json!({
///     "output_port_id": "0190d3a2-5c1e-7b4a-8f00-0123456789a1",
///     "label": "Orders",
///     "bucket": "2026-06-29",
///     "query_count": 42,
///     "partial": true
/// });
/// let row: QueriesOverTimeOfPortsPoint = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&row)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueriesOverTimeOfPortsPoint {
    /// The output port.
    pub output_port_id: OutputPortId,
    /// Its label, where the model's reference has one and the row still exists.
    pub label: Option<String>,
    /// The first day of the bucket, which may lie before the requested days.
    pub bucket: NaiveDate,
    /// The output port's queries on the requested days of the bucket, 0 or more.
    pub query_count: i64,
    /// Whether the bucket holds days that were not requested.
    pub partial: bool,
}

impl Columnar for QueriesOverTimeOfPortsPoint {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(Self {
            output_port_id: OutputPortId(row.uuid("output_port_id")?),
            label: row.text_or_null("label")?,
            bucket: row.date("bucket")?,
            query_count: row.count("query_count")?,
            partial: row.flag("partial")?,
        })
    }

    fn write_to(&self, record: &mut FlatRecord) {
        record.id("output_port_id", self.output_port_id.0).date("bucket", self.bucket);
    }
}

impl sealed::Sealed for QueriesOverTimeOfPorts {}

impl Chart for QueriesOverTimeOfPorts {
    type Row = QueriesOverTimeOfPortsPoint;

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        let most = Self::MAX_PORTS;
        match self.ports.len() {
            0 => return Err(Kind::NoPorts.into()),
            count if count > most => return Err(Kind::TooManyPorts { count, most }.into()),
            _ => {}
        }
        let ports = sql::uuids(self.ports.iter().map(|port| port.0));
        let rows = PortDays::of_many(&model.0.queries, ports.clone(), Days::check(&self.days)?);
        let buckets = Buckets::new(self.granularity, Days::check(&self.days)?, self.ports.len() as u64)?;
        let mut daily = rows.scan();
        daily
            .expr_as(Expr::col(rows.column(Column::OutputPortId)), "output_port_id")
            .expr_as(Expr::col(rows.column(Column::Date)), "bucket")
            .expr_as(rows.sum(), "query_count")
            .group_by_columns([rows.column(Column::OutputPortId), rows.column(Column::Date)]);
        let counted = match buckets.holding(Expr::col("bucket")) {
            None => daily,
            // by day first, as the key orders the rows: the bucket is then found once a day and not once a row
            Some(bucket) => SelectStatement::new()
                .column("output_port_id")
                .expr_as(bucket, "bucket")
                .expr_as(Func::sum(Expr::col("query_count")), "query_count")
                .from_subquery(daily, "daily")
                .add_group_by([Expr::cust("1"), Expr::cust("2")])
                .take(),
        };

        let of_port = Expr::col(("counted", "output_port_id")).equals(("port", "port"));
        let in_bucket = Expr::col(("counted", "bucket")).eq(buckets.start());
        let count = Func::coalesce([Expr::col(("counted", "query_count")), Expr::cust("0")]);
        let mut select = SelectStatement::new();
        select
            .expr_as(Expr::col(("port", "port")).cast_as("uuid"), "output_port_id")
            .expr_as(buckets.start().cast_as("date"), "bucket")
            .expr_as(Expr::from(count).cast_as("bigint"), "query_count")
            .expr_as(buckets.partial(), "partial")
            .from_function(Func::cust("unnest").arg(Expr::val(ports).cast_as("uuid[]")), "port")
            .cross_join("bucket")
            .join_subquery(JoinType::LeftJoin, counted, "counted", of_port.and(in_bucket));
        sql::label(&mut select, &model.0.output_ports, ("port", "port"));
        select.order_by(("port", "port"), Order::Asc).order_by(("bucket", "start"), Order::Asc);
        let mut with = WithClause::new();
        with.cte(buckets.cte());
        Ok(Query::new(
            "queries over time of many output ports",
            select.with(with).build(PostgresQueryBuilder),
        ))
    }
}
