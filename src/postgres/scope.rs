//! A batch's scope in a WHERE clause.

use std::sync::Arc;

use uuid::Uuid;

use crate::model::{Column, Table};
use crate::statement::{Param, SqlWriter};
use crate::usage::Scope;

/// The bound scope of a statement.
pub(super) struct ScopeParams {
    ports: Param,
    from: Param,
    until: Param,
}

impl ScopeParams {
    pub(super) fn bind(sql: &mut SqlWriter, scope: &Scope) -> Self {
        let days = scope.days();
        let ports: Arc<[Uuid]> = scope.output_ports().iter().map(|port| port.0).collect();
        Self { ports: sql.bind(ports), from: sql.bind(days.start), until: sql.bind(days.end) }
    }

    /// Whether a row of the table, whose alias is `of`, lies in the scope.
    pub(super) fn write(&self, sql: &mut SqlWriter, table: &Table, of: &'static str) {
        let date = table.column(Column::Date);
        let (open, close) = if table.stats.ports().count() > 1 { ("(", ")") } else { ("", "") };
        sql.text(open).list(" OR ", table.stats.ports(), |sql, port| {
            sql.text(of).ident(table.column(port)).text(" = ANY(").param(self.ports).text("::uuid[])");
        });
        sql.text(close);
        sql.text(" AND ").text(of).ident(date).text(" >= ").param(self.from).text("::date");
        sql.text(" AND ").text(of).ident(date).text(" < ").param(self.until).text("::date");
    }
}
