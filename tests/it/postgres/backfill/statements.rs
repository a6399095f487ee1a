//! The statements of a back-fill.

use output_port_usage::*;

use crate::portal::{builder, day, port, scope};

#[test]
fn a_first_load_is_a_fixed_list_of_statements() {
    let model = builder().combinations().build().unwrap();
    let backfill = model.backfill(scope(day(2026, 1, 1)..day(2026, 2, 1), [port(1)])).unwrap();
    insta::assert_snapshot!(text(&backfill));
}

#[test]
fn replacing_with_keys_kept_is_a_shorter_list() {
    let model = builder().build().unwrap();
    let backfill = model.backfill(scope(day(2026, 1, 1)..day(2026, 2, 1), [port(1)])).unwrap();
    insta::assert_snapshot!(text(&backfill.replace_existing().keep_keys()), @r#"
    SELECT /* output-port-usage: ask what the transaction sees */ CASE
        WHEN pg_catalog.row_security_active('"usage"."output_port_query_stats_daily"'::text) THEN 'row level security of the output-port queries'
        WHEN pg_catalog.row_security_active('"usage"."tech_asset_stats_daily"'::text) THEN 'row level security of the tech-asset touches'
        ELSE coalesce((
            SELECT 'type of "' || a.attname::text || '" of ' || w.of_table || ' is ' || pg_catalog.format_type(a.atttypid, NULL) || ', not ' || w.wanted
            FROM (VALUES
                ('"usage"."output_port_query_stats_daily"', 'output_port_id', 'uuid'),
                ('"usage"."output_port_query_stats_daily"', 'date', 'date'),
                ('"usage"."output_port_query_stats_daily"', 'consumer_id', 'uuid'),
                ('"usage"."tech_asset_stats_daily"', 'output_port_id', 'uuid'),
                ('"usage"."tech_asset_stats_daily"', 'date', 'date'),
                ('"usage"."tech_asset_stats_daily"', 'tech_asset_id', 'uuid'),
                ('"usage"."tech_asset_stats_daily"', 'consumer_id', 'uuid')
            ) AS w(of_table, named, wanted)
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = w.of_table::regclass::oid AND a.attname = w.named::name
            JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
            WHERE CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END <> ('pg_catalog.' || w.wanted)::regtype::oid
            ORDER BY a.attrelid, a.attnum
            LIMIT 1
        ), pg_catalog.current_setting('transaction_isolation'))
    END AS "sight";

    SELECT /* output-port-usage: wait for other writers */ pg_catalog.pg_advisory_xact_lock($1);

    SELECT /* output-port-usage: look for any key of queries */ 1
    FROM pg_catalog.pg_index AS i
    WHERE i.indrelid = $1::text::regclass::oid AND i.indisunique AND i.indisvalid AND i.indimmediate
        AND i.indpred IS NULL AND i.indnkeyatts = $5::integer
        AND (
            SELECT count(*)
            FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = i.indrelid AND a.attnum = ANY((i.indkey::smallint[])[0:i.indnkeyatts - 1])
                AND a.attname IN ($2::text, $3::text, $4::text)
        ) = $5::integer
    LIMIT 1;

    SELECT /* output-port-usage: look for any key of touches */ 1
    FROM pg_catalog.pg_index AS i
    WHERE i.indrelid = $1::text::regclass::oid AND i.indisunique AND i.indisvalid AND i.indimmediate
        AND i.indpred IS NULL AND i.indnkeyatts = $6::integer
        AND (
            SELECT count(*)
            FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = i.indrelid AND a.attnum = ANY((i.indkey::smallint[])[0:i.indnkeyatts - 1])
                AND a.attname IN ($2::text, $3::text, $4::text, $5::text)
        ) = $6::integer
    LIMIT 1;

    DELETE /* output-port-usage: remove queries */ FROM "usage"."output_port_query_stats_daily"
    WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
    RETURNING 1;

    DELETE /* output-port-usage: remove touches */ FROM "usage"."tech_asset_stats_daily"
    WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
    RETURNING 1;

    SELECT /* output-port-usage: find unknown output ports */ DISTINCT u.id
    FROM pg_catalog.unnest($1::uuid[]) AS u(id)
    LEFT JOIN "portal"."datasets" AS p ON p."id" = u.id
    WHERE (p."id" IS NULL
            OR EXISTS (
                SELECT
                FROM pg_catalog.pg_inherits AS h
                JOIN pg_catalog.pg_class AS c ON c.oid = h.inhparent AND c.relkind = 'r'
                WHERE h.inhparent = '"portal"."datasets"'::regclass::oid
            ) AND NOT EXISTS (
                SELECT
                FROM ONLY ("portal"."datasets") AS o
                WHERE o."id" = u.id
            ))
        AND NOT pg_catalog.row_security_active('"portal"."datasets"'::text)
    ORDER BY u.id;

    SELECT /* output-port-usage: find unknown tech assets */ DISTINCT u.id
    FROM pg_catalog.unnest($1::uuid[]) AS u(id)
    LEFT JOIN "portal"."technical_assets" AS p ON p."id" = u.id
    WHERE (p."id" IS NULL
            OR EXISTS (
                SELECT
                FROM pg_catalog.pg_inherits AS h
                JOIN pg_catalog.pg_class AS c ON c.oid = h.inhparent AND c.relkind = 'r'
                WHERE h.inhparent = '"portal"."technical_assets"'::regclass::oid
            ) AND NOT EXISTS (
                SELECT
                FROM ONLY ("portal"."technical_assets") AS o
                WHERE o."id" = u.id
            ))
        AND NOT pg_catalog.row_security_active('"portal"."technical_assets"'::text)
    ORDER BY u.id;

    SELECT /* output-port-usage: find unknown consumers */ DISTINCT u.id
    FROM pg_catalog.unnest($1::uuid[]) AS u(id)
    LEFT JOIN "portal"."data_products" AS p ON p."id" = u.id
    WHERE (p."id" IS NULL
            OR EXISTS (
                SELECT
                FROM pg_catalog.pg_inherits AS h
                JOIN pg_catalog.pg_class AS c ON c.oid = h.inhparent AND c.relkind = 'r'
                WHERE h.inhparent = '"portal"."data_products"'::regclass::oid
            ) AND NOT EXISTS (
                SELECT
                FROM ONLY ("portal"."data_products") AS o
                WHERE o."id" = u.id
            ))
        AND NOT pg_catalog.row_security_active('"portal"."data_products"'::text)
    ORDER BY u.id;

    INSERT /* output-port-usage: load queries */ INTO "usage"."output_port_query_stats_daily" ("date", "output_port_id", "consumer_id", "query_count")
    SELECT pg_catalog.unnest($1::date[]), pg_catalog.unnest($2::uuid[]), pg_catalog.unnest($3::uuid[]), pg_catalog.unnest($4::integer[])
    RETURNING 1;

    INSERT /* output-port-usage: load touches */ INTO "usage"."tech_asset_stats_daily" ("date", "output_port_id", "tech_asset_id", "consumer_id", "query_count")
    SELECT pg_catalog.unnest($1::date[]), pg_catalog.unnest($2::uuid[]), pg_catalog.unnest($3::uuid[]), pg_catalog.unnest($4::uuid[]), pg_catalog.unnest($5::integer[])
    RETURNING 1;
    "#);
}

fn text(backfill: &Backfill) -> String {
    backfill.statements().iter().map(|statement| format!("{};\n\n", statement.sql())).collect()
}
