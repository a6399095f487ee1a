//! What is removed and what is reconciled without table 3; with it, see `removal` and `reconcile`.

use output_port_usage::*;

use super::{days, script};
use crate::portal::{builder, consumer, day, port, scope};

#[test]
fn removals_of_two_tables() {
    let model = builder().build().unwrap();
    let delete = model.delete(port(1), consumer(2), day(2026, 1, 1)).unwrap();
    insta::assert_snapshot!(script(&delete.statements()), @r#"
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
    DELETE /* output-port-usage: delete one day of queries */ FROM "usage"."output_port_query_stats_daily"
    WHERE "output_port_id" = $1 AND "date" = $2 AND "consumer_id" = $3
    RETURNING 1;
    DELETE /* output-port-usage: delete one day of touches */ FROM "usage"."tech_asset_stats_daily"
    WHERE "output_port_id" = $1 AND "date" = $2 AND "consumer_id" = $3
    RETURNING 1;
    "#);
    let purge = model.purge(&Purge::before(day(2025, 1, 1))).unwrap();
    insta::assert_snapshot!(script(&purge.statements()), @r#"
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
    DELETE /* output-port-usage: purge queries */ FROM "usage"."output_port_query_stats_daily"
    WHERE "date" < $1
    RETURNING 1;
    DELETE /* output-port-usage: purge touches */ FROM "usage"."tech_asset_stats_daily"
    WHERE "date" < $1
    RETURNING 1;
    "#);
    let guarded = Purge::before(day(2025, 1, 1)).keeping(scope(days(), [port(1)]));
    assert_eq!(model.purge(&guarded).unwrap(), purge);
}

#[test]
fn reconciling_two_tables() {
    insta::assert_snapshot!(builder().build().unwrap().reconcile(days()).unwrap().pretty(), @r#"
    SELECT
        /* output-port-usage: reconcile the tables */
        CAST("date" AS date) AS "date",
        CAST("output_port_id" AS uuid) AS "output_port_id",
        CAST("consumer_id" AS uuid) AS "consumer_id",
        CAST("tech_asset_id" AS uuid) AS "tech_asset_id",
        CAST("other_output_port_id" AS uuid) AS "other_output_port_id",
        CAST("counted" AS bigint) AS "counted",
        CAST("queries" AS bigint) AS "queries"
    FROM (
        SELECT
            "counted"."date" AS "date",
            "counted"."output_port_id" AS "output_port_id",
            "counted"."consumer_id" AS "consumer_id",
            "counted"."tech_asset_id" AS "tech_asset_id",
            CAST((NULL) AS uuid) AS "other_output_port_id",
            "counted"."query_count" AS "counted",
            COALESCE("queries"."query_count", 0) AS "queries"
        FROM "usage"."tech_asset_stats_daily" AS "counted"
        LEFT JOIN
            "usage"."output_port_query_stats_daily" AS "queries" ON "queries"."output_port_id" = "counted"."output_port_id"
            AND "queries"."date" = "counted"."date"
            AND "queries"."consumer_id" = "counted"."consumer_id"
            AND "queries"."date" >= $1
            AND "queries"."date" < $2
        WHERE
            "counted"."query_count" > COALESCE("queries"."query_count", 0)
            AND "counted"."date" >= $3
            AND "counted"."date" < $4
    ) AS "violation"
    ORDER BY
        "date" ASC NULLS LAST,
        "output_port_id" ASC NULLS LAST,
        "consumer_id" ASC NULLS LAST,
        "tech_asset_id" ASC NULLS LAST,
        "other_output_port_id" ASC NULLS LAST,
        "counted" ASC NULLS LAST,
        "queries" ASC NULLS LAST
    "#);
}
