//! The statements of a back-fill.

use output_port_usage::*;

use crate::portal::{builder, day, port, scope};

#[test]
fn a_first_load_is_a_fixed_list_of_statements() {
    let model = builder().combinations().build().unwrap();
    let backfill = model.backfill(scope(day(2026, 1, 1)..day(2026, 2, 1), [port(1)])).unwrap();
    insta::assert_snapshot!(text(&backfill), @r#"
    SELECT /* output-port-usage: ask for the isolation level */ pg_catalog.current_setting('transaction_isolation') AS "isolation";

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

    SELECT /* output-port-usage: find any queries */ coalesce((
        SELECT pg_catalog.to_char("date"::timestamp, 'YYYY-MM-DD') || ', ' || "output_port_id"::text || ', ' || "consumer_id"::text
        FROM "usage"."output_port_query_stats_daily"
        WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
        LIMIT 1
    ), '') AS "found";

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

    SELECT /* output-port-usage: find any touches */ coalesce((
        SELECT pg_catalog.to_char("date"::timestamp, 'YYYY-MM-DD') || ', ' || "output_port_id"::text || ', ' || "tech_asset_id"::text || ', ' || "consumer_id"::text
        FROM "usage"."tech_asset_stats_daily"
        WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
        LIMIT 1
    ), '') AS "found";

    SELECT /* output-port-usage: look for any key of combinations */ 1
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

    SELECT /* output-port-usage: find any combinations */ coalesce((
        SELECT pg_catalog.to_char("date"::timestamp, 'YYYY-MM-DD') || ', ' || "output_port_id_1"::text || ', ' || "output_port_id_2"::text || ', ' || "consumer_id"::text
        FROM "usage"."output_port_combined_with_daily"
        WHERE ("output_port_id_1" = ANY($1::uuid[]) OR "output_port_id_2" = ANY($1::uuid[])) AND "date" >= $2::date AND "date" < $3::date
        LIMIT 1
    ), '') AS "found";

    SELECT /* output-port-usage: ask for any queries */ 1
    FROM "usage"."output_port_query_stats_daily"
    LIMIT 1;

    SELECT /* output-port-usage: look for the key of queries */ 1
    FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_class AS t ON t.oid = k.conrelid
    JOIN pg_catalog.pg_index AS i ON i.indexrelid = k.conindid
    JOIN pg_catalog.pg_class AS x ON x.oid = k.conindid
    WHERE k.conrelid = $1::text::regclass::oid AND k.contype = 'p' AND k.conname = $2::text
        AND pg_catalog.pg_get_constraintdef(k.oid) = 'PRIMARY KEY (' || pg_catalog.quote_ident($3::text) || ', ' || pg_catalog.quote_ident($4::text) || ', ' || pg_catalog.quote_ident($5::text) || ') INCLUDE (' || pg_catalog.quote_ident($6::text) || ')'
        AND t.relkind = 'r' AND NOT t.relispartition AND pg_catalog.pg_has_role(t.relowner, 'USAGE')
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS c WHERE t.oid IN (c.inhparent, c.inhrelid))
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS g WHERE g.tgrelid = t.oid AND g.tgdeferrable)
        AND i.indisvalid AND NOT i.indisclustered AND NOT i.indisreplident AND x.reltablespace = 0::oid AND x.reloptions IS NULL
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend AS d
            WHERE d.refobjid IN (k.oid, x.oid) AND d.deptype NOT IN ('i', 'I')
        )
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_description AS d WHERE d.objoid IN (k.oid, x.oid));

    SELECT /* output-port-usage: ask for any touches */ 1
    FROM "usage"."tech_asset_stats_daily"
    LIMIT 1;

    SELECT /* output-port-usage: look for the key of touches */ 1
    FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_class AS t ON t.oid = k.conrelid
    JOIN pg_catalog.pg_index AS i ON i.indexrelid = k.conindid
    JOIN pg_catalog.pg_class AS x ON x.oid = k.conindid
    WHERE k.conrelid = $1::text::regclass::oid AND k.contype = 'p' AND k.conname = $2::text
        AND pg_catalog.pg_get_constraintdef(k.oid) = 'PRIMARY KEY (' || pg_catalog.quote_ident($3::text) || ', ' || pg_catalog.quote_ident($4::text) || ', ' || pg_catalog.quote_ident($5::text) || ', ' || pg_catalog.quote_ident($6::text) || ') INCLUDE (' || pg_catalog.quote_ident($7::text) || ')'
        AND t.relkind = 'r' AND NOT t.relispartition AND pg_catalog.pg_has_role(t.relowner, 'USAGE')
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS c WHERE t.oid IN (c.inhparent, c.inhrelid))
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS g WHERE g.tgrelid = t.oid AND g.tgdeferrable)
        AND i.indisvalid AND NOT i.indisclustered AND NOT i.indisreplident AND x.reltablespace = 0::oid AND x.reloptions IS NULL
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend AS d
            WHERE d.refobjid IN (k.oid, x.oid) AND d.deptype NOT IN ('i', 'I')
        )
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_description AS d WHERE d.objoid IN (k.oid, x.oid));

    SELECT /* output-port-usage: ask for any combinations */ 1
    FROM "usage"."output_port_combined_with_daily"
    LIMIT 1;

    SELECT /* output-port-usage: look for the key of combinations */ 1
    FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_class AS t ON t.oid = k.conrelid
    JOIN pg_catalog.pg_index AS i ON i.indexrelid = k.conindid
    JOIN pg_catalog.pg_class AS x ON x.oid = k.conindid
    WHERE k.conrelid = $1::text::regclass::oid AND k.contype = 'p' AND k.conname = $2::text
        AND pg_catalog.pg_get_constraintdef(k.oid) = 'PRIMARY KEY (' || pg_catalog.quote_ident($3::text) || ', ' || pg_catalog.quote_ident($4::text) || ', ' || pg_catalog.quote_ident($5::text) || ', ' || pg_catalog.quote_ident($6::text) || ') INCLUDE (' || pg_catalog.quote_ident($7::text) || ')'
        AND t.relkind = 'r' AND NOT t.relispartition AND pg_catalog.pg_has_role(t.relowner, 'USAGE')
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS c WHERE t.oid IN (c.inhparent, c.inhrelid))
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS g WHERE g.tgrelid = t.oid AND g.tgdeferrable)
        AND i.indisvalid AND NOT i.indisclustered AND NOT i.indisreplident AND x.reltablespace = 0::oid AND x.reloptions IS NULL
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend AS d
            WHERE d.refobjid IN (k.oid, x.oid) AND d.deptype NOT IN ('i', 'I')
        )
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_description AS d WHERE d.objoid IN (k.oid, x.oid));

    SAVEPOINT /* output-port-usage: set a savepoint before locks */ output_port_usage_locks;

    LOCK /* output-port-usage: wait for readers of queries */ TABLE "usage"."output_port_query_stats_daily" IN ACCESS EXCLUSIVE MODE;

    LOCK /* output-port-usage: find no readers of queries */ TABLE "usage"."output_port_query_stats_daily" IN ACCESS EXCLUSIVE MODE NOWAIT;

    LOCK /* output-port-usage: wait for readers of touches */ TABLE "usage"."tech_asset_stats_daily" IN ACCESS EXCLUSIVE MODE;

    LOCK /* output-port-usage: find no readers of touches */ TABLE "usage"."tech_asset_stats_daily" IN ACCESS EXCLUSIVE MODE NOWAIT;

    LOCK /* output-port-usage: wait for readers of combinations */ TABLE "usage"."output_port_combined_with_daily" IN ACCESS EXCLUSIVE MODE;

    LOCK /* output-port-usage: find no readers of combinations */ TABLE "usage"."output_port_combined_with_daily" IN ACCESS EXCLUSIVE MODE NOWAIT;

    ROLLBACK /* output-port-usage: give back locks */ TO SAVEPOINT output_port_usage_locks;

    RELEASE /* output-port-usage: keep locks */ SAVEPOINT output_port_usage_locks;

    ALTER /* output-port-usage: drop the key of queries */ TABLE "usage"."output_port_query_stats_daily" DROP CONSTRAINT "output_port_query_stats_daily_pkey";

    SELECT /* output-port-usage: look for the index on date of queries */ 1
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    WHERE i.indrelid = $1::text::regclass::oid AND x.relname = $4::text
        AND pg_catalog.pg_get_indexdef(x.oid) = 'CREATE INDEX ' || pg_catalog.quote_ident($4::text) || ' ON ' || pg_catalog.quote_ident($2::text) || '.' || pg_catalog.quote_ident($3::text) || ' USING brin (' || pg_catalog.quote_ident($5::text) || ') WITH (pages_per_range=''32'', autosummarize=''on'')'
        AND i.indisvalid AND NOT i.indisclustered AND NOT i.indisreplident AND x.reltablespace = 0::oid
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_description AS d WHERE d.objoid = x.oid);

    DROP /* output-port-usage: drop the index on date of queries */ INDEX IF EXISTS "usage"."output_port_query_stats_daily_date_idx";

    ALTER /* output-port-usage: drop the key of touches */ TABLE "usage"."tech_asset_stats_daily" DROP CONSTRAINT "tech_asset_stats_daily_pkey";

    SELECT /* output-port-usage: look for the index on date of touches */ 1
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    WHERE i.indrelid = $1::text::regclass::oid AND x.relname = $4::text
        AND pg_catalog.pg_get_indexdef(x.oid) = 'CREATE INDEX ' || pg_catalog.quote_ident($4::text) || ' ON ' || pg_catalog.quote_ident($2::text) || '.' || pg_catalog.quote_ident($3::text) || ' USING brin (' || pg_catalog.quote_ident($5::text) || ') WITH (pages_per_range=''32'', autosummarize=''on'')'
        AND i.indisvalid AND NOT i.indisclustered AND NOT i.indisreplident AND x.reltablespace = 0::oid
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_description AS d WHERE d.objoid = x.oid);

    DROP /* output-port-usage: drop the index on date of touches */ INDEX IF EXISTS "usage"."tech_asset_stats_daily_date_idx";

    ALTER /* output-port-usage: drop the key of combinations */ TABLE "usage"."output_port_combined_with_daily" DROP CONSTRAINT "output_port_combined_with_daily_pkey";

    SELECT /* output-port-usage: look for the index on output_port_id_2 of combinations */ 1
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    WHERE i.indrelid = $1::text::regclass::oid AND x.relname = $4::text
        AND pg_catalog.pg_get_indexdef(x.oid) = 'CREATE INDEX ' || pg_catalog.quote_ident($4::text) || ' ON ' || pg_catalog.quote_ident($2::text) || '.' || pg_catalog.quote_ident($3::text) || ' USING btree (' || pg_catalog.quote_ident($5::text) || ', ' || pg_catalog.quote_ident($6::text) || ', ' || pg_catalog.quote_ident($7::text) || ', ' || pg_catalog.quote_ident($8::text) || ') INCLUDE (' || pg_catalog.quote_ident($9::text) || ')'
        AND i.indisvalid AND NOT i.indisclustered AND NOT i.indisreplident AND x.reltablespace = 0::oid
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_description AS d WHERE d.objoid = x.oid);

    DROP /* output-port-usage: drop the index on output_port_id_2 of combinations */ INDEX IF EXISTS "usage"."output_port_combined_with_daily_way_back_idx";

    SELECT /* output-port-usage: look for the index on date of combinations */ 1
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    WHERE i.indrelid = $1::text::regclass::oid AND x.relname = $4::text
        AND pg_catalog.pg_get_indexdef(x.oid) = 'CREATE INDEX ' || pg_catalog.quote_ident($4::text) || ' ON ' || pg_catalog.quote_ident($2::text) || '.' || pg_catalog.quote_ident($3::text) || ' USING brin (' || pg_catalog.quote_ident($5::text) || ') WITH (pages_per_range=''32'', autosummarize=''on'')'
        AND i.indisvalid AND NOT i.indisclustered AND NOT i.indisreplident AND x.reltablespace = 0::oid
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_description AS d WHERE d.objoid = x.oid);

    DROP /* output-port-usage: drop the index on date of combinations */ INDEX IF EXISTS "usage"."output_port_combined_with_daily_date_idx";

    SELECT /* output-port-usage: find unknown output ports */ u.id
    FROM pg_catalog.unnest($1::uuid[]) AS u(id)
    LEFT JOIN "portal"."datasets" AS p ON p."id" = u.id
    WHERE p."id" IS NULL
    ORDER BY u.id;

    SELECT /* output-port-usage: find unknown tech assets */ u.id
    FROM pg_catalog.unnest($1::uuid[]) AS u(id)
    LEFT JOIN "portal"."technical_assets" AS p ON p."id" = u.id
    WHERE p."id" IS NULL
    ORDER BY u.id;

    SELECT /* output-port-usage: find unknown consumers */ u.id
    FROM pg_catalog.unnest($1::uuid[]) AS u(id)
    LEFT JOIN "portal"."data_products" AS p ON p."id" = u.id
    WHERE p."id" IS NULL
    ORDER BY u.id;

    INSERT /* output-port-usage: load queries */ INTO "usage"."output_port_query_stats_daily" ("date", "output_port_id", "consumer_id", "query_count")
    SELECT pg_catalog.unnest($1::date[]), pg_catalog.unnest($2::uuid[]), pg_catalog.unnest($3::uuid[]), pg_catalog.unnest($4::integer[])
    RETURNING 1;

    INSERT /* output-port-usage: load touches */ INTO "usage"."tech_asset_stats_daily" ("date", "output_port_id", "tech_asset_id", "consumer_id", "query_count")
    SELECT pg_catalog.unnest($1::date[]), pg_catalog.unnest($2::uuid[]), pg_catalog.unnest($3::uuid[]), pg_catalog.unnest($4::uuid[]), pg_catalog.unnest($5::integer[])
    RETURNING 1;

    INSERT /* output-port-usage: load combinations */ INTO "usage"."output_port_combined_with_daily" ("date", "output_port_id_1", "output_port_id_2", "consumer_id", "query_count")
    SELECT pg_catalog.unnest($1::date[]), pg_catalog.unnest($2::uuid[]), pg_catalog.unnest($3::uuid[]), pg_catalog.unnest($4::uuid[]), pg_catalog.unnest($5::integer[])
    RETURNING 1;

    ALTER /* output-port-usage: add the key of queries */ TABLE "usage"."output_port_query_stats_daily" ADD CONSTRAINT "output_port_query_stats_daily_pkey" PRIMARY KEY ("output_port_id", "date", "consumer_id") INCLUDE ("query_count");

    CREATE /* output-port-usage: create the index on date of queries */ INDEX IF NOT EXISTS "output_port_query_stats_daily_date_idx" ON "usage"."output_port_query_stats_daily" USING brin ("date") WITH (pages_per_range = 32, autosummarize = on);

    ALTER /* output-port-usage: add the key of touches */ TABLE "usage"."tech_asset_stats_daily" ADD CONSTRAINT "tech_asset_stats_daily_pkey" PRIMARY KEY ("output_port_id", "date", "tech_asset_id", "consumer_id") INCLUDE ("query_count");

    CREATE /* output-port-usage: create the index on date of touches */ INDEX IF NOT EXISTS "tech_asset_stats_daily_date_idx" ON "usage"."tech_asset_stats_daily" USING brin ("date") WITH (pages_per_range = 32, autosummarize = on);

    ALTER /* output-port-usage: add the key of combinations */ TABLE "usage"."output_port_combined_with_daily" ADD CONSTRAINT "output_port_combined_with_daily_pkey" PRIMARY KEY ("output_port_id_1", "date", "output_port_id_2", "consumer_id") INCLUDE ("query_count");

    CREATE /* output-port-usage: create the index on output_port_id_2 of combinations */ INDEX IF NOT EXISTS "output_port_combined_with_daily_way_back_idx" ON "usage"."output_port_combined_with_daily" ("output_port_id_2", "date", "output_port_id_1", "consumer_id") INCLUDE ("query_count");

    CREATE /* output-port-usage: create the index on date of combinations */ INDEX IF NOT EXISTS "output_port_combined_with_daily_date_idx" ON "usage"."output_port_combined_with_daily" USING brin ("date") WITH (pages_per_range = 32, autosummarize = on);
    "#);
}

#[test]
fn replacing_with_keys_kept_is_a_shorter_list() {
    let model = builder().build().unwrap();
    let backfill = model.backfill(scope(day(2026, 1, 1)..day(2026, 2, 1), [port(1)])).unwrap();
    insta::assert_snapshot!(text(&backfill.replace_existing().keep_keys()), @r#"
    SELECT /* output-port-usage: ask for the isolation level */ pg_catalog.current_setting('transaction_isolation') AS "isolation";

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

    SELECT /* output-port-usage: find unknown output ports */ u.id
    FROM pg_catalog.unnest($1::uuid[]) AS u(id)
    LEFT JOIN "portal"."datasets" AS p ON p."id" = u.id
    WHERE p."id" IS NULL
    ORDER BY u.id;

    SELECT /* output-port-usage: find unknown tech assets */ u.id
    FROM pg_catalog.unnest($1::uuid[]) AS u(id)
    LEFT JOIN "portal"."technical_assets" AS p ON p."id" = u.id
    WHERE p."id" IS NULL
    ORDER BY u.id;

    SELECT /* output-port-usage: find unknown consumers */ u.id
    FROM pg_catalog.unnest($1::uuid[]) AS u(id)
    LEFT JOIN "portal"."data_products" AS p ON p."id" = u.id
    WHERE p."id" IS NULL
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
