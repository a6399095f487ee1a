//! Writing coverage: days become measured, or stop being so.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;
use uuid::Uuid;

use super::{days_of, join_rows};
use crate::error::{Error, UnknownIds};
use crate::id::OutputPortId;
use crate::model::{Column, CoverageTable, UsageModel};
use crate::statement::{Param, SqlWriter, Statement};
use crate::time::Days;
use crate::usage::{Rules, Scope, UsageBatch};

/// Days of output ports that become measured.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::postgres) struct Mark {
    table: CoverageTable,
    output_ports: BTreeSet<OutputPortId>,
    days: Days,
    /// The first of the days that is not settled; the day after them if all are.
    settled_until: NaiveDate,
    rules: Rules,
}

impl Mark {
    /// What a batch makes measured, where the model has coverage.
    ///
    /// # Errors
    ///
    /// A batch that is unsettled from a day outside its scope, whatever the model.
    pub(in crate::postgres) fn of(model: &UsageModel, batch: &UsageBatch) -> Result<Option<Self>, Error> {
        batch.check_unsettled()?;
        let days = batch.scope().checked_days();
        let mut mark = Self::of_scope(model, batch.scope());
        if let Some(mark) = &mut mark {
            mark.settled_until = batch.unsettled_from().unwrap_or(days.end());
            mark.rules = batch.rules().clone();
        }
        Ok(mark)
    }

    /// A scope that is measured and settled, by rules that nobody knows.
    pub(in crate::postgres) fn of_scope(model: &UsageModel, scope: &Scope) -> Option<Self> {
        Some(Self {
            table: model.0.coverage.clone()?,
            output_ports: scope.output_ports().clone(),
            days: scope.checked_days(),
            settled_until: scope.checked_days().end(),
            rules: Rules::default(),
        })
    }

    /// Takes in the mark of a batch of some of the days and all of the output ports; batches come in the order of days.
    pub(in crate::postgres) fn add(&mut self, batch: &Self) {
        self.rules = match batch.days.start() == self.days.start() {
            true => batch.rules.clone(),
            false => std::mem::take(&mut self.rules).in_common(&batch.rules),
        };
        if batch.settled_until < batch.days.end() {
            self.settled_until = self.settled_until.min(batch.settled_until);
        }
    }

    pub(in crate::postgres) fn output_ports(&self) -> impl Iterator<Item = Uuid> {
        self.output_ports.iter().map(|port| port.0)
    }

    /// Leaves out output ports that no parent table holds.
    pub(in crate::postgres) fn skip(&mut self, unknown: &UnknownIds) {
        self.output_ports.retain(|port| unknown.output_ports.binary_search(&port.0).is_err());
    }

    /// Writes the rows that change, and returns one row for each.
    ///
    /// Days that were counted by other rules stop being counted days, all of them: from then on `rules` names the new.
    pub(in crate::postgres) fn statement(&self) -> Statement {
        let table = &self.table;
        let mut sql = SqlWriter::new("mark days as measured");
        let ports = sql.bind(self.output_ports().collect::<Arc<[Uuid]>>());
        let rules = self.output_ports.iter().map(|port| self.rules.of(*port).unwrap_or_default());
        let rules = sql.bind(rules.collect::<Arc<[Uuid]>>());
        let [from, until, settled_until] =
            [self.days.start(), self.days.end(), self.settled_until].map(|day| sql.bind(day));

        sql.text("INSERT INTO ").qualified(&table.schema, &table.name).text(" AS t (");
        sql.list(", ", CoverageTable::COLUMNS, |sql, of| {
            sql.ident(table.column(of));
        });
        sql.text(")\nWITH scope AS (\n    SELECT\n        ");
        days_between(&mut sql, from, until);
        sql.text(" AS days,\n        ");
        days_between(&mut sql, from, settled_until);
        sql.text(" AS settled_days\n),\nport AS (\n    SELECT u.id, nullif(u.rules, '").text(NO_RULES);
        sql.text("'::uuid) AS rules\n    FROM unnest(").param(ports).text("::uuid[], ").param(rules);
        sql.text("::uuid[]) AS u(id, rules)\n),\nmarked AS (\n    SELECT");
        marked(&mut sql, table);
        sql.text("\n    FROM port AS u\n    ");
        join_rows(&mut sql, table, ports);
        sql.text("\n    CROSS JOIN scope\n)\nSELECT id, measured, settled, rules, counted\nFROM marked");
        sql.text("\nWHERE rules IS DISTINCT FROM rules_before");
        for change in [
            "measured_before IS NULL OR measured OPERATOR(pg_catalog.<>) measured_before",
            "settled_before IS NULL OR settled OPERATOR(pg_catalog.<>) settled_before",
            "counted_before IS NULL OR counted OPERATOR(pg_catalog.<>) counted_before",
        ] {
            sql.text("\n    OR ").text(change);
        }
        sql.text("\nON CONFLICT (").ident(table.column(Column::OutputPortId)).text(") DO UPDATE SET ");
        sql.list(", ", &CoverageTable::COLUMNS[1..], |sql, &of| {
            sql.ident(table.column(of)).text(" = excluded.").ident(table.column(of));
        });
        sql.text("\nRETURNING 1");
        sql.into_statement()
    }
}

/// What stands for an output port without rules in an array, which has no NULL.
pub(super) const NO_RULES: &str = "00000000-0000-0000-0000-000000000000";

/// What a row is to hold, from `u`, `o` and `scope`, and what it holds.
fn marked(sql: &mut SqlWriter, table: &CoverageTable) {
    let rules = table.column(Column::Rules);
    sql.text("\n        u.id,\n        ");
    days_of(sql, table, Column::Measured);
    sql.text(" OPERATOR(pg_catalog.+) scope.days AS measured,\n        (");
    days_of(sql, table, Column::Settled);
    sql.text(" OPERATOR(pg_catalog.-) scope.days) OPERATOR(pg_catalog.+) scope.settled_days AS settled,");
    sql.text("\n        coalesce(u.rules, o.").ident(rules).text(") AS rules,\n        CASE");
    sql.text("\n            WHEN u.rules IS NULL THEN ");
    days_of(sql, table, Column::Counted);
    sql.text(" OPERATOR(pg_catalog.-) scope.days\n            WHEN u.rules = o.").ident(rules).text(" THEN ");
    days_of(sql, table, Column::Counted);
    sql.text(" OPERATOR(pg_catalog.+) scope.days\n            ELSE scope.days\n        END AS counted");
    for (of, before) in [
        (Column::Measured, " AS measured_before"),
        (Column::Settled, " AS settled_before"),
        (Column::Rules, " AS rules_before"),
        (Column::Counted, " AS counted_before"),
    ] {
        sql.text(",\n        o.").ident(table.column(of)).text(before);
    }
}

fn days_between(sql: &mut SqlWriter, from: Param, until: Param) {
    sql.text("pg_catalog.datemultirange(pg_catalog.daterange(");
    sql.param(from).text("::date, ").param(until).text("::date))");
}

/// Days before `before` stop being measured.
pub(in crate::postgres) fn purge(table: &CoverageTable, before: NaiveDate) -> Statement {
    let mut sql = SqlWriter::new("purge coverage");
    let before = sql.bind(before);
    let days = |sql: &mut SqlWriter| {
        sql.text("pg_catalog.daterange(NULL, ").param(before).text("::date)");
    };
    sql.text("UPDATE ").qualified(&table.schema, &table.name).text("\nSET ");
    sql.list(", ", [Column::Measured, Column::Settled, Column::Counted], |sql, column| {
        let column = table.column(column);
        sql.ident(column)
            .text(" = ")
            .ident(column)
            .text(" OPERATOR(pg_catalog.-) pg_catalog.datemultirange(");
        days(sql);
        sql.text(")");
    });
    sql.text("\nWHERE ").ident(table.column(Column::Measured)).text(" OPERATOR(pg_catalog.&&) ");
    days(&mut sql);
    sql.text("\nRETURNING 1");
    sql.into_statement()
}
