//! Columns of another type than the model's.

use std::convert::Infallible;

use futures_util::stream;
use output_port_usage::*;

use crate::driver::twins_agree::twins::{Refusal, Twins, batch};
use crate::portal::{consumer, day, port};
use crate::postgres::backfill::host::stated;

/// Parents and usage whose ids are of another type, and what every write says.
const CHANGES: [(&str, &str); 4] = [
    (
        "ALTER consumer_id TYPE text",
        r#"column "consumer_id" of "usage"."output_port_query_stats_daily" is text, not uuid"#,
    ),
    (
        "ALTER output_port_id TYPE bigint USING 1",
        r#"column "output_port_id" of "usage"."output_port_query_stats_daily" is bigint, not uuid"#,
    ),
    (
        "ALTER date TYPE timestamp",
        r#"column "date" of "usage"."output_port_query_stats_daily" is timestamp without time zone, not date"#,
    ),
    (
        "ALTER date TYPE usage.label USING 'x'",
        r#"column "date" of "usage"."output_port_query_stats_daily" is usage.label, not date"#,
    ),
];

async fn change(twins: &Twins, script: &str) {
    for portal in [&twins.sqlx, &twins.tokio] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(script)).execute(&portal.pool).await.unwrap();
    }
}

#[tokio::test]
async fn every_write_names_an_id_or_a_day_of_another_type_before_it_writes() {
    for (alter, expected) in CHANGES {
        let mut twins = Twins::new().await;
        let script = format!(
            "ALTER TABLE usage.output_port_query_stats_daily
                DROP CONSTRAINT output_port_query_stats_daily_output_port_id_fkey,
                DROP CONSTRAINT output_port_query_stats_daily_consumer_id_fkey;
             CREATE DOMAIN usage.label AS text;
             ALTER TABLE usage.output_port_query_stats_daily {alter}"
        );
        change(&twins, &script).await;
        let expected = format!("{expected}: change its type, or name another column");

        let model = twins.model().clone();
        let ingests = [model.replace(&batch(1)).unwrap(), model.upsert(&batch(1)).unwrap()];
        for ingest in ingests {
            let mut transaction = twins.sqlx.pool.begin().await.unwrap();
            let refused = ingest.clone().run_sqlx(&mut transaction).await.unwrap_err();
            assert_eq!(Refusal::of_sqlx(refused), Refusal::Rejected(expected.clone()), "{alter}");
            let mut transaction = twins.client.transaction().await.unwrap();
            let refused = ingest.run_tokio_postgres(&mut transaction).await.unwrap_err();
            assert_eq!(Refusal::of_tokio_postgres(refused), Refusal::Rejected(expected.clone()), "{alter}");
        }
        for removal in [
            model.delete(port(1), consumer(1), day(2026, 1, 1)).unwrap(),
            model.purge(&Purge::before(day(2027, 1, 1))).unwrap(),
        ] {
            let mut transaction = twins.sqlx.pool.begin().await.unwrap();
            let refused = removal.clone().run_sqlx(&mut transaction).await.unwrap_err();
            assert!(refused.rejected().unwrap().is_configuration());
            let mut transaction = twins.client.transaction().await.unwrap();
            let refused = removal.run_tokio_postgres(&mut transaction).await.unwrap_err();
            assert_eq!(Refusal::of_tokio_postgres(refused), Refusal::Rejected(expected.clone()), "{alter}");
        }
        let batches = [batch(1)];
        let backfill = || stated(&model, &batches);
        let stream = || stream::iter(batches.iter().cloned().map(Ok::<_, Infallible>));
        let mut transaction = twins.sqlx.pool.begin().await.unwrap();
        let refused = backfill().run_sqlx(&mut transaction, stream()).await.unwrap_err();
        assert_eq!(Refusal::of_sqlx(refused), Refusal::Rejected(expected.clone()), "{alter}");
        let mut transaction = twins.client.transaction().await.unwrap();
        let refused = backfill().run_tokio_postgres(&mut transaction, stream()).await.unwrap_err();
        assert_eq!(Refusal::of_tokio_postgres(refused), Refusal::Rejected(expected), "{alter}");
    }
}

/// A setting of how names are shown is no type.
#[tokio::test]
async fn a_server_that_quotes_every_name_takes_the_same_writes() {
    let mut twins = Twins::new().await;
    let name = twins.sqlx.texts("SELECT quote_ident(current_database())").await.remove(0);
    change(&twins, &format!("ALTER DATABASE {name} SET quote_all_identifiers = on")).await;
    twins.sqlx.pool.close().await;
    twins.sqlx.pool = sqlx::PgPool::connect(twins.sqlx.database.url()).await.unwrap();
    let outcome = twins.sqlx.replace(&batch(1)).await;
    assert!(outcome.queries.written > 0, "{outcome:?}");
    let check = twins.sqlx.model.check(day(2026, 1, 15));
    let rows = check.query().into_sqlx().fetch_all(&twins.sqlx.pool).await.unwrap();
    assert_eq!(check.differences(rows).unwrap(), []);
}

/// Such a column is only wider than need be.
#[tokio::test]
async fn counts_that_are_bigint_and_ids_of_a_domain_are_written_and_read() {
    let mut twins = Twins::new().await;
    change(
        &twins,
        "ALTER TABLE usage.output_port_query_stats_daily ALTER query_count TYPE bigint;
         CREATE DOMAIN usage.consumer AS uuid;
         ALTER TABLE usage.output_port_query_stats_daily ALTER consumer_id TYPE usage.consumer",
    )
    .await;
    let batches = [batch(1)];
    let loaded = twins.backfill(|model| stated(model, &batches), &batches).await.unwrap();
    assert_eq!(loaded.queries.written, batch(1).queries().len() as u64);
    let again = twins.replace("", &batch(1)).await.unwrap();
    assert_eq!((again.queries.written, again.queries.removed), (0, 0));
    let changed = twins.replace("", &batch(2)).await.unwrap();
    assert!(changed.queries.written > 0, "{changed:?}");
    let upsert = twins.model().upsert(&batch(1)).unwrap();
    assert!(twins.run("", upsert).await.unwrap().queries.written > 0);
    twins.agree(&chart::QueriesOverTime::new(port(1), day(2026, 1, 1)..day(2026, 2, 1))).await;
    twins.agree(&chart::QueryDistribution::new(port(1), day(2026, 1, 1)..day(2026, 2, 1))).await;
}
