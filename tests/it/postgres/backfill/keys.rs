//! Keys and indexes are dropped for a first load and come back the same.

use output_port_usage::*;

use super::host::{by_sqlx, stated};
use super::{batches, twins};
use crate::portal::{Portal, builder, day, port, scope};

/// Everything that the catalog says of the model's tables, less what is numbered anew: oids and files.
pub(super) async fn catalog(portal: &Portal) -> Vec<String> {
    let sql = "
        SELECT format('constraint %s %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid),
            to_jsonb(k) - '{oid,conindid,conrelid,conparentid,confrelid,connamespace}'::text[])
        FROM pg_constraint AS k WHERE connamespace = 'usage'::regnamespace
        UNION ALL
        SELECT format('index %s %s %s %s', x.relname, pg_get_indexdef(x.oid), to_jsonb(i) - '{indexrelid,indrelid}'::text[],
            obj_description(x.oid))
        FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid WHERE x.relnamespace = 'usage'::regnamespace
        UNION ALL
        SELECT format('column %s %s', attrelid::regclass, to_jsonb(a) - '{attrelid}'::text[])
        FROM pg_attribute AS a JOIN pg_class AS t ON t.oid = attrelid WHERE t.relnamespace = 'usage'::regnamespace
        UNION ALL
        SELECT format('class %s %s %s %s %s', relname, relkind, reloptions, reltablespace, relowner::regrole)
        FROM pg_class WHERE relnamespace = 'usage'::regnamespace
        UNION ALL
        SELECT format('comment %s %s %s', objoid::regclass, objsubid, description) FROM pg_description
        WHERE classoid = 'pg_class'::regclass
        ORDER BY 1";
    portal.texts(sql).await
}

/// The files of the keys and indexes: another one means that it was built anew.
pub(super) async fn files(portal: &Portal) -> Vec<String> {
    let sql = "SELECT relname || ' ' || pg_relation_filenode(oid) FROM pg_class
        WHERE relnamespace = 'usage'::regnamespace AND relkind = 'i' ORDER BY 1";
    portal.texts(sql).await
}

fn anew(before: &[String], after: &[String]) -> Vec<String> {
    let name = |file: &String| file.split(' ').next().unwrap().to_owned();
    after.iter().filter(|file| !before.contains(file)).map(name).collect()
}

#[tokio::test]
async fn a_first_load_builds_every_key_and_index_anew_and_the_catalog_stays_the_same() {
    let portal =
        Portal::with(builder().combinations().read_by_consumer().read_by_tech_asset().build().unwrap()).await;
    let (before, files_before) = (catalog(&portal).await, files(&portal).await);
    assert_eq!(
        before
            .iter()
            .filter(|text| text.starts_with("constraint"))
            .filter(|text| text.contains("PRIMARY KEY"))
            .count(),
        3
    );
    by_sqlx(&portal, stated(&portal.model, &batches(9)), batches(9)).await.unwrap();
    assert_eq!(catalog(&portal).await, before);
    let files_after = files(&portal).await;
    assert_eq!(files_before.len(), 3 + 1 + 3 + 4);
    assert_eq!(anew(&files_before, &files_after).len(), files_before.len());

    // a second load keeps them: its tables hold rows
    let next = scope(day(2026, 2, 10)..day(2026, 2, 11), [port(1)]);
    let empty = UsageBatch::builder(next.clone()).touches(Vec::new()).combinations(Vec::new()).build();
    let backfill = portal.model.backfill(next).unwrap().allow_empty();
    by_sqlx(&portal, backfill, vec![empty]).await.unwrap();
    assert_eq!(files(&portal).await, files_after);
}

#[tokio::test]
async fn keys_are_kept_by_choice() {
    let portal = Portal::with_combinations().await;
    let before = files(&portal).await;
    by_sqlx(&portal, stated(&portal.model, &batches(9)).keep_keys(), batches(9)).await.unwrap();
    assert_eq!(files(&portal).await, before);
    assert_eq!(portal.contents(crate::portal::QUERY_STATS).await.len(), twins::batch(1).queries().len());
}

#[tokio::test]
async fn readers_wait_for_a_first_load_unless_keys_are_kept() {
    let portal = Portal::with_combinations().await;
    for (backfill, waits) in [
        (stated(&portal.model, &batches(40)), true),
        (stated(&portal.model, &batches(40)).keep_keys(), false),
    ] {
        let mut transaction = portal.pool.begin().await.unwrap();
        let batches = batches(40).into_iter().map(Ok::<_, std::convert::Infallible>);
        backfill.run_sqlx(&mut transaction, futures_util::stream::iter(batches)).await.unwrap();
        let mut reader = portal.pool.begin().await.unwrap();
        sqlx::query("SET LOCAL lock_timeout = '100ms'").execute(&mut *reader).await.unwrap();
        let read =
            sqlx::query("SELECT FROM usage.output_port_query_stats_daily").fetch_all(&mut *reader).await;
        match read {
            Ok(rows) => assert!(!waits && rows.is_empty()),
            Err(error) => {
                assert!(waits, "{error}");
                assert_eq!(error.as_database_error().unwrap().code().unwrap(), "55P03");
            }
        }
        transaction.rollback().await.unwrap();
    }
    // a parent table is never held up: whoever writes there goes on
    let mut transaction = portal.pool.begin().await.unwrap();
    let batches_of_all = batches(40).into_iter().map(Ok::<_, std::convert::Infallible>);
    let backfill = stated(&portal.model, &batches(40));
    backfill.run_sqlx(&mut transaction, futures_util::stream::iter(batches_of_all)).await.unwrap();
    let mut host = portal.pool.begin().await.unwrap();
    sqlx::query("SET LOCAL lock_timeout = '5s'").execute(&mut *host).await.unwrap();
    for table in ["datasets", "data_products", "technical_assets"] {
        let update = format!("UPDATE portal.{table} SET name = name || '!'");
        sqlx::query(sqlx::AssertSqlSafe(update)).execute(&mut *host).await.unwrap();
    }
}
