//! Output ports and consumers that have left the mapping, and their rows.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::NaiveDate;
use output_port_usage::{
    Attribution, Column, Combination, ConsumerId, DailyTable, OutputPortId, Role, UsageBatch,
};
use sea_query::{Condition, DynIden, Expr, ExprTrait, PostgresQueryBuilder};
use sea_query_sqlx::SqlxBinder as _;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{Database, failed, refused, unasked};
use crate::failure::Failure;

/// What becomes of the rows of what has left the mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// They stay, also its combinations with what is still there.
    Kept,
    /// All of them go, on all days.
    Removed,
}

/// What has left the mapping and has rows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LeftIds {
    pub(crate) output_ports: Vec<Uuid>,
    pub(crate) consumers: Vec<Uuid>,
}

impl LeftIds {
    pub(crate) fn is_empty(&self) -> bool {
        self.output_ports.is_empty() && self.consumers.is_empty()
    }
}

fn name(table: DailyTable<'_>, column: Column) -> Result<DynIden, Failure> {
    table.column(column).map_err(unasked)
}

impl Database {
    /// What has rows and is not in the mapping.
    pub(crate) async fn left(
        &self,
        attribution: &Attribution,
        consumers: &[Uuid],
    ) -> Result<LeftIds, Failure> {
        let ports: Vec<Uuid> = attribution.output_ports().into_iter().map(|port| port.0).collect();
        let table = self.model.queries_table();
        let mut left = LeftIds::default();
        for (column, known, found) in [
            (Column::OutputPortId, &ports[..], &mut left.output_ports),
            (Column::ConsumerId, consumers, &mut left.consumers),
        ] {
            let mut select = sea_query::Query::select();
            let column = name(table, column)?;
            select
                .distinct()
                .column(column.clone())
                .from(table.table_ref())
                .order_by(column.clone(), sea_query::Order::Asc);
            let (sql, values) = select.build_sqlx(PostgresQueryBuilder);
            let ids: Vec<(Uuid,)> = self.own_rows(sql, values).await?;
            found.extend(ids.into_iter().map(|(id,)| id).filter(|id| !known.contains(id)));
        }
        Ok(left)
    }

    /// Removes every row of what has left the mapping, and says how many.
    pub(crate) async fn remove(&self, left: &LeftIds) -> Result<u64, Failure> {
        let tables = [
            Some(self.model.queries_table()),
            Some(self.model.touches_table()),
            self.model.combinations_table(),
        ];
        let mut deletes = Vec::new();
        for table in tables.into_iter().flatten() {
            let mut of_left = Condition::any();
            for column in [Column::OutputPortId, Column::OutputPortId1, Column::OutputPortId2] {
                if let Ok(column) = table.column(column) {
                    of_left = of_left.add(Expr::col(column).is_in(left.output_ports.iter().copied()));
                }
            }
            let consumer = name(table, Column::ConsumerId)?;
            of_left = of_left.add(Expr::col(consumer).is_in(left.consumers.iter().copied()));
            let delete = sea_query::Query::delete().from_table(table.table_ref()).cond_where(of_left).take();
            deletes.push(delete.build_sqlx(PostgresQueryBuilder));
        }
        // a removal of nothing takes the lock behind which all writes of the model happen
        let nobody = (OutputPortId(Uuid::nil()), ConsumerId(Uuid::nil()));
        let lock = self.model.delete(nobody.0, nobody.1, NaiveDate::default()).map_err(unasked)?;
        let mut connection = self.connect().await?;
        let (transaction, removed) = self
            .interrupt
            .or(async {
                let mut transaction = self.begin(&mut connection).await?;
                lock.run_sqlx(&mut transaction).await.map_err(refused)?;
                let mut removed = 0;
                for (sql, values) in deletes {
                    let query = sqlx::query_with(AssertSqlSafe(sql), values);
                    let result = query.execute(&mut *transaction).await;
                    removed += result.map_err(|error| self.denied(error, Role::Writer))?.rows_affected();
                }
                Ok((transaction, removed))
            })
            .await?;
        self.commit(transaction).await?;
        Ok(removed)
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
        let outside = |at: usize| Expr::col(names[at].clone()).is_not_in(ports.iter().copied());
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
    async fn own_rows<T>(&self, sql: String, values: sea_query_sqlx::SqlxValues) -> Result<Vec<T>, Failure>
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
