//! "Queries over time" of many output ports.

use std::collections::BTreeSet;
use std::ops::Range;

use chrono::NaiveDate;
use sea_query::extension::postgres::PgFunc;
use sea_query::{
    Expr, ExprTrait, Func, JoinType, Order, PostgresQueryBuilder, SelectStatement, Value, Values, WithClause,
};

use super::buckets::Buckets;
use super::comparison::{self, Before, Comparable, Compared, Comparison, WithPrevious};
use super::coverage_of_each::CoverageOfEach;
use super::facts::Facts;
use super::queries_over_time::QueriesOverTime;
use super::queries_over_time_split::QueriesOverTimeSeries;
use super::{Chart, coverage_of, member, sealed, series, sql};
use crate::error::{Error, Kind};
use crate::id::OutputPortId;
use crate::model::{Column, Parent, UsageModel};
use crate::row::FlatRecord;
use crate::statement::Query;
use crate::time::{Days, Granularity};

/// The queries on many output ports over time, in one statement.
///
/// Made by [`QueriesOverTime::of_ports`]. A row is an output port: by id, each with a count for every bucket of
/// [`buckets`](Self::buckets), zero filled, whether or not it has queries or its parent row still exists.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct QueriesOverTimeOfPorts {
    ports: BTreeSet<OutputPortId>,
    days: Range<NaiveDate>,
    granularity: Granularity,
}

impl QueriesOverTimeOfPorts {
    /// The most output ports that one statement reads.
    pub const MAX_PORTS: usize = 10_000;

    /// The width of a bucket. Defaults to [`Granularity::Day`].
    pub fn granularity(mut self, granularity: Granularity) -> Self {
        self.granularity = granularity;
        self
    }

    /// Adds each output port's queries in all of the earlier days, and the change since then.
    ///
    /// The query is an error if the earlier days begin before year 1.
    pub fn compared_with(self, comparison: Comparison) -> Compared<Self> {
        Compared::new(self, comparison)
    }
}

impl QueriesOverTime {
    /// Asks for the half-open `days` of 1 to 10,000 output ports, in buckets of a day; any other number makes the
    /// query an error. An output port named twice counts once.
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

impl sealed::Sealed for QueriesOverTimeOfPorts {}

impl Chart for QueriesOverTimeOfPorts {
    type Row = QueriesOverTimeSeries;

    fn records(&self, rows: &[Self::Row]) -> Result<Vec<FlatRecord>, Error> {
        let axis = self.buckets()?;
        Ok(rows.iter().flat_map(|series| series.records(&axis)).collect())
    }

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        Ok(Query::new(self.title(), self.build(model, None)?))
    }
}

impl Comparable for QueriesOverTimeOfPorts {
    fn compare(
        &self,
        model: &UsageModel,
        before: &Before,
    ) -> Result<Query<WithPrevious<QueriesOverTimeSeries>>, Error> {
        Ok(Query::new(before.title(&self.title()), self.build(model, Some(before))?))
    }

    fn compared_records(&self, rows: &[WithPrevious<Self::Row>]) -> Result<Vec<FlatRecord>, Error> {
        let axis = self.buckets()?;
        Ok(rows.iter().flat_map(|row| row.of_each(row.current.records(&axis))).collect())
    }
}

impl QueriesOverTimeOfPorts {
    fn title(&self) -> String {
        format!("queries over time of many output ports by {}", self.granularity.noun())
    }

    fn build(&self, model: &UsageModel, before: Option<&Before>) -> Result<(String, Values), Error> {
        let most = Self::MAX_PORTS;
        match self.ports.len() {
            0 => return Err(Kind::NoPorts.into()),
            count if count > most => return Err(Kind::TooManyPorts { count, most }.into()),
            _ => {}
        }
        let days = Days::check(&self.days)?;
        let earlier = before.map(|before| before.comparison.days(&self.days)).transpose()?;
        let ports = sql::uuids(self.ports.iter().map(|port| port.0));
        let rows = Facts::of_ports(model, ports.clone(), days);
        let buckets = self.axis()?;
        let count = Func::coalesce([Expr::col(("series", "query_count")), Expr::cust("0")]);
        let count = Expr::from(count).cast_as("bigint");
        let unnest = Func::cust("pg_catalog.unnest").arg(Expr::val(ports.clone()).cast_as("uuid[]"));
        let of_port = Expr::col(("series", "output_port_id")).equals(("port", "port"));
        let mut select = SelectStatement::new();
        select
            .expr_as(Expr::cust(member::Kind::OutputPort.word()).cast_as("text"), "kind")
            .expr_as(Expr::col(("port", "port")).cast_as("uuid"), "id")
            .expr_as(sql::null("bigint"), "rank")
            .expr_as(sql::null("bigint"), "members")
            .expr_as(count.clone(), "query_count");
        series::columns(&mut select, series::length(&buckets), or_none("places"), or_none("counts"));
        let counted = counted(&rows, &buckets);
        select.from_function(unnest, "port").join_subquery(JoinType::LeftJoin, counted, "series", of_port);
        labels(&mut select, &model.0.output_ports, ports.clone());
        if let Some(earlier) = &earlier {
            let each = CoverageOfEach::new(model, days, Some(earlier.clone()));
            let sums = rows.during(earlier.clone()).sum_by(Column::OutputPortId, "output_port_id");
            let of_port = Expr::col(("before", "output_port_id")).equals(("port", "port"));
            select.join_subquery(JoinType::LeftJoin, sums, "before", of_port);
            each.join_cte(&mut select, Expr::col(("port", "port")));
            comparison::change(&mut select, count, Expr::col(("before", "query_count")), each.complete());
            select.expr_as(each.word_before(), "previous_coverage");
        }
        select.order_by(("port", "port"), Order::Asc);
        let Some(table) = &model.0.coverage else {
            select.expr_as(sql::null("text"), "coverage");
            return Ok(select.build(PostgresQueryBuilder));
        };
        let mut with = WithClause::new();
        if self.granularity != Granularity::Day {
            with.cte(buckets.cte());
        }
        coverage_of::add_letters_of_many(&mut with, table, ports, (days, earlier), &buckets);
        coverage(&mut select, &buckets);
        Ok(select.with(with).build(PostgresQueryBuilder))
    }

    pub(super) fn axis(&self) -> Result<Buckets, Error> {
        Buckets::new(self.granularity, Days::check(&self.days)?, self.ports.len() as u64)
    }
}

/// `output_port_id, query_count, places, counts` of the output ports that have rows.
fn counted(rows: &Facts, buckets: &Buckets) -> SelectStatement {
    // by day first, as the key orders the rows: the bucket is then found once a day and not once a row
    let mut daily = rows.scan();
    daily
        .expr_as(Expr::col(rows.column(Column::OutputPortId)), "output_port_id")
        .expr_as(buckets.place(Expr::col(rows.column(Column::Date))), "place")
        .expr_as(rows.sum(), "query_count")
        .group_by_columns([rows.column(Column::OutputPortId), rows.column(Column::Date)]);
    let count = || Expr::from(Func::sum(Expr::col("query_count")));
    let bucket = match buckets.granularity() {
        Granularity::Day => daily,
        _ => SelectStatement::new()
            .columns(["output_port_id", "place"])
            .expr_as(count().cast_as("bigint"), "query_count")
            .from_subquery(daily, "daily")
            .group_by_columns(["output_port_id", "place"])
            .take(),
    };
    SelectStatement::new()
        .column("output_port_id")
        .expr_as(count(), "query_count")
        .expr_as(series::array_agg("place"), "places")
        .expr_as(series::array_agg("query_count"), "counts")
        .from_subquery(bucket, "bucket")
        .group_by_col("output_port_id")
        .take()
}

/// An array of `series`, or an empty one where the output port has no rows.
fn or_none(array: &'static str) -> Expr {
    let none = Expr::cust("'{}'").cast_as("bigint[]");
    Func::coalesce([Expr::col(("series", array)).cast_as("bigint[]"), none]).into()
}

/// The letters of each output port, of which the CTE `covered` has none where nothing was ever measured.
fn coverage(select: &mut SelectStatement, buckets: &Buckets) {
    let letters = Func::coalesce([Expr::col(("covered", "letters")), coverage_of::nothing(buckets)]);
    let of_port = Expr::col(("covered", "output_port_id")).equals(("port", "port"));
    select.expr_as(Expr::from(letters).cast_as("text"), "coverage").join(
        JoinType::LeftJoin,
        "covered",
        of_port,
    );
}

/// The output ports' labels: the first by name of an id that the parent table has more than once.
fn labels(select: &mut SelectStatement, parent: &Parent, ports: Value) {
    let Some(label) = parent.label.clone() else {
        select.expr_as(sql::null("text"), "label");
        return;
    };
    let key = || Expr::col(("parent", parent.key.clone()));
    let mut labelled = SelectStatement::new();
    labelled
        .expr_as(key(), "id")
        .expr_as(Func::min(Expr::col(("parent", label)).cast_as("text")), "label")
        .from_as(parent.table_ref(), "parent")
        .and_where(key().eq(PgFunc::any(Expr::val(ports).cast_as("uuid[]"))))
        .add_group_by([key()]);
    let of_port = Expr::col(("labelled", "id")).equals(("port", "port"));
    select.expr_as(Expr::col(("labelled", "label")).cast_as("text"), "label").join_subquery(
        JoinType::LeftJoin,
        labelled,
        "labelled",
        of_port,
    );
}
