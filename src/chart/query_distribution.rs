//! "Query distribution".

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{
    Expr, ExprTrait, Func, NullOrdering, Order, PostgresQueryBuilder, SelectStatement, UnionType, Values,
    WithClause,
};
use serde::{Deserialize, Serialize};

use super::comparison::{self, Before, Comparable, Compared, Comparison, Ranking, WithPrevious};
use super::coverage_of::CoverageOf;
use super::facts::{self, Facts};
use super::member::{self, Member};
use super::subject::Subject;
use super::who::{Who, groups_of};
use super::{Chart, groups, sealed, sql};
use crate::error::Error;
use crate::model::{Column, Parent, UsageModel};
use crate::row::{Columnar, Columns, FlatRecord};
use crate::statement::Query;
use crate::time::Days;

/// The queries of a subject by consumer, or by group of consumers: the top n, then Other.
///
/// Of a tech asset, its touches: who reads it. Shares are of all queries that are counted, so they add up to 1. Members
/// are ordered by count, the largest first, then by id. Other comes last; there is one if there are more than n.
///
/// ```
/// # use chrono::NaiveDate;
/// # use output_port_usage::{Reference, UsageModel, OutputPortId};
/// use output_port_usage::chart::QueryDistribution;
/// use output_port_usage::last_days;
/// # let model = UsageModel::builder()
/// #     .output_ports(Reference::to("datasets"))
/// #     .consumers(Reference::to("data_products").group("domain_id", Reference::to("domains")))
/// #     .tech_assets(Reference::to("technical_assets"))
/// #     .build()?;
/// # let port = OutputPortId(uuid::Uuid::nil());
/// # let today = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap();
///
/// let top = QueryDistribution::new(port, last_days(30, today)).top(5);
/// let by_consumer = model.query(&top)?; // up to 6 rows, Other included
/// let by_domain = model.query(&top.by_group())?; // up to 7: also the consumers without a domain
/// # assert_eq!((by_consumer.title(), by_domain.title()), ("query distribution", "query distribution by group"));
/// # Ok::<(), output_port_usage::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct QueryDistribution {
    subject: Subject,
    who: Who,
    days: Range<NaiveDate>,
    by: member::Kind,
    top: u32,
    last_used: LastUsed,
}

/// Whether slices carry their last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastUsed {
    Without,
    With,
}

impl QueryDistribution {
    /// Asks for the half-open `days` of a subject, for instance of an output port.
    pub fn new(subject: impl Into<Subject>, days: Range<NaiveDate>) -> Self {
        Self {
            subject: subject.into(),
            who: Who::Anyone,
            days,
            by: member::Kind::Consumer,
            top: sql::DEFAULT_TOP,
            last_used: LastUsed::Without,
        }
    }

    /// Asks for groups of consumers, for instance for domains.
    ///
    /// Consumers without a group have a row of their own if they have queries, whatever the top n. It has no rank, comes
    /// before Other and is never part of it. The query is an error if the model's consumers have no
    /// [`group`](crate::Reference::group).
    pub fn by_group(mut self) -> Self {
        self.by = member::Kind::Group;
        self
    }

    /// How many slices come before Other. Defaults to 10; zero makes the query an error.
    pub fn top(mut self, top: u32) -> Self {
        self.top = top;
        self
    }

    /// Adds the last day with queries of each slice. Defaults to none.
    pub fn with_last_used(mut self) -> Self {
        self.last_used = LastUsed::With;
        self
    }

    /// Adds each slice's count in the earlier days, and the change since then.
    ///
    /// Other stands for the same members in both periods. A consumer with queries only in the earlier days has no
    /// slice and is not in Other, unless you [include what is gone](Compared::include_gone);
    /// [`Summary`](super::Summary) counts its queries. A group's earlier count includes
    /// consumers with queries only then. The query is an error if the earlier days begin before year 1.
    pub fn compared_with(self, comparison: Comparison) -> Compared<Self> {
        Compared::new(self, comparison)
    }
}

super::who::of_groups!(QueryDistribution, who);

/// A slice of [`QueryDistribution`].
///
/// As JSON, with `member` as [`Member`] says:
///
/// ```
/// # use output_port_usage::chart::QueryDistributionSlice;
/// let json = serde_json::json!({
///     "member": {"kind": "consumer", "id": "0190d3a2-5c1e-7b4a-8f00-0123456789c1", "label": "Finance"},
///     "query_count": 42,
///     "share": 0.25,
///     "rank": 1
/// });
/// let row: QueryDistributionSlice = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&row)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[cfg_attr(
    feature = "utoipa",
    derive(utoipa::ToSchema),
    schema(description = "The queries of one consumer or group, or of all others.")
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueryDistributionSlice {
    /// Who made these queries.
    pub member: Member,
    /// How many queries, at least 1; 0 for one that is [gone](Compared::include_gone).
    pub query_count: i64,
    /// The share of all queries on the days, a fraction from 0 to 1.
    pub share: f64,
    /// The row's position, from 1; `None` for Other and for those without a group.
    #[cfg_attr(feature = "utoipa", schema(required = true))]
    pub rank: Option<i64>,
    /// The last day with queries; `None` unless it was [asked for](QueryDistribution::with_last_used).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<NaiveDate>,
}

impl Columnar for QueryDistributionSlice {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(Self {
            member: Member::read(row)?,
            query_count: row.count("query_count")?,
            share: row.share("share")?,
            rank: row.count_or_null("rank")?,
            last_used: row.date_or_null("last_used")?,
        })
    }

    fn write_to(&self, record: &mut FlatRecord) {
        self.member.write_to(record);
        record
            .count("query_count", self.query_count)
            .share("share", self.share)
            .count("rank", self.rank)
            .date("last_used", self.last_used);
    }
}

impl Ranking for QueryDistribution {}

impl sealed::Sealed for QueryDistribution {}

impl Chart for QueryDistribution {
    type Row = QueryDistributionSlice;

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        let built = self.build(model, None)?;
        Ok(Query::noted(self.title(), &[self.way(model)], built))
    }
}

impl Comparable for QueryDistribution {
    fn compare(
        &self,
        model: &UsageModel,
        before: &Before,
    ) -> Result<Query<WithPrevious<QueryDistributionSlice>>, Error> {
        let built = self.build(model, Some(before))?;
        Ok(Query::noted(before.title(&self.title()), &[self.way(model)], built))
    }
}

impl QueryDistribution {
    fn way(&self, model: &UsageModel) -> &'static str {
        facts::way_to_read(model, self.subject, self.who)
    }

    fn title(&self) -> String {
        let by = match self.by {
            member::Kind::Group => " by group",
            _ => "",
        };
        let last_used = match self.last_used {
            LastUsed::With => ", with last days",
            LastUsed::Without => "",
        };
        format!("query distribution{by}{last_used}{}{}", self.subject.title(), self.who.title())
    }

    fn build(&self, model: &UsageModel, before: Option<&Before>) -> Result<(String, Values), Error> {
        let top = sql::check_top(self.by.top(), self.top)?;
        let columns = self.columns(before);
        let id = self.by.id();
        let consumers = self.consumers(model, before)?;
        let mut with = WithClause::new();
        let (from, parent) = match self.by {
            member::Kind::Group => {
                // by consumer first: the group is looked up once for each consumer, not for each row
                with.cte(sql::materialized("consumer", consumers));
                with.cte(sql::materialized("member", groups::sums("consumer", model, &columns)?));
                ("shown", groups_of(model)?.1)
            }
            _ => {
                with.cte(sql::materialized("member", consumers));
                ("slice", &model.0.consumers)
            }
        };
        let shown = comparison::shown(before);
        let mut ranked = sql::numbered(id, &columns, sql::by_count_then(id));
        ranked.and_where(Expr::col(id).is_not_null()).and_where(shown.clone());
        with.cte(sql::cte("ranked", ranked))
            .cte(sql::cte("slice", sql::top_and_other("ranked", id, &columns, top)));
        if self.by == member::Kind::Group {
            with.cte(sql::cte("shown", groups::with_those_without(&columns, shown)));
        }
        let compared = self.compared(model, before)?;
        Ok(self.slices(with, from, before, compared.as_ref(), parent))
    }

    /// The coverage of both periods, where there are two.
    fn compared<'a>(
        &self,
        model: &'a UsageModel,
        before: Option<&Before>,
    ) -> Result<Option<CoverageOf<'a>>, Error> {
        let Some(Before { comparison, .. }) = before else { return Ok(None) };
        let coverage = CoverageOf::new(model, self.subject, Days::check(&self.days)?);
        Ok(Some(coverage.and_before(*comparison, comparison.days(&self.days)?)))
    }

    /// What is known of a member beside its id.
    fn columns(&self, before: Option<&Before>) -> Vec<&'static str> {
        let previous = before.map(|_| "previous");
        let last_used = (self.last_used == LastUsed::With).then_some("last_used");
        ["query_count"].into_iter().chain(previous).chain(last_used).collect()
    }

    /// The consumers of the days and their [`columns`](Self::columns): one scan for each range of days.
    fn consumers(&self, model: &UsageModel, before: Option<&Before>) -> Result<SelectStatement, Error> {
        let rows = Facts::new(model, self.subject, self.who, Days::check(&self.days)?)?;
        let mut now = rows.sum_by(Column::ConsumerId, "consumer_id");
        if before.is_some() {
            now.expr_as(Expr::cust("0"), "previous");
        }
        if self.last_used == LastUsed::With {
            now.expr_as(rows.last_used(), "last_used");
        }
        let Some(before) = before else { return Ok(now) };
        let rows = rows.during(before.comparison.days(&self.days)?);
        let mut earlier = rows.scan();
        earlier
            .expr_as(Expr::col(rows.column(Column::ConsumerId)), "consumer_id")
            .expr_as(Expr::cust("0"), "query_count")
            .expr_as(rows.sum(), "previous")
            .group_by_col(rows.column(Column::ConsumerId));
        if self.last_used == LastUsed::With {
            earlier.expr_as(sql::null("date"), "last_used");
        }
        now.union(UnionType::All, earlier);
        let mut consumers = SelectStatement::new();
        consumers.column("consumer_id");
        for column in self.columns(Some(before)) {
            consumers.expr_as(sql::folded(Expr::col(column), column), column);
        }
        Ok(consumers.from_subquery(now, "period").group_by_col("consumer_id").take())
    }

    /// The slices of the CTE `from`, their shares of all of `member`, and their labels.
    fn slices(
        &self,
        mut with: WithClause,
        from: &'static str,
        before: Option<&Before>,
        compared: Option<&CoverageOf>,
        parent: &Parent,
    ) -> (String, Values) {
        let mut total = SelectStatement::new();
        total.expr(Func::sum(Expr::col("query_count"))).from("member");
        let column = |name: &'static str| Expr::col((from, name));
        let id = || column(self.by.id());
        let last_used = match self.last_used {
            LastUsed::With => column("last_used").cast_as("date"),
            LastUsed::Without => sql::null("date"),
        };
        let mut select = SelectStatement::new();
        select
            .expr_as(self.by.column(id(), column("members")), "kind")
            .expr_as(id().cast_as("uuid"), "id")
            .expr_as(column("query_count").cast_as("bigint"), "query_count")
            .expr_as(comparison::share(column("query_count"), sql::subquery(total), before), "share")
            .expr_as(column("rank").cast_as("bigint"), "rank")
            .expr_as(column("members").cast_as("bigint"), "members")
            .expr_as(last_used, "last_used")
            .from(from);
        sql::label(&mut select, parent, (from, self.by.id()));
        if let Some(coverage) = compared {
            coverage.add_to(&mut with);
            comparison::change(&mut select, column("query_count"), column("previous"), coverage.complete());
            select.expr_as(coverage.word_before(), "previous_coverage");
        }
        sql::order_by_rank(&mut select, (from, "rank"));
        // the row without an id has no members either, and comes before Other, which has
        select.order_by_with_nulls((from, "members"), Order::Asc, NullOrdering::First);
        select.with(with).build(PostgresQueryBuilder)
    }
}
