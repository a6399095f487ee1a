//! What an ingest writes, with each way to change it.

use output_port_usage::*;

use super::{changes, days, script};
use crate::portal::{asset, builder, combination, consumer, day, port, queries, scope, touches};

fn batch() -> UsageBatch {
    let first = day(2026, 1, 1);
    let rows = [1, 2].map(|of| queries(first, port(of), consumer(1), 1)).to_vec();
    let read = [1, 2].map(|of| touches(first, port(of), asset(of), consumer(1), 1)).to_vec();
    UsageBatch::builder(scope(days(), [port(1), port(2)]))
        .queries(rows)
        .touches(read)
        .combinations(vec![combination(first, port(1), port(2), consumer(1), 1)])
        .build()
}

/// What was measured of the batch.
fn only_queries() -> UsageBatch {
    UsageBatch::builder(batch().scope().clone()).queries(batch().queries().to_vec()).build()
}

fn all_tables() -> UsageModel {
    builder().combinations().build().unwrap()
}

fn replace(model: &UsageModel, batch: &UsageBatch) -> String {
    script(&model.replace(batch).unwrap().statements())
}

fn upsert(model: &UsageModel, batch: &UsageBatch) -> String {
    script(&model.upsert(batch).unwrap().statements())
}

#[test]
fn an_upsert_of_all_tables() {
    insta::assert_snapshot!(upsert(&all_tables(), &batch()), @r#"
    SELECT /* output-port-usage: ask what the transaction sees */ CASE
        WHEN pg_catalog.row_security_active('"usage"."output_port_query_stats_daily"'::text) THEN 'row level security of the output-port queries'
        WHEN pg_catalog.row_security_active('"usage"."tech_asset_stats_daily"'::text) THEN 'row level security of the tech-asset touches'
        WHEN pg_catalog.row_security_active('"usage"."output_port_combined_with_daily"'::text) THEN 'row level security of the combinations'
        ELSE coalesce((
            SELECT 'type of "' || a.attname::text || '" of ' || w.of_table || ' is ' || pg_catalog.format_type(a.atttypid, NULL) || ', not ' || w.wanted
            FROM (VALUES
                ('"usage"."output_port_query_stats_daily"', 'output_port_id', 'uuid'),
                ('"usage"."output_port_query_stats_daily"', 'date', 'date'),
                ('"usage"."output_port_query_stats_daily"', 'consumer_id', 'uuid'),
                ('"usage"."tech_asset_stats_daily"', 'output_port_id', 'uuid'),
                ('"usage"."tech_asset_stats_daily"', 'date', 'date'),
                ('"usage"."tech_asset_stats_daily"', 'tech_asset_id', 'uuid'),
                ('"usage"."tech_asset_stats_daily"', 'consumer_id', 'uuid'),
                ('"usage"."output_port_combined_with_daily"', 'output_port_id_1', 'uuid'),
                ('"usage"."output_port_combined_with_daily"', 'date', 'date'),
                ('"usage"."output_port_combined_with_daily"', 'output_port_id_2', 'uuid'),
                ('"usage"."output_port_combined_with_daily"', 'consumer_id', 'uuid')
            ) AS w(of_table, named, wanted)
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = w.of_table::regclass::oid AND a.attname = w.named::name
            JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
            WHERE CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END <> ('pg_catalog.' || w.wanted)::regtype::oid
            ORDER BY a.attrelid, a.attnum
            LIMIT 1
        ), pg_catalog.current_setting('transaction_isolation'))
    END AS "sight";
    SELECT /* output-port-usage: wait for other writers */ pg_catalog.pg_advisory_xact_lock($1);
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
    INSERT /* output-port-usage: write changed queries */ INTO "usage"."output_port_query_stats_daily" AS t ("date", "output_port_id", "consumer_id", "query_count")
    SELECT u."date", u."output_port_id", u."consumer_id", u."query_count"
    FROM unnest($4::date[], $5::uuid[], $6::uuid[], $7::integer[]) AS u("date", "output_port_id", "consumer_id", "query_count")
    LEFT JOIN (
        SELECT "date", "output_port_id", "consumer_id", "query_count"
        FROM "usage"."output_port_query_stats_daily"
        WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
    ) AS o USING ("output_port_id", "date", "consumer_id")
    WHERE o."query_count" IS DISTINCT FROM u."query_count"
    ON CONFLICT ("output_port_id", "date", "consumer_id") DO UPDATE SET "query_count" = excluded."query_count"
        WHERE t."query_count" IS DISTINCT FROM excluded."query_count"
    RETURNING 1;
    INSERT /* output-port-usage: write changed touches */ INTO "usage"."tech_asset_stats_daily" AS t ("date", "output_port_id", "tech_asset_id", "consumer_id", "query_count")
    SELECT u."date", u."output_port_id", u."tech_asset_id", u."consumer_id", u."query_count"
    FROM unnest($4::date[], $5::uuid[], $6::uuid[], $7::uuid[], $8::integer[]) AS u("date", "output_port_id", "tech_asset_id", "consumer_id", "query_count")
    LEFT JOIN (
        SELECT "date", "output_port_id", "tech_asset_id", "consumer_id", "query_count"
        FROM "usage"."tech_asset_stats_daily"
        WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
    ) AS o USING ("output_port_id", "date", "tech_asset_id", "consumer_id")
    WHERE o."query_count" IS DISTINCT FROM u."query_count"
    ON CONFLICT ("output_port_id", "date", "tech_asset_id", "consumer_id") DO UPDATE SET "query_count" = excluded."query_count"
        WHERE t."query_count" IS DISTINCT FROM excluded."query_count"
    RETURNING 1;
    INSERT /* output-port-usage: write changed combinations */ INTO "usage"."output_port_combined_with_daily" AS t ("date", "output_port_id_1", "output_port_id_2", "consumer_id", "query_count")
    SELECT u."date", u."output_port_id_1", u."output_port_id_2", u."consumer_id", u."query_count"
    FROM unnest($4::date[], $5::uuid[], $6::uuid[], $7::uuid[], $8::integer[]) AS u("date", "output_port_id_1", "output_port_id_2", "consumer_id", "query_count")
    LEFT JOIN (
        SELECT "date", "output_port_id_1", "output_port_id_2", "consumer_id", "query_count"
        FROM "usage"."output_port_combined_with_daily"
        WHERE ("output_port_id_1" = ANY($1::uuid[]) OR "output_port_id_2" = ANY($1::uuid[])) AND "date" >= $2::date AND "date" < $3::date
    ) AS o USING ("output_port_id_1", "date", "output_port_id_2", "consumer_id")
    WHERE o."query_count" IS DISTINCT FROM u."query_count"
    ON CONFLICT ("output_port_id_1", "date", "output_port_id_2", "consumer_id") DO UPDATE SET "query_count" = excluded."query_count"
        WHERE t."query_count" IS DISTINCT FROM excluded."query_count"
    RETURNING 1;
    "#);
}

#[test]
fn a_replace_of_all_tables_removes_besides() {
    insta::assert_snapshot!(changes(&upsert(&all_tables(), &batch()), &replace(&all_tables(), &batch())), @r#"
    + SELECT /* output-port-usage: find vanished queries */ count(*) AS "vanished"
    + FROM (
    +     SELECT "date", "output_port_id", "consumer_id"
    +     FROM "usage"."output_port_query_stats_daily"
    +     WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
    +     EXCEPT
    +     SELECT u."date", u."output_port_id", u."consumer_id"
    +     FROM unnest($4::date[], $5::uuid[], $6::uuid[]) AS u("date", "output_port_id", "consumer_id")
    + ) AS gone
    + HAVING count(*) > 0;
    + DELETE /* output-port-usage: remove vanished queries */ FROM "usage"."output_port_query_stats_daily" AS t
    + USING (
    +     SELECT "date", "output_port_id", "consumer_id"
    +     FROM "usage"."output_port_query_stats_daily"
    +     WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
    +     EXCEPT
    +     SELECT u."date", u."output_port_id", u."consumer_id"
    +     FROM unnest($4::date[], $5::uuid[], $6::uuid[]) AS u("date", "output_port_id", "consumer_id")
    + ) AS gone
    + WHERE gone."output_port_id" = t."output_port_id" AND gone."date" = t."date" AND gone."consumer_id" = t."consumer_id"
    + RETURNING 1;
    + SELECT /* output-port-usage: find vanished touches */ count(*) AS "vanished"
    + FROM (
    +     SELECT "date", "output_port_id", "tech_asset_id", "consumer_id"
    +     FROM "usage"."tech_asset_stats_daily"
    +     WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
    +     EXCEPT
    +     SELECT u."date", u."output_port_id", u."tech_asset_id", u."consumer_id"
    +     FROM unnest($4::date[], $5::uuid[], $6::uuid[], $7::uuid[]) AS u("date", "output_port_id", "tech_asset_id", "consumer_id")
    + ) AS gone
    + HAVING count(*) > 0;
    + DELETE /* output-port-usage: remove vanished touches */ FROM "usage"."tech_asset_stats_daily" AS t
    + USING (
    +     SELECT "date", "output_port_id", "tech_asset_id", "consumer_id"
    +     FROM "usage"."tech_asset_stats_daily"
    +     WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
    +     EXCEPT
    +     SELECT u."date", u."output_port_id", u."tech_asset_id", u."consumer_id"
    +     FROM unnest($4::date[], $5::uuid[], $6::uuid[], $7::uuid[]) AS u("date", "output_port_id", "tech_asset_id", "consumer_id")
    + ) AS gone
    + WHERE gone."output_port_id" = t."output_port_id" AND gone."date" = t."date" AND gone."tech_asset_id" = t."tech_asset_id" AND gone."consumer_id" = t."consumer_id"
    + RETURNING 1;
    + SELECT /* output-port-usage: find vanished combinations */ count(*) AS "vanished"
    + FROM (
    +     SELECT "date", "output_port_id_1", "output_port_id_2", "consumer_id"
    +     FROM "usage"."output_port_combined_with_daily"
    +     WHERE ("output_port_id_1" = ANY($1::uuid[]) OR "output_port_id_2" = ANY($1::uuid[])) AND "date" >= $2::date AND "date" < $3::date
    +     EXCEPT
    +     SELECT u."date", u."output_port_id_1", u."output_port_id_2", u."consumer_id"
    +     FROM unnest($4::date[], $5::uuid[], $6::uuid[], $7::uuid[]) AS u("date", "output_port_id_1", "output_port_id_2", "consumer_id")
    + ) AS gone
    + HAVING count(*) > 0;
    + DELETE /* output-port-usage: remove vanished combinations */ FROM "usage"."output_port_combined_with_daily" AS t
    + USING (
    +     SELECT "date", "output_port_id_1", "output_port_id_2", "consumer_id"
    +     FROM "usage"."output_port_combined_with_daily"
    +     WHERE ("output_port_id_1" = ANY($1::uuid[]) OR "output_port_id_2" = ANY($1::uuid[])) AND "date" >= $2::date AND "date" < $3::date
    +     EXCEPT
    +     SELECT u."date", u."output_port_id_1", u."output_port_id_2", u."consumer_id"
    +     FROM unnest($4::date[], $5::uuid[], $6::uuid[], $7::uuid[]) AS u("date", "output_port_id_1", "output_port_id_2", "consumer_id")
    + ) AS gone
    + WHERE gone."output_port_id_1" = t."output_port_id_1" AND gone."date" = t."date" AND gone."output_port_id_2" = t."output_port_id_2" AND gone."consumer_id" = t."consumer_id"
    + RETURNING 1;
    "#);
}

#[test]
fn a_batch_without_touches_and_combinations_writes_table_1_alone() {
    insta::assert_snapshot!(replace(&all_tables(), &only_queries()), @r#"
    SELECT /* output-port-usage: ask what the transaction sees */ CASE
        WHEN pg_catalog.row_security_active('"usage"."output_port_query_stats_daily"'::text) THEN 'row level security of the output-port queries'
        WHEN pg_catalog.row_security_active('"usage"."tech_asset_stats_daily"'::text) THEN 'row level security of the tech-asset touches'
        WHEN pg_catalog.row_security_active('"usage"."output_port_combined_with_daily"'::text) THEN 'row level security of the combinations'
        ELSE coalesce((
            SELECT 'type of "' || a.attname::text || '" of ' || w.of_table || ' is ' || pg_catalog.format_type(a.atttypid, NULL) || ', not ' || w.wanted
            FROM (VALUES
                ('"usage"."output_port_query_stats_daily"', 'output_port_id', 'uuid'),
                ('"usage"."output_port_query_stats_daily"', 'date', 'date'),
                ('"usage"."output_port_query_stats_daily"', 'consumer_id', 'uuid'),
                ('"usage"."tech_asset_stats_daily"', 'output_port_id', 'uuid'),
                ('"usage"."tech_asset_stats_daily"', 'date', 'date'),
                ('"usage"."tech_asset_stats_daily"', 'tech_asset_id', 'uuid'),
                ('"usage"."tech_asset_stats_daily"', 'consumer_id', 'uuid'),
                ('"usage"."output_port_combined_with_daily"', 'output_port_id_1', 'uuid'),
                ('"usage"."output_port_combined_with_daily"', 'date', 'date'),
                ('"usage"."output_port_combined_with_daily"', 'output_port_id_2', 'uuid'),
                ('"usage"."output_port_combined_with_daily"', 'consumer_id', 'uuid')
            ) AS w(of_table, named, wanted)
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = w.of_table::regclass::oid AND a.attname = w.named::name
            JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
            WHERE CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END <> ('pg_catalog.' || w.wanted)::regtype::oid
            ORDER BY a.attrelid, a.attnum
            LIMIT 1
        ), pg_catalog.current_setting('transaction_isolation'))
    END AS "sight";
    SELECT /* output-port-usage: wait for other writers */ pg_catalog.pg_advisory_xact_lock($1);
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
    SELECT /* output-port-usage: find vanished queries */ count(*) AS "vanished"
    FROM (
        SELECT "date", "output_port_id", "consumer_id"
        FROM "usage"."output_port_query_stats_daily"
        WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
        EXCEPT
        SELECT u."date", u."output_port_id", u."consumer_id"
        FROM unnest($4::date[], $5::uuid[], $6::uuid[]) AS u("date", "output_port_id", "consumer_id")
    ) AS gone
    HAVING count(*) > 0;
    DELETE /* output-port-usage: remove vanished queries */ FROM "usage"."output_port_query_stats_daily" AS t
    USING (
        SELECT "date", "output_port_id", "consumer_id"
        FROM "usage"."output_port_query_stats_daily"
        WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
        EXCEPT
        SELECT u."date", u."output_port_id", u."consumer_id"
        FROM unnest($4::date[], $5::uuid[], $6::uuid[]) AS u("date", "output_port_id", "consumer_id")
    ) AS gone
    WHERE gone."output_port_id" = t."output_port_id" AND gone."date" = t."date" AND gone."consumer_id" = t."consumer_id"
    RETURNING 1;
    INSERT /* output-port-usage: write changed queries */ INTO "usage"."output_port_query_stats_daily" AS t ("date", "output_port_id", "consumer_id", "query_count")
    SELECT u."date", u."output_port_id", u."consumer_id", u."query_count"
    FROM unnest($4::date[], $5::uuid[], $6::uuid[], $7::integer[]) AS u("date", "output_port_id", "consumer_id", "query_count")
    LEFT JOIN (
        SELECT "date", "output_port_id", "consumer_id", "query_count"
        FROM "usage"."output_port_query_stats_daily"
        WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
    ) AS o USING ("output_port_id", "date", "consumer_id")
    WHERE o."query_count" IS DISTINCT FROM u."query_count"
    ON CONFLICT ("output_port_id", "date", "consumer_id") DO UPDATE SET "query_count" = excluded."query_count"
        WHERE t."query_count" IS DISTINCT FROM excluded."query_count"
    RETURNING 1;
    "#);
    insta::assert_snapshot!(upsert(&all_tables(), &only_queries()), @r#"
    SELECT /* output-port-usage: ask what the transaction sees */ CASE
        WHEN pg_catalog.row_security_active('"usage"."output_port_query_stats_daily"'::text) THEN 'row level security of the output-port queries'
        WHEN pg_catalog.row_security_active('"usage"."tech_asset_stats_daily"'::text) THEN 'row level security of the tech-asset touches'
        WHEN pg_catalog.row_security_active('"usage"."output_port_combined_with_daily"'::text) THEN 'row level security of the combinations'
        ELSE coalesce((
            SELECT 'type of "' || a.attname::text || '" of ' || w.of_table || ' is ' || pg_catalog.format_type(a.atttypid, NULL) || ', not ' || w.wanted
            FROM (VALUES
                ('"usage"."output_port_query_stats_daily"', 'output_port_id', 'uuid'),
                ('"usage"."output_port_query_stats_daily"', 'date', 'date'),
                ('"usage"."output_port_query_stats_daily"', 'consumer_id', 'uuid'),
                ('"usage"."tech_asset_stats_daily"', 'output_port_id', 'uuid'),
                ('"usage"."tech_asset_stats_daily"', 'date', 'date'),
                ('"usage"."tech_asset_stats_daily"', 'tech_asset_id', 'uuid'),
                ('"usage"."tech_asset_stats_daily"', 'consumer_id', 'uuid'),
                ('"usage"."output_port_combined_with_daily"', 'output_port_id_1', 'uuid'),
                ('"usage"."output_port_combined_with_daily"', 'date', 'date'),
                ('"usage"."output_port_combined_with_daily"', 'output_port_id_2', 'uuid'),
                ('"usage"."output_port_combined_with_daily"', 'consumer_id', 'uuid')
            ) AS w(of_table, named, wanted)
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = w.of_table::regclass::oid AND a.attname = w.named::name
            JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
            WHERE CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END <> ('pg_catalog.' || w.wanted)::regtype::oid
            ORDER BY a.attrelid, a.attnum
            LIMIT 1
        ), pg_catalog.current_setting('transaction_isolation'))
    END AS "sight";
    SELECT /* output-port-usage: wait for other writers */ pg_catalog.pg_advisory_xact_lock($1);
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
    INSERT /* output-port-usage: write changed queries */ INTO "usage"."output_port_query_stats_daily" AS t ("date", "output_port_id", "consumer_id", "query_count")
    SELECT u."date", u."output_port_id", u."consumer_id", u."query_count"
    FROM unnest($4::date[], $5::uuid[], $6::uuid[], $7::integer[]) AS u("date", "output_port_id", "consumer_id", "query_count")
    LEFT JOIN (
        SELECT "date", "output_port_id", "consumer_id", "query_count"
        FROM "usage"."output_port_query_stats_daily"
        WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
    ) AS o USING ("output_port_id", "date", "consumer_id")
    WHERE o."query_count" IS DISTINCT FROM u."query_count"
    ON CONFLICT ("output_port_id", "date", "consumer_id") DO UPDATE SET "query_count" = excluded."query_count"
        WHERE t."query_count" IS DISTINCT FROM excluded."query_count"
    RETURNING 1;
    "#);
    let two = builder().build().unwrap();
    // all but the first, which asks about each table of the model
    let rest = |texts: String| texts.split_once("END AS \"sight\";").unwrap().1.to_owned();
    assert_eq!(rest(replace(&two, &only_queries())), rest(replace(&all_tables(), &only_queries())));
    let without_pairs = batch().without_combinations();
    assert_eq!(rest(replace(&two, &without_pairs)), rest(replace(&all_tables(), &without_pairs)));
}

#[test]
fn what_is_done_with_empty_batches_and_unknown_ids_changes_no_statement() {
    let ingest = all_tables().replace(&batch()).unwrap();
    let relaxed = ingest.clone().allow_empty().skip_unknown();
    assert_eq!(relaxed.statements(), ingest.statements());
}

#[test]
fn ids_that_outlive_their_parents_are_not_looked_up() {
    let keep = |table| Reference::to(table).schema("portal").on_delete(OnDelete::Keep);
    let usual = replace(&all_tables(), &batch());
    let without = |builder: UsageModelBuilder| {
        changes(&usual, &replace(&builder.combinations().build().unwrap(), &batch()))
    };
    insta::assert_snapshot!(without(builder().output_ports(keep("datasets"))), @r#"
    - SELECT /* output-port-usage: find unknown output ports */ DISTINCT u.id
    - FROM pg_catalog.unnest($1::uuid[]) AS u(id)
    - LEFT JOIN "portal"."datasets" AS p ON p."id" = u.id
    - WHERE (p."id" IS NULL
    -         OR EXISTS (
    -             SELECT
    -             FROM pg_catalog.pg_inherits AS h
    -             JOIN pg_catalog.pg_class AS c ON c.oid = h.inhparent AND c.relkind = 'r'
    -             WHERE h.inhparent = '"portal"."datasets"'::regclass::oid
    -         ) AND NOT EXISTS (
    -             SELECT
    -             FROM ONLY ("portal"."datasets") AS o
    -             WHERE o."id" = u.id
    -         ))
    -     AND NOT pg_catalog.row_security_active('"portal"."datasets"'::text)
    - ORDER BY u.id;
    "#);
    insta::assert_snapshot!(without(builder().consumers(keep("data_products"))), @r#"
    - SELECT /* output-port-usage: find unknown consumers */ DISTINCT u.id
    - FROM pg_catalog.unnest($1::uuid[]) AS u(id)
    - LEFT JOIN "portal"."data_products" AS p ON p."id" = u.id
    - WHERE (p."id" IS NULL
    -         OR EXISTS (
    -             SELECT
    -             FROM pg_catalog.pg_inherits AS h
    -             JOIN pg_catalog.pg_class AS c ON c.oid = h.inhparent AND c.relkind = 'r'
    -             WHERE h.inhparent = '"portal"."data_products"'::regclass::oid
    -         ) AND NOT EXISTS (
    -             SELECT
    -             FROM ONLY ("portal"."data_products") AS o
    -             WHERE o."id" = u.id
    -         ))
    -     AND NOT pg_catalog.row_security_active('"portal"."data_products"'::text)
    - ORDER BY u.id;
    "#);
    insta::assert_snapshot!(without(builder().tech_assets(keep("technical_assets"))), @r#"
    - SELECT /* output-port-usage: find unknown tech assets */ DISTINCT u.id
    - FROM pg_catalog.unnest($1::uuid[]) AS u(id)
    - LEFT JOIN "portal"."technical_assets" AS p ON p."id" = u.id
    - WHERE (p."id" IS NULL
    -         OR EXISTS (
    -             SELECT
    -             FROM pg_catalog.pg_inherits AS h
    -             JOIN pg_catalog.pg_class AS c ON c.oid = h.inhparent AND c.relkind = 'r'
    -             WHERE h.inhparent = '"portal"."technical_assets"'::regclass::oid
    -         ) AND NOT EXISTS (
    -             SELECT
    -             FROM ONLY ("portal"."technical_assets") AS o
    -             WHERE o."id" = u.id
    -         ))
    -     AND NOT pg_catalog.row_security_active('"portal"."technical_assets"'::text)
    - ORDER BY u.id;
    "#);
}

#[test]
fn parents_are_looked_up_by_their_keys() {
    let other = builder().consumers(Reference::to("products").key("product")).combinations();
    insta::assert_snapshot!(changes(&replace(&all_tables(), &batch()), &replace(&other.build().unwrap(), &batch())), @r#"
    - LEFT JOIN "portal"."data_products" AS p ON p."id" = u.id
    - WHERE (p."id" IS NULL
    + LEFT JOIN "public"."products" AS p ON p."product" = u.id
    + WHERE (p."product" IS NULL
    -             WHERE h.inhparent = '"portal"."data_products"'::regclass::oid
    +             WHERE h.inhparent = '"public"."products"'::regclass::oid
    -             FROM ONLY ("portal"."data_products") AS o
    -             WHERE o."id" = u.id
    +             FROM ONLY ("public"."products") AS o
    +             WHERE o."product" = u.id
    -     AND NOT pg_catalog.row_security_active('"portal"."data_products"'::text)
    +     AND NOT pg_catalog.row_security_active('"public"."products"'::text)
    "#);
}
