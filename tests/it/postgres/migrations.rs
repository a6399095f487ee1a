//! Migrations: stable texts, and what the usual tools make of them.

use std::borrow::Cow;
use std::fs;

use output_port_usage::chart::MostOftenCombinedWith;
use output_port_usage::*;
use sqlx::migrate::{MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use crate::portal::{Portal, QUERY_STATS, builder, consumer, day, port, queries, scope};

fn whole() -> UsageModel {
    builder().combinations().coverage().read_by_consumer().read_by_tech_asset().build().unwrap()
}

#[test]
fn a_script_is_its_statements_one_after_another() {
    for migration in whole().migrations() {
        for (script, statements) in
            [(migration.up(), migration.up_statements()), (migration.down(), migration.down_statements())]
        {
            let mut rest = script;
            for statement in statements {
                rest = rest.strip_prefix(statement.sql()).and_then(|rest| rest.strip_prefix(";\n")).unwrap();
                rest = rest.trim_start();
            }
            assert_eq!(rest, "", "{}", migration.name());
        }
    }
}

/// A released text never changes: what a later release adds is a migration of its own.
#[test]
fn texts_stay_the_same_in_every_release() {
    let keep = |table| Reference::to(table).on_delete(OnDelete::Keep);
    let smallest = UsageModel::builder()
        .output_ports(Reference::to("datasets"))
        .consumers(Reference::to("data_products"))
        .tech_assets(Reference::to("technical_assets"));
    let renamed = builder()
        .schema("stats")
        .output_ports(keep("ports").schema("catalog").key("port"))
        .consumers(keep("products").group("team", Reference::to("teams")))
        .tech_assets(Reference::to("assets").on_delete(OnDelete::Restrict))
        .queries_table(TableNames::new("reads").column(Column::Date, "day").column(Column::QueryCount, "n"))
        .combinations_table(TableNames::new("it's a $do$").column(Column::OutputPortId1, "smaller"))
        .coverage_table(TableNames::new("measured").column(Column::Settled, "final"))
        .read_by_consumer()
        .read_by_tech_asset();
    insta::assert_snapshot!(checksums(&whole()), @"
    1 usage_tables up 315f36ae63bbe9af down 1aa4aa674e097a5a
    2 usage_combinations up d4cf3eaaf8b05887 down fd08a7791fe0a345
    3 usage_by_consumer up 38fc0f86d67eedaf down 3d08e4c3ce12ec2a
    4 usage_combinations_by_consumer up b38d4ba31ea4e645 down f68f9e15e7a71254
    5 usage_coverage up 215b98f2d5c9f709 down 1c47002286fa7230
    6 usage_by_tech_asset up f11e2ac65d784c86 down 6d4984d94e1613d5
    ");
    insta::assert_snapshot!(checksums(&smallest.build().unwrap()), @"1 usage_tables up 3b0de13178002ca6 down d9b6a51c99975c66");
    insta::assert_snapshot!(checksums(&renamed.build().unwrap()), @"
    1 usage_tables up 97ea6faada908bd5 down 5bdbcec24ad19a09
    2 usage_combinations up 3e7ac8c5daaec3c6 down 7a76a89944b680cd
    3 usage_by_consumer up 09f0f60b6b23f862 down 030b5d9b8d8d6601
    4 usage_combinations_by_consumer up 54e6e79c692284cd down ff0e0773ecf6c7a0
    5 usage_coverage up 1fec37e569cc79b8 down b756f095b7242029
    6 usage_by_tech_asset up 56c564144a6ec2b4 down aa152db3b60f473e
    ");
    insta::assert_snapshot!(whole().migrations()[1].up(), @r#"
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
    let downs: String = whole().migrations().iter().map(|migration| migration.down().to_owned()).collect();
    insta::assert_snapshot!(downs, @r#"
    DROP /* output-port-usage: drop the table of touches */ TABLE IF EXISTS "usage"."tech_asset_stats_daily";

    DROP /* output-port-usage: drop the table of queries */ TABLE IF EXISTS "usage"."output_port_query_stats_daily";
    DROP /* output-port-usage: drop the table of combinations */ TABLE IF EXISTS "usage"."output_port_combined_with_daily";
    DO /* output-port-usage: drop the index on consumer_id of touches */ $do$
    DECLARE
        of record;
    BEGIN
        FOR of IN
            SELECT s.nspname, x.relname
            FROM pg_catalog.pg_index AS i
            JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
            JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
            JOIN pg_catalog.pg_namespace AS s ON s.oid = x.relnamespace
            JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
            WHERE t.relname = 'tech_asset_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND m.amname = 'btree' AND i.indnkeyatts = 4
                AND ARRAY(
                    SELECT a.attname
                    FROM pg_catalog.generate_subscripts(i.indkey, 1) AS k
                    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[k]
                    ORDER BY k
                ) OPERATOR(pg_catalog.=) ARRAY['consumer_id', 'date', 'tech_asset_id', 'output_port_id', 'query_count']::name[]
                AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT i.indisunique
        LOOP
            EXECUTE pg_catalog.format('DROP INDEX %I.%I', of.nspname, of.relname);
        END LOOP;
    END
    $do$;

    DO /* output-port-usage: drop the index on consumer_id of queries */ $do$
    DECLARE
        of record;
    BEGIN
        FOR of IN
            SELECT s.nspname, x.relname
            FROM pg_catalog.pg_index AS i
            JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
            JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
            JOIN pg_catalog.pg_namespace AS s ON s.oid = x.relnamespace
            JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
            WHERE t.relname = 'output_port_query_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND m.amname = 'btree' AND i.indnkeyatts = 3
                AND ARRAY(
                    SELECT a.attname
                    FROM pg_catalog.generate_subscripts(i.indkey, 1) AS k
                    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[k]
                    ORDER BY k
                ) OPERATOR(pg_catalog.=) ARRAY['consumer_id', 'date', 'output_port_id', 'query_count']::name[]
                AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT i.indisunique
        LOOP
            EXECUTE pg_catalog.format('DROP INDEX %I.%I', of.nspname, of.relname);
        END LOOP;
    END
    $do$;
    DO /* output-port-usage: drop the index on consumer_id of combinations */ $do$
    DECLARE
        of record;
    BEGIN
        FOR of IN
            SELECT s.nspname, x.relname
            FROM pg_catalog.pg_index AS i
            JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
            JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
            JOIN pg_catalog.pg_namespace AS s ON s.oid = x.relnamespace
            JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
            WHERE t.relname = 'output_port_combined_with_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND m.amname = 'btree' AND i.indnkeyatts = 1
                AND ARRAY(
                    SELECT a.attname
                    FROM pg_catalog.generate_subscripts(i.indkey, 1) AS k
                    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[k]
                    ORDER BY k
                ) OPERATOR(pg_catalog.=) ARRAY['consumer_id']::name[]
                AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT i.indisunique
        LOOP
            EXECUTE pg_catalog.format('DROP INDEX %I.%I', of.nspname, of.relname);
        END LOOP;
    END
    $do$;
    DROP /* output-port-usage: drop the table of coverage */ TABLE IF EXISTS "usage"."output_port_usage_coverage";
    DO /* output-port-usage: drop the index on tech_asset_id of touches */ $do$
    DECLARE
        of record;
    BEGIN
        FOR of IN
            SELECT s.nspname, x.relname
            FROM pg_catalog.pg_index AS i
            JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
            JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
            JOIN pg_catalog.pg_namespace AS s ON s.oid = x.relnamespace
            JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
            WHERE t.relname = 'tech_asset_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND m.amname = 'btree' AND i.indnkeyatts = 4
                AND ARRAY(
                    SELECT a.attname
                    FROM pg_catalog.generate_subscripts(i.indkey, 1) AS k
                    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[k]
                    ORDER BY k
                ) OPERATOR(pg_catalog.=) ARRAY['tech_asset_id', 'date', 'consumer_id', 'output_port_id', 'query_count']::name[]
                AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT i.indisunique
        LOOP
            EXECUTE pg_catalog.format('DROP INDEX %I.%I', of.nspname, of.relname);
        END LOOP;
    END
    $do$;
    "#);
}

fn checksums(model: &UsageModel) -> String {
    let mut checksums = String::new();
    for migration in model.migrations() {
        let [up, down] = [migration.up(), migration.down()].map(checksum);
        checksums.push_str(&format!("{} {} up {up} down {down}\n", migration.id(), migration.name()));
    }
    checksums
}

/// As SQLx's history keeps it.
fn checksum(text: &str) -> String {
    let sql = AssertSqlSafe(text).into_sql_str();
    let migration = sqlx::migrate::Migration::new(1, Cow::Borrowed(""), MigrationType::Simple, sql, false);
    migration.checksum[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_model_has_the_migrations_of_what_it_was_built_with() {
    let ids = |builder: UsageModelBuilder| {
        let migrations = builder.build().unwrap().migrations();
        migrations.iter().map(Migration::id).collect::<Vec<_>>()
    };
    assert_eq!(ids(builder()), [1]);
    assert_eq!(ids(builder().combinations()), [1, 2]);
    assert_eq!(ids(builder().read_by_consumer()), [1, 3]);
    assert_eq!(ids(builder().combinations().read_by_consumer()), [1, 2, 3, 4]);
    assert_eq!(ids(builder().combinations().read_by_tech_asset()), [1, 2, 6]);
    assert_eq!(ids(builder().coverage()), [1, 5]);
    assert_eq!(
        ids(builder().combinations().read_by_consumer().read_by_tech_asset().coverage()),
        [1, 2, 3, 4, 5, 6]
    );
    let texts = |builder: UsageModelBuilder| builder.build().unwrap().migrations()[0].up().to_owned();
    assert_eq!(
        texts(builder()),
        texts(builder().combinations().coverage().read_by_consumer().read_by_tech_asset())
    );
}

/// The migrations as SQLx's own, one up and one down each.
fn migrator(model: &UsageModel) -> Migrator {
    let simple = |migration: &Migration, direction, text: &str| {
        let sql = AssertSqlSafe(text).into_sql_str();
        sqlx::migrate::Migration::new(
            i64::from(migration.id()),
            migration.name().into(),
            direction,
            sql,
            false,
        )
    };
    let both = model.migrations().into_iter().flat_map(|migration| {
        [
            simple(&migration, MigrationType::ReversibleUp, migration.up()),
            simple(&migration, MigrationType::ReversibleDown, migration.down()),
        ]
    });
    Migrator::with_migrations(both.collect())
}

async fn schema_made(model: UsageModel) -> Portal {
    let portal = Portal::without_tables(model).await;
    portal.model.create_schema().into_sqlx().execute(&portal.pool).await.unwrap();
    portal
}

/// Every column, constraint, index, storage parameter and comment of the schema, as Postgres shows them.
pub(crate) async fn definitions(portal: &Portal) -> Vec<String> {
    portal
        .texts(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'usage'
             UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
                FROM pg_constraint WHERE connamespace = 'usage'::regnamespace AND contype <> 'n'
             UNION ALL SELECT table_name || ' ' || column_name || ' ' || data_type || ' ' || is_nullable || ' '
                    || coalesce(col_description(format('usage.%I', table_name)::regclass, ordinal_position), '')
                FROM information_schema.columns WHERE table_schema = 'usage'
             UNION ALL SELECT relname || ' ' || coalesce(reloptions::text, '') || ' '
                    || coalesce(obj_description(oid), '')
                FROM pg_class WHERE relnamespace = 'usage'::regnamespace
             ORDER BY 1",
        )
        .await
}

fn first_day() -> UsageBatch {
    let first = day(2026, 1, 1);
    let rows = [1, 2].map(|of| queries(first, port(of), consumer(1), 3)).to_vec();
    UsageBatch::builder(scope(first..day(2026, 1, 2), [port(1), port(2)])).queries(rows).build()
}

#[tokio::test]
async fn sqlx_migrates_and_combinations_come_later_with_data_in_place() {
    let portal = schema_made(builder().build().unwrap()).await;
    migrator(&portal.model).run(&portal.pool).await.unwrap();
    portal.replace(&first_day()).await;
    let before = portal.versions(QUERY_STATS).await;
    assert_eq!(before.len(), 2);

    let upgraded = whole();
    for _ in 0..2 {
        migrator(&upgraded).run(&portal.pool).await.unwrap();
        assert_eq!(portal.versions(QUERY_STATS).await, before, "not one row version was written");
    }
    let history = "SELECT version || ' ' || description FROM _sqlx_migrations ORDER BY version";
    assert_eq!(
        portal.texts(history).await,
        [
            "1 usage_tables",
            "2 usage_combinations",
            "3 usage_by_consumer",
            "4 usage_combinations_by_consumer",
            "5 usage_coverage",
            "6 usage_by_tech_asset"
        ]
    );
    let combination = Combination::new(day(2026, 1, 1), port(1), port(2), consumer(1), 2);
    let mut transaction = portal.pool.begin().await.unwrap();
    let replace =
        upgraded.replace(&first_day().into_builder().combinations(vec![combination]).build()).unwrap();
    let outcome = replace.run_sqlx(&mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!((outcome.queries.unchanged, outcome.combinations.unwrap().written), (2, 1));
    let chart = MostOftenCombinedWith::new(port(1), day(2026, 1, 1)..day(2026, 1, 2));
    let combined = upgraded.query(&chart).unwrap().into_sqlx().fetch_all(&portal.pool).await.unwrap();
    assert_eq!((combined[0].output_port_id, combined[0].query_count), (port(2), 2));

    migrator(&upgraded).undo(&portal.pool, 1).await.unwrap();
    assert_eq!(portal.versions(QUERY_STATS).await, before);
    migrator(&upgraded).undo(&portal.pool, 0).await.unwrap();
    assert_eq!(definitions(&portal).await, Vec::<String>::new());
}

#[tokio::test]
async fn migrations_make_what_the_definitions_make() {
    let (migrated, created) = (schema_made(whole()).await, Portal::with(whole()).await);
    let (client, connection) =
        tokio_postgres::connect(migrated.database.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    for migration in whole().migrations().iter().flat_map(|migration| [migration, migration]) {
        client.batch_execute(migration.up()).await.unwrap();
    }
    assert_eq!(definitions(&migrated).await, definitions(&created).await);
    for migration in whole().migrations().iter().rev().flat_map(|migration| [migration, migration]) {
        client.batch_execute(migration.down()).await.unwrap();
    }
    assert_eq!(definitions(&migrated).await, Vec::<String>::new());
}

#[tokio::test]
async fn refinery_migrates_and_leaves_what_it_applied() {
    let migrations: Vec<refinery::Migration> = whole()
        .migrations()
        .iter()
        .map(|migration| {
            let name = format!("V{}__{}", migration.id(), migration.name());
            refinery::Migration::unapplied(&name, migration.up()).unwrap()
        })
        .collect();
    let (migrated, created) = (schema_made(whole()).await, Portal::with(whole()).await);
    let (mut client, connection) =
        tokio_postgres::connect(migrated.database.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    for expected in [6, 0] {
        let report = refinery::Runner::new(&migrations).run_async(&mut client).await.unwrap();
        assert_eq!(report.applied_migrations().len(), expected);
    }
    assert_eq!(definitions(&migrated).await, definitions(&created).await);
}

#[tokio::test]
async fn plain_files_are_migrations_of_sqlx() {
    let directory = tempfile::tempdir().unwrap();
    for migration in whole().migrations() {
        migration.write_to(directory.path()).unwrap();
    }
    let (migrated, created) = (schema_made(whole()).await, Portal::with(whole()).await);
    let migrator = Migrator::new(directory.path()).await.unwrap();
    migrator.run(&migrated.pool).await.unwrap();
    assert_eq!(definitions(&migrated).await, definitions(&created).await);
    migrator.undo(&migrated.pool, 0).await.unwrap();
    assert_eq!(definitions(&migrated).await, Vec::<String>::new());
}

#[test]
fn plain_files_are_added_and_never_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let files = || {
        let entries = fs::read_dir(directory.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let write = |model: UsageModel| -> std::io::Result<()> {
        model.migrations().iter().try_for_each(|migration| migration.write_to(directory.path()).map(drop))
    };
    write(builder().build().unwrap()).unwrap();
    assert_eq!(files(), ["0001_usage_tables.down.sql", "0001_usage_tables.up.sql"]);
    let own = directory.path().join("0003_usage_by_consumer.up.sql");
    fs::write(&own, "SELECT 1;\n").unwrap();
    let error = write(whole()).unwrap_err();
    assert_eq!(error.to_string(), format!("{} says something else", own.display()));
    assert!(!files().contains(&"0003_usage_by_consumer.down.sql".to_owned()));
    assert_eq!(fs::read_to_string(&own).unwrap(), "SELECT 1;\n");
    fs::remove_file(own).unwrap();
    write(whole()).unwrap();
    assert_eq!(files().len(), 12);
}
