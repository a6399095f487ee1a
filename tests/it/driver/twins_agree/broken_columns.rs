//! Rows whose columns are missing, NULL or of another type.

use std::error::Error as _;

use super::twins::Twins;
use crate::rows::{self, RowType, Sample};

/// A row with the columns of a sample, in which `how` may change or drop one.
fn select(sample: &Sample, broken: &str, how: impl Fn(&str) -> Option<String>) -> String {
    let list = sample.columns.iter().filter_map(|column| {
        let value = if column.name == broken { how(&column.value)? } else { column.value.clone() };
        Some(format!("{value} AS \"{}\"", column.name))
    });
    format!("SELECT {}", list.collect::<Vec<_>>().join(", "))
}

impl Twins {
    /// Breaks each column in each way and requires both drivers to name it.
    async fn name_broken_columns(&self, row: &RowType, sample: &Sample) {
        for column in &sample.columns {
            let missing = select(sample, column.name, |_| None);
            let retyped = select(sample, column.name, |_| Some("'{1}'::int[]".to_owned()));
            let null = select(sample, column.name, |value| Some(format!("nullif({value}, {value})")));
            for broken in [missing, retyped].into_iter().chain((!column.nullable).then_some(null)) {
                let (by_sqlx, by_tokio) = self.decode(row, &broken).await;
                let (by_sqlx, by_tokio) = (by_sqlx.unwrap_err(), by_tokio.unwrap_err());
                let named = by_sqlx.to_string();
                assert!(
                    named.contains(&format!("\"{}\"", column.name)) || named.ends_with(column.name),
                    "{named}: {broken}"
                );
                assert_eq!(by_tokio.column(), column.name, "{broken}");
                assert_eq!(
                    by_tokio.to_string(),
                    format!("column \"{}\" of a result row cannot be decoded", column.name)
                );
                assert!(by_tokio.source().unwrap().is::<tokio_postgres::Error>());
            }
        }
    }

    /// The JSON of the one row of `sql`, by each driver.
    async fn decode(
        &self,
        row: &RowType,
        sql: &str,
    ) -> (Result<String, sqlx::Error>, Result<String, output_port_usage::DecodeError>) {
        let by_sqlx = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_one(&self.sqlx.pool).await.unwrap();
        let by_tokio = self.client.query_typed_one(sql, &[]).await;
        let by_tokio = by_tokio.unwrap_or_else(|error| panic!("{error}: {sql}"));
        ((row.by_sqlx)(&by_sqlx), (row.by_tokio_postgres)(&by_tokio))
    }
}

#[tokio::test]
async fn a_column_that_is_missing_null_or_of_another_type_is_named_by_both_drivers() {
    let twins = Twins::new().await;
    for row in rows::list() {
        for sample in &row.samples {
            let (by_sqlx, by_tokio) = twins.decode(&row, &select(sample, "", |_| None)).await;
            assert_eq!((by_sqlx.unwrap(), by_tokio.unwrap()), (sample.json.clone(), sample.json.clone()));
            twins.name_broken_columns(&row, sample).await;
        }
    }
}
