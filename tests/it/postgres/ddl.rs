//! Creating, dropping and vacuuming the tables.

use output_port_usage::*;

use crate::portal::{
    COMBINATION_STATS, Portal, QUERY_STATS, TOUCH_STATS, asset, builder, consumer, day, port, queries, scope,
    touches,
};

fn script(statements: &[Statement]) -> String {
    statements.iter().map(|statement| format!("{statement};\n")).collect()
}

#[test]
fn create_tables_declares_keys_references_and_comments() {
    let model = builder().build().unwrap();
    insta::assert_snapshot!(script(&model.create_tables()), @r#"
    DO /* output-port-usage: create the table of queries */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            WHERE t.relname = 'output_port_query_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND t.relkind IN ('r', 'p')
        ) THEN
            CREATE TABLE "usage"."output_port_query_stats_daily" (
                "date" date NOT NULL,
                "output_port_id" uuid NOT NULL,
                "consumer_id" uuid NOT NULL,
                "query_count" integer NOT NULL,
                CONSTRAINT "output_port_query_stats_daily_pkey" PRIMARY KEY ("output_port_id", "date", "consumer_id") INCLUDE ("query_count"),
                CONSTRAINT "output_port_query_stats_daily_query_count_check" CHECK ("query_count" >= 0),
                CONSTRAINT "output_port_query_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
                CONSTRAINT "output_port_query_stats_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT
            ) WITH (
                autovacuum_vacuum_insert_scale_factor = 0.0,
                autovacuum_vacuum_insert_threshold = 5000,
                autovacuum_vacuum_scale_factor = 0.01,
                autovacuum_analyze_scale_factor = 0.02
            );
        END IF;
    END
    $do$;
    DO /* output-port-usage: create the index on date of queries */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_index AS i
            JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
            JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
            JOIN pg_catalog.pg_namespace AS s ON s.oid = x.relnamespace
            JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
            WHERE t.relname = 'output_port_query_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND m.amname = 'brin' AND i.indnkeyatts = 1
                AND ARRAY(
                    SELECT a.attname
                    FROM pg_catalog.generate_subscripts(i.indkey, 1) AS k
                    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[k]
                    ORDER BY k
                ) OPERATOR(pg_catalog.=) ARRAY['date']::name[]
                AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid
        ) THEN
            CREATE INDEX "output_port_query_stats_daily_date_idx" ON "usage"."output_port_query_stats_daily" USING brin ("date") WITH (pages_per_range = 32, autosummarize = on);
        END IF;
    END
    $do$;
    DO /* output-port-usage: describe the table of queries */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            WHERE t.relname = 'output_port_query_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND pg_catalog.obj_description(t.oid, 'pg_class') = 'Queries per day, output port and consumer; a query counts once however many tech assets it joins'
        ) THEN
            COMMENT ON TABLE "usage"."output_port_query_stats_daily" IS 'Queries per day, output port and consumer; a query counts once however many tech assets it joins';
        END IF;
    END
    $do$;
    DO /* output-port-usage: describe date of queries */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
            WHERE t.relname = 'output_port_query_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND a.attname = 'date' AND pg_catalog.col_description(t.oid, a.attnum) = 'Local day of the query''s start'
        ) THEN
            COMMENT ON COLUMN "usage"."output_port_query_stats_daily"."date" IS 'Local day of the query''s start';
        END IF;
    END
    $do$;
    DO /* output-port-usage: describe output_port_id of queries */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
            WHERE t.relname = 'output_port_query_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND a.attname = 'output_port_id' AND pg_catalog.col_description(t.oid, a.attnum) = 'Output port that was read'
        ) THEN
            COMMENT ON COLUMN "usage"."output_port_query_stats_daily"."output_port_id" IS 'Output port that was read';
        END IF;
    END
    $do$;
    DO /* output-port-usage: describe consumer_id of queries */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
            WHERE t.relname = 'output_port_query_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND a.attname = 'consumer_id' AND pg_catalog.col_description(t.oid, a.attnum) = 'Data product that ran the query'
        ) THEN
            COMMENT ON COLUMN "usage"."output_port_query_stats_daily"."consumer_id" IS 'Data product that ran the query';
        END IF;
    END
    $do$;
    DO /* output-port-usage: describe query_count of queries */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
            WHERE t.relname = 'output_port_query_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND a.attname = 'query_count' AND pg_catalog.col_description(t.oid, a.attnum) = 'Distinct queries on the output port'
        ) THEN
            COMMENT ON COLUMN "usage"."output_port_query_stats_daily"."query_count" IS 'Distinct queries on the output port';
        END IF;
    END
    $do$;
    DO /* output-port-usage: create the table of touches */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            WHERE t.relname = 'tech_asset_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND t.relkind IN ('r', 'p')
        ) THEN
            CREATE TABLE "usage"."tech_asset_stats_daily" (
                "date" date NOT NULL,
                "output_port_id" uuid NOT NULL,
                "tech_asset_id" uuid NOT NULL,
                "consumer_id" uuid NOT NULL,
                "query_count" integer NOT NULL,
                CONSTRAINT "tech_asset_stats_daily_pkey" PRIMARY KEY ("output_port_id", "date", "tech_asset_id", "consumer_id") INCLUDE ("query_count"),
                CONSTRAINT "tech_asset_stats_daily_query_count_check" CHECK ("query_count" >= 0),
                CONSTRAINT "tech_asset_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
                CONSTRAINT "tech_asset_stats_daily_tech_asset_id_fkey" FOREIGN KEY ("tech_asset_id") REFERENCES "portal"."technical_assets" ("id") ON DELETE CASCADE,
                CONSTRAINT "tech_asset_stats_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT
            ) WITH (
                autovacuum_vacuum_insert_scale_factor = 0.0,
                autovacuum_vacuum_insert_threshold = 5000,
                autovacuum_vacuum_scale_factor = 0.01,
                autovacuum_analyze_scale_factor = 0.02
            );
        END IF;
    END
    $do$;
    DO /* output-port-usage: create the index on date of touches */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_index AS i
            JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
            JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
            JOIN pg_catalog.pg_namespace AS s ON s.oid = x.relnamespace
            JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
            WHERE t.relname = 'tech_asset_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND m.amname = 'brin' AND i.indnkeyatts = 1
                AND ARRAY(
                    SELECT a.attname
                    FROM pg_catalog.generate_subscripts(i.indkey, 1) AS k
                    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[k]
                    ORDER BY k
                ) OPERATOR(pg_catalog.=) ARRAY['date']::name[]
                AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid
        ) THEN
            CREATE INDEX "tech_asset_stats_daily_date_idx" ON "usage"."tech_asset_stats_daily" USING brin ("date") WITH (pages_per_range = 32, autosummarize = on);
        END IF;
    END
    $do$;
    DO /* output-port-usage: describe the table of touches */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            WHERE t.relname = 'tech_asset_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND pg_catalog.obj_description(t.oid, 'pg_class') = 'Touches per day, output port, tech asset and consumer; a query that reads a tech asset is one touch of it'
        ) THEN
            COMMENT ON TABLE "usage"."tech_asset_stats_daily" IS 'Touches per day, output port, tech asset and consumer; a query that reads a tech asset is one touch of it';
        END IF;
    END
    $do$;
    DO /* output-port-usage: describe date of touches */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
            WHERE t.relname = 'tech_asset_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND a.attname = 'date' AND pg_catalog.col_description(t.oid, a.attnum) = 'Local day of the query''s start'
        ) THEN
            COMMENT ON COLUMN "usage"."tech_asset_stats_daily"."date" IS 'Local day of the query''s start';
        END IF;
    END
    $do$;
    DO /* output-port-usage: describe output_port_id of touches */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
            WHERE t.relname = 'tech_asset_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND a.attname = 'output_port_id' AND pg_catalog.col_description(t.oid, a.attnum) = 'Output port that was read'
        ) THEN
            COMMENT ON COLUMN "usage"."tech_asset_stats_daily"."output_port_id" IS 'Output port that was read';
        END IF;
    END
    $do$;
    DO /* output-port-usage: describe tech_asset_id of touches */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
            WHERE t.relname = 'tech_asset_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND a.attname = 'tech_asset_id' AND pg_catalog.col_description(t.oid, a.attnum) = 'Tech asset that was read'
        ) THEN
            COMMENT ON COLUMN "usage"."tech_asset_stats_daily"."tech_asset_id" IS 'Tech asset that was read';
        END IF;
    END
    $do$;
    DO /* output-port-usage: describe consumer_id of touches */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
            WHERE t.relname = 'tech_asset_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND a.attname = 'consumer_id' AND pg_catalog.col_description(t.oid, a.attnum) = 'Data product that ran the query'
        ) THEN
            COMMENT ON COLUMN "usage"."tech_asset_stats_daily"."consumer_id" IS 'Data product that ran the query';
        END IF;
    END
    $do$;
    DO /* output-port-usage: describe query_count of touches */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
            WHERE t.relname = 'tech_asset_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND a.attname = 'query_count' AND pg_catalog.col_description(t.oid, a.attnum) = 'Distinct queries that read the tech asset'
        ) THEN
            COMMENT ON COLUMN "usage"."tech_asset_stats_daily"."query_count" IS 'Distinct queries that read the tech asset';
        END IF;
    END
    $do$;
    "#);
}

#[test]
fn combinations_add_a_third_table_with_a_way_back() {
    let model = builder().combinations().build().unwrap();
    let without = builder().build().unwrap().create_tables();
    let all = model.create_tables();
    assert_eq!(all[..without.len()], without, "tables 1 and 2 are the same without and with table 3");
    insta::assert_snapshot!(script(&all[without.len()..]), @r#"
    DO /* output-port-usage: create the table of combinations */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            WHERE t.relname = 'output_port_combined_with_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND t.relkind IN ('r', 'p')
        ) THEN
            CREATE TABLE "usage"."output_port_combined_with_daily" (
                "date" date NOT NULL,
                "output_port_id_1" uuid NOT NULL,
                "output_port_id_2" uuid NOT NULL,
                "consumer_id" uuid NOT NULL,
                "query_count" integer NOT NULL,
                CONSTRAINT "output_port_combined_with_daily_pkey" PRIMARY KEY ("output_port_id_1", "date", "output_port_id_2", "consumer_id") INCLUDE ("query_count"),
                CONSTRAINT "output_port_combined_with_daily_query_count_check" CHECK ("query_count" >= 0),
                CONSTRAINT "output_port_combined_with_daily_ordered_check" CHECK ("output_port_id_1" < "output_port_id_2"),
                CONSTRAINT "output_port_combined_with_daily_output_port_id_1_fkey" FOREIGN KEY ("output_port_id_1") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
                CONSTRAINT "output_port_combined_with_daily_output_port_id_2_fkey" FOREIGN KEY ("output_port_id_2") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
                CONSTRAINT "output_port_combined_with_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT
            ) WITH (
                autovacuum_vacuum_insert_scale_factor = 0.0,
                autovacuum_vacuum_insert_threshold = 5000,
                autovacuum_vacuum_scale_factor = 0.01,
                autovacuum_analyze_scale_factor = 0.02
            );
        END IF;
    END
    $do$;
    DO /* output-port-usage: create the index on output_port_id_2 of combinations */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_index AS i
            JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
            JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
            JOIN pg_catalog.pg_namespace AS s ON s.oid = x.relnamespace
            JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
            WHERE t.relname = 'output_port_combined_with_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND m.amname = 'btree' AND i.indnkeyatts = 4
                AND ARRAY(
                    SELECT a.attname
                    FROM pg_catalog.generate_subscripts(i.indkey, 1) AS k
                    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[k]
                    ORDER BY k
                ) OPERATOR(pg_catalog.=) ARRAY['output_port_id_2', 'date', 'output_port_id_1', 'consumer_id', 'query_count']::name[]
                AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid
        ) THEN
            CREATE INDEX "output_port_combined_with_daily_way_back_idx" ON "usage"."output_port_combined_with_daily" ("output_port_id_2", "date", "output_port_id_1", "consumer_id") INCLUDE ("query_count");
        END IF;
    END
    $do$;
    DO /* output-port-usage: create the index on date of combinations */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_index AS i
            JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
            JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
            JOIN pg_catalog.pg_namespace AS s ON s.oid = x.relnamespace
            JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
            WHERE t.relname = 'output_port_combined_with_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND m.amname = 'brin' AND i.indnkeyatts = 1
                AND ARRAY(
                    SELECT a.attname
                    FROM pg_catalog.generate_subscripts(i.indkey, 1) AS k
                    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[k]
                    ORDER BY k
                ) OPERATOR(pg_catalog.=) ARRAY['date']::name[]
                AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid
        ) THEN
            CREATE INDEX "output_port_combined_with_daily_date_idx" ON "usage"."output_port_combined_with_daily" USING brin ("date") WITH (pages_per_range = 32, autosummarize = on);
        END IF;
    END
    $do$;
    DO /* output-port-usage: describe the table of combinations */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            WHERE t.relname = 'output_port_combined_with_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND pg_catalog.obj_description(t.oid, 'pg_class') = 'Queries per day, pair of output ports and consumer that read both through different tech assets'
        ) THEN
            COMMENT ON TABLE "usage"."output_port_combined_with_daily" IS 'Queries per day, pair of output ports and consumer that read both through different tech assets';
        END IF;
    END
    $do$;
    DO /* output-port-usage: describe date of combinations */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
            WHERE t.relname = 'output_port_combined_with_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND a.attname = 'date' AND pg_catalog.col_description(t.oid, a.attnum) = 'Local day of the query''s start'
        ) THEN
            COMMENT ON COLUMN "usage"."output_port_combined_with_daily"."date" IS 'Local day of the query''s start';
        END IF;
    END
    $do$;
    DO /* output-port-usage: describe output_port_id_1 of combinations */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
            WHERE t.relname = 'output_port_combined_with_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND a.attname = 'output_port_id_1' AND pg_catalog.col_description(t.oid, a.attnum) = 'Smaller of the two output port ids'
        ) THEN
            COMMENT ON COLUMN "usage"."output_port_combined_with_daily"."output_port_id_1" IS 'Smaller of the two output port ids';
        END IF;
    END
    $do$;
    DO /* output-port-usage: describe output_port_id_2 of combinations */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
            WHERE t.relname = 'output_port_combined_with_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND a.attname = 'output_port_id_2' AND pg_catalog.col_description(t.oid, a.attnum) = 'Larger of the two output port ids'
        ) THEN
            COMMENT ON COLUMN "usage"."output_port_combined_with_daily"."output_port_id_2" IS 'Larger of the two output port ids';
        END IF;
    END
    $do$;
    DO /* output-port-usage: describe consumer_id of combinations */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
            WHERE t.relname = 'output_port_combined_with_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND a.attname = 'consumer_id' AND pg_catalog.col_description(t.oid, a.attnum) = 'Data product that ran the query'
        ) THEN
            COMMENT ON COLUMN "usage"."output_port_combined_with_daily"."consumer_id" IS 'Data product that ran the query';
        END IF;
    END
    $do$;
    DO /* output-port-usage: describe query_count of combinations */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
            WHERE t.relname = 'output_port_combined_with_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND a.attname = 'query_count' AND pg_catalog.col_description(t.oid, a.attnum) = 'Distinct queries that read both output ports'
        ) THEN
            COMMENT ON COLUMN "usage"."output_port_combined_with_daily"."query_count" IS 'Distinct queries that read both output ports';
        END IF;
    END
    $do$;
    "#);
    insta::assert_snapshot!(script(&model.drop_tables()[..1]), @r#"DROP /* output-port-usage: drop the table of combinations */ TABLE IF EXISTS "usage"."output_port_combined_with_daily";"#);
    insta::assert_snapshot!(model.vacuum()[1], @r#"VACUUM /* output-port-usage: vacuum the tables */ (ANALYZE) "usage"."output_port_query_stats_daily", "usage"."tech_asset_stats_daily", "usage"."output_port_combined_with_daily""#);
}

#[test]
fn the_other_statements_of_a_model_without_rows() {
    let model = builder().build().unwrap();
    insta::assert_snapshot!(model.create_schema(), @r#"
    DO /* output-port-usage: create the schema */ $do$
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_namespace AS n
            WHERE n.nspname = 'usage'
        ) THEN
            CREATE SCHEMA "usage";
        END IF;
    END
    $do$
    "#);
    insta::assert_snapshot!(script(&model.drop_tables()), @r#"
    DROP /* output-port-usage: drop the table of touches */ TABLE IF EXISTS "usage"."tech_asset_stats_daily";
    DROP /* output-port-usage: drop the table of queries */ TABLE IF EXISTS "usage"."output_port_query_stats_daily";
    "#);
    insta::assert_snapshot!(script(&model.vacuum()), @r#"
    DO /* output-port-usage: ask whether the role may vacuum */ $do$
    DECLARE
        of record;
    BEGIN
        FOR of IN
            SELECT s.nspname, c.relname
            FROM pg_catalog.pg_class AS t
            CROSS JOIN LATERAL (
                SELECT t.oid UNION SELECT r.relid::oid FROM pg_catalog.pg_partition_tree(t.oid) AS r
            ) AS u
            JOIN pg_catalog.pg_class AS c ON c.oid = u.oid
            JOIN pg_catalog.pg_namespace AS s ON s.oid = c.relnamespace
            JOIN pg_catalog.pg_database AS d ON d.datname = pg_catalog.current_database()
            WHERE (t.relname = 'output_port_query_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                    OR t.relname = 'tech_asset_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage'))
                AND NOT pg_catalog.pg_has_role(c.relowner, 'USAGE') AND NOT pg_catalog.pg_has_role(d.datdba, 'USAGE')
                AND CASE WHEN pg_catalog.current_setting('server_version_num')::integer < 170000 THEN true
                    ELSE NOT pg_catalog.has_table_privilege(c.oid, 'MAINTAIN') END
            ORDER BY c.oid <> t.oid, 1, 2
        LOOP
            RAISE EXCEPTION 'permission denied to vacuum %.%', of.nspname, of.relname
                USING ERRCODE = 'insufficient_privilege', HINT = 'its owner may, or from PostgreSQL 17 on a role with MAINTAIN';
        END LOOP;
    END
    $do$;
    VACUUM /* output-port-usage: vacuum the tables */ (ANALYZE) "usage"."output_port_query_stats_daily", "usage"."tech_asset_stats_daily";
    "#);
    assert!(model.vacuum()[1].runs_outside_transaction());
    assert!(!model.create_schema().runs_outside_transaction());
}

#[test]
fn a_long_table_name_keeps_its_derived_names_within_63_bytes_and_apart() {
    let model = builder().queries_table(TableNames::new("q".repeat(63))).build().unwrap();
    let text = script(&model.create_tables());
    let names: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
    assert!(names.iter().all(|name| name.len() <= 63));
    let mut constraints: Vec<&str> =
        text.split("CONSTRAINT \"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let count = constraints.len();
    constraints.sort_unstable();
    constraints.dedup();
    assert_eq!(constraints.len(), count);
}

#[tokio::test]
async fn creating_and_dropping_twice_is_the_same_as_once() {
    let portal =
        Portal::with(builder().combinations().read_by_consumer().read_by_tech_asset().build().unwrap()).await;
    portal.create_tables().await;
    let tables = "SELECT relname::text FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
        WHERE nspname = 'usage' AND relkind = 'r' ORDER BY 1";
    assert_eq!(portal.texts(tables).await, [COMBINATION_STATS, QUERY_STATS, TOUCH_STATS]);
    for _ in 0..2 {
        for statement in portal.model.drop_tables() {
            statement.into_sqlx().execute(&portal.pool).await.unwrap();
        }
    }
    assert!(portal.texts(tables).await.is_empty());
}

#[tokio::test]
async fn every_table_and_column_has_a_comment() {
    let portal = Portal::with_combinations().await;
    let without = "SELECT c.relname || '.' || coalesce(a.attname, '') FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace AND nspname = 'usage'
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relkind = 'r' AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)";
    assert_eq!(portal.texts(without).await, Vec::<String>::new());
}

#[tokio::test]
async fn vacuum_leaves_every_page_all_visible() {
    let portal = with_usage(builder()).await;
    portal.vacuum().await;
    let hidden =
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'usage'::regnamespace AND relkind = 'r'
        AND relallvisible < relpages";
    assert_eq!(portal.texts(hidden).await, Vec::<String>::new());
}

/// Two consumers' queries on two ports, each reading the tech asset of the port's number.
async fn with_usage(builder: UsageModelBuilder) -> Portal {
    let portal = Portal::with(builder.build().unwrap()).await;
    let first = day(2026, 1, 1);
    let pairs = || [1, 2].into_iter().flat_map(|of| [1, 2].map(|by| (of, by)));
    let rows = pairs().map(|(of, by)| queries(first, port(of), consumer(by), 1)).collect();
    let read = pairs().map(|(of, by)| touches(first, port(of), asset(of), consumer(by), 1)).collect();
    let batch = UsageBatch::builder(scope(first..day(2026, 1, 2), [port(1), port(2)]))
        .queries(rows)
        .touches(read)
        .build();
    portal.replace(&batch).await;
    portal
}

async fn delete(portal: &Portal, sql: &'static str, id: uuid::Uuid) -> Result<(), sqlx::Error> {
    sqlx::query(sql).bind(id).execute(&portal.pool).await.map(|_| ())
}

const DELETE_PORT: &str = "DELETE FROM portal.datasets WHERE id = $1";
const DELETE_ASSET: &str = "DELETE FROM portal.technical_assets WHERE id = $1";
const DELETE_CONSUMER: &str = "DELETE FROM portal.data_products WHERE id = $1";

#[tokio::test]
async fn usage_goes_with_its_output_port_and_tech_asset_by_default() {
    let portal = with_usage(builder()).await;
    delete(&portal, DELETE_PORT, port(1).0).await.unwrap();
    assert_eq!(portal.contents(QUERY_STATS).await.len(), 2);
    assert_eq!(portal.contents(TOUCH_STATS).await.len(), 2);
    delete(&portal, DELETE_ASSET, asset(2).0).await.unwrap();
    assert_eq!(portal.contents(QUERY_STATS).await.len(), 2);
    assert_eq!(portal.contents(TOUCH_STATS).await.len(), 0);
}

#[tokio::test]
async fn a_consumer_with_usage_cannot_be_deleted_by_default() {
    let portal = with_usage(builder()).await;
    let error = delete(&portal, DELETE_CONSUMER, consumer(1).0).await.unwrap_err();
    let code = error.as_database_error().unwrap().code().unwrap().into_owned();
    // foreign_key_violation, which PostgreSQL 18 calls a restrict_violation
    assert!(["23503", "23001"].contains(&code.as_str()), "{code}");
    assert_eq!(portal.contents(QUERY_STATS).await.len(), 4);
}

#[tokio::test]
async fn kept_usage_outlives_its_parent_and_reads_without_a_label() {
    let consumers = Reference::to("data_products").schema("portal").label("name").on_delete(OnDelete::Keep);
    let portal = with_usage(builder().consumers(consumers)).await;
    delete(&portal, DELETE_CONSUMER, consumer(1).0).await.unwrap();
    let days = day(2026, 1, 1)..day(2026, 1, 2);
    let slices = portal.rows(&chart::QueryDistribution::new(port(1), days)).await;
    let gone = chart::Member::Consumer { id: consumer(1), label: None };
    assert_eq!(slices[0].member, gone);
    assert_eq!(slices.len(), 2);
}
