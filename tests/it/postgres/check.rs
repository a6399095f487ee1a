//! What a check finds in real databases, and that what it says mends it.

mod adopted;
mod altered;
mod roles;

use chrono::NaiveDate;
use output_port_usage::*;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPool;

use crate::portal::{Portal, builder, day};

fn today() -> NaiveDate {
    day(2026, 1, 15)
}

fn full() -> UsageModel {
    builder().combinations().coverage().read_by_consumer().read_by_tech_asset().build().unwrap()
}

async fn differences_for(pool: &PgPool, check: &Check) -> Vec<Difference> {
    let rows = check.query().into_sqlx().fetch_all(pool).await.unwrap();
    check.differences(rows).unwrap()
}

async fn differences(portal: &Portal) -> Vec<Difference> {
    differences_for(&portal.pool, &portal.model.check(today()).of_role(Role::Owner)).await
}

fn shown(differences: &[Difference]) -> Vec<String> {
    differences.iter().map(|of| format!("{}: {of}", of.severity())).collect()
}

/// Runs what mends each difference, as the documentation says.
async fn mend(pool: &PgPool, differences: &[Difference]) {
    for statement in differences.iter().flat_map(Difference::mend) {
        let done = statement.clone().into_sqlx().execute(pool).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

async fn run(portal: &Portal, script: &str) {
    sqlx::raw_sql(AssertSqlSafe(script.to_owned())).execute(&portal.pool).await.unwrap();
}

/// Every constraint and index of the model's tables, and their storage parameters, as Postgres describes them.
async fn definitions(portal: &Portal) -> Vec<String> {
    portal
        .texts(
            "SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
                WHERE connamespace = 'usage'::regnamespace AND contype IN ('p', 'u', 'f', 'c')
            UNION ALL SELECT indrelid::regclass || ' ' || regexp_replace(pg_get_indexdef(indexrelid), 'INDEX \\S+ ON', 'INDEX ON')
                FROM pg_index JOIN pg_class ON pg_class.oid = indrelid WHERE relnamespace = 'usage'::regnamespace
            UNION ALL SELECT relname || ' ' || (SELECT string_agg(option, ', ' ORDER BY option) FROM unnest(reloptions) AS option) FROM pg_class
                WHERE relnamespace = 'usage'::regnamespace AND relkind IN ('r', 'p') AND reloptions IS NOT NULL
            ORDER BY 1",
        )
        .await
}

#[tokio::test]
async fn tables_as_the_model_makes_them_differ_in_nothing() {
    let keep = |table| Reference::to(table).schema("portal").on_delete(OnDelete::Keep);
    let kept = UsageModel::builder().schema("usage").output_ports(keep("datasets"));
    let kept = kept.consumers(keep("data_products")).tech_assets(keep("technical_assets")).build().unwrap();
    for model in [builder().build().unwrap(), full(), kept] {
        let portal = Portal::with(model).await;
        assert_eq!(shown(&differences(&portal).await), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_database_without_the_schema_differs_in_all_of_it_and_is_mended() {
    let portal = Portal::without_tables(full()).await;
    run(&portal, "DROP SCHEMA IF EXISTS usage CASCADE").await;
    let found = differences(&portal).await;
    assert_eq!(
        shown(&found),
        [
            r#"errors to come: schema "usage" does not exist"#,
            r#"errors to come: table "usage"."output_port_query_stats_daily" of queries does not exist"#,
            r#"errors to come: table "usage"."tech_asset_stats_daily" of touches does not exist"#,
            r#"errors to come: table "usage"."output_port_combined_with_daily" of combinations does not exist"#,
            r#"errors to come: table "usage"."output_port_usage_coverage" of coverage does not exist"#,
        ]
    );
    mend(&portal.pool, &found).await;
    assert_eq!(shown(&differences(&portal).await), Vec::<String>::new());
    let made = Portal::with(full()).await;
    assert_eq!(definitions(&portal).await, definitions(&made).await);
}

#[tokio::test]
async fn both_drivers_read_the_same_catalogs() {
    let portal = Portal::with(full()).await;
    let check = portal.model.check(today());
    let by_sqlx = check.query().into_sqlx().fetch_all(&portal.pool).await.unwrap();
    let client = crate::driver::twins_agree::twins::connect(&portal).await;
    let query = check.query().into_tokio_postgres();
    let rows = client.query_typed(query.sql(), &query.params()).await.unwrap();
    assert_eq!(query.decode(&rows).unwrap(), by_sqlx);
}

#[test]
fn rows_of_another_statement_are_an_error() {
    let row: CatalogRow = serde_json::from_str(r#"{"fact": "{\"fact\": \"weather\"}"}"#).unwrap();
    let check = full().check(today());
    for rows in [vec![row], Vec::new()] {
        let error = check.differences(rows).unwrap_err();
        assert!(error.is_result(), "{error}");
        assert!(error.to_string().starts_with("a row is none of the check's: "), "{error}");
    }
}
