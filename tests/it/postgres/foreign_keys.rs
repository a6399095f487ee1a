//! Foreign keys that are dropped for a long load and added afterwards.

use futures_util::stream;
use output_port_usage::*;

use crate::driver::twins_agree::twins;
use crate::portal;
use crate::portal::{Portal, builder};
use crate::postgres::partitioned::BY_YEAR;
use crate::tables;

/// Every constraint, as Postgres would write it, and whether it is validated.
const CONSTRAINTS: &str =
    "SELECT conname || ' ' || pg_get_constraintdef(oid) || ' ' || convalidated FROM pg_constraint
    WHERE connamespace = 'usage'::regnamespace ORDER BY conname";

async fn run(portal: &Portal, statements: Vec<Statement>) -> Result<(), sqlx::Error> {
    for statement in statements {
        statement.into_sqlx().execute(&portal.pool).await?;
    }
    Ok(())
}

/// The texts of the others are in `statement/snapshots`.
#[test]
fn foreign_keys_are_dropped_added_and_then_validated() {
    let model = builder().build().unwrap();
    let titles = |statements: Vec<Statement>| {
        statements.iter().map(|statement| statement.title().to_owned() + "\n").collect::<String>()
    };
    insta::assert_snapshot!(titles(model.drop_foreign_keys()), @"
    drop the foreign key on output_port_id of queries
    drop the foreign key on consumer_id of queries
    drop the foreign key on output_port_id of touches
    drop the foreign key on tech_asset_id of touches
    drop the foreign key on consumer_id of touches
    ");
    insta::assert_snapshot!(titles(model.add_foreign_keys()), @"
    add the foreign key on output_port_id of queries
    add the foreign key on consumer_id of queries
    add the foreign key on output_port_id of touches
    add the foreign key on tech_asset_id of touches
    add the foreign key on consumer_id of touches
    validate the foreign key on output_port_id of queries
    validate the foreign key on consumer_id of queries
    validate the foreign key on output_port_id of touches
    validate the foreign key on tech_asset_id of touches
    validate the foreign key on consumer_id of touches
    ");
    insta::assert_snapshot!(model.drop_foreign_keys()[1], @"
    DO /* output-port-usage: drop the foreign key on consumer_id of queries */ $do$
    DECLARE
        of record;
    BEGIN
        FOR of IN
            SELECT s.nspname, c.relname, k.conname
            FROM pg_catalog.pg_class AS t
            CROSS JOIN LATERAL (
                SELECT t.oid UNION SELECT r.relid::oid FROM pg_catalog.pg_partition_tree(t.oid) AS r
            ) AS u
            JOIN pg_catalog.pg_class AS c ON c.oid = u.oid
            JOIN pg_catalog.pg_namespace AS s ON s.oid = c.relnamespace
            JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid
            JOIN pg_catalog.pg_class AS p ON p.oid = k.confrelid
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
            JOIN pg_catalog.pg_attribute AS b ON b.attrelid = p.oid AND b.attnum = k.confkey[1]
            WHERE t.relname = 'output_port_query_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND p.relname = 'data_products' AND p.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'portal')
                AND k.contype = 'f' AND k.conparentid = 0::oid AND k.conkey[2] IS NULL
                AND a.attname = 'consumer_id'
            ORDER BY c.oid <> t.oid, 2, 3
        LOOP
            EXECUTE pg_catalog.format('ALTER TABLE %I.%I DROP CONSTRAINT %I', of.nspname, of.relname, of.conname);
        END LOOP;
    END
    $do$
    ");
    insta::assert_snapshot!(model.add_foreign_keys()[1], @r#"
    DO /* output-port-usage: add the foreign key on consumer_id of queries */ $do$
    DECLARE
        of record;
    BEGIN
        FOR of IN
            SELECT s.nspname, c.relname, k.conname
            FROM pg_catalog.pg_class AS t
            JOIN pg_catalog.pg_class AS c ON c.oid = t.oid
            JOIN pg_catalog.pg_namespace AS s ON s.oid = c.relnamespace
            JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid
            JOIN pg_catalog.pg_class AS p ON p.oid = k.confrelid
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
            JOIN pg_catalog.pg_attribute AS b ON b.attrelid = p.oid AND b.attnum = k.confkey[1]
            WHERE t.relname = 'output_port_query_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND p.relname = 'data_products' AND p.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'portal')
                AND k.contype = 'f' AND k.conparentid = 0::oid AND k.conkey[2] IS NULL
                AND a.attname = 'consumer_id' AND NOT (b.attname = 'id' AND k.confdeltype IN ('r', 'a'))
            ORDER BY 3
        LOOP
            EXECUTE pg_catalog.format('ALTER TABLE %I.%I DROP CONSTRAINT %I', of.nspname, of.relname, of.conname);
        END LOOP;
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            JOIN pg_catalog.pg_class AS c ON c.oid = t.oid
            JOIN pg_catalog.pg_namespace AS s ON s.oid = c.relnamespace
            JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid
            JOIN pg_catalog.pg_class AS p ON p.oid = k.confrelid
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
            JOIN pg_catalog.pg_attribute AS b ON b.attrelid = p.oid AND b.attnum = k.confkey[1]
            WHERE t.relname = 'output_port_query_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND p.relname = 'data_products' AND p.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'portal')
                AND k.contype = 'f' AND k.conparentid = 0::oid AND k.conkey[2] IS NULL
                AND a.attname = 'consumer_id' AND b.attname = 'id' AND k.confdeltype IN ('r', 'a')
        ) THEN
            IF EXISTS (
                SELECT FROM pg_catalog.pg_class AS t
                WHERE t.relname = 'output_port_query_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                    AND (
                        t.relkind = 'p' AND pg_catalog.current_setting('server_version_num')::integer < 180000
                        OR t.relkind <> 'p' AND EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = t.oid)
                    )
            ) THEN
                -- a partitioned table takes none that is NOT VALID, and one of TimescaleDB validates none
                ALTER TABLE "usage"."output_port_query_stats_daily" ADD CONSTRAINT "output_port_query_stats_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT;
            ELSE
                ALTER TABLE "usage"."output_port_query_stats_daily" ADD CONSTRAINT "output_port_query_stats_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT NOT VALID;
            END IF;
        END IF;
    END
    $do$
    "#);
    insta::assert_snapshot!(model.add_foreign_keys()[6], @"
    DO /* output-port-usage: validate the foreign key on consumer_id of queries */ $do$
    DECLARE
        of record;
    BEGIN
        FOR of IN
            SELECT s.nspname, c.relname, k.conname
            FROM pg_catalog.pg_class AS t
            JOIN pg_catalog.pg_class AS c ON c.oid = t.oid
            JOIN pg_catalog.pg_namespace AS s ON s.oid = c.relnamespace
            JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid
            JOIN pg_catalog.pg_class AS p ON p.oid = k.confrelid
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
            JOIN pg_catalog.pg_attribute AS b ON b.attrelid = p.oid AND b.attnum = k.confkey[1]
            WHERE t.relname = 'output_port_query_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND p.relname = 'data_products' AND p.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'portal')
                AND k.contype = 'f' AND k.conparentid = 0::oid AND k.conkey[2] IS NULL
                AND a.attname = 'consumer_id' AND NOT k.convalidated
            ORDER BY 3
        LOOP
            EXECUTE pg_catalog.format('ALTER TABLE %I.%I VALIDATE CONSTRAINT %I', of.nspname, of.relname, of.conname);
        END LOOP;
    END
    $do$
    ");
}

#[test]
fn a_parent_that_is_kept_has_no_foreign_key() {
    let keep = |table| Reference::to(table).on_delete(OnDelete::Keep);
    let model = builder()
        .output_ports(keep("datasets"))
        .consumers(keep("data_products"))
        .tech_assets(keep("technical_assets"))
        .build()
        .unwrap();
    assert_eq!((model.drop_foreign_keys(), model.add_foreign_keys()), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_back_fill_between_dropping_and_adding_leaves_every_constraint_as_it_was() {
    let (portal, replaced) = (Portal::with_combinations().await, Portal::with_combinations().await);
    let constraints = portal.texts(CONSTRAINTS).await;
    assert_eq!(constraints.iter().filter(|one| one.contains("FOREIGN KEY")).count(), 2 + 3 + 3);

    for _ in 0..2 {
        run(&portal, portal.model.drop_foreign_keys()).await.unwrap();
    }
    assert!(portal.texts(CONSTRAINTS).await.iter().all(|one| !one.contains("FOREIGN KEY")));
    let batch = twins::batch(1);
    let mut transaction = portal.pool.begin().await.unwrap();
    let backfill = portal.model.backfill(batch.scope().clone()).unwrap();
    let batches = stream::iter([Ok::<_, std::io::Error>(batch.clone())]);
    backfill.run_sqlx(&mut transaction, batches).await.unwrap();
    transaction.commit().await.unwrap();
    for _ in 0..2 {
        run(&portal, portal.model.add_foreign_keys()).await.unwrap();
    }

    assert_eq!(portal.texts(CONSTRAINTS).await, constraints);
    replaced.replace(&batch).await;
    assert_eq!(tables::contents(&portal).await, tables::contents(&replaced).await);
}

#[tokio::test]
async fn a_row_whose_parent_went_meanwhile_is_named() {
    let portal = Portal::new().await;
    portal.replace(&twins::batch(1).without_combinations()).await;
    run(&portal, portal.model.drop_foreign_keys()).await.unwrap();
    let gone = "DELETE FROM portal.data_products WHERE id = $1";
    sqlx::query(gone).bind(portal::consumer(1)).execute(&portal.pool).await.unwrap();
    let error = run(&portal, portal.model.add_foreign_keys()).await.unwrap_err();
    let error = error.into_database_error().unwrap();
    assert_eq!(error.code().unwrap(), "23503");
    assert!(format!("{error:?}").contains(&portal::consumer(1).to_string()), "{error:?}");
}

/// Every foreign key by its definition, those of partitions apart, with how often it is there.
const KEYS: &str =
    "SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) || ' ' || convalidated || ' ' || count(*)
    FROM pg_constraint WHERE connamespace = 'usage'::regnamespace AND contype = 'f' AND conparentid = 0
    GROUP BY conrelid, pg_get_constraintdef(oid), convalidated ORDER BY 1";

async fn raw(portal: &Portal, sql: &'static str) {
    sqlx::raw_sql(sql).execute(&portal.pool).await.unwrap();
}

#[tokio::test]
async fn keys_of_other_names_are_dropped_and_never_doubled() {
    let portal = Portal::with_combinations().await;
    let declared = portal.texts(KEYS).await;
    let others = "ALTER TABLE usage.output_port_query_stats_daily
            RENAME CONSTRAINT output_port_query_stats_daily_output_port_id_fkey TO renamed;
        ALTER TABLE usage.output_port_query_stats_daily
            RENAME CONSTRAINT output_port_query_stats_daily_consumer_id_fkey TO \"it's a % key\"";
    raw(&portal, others).await;
    run(&portal, portal.model.add_foreign_keys()).await.unwrap();
    assert_eq!(portal.texts(KEYS).await, declared, "what is there under another name stays");

    let double = "ALTER TABLE usage.output_port_query_stats_daily
        ADD FOREIGN KEY (output_port_id) REFERENCES portal.datasets ON DELETE CASCADE,
        ADD FOREIGN KEY (consumer_id) REFERENCES portal.data_products (id) NOT VALID;
        -- the host's own: to another table, and over another column
        CREATE TABLE portal.archive (id uuid PRIMARY KEY);
        ALTER TABLE usage.output_port_query_stats_daily
            ADD CONSTRAINT own FOREIGN KEY (output_port_id) REFERENCES portal.archive NOT VALID;
        ALTER TABLE usage.tech_asset_stats_daily ADD by_whom uuid REFERENCES portal.data_products";
    raw(&portal, double).await;
    run(&portal, portal.model.drop_foreign_keys()).await.unwrap();
    assert_eq!(
        portal.texts(KEYS).await,
        [
            "usage.output_port_query_stats_daily FOREIGN KEY (output_port_id) REFERENCES portal.archive(id) NOT VALID false 1",
            "usage.tech_asset_stats_daily FOREIGN KEY (by_whom) REFERENCES portal.data_products(id) true 1",
        ]
    );
    raw(&portal, "ALTER TABLE usage.output_port_query_stats_daily DROP CONSTRAINT own").await;
    raw(&portal, "ALTER TABLE usage.tech_asset_stats_daily DROP by_whom").await;
    for _ in 0..2 {
        run(&portal, portal.model.add_foreign_keys()).await.unwrap();
        assert_eq!(portal.texts(KEYS).await, declared);
    }
}

#[tokio::test]
async fn a_key_that_does_something_else_on_delete_is_replaced() {
    let portal = Portal::with_combinations().await;
    let consumers = Reference::to("data_products").schema("portal").on_delete(OnDelete::Cascade);
    let changed = builder().consumers(consumers).combinations().build().unwrap();
    run(&portal, changed.add_foreign_keys()).await.unwrap();
    assert_eq!(portal.texts(KEYS).await, Portal::with(changed).await.texts(KEYS).await);

    // no action is as good as a restriction
    run(&portal, portal.model.drop_foreign_keys()).await.unwrap();
    raw(&portal, "ALTER TABLE usage.output_port_query_stats_daily ADD FOREIGN KEY (consumer_id) REFERENCES portal.data_products").await;
    run(&portal, portal.model.add_foreign_keys()).await.unwrap();
    let of_consumers =
        "SELECT confdeltype::text FROM pg_constraint WHERE confrelid = 'portal.data_products'::regclass
        AND conrelid = 'usage.output_port_query_stats_daily'::regclass";
    assert_eq!(portal.texts(of_consumers).await, ["a"]);

    // another relation's name is no place for a key
    run(&portal, portal.model.drop_foreign_keys()).await.unwrap();
    let taken = "ALTER TABLE usage.output_port_query_stats_daily
        ADD CONSTRAINT output_port_query_stats_daily_consumer_id_fkey CHECK (query_count < 1000000)";
    raw(&portal, taken).await;
    let error = run(&portal, portal.model.add_foreign_keys()).await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42710");
}

#[tokio::test]
async fn the_keys_of_a_partitioned_table_are_dropped_and_added_as_those_of_any_other() {
    let portal = Portal::with_combinations().await;
    portal.replace(&twins::batch(1).without_combinations()).await;
    raw(&portal, BY_YEAR).await;
    // one that a partition alone has
    let alone =
        "ALTER TABLE usage.touches_2026 ADD FOREIGN KEY (tech_asset_id) REFERENCES portal.technical_assets";
    raw(&portal, alone).await;
    for _ in 0..2 {
        run(&portal, portal.model.drop_foreign_keys()).await.unwrap();
        assert_eq!(portal.texts(KEYS).await, Vec::<String>::new());
    }
    for _ in 0..2 {
        run(&portal, portal.model.add_foreign_keys()).await.unwrap();
        assert_eq!(portal.texts(KEYS).await, Portal::with_combinations().await.texts(KEYS).await);
    }
    let invalid = "SELECT conname::text FROM pg_constraint WHERE NOT convalidated";
    assert_eq!(portal.texts(invalid).await, Vec::<String>::new());
}
