//! Rows whose columns are missing, NULL or of another type.

use std::error::Error as _;
use std::fmt::Debug;

use output_port_usage::chart::*;
use output_port_usage::*;
use sqlx::postgres::PgRow;

use super::twins::Twins;
use crate::portal::{day, port};

/// A result row of a chart: its columns with a value each, and which of them may be NULL.
struct Columns<'a> {
    values: &'a [(&'a str, &'a str)],
    nullable: &'a [&'a str],
}

impl Twins {
    /// Breaks each column in each way and requires both drivers to name it.
    async fn name_broken_columns<C: Chart>(&self, chart: &C, columns: Columns<'_>)
    where
        C::Row: for<'r> sqlx::FromRow<'r, PgRow> + PartialEq + Debug + Send + Unpin,
    {
        let text = |broken: &str, how: &dyn Fn(&str) -> Option<String>| {
            let list = columns.values.iter().filter_map(|(name, value)| {
                let value = if *name == broken { how(value)? } else { (*value).to_owned() };
                Some(format!("{value} AS \"{name}\""))
            });
            format!("SELECT {}", list.collect::<Vec<_>>().join(", "))
        };
        let (by_sqlx, by_tokio) = self.decode(chart, &text("none", &|_| None)).await;
        assert_eq!(by_sqlx.unwrap(), by_tokio.unwrap());
        for (name, _) in columns.values {
            let missing = text(name, &|_| None);
            let retyped = text(name, &|_| Some("'{1}'::int[]".to_owned()));
            let null = text(name, &|value| Some(format!("nullif({value}, {value})")));
            let nullable = columns.nullable.contains(name);
            for broken in [missing, retyped].into_iter().chain((!nullable).then_some(null)) {
                let (by_sqlx, by_tokio) = self.decode(chart, &broken).await;
                let (by_sqlx, by_tokio) = (by_sqlx.unwrap_err(), by_tokio.unwrap_err());
                assert!(
                    by_sqlx.to_string().contains(&format!("\"{name}\""))
                        || by_sqlx.to_string().ends_with(name),
                    "{by_sqlx}: {broken}"
                );
                assert_eq!(by_tokio.column(), *name, "{broken}");
                assert_eq!(
                    by_tokio.to_string(),
                    format!("column \"{name}\" of a result row cannot be decoded")
                );
                assert!(by_tokio.source().unwrap().is::<tokio_postgres::Error>());
            }
        }
    }

    /// The one row of `sql` as a row of the chart, by each driver.
    async fn decode<C: Chart>(
        &self,
        chart: &C,
        sql: &str,
    ) -> (Result<C::Row, sqlx::Error>, Result<C::Row, DecodeError>)
    where
        C::Row: for<'r> sqlx::FromRow<'r, PgRow> + Send + Unpin,
    {
        let by_sqlx = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_one(&self.sqlx.pool).await;
        let row =
            self.client.query_typed_one(sql, &[]).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
        let decoded = self.model().query(chart).unwrap().into_tokio_postgres().decode([&row]);
        (by_sqlx, decoded.map(|mut rows| rows.remove(0)))
    }
}

#[tokio::test]
async fn a_column_that_is_missing_null_or_of_another_type_is_named_by_both_drivers() {
    let twins = Twins::new().await;
    let days = || day(2026, 1, 1)..day(2026, 1, 2);
    let (id, share) = (format!("'{}'::uuid", port(1)), "0.5::float8");
    let point = [("bucket", "DATE '2026-01-01'"), ("query_count", "1::bigint"), ("partial", "true")];
    let chart = QueriesOverTime::new(port(1), days());
    twins.name_broken_columns(&chart, Columns { values: &point, nullable: &[] }).await;
    let asset = [
        ("tech_asset_id", id.as_str()),
        ("label", "'a'::text"),
        ("touches", "1::bigint"),
        ("share", share),
        ("rank", "1::bigint"),
        ("consumers", "1::bigint"),
        ("last_used", "DATE '2026-01-01'"),
    ];
    let chart = MostPopularAssets::new(port(1), days());
    twins.name_broken_columns(&chart, Columns { values: &asset, nullable: &["label"] }).await;
    let combined = [
        ("output_port_id", id.as_str()),
        ("label", "'a'::text"),
        ("query_count", "1::bigint"),
        ("share", share),
        ("rank", "1::bigint"),
    ];
    let chart = MostOftenCombinedWith::new(port(1), days());
    twins.name_broken_columns(&chart, Columns { values: &combined, nullable: &["label"] }).await;
    let consumer = [
        ("consumer_id", id.as_str()),
        ("label", "'a'::text"),
        ("query_count", "1::bigint"),
        ("share", share),
        ("rank", "1::bigint"),
    ];
    let chart = QueryDistribution::new(port(1), days());
    let nullable = &["label", "rank"];
    twins.name_broken_columns(&chart, Columns { values: &consumer, nullable }).await;
    let other =
        [("rank", "NULL::bigint"), ("query_count", "1::bigint"), ("share", share), ("members", "1::bigint")];
    twins.name_broken_columns(&chart, Columns { values: &other, nullable: &["rank"] }).await;
    let group = [("group_id", id.as_str()), consumer[1], consumer[2], consumer[3], consumer[4]];
    let nullable = &["group_id", "label", "rank"];
    twins.name_broken_columns(&chart.by_group(), Columns { values: &group, nullable }).await;
}
