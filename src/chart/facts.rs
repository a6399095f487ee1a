//! The rows of a daily table that a chart counts.

use std::ops::Range;

use chrono::NaiveDate;
use sea_query::extension::postgres::PgFunc;
use sea_query::{Expr, ExprTrait, Func, SelectStatement, Value};

use super::sql;
use super::subject::Subject;
use super::who::{Drive, Who};
use crate::error::Error;
use crate::id::{OutputPortId, TechAssetId};
use crate::ident::Ident;
use crate::model::{Column, Stats, Table, UsageModel};
use crate::time::Days;

/// The rows of a daily table that a chart counts.
#[derive(Clone)]
pub(super) struct Facts<'a> {
    model: &'a UsageModel,
    table: &'a Table,
    of: Of,
    who: Who,
    days: Range<NaiveDate>,
}

#[derive(Clone)]
enum Of {
    /// An output port in this column.
    Port(Column, OutputPortId),
    /// Output ports in one array parameter.
    Ports(Value),
    Asset(TechAssetId),
    AssetOfPort(TechAssetId, OutputPortId),
    Portal,
}

impl<'a> Facts<'a> {
    /// The queries of a subject; the touches of a tech asset.
    ///
    /// # Errors
    ///
    /// A group, where the model has none.
    pub(super) fn new(model: &'a UsageModel, subject: Subject, who: Who, days: Days) -> Result<Self, Error> {
        let (table, of) = match subject {
            Subject::OutputPort { id } => (&model.0.queries, Of::Port(Column::OutputPortId, id)),
            Subject::TechAsset { id } => (&model.0.touches, Of::Asset(id)),
            Subject::TechAssetOfPort { id, output_port_id } => {
                (&model.0.touches, Of::AssetOfPort(id, output_port_id))
            }
            Subject::Portal => (&model.0.queries, Of::Portal),
        };
        Self::checked(model, table, of, who, days)
    }

    /// The touches of all tech assets of a subject.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub(super) fn touches(
        model: &'a UsageModel,
        subject: Subject,
        who: Who,
        days: Days,
    ) -> Result<Self, Error> {
        let touches = Self::new(model, subject, who, days)?;
        Ok(Self { table: &model.0.touches, ..touches })
    }

    /// The pairs of a table of combinations that have an output port in this column.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub(super) fn pairs(
        model: &'a UsageModel,
        table: &'a Table,
        (column, port): (Column, OutputPortId),
        who: Who,
        days: Days,
    ) -> Result<Self, Error> {
        Self::checked(model, table, Of::Port(column, port), who, days)
    }

    /// The queries of many output ports, in one array parameter.
    pub(super) fn of_ports(model: &'a UsageModel, ports: Value, days: Days) -> Self {
        let days = days.range();
        Self { model, table: &model.0.queries, of: Of::Ports(ports), who: Who::Anyone, days }
    }

    fn checked(model: &'a UsageModel, table: &'a Table, of: Of, who: Who, days: Days) -> Result<Self, Error> {
        who.check(model)?;
        Ok(Self { model, table, of, who, days: days.range() })
    }

    /// The same on other days, which may be none.
    pub(super) fn during(&self, days: Range<NaiveDate>) -> Self {
        Self { days, ..self.clone() }
    }

    /// Whether they are one contiguous run of a key, which each bucket can read for itself.
    pub(super) fn is_one_run(&self) -> bool {
        let read_by = &self.model.0.read_by;
        match self.of {
            Of::Port(..) | Of::AssetOfPort(..) => true,
            Of::Asset(_) | Of::Portal if self.model.0.on_citus => false,
            Of::Asset(_) => read_by.tech_asset,
            Of::Portal => read_by.consumer && matches!(self.who, Who::Consumer(_)),
            Of::Ports(_) => false,
        }
    }

    /// Whether no two rows of a day have the same value in a column.
    pub(super) fn are_sums_by(&self, column: Column) -> bool {
        match self.of {
            Of::Port(..) | Of::AssetOfPort(..) | Of::Asset(_) => column == Column::ConsumerId,
            Of::Portal => matches!(self.who, Who::Consumer(_)) && column == Column::OutputPortId,
            Of::Ports(_) => false,
        }
    }

    /// The rows of the days, read from an index alone.
    pub(super) fn scan(&self) -> SelectStatement {
        self.scan_when(|_, select| select)
    }

    /// As [`scan`](Self::scan), with conditions on the date before those of the days.
    pub(super) fn scan_when(
        &self,
        conditions: impl FnOnce(Expr, &mut SelectStatement) -> &mut SelectStatement,
    ) -> SelectStatement {
        let rows = self.rows(conditions);
        match self.of {
            Of::Asset(_) => self.each_query_once(rows),
            Of::Portal if self.table.stats == Stats::Touches => self.each_query_once(rows),
            _ => rows,
        }
    }

    fn rows(
        &self,
        conditions: impl FnOnce(Expr, &mut SelectStatement) -> &mut SelectStatement,
    ) -> SelectStatement {
        let date = || Expr::col(self.column(Column::Date));
        let mut select = SelectStatement::new();
        // under an alias, because a host may name the table like a CTE of the chart
        select.from_as(self.table.table_ref(), "fact");
        match &self.of {
            Of::Port(column, one) => {
                select.and_where(Expr::col(self.column(*column)).eq(one.0));
            }
            Of::Ports(many) => {
                let any = PgFunc::any(Expr::val(many.clone()).cast_as("uuid[]"));
                select.and_where(Expr::col(self.column(Column::OutputPortId)).eq(any));
            }
            Of::Asset(one) => {
                select.and_where(Expr::col(self.column(Column::TechAssetId)).eq(one.0));
            }
            Of::AssetOfPort(one, port) => {
                select
                    .and_where(Expr::col(self.column(Column::OutputPortId)).eq(port.0))
                    .and_where(Expr::col(self.column(Column::TechAssetId)).eq(one.0));
            }
            Of::Portal if self.drives_by_asset() => {
                let of_each = Expr::col(("one", self.model.0.tech_assets.key.clone()));
                select.and_where(Expr::col(self.column(Column::TechAssetId)).eq(of_each));
            }
            Of::Portal => self.drive_by_port(&mut select),
        }
        self.who.filter(&mut select, self.model, self.table.column(Column::ConsumerId), self.drive());
        conditions(date(), &mut select)
            .and_where(date().gte(self.days.start))
            .and_where(date().lt(self.days.end))
            .take()
    }

    fn drive(&self) -> Drive {
        match self.of {
            Of::Portal if self.model.0.read_by.consumer && !self.drives_by_asset() => Drive::ByConsumers,
            _ => Drive::ByRows,
        }
    }

    /// Whether the touches of the portal are read tech asset by tech asset, in the order of their key: all of them at once
    /// are hashed, and do not fit into memory.
    fn drives_by_asset(&self) -> bool {
        let assets = &self.model.0.tech_assets;
        // the parent table has each tech asset, and has it once, only where a foreign key says so
        let each_once = self.model.0.read_by.tech_asset && !assets.may_repeat();
        let each = each_once && !self.model.0.on_citus;
        self.table.stats == Stats::Touches && each && !matches!(self.who, Who::Consumer(_))
    }

    /// Names every output port: reading each one's run of the key is faster than finding the days in the whole table.
    fn drive_by_port(&self, select: &mut SelectStatement) {
        let ports = &self.model.0.output_ports;
        let by_consumer = match self.who {
            Who::Anyone | Who::NoGroup => false,
            Who::Consumer(_) => true,
            Who::Group(_) => matches!(self.drive(), Drive::ByConsumers),
        };
        // the parent table has every output port only where a foreign key says so
        if by_consumer || ports.may_repeat() {
            return;
        }
        let mut all = SelectStatement::new();
        all.column(("parent", ports.key.clone())).from_as(ports.table_ref(), "parent");
        select.and_where(Expr::col(self.column(Column::OutputPortId)).in_subquery(all));
    }

    /// One row for a query that touches a tech asset of several output ports: the largest of their counts.
    fn each_query_once(&self, mut rows: SelectStatement) -> SelectStatement {
        let by_asset = matches!(self.of, Of::Portal) && self.drives_by_asset();
        let key: &[Column] = match self.of {
            // of one tech asset nobody asks for its id, and each column of a group is compared for each row
            Of::Asset(_) => &[Column::Date, Column::ConsumerId],
            _ if by_asset => &[Column::Date, Column::ConsumerId],
            _ => &[Column::Date, Column::TechAssetId, Column::ConsumerId],
        };
        for &column in key {
            rows.expr_as(Expr::col(self.column(column)), self.column(column));
        }
        let count = self.column(Column::QueryCount);
        rows.expr_as(Func::max(Expr::col(count.clone())), count.clone())
            .group_by_columns(key.iter().map(|column| self.column(*column)));
        let mut once = SelectStatement::new();
        if !by_asset {
            return once.from_subquery(rows, "fact").take();
        }
        let assets = &self.model.0.tech_assets;
        once.expr_as(Expr::col(("one", assets.key.clone())), self.column(Column::TechAssetId));
        for column in [Column::Date, Column::ConsumerId, Column::QueryCount] {
            once.column(("touched", self.column(column)));
        }
        once.from_as(assets.table_ref(), "one");
        sql::join_each(&mut once, rows, "touched");
        SelectStatement::new().from_subquery(once, "fact").take()
    }

    /// The sum of each of the values that a column has: `column AS name`, `query_count`.
    pub(super) fn sum_by(&self, column: Column, name: &'static str) -> SelectStatement {
        let column = self.column(column);
        let mut sums = self.scan();
        sums.expr_as(Expr::col(column.clone()), name).expr_as(self.sum(), "query_count").group_by_col(column);
        sums
    }

    /// The last day with queries.
    pub(super) fn last_used(&self) -> Expr {
        let counted = Expr::col(self.column(Column::QueryCount)).gt(Expr::cust("0"));
        Func::max(Expr::col(self.column(Column::Date))).filter(counted).into()
    }

    pub(super) fn column(&self, column: Column) -> Ident {
        self.table.column(column).clone()
    }

    /// `SUM(query_count)`, a bigint.
    pub(super) fn sum(&self) -> Expr {
        Func::sum(Expr::col(self.column(Column::QueryCount))).into()
    }
}

/// Which opt-in key a chart wants, as a note of its statement; empty for one that reads the tables' own keys.
pub(super) fn way_to_read(model: &UsageModel, subject: Subject, who: Who) -> &'static str {
    match (subject, who) {
        (Subject::TechAsset { .. }, _) => by_tech_asset(model),
        (Subject::Portal, Who::Consumer(_) | Who::Group(_)) => by_consumer(model),
        _ => "",
    }
}

pub(super) fn by_consumer(model: &UsageModel) -> &'static str {
    match model.0.read_by.consumer {
        true => "it reads a key by consumer",
        false => "it wants a key of read_by_consumer(), and without it reads all consumers",
    }
}

pub(super) fn by_tech_asset(model: &UsageModel) -> &'static str {
    match model.0.read_by.tech_asset {
        true => "it reads the key by tech asset",
        false => "it wants the key of read_by_tech_asset(), and without it reads all tech assets",
    }
}
