//! The statement of a ranking of output ports.

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::extension::postgres::PgFunc;
use sea_query::{
    CaseStatement, Expr, ExprTrait, Func, Order, OverStatement, PostgresQueryBuilder, SelectStatement,
    Values, WindowStatement, WithClause,
};

use super::{MostUsedPorts, PortOrder, of_some};
use crate::chart::comparison::{self, Before, Gone};
use crate::chart::coverage_of_each::CoverageOfEach;
use crate::chart::facts::Facts;
use crate::chart::of_each::{self, RowsOf};
use crate::chart::sql::{self, FLOAT};
use crate::chart::subject::Subject;
use crate::chart::who::Who;
use crate::error::{Error, Kind};
use crate::model::{Column, OnDelete, UsageModel};
use crate::time::Days;

/// A ranking whose request was checked.
pub(super) struct PortRanking<'a> {
    chart: &'a MostUsedPorts,
    model: &'a UsageModel,
    days: Days,
    before: Option<Range<NaiveDate>>,
    gone: Gone,
    top: Option<i64>,
    coverage: CoverageOfEach<'a>,
    /// The rows that are read at once, those of some consumers alone; without them each output port is looked up.
    of_some: Option<Facts<'a>>,
}

impl<'a> PortRanking<'a> {
    pub(super) fn new(
        chart: &'a MostUsedPorts,
        model: &'a UsageModel,
        before: Option<&Before>,
    ) -> Result<Self, Error> {
        let most = MostUsedPorts::MAX_PORTS;
        match chart.ports.as_ref().map(|ports| ports.len()) {
            Some(0) => return Err(Kind::NoPorts.into()),
            Some(count) if count > most => return Err(Kind::TooManyPorts { count, most }.into()),
            _ => {}
        }
        let top = chart.top.map(|top| sql::check_top("the number of output ports", top)).transpose()?;
        let days = Days::check(&chart.days)?;
        let gone = before.map_or(Gone::LeftOut, |before| before.gone);
        let before = before.map(|before| before.comparison.days(&chart.days)).transpose()?;
        let coverage = CoverageOfEach::new(model, days, before.clone());
        let of_some = match chart.who {
            Who::Anyone if !model.0.on_citus => None,
            who => Some(Facts::new(model, Subject::Portal, who, days)?),
        };
        Ok(Self { chart, model, days, before, gone, top, coverage, of_some })
    }

    pub(super) fn build(&self) -> (String, Values) {
        let mut with = WithClause::new();
        if self.ids_come_from_usage() {
            with.recursive(true).cte(of_each::every_id(
                "every_port",
                &self.model.0.queries,
                Column::OutputPortId,
            ));
        }
        with.cte(sql::materialized("member", self.member())).cte(sql::cte("ranked", self.ranked()));
        self.rows().with(with).build(PostgresQueryBuilder)
    }

    fn ids_come_from_usage(&self) -> bool {
        self.of_some.is_none()
            && self.chart.ports.is_none()
            && self.model.0.output_ports.on_delete == OnDelete::Keep
    }

    /// Whether the days before decide who has a row, or where, or come with the members.
    fn needs_all_before(&self) -> bool {
        let is_known = self.of_some.is_some() && self.before.is_some();
        self.chart.order != PortOrder::Queries || self.includes_gone() || is_known
    }

    /// Whether members come with their consumers and last day, which otherwise are looked up for the result rows.
    fn counts_consumers(&self) -> bool {
        self.top.is_none() || self.of_some.is_some()
    }

    fn includes_gone(&self) -> bool {
        match self.chart.order {
            PortOrder::Queries => self.gone == Gone::Included,
            PortOrder::Risers => false,
            PortOrder::Fallers => true,
        }
    }

    /// The rows of the output port of each row of `outer`.
    fn rows_of(&self, outer: &'static str) -> RowsOf<'a> {
        RowsOf::new(&self.model.0.queries, Column::OutputPortId, outer)
    }

    /// `output_port_id` of all output ports, each once.
    fn ports(&self) -> SelectStatement {
        let mut ports = SelectStatement::new();
        if let Some(list) = &self.chart.ports {
            let list = Expr::val(sql::uuids(list.iter().map(|port| port.0))).cast_as("uuid[]");
            return ports.expr_as(Func::cust("pg_catalog.unnest").arg(list), "output_port_id").take();
        }
        if self.ids_come_from_usage() {
            return ports.column("output_port_id").from("every_port").take();
        }
        let parent = &self.model.0.output_ports;
        let key = Expr::col(("parent", parent.key.clone()));
        ports.expr_as(key, "output_port_id").from_as(parent.table_ref(), "parent").take()
    }

    /// `output_port_id, query_count` of all output ports that may have a row, `consumers, last_used` where all will have
    /// one, and `previous` where it decides.
    fn member(&self) -> SelectStatement {
        let mut member = SelectStatement::new();
        if let Some(rows) = &self.of_some {
            return self.used(of_some::members(rows, self.before.clone()));
        }
        member
            .column(("port", "output_port_id"))
            .column(("now", "query_count"))
            .from_subquery(self.ports(), "port");
        let now = match self.top {
            Some(_) => self.sum("port", self.days.range()),
            None => {
                member.columns([("now", "consumers"), ("now", "last_used")]);
                self.by_consumer("port")
            }
        };
        sql::join_each(&mut member, now, "now");
        let is_used = |of| Expr::col((of, "query_count")).gt(Expr::cust("0"));
        let Some(before) = self.before.clone().filter(|_| self.needs_all_before()) else {
            return member.and_where(is_used("now")).take();
        };
        sql::join_each(&mut member, self.sum("port", before), "before");
        member.expr_as(Expr::col(("before", "query_count")), "previous");
        match self.includes_gone() {
            true => member.and_where(is_used("now").or(is_used("before"))),
            false => member.and_where(is_used("now")),
        };
        member
    }

    /// Those of the members of some consumers that have a row.
    fn used(&self, members: SelectStatement) -> SelectStatement {
        let is_used = |column| Expr::col(("one", column)).gt(Expr::cust("0"));
        let mut used = SelectStatement::new();
        used.columns(["output_port_id", "query_count", "consumers", "last_used"].map(|name| ("one", name)));
        if self.before.is_some() {
            used.column(("one", "previous"));
        }
        used.from_subquery(members, "one");
        if let Some(list) = &self.chart.ports {
            let list = Expr::val(sql::uuids(list.iter().map(|port| port.0))).cast_as("uuid[]");
            used.and_where(Expr::col(("one", "output_port_id")).eq(PgFunc::any(list)));
        }
        match self.includes_gone() {
            true => used.and_where(is_used("query_count").or(is_used("previous"))),
            false => used.and_where(is_used("query_count")),
        };
        used
    }

    /// `query_count` of an output port, 0 or more.
    fn sum(&self, outer: &'static str, days: Range<NaiveDate>) -> SelectStatement {
        let rows = self.rows_of(outer);
        let sum = Func::sum(rows.column(Column::QueryCount));
        rows.during(days)
            .expr_as(
                Expr::from(Func::coalesce([sum.into(), Expr::cust("0")])).cast_as("bigint"),
                "query_count",
            )
            .take()
    }

    /// `query_count, consumers, last_used` of an output port: by consumer first, COUNT(DISTINCT) would sort every row.
    fn by_consumer(&self, outer: &'static str) -> SelectStatement {
        let column = |name: &'static str| Expr::col(("pair", name));
        let rows = self.rows_of(outer);
        let count = || rows.column(Column::QueryCount);
        let used = Func::max(rows.column(Column::Date)).filter(count().gt(Expr::cust("0")));
        let mut pairs = self.pairs(outer);
        pairs.expr_as(Func::sum(count()), "query_count").expr_as(used, "last_used");
        let sum = Func::coalesce([Func::sum(column("query_count")).into(), Expr::cust("0")]);
        SelectStatement::new()
            .expr_as(Expr::from(sum).cast_as("bigint"), "query_count")
            .expr_as(Func::count(Expr::cust("*")), "consumers")
            .expr_as(Func::max(column("last_used")), "last_used")
            .from_subquery(pairs, "pair")
            .take()
    }

    /// A row for each consumer with queries, without columns yet.
    fn pairs(&self, outer: &'static str) -> SelectStatement {
        let rows = self.rows_of(outer);
        rows.during(self.days.range())
            .add_group_by([rows.column(Column::ConsumerId)])
            .and_having(Expr::expr(Func::sum(rows.column(Column::QueryCount))).gt(Expr::cust("0")))
            .take()
    }

    /// The members that have a row, with their `rank` and `percentile_rank`.
    fn ranked(&self) -> SelectStatement {
        let mut columns = vec!["output_port_id", "query_count"];
        columns.extend(self.counts_consumers().then_some(["consumers", "last_used"]).into_iter().flatten());
        columns.extend(self.needs_all_before().then_some("previous"));
        let mut placed = SelectStatement::new();
        placed
            .columns(columns.iter().map(|name| ("member", *name)))
            .expr_window_as(Func::cust("percent_rank"), among_the_used(), "percentile_rank")
            .from("member");
        let is_ordered_by_growth = self.chart.order != PortOrder::Queries;
        if is_ordered_by_growth && let Some(complete) = self.coverage.complete() {
            self.coverage.join(&mut placed, "member");
            let known_first = CaseStatement::new().case(complete, Expr::cust("0")).finally(Expr::cust("1"));
            placed.expr_as(known_first, "unknown");
        }
        let mut ranked = SelectStatement::new();
        ranked
            .columns(columns)
            .column("percentile_rank")
            .expr_window_as(Func::cust("row_number"), self.order(), "rank")
            .from_subquery(placed, "placed")
            .order_by("rank", Order::Asc);
        let [now, before] = ["query_count", "previous"].map(Expr::col);
        match self.chart.order {
            PortOrder::Queries => {}
            PortOrder::Risers => drop(ranked.and_where(now.gt(before))),
            PortOrder::Fallers => drop(ranked.and_where(now.lt(before))),
        }
        if let Some(top) = self.top {
            sql::limit(&mut ranked, top);
        }
        ranked
    }

    fn order(&self) -> WindowStatement {
        let growth = || Expr::col("query_count").sub(Expr::col("previous"));
        let mut window = WindowStatement::new();
        if self.chart.order != PortOrder::Queries && self.coverage.is_kept() {
            window.order_by("unknown", Order::Asc);
        }
        match self.chart.order {
            PortOrder::Queries => window.order_by("query_count", Order::Desc),
            PortOrder::Risers => window.order_by_expr(growth(), Order::Desc),
            PortOrder::Fallers => window.order_by_expr(growth(), Order::Asc),
        };
        window.order_by("output_port_id", Order::Asc);
        window
    }

    /// The result rows: what only they need is looked up for each of them.
    fn rows(&self) -> SelectStatement {
        let column = |name: &'static str| Expr::col(("ranked", name));
        let (consumers, last_used) = match self.counts_consumers() {
            false => {
                let rows = self.rows_of("ranked");
                let mut each = SelectStatement::new();
                let pairs =
                    self.pairs("ranked").expr_as(rows.column(Column::ConsumerId), "consumer_id").take();
                each.expr(Func::count(Expr::cust("*"))).from_subquery(pairs, "pair");
                (sql::subquery(each), sql::subquery(rows.last_used(rows.during(self.days.range()))))
            }
            true => (column("consumers"), column("last_used")),
        };
        let total = Func::sum(Expr::col(("member", "query_count")));
        let total = SelectStatement::new().expr(Expr::from(total).cast_as("bigint")).from("member").take();
        // nothing is all there is where every output port is gone
        let total = Expr::from(Func::cust("nullif").args([sql::subquery(total), Expr::cust("0")]));
        let share =
            Func::coalesce([sql::share(column("query_count"), total), Expr::cust("0").cast_as(FLOAT)]);
        let percent = column("percentile_rank").mul(Expr::cust("100").cast_as(FLOAT));
        let mut select = SelectStatement::new();
        select
            .expr_as(column("output_port_id").cast_as("uuid"), "output_port_id")
            .expr_as(column("query_count").cast_as("bigint"), "query_count")
            .expr_as(Expr::from(share).cast_as(FLOAT), "share")
            .expr_as(column("rank").cast_as("bigint"), "rank")
            .expr_as(percent.cast_as(FLOAT), "percentile_rank")
            .expr_as(consumers.cast_as("bigint"), "consumers")
            .expr_as(last_used.cast_as("date"), "last_used")
            .expr_as(self.coverage.word(), "coverage")
            .from("ranked");
        sql::label(&mut select, &self.model.0.output_ports, ("ranked", "output_port_id"));
        if let Some(before) = self.before.clone() {
            let previous = match self.needs_all_before() {
                true => column("previous"),
                false => {
                    sql::join_each(&mut select, self.sum("ranked", before), "before");
                    Expr::col(("before", "query_count"))
                }
            };
            comparison::change(&mut select, column("query_count"), previous, self.coverage.complete());
            select.expr_as(self.coverage.word_before(), "previous_coverage");
        }
        self.coverage.join(&mut select, "ranked");
        sql::order_by_rank(&mut select, ("ranked", "rank"));
        select
    }
}

/// The output ports with queries, by these, apart from the others.
fn among_the_used() -> WindowStatement {
    let mut window = WindowStatement::new();
    let is_used = Expr::col(("member", "query_count")).gt(Expr::cust("0"));
    window.add_partition_by(is_used).order_by(("member", "query_count"), Order::Asc);
    window
}
