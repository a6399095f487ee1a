//! The model's names in sea-query statements of the host's own.

use chrono::NaiveDate;
use output_port_usage::chart::{QueriesOverTime, QueriesOverTimePoint};
use output_port_usage::*;
use sea_query::{Expr, ExprTrait, Func, JoinType, PostgresQueryBuilder, Query};
use sea_query_binder::{SqlxBinder, SqlxValues};
use sqlx::AssertSqlSafe;

use crate::portal::{Portal, builder, consumer, day, port, queries, scope};

fn renamed() -> UsageModelBuilder {
    let names = TableNames::new("Port usage").column(Column::Date, "day").column(Column::QueryCount, "n");
    builder().queries_table(names)
}

#[test]
fn tables_and_columns_bear_the_names_of_the_model() {
    let model = renamed().combinations().build().unwrap();
    let stats = model.queries_table();
    assert_eq!((stats.schema(), stats.name()), ("usage", "Port usage"));
    assert_eq!(stats.column(Column::Date).unwrap().to_string(), "day");
    assert_eq!(stats.column(Column::ConsumerId).unwrap().to_string(), "consumer_id");
    assert_eq!(model.touches_table().name(), "tech_asset_stats_daily");
    assert_eq!(model.combinations_table().unwrap().name(), "output_port_combined_with_daily");
    assert_eq!(builder().build().unwrap().combinations_table(), None);

    let error = stats.column(Column::TechAssetId).unwrap_err();
    assert_eq!(error.to_string(), "there is no column tech_asset_id in the output-port queries");
}

#[tokio::test]
async fn a_host_joins_the_tables_to_its_own_in_sea_query() {
    let portal = Portal::with(renamed().build().unwrap()).await;
    let (first, second) = (day(2026, 1, 1), day(2026, 1, 2));
    let rows = vec![queries(first, port(1), consumer(1), 2), queries(second, port(2), consumer(3), 5)];
    portal
        .replace(
            &UsageBatch::builder(scope(first..day(2026, 1, 3), [port(1), port(2)])).queries(rows).build(),
        )
        .await;

    let stats = portal.model.queries_table();
    let column = |column| Expr::col(("stats", stats.column(column).unwrap()));
    let (sql, values) = Query::select()
        .column(("datasets", "name"))
        .expr_as(Func::max(column(Column::Date)), "last_day")
        .from(stats.table_ref().alias("stats"))
        .join(
            JoinType::InnerJoin,
            ("portal", "datasets"),
            Expr::col(("datasets", "id")).eq(column(Column::OutputPortId)),
        )
        .and_where(column(Column::QueryCount).gt(1))
        .group_by_col(("datasets", "name"))
        .order_by(("datasets", "name"), sea_query::Order::Asc)
        .build_sqlx(PostgresQueryBuilder);
    insta::assert_snapshot!(sql, @r#"SELECT "datasets"."name", MAX("stats"."day") AS "last_day" FROM "usage"."Port usage" AS "stats" INNER JOIN "portal"."datasets" ON "datasets"."id" = "stats"."output_port_id" WHERE "stats"."n" > $1 GROUP BY "datasets"."name" ORDER BY "datasets"."name" ASC"#);
    let rows: Vec<(String, NaiveDate)> =
        sqlx::query_as_with(AssertSqlSafe(sql), values).fetch_all(&portal.pool).await.unwrap();
    assert_eq!(rows, [("port 1".to_owned(), first), ("port 2".to_owned(), second)]);
}

#[tokio::test]
async fn the_parts_of_a_query_run_in_any_driver_that_binds_sea_query_values() {
    let portal = Portal::new().await;
    let first = day(2026, 1, 1);
    let rows = vec![queries(first, port(1), consumer(1), 2)];
    portal
        .replace(&UsageBatch::builder(scope(first..day(2026, 1, 2), [port(1)])).queries(rows).build())
        .await;

    let chart = QueriesOverTime::new(port(1), first..day(2026, 1, 2));
    let (sql, values) = portal.model.query(&chart).unwrap().into_parts();
    let rows =
        sqlx::query_with(AssertSqlSafe(sql), SqlxValues(values)).fetch_all(&portal.pool).await.unwrap();
    let points: Vec<QueriesOverTimePoint> =
        rows.iter().map(|row| sqlx::FromRow::from_row(row).unwrap()).collect();
    assert_eq!(points, portal.rows(&chart).await);
}
