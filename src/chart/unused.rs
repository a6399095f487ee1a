//! "Unused": output ports, tech assets and consumers of the parent tables without use.

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::{
    Expr, ExprTrait, Func, JoinType, NullOrdering, Order, PostgresQueryBuilder, SelectStatement, WithClause,
};
use serde::{Deserialize, Serialize};

use super::coverage_of::CoverageOf;
use super::coverage_of_each::CoverageOfEach;
use super::member::Member;
use super::of_each::RowsOf;
use super::subject::Subject;
use super::{Chart, facts, sealed, sql};
use crate::error::Error;
use crate::model::{Column, Parent, Table, UsageModel};
use crate::row::{Columnar, Columns, FlatRecord};
use crate::statement::Query;
use crate::time::Days;

/// The output ports, tech assets or consumers without use since the first of some days, and when each was last used.
///
/// The ids are those of the parent table; one that it holds more than once has one row. Later use is use, too, also
/// after the last of the days. Rows are ordered by the last day of use, those that were never used first, then by id.
///
/// Over a model with [coverage](crate::UsageModelBuilder::coverage) only what was measured, settled or
/// not, is called unused. Of an output port all of the days have to be measured. A tech asset or a consumer may have been read through any output
/// port: of all that were ever measured the days have to be, of each from its first measured day on, or there are no
/// rows. An output port that has neither a row here nor queries was not measured; [`UsageModel::gaps`] names the days.
///
/// What it costs: one look into an index for each id of the parent table, of an output port into the key. A tech asset
/// needs [`read_by_tech_asset`](crate::UsageModelBuilder::read_by_tech_asset) for that and a consumer
/// [`read_by_consumer`](crate::UsageModelBuilder::read_by_consumer); without them the rows are the same, and all touches
/// or queries are read for them.
///
/// ```
/// # use chrono::NaiveDate;
/// # use output_port_usage::{Reference, UsageModel};
/// use output_port_usage::chart::Unused;
/// use output_port_usage::last_days;
/// # let model = UsageModel::builder()
/// #     .output_ports(Reference::to("datasets"))
/// #     .consumers(Reference::to("data_products"))
/// #     .tech_assets(Reference::to("technical_assets"))
/// #     .build()?;
/// # let today = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap();
///
/// let query = model.query(&Unused::output_ports(last_days(90, today)))?;
/// assert_eq!(query.title(), "unused output ports");
/// # Ok::<(), output_port_usage::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct Unused {
    of: Of,
    days: Range<NaiveDate>,
    /// `None` for all.
    top: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    OutputPorts,
    TechAssets,
    Consumers,
}

impl Unused {
    /// Asks for the output ports without queries on the half-open `days` or later.
    pub fn output_ports(days: Range<NaiveDate>) -> Self {
        Self { of: Of::OutputPorts, days, top: None }
    }

    /// Asks for the tech assets without touches on the half-open `days` or later, through whatever output port.
    pub fn tech_assets(days: Range<NaiveDate>) -> Self {
        Self { of: Of::TechAssets, days, top: None }
    }

    /// Asks for the consumers without queries on the half-open `days` or later, of whatever output port.
    pub fn consumers(days: Range<NaiveDate>) -> Self {
        Self { of: Of::Consumers, days, top: None }
    }

    /// The most rows to return: those that were unused for longest. Defaults to all; zero makes the query an error.
    pub fn top(mut self, top: u32) -> Self {
        self.top = Some(top);
        self
    }
}

/// An output port, a tech asset or a consumer of [`Unused`].
///
/// As JSON:
///
/// ```
/// # use output_port_usage::chart::UnusedMember;
/// let json = serde_json::json!({
///     "member": {
///         "kind": "output_port",
///         "id": "0190d3a2-5c1e-7b4a-8f00-0123456789a1",
///         "label": "Orders"
///     },
///     "last_used": "2025-12-24"
/// });
/// let row: UnusedMember = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&row)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[cfg_attr(
    feature = "utoipa",
    derive(utoipa::ToSchema),
    schema(description = "An output port, a tech asset or a consumer without use.")
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UnusedMember {
    /// What is not used.
    pub member: Member,
    /// The last day on which it was, before the requested days; `None` if it never was, as far as the tables know.
    #[cfg_attr(feature = "utoipa", schema(required = true))]
    pub last_used: Option<NaiveDate>,
}

impl Columnar for UnusedMember {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(Self { member: Member::read(row)?, last_used: row.date_or_null("last_used")? })
    }

    fn write_to(&self, record: &mut FlatRecord) {
        self.member.write_to(record);
        record.date("last_used", self.last_used);
    }
}

impl sealed::Sealed for Unused {}

impl Chart for Unused {
    type Row = UnusedMember;

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        let days = Days::check(&self.days)?;
        let top = self.top.map(|top| sql::check_top("the number of rows", top)).transpose()?;
        let title = match self.of {
            Of::OutputPorts => "unused output ports",
            Of::TechAssets => "unused tech assets",
            Of::Consumers => "unused consumers",
        };
        let title = if top.is_some() { format!("the longest {title}") } else { title.to_owned() };
        let (used_by, last_used) = (("used", "last_used"), Expr::col(("used", "last_used")));
        let mut select = SelectStatement::new();
        select
            .expr_as(Expr::cust(self.of.kind()).cast_as("text"), "kind")
            .expr_as(Expr::col(("one", self.of.id().default_name())).cast_as("uuid"), "id")
            .expr_as(Expr::col(("one", "label")).cast_as("text"), "label")
            .expr_as(sql::null("bigint"), "members")
            .expr_as(last_used.clone().cast_as("date"), "last_used")
            .from_subquery(self.of.ids(model), "one");
        let mut with = WithClause::new();
        self.of.join_last_use(model, &mut select, &mut with);
        select.and_where(last_used.clone().is_null().or(last_used.lt(days.start())));
        if model.0.coverage.is_some() {
            self.of.require_measured(model, days, &mut select, &mut with);
        }
        select
            .order_by_with_nulls(used_by, Order::Asc, NullOrdering::First)
            .order_by(("one", self.of.id().default_name()), Order::Asc);
        if let Some(top) = top {
            sql::limit(&mut select, top);
        }
        let built = match with == WithClause::new() {
            false => select.with(with).build(PostgresQueryBuilder),
            true => select.build(PostgresQueryBuilder),
        };
        Ok(Query::noted(title, &[self.of.way(model)], built))
    }
}

impl Of {
    fn id(self) -> Column {
        match self {
            Self::OutputPorts => Column::OutputPortId,
            Self::TechAssets => Column::TechAssetId,
            Self::Consumers => Column::ConsumerId,
        }
    }

    /// The `kind` of each row.
    fn kind(self) -> &'static str {
        match self {
            Self::OutputPorts => "'output_port'",
            Self::TechAssets => "'tech_asset'",
            Self::Consumers => "'consumer'",
        }
    }

    fn table(self, model: &UsageModel) -> &Table {
        match self {
            Self::OutputPorts | Self::Consumers => &model.0.queries,
            Self::TechAssets => &model.0.touches,
        }
    }

    /// Whether a key of the table starts with the id, by which a statement may look each of them up.
    fn has_key(self, model: &UsageModel) -> bool {
        match self {
            _ if model.0.on_citus => false,
            Self::OutputPorts => true,
            Self::TechAssets => model.0.read_by.tech_asset,
            Self::Consumers => model.0.read_by.consumer,
        }
    }

    /// Which opt-in key it wants.
    fn way(self, model: &UsageModel) -> &'static str {
        match self {
            Self::OutputPorts => "",
            Self::TechAssets => facts::by_tech_asset(model),
            Self::Consumers => facts::by_consumer(model),
        }
    }

    fn parent(self, model: &UsageModel) -> &Parent {
        match self {
            Self::OutputPorts => &model.0.output_ports,
            Self::TechAssets => &model.0.tech_assets,
            Self::Consumers => &model.0.consumers,
        }
    }

    /// The id, under its default name, and the `label` of each row of the parent table; only a foreign key makes ids
    /// unique there.
    fn ids(self, model: &UsageModel) -> SelectStatement {
        let parent = self.parent(model);
        let key = || Expr::col(("parent", parent.key.clone()));
        let label = parent.label.clone().map(|label| Expr::col(("parent", label)).cast_as("text"));
        let mut ids = SelectStatement::new();
        ids.expr_as(key(), self.id().default_name())
            .from_as(parent.table_ref(), "parent")
            .and_where(key().is_not_null());
        let label = match parent.may_repeat() {
            true => {
                ids.add_group_by([key()]);
                label.map(|label| Func::min(label).into())
            }
            false => label,
        };
        ids.expr_as(label.unwrap_or_else(|| sql::null("text")), "label");
        ids
    }

    /// Joins each id's `used.last_used`, which is NULL if it never was.
    fn join_last_use(self, model: &UsageModel, select: &mut SelectStatement, with: &mut WithClause) {
        let id = self.id();
        let rows = RowsOf::new(self.table(model), id, "one");
        if self.has_key(model) {
            return sql::join_each(select, rows.last_used(rows.scan()), "used");
        }
        // without a key each look would read the whole table
        let mut used = rows.last_used(rows.all());
        used.expr_as(rows.column(id), id.default_name()).add_group_by([rows.column(id)]);
        let on = Expr::col(("used", id.default_name())).equals(("one", id.default_name()));
        if model.0.on_citus {
            // a result of its own: Citus joins no rows of other nodes beside a condition that is the same for all rows
            with.cte(sql::materialized("used", used));
            select.join(JoinType::LeftJoin, "used", on);
        } else {
            select.join_subquery(JoinType::LeftJoin, used, "used", on);
        }
    }

    /// Leaves out what was not measured; adds what that is looked up in.
    fn require_measured(
        self,
        model: &UsageModel,
        days: Days,
        select: &mut SelectStatement,
        with: &mut WithClause,
    ) {
        match self {
            Self::OutputPorts => {
                let each = CoverageOfEach::new(model, days, None);
                each.join(select, "one");
                select.and_where(each.is_whole());
            }
            // either may be read through any output port
            Self::TechAssets | Self::Consumers => {
                let all = CoverageOf::new(model, Subject::Portal, days);
                all.add_to(with);
                match model.0.on_citus {
                    true => all.join_whole(select),
                    false => drop(select.and_where(all.is_whole())),
                }
            }
        }
    }
}
