//! Spreading the tables over Citus and TimescaleDB.
//!
//! Neither is in reach of this test: it shows the texts, and that each function gets the table and the column that the
//! model names. README says what was tried by hand on the real ones.

use output_port_usage::*;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use crate::portal::{Portal, builder};

fn script(statements: &[Statement]) -> String {
    statements.iter().map(|statement| format!("{statement};\n")).collect()
}

#[test]
fn citus_gets_parents_of_parents_first_and_one_co_location() {
    let model = builder().combinations().build().unwrap();
    insta::assert_snapshot!(script(&model.distribute(Distribution::Citus)), @r#"
    SELECT /* output-port-usage: distribute the parents, output ports */ create_reference_table('"portal"."datasets"');
    SELECT /* output-port-usage: distribute the parents, groups */ create_reference_table('"portal"."domains"');
    SELECT /* output-port-usage: distribute the parents, consumers */ create_reference_table('"portal"."data_products"');
    SELECT /* output-port-usage: distribute the parents, tech assets */ create_reference_table('"portal"."technical_assets"');
    SELECT /* output-port-usage: distribute the table of queries */ create_distributed_table('"usage"."output_port_query_stats_daily"', 'output_port_id');
    SELECT /* output-port-usage: distribute the table of touches */ create_distributed_table('"usage"."tech_asset_stats_daily"', 'output_port_id', colocate_with => '"usage"."output_port_query_stats_daily"');
    SELECT /* output-port-usage: distribute the table of combinations */ create_distributed_table('"usage"."output_port_combined_with_daily"', 'output_port_id_1', colocate_with => '"usage"."output_port_query_stats_daily"');
    "#);
}

#[test]
fn timescale_gets_a_chunk_a_year_compressed_by_output_port() {
    let model = builder().combinations().build().unwrap();
    insta::assert_snapshot!(script(&model.distribute(Distribution::TimescaleDb)), @r#"
    SELECT /* output-port-usage: partition by year the table of queries */ create_hypertable('"usage"."output_port_query_stats_daily"', by_range('date', interval '1 year'), create_default_indexes => false);
    ALTER /* output-port-usage: say how to compress queries */ TABLE "usage"."output_port_query_stats_daily" SET (timescaledb.compress, timescaledb.compress_segmentby = '"output_port_id"', timescaledb.compress_orderby = '"date", "consumer_id"');
    SELECT /* output-port-usage: partition by year the table of touches */ create_hypertable('"usage"."tech_asset_stats_daily"', by_range('date', interval '1 year'), create_default_indexes => false);
    ALTER /* output-port-usage: say how to compress touches */ TABLE "usage"."tech_asset_stats_daily" SET (timescaledb.compress, timescaledb.compress_segmentby = '"output_port_id"', timescaledb.compress_orderby = '"date", "tech_asset_id", "consumer_id"');
    SELECT /* output-port-usage: partition by year the table of combinations */ create_hypertable('"usage"."output_port_combined_with_daily"', by_range('date', interval '1 year'), create_default_indexes => false);
    ALTER /* output-port-usage: say how to compress combinations */ TABLE "usage"."output_port_combined_with_daily" SET (timescaledb.compress, timescaledb.compress_segmentby = '"output_port_id_1"', timescaledb.compress_orderby = '"date", "output_port_id_2", "consumer_id"');
    "#);
}

#[test]
fn a_parent_of_two_kinds_is_one_reference_table() {
    let products = || Reference::to("data_products").schema("portal");
    let model = UsageModel::builder()
        .output_ports(products())
        .consumers(products().group("domain_id", products()))
        .tech_assets(products())
        .build()
        .unwrap();
    let statements = model.distribute(Distribution::Citus);
    let references = statements.iter().filter(|statement| statement.sql().contains("reference_table"));
    assert_eq!(references.count(), 1);
}

/// What the extensions' functions were called with, in plain Postgres.
const RECORDERS: &str = "
    CREATE TABLE public.calls (number serial, regclass oid, name text, co_located oid);
    CREATE FUNCTION create_reference_table(regclass) RETURNS void LANGUAGE sql AS
        'INSERT INTO public.calls (regclass) VALUES ($1)';
    CREATE FUNCTION create_distributed_table(of regclass, name text, colocate_with text DEFAULT NULL) RETURNS void
        LANGUAGE sql AS 'INSERT INTO public.calls (regclass, name, co_located) VALUES ($1, $2, $3::regclass)';
    CREATE FUNCTION by_range(name name, width interval) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
    CREATE FUNCTION create_hypertable(of regclass, name text, create_default_indexes boolean) RETURNS void
        LANGUAGE sql AS 'INSERT INTO public.calls (regclass, name) VALUES ($1, $2)';
";

#[tokio::test]
async fn functions_get_the_tables_and_columns_that_the_model_names() {
    for name in ["plain", "it's", "back\\slash\\", "two ''", "$1 -- '; SELECT 1"] {
        let model = builder()
            .schema(name)
            .queries_table(TableNames::new(name).column(Column::OutputPortId, name))
            .touches_table(TableNames::new(format!("{name}2")).column(Column::Date, name))
            .build()
            .unwrap();
        let portal = Portal::with(model).await;
        sqlx::raw_sql(RECORDERS).execute(&portal.pool).await.unwrap();
        for distribution in [Distribution::Citus, Distribution::TimescaleDb] {
            for statement in portal.model.distribute(distribution) {
                if statement.sql().starts_with("SELECT ") {
                    statement.into_sqlx().execute(&portal.pool).await.unwrap();
                }
            }
        }
        let calls = portal
            .texts(
                "SELECT concat_ws(' | ', c.relname, calls.name, co_located.relname)
                 FROM public.calls JOIN pg_class c ON c.oid = calls.regclass
                 LEFT JOIN pg_class co_located ON co_located.oid = calls.co_located ORDER BY number",
            )
            .await;
        let expected = [
            "datasets".to_owned(),
            "domains".to_owned(),
            "data_products".to_owned(),
            "technical_assets".to_owned(),
            format!("{name} | {name}"),
            format!("{name}2 | output_port_id | {name}"),
            format!("{name} | date"),
            format!("{name}2 | {name}"),
        ];
        assert_eq!(calls, expected);
    }
}

#[tokio::test]
async fn compression_is_one_statement_whatever_the_names() {
    for name in ["plain", "it's", "two ''", "$1 -- '; SELECT 1"] {
        let names = TableNames::new(name).column(Column::OutputPortId, name).column(Column::ConsumerId, "c");
        let portal = Portal::with(builder().queries_table(names).build().unwrap()).await;
        let compressed = &portal.model.distribute(Distribution::TimescaleDb)[1];
        // Postgres reads it to the end, and only then misses the extension.
        let error = compressed.clone().into_sqlx().execute(&portal.pool).await.unwrap_err();
        let expected = "unrecognized parameter namespace \"timescaledb\"";
        assert_eq!(error.into_database_error().unwrap().message(), expected);
        let dialect = PostgreSqlDialect {};
        let literals: Vec<String> = Tokenizer::new(&dialect, compressed.sql())
            .tokenize()
            .unwrap()
            .into_iter()
            .filter_map(|token| match token {
                Token::SingleQuotedString(text) => Some(text),
                _ => None,
            })
            .collect();
        assert_eq!(literals, [format!("\"{name}\""), "\"date\", \"c\"".to_owned()]);
    }
}
