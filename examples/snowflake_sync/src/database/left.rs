//! Output ports and consumers that have left the mapping, and their rows.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use access_log::Mapping;
use chrono::NaiveDate;
use output_port_usage::{
    Column, Combination, ConsumerId, DailyTable, OutputPortId, PortCoverage, Role, UsageBatch,
};
use sea_query::extension::postgres::PgFunc;
use sea_query::{Alias, ArrayType, Condition, DynIden, Expr, ExprTrait, PostgresQueryBuilder, Value};
use sea_query_sqlx::{SqlxBinder as _, SqlxValues};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{Database, failed, refused, unasked};
use crate::failure::Failure;
use crate::fingerprint;

/// What becomes of the rows of what has left the mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// They stay, also its combinations with what is still there.
    Kept,
    /// All of them go, on all days.
    Removed,
}

/// What the mapping names, as it was read: also what has no tech asset, and what the portal does not know.
#[derive(Debug)]
pub(crate) struct Mapped {
    output_ports: BTreeSet<Uuid>,
    consumers: BTreeSet<Uuid>,
}

impl Mapped {
    pub(crate) fn by(mapping: &Mapping) -> Self {
        Self {
            output_ports: mapping.output_ports.iter().map(|port| port.id).collect(),
            consumers: mapping.consumers.iter().map(|consumer| consumer.id).collect(),
        }
    }
}

/// What has left the mapping and has rows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LeftIds {
    pub(crate) output_ports: Vec<Uuid>,
    /// Those on output ports that this account has counted.
    pub(crate) consumers: Vec<Uuid>,
    /// These output ports.
    counted: Vec<Uuid>,
}

impl LeftIds {
    pub(crate) fn is_empty(&self) -> bool {
        self.output_ports.is_empty() && self.consumers.is_empty()
    }
}

/// Ids as one parameter: a statement takes 65,535.
fn array(ids: &[Uuid]) -> Value {
    Value::Array(ArrayType::Uuid, Some(Box::new(ids.iter().map(|&id| Value::from(id)).collect())))
}

fn name(table: DailyTable<'_>, column: Column) -> Result<DynIden, Failure> {
    table.column(column).map_err(unasked)
}

impl Database {
    /// What has rows and has left the mapping of this account.
    ///
    /// Other accounts have output ports of their own in the same tables: what this account has not counted last has not
    /// left its mapping, and consumers are looked for on its own output ports alone.
    pub(crate) async fn left(&self, mapped: &Mapped, account: &str) -> Result<LeftIds, Failure> {
        let all = self.distinct(Column::OutputPortId, Condition::all()).await?;
        let counted = self.counted_from(account, all).await?;
        let port = Expr::col(name(self.model.queries_table(), Column::OutputPortId)?);
        let of_counted = Condition::all().add(port.eq(PgFunc::any(array(&counted))));
        let mut consumers = self.distinct(Column::ConsumerId, of_counted).await?;
        consumers.retain(|id| !mapped.consumers.contains(id));
        let has_left = |id: &&Uuid| !mapped.output_ports.contains(*id);
        Ok(LeftIds { output_ports: counted.iter().filter(has_left).copied().collect(), consumers, counted })
    }

    /// The ids in a column of the queries.
    async fn distinct(&self, column: Column, of: Condition) -> Result<Vec<Uuid>, Failure> {
        let table = self.model.queries_table();
        let column = name(table, column)?;
        let mut select = sea_query::Query::select();
        select
            .distinct()
            .column(column.clone())
            .from(table.table_ref())
            .cond_where(of)
            .order_by(column, sea_query::Order::Asc);
        let (sql, values) = select.build_sqlx(PostgresQueryBuilder);
        let ids: Vec<(Uuid,)> = self.own_rows(sql, values).await?;
        Ok(ids.into_iter().map(|(id,)| id).collect())
    }

    /// Those of the output ports that this account has counted last, by what their coverage says.
    async fn counted_from(&self, account: &str, ports: Vec<Uuid>) -> Result<Vec<Uuid>, Failure> {
        if ports.is_empty() {
            return Ok(ports);
        }
        let query = self.model.coverage(ports.into_iter().map(OutputPortId)).map_err(unasked)?;
        let coverage = self.rows(query).await?;
        let is_own = |port: &&PortCoverage| {
            port.rules.is_some_and(|rules| !fingerprint::is_of_another(rules, account))
        };
        Ok(coverage.iter().filter(is_own).map(|port| port.output_port_id.0).collect())
    }

    /// Removes every row of what has left the mapping, and says how many.
    ///
    /// No day of the output ports is measured any more, so that they are counted again should they return.
    pub(crate) async fn remove(&self, left: &LeftIds) -> Result<u64, Failure> {
        let deletes = self.removals(left)?;
        let (sql, values) = self.forgetting(left);
        // a removal of nothing takes the lock behind which all writes of the model happen
        let nobody = (OutputPortId(Uuid::nil()), ConsumerId(Uuid::nil()));
        let lock = self.model.delete(nobody.0, nobody.1, NaiveDate::default()).map_err(unasked)?;
        let mut connection = self.connect().await?;
        let denied = |error| self.denied(error, Role::Writer);
        let (transaction, removed) = self
            .interrupt
            .or(async {
                let mut transaction = self.begin(&mut connection).await?;
                lock.run_sqlx(&mut transaction).await.map_err(refused)?;
                let mut removed = 0;
                for (sql, values) in deletes {
                    let query = sqlx::query_with(AssertSqlSafe(sql), values).persistent(false);
                    removed += query.execute(&mut *transaction).await.map_err(denied)?.rows_affected();
                }
                let query = sqlx::query_with(AssertSqlSafe(sql), values).persistent(false);
                query.execute(&mut *transaction).await.map_err(denied)?;
                Ok((transaction, removed))
            })
            .await?;
        self.commit(transaction).await?;
        Ok(removed)
    }

    /// A statement for each daily table: all rows of the output ports, and those of the consumers on output ports of this
    /// account.
    fn removals(&self, left: &LeftIds) -> Result<Vec<(String, SqlxValues)>, Failure> {
        let tables = [
            Some(self.model.queries_table()),
            Some(self.model.touches_table()),
            self.model.combinations_table(),
        ];
        let mut deletes = Vec::new();
        for table in tables.into_iter().flatten() {
            let (mut of_left, mut of_counted) = (Condition::any(), Condition::any());
            for column in [Column::OutputPortId, Column::OutputPortId1, Column::OutputPortId2] {
                if let Ok(column) = table.column(column) {
                    let port = || Expr::col(column.clone());
                    of_left = of_left.add(port().eq(PgFunc::any(array(&left.output_ports))));
                    of_counted = of_counted.add(port().eq(PgFunc::any(array(&left.counted))));
                }
            }
            let consumer = name(table, Column::ConsumerId)?;
            let of_consumers = Expr::col(consumer).eq(PgFunc::any(array(&left.consumers)));
            let which = of_left.add(Condition::all().add(of_consumers).add(of_counted));
            let delete = sea_query::Query::delete().from_table(table.table_ref()).cond_where(which).take();
            deletes.push(delete.build_sqlx(PostgresQueryBuilder));
        }
        Ok(deletes)
    }

    /// The statement by which no day of the output ports is measured any more.
    fn forgetting(&self, left: &LeftIds) -> (String, SqlxValues) {
        let names = &self.coverage_names;
        let mut update = sea_query::Query::update();
        update
            .table((Alias::new(&names.schema), Alias::new(&names.table)))
            .values(names.days.iter().map(|days| (Alias::new(days), Expr::cust("'{}'"))))
            .and_where(
                Expr::col(Alias::new(&names.output_port_id)).eq(PgFunc::any(array(&left.output_ports))),
            );
        update.build_sqlx(PostgresQueryBuilder)
    }

    /// The batch with the combinations that its days hold with output ports outside of its scope.
    ///
    /// A batch states every pair with one of its output ports, so it would remove them.
    pub(crate) async fn with_kept_pairs(&self, batch: UsageBatch) -> Result<UsageBatch, Failure> {
        let (Some(table), Some(counted)) = (self.model.combinations_table(), batch.combinations()) else {
            return Ok(batch);
        };
        let mut pairs = counted.to_vec();
        let kept = self.pairs_with_others(table, &batch).await?;
        if kept.is_empty() {
            return Ok(batch);
        }
        let queries: BTreeMap<_, _> = batch
            .queries()
            .iter()
            .map(|row| ((row.date, row.output_port_id, row.consumer_id), row.query_count))
            .collect();
        for mut pair in kept {
            let ports = [pair.output_port_id_1, pair.output_port_id_2];
            let Some(port) = ports.into_iter().find(|port| batch.scope().output_ports().contains(port))
            else {
                continue;
            };
            // the output port that is still counted may have fewer queries now
            let most = queries.get(&(pair.date, port, pair.consumer_id)).copied().unwrap_or(0);
            pair.query_count = Ord::min(pair.query_count, most);
            pairs.extend((pair.query_count > 0).then_some(pair));
        }
        Ok(batch.into_builder().combinations(pairs).build())
    }

    async fn pairs_with_others(
        &self,
        table: DailyTable<'_>,
        batch: &UsageBatch,
    ) -> Result<Vec<Combination>, Failure> {
        let ports: Vec<Uuid> = batch.scope().output_ports().iter().map(|port| port.0).collect();
        let Range { start, end } = batch.scope().days();
        let columns = [
            Column::Date,
            Column::OutputPortId1,
            Column::OutputPortId2,
            Column::ConsumerId,
            Column::QueryCount,
        ];
        let mut names = Vec::with_capacity(columns.len());
        for column in columns {
            names.push(name(table, column)?);
        }
        let outside = |at: usize| Expr::col(names[at].clone()).ne(PgFunc::all(array(&ports)));
        let mut select = sea_query::Query::select();
        select
            .columns(names.clone())
            .from(table.table_ref())
            .and_where(Expr::col(names[0].clone()).gte(start))
            .and_where(Expr::col(names[0].clone()).lt(end))
            .cond_where(Condition::any().add(outside(1)).add(outside(2)));
        let (sql, values) = select.build_sqlx(PostgresQueryBuilder);
        let rows: Vec<(NaiveDate, Uuid, Uuid, Uuid, i32)> = self.own_rows(sql, values).await?;
        Ok(rows
            .into_iter()
            .map(|(date, one, other, consumer, count)| {
                let count = u64::try_from(count).unwrap_or(0);
                Combination::new(date, OutputPortId(one), OutputPortId(other), ConsumerId(consumer), count)
            })
            .collect())
    }

    /// The rows of a statement that the library does not have.
    async fn own_rows<T>(&self, sql: String, values: SqlxValues) -> Result<Vec<T>, Failure>
    where
        T: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
    {
        let mut connection = self.connect().await?;
        self.within(async {
            let mut transaction = self.begin(&mut connection).await?;
            let query = sqlx::query_as_with(AssertSqlSafe(sql), values).persistent(false);
            let rows =
                query.fetch_all(&mut *transaction).await.map_err(|error| self.denied(error, Role::Writer))?;
            transaction.commit().await.map_err(failed)?;
            Ok(rows)
        })
        .await
    }
}
