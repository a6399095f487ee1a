//! What is there is found by what it is: names may have changed, and other relations may bear them.

use output_port_usage::*;
use sqlx::{AssertSqlSafe, raw_sql};

use crate::driver::twins_agree::twins::connect;
use crate::portal::{COMBINATION_STATS, Portal, QUERY_STATS, builder};

fn whole() -> UsageModel {
    builder().combinations().coverage().read_by_consumer().read_by_tech_asset().build().unwrap()
}

/// Everything that `create_schema`, `create_tables` and the migrations make, with the row version of each.
async fn catalog(portal: &Portal) -> Vec<String> {
    let everything = "SELECT 'relation ' || relname || ' ' || relkind::text || ' ' || xmin FROM pg_class
            WHERE relnamespace = 'usage'::regnamespace
        UNION ALL SELECT 'constraint ' || conname || ' ' || xmin FROM pg_constraint
            WHERE connamespace = 'usage'::regnamespace
        UNION ALL SELECT 'comment ' || description || ' ' || xmin FROM pg_description
            WHERE objoid IN (SELECT oid FROM pg_class WHERE relnamespace = 'usage'::regnamespace)
        UNION ALL SELECT 'schema ' || xmin FROM pg_namespace WHERE nspname = 'usage'
        ORDER BY 1";
    portal.texts(everything).await
}

async fn run(portal: &Portal, sql: impl Into<String>) -> Result<(), sqlx::Error> {
    raw_sql(AssertSqlSafe(sql.into())).execute(&portal.pool).await.map(drop)
}

async fn create(portal: &Portal) -> Result<(), sqlx::Error> {
    for statement in portal.model.create_tables() {
        statement.into_sqlx().execute(&portal.pool).await?;
    }
    Ok(())
}

fn code(error: &sqlx::Error) -> String {
    error.as_database_error().unwrap().code().unwrap().into_owned()
}

#[tokio::test]
async fn where_everything_exists_a_role_without_any_right_changes_nothing() {
    let portal = Portal::with(whole()).await;
    let before = catalog(&portal).await;
    let statements = [vec![whole().create_schema()], whole().create_tables()].concat();
    let ups: Vec<String> = whole().migrations().iter().map(|of| of.up().to_owned()).collect();

    let mut connection = portal.pool.acquire().await.unwrap();
    raw_sql("SET ROLE pg_monitor").execute(&mut *connection).await.unwrap();
    for statement in statements.clone() {
        statement.into_sqlx().execute(&mut *connection).await.unwrap();
    }
    for up in &ups {
        raw_sql(AssertSqlSafe(up.clone())).execute(&mut *connection).await.unwrap();
    }
    raw_sql("RESET ROLE").execute(&mut *connection).await.unwrap();

    let mut client = connect(&portal).await;
    let transaction = client.transaction().await.unwrap();
    transaction.batch_execute("SET LOCAL ROLE pg_monitor").await.unwrap();
    for statement in statements {
        let statement = statement.into_tokio_postgres();
        transaction.query_typed(statement.sql(), &statement.params()).await.unwrap();
    }
    transaction.batch_execute(&ups.join("")).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(catalog(&portal).await, before);
}

#[tokio::test]
async fn indexes_of_other_names_are_left_alone_and_dropped_by_the_migration_that_made_them() {
    let portal = Portal::with(whole()).await;
    let indexes = "SELECT quote_ident(relname) FROM pg_class
        WHERE relnamespace = 'usage'::regnamespace AND relkind = 'i' ORDER BY 1";
    for (number, index) in portal.texts(indexes).await.iter().enumerate() {
        run(&portal, format!("ALTER INDEX usage.{index} RENAME TO other_{number}")).await.unwrap();
    }
    let before = catalog(&portal).await;
    create(&portal).await.unwrap();
    assert_eq!(catalog(&portal).await, before);

    // one that keeps rows unique is not the library's
    let own = "CREATE UNIQUE INDEX own ON usage.output_port_combined_with_daily (consumer_id)";
    run(&portal, own).await.unwrap();
    let all = portal.texts(indexes).await.len();
    for migration in whole().migrations().iter().filter(|migration| [3, 4, 6].contains(&migration.id())) {
        run(&portal, migration.down()).await.unwrap();
        run(&portal, migration.down()).await.unwrap();
    }
    assert_eq!(portal.texts(indexes).await.len(), all - 4);
    assert!(portal.texts(indexes).await.contains(&"own".to_owned()));
}

/// An index that is not valid, or of other columns, method, order or rows, is not the one that is wanted.
#[tokio::test]
async fn what_only_looks_like_an_index_is_none() {
    let way_back = "\"output_port_id_2\", \"date\", \"output_port_id_1\", \"consumer_id\"";
    let count = "INCLUDE (\"query_count\")";
    for unlike in [
        format!("USING btree ({way_back})"),
        format!("USING btree ({way_back}, query_count)"),
        format!("USING btree (output_port_id_2, output_port_id_1, date, consumer_id) {count}"),
        format!("USING btree ({way_back}) {count} WHERE query_count > 0"),
        format!("USING btree (output_port_id_2, (date + 1), output_port_id_1, consumer_id) {count}"),
        "USING btree (output_port_id_2, date, output_port_id_1, (date + 1)) INCLUDE (consumer_id, query_count)"
            .to_owned(),
        "USING brin (output_port_id_2, date, output_port_id_1, consumer_id)".to_owned(),
    ] {
        let portal = Portal::with_combinations().await;
        let name = format!("{COMBINATION_STATS}_way_back_idx");
        run(&portal, format!("DROP INDEX usage.{name}")).await.unwrap();
        run(&portal, format!("CREATE INDEX other ON usage.{COMBINATION_STATS} {unlike}")).await.unwrap();
        create(&portal).await.unwrap();
        let made = "SELECT relname::text FROM pg_class WHERE relname ~ 'way_back'";
        assert_eq!(portal.texts(made).await, [name], "{unlike}");
    }
}

#[tokio::test]
async fn an_index_that_is_not_valid_or_another_relation_of_its_name_is_an_error() {
    let portal = Portal::new().await;
    let index = format!("{QUERY_STATS}_date_idx");
    let invalid =
        format!("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'usage.{index}'::regclass");
    run(&portal, invalid).await.unwrap();
    assert_eq!(code(&create(&portal).await.unwrap_err()), "42P07");
    run(&portal, format!("DROP INDEX usage.{index}; CREATE TABLE usage.{index} ()")).await.unwrap();
    assert_eq!(code(&create(&portal).await.unwrap_err()), "42P07");
    run(&portal, format!("DROP TABLE usage.{index}")).await.unwrap();
    create(&portal).await.unwrap();

    // and where a table should be
    for other in
        ["VIEW usage.tech_asset_stats_daily AS SELECT 1 AS x", "SEQUENCE usage.tech_asset_stats_daily"]
    {
        run(&portal, "DROP TABLE IF EXISTS usage.tech_asset_stats_daily").await.unwrap();
        run(&portal, format!("CREATE {other}")).await.unwrap();
        assert_eq!(code(&create(&portal).await.unwrap_err()), "42P07");
        let (kind, _) = other.split_once(' ').unwrap();
        run(&portal, format!("DROP {kind} usage.tech_asset_stats_daily")).await.unwrap();
    }
}

#[tokio::test]
async fn comments_are_written_where_they_differ() {
    let portal = Portal::with(whole()).await;
    let comments = "SELECT objsubid || ' ' || description FROM pg_description
        WHERE objoid IN (SELECT oid FROM pg_class WHERE relnamespace = 'usage'::regnamespace) ORDER BY objoid, 1";
    let before = portal.texts(comments).await;
    let change = format!(
        "COMMENT ON TABLE usage.{QUERY_STATS} IS 'other'; COMMENT ON COLUMN usage.{QUERY_STATS}.date IS NULL"
    );
    run(&portal, change).await.unwrap();
    assert_ne!(portal.texts(comments).await, before);
    create(&portal).await.unwrap();
    assert_eq!(portal.texts(comments).await, before);
}

/// What a vacuum that only warns has left undone.
#[tokio::test]
async fn a_role_that_may_not_vacuum_is_told_which_table() {
    let portal = Portal::with(whole()).await;
    run(&portal, "GRANT USAGE ON SCHEMA usage TO pg_monitor").await.unwrap();
    let mut connection = portal.pool.acquire().await.unwrap();
    raw_sql("SET ROLE pg_monitor").execute(&mut *connection).await.unwrap();
    let [ask, vacuum] = <[Statement; 2]>::try_from(whole().vacuum()).unwrap();
    let error = ask.clone().into_sqlx().execute(&mut *connection).await.unwrap_err();
    assert_eq!(code(&error), "42501");
    let message = error.as_database_error().unwrap().message().to_owned();
    assert_eq!(message, "permission denied to vacuum usage.output_port_combined_with_daily");
    vacuum.into_sqlx().execute(&mut *connection).await.unwrap();
    let vacuumed = "SELECT count(*)::text FROM pg_class WHERE relnamespace = 'usage'::regnamespace
        AND relkind = 'r' AND reltuples >= 0";
    assert_eq!(portal.texts(vacuumed).await, ["0"], "the same role's VACUUM did nothing");

    // an owner may, and from PostgreSQL 17 on whoever was told to maintain them
    let version =
        portal.texts("SELECT current_setting('server_version_num')").await[0].parse::<u32>().unwrap();
    raw_sql("RESET ROLE").execute(&mut *connection).await.unwrap();
    let tables = "usage.output_port_query_stats_daily, usage.tech_asset_stats_daily,
        usage.output_port_combined_with_daily, usage.output_port_usage_coverage";
    if version >= 170_000 {
        run(&portal, format!("GRANT MAINTAIN ON {tables} TO pg_monitor")).await.unwrap();
    } else {
        for table in tables.split(',') {
            run(&portal, format!("ALTER TABLE {table} OWNER TO pg_monitor")).await.unwrap();
        }
    }
    raw_sql("SET ROLE pg_monitor").execute(&mut *connection).await.unwrap();
    ask.into_sqlx().execute(&mut *connection).await.unwrap();
}
