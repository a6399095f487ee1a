//! "Query distribution" by group of consumers.

use sea_query::{Expr, ExprTrait, Func, JoinType, SelectStatement, Values, WithClause};
use serde::{Deserialize, Serialize};

use super::comparison::{Compared, Comparison, WithPrevious};
use super::query_distribution::{QueryDistribution, counts, slices};
use super::{Chart, GroupOrOther, sealed, sql};
use crate::error::{Error, Kind};
use crate::model::UsageModel;
use crate::row::{Columns, Decode};
use crate::statement::Query;

/// The queries on one output port by group of consumers: the top n, then Other.
///
/// Made by [`QueryDistribution::by_group`]. Consumers without a group come after every group, before Other.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct QueryDistributionByGroup {
    by_consumer: QueryDistribution,
}

impl QueryDistributionByGroup {
    /// With each slice's queries in the days before, and the change from them.
    ///
    /// As [`QueryDistribution::compared_with`], with groups: a group's count before includes that of consumers
    /// that were there only before.
    pub fn compared_with(self, comparison: Comparison) -> Compared<Self> {
        Compared { chart: self, comparison }
    }
}

impl QueryDistribution {
    /// By the consumers' group, for instance their domain, instead of by consumer.
    ///
    /// The query is an error where the model's consumers have no [`group`](crate::Reference::group).
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueryDistributionGroupSlice {
    /// Whose queries.
    pub group: GroupOrOther,
    /// How many queries, at least 1.
    pub query_count: i64,
    /// The part of all queries of the days, above 0 and up to 1.
    pub share: f64,
    /// The row's number from 1; none for Other.
    pub rank: Option<i64>,
}

impl Decode for QueryDistributionGroupSlice {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(Self {
            group: GroupOrOther::read(row)?,
            query_count: row.count("query_count")?,
            share: row.share("share")?,
            rank: row.count_or_null("rank")?,
        })
    }
}

impl sealed::Sealed for QueryDistributionByGroup {}
impl sealed::Sealed for Compared<QueryDistributionByGroup> {}

impl Chart for QueryDistributionByGroup {
    type Row = QueryDistributionGroupSlice;

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        self.statement(model, None).map(Query::new)
    }
}

impl Chart for Compared<QueryDistributionByGroup> {
    type Row = WithPrevious<QueryDistributionGroupSlice>;

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        self.chart.statement(model, Some(self.comparison)).map(Query::new)
    }
}

impl QueryDistributionByGroup {
    fn statement(
        &self,
        model: &UsageModel,
        comparison: Option<Comparison>,
    ) -> Result<(String, Values), Error> {
        let Some((group, groups)) = &model.consumers.group else {
            return Err(Kind::NoGroup.into());
        };
        let top = sql::check_top("the number of groups", self.by_consumer.top)?;
        let mut member = SelectStatement::new();
        let on = Expr::col(("parent", model.consumers.key.clone())).equals(("consumer", "consumer_id"));
        member.expr_as(Expr::col(("parent", group.clone())), "group_id");
        for &count in counts(comparison) {
            member.expr_as(Func::sum(Expr::col(("consumer", count))), count);
        }
        member
            .from("consumer")
            .join_as(JoinType::LeftJoin, model.consumers.table_ref(), "parent", on)
            .group_by_col(("parent", group.clone()));
        let mut with = WithClause::new();
        // by consumer first: the group is looked up once for each consumer, not for each row
        with.cte(sql::materialized("consumer", self.by_consumer.consumers(model, comparison)?));
        with.cte(sql::materialized("member", member));
        let order = sql::no_id_last_by_count_then("group_id");
        Ok(slices(with, "group_id", counts(comparison), order, top, groups))
    }
}
