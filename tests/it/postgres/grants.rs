//! Roles with the granted rights alone: everything that they are for runs, and nothing is granted without need.

use futures_util::stream;
use output_port_usage::*;
use sqlx::{AssertSqlSafe, Connection, raw_sql};

use crate::driver::twins_agree::twins::{self, connect};
use crate::portal::{Portal, builder, consumer, day, port};

/// A role that every server has and nobody is; it has no rights of its own on tables.
const ROLE: &str = "pg_monitor";

fn whole() -> UsageModel {
    builder().combinations().coverage().read_by_consumer().read_by_tech_asset().build().unwrap()
}

async fn grant(portal: &Portal, role: Role) {
    for statement in portal.model.grants(role, ROLE).unwrap() {
        statement.into_sqlx().execute(&portal.pool).await.unwrap();
    }
}

/// Every single right of the statements: one privilege on one object, or on one column of it.
fn rights(statements: &[Statement]) -> Vec<String> {
    let mut rights = Vec::new();
    for statement in statements {
        let (_, text) = statement.sql().split_once("*/ ").unwrap();
        let (privileges, rest) = text.split_once(" ON ").unwrap();
        let (kind, rest) = rest.split_once(' ').unwrap();
        let (objects, _) = rest.split_once(" TO ").unwrap();
        let privileges: Vec<String> = match privileges.contains('(') {
            true => {
                let by_privilege = privileges.trim_end_matches(')').split("), ");
                let of_columns = by_privilege.flat_map(|of| {
                    let (privilege, columns) = of.split_once(" (").unwrap();
                    columns.split(", ").map(move |column| format!("{privilege} ({column})"))
                });
                of_columns.collect()
            }
            false => privileges.split(", ").map(str::to_owned).collect(),
        };
        for object in objects.split(", ") {
            rights.extend(privileges.iter().map(|privilege| format!("{privilege} ON {kind} {object}")));
        }
    }
    rights
}

/// Asserts that `runs` is refused for every right that is missing, and for no other reason.
async fn each_is_needed(
    portal: &Portal,
    role: Role,
    runs: impl AsyncFn(&mut sqlx::PgTransaction<'_>) -> Result<(), sqlx::Error>,
) {
    let rights = rights(&portal.model.grants(role, ROLE).unwrap());
    assert!(rights.len() >= 6, "{rights:?}");
    for right in rights {
        let revoke = format!("REVOKE {right} FROM {ROLE}");
        raw_sql(AssertSqlSafe(revoke)).execute(&portal.pool).await.unwrap();
        let refused = in_role(portal, &runs).await.expect_err(&right);
        assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "42501", "{right}: {refused}");
        let again = format!("GRANT {right} TO {ROLE}");
        raw_sql(AssertSqlSafe(again)).execute(&portal.pool).await.unwrap();
    }
    in_role(portal, &runs).await.unwrap();
}

/// Runs in a transaction of the role, which is rolled back.
async fn in_role(
    portal: &Portal,
    runs: impl AsyncFn(&mut sqlx::PgTransaction<'_>) -> Result<(), sqlx::Error>,
) -> Result<(), sqlx::Error> {
    let mut connection = portal.pool.acquire().await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    raw_sql(AssertSqlSafe(format!("SET LOCAL ROLE {ROLE}"))).execute(&mut *transaction).await.unwrap();
    let outcome = runs(&mut transaction).await;
    transaction.rollback().await.unwrap();
    outcome
}

/// Every chart, and the reads of coverage and upkeep.
fn reads() -> Vec<Statement> {
    let of_writes = ["find ", "look for ", "ask ", "wait for ", "distribute ", "partition "];
    let statements = whole().statements().into_iter().filter(|(title, statement)| {
        let first = statement.sql().split(' ').next().unwrap();
        ["SELECT", "WITH"].contains(&first)
            && !of_writes.iter().any(|start| title.starts_with(start))
            && !statement.sql().contains("INSERT INTO")
    });
    statements.map(|(_, statement)| statement).collect()
}

#[tokio::test]
async fn a_reader_reads_every_chart_and_needs_each_of_its_rights() {
    let portal = Portal::with(whole()).await;
    portal.replace(&twins::batch(1)).await;
    grant(&portal, Role::Reader).await;
    let reads = reads();
    for read in
        ["reconcile the tables", "coverage of output ports", "gaps in the coverage", "unused consumers"]
    {
        assert!(reads.iter().any(|statement| statement.title() == read), "{read}");
    }
    assert!(reads.len() > 150, "{}", reads.len());

    let client = connect(&portal).await;
    client.batch_execute(&format!("SET ROLE {ROLE}")).await.unwrap();
    for statement in reads.clone() {
        let statement = statement.into_tokio_postgres();
        client.query_typed(statement.sql(), &statement.params()).await.unwrap();
    }
    for change in ["DELETE FROM usage.output_port_query_stats_daily", "SELECT domain_id FROM portal.datasets"]
    {
        client.batch_execute(change).await.unwrap_err();
    }
    each_is_needed(&portal, Role::Reader, async |transaction| read(transaction, &reads).await).await;
    assert_eq!(lacks(&portal, Role::Reader).await, Vec::<String>::new());
}

/// What the server refused.
fn refused<E: std::error::Error>(error: WriteError<E>) -> E {
    match error {
        WriteError::Driver(error) => error,
        other => panic!("{other}"),
    }
}

/// Every write, one after the other, by the driver whose method it is.
macro_rules! every_write {
    ($name:ident, $run:ident, $transaction:ty, $error:ty) => {
        async fn $name(model: &UsageModel, transaction: &mut $transaction) -> Result<(), $error> {
            let batches = || stream::iter([Ok::<_, std::io::Error>(twins::batch(1))]);
            let backfill = || model.backfill(twins::batch(1).scope().clone()).unwrap();
            backfill().$run(transaction, batches()).await.map_err(refused)?;
            let again = backfill().replace_existing().keep_keys();
            again.$run(transaction, batches()).await.map_err(refused)?;
            let ingests = [
                model.replace(&twins::batch(2)).unwrap(),
                model.upsert(&twins::batch(3)).unwrap(),
                model.declare_measured(twins::batch(1).scope()).unwrap(),
            ];
            for ingest in ingests {
                ingest.$run(transaction).await.map_err(refused)?;
            }
            let delete = model.delete(port(1), consumer(1), day(2026, 1, 2)).unwrap();
            for removal in [delete, model.purge(&Purge::before(day(2030, 1, 1))).unwrap()] {
                removal.$run(transaction).await.map_err(refused)?;
            }
            Ok(())
        }
    };
}
every_write!(writes, run_sqlx, sqlx::PgTransaction<'_>, sqlx::Error);
every_write!(
    writes_by_tokio_postgres,
    run_tokio_postgres,
    tokio_postgres::Transaction<'_>,
    tokio_postgres::Error
);

async fn read(transaction: &mut sqlx::PgTransaction<'_>, reads: &[Statement]) -> Result<(), sqlx::Error> {
    for statement in reads.iter().cloned() {
        statement.into_sqlx().execute(&mut **transaction).await?;
    }
    Ok(())
}

/// What the schema check says to the role.
async fn lacks(portal: &Portal, role: Role) -> Vec<String> {
    let check = portal.model.check(day(2026, 1, 1)).of_role(role);
    let mut connection = portal.pool.acquire().await.unwrap();
    raw_sql(AssertSqlSafe(format!("SET ROLE {ROLE}"))).execute(&mut *connection).await.unwrap();
    let rows = check.query().into_sqlx().fetch_all(&mut *connection).await.unwrap();
    raw_sql("RESET ROLE").execute(&mut *connection).await.unwrap();
    check.differences(rows).unwrap().iter().map(|difference| difference.to_string()).collect()
}

#[tokio::test]
async fn a_writer_writes_and_reads_everything_and_needs_each_of_its_rights() {
    let portal = Portal::with(whole()).await;
    grant(&portal, Role::Writer).await;
    assert_eq!(lacks(&portal, Role::Writer).await, Vec::<String>::new());
    let reads = reads();
    each_is_needed(&portal, Role::Writer, async |transaction| {
        writes(&portal.model, transaction).await?;
        read(transaction, &reads).await
    })
    .await;

    let mut client = connect(&portal).await;
    client.batch_execute(&format!("SET ROLE {ROLE}")).await.unwrap();
    let mut transaction = client.transaction().await.unwrap();
    writes_by_tokio_postgres(&portal.model, &mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn an_owner_creates_the_tables_and_needs_each_of_its_rights() {
    let portal = Portal::without_tables(whole()).await;
    portal.model.create_schema().into_sqlx().execute(&portal.pool).await.unwrap();
    grant(&portal, Role::Owner).await;
    let (create, reads) = (portal.model.create_tables(), reads());
    each_is_needed(&portal, Role::Owner, async |transaction| {
        read(transaction, &create).await?;
        writes(&portal.model, transaction).await?;
        read(transaction, &reads).await
    })
    .await;

    // what an owner is for beside that: upkeep, and a back-fill that drops the keys and adds them again
    let mut connection = portal.pool.acquire().await.unwrap();
    raw_sql(AssertSqlSafe(format!("SET ROLE {ROLE}"))).execute(&mut *connection).await.unwrap();
    let keys = [portal.model.drop_foreign_keys(), portal.model.add_foreign_keys()].concat();
    for statement in [create, keys, portal.model.vacuum()].concat() {
        statement.into_sqlx().execute(&mut *connection).await.unwrap();
    }
    assert_eq!(lacks(&portal, Role::Owner).await, Vec::<String>::new());
    for statement in portal.model.drop_tables() {
        statement.into_sqlx().execute(&mut *connection).await.unwrap();
    }
}

#[test]
fn a_name_that_is_no_roles_is_refused() {
    let model = builder().build().unwrap();
    for (name, message) in [
        ("", "name \"\" of the role is empty"),
        ("a\"b", "name \"a\\\"b\" of the role holds a double quote"),
        ("public", "name \"public\" of the role means every role to Postgres"),
    ] {
        let error = model.grants(Role::Reader, name).unwrap_err();
        assert!(error.is_configuration());
        assert_eq!(error.to_string(), message);
    }
    let odd = model.grants(Role::Writer, "it's; DROP ROLE x --").unwrap();
    assert!(odd.iter().all(|grant| grant.sql().ends_with(" TO \"it's; DROP ROLE x --\"")));
}

#[test]
fn the_grants_of_each_role() {
    let texts = |role| {
        let statements = whole().grants(role, "somebody").unwrap();
        statements.iter().map(|statement| format!("{statement};\n")).collect::<String>()
    };
    insta::assert_snapshot!(texts(Role::Reader), @r#"
    GRANT /* output-port-usage: grant the schema */ USAGE ON SCHEMA "usage" TO "somebody";
    GRANT /* output-port-usage: grant the tables */ SELECT ON TABLE "usage"."output_port_query_stats_daily", "usage"."tech_asset_stats_daily", "usage"."output_port_combined_with_daily" TO "somebody";
    GRANT /* output-port-usage: grant the table of coverage */ SELECT ON TABLE "usage"."output_port_usage_coverage" TO "somebody";
    GRANT /* output-port-usage: grant the schemas of the parents */ USAGE ON SCHEMA "portal" TO "somebody";
    GRANT /* output-port-usage: grant output ports */ SELECT ("id", "name") ON TABLE "portal"."datasets" TO "somebody";
    GRANT /* output-port-usage: grant consumers */ SELECT ("id", "name", "domain_id") ON TABLE "portal"."data_products" TO "somebody";
    GRANT /* output-port-usage: grant tech assets */ SELECT ("id", "name") ON TABLE "portal"."technical_assets" TO "somebody";
    GRANT /* output-port-usage: grant groups */ SELECT ("id", "name") ON TABLE "portal"."domains" TO "somebody";
    "#);
    insta::assert_snapshot!(texts(Role::Writer), @r#"
    GRANT /* output-port-usage: grant the schema */ USAGE ON SCHEMA "usage" TO "somebody";
    GRANT /* output-port-usage: grant the tables */ SELECT, INSERT, UPDATE, DELETE ON TABLE "usage"."output_port_query_stats_daily", "usage"."tech_asset_stats_daily", "usage"."output_port_combined_with_daily" TO "somebody";
    GRANT /* output-port-usage: grant the table of coverage */ SELECT, INSERT, UPDATE ON TABLE "usage"."output_port_usage_coverage" TO "somebody";
    GRANT /* output-port-usage: grant the schemas of the parents */ USAGE ON SCHEMA "portal" TO "somebody";
    GRANT /* output-port-usage: grant output ports */ SELECT ("id", "name") ON TABLE "portal"."datasets" TO "somebody";
    GRANT /* output-port-usage: grant consumers */ SELECT ("id", "name", "domain_id") ON TABLE "portal"."data_products" TO "somebody";
    GRANT /* output-port-usage: grant tech assets */ SELECT ("id", "name") ON TABLE "portal"."technical_assets" TO "somebody";
    GRANT /* output-port-usage: grant groups */ SELECT ("id", "name") ON TABLE "portal"."domains" TO "somebody";
    "#);
    insta::assert_snapshot!(texts(Role::Owner), @r#"
    GRANT /* output-port-usage: grant the schema */ USAGE, CREATE ON SCHEMA "usage" TO "somebody";
    GRANT /* output-port-usage: grant the schemas of the parents */ USAGE ON SCHEMA "portal" TO "somebody";
    GRANT /* output-port-usage: grant output ports */ SELECT ("id", "name"), REFERENCES ("id") ON TABLE "portal"."datasets" TO "somebody";
    GRANT /* output-port-usage: grant consumers */ SELECT ("id", "name", "domain_id"), REFERENCES ("id") ON TABLE "portal"."data_products" TO "somebody";
    GRANT /* output-port-usage: grant tech assets */ SELECT ("id", "name"), REFERENCES ("id") ON TABLE "portal"."technical_assets" TO "somebody";
    GRANT /* output-port-usage: grant groups */ SELECT ("id", "name") ON TABLE "portal"."domains" TO "somebody";
    "#);
    // parents that are kept are not asked for an id, nor pointed to
    let keep = |table| Reference::to(table).on_delete(OnDelete::Keep);
    let kept = builder()
        .output_ports(keep("datasets"))
        .consumers(keep("data_products"))
        .tech_assets(keep("technical_assets"))
        .build()
        .unwrap();
    let texts: String = kept
        .grants(Role::Owner, "somebody")
        .unwrap()
        .iter()
        .map(|statement| format!("{statement};\n"))
        .collect();
    insta::assert_snapshot!(texts, @r#"
    GRANT /* output-port-usage: grant the schema */ USAGE, CREATE ON SCHEMA "usage" TO "somebody";
    GRANT /* output-port-usage: grant the schemas of the parents */ USAGE ON SCHEMA "public" TO "somebody";
    GRANT /* output-port-usage: grant output ports */ SELECT ("id") ON TABLE "public"."datasets" TO "somebody";
    GRANT /* output-port-usage: grant consumers */ SELECT ("id") ON TABLE "public"."data_products" TO "somebody";
    GRANT /* output-port-usage: grant tech assets */ SELECT ("id") ON TABLE "public"."technical_assets" TO "somebody";
    "#);
}
