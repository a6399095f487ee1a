//! The statements of a back-fill.

use output_port_usage::*;

use crate::portal::{builder, day, port, scope};

#[test]
fn a_first_load_is_a_fixed_list_of_statements() {
    let model = builder().combinations().build().unwrap();
    let backfill = model.backfill(scope(day(2026, 1, 1)..day(2026, 2, 1), [port(1)])).unwrap();
    insta::assert_snapshot!(text(&backfill), @r#"
    SELECT current_setting('transaction_isolation') AS "isolation";

    SELECT pg_advisory_xact_lock($1);

    SELECT 1
    FROM pg_catalog.pg_index AS i
    WHERE i.indrelid = $1::text::regclass AND i.indisunique AND i.indisvalid AND i.indimmediate
        AND i.indpred IS NULL AND i.indnkeyatts = $5::integer
        AND (
            SELECT count(*)
            FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = i.indrelid AND a.attnum = ANY((i.indkey::smallint[])[0:i.indnkeyatts - 1])
                AND a.attname IN ($2::text, $3::text, $4::text)
        ) = $5::integer
    LIMIT 1;

    SELECT coalesce((
        SELECT to_char("date", 'YYYY-MM-DD') || ', ' || "output_port_id"::text || ', ' || "consumer_id"::text
        FROM "usage"."output_port_query_stats_daily"
        WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
        LIMIT 1
    ), '') AS "found";

    SELECT 1
    FROM pg_catalog.pg_index AS i
    WHERE i.indrelid = $1::text::regclass AND i.indisunique AND i.indisvalid AND i.indimmediate
        AND i.indpred IS NULL AND i.indnkeyatts = $6::integer
        AND (
            SELECT count(*)
            FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = i.indrelid AND a.attnum = ANY((i.indkey::smallint[])[0:i.indnkeyatts - 1])
                AND a.attname IN ($2::text, $3::text, $4::text, $5::text)
        ) = $6::integer
    LIMIT 1;

    SELECT coalesce((
        SELECT to_char("date", 'YYYY-MM-DD') || ', ' || "output_port_id"::text || ', ' || "tech_asset_id"::text || ', ' || "consumer_id"::text
        FROM "usage"."tech_asset_stats_daily"
        WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
        LIMIT 1
    ), '') AS "found";

    SELECT 1
    FROM pg_catalog.pg_index AS i
    WHERE i.indrelid = $1::text::regclass AND i.indisunique AND i.indisvalid AND i.indimmediate
        AND i.indpred IS NULL AND i.indnkeyatts = $6::integer
        AND (
            SELECT count(*)
            FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = i.indrelid AND a.attnum = ANY((i.indkey::smallint[])[0:i.indnkeyatts - 1])
                AND a.attname IN ($2::text, $3::text, $4::text, $5::text)
        ) = $6::integer
    LIMIT 1;

    SELECT coalesce((
        SELECT to_char("date", 'YYYY-MM-DD') || ', ' || "output_port_id_1"::text || ', ' || "output_port_id_2"::text || ', ' || "consumer_id"::text
        FROM "usage"."output_port_combined_with_daily"
        WHERE ("output_port_id_1" = ANY($1::uuid[]) OR "output_port_id_2" = ANY($1::uuid[])) AND "date" >= $2::date AND "date" < $3::date
        LIMIT 1
    ), '') AS "found";

    SELECT 1
    FROM "usage"."output_port_query_stats_daily"
    LIMIT 1;

    SELECT 1
    FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_class AS t ON t.oid = k.conrelid
    JOIN pg_catalog.pg_index AS i ON i.indexrelid = k.conindid
    JOIN pg_catalog.pg_class AS x ON x.oid = k.conindid
    WHERE k.conrelid = $1::text::regclass AND k.contype = 'p' AND k.conname = $2::text
        AND pg_get_constraintdef(k.oid) = 'PRIMARY KEY (' || quote_ident($3::text) || ', ' || quote_ident($4::text) || ', ' || quote_ident($5::text) || ') INCLUDE (' || quote_ident($6::text) || ')'
        AND t.relkind = 'r' AND NOT t.relispartition AND pg_has_role(t.relowner, 'USAGE')
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS c WHERE t.oid IN (c.inhparent, c.inhrelid))
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS g WHERE g.tgrelid = t.oid AND g.tgdeferrable)
        AND i.indisvalid AND NOT i.indisclustered AND NOT i.indisreplident AND x.reltablespace = 0 AND x.reloptions IS NULL
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend AS d
            WHERE d.refobjid IN (k.oid, x.oid) AND d.deptype NOT IN ('i', 'I')
        )
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_description AS d WHERE d.objoid IN (k.oid, x.oid));

    ALTER TABLE "usage"."output_port_query_stats_daily" DROP CONSTRAINT "output_port_query_stats_daily_pkey";

    SELECT 1
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    WHERE i.indrelid = $1::text::regclass AND x.relname = $4::text
        AND pg_get_indexdef(x.oid) = 'CREATE INDEX ' || quote_ident($4::text) || ' ON ' || quote_ident($2::text) || '.' || quote_ident($3::text) || ' USING brin (' || quote_ident($5::text) || ') WITH (pages_per_range=''32'', autosummarize=''on'')'
        AND i.indisvalid AND NOT i.indisclustered AND NOT i.indisreplident AND x.reltablespace = 0
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_description AS d WHERE d.objoid = x.oid);

    DROP INDEX IF EXISTS "usage"."output_port_query_stats_daily_date_idx";

    SELECT 1
    FROM "usage"."tech_asset_stats_daily"
    LIMIT 1;

    SELECT 1
    FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_class AS t ON t.oid = k.conrelid
    JOIN pg_catalog.pg_index AS i ON i.indexrelid = k.conindid
    JOIN pg_catalog.pg_class AS x ON x.oid = k.conindid
    WHERE k.conrelid = $1::text::regclass AND k.contype = 'p' AND k.conname = $2::text
        AND pg_get_constraintdef(k.oid) = 'PRIMARY KEY (' || quote_ident($3::text) || ', ' || quote_ident($4::text) || ', ' || quote_ident($5::text) || ', ' || quote_ident($6::text) || ') INCLUDE (' || quote_ident($7::text) || ')'
        AND t.relkind = 'r' AND NOT t.relispartition AND pg_has_role(t.relowner, 'USAGE')
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS c WHERE t.oid IN (c.inhparent, c.inhrelid))
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS g WHERE g.tgrelid = t.oid AND g.tgdeferrable)
        AND i.indisvalid AND NOT i.indisclustered AND NOT i.indisreplident AND x.reltablespace = 0 AND x.reloptions IS NULL
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend AS d
            WHERE d.refobjid IN (k.oid, x.oid) AND d.deptype NOT IN ('i', 'I')
        )
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_description AS d WHERE d.objoid IN (k.oid, x.oid));

    ALTER TABLE "usage"."tech_asset_stats_daily" DROP CONSTRAINT "tech_asset_stats_daily_pkey";

    SELECT 1
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    WHERE i.indrelid = $1::text::regclass AND x.relname = $4::text
        AND pg_get_indexdef(x.oid) = 'CREATE INDEX ' || quote_ident($4::text) || ' ON ' || quote_ident($2::text) || '.' || quote_ident($3::text) || ' USING brin (' || quote_ident($5::text) || ') WITH (pages_per_range=''32'', autosummarize=''on'')'
        AND i.indisvalid AND NOT i.indisclustered AND NOT i.indisreplident AND x.reltablespace = 0
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_description AS d WHERE d.objoid = x.oid);

    DROP INDEX IF EXISTS "usage"."tech_asset_stats_daily_date_idx";

    SELECT 1
    FROM "usage"."output_port_combined_with_daily"
    LIMIT 1;

    SELECT 1
    FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_class AS t ON t.oid = k.conrelid
    JOIN pg_catalog.pg_index AS i ON i.indexrelid = k.conindid
    JOIN pg_catalog.pg_class AS x ON x.oid = k.conindid
    WHERE k.conrelid = $1::text::regclass AND k.contype = 'p' AND k.conname = $2::text
        AND pg_get_constraintdef(k.oid) = 'PRIMARY KEY (' || quote_ident($3::text) || ', ' || quote_ident($4::text) || ', ' || quote_ident($5::text) || ', ' || quote_ident($6::text) || ') INCLUDE (' || quote_ident($7::text) || ')'
        AND t.relkind = 'r' AND NOT t.relispartition AND pg_has_role(t.relowner, 'USAGE')
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS c WHERE t.oid IN (c.inhparent, c.inhrelid))
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS g WHERE g.tgrelid = t.oid AND g.tgdeferrable)
        AND i.indisvalid AND NOT i.indisclustered AND NOT i.indisreplident AND x.reltablespace = 0 AND x.reloptions IS NULL
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend AS d
            WHERE d.refobjid IN (k.oid, x.oid) AND d.deptype NOT IN ('i', 'I')
        )
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_description AS d WHERE d.objoid IN (k.oid, x.oid));

    ALTER TABLE "usage"."output_port_combined_with_daily" DROP CONSTRAINT "output_port_combined_with_daily_pkey";

    SELECT 1
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    WHERE i.indrelid = $1::text::regclass AND x.relname = $4::text
        AND pg_get_indexdef(x.oid) = 'CREATE INDEX ' || quote_ident($4::text) || ' ON ' || quote_ident($2::text) || '.' || quote_ident($3::text) || ' USING btree (' || quote_ident($5::text) || ', ' || quote_ident($6::text) || ', ' || quote_ident($7::text) || ', ' || quote_ident($8::text) || ') INCLUDE (' || quote_ident($9::text) || ')'
        AND i.indisvalid AND NOT i.indisclustered AND NOT i.indisreplident AND x.reltablespace = 0
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_description AS d WHERE d.objoid = x.oid);

    DROP INDEX IF EXISTS "usage"."output_port_combined_with_daily_way_back_idx";

    SELECT 1
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    WHERE i.indrelid = $1::text::regclass AND x.relname = $4::text
        AND pg_get_indexdef(x.oid) = 'CREATE INDEX ' || quote_ident($4::text) || ' ON ' || quote_ident($2::text) || '.' || quote_ident($3::text) || ' USING brin (' || quote_ident($5::text) || ') WITH (pages_per_range=''32'', autosummarize=''on'')'
        AND i.indisvalid AND NOT i.indisclustered AND NOT i.indisreplident AND x.reltablespace = 0
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_description AS d WHERE d.objoid = x.oid);

    DROP INDEX IF EXISTS "usage"."output_port_combined_with_daily_date_idx";

    SELECT u.id
    FROM unnest($1::uuid[]) AS u(id)
    LEFT JOIN "portal"."datasets" AS p ON p."id" = u.id
    WHERE p."id" IS NULL
    ORDER BY u.id;

    SELECT u.id
    FROM unnest($1::uuid[]) AS u(id)
    LEFT JOIN "portal"."technical_assets" AS p ON p."id" = u.id
    WHERE p."id" IS NULL
    ORDER BY u.id;

    SELECT u.id
    FROM unnest($1::uuid[]) AS u(id)
    LEFT JOIN "portal"."data_products" AS p ON p."id" = u.id
    WHERE p."id" IS NULL
    ORDER BY u.id;

    COPY "usage"."output_port_query_stats_daily" ("date", "output_port_id", "consumer_id", "query_count") FROM STDIN (FORMAT binary);

    COPY "usage"."tech_asset_stats_daily" ("date", "output_port_id", "tech_asset_id", "consumer_id", "query_count") FROM STDIN (FORMAT binary);

    COPY "usage"."output_port_combined_with_daily" ("date", "output_port_id_1", "output_port_id_2", "consumer_id", "query_count") FROM STDIN (FORMAT binary);

    ALTER TABLE "usage"."output_port_query_stats_daily" ADD CONSTRAINT "output_port_query_stats_daily_pkey" PRIMARY KEY ("output_port_id", "date", "consumer_id") INCLUDE ("query_count");

    CREATE INDEX IF NOT EXISTS "output_port_query_stats_daily_date_idx" ON "usage"."output_port_query_stats_daily" USING brin ("date") WITH (pages_per_range = 32, autosummarize = on);

    ALTER TABLE "usage"."tech_asset_stats_daily" ADD CONSTRAINT "tech_asset_stats_daily_pkey" PRIMARY KEY ("output_port_id", "date", "tech_asset_id", "consumer_id") INCLUDE ("query_count");

    CREATE INDEX IF NOT EXISTS "tech_asset_stats_daily_date_idx" ON "usage"."tech_asset_stats_daily" USING brin ("date") WITH (pages_per_range = 32, autosummarize = on);

    ALTER TABLE "usage"."output_port_combined_with_daily" ADD CONSTRAINT "output_port_combined_with_daily_pkey" PRIMARY KEY ("output_port_id_1", "date", "output_port_id_2", "consumer_id") INCLUDE ("query_count");

    CREATE INDEX IF NOT EXISTS "output_port_combined_with_daily_way_back_idx" ON "usage"."output_port_combined_with_daily" ("output_port_id_2", "date", "output_port_id_1", "consumer_id") INCLUDE ("query_count");

    CREATE INDEX IF NOT EXISTS "output_port_combined_with_daily_date_idx" ON "usage"."output_port_combined_with_daily" USING brin ("date") WITH (pages_per_range = 32, autosummarize = on);
    "#);
}

#[test]
fn replacing_with_keys_kept_is_a_shorter_list() {
    let model = builder().build().unwrap();
    let backfill = model.backfill(scope(day(2026, 1, 1)..day(2026, 2, 1), [port(1)])).unwrap();
    insta::assert_snapshot!(text(&backfill.replace_existing().keep_keys()), @r#"
    SELECT current_setting('transaction_isolation') AS "isolation";

    SELECT pg_advisory_xact_lock($1);

    SELECT 1
    FROM pg_catalog.pg_index AS i
    WHERE i.indrelid = $1::text::regclass AND i.indisunique AND i.indisvalid AND i.indimmediate
        AND i.indpred IS NULL AND i.indnkeyatts = $5::integer
        AND (
            SELECT count(*)
            FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = i.indrelid AND a.attnum = ANY((i.indkey::smallint[])[0:i.indnkeyatts - 1])
                AND a.attname IN ($2::text, $3::text, $4::text)
        ) = $5::integer
    LIMIT 1;

    SELECT 1
    FROM pg_catalog.pg_index AS i
    WHERE i.indrelid = $1::text::regclass AND i.indisunique AND i.indisvalid AND i.indimmediate
        AND i.indpred IS NULL AND i.indnkeyatts = $6::integer
        AND (
            SELECT count(*)
            FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = i.indrelid AND a.attnum = ANY((i.indkey::smallint[])[0:i.indnkeyatts - 1])
                AND a.attname IN ($2::text, $3::text, $4::text, $5::text)
        ) = $6::integer
    LIMIT 1;

    DELETE FROM "usage"."output_port_query_stats_daily"
    WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
    RETURNING 1;

    DELETE FROM "usage"."tech_asset_stats_daily"
    WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
    RETURNING 1;

    SELECT u.id
    FROM unnest($1::uuid[]) AS u(id)
    LEFT JOIN "portal"."datasets" AS p ON p."id" = u.id
    WHERE p."id" IS NULL
    ORDER BY u.id;

    SELECT u.id
    FROM unnest($1::uuid[]) AS u(id)
    LEFT JOIN "portal"."technical_assets" AS p ON p."id" = u.id
    WHERE p."id" IS NULL
    ORDER BY u.id;

    SELECT u.id
    FROM unnest($1::uuid[]) AS u(id)
    LEFT JOIN "portal"."data_products" AS p ON p."id" = u.id
    WHERE p."id" IS NULL
    ORDER BY u.id;

    COPY "usage"."output_port_query_stats_daily" ("date", "output_port_id", "consumer_id", "query_count") FROM STDIN (FORMAT binary);

    COPY "usage"."tech_asset_stats_daily" ("date", "output_port_id", "tech_asset_id", "consumer_id", "query_count") FROM STDIN (FORMAT binary);
    "#);
}

fn text(backfill: &Backfill) -> String {
    backfill.statements().iter().map(|statement| format!("{};\n\n", statement.sql())).collect()
}
