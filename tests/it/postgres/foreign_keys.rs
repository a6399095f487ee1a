//! Foreign keys that are dropped for a long load and added afterwards.

use futures_util::stream;
use output_port_usage::*;

use crate::driver::twins_agree::twins;
use crate::portal;
use crate::portal::{Portal, builder};
use crate::tables;

/// Every constraint, as Postgres would write it, and whether it is validated.
const CONSTRAINTS: &str =
    "SELECT conname || ' ' || pg_get_constraintdef(oid) || ' ' || convalidated FROM pg_constraint
    WHERE connamespace = 'usage'::regnamespace ORDER BY conname";

fn script(statements: &[Statement]) -> String {
    statements.iter().map(|statement| format!("{statement};\n")).collect()
}

async fn run(portal: &Portal, statements: Vec<Statement>) -> Result<(), sqlx::Error> {
    for statement in statements {
        statement.into_sqlx().execute(&portal.pool).await?;
    }
    Ok(())
}

#[test]
fn foreign_keys_are_dropped_added_and_then_validated() {
    let model = builder().build().unwrap();
    insta::assert_snapshot!(script(&model.drop_foreign_keys()), @r#"
    ALTER /* output-port-usage: drop the foreign key on output_port_id of queries */ TABLE "usage"."output_port_query_stats_daily" DROP CONSTRAINT IF EXISTS "output_port_query_stats_daily_output_port_id_fkey";
    ALTER /* output-port-usage: drop the foreign key on consumer_id of queries */ TABLE "usage"."output_port_query_stats_daily" DROP CONSTRAINT IF EXISTS "output_port_query_stats_daily_consumer_id_fkey";
    ALTER /* output-port-usage: drop the foreign key on output_port_id of touches */ TABLE "usage"."tech_asset_stats_daily" DROP CONSTRAINT IF EXISTS "tech_asset_stats_daily_output_port_id_fkey";
    ALTER /* output-port-usage: drop the foreign key on tech_asset_id of touches */ TABLE "usage"."tech_asset_stats_daily" DROP CONSTRAINT IF EXISTS "tech_asset_stats_daily_tech_asset_id_fkey";
    ALTER /* output-port-usage: drop the foreign key on consumer_id of touches */ TABLE "usage"."tech_asset_stats_daily" DROP CONSTRAINT IF EXISTS "tech_asset_stats_daily_consumer_id_fkey";
    "#);
    insta::assert_snapshot!(script(&model.add_foreign_keys()), @r#"
    ALTER /* output-port-usage: add the foreign key on output_port_id of queries */ TABLE "usage"."output_port_query_stats_daily"
        DROP CONSTRAINT IF EXISTS "output_port_query_stats_daily_output_port_id_fkey",
        ADD CONSTRAINT "output_port_query_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE NOT VALID;
    ALTER /* output-port-usage: add the foreign key on consumer_id of queries */ TABLE "usage"."output_port_query_stats_daily"
        DROP CONSTRAINT IF EXISTS "output_port_query_stats_daily_consumer_id_fkey",
        ADD CONSTRAINT "output_port_query_stats_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT NOT VALID;
    ALTER /* output-port-usage: add the foreign key on output_port_id of touches */ TABLE "usage"."tech_asset_stats_daily"
        DROP CONSTRAINT IF EXISTS "tech_asset_stats_daily_output_port_id_fkey",
        ADD CONSTRAINT "tech_asset_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE NOT VALID;
    ALTER /* output-port-usage: add the foreign key on tech_asset_id of touches */ TABLE "usage"."tech_asset_stats_daily"
        DROP CONSTRAINT IF EXISTS "tech_asset_stats_daily_tech_asset_id_fkey",
        ADD CONSTRAINT "tech_asset_stats_daily_tech_asset_id_fkey" FOREIGN KEY ("tech_asset_id") REFERENCES "portal"."technical_assets" ("id") ON DELETE CASCADE NOT VALID;
    ALTER /* output-port-usage: add the foreign key on consumer_id of touches */ TABLE "usage"."tech_asset_stats_daily"
        DROP CONSTRAINT IF EXISTS "tech_asset_stats_daily_consumer_id_fkey",
        ADD CONSTRAINT "tech_asset_stats_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT NOT VALID;
    ALTER /* output-port-usage: validate the foreign key on output_port_id of queries */ TABLE "usage"."output_port_query_stats_daily" VALIDATE CONSTRAINT "output_port_query_stats_daily_output_port_id_fkey";
    ALTER /* output-port-usage: validate the foreign key on consumer_id of queries */ TABLE "usage"."output_port_query_stats_daily" VALIDATE CONSTRAINT "output_port_query_stats_daily_consumer_id_fkey";
    ALTER /* output-port-usage: validate the foreign key on output_port_id of touches */ TABLE "usage"."tech_asset_stats_daily" VALIDATE CONSTRAINT "tech_asset_stats_daily_output_port_id_fkey";
    ALTER /* output-port-usage: validate the foreign key on tech_asset_id of touches */ TABLE "usage"."tech_asset_stats_daily" VALIDATE CONSTRAINT "tech_asset_stats_daily_tech_asset_id_fkey";
    ALTER /* output-port-usage: validate the foreign key on consumer_id of touches */ TABLE "usage"."tech_asset_stats_daily" VALIDATE CONSTRAINT "tech_asset_stats_daily_consumer_id_fkey";
    "#);
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
