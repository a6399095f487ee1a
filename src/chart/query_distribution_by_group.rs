//! "Query distribution" by group of consumers.

use sea_query::{Expr, ExprTrait, Func, JoinType, SelectStatement, UnionType, Values, WithClause};
use serde::{Deserialize, Serialize};

use super::comparison::{Comparable, Compared, Comparison, WithPrevious};
use super::query_distribution::{QueryDistribution, counts, fold, slices};
use super::{Chart, GroupOrOther, sealed, sql};
use crate::error::{Error, Kind};
use crate::model::UsageModel;
use crate::row::{Columnar, Columns, FlatRecord};
use crate::statement::Query;

/// The queries on an output port by group of consumers: the top n, then Other.
///
/// Made by [`QueryDistribution::by_group`]. Consumers without a group have a row of their own if they have queries,
/// whatever the top n. It has no rank, comes before Other and is never part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct QueryDistributionByGroup {
    by_consumer: QueryDistribution,
}

impl QueryDistributionByGroup {
    /// Adds each slice's count in the earlier days, and the change since then.
    ///
    /// As [`QueryDistribution::compared_with`], with groups: a group's earlier count includes consumers with queries
    /// only then.
    pub fn compared_with(self, comparison: Comparison) -> Compared<Self> {
        Compared { chart: self, comparison }
    }
}

impl QueryDistribution {
    /// Asks for the same by group of consumers, for instance by domain.
    ///
    /// The query is an error if the model's consumers have no [`group`](crate::Reference::group).
    pub fn by_group(self) -> QueryDistributionByGroup {
        QueryDistributionByGroup { by_consumer: self }
    }
}

/// A slice of [`QueryDistributionByGroup`].
///
/// As JSON, with `group` as [`GroupOrOther`] says:
///
/// ```
/// # use output_port_usage::chart::QueryDistributionGroupSlice;
/// let json = serde_json::json!({
///     "group": {"kind": "group", "id": "0190d3a2-5c1e-7b4a-8f00-0123456789d1", "label": "Sales"},
///     "query_count": 42,
///     "share": 0.25,
///     "rank": 1
/// });
/// let row: QueryDistributionGroupSlice = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&row)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[cfg_attr(
    feature = "utoipa",
    derive(utoipa::ToSchema),
    schema(
        description = "The queries of one group of consumers of an output port, of those without one, or of all others."
    )
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueryDistributionGroupSlice {
    /// The group whose consumers made these queries, those without a group, or Other.
    pub group: GroupOrOther,
    /// How many queries, at least 1.
    pub query_count: i64,
    /// The share of all queries on the days, a fraction above 0 and up to 1.
    pub share: f64,
    /// The row's position, from 1; `None` for those without a group and for Other.
    #[cfg_attr(feature = "utoipa", schema(required = true))]
    pub rank: Option<i64>,
}

impl Columnar for QueryDistributionGroupSlice {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(Self {
            group: GroupOrOther::read(row)?,
            query_count: row.count("query_count")?,
            share: row.share("share")?,
            rank: row.count_or_null("rank")?,
        })
    }

    fn write_to(&self, record: &mut FlatRecord) {
        self.group.write_to(record);
        record.count("query_count", self.query_count).share("share", self.share).count("rank", self.rank);
    }
}

impl sealed::Sealed for QueryDistributionByGroup {}

impl Chart for QueryDistributionByGroup {
    type Row = QueryDistributionGroupSlice;

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        Ok(Query::new(TITLE, self.build(model, None)?))
    }
}

impl Comparable for QueryDistributionByGroup {
    fn compare(
        &self,
        model: &UsageModel,
        comparison: Comparison,
    ) -> Result<Query<WithPrevious<QueryDistributionGroupSlice>>, Error> {
        Ok(Query::new(comparison.title(TITLE), self.build(model, Some(comparison))?))
    }
}

const TITLE: &str = "query distribution by group";

impl QueryDistributionByGroup {
    fn build(&self, model: &UsageModel, comparison: Option<Comparison>) -> Result<(String, Values), Error> {
        let consumers = &model.0.consumers;
        let (group, groups) = consumers.group.as_ref().ok_or(Kind::NoGroup)?;
        let top = sql::check_top("the number of groups", self.by_consumer.top)?;
        let counts = counts(comparison);
        let mut member = SelectStatement::new();
        let on = Expr::col(("parent", consumers.key.clone())).equals(("consumer", "consumer_id"));
        member.expr_as(Expr::col(("parent", group.clone())), "group_id");
        for &count in counts {
            member.expr_as(Func::sum(Expr::col(("consumer", count))), count);
        }
        member
            .from("consumer")
            .join_as(JoinType::LeftJoin, consumers.table_ref(), "parent", on)
            .group_by_col(("parent", group.clone()));
        let mut with = WithClause::new();
        // by consumer first: the group is looked up once for each consumer, not for each row
        with.cte(sql::materialized("consumer", self.by_consumer.consumers(model, comparison)?));
        with.cte(sql::materialized("member", member));
        fold(&mut with, "group_id", counts, top);
        with.cte(sql::cte("shown", with_those_without_a_group(counts)));
        let compared = self.by_consumer.compared(model, comparison)?;
        Ok(slices(with, "shown", "group_id", compared.as_ref(), groups))
    }
}

/// The slices, and the row of the consumers without a group: no rank and no members.
fn with_those_without_a_group(counts: &[&'static str]) -> SelectStatement {
    let mut without = SelectStatement::new();
    without
        .expr_as(Expr::cust("NULL").cast_as("bigint"), "rank")
        .column("group_id")
        .columns(counts.iter().copied())
        .expr_as(Expr::cust("NULL").cast_as("bigint"), "members")
        .from("member")
        .and_where(Expr::col("group_id").is_null())
        .and_where(Expr::col("query_count").cast_as("bigint").gt(Expr::cust("0")));
    SelectStatement::new()
        .columns(["rank", "group_id"])
        .columns(counts.iter().copied())
        .column("members")
        .from("slice")
        .union(UnionType::All, without)
        .take()
}
