//! A model whose migrations have other texts than the history: what makes it so, and what to do.

use output_port_usage::*;
use refinery::error::Kind;
use sqlx::PgPool;
use sqlx::migrate::{MigrateError, Migrator};

use super::{HISTORY, counts, refinery as by_refinery, sqlx as by_sqlx};
use crate::driver::twins_agree::twins::connect;
use crate::portal::{Portal, builder, consumer, port};

fn reference(table: &str) -> Reference {
    Reference::to(table).schema("portal").label("name")
}

/// Data products take their usage with them.
fn cascading() -> UsageModel {
    let consumers = reference("data_products").group("domain_id", reference("domains"));
    builder().consumers(consumers.on_delete(OnDelete::Cascade)).build().unwrap()
}

#[test]
fn texts_change_with_names_parents_and_what_deleting_one_does_and_with_nothing_else() {
    let text = |builder: UsageModelBuilder| builder.build().unwrap().migrations()[0].up().to_owned();
    let unchanged = text(builder());
    let (ports, consumers) = (reference("datasets"), reference("data_products"));
    let group = |of: Reference| of.group("domain_id", reference("domains"));
    let changes = [
        ("schema", builder().schema("stats")),
        ("table", builder().queries_table(TableNames::new("port_usage"))),
        (
            "column",
            builder().touches_table(TableNames::new("tech_asset_stats_daily").column(Column::Date, "day")),
        ),
        ("parent", builder().output_ports(reference("output_ports"))),
        ("parent's schema", builder().output_ports(Reference::to("datasets"))),
        ("parent's key", builder().output_ports(ports.clone().key("dataset_id"))),
        ("on delete", builder().output_ports(ports.clone().on_delete(OnDelete::Keep))),
        ("the same of consumers", builder().consumers(group(consumers.clone()).on_delete(OnDelete::Cascade))),
    ];
    for (what, changed) in changes {
        assert_ne!(text(changed), unchanged, "{what}");
    }
    let same = [
        ("label", builder().output_ports(ports.label("title"))),
        ("no group", builder().consumers(consumers)),
        (
            "further tables and keys",
            builder().combinations().coverage().read_by_consumer().read_by_tech_asset(),
        ),
    ];
    for (what, same) in same {
        assert_eq!(text(same), unchanged, "{what}");
    }
}

/// The recipe of the guide.
async fn accept_texts(pool: &PgPool, migrator: &Migrator) -> Result<(), sqlx::Error> {
    for migration in migrator.iter().filter(|of| of.migration_type.is_up_migration()) {
        let accept = "UPDATE usage_migrations SET checksum = $2 WHERE version = $1";
        sqlx::query(accept).bind(migration.version).bind(&*migration.checksum).execute(pool).await?;
    }
    Ok(())
}

const KEYS: &str = "SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conname LIKE '%consumer_id_fkey' ORDER BY 1";

/// What carries the change out.
async fn change(portal: &Portal, to: &UsageModel) {
    for statement in to.add_foreign_keys() {
        statement.into_sqlx().execute(&portal.pool).await.unwrap();
    }
}

/// Whether a deleted data product takes its usage with it, as the new text says.
async fn cascades(portal: &Portal) {
    let cascading = Portal::with(self::cascading()).await;
    assert_eq!(portal.texts(KEYS).await, cascading.texts(KEYS).await);
    counts(portal).await;
    let delete = sqlx::query("DELETE FROM portal.data_products WHERE id = $1");
    delete.bind(consumer(1)).execute(&portal.pool).await.unwrap();
    let left = "SELECT count(*)::text FROM usage.output_port_query_stats_daily";
    assert_eq!(portal.texts(left).await, ["0"], "{}", port(1));
}

async fn schema_made(model: UsageModel) -> Portal {
    let portal = Portal::without_tables(model).await;
    portal.model.create_schema().into_sqlx().execute(&portal.pool).await.unwrap();
    portal
}

#[tokio::test]
async fn a_text_that_sqlx_refuses_is_accepted_after_the_change_was_made() {
    let portal = schema_made(builder().build().unwrap()).await;
    by_sqlx::with_own_history(&portal.model, HISTORY).run(&portal.pool).await.unwrap();
    let migrator = by_sqlx::with_own_history(&cascading(), HISTORY);
    // on a connection of its own: SQLx 0.9 does not give its lock back where it fails
    let mut connection = portal.pool.acquire().await.unwrap().detach();
    let error = migrator.run_direct(None, &mut connection, false).await.unwrap_err();
    assert!(matches!(error, MigrateError::VersionMismatch(1)), "{error}");
    drop(connection);

    change(&portal, &cascading()).await;
    accept_texts(&portal.pool, &migrator).await.unwrap();
    for _ in 0..2 {
        migrator.run(&portal.pool).await.unwrap();
    }
    cascades(&portal).await;
}

#[tokio::test]
async fn a_text_that_refinery_refuses_is_accepted_after_the_change_was_made() {
    let portal = schema_made(builder().build().unwrap()).await;
    let mut client = connect(&portal).await;
    by_refinery::with_own_history(&portal.model, HISTORY).run_async(&mut client).await.unwrap();
    let runner = by_refinery::with_own_history(&cascading(), HISTORY);
    let error = runner.run_async(&mut client).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::DivergentVersion(..)), "{error}");

    change(&portal, &cascading()).await;
    for migration in runner.get_migrations() {
        let accept = "UPDATE usage_migrations SET checksum = $2 WHERE version = $1";
        client.execute(accept, &[&migration.version(), &migration.checksum().to_string()]).await.unwrap();
    }
    for _ in 0..2 {
        assert_eq!(runner.run_async(&mut client).await.unwrap().applied_migrations().len(), 0);
    }
    cascades(&portal).await;
}

/// Applying a migration twice changes nothing.
#[tokio::test]
async fn a_history_of_its_own_may_also_be_forgotten() {
    let portal = schema_made(builder().build().unwrap()).await;
    by_sqlx::with_own_history(&portal.model, HISTORY).run(&portal.pool).await.unwrap();
    change(&portal, &cascading()).await;
    sqlx::raw_sql("DELETE FROM usage_migrations").execute(&portal.pool).await.unwrap();
    for _ in 0..2 {
        by_sqlx::with_own_history(&cascading(), HISTORY).run(&portal.pool).await.unwrap();
    }
    cascades(&portal).await;
}

#[tokio::test]
async fn a_schema_that_was_renamed_is_accepted() {
    let mut portal = schema_made(builder().build().unwrap()).await;
    by_sqlx::with_own_history(&portal.model, HISTORY).run(&portal.pool).await.unwrap();
    portal.model = builder().schema("stats").build().unwrap();
    let migrator = by_sqlx::with_own_history(&portal.model, HISTORY);
    sqlx::raw_sql("ALTER SCHEMA usage RENAME TO stats").execute(&portal.pool).await.unwrap();
    accept_texts(&portal.pool, &migrator).await.unwrap();
    migrator.run(&portal.pool).await.unwrap();
    counts(&portal).await;
}

#[tokio::test]
async fn files_that_were_written_once_keep_their_texts() {
    let portal = schema_made(builder().build().unwrap()).await;
    let directory = tempfile::tempdir().unwrap();
    for migration in portal.model.migrations() {
        migration.write_to(directory.path()).unwrap();
    }
    Migrator::new(directory.path()).await.unwrap().run(&portal.pool).await.unwrap();
    let text = |to: UsageModel| {
        let statements = to.add_foreign_keys();
        statements.iter().map(|statement| format!("{};\n", statement.sql())).collect::<String>()
    };
    for (direction, to) in [("up", cascading()), ("down", builder().build().unwrap())] {
        let file = directory.path().join(format!("0100_cascade.{direction}.sql"));
        std::fs::write(file, text(to)).unwrap();
    }
    for _ in 0..2 {
        Migrator::new(directory.path()).await.unwrap().run(&portal.pool).await.unwrap();
    }
    cascades(&portal).await;
}
