//! Row level security: a writer who does not see all rows is refused before it writes.

use std::convert::Infallible;

use futures_util::stream;
use output_port_usage::*;
use sqlx::postgres::{PgPool, PgPoolOptions};

use crate::portal::{
    COMBINATION_STATS, COVERAGE, Portal, QUERY_STATS, TOUCH_STATS, asset, builder, consumer, day, port,
    queries, scope, touches,
};
use crate::tables;

/// A portal, and a pool of a role that may do everything but see past policies.
async fn guarded() -> (Portal, PgPool) {
    let portal = Portal::with(builder().combinations().coverage().build().unwrap()).await;
    portal.replace(&batch(3)).await;
    let role = portal.database.url().rsplit('/').next().unwrap().to_owned() + "_writer";
    let script = format!(
        "CREATE ROLE {role};
         GRANT USAGE ON SCHEMA usage, portal TO {role};
         GRANT ALL ON ALL TABLES IN SCHEMA usage, portal TO {role}"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(script)).execute(&portal.pool).await.unwrap();
    // the role that a session takes on decides, whoever logged in
    let writer = PgPoolOptions::new().max_connections(2).after_connect(move |connection, _| {
        let take_on = format!("SET ROLE {role}");
        Box::pin(
            async move { sqlx::raw_sql(sqlx::AssertSqlSafe(take_on)).execute(connection).await.map(drop) },
        )
    });
    let writer = writer.connect(portal.database.url()).await.unwrap();
    (portal, writer)
}

fn batch(count: u64) -> UsageBatch {
    let row = |of| queries(day(2026, 1, 1), port(of), consumer(1), count);
    UsageBatch::builder(scope(day(2026, 1, 1)..day(2026, 1, 3), [port(1), port(2)]))
        .queries(vec![row(1), row(2)])
        .touches([1, 2].map(|of| touches(day(2026, 1, 1), port(of), asset(1), consumer(1), count)).to_vec())
        .build()
        .without_combinations()
}

async fn run(portal: &Portal, script: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(script)).execute(&portal.pool).await.unwrap();
}

#[tokio::test]
async fn a_writer_from_whom_rows_are_hidden_is_refused_before_it_writes() {
    let (portal, writer) = guarded().await;
    let before = tables::versions(&portal).await;
    for (table, what) in [
        (QUERY_STATS, "the output-port queries"),
        (TOUCH_STATS, "the tech-asset touches"),
        (COMBINATION_STATS, "the combinations"),
        (COVERAGE, "the coverage"),
    ] {
        run(&portal, &format!("ALTER TABLE usage.{table} ENABLE ROW LEVEL SECURITY")).await;
        let port_of = if table == COMBINATION_STATS { "output_port_id_1" } else { "output_port_id" };
        let policy = format!(
            "CREATE POLICY one_port ON usage.{table} USING ({port_of} = '{}') WITH CHECK (true)",
            port(1)
        );
        run(&portal, &policy).await;
        let mut transaction = writer.begin().await.unwrap();
        let replace = portal.model.replace(&batch(4)).unwrap();
        let delete = portal.model.delete(port(1), consumer(1), day(2026, 1, 1)).unwrap();
        let purge = portal.model.purge(&Purge::before(day(2027, 1, 1))).unwrap();
        let backfill = portal.model.backfill(batch(4).scope().clone()).unwrap().replace_existing();
        let batches = stream::iter([Ok::<_, Infallible>(batch(4))]);
        for refused in [
            replace.run_sqlx(&mut transaction).await.unwrap_err(),
            delete.run_sqlx(&mut transaction).await.unwrap_err(),
            purge.run_sqlx(&mut transaction).await.unwrap_err(),
            backfill.run_sqlx(&mut transaction, batches).await.unwrap_err(),
        ] {
            let error = refused.rejected().unwrap();
            assert!(error.is_transaction());
            assert!(
                error.to_string().starts_with(&format!("row level security may hide rows of {what} ")),
                "{error}"
            );
        }
        transaction.commit().await.unwrap();
        run(&portal, &format!("ALTER TABLE usage.{table} DISABLE ROW LEVEL SECURITY")).await;
    }
    assert_eq!(tables::versions(&portal).await, before);
    // the owner sees all rows as long as nothing forces the policies on it
    run(&portal, &format!("ALTER TABLE usage.{QUERY_STATS} ENABLE ROW LEVEL SECURITY")).await;
    assert_eq!(portal.replace(&batch(4)).await.queries.written, 2);
    let mut transaction = writer.begin().await.unwrap();
    let refused = portal.model.replace(&batch(5)).unwrap().run_sqlx(&mut transaction).await;
    assert!(refused.unwrap_err().rejected().unwrap().is_transaction());
}

#[tokio::test]
async fn an_id_that_a_policy_hides_is_not_unknown() {
    let (portal, writer) = guarded().await;
    run(&portal, "ALTER TABLE portal.datasets ENABLE ROW LEVEL SECURITY").await;
    let mut transaction = writer.begin().await.unwrap();
    let replace = portal.model.replace(&batch(5)).unwrap();
    assert_eq!(replace.run_sqlx(&mut transaction).await.unwrap().queries.written, 2);
    transaction.commit().await.unwrap();
    // one that is not there is the foreign key's to refuse
    let row = queries(day(2026, 1, 1), port(99), consumer(1), 3);
    let unknown = UsageBatch::builder(scope(day(2026, 1, 1)..day(2026, 1, 2), [port(99)])).queries(vec![row]);
    let mut transaction = writer.begin().await.unwrap();
    let replace = portal.model.replace(&unknown.build()).unwrap();
    match replace.run_sqlx(&mut transaction).await.unwrap_err() {
        WriteError::Driver(error) => {
            assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("23503"));
        }
        other => panic!("{other}"),
    }
}
