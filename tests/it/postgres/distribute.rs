//! Spreading the tables over Citus and TimescaleDB.
//!
//! Neither is in reach of this test: it shows the texts, and that each function gets the table and the column that the
//! model names. The program in `tests/distributed` runs on the real ones.

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
    DO /* output-port-usage: distribute the parents, output ports */ $do$
    BEGIN
        IF pg_catalog.to_regclass('pg_dist_partition') IS NULL THEN
            RAISE EXCEPTION 'the extension citus is not installed in this database' USING ERRCODE = 'feature_not_supported';
        END IF;
        IF NOT EXISTS (
            SELECT
            FROM pg_dist_partition AS d
            WHERE d.logicalrelid = '"portal"."datasets"'::regclass AND d.partmethod = 'n' AND d.repmodel = 't'
        ) THEN
            PERFORM create_reference_table('"portal"."datasets"');
        END IF;
    END
    $do$;
    DO /* output-port-usage: distribute the parents, groups */ $do$
    BEGIN
        IF pg_catalog.to_regclass('pg_dist_partition') IS NULL THEN
            RAISE EXCEPTION 'the extension citus is not installed in this database' USING ERRCODE = 'feature_not_supported';
        END IF;
        IF NOT EXISTS (
            SELECT
            FROM pg_dist_partition AS d
            WHERE d.logicalrelid = '"portal"."domains"'::regclass AND d.partmethod = 'n' AND d.repmodel = 't'
        ) THEN
            PERFORM create_reference_table('"portal"."domains"');
        END IF;
    END
    $do$;
    DO /* output-port-usage: distribute the parents, consumers */ $do$
    BEGIN
        IF pg_catalog.to_regclass('pg_dist_partition') IS NULL THEN
            RAISE EXCEPTION 'the extension citus is not installed in this database' USING ERRCODE = 'feature_not_supported';
        END IF;
        IF NOT EXISTS (
            SELECT
            FROM pg_dist_partition AS d
            WHERE d.logicalrelid = '"portal"."data_products"'::regclass AND d.partmethod = 'n' AND d.repmodel = 't'
        ) THEN
            PERFORM create_reference_table('"portal"."data_products"');
        END IF;
    END
    $do$;
    DO /* output-port-usage: distribute the parents, tech assets */ $do$
    BEGIN
        IF pg_catalog.to_regclass('pg_dist_partition') IS NULL THEN
            RAISE EXCEPTION 'the extension citus is not installed in this database' USING ERRCODE = 'feature_not_supported';
        END IF;
        IF NOT EXISTS (
            SELECT
            FROM pg_dist_partition AS d
            WHERE d.logicalrelid = '"portal"."technical_assets"'::regclass AND d.partmethod = 'n' AND d.repmodel = 't'
        ) THEN
            PERFORM create_reference_table('"portal"."technical_assets"');
        END IF;
    END
    $do$;
    DO /* output-port-usage: distribute the table of queries */ $do$
    BEGIN
        IF pg_catalog.to_regclass('pg_dist_partition') IS NULL THEN
            RAISE EXCEPTION 'the extension citus is not installed in this database' USING ERRCODE = 'feature_not_supported';
        END IF;
        IF NOT EXISTS (
            SELECT
            FROM pg_dist_partition AS d
            WHERE d.logicalrelid = '"usage"."output_port_query_stats_daily"'::regclass AND d.partmethod = 'h'
                AND column_to_column_name(d.logicalrelid, d.partkey) = 'output_port_id'
        ) THEN
            PERFORM create_distributed_table('"usage"."output_port_query_stats_daily"', 'output_port_id');
        END IF;
    END
    $do$;
    DO /* output-port-usage: distribute the table of touches */ $do$
    BEGIN
        IF pg_catalog.to_regclass('pg_dist_partition') IS NULL THEN
            RAISE EXCEPTION 'the extension citus is not installed in this database' USING ERRCODE = 'feature_not_supported';
        END IF;
        IF NOT EXISTS (
            SELECT
            FROM pg_dist_partition AS d
            WHERE d.logicalrelid = '"usage"."tech_asset_stats_daily"'::regclass AND d.partmethod = 'h'
                AND column_to_column_name(d.logicalrelid, d.partkey) = 'output_port_id'
        ) THEN
            PERFORM create_distributed_table('"usage"."tech_asset_stats_daily"', 'output_port_id', colocate_with => '"usage"."output_port_query_stats_daily"');
        END IF;
    END
    $do$;
    DO /* output-port-usage: distribute the table of combinations */ $do$
    BEGIN
        IF pg_catalog.to_regclass('pg_dist_partition') IS NULL THEN
            RAISE EXCEPTION 'the extension citus is not installed in this database' USING ERRCODE = 'feature_not_supported';
        END IF;
        IF NOT EXISTS (
            SELECT
            FROM pg_dist_partition AS d
            WHERE d.logicalrelid = '"usage"."output_port_combined_with_daily"'::regclass AND d.partmethod = 'h'
                AND column_to_column_name(d.logicalrelid, d.partkey) = 'output_port_id_1'
        ) THEN
            PERFORM create_distributed_table('"usage"."output_port_combined_with_daily"', 'output_port_id_1', colocate_with => '"usage"."output_port_query_stats_daily"');
        END IF;
    END
    $do$;
    "#);
}

#[test]
fn timescale_gets_a_chunk_a_year_compressed_by_output_port() {
    let model = builder().combinations().build().unwrap();
    insta::assert_snapshot!(script(&model.distribute(Distribution::TimescaleDb)), @r#"
    DO /* output-port-usage: partition by year the table of queries */ $do$
    BEGIN
        IF pg_catalog.to_regclass('timescaledb_information.hypertables') IS NULL THEN
            RAISE EXCEPTION 'the extension timescaledb is not installed in this database' USING ERRCODE = 'feature_not_supported';
        END IF;
        IF NOT EXISTS (
            SELECT
            FROM timescaledb_information.hypertables AS h
            WHERE h.hypertable_schema = 'usage' AND h.hypertable_name = 'output_port_query_stats_daily'
        ) THEN
            PERFORM create_hypertable('"usage"."output_port_query_stats_daily"', by_range('date', interval '1 year'), create_default_indexes => false);
        END IF;
    END
    $do$;
    DO /* output-port-usage: say how to compress queries */ $do$
    BEGIN
        IF pg_catalog.to_regclass('timescaledb_information.hypertables') IS NULL THEN
            RAISE EXCEPTION 'the extension timescaledb is not installed in this database' USING ERRCODE = 'feature_not_supported';
        END IF;
        IF NOT EXISTS (
            SELECT
            FROM timescaledb_information.hypertables AS h
            WHERE h.hypertable_schema = 'usage' AND h.hypertable_name = 'output_port_query_stats_daily' AND h.compression_enabled
        ) THEN
            ALTER TABLE "usage"."output_port_query_stats_daily" SET (timescaledb.compress, timescaledb.compress_segmentby = '"output_port_id"', timescaledb.compress_orderby = '"date", "consumer_id"');
        END IF;
    END
    $do$;
    DO /* output-port-usage: partition by year the table of touches */ $do$
    BEGIN
        IF pg_catalog.to_regclass('timescaledb_information.hypertables') IS NULL THEN
            RAISE EXCEPTION 'the extension timescaledb is not installed in this database' USING ERRCODE = 'feature_not_supported';
        END IF;
        IF NOT EXISTS (
            SELECT
            FROM timescaledb_information.hypertables AS h
            WHERE h.hypertable_schema = 'usage' AND h.hypertable_name = 'tech_asset_stats_daily'
        ) THEN
            PERFORM create_hypertable('"usage"."tech_asset_stats_daily"', by_range('date', interval '1 year'), create_default_indexes => false);
        END IF;
    END
    $do$;
    DO /* output-port-usage: say how to compress touches */ $do$
    BEGIN
        IF pg_catalog.to_regclass('timescaledb_information.hypertables') IS NULL THEN
            RAISE EXCEPTION 'the extension timescaledb is not installed in this database' USING ERRCODE = 'feature_not_supported';
        END IF;
        IF NOT EXISTS (
            SELECT
            FROM timescaledb_information.hypertables AS h
            WHERE h.hypertable_schema = 'usage' AND h.hypertable_name = 'tech_asset_stats_daily' AND h.compression_enabled
        ) THEN
            ALTER TABLE "usage"."tech_asset_stats_daily" SET (timescaledb.compress, timescaledb.compress_segmentby = '"output_port_id"', timescaledb.compress_orderby = '"date", "tech_asset_id", "consumer_id"');
        END IF;
    END
    $do$;
    DO /* output-port-usage: partition by year the table of combinations */ $do$
    BEGIN
        IF pg_catalog.to_regclass('timescaledb_information.hypertables') IS NULL THEN
            RAISE EXCEPTION 'the extension timescaledb is not installed in this database' USING ERRCODE = 'feature_not_supported';
        END IF;
        IF NOT EXISTS (
            SELECT
            FROM timescaledb_information.hypertables AS h
            WHERE h.hypertable_schema = 'usage' AND h.hypertable_name = 'output_port_combined_with_daily'
        ) THEN
            PERFORM create_hypertable('"usage"."output_port_combined_with_daily"', by_range('date', interval '1 year'), create_default_indexes => false);
        END IF;
    END
    $do$;
    DO /* output-port-usage: say how to compress combinations */ $do$
    BEGIN
        IF pg_catalog.to_regclass('timescaledb_information.hypertables') IS NULL THEN
            RAISE EXCEPTION 'the extension timescaledb is not installed in this database' USING ERRCODE = 'feature_not_supported';
        END IF;
        IF NOT EXISTS (
            SELECT
            FROM timescaledb_information.hypertables AS h
            WHERE h.hypertable_schema = 'usage' AND h.hypertable_name = 'output_port_combined_with_daily' AND h.compression_enabled
        ) THEN
            ALTER TABLE "usage"."output_port_combined_with_daily" SET (timescaledb.compress, timescaledb.compress_segmentby = '"output_port_id_1"', timescaledb.compress_orderby = '"date", "output_port_id_2", "consumer_id"');
        END IF;
    END
    $do$;
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

/// What the extensions' functions were called with, and what their catalogs then hold, in plain Postgres.
const RECORDERS: &str = "
    CREATE TABLE public.calls (number serial, regclass oid, name text, co_located oid);
    CREATE TABLE public.pg_dist_partition (logicalrelid regclass, partmethod text, partkey text, repmodel text);
    CREATE FUNCTION column_to_column_name(regclass, text) RETURNS text LANGUAGE sql AS 'SELECT $2';
    CREATE FUNCTION create_reference_table(regclass) RETURNS void LANGUAGE sql AS
        'INSERT INTO public.calls (regclass) VALUES ($1);
         INSERT INTO public.pg_dist_partition VALUES ($1, ''n'', NULL, ''t'')';
    CREATE FUNCTION create_distributed_table(of regclass, name text, colocate_with text DEFAULT NULL) RETURNS void
        LANGUAGE sql AS 'INSERT INTO public.calls (regclass, name, co_located) VALUES ($1, $2, $3::regclass);
         INSERT INTO public.pg_dist_partition VALUES ($1, ''h'', $2, ''s'')';
    CREATE SCHEMA timescaledb_information;
    CREATE TABLE timescaledb_information.hypertables
        (hypertable_schema name, hypertable_name name, compression_enabled boolean);
    CREATE FUNCTION by_range(name name, width interval) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
    CREATE FUNCTION create_hypertable(of regclass, name text, create_default_indexes boolean) RETURNS void
        LANGUAGE sql AS 'INSERT INTO public.calls (regclass, name) VALUES ($1, $2);
         INSERT INTO timescaledb_information.hypertables
         SELECT s.nspname, c.relname, true FROM pg_class c JOIN pg_namespace s ON s.oid = relnamespace WHERE c.oid = $1';
";

#[tokio::test]
async fn functions_get_the_tables_and_columns_that_the_model_names_once() {
    for name in ["plain", "it's", "back\\slash\\", "two ''", "$1 -- '; SELECT 1", "$do$"] {
        let model = builder()
            .schema(name)
            .queries_table(TableNames::new(name).column(Column::OutputPortId, name))
            .touches_table(TableNames::new(format!("{name}2")).column(Column::Date, name))
            .build()
            .unwrap();
        let portal = Portal::with(model).await;
        sqlx::raw_sql(RECORDERS).execute(&portal.pool).await.unwrap();
        for distribution in [Distribution::Citus, Distribution::TimescaleDb, Distribution::Citus] {
            for statement in portal.model.distribute(distribution) {
                statement.into_sqlx().execute(&portal.pool).await.unwrap();
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
async fn a_database_without_the_extension_is_named_as_such() {
    let portal = Portal::new().await;
    for (distribution, extension) in
        [(Distribution::Citus, "citus"), (Distribution::TimescaleDb, "timescaledb")]
    {
        for statement in portal.model.distribute(distribution) {
            let error = statement.into_sqlx().execute(&portal.pool).await.unwrap_err();
            let error = error.into_database_error().unwrap();
            let expected = format!("the extension {extension} is not installed in this database");
            assert_eq!((error.message(), error.code().as_deref()), (expected.as_str(), Some("0A000")));
        }
    }
}

#[tokio::test]
async fn compression_is_one_statement_whatever_the_names() {
    for name in ["plain", "it's", "two ''", "$1 -- '; SELECT 1"] {
        let names = TableNames::new(name).column(Column::OutputPortId, name).column(Column::ConsumerId, "c");
        let portal = Portal::with(builder().queries_table(names).build().unwrap()).await;
        sqlx::raw_sql(RECORDERS).execute(&portal.pool).await.unwrap();
        let compressed = &portal.model.distribute(Distribution::TimescaleDb)[1];
        // Postgres reads it to the end, and only then misses the extension.
        let error = compressed.clone().into_sqlx().execute(&portal.pool).await.unwrap_err();
        let expected = "unrecognized parameter namespace \"timescaledb\"";
        assert_eq!(error.into_database_error().unwrap().message(), expected);
        let dialect = PostgreSqlDialect {};
        let setting = &compressed.sql()[compressed.sql().find(" SET (").unwrap()..];
        let literals: Vec<String> = Tokenizer::new(&dialect, &setting[..setting.find(");").unwrap()])
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
