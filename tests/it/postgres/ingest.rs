//! Ingests: what they write, what they refuse, and that nothing is half written.

use output_port_usage::*;

use crate::portal::{
    Portal, QUERY_STATS, TOUCH_STATS, asset, builder, consumer, day, port, queries, scope, touches,
};

/// Port 1 on 1 and 2 January: 3 rows of queries, 4 of touches.
fn batch() -> UsageBatch {
    let (first, second) = (day(2026, 1, 1), day(2026, 1, 2));
    UsageBatch::builder(scope(first..day(2026, 1, 3), [port(1)]))
        .queries(vec![
            queries(second, port(1), consumer(1), 3),
            queries(first, port(1), consumer(2), 1),
            queries(first, port(1), consumer(1), 2),
        ])
        .touches(vec![
            touches(first, port(1), asset(1), consumer(1), 2),
            touches(first, port(1), asset(2), consumer(1), 1),
            touches(first, port(1), asset(1), consumer(2), 1),
            touches(second, port(1), asset(1), consumer(1), 3),
        ])
        .build()
}

fn counts(outcome: &TableOutcome) -> (u64, u64, u64, u64) {
    (outcome.written, outcome.unchanged, outcome.removed, outcome.skipped)
}

#[test]
fn a_replace_is_a_short_fixed_list_of_statements() {
    let model = builder().build().unwrap();
    let statements = model.replace(&batch()).unwrap().statements();
    let text: String = statements.iter().map(|statement| format!("{};\n\n", statement.sql())).collect();
    insta::assert_snapshot!(text, @r#"
    SELECT /* output-port-usage: ask what the transaction sees */ CASE
        WHEN pg_catalog.row_security_active('"usage"."output_port_query_stats_daily"'::text) THEN 'row level security of the output-port queries'
        WHEN pg_catalog.row_security_active('"usage"."tech_asset_stats_daily"'::text) THEN 'row level security of the tech-asset touches'
        ELSE coalesce((
            SELECT 'type of "' || a.attname::text || '" of ' || w.of_table || ' is ' || pg_catalog.format_type(a.atttypid, NULL) || ', not ' || w.wanted
            FROM (VALUES
                ('"usage"."output_port_query_stats_daily"', 'output_port_id', 'uuid'),
                ('"usage"."output_port_query_stats_daily"', 'date', 'date'),
                ('"usage"."output_port_query_stats_daily"', 'consumer_id', 'uuid'),
                ('"usage"."tech_asset_stats_daily"', 'output_port_id', 'uuid'),
                ('"usage"."tech_asset_stats_daily"', 'date', 'date'),
                ('"usage"."tech_asset_stats_daily"', 'tech_asset_id', 'uuid'),
                ('"usage"."tech_asset_stats_daily"', 'consumer_id', 'uuid')
            ) AS w(of_table, named, wanted)
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = w.of_table::regclass::oid AND a.attname = w.named::name
            JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
            WHERE CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END <> ('pg_catalog.' || w.wanted)::regtype::oid
            ORDER BY a.attrelid, a.attnum
            LIMIT 1
        ), pg_catalog.current_setting('transaction_isolation'))
    END AS "sight";

    SELECT /* output-port-usage: wait for other writers */ pg_catalog.pg_advisory_xact_lock($1);

    SELECT /* output-port-usage: find unknown output ports */ DISTINCT u.id
    FROM pg_catalog.unnest($1::uuid[]) AS u(id)
    LEFT JOIN "portal"."datasets" AS p ON p."id" = u.id
    WHERE (p."id" IS NULL
            OR EXISTS (
                SELECT
                FROM pg_catalog.pg_inherits AS h
                JOIN pg_catalog.pg_class AS c ON c.oid = h.inhparent AND c.relkind = 'r'
                WHERE h.inhparent = '"portal"."datasets"'::regclass::oid
            ) AND NOT EXISTS (
                SELECT
                FROM ONLY ("portal"."datasets") AS o
                WHERE o."id" = u.id
            ))
        AND NOT pg_catalog.row_security_active('"portal"."datasets"'::text)
    ORDER BY u.id;

    SELECT /* output-port-usage: find unknown tech assets */ DISTINCT u.id
    FROM pg_catalog.unnest($1::uuid[]) AS u(id)
    LEFT JOIN "portal"."technical_assets" AS p ON p."id" = u.id
    WHERE (p."id" IS NULL
            OR EXISTS (
                SELECT
                FROM pg_catalog.pg_inherits AS h
                JOIN pg_catalog.pg_class AS c ON c.oid = h.inhparent AND c.relkind = 'r'
                WHERE h.inhparent = '"portal"."technical_assets"'::regclass::oid
            ) AND NOT EXISTS (
                SELECT
                FROM ONLY ("portal"."technical_assets") AS o
                WHERE o."id" = u.id
            ))
        AND NOT pg_catalog.row_security_active('"portal"."technical_assets"'::text)
    ORDER BY u.id;

    SELECT /* output-port-usage: find unknown consumers */ DISTINCT u.id
    FROM pg_catalog.unnest($1::uuid[]) AS u(id)
    LEFT JOIN "portal"."data_products" AS p ON p."id" = u.id
    WHERE (p."id" IS NULL
            OR EXISTS (
                SELECT
                FROM pg_catalog.pg_inherits AS h
                JOIN pg_catalog.pg_class AS c ON c.oid = h.inhparent AND c.relkind = 'r'
                WHERE h.inhparent = '"portal"."data_products"'::regclass::oid
            ) AND NOT EXISTS (
                SELECT
                FROM ONLY ("portal"."data_products") AS o
                WHERE o."id" = u.id
            ))
        AND NOT pg_catalog.row_security_active('"portal"."data_products"'::text)
    ORDER BY u.id;

    SELECT /* output-port-usage: find vanished queries */ count(*) AS "vanished"
    FROM (
        SELECT "date", "output_port_id", "consumer_id"
        FROM "usage"."output_port_query_stats_daily"
        WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
        EXCEPT
        SELECT u."date", u."output_port_id", u."consumer_id"
        FROM unnest($4::date[], $5::uuid[], $6::uuid[]) AS u("date", "output_port_id", "consumer_id")
    ) AS gone
    HAVING count(*) > 0;

    DELETE /* output-port-usage: remove vanished queries */ FROM "usage"."output_port_query_stats_daily" AS t
    USING (
        SELECT "date", "output_port_id", "consumer_id"
        FROM "usage"."output_port_query_stats_daily"
        WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
        EXCEPT
        SELECT u."date", u."output_port_id", u."consumer_id"
        FROM unnest($4::date[], $5::uuid[], $6::uuid[]) AS u("date", "output_port_id", "consumer_id")
    ) AS gone
    WHERE gone."output_port_id" = t."output_port_id" AND gone."date" = t."date" AND gone."consumer_id" = t."consumer_id"
    RETURNING 1;

    INSERT /* output-port-usage: write changed queries */ INTO "usage"."output_port_query_stats_daily" AS t ("date", "output_port_id", "consumer_id", "query_count")
    SELECT u."date", u."output_port_id", u."consumer_id", u."query_count"
    FROM unnest($4::date[], $5::uuid[], $6::uuid[], $7::integer[]) AS u("date", "output_port_id", "consumer_id", "query_count")
    LEFT JOIN (
        SELECT "date", "output_port_id", "consumer_id", "query_count"
        FROM "usage"."output_port_query_stats_daily"
        WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
    ) AS o USING ("output_port_id", "date", "consumer_id")
    WHERE o."query_count" IS DISTINCT FROM u."query_count"
    ON CONFLICT ("output_port_id", "date", "consumer_id") DO UPDATE SET "query_count" = excluded."query_count"
        WHERE t."query_count" IS DISTINCT FROM excluded."query_count"
    RETURNING 1;

    SELECT /* output-port-usage: find vanished touches */ count(*) AS "vanished"
    FROM (
        SELECT "date", "output_port_id", "tech_asset_id", "consumer_id"
        FROM "usage"."tech_asset_stats_daily"
        WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
        EXCEPT
        SELECT u."date", u."output_port_id", u."tech_asset_id", u."consumer_id"
        FROM unnest($4::date[], $5::uuid[], $6::uuid[], $7::uuid[]) AS u("date", "output_port_id", "tech_asset_id", "consumer_id")
    ) AS gone
    HAVING count(*) > 0;

    DELETE /* output-port-usage: remove vanished touches */ FROM "usage"."tech_asset_stats_daily" AS t
    USING (
        SELECT "date", "output_port_id", "tech_asset_id", "consumer_id"
        FROM "usage"."tech_asset_stats_daily"
        WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
        EXCEPT
        SELECT u."date", u."output_port_id", u."tech_asset_id", u."consumer_id"
        FROM unnest($4::date[], $5::uuid[], $6::uuid[], $7::uuid[]) AS u("date", "output_port_id", "tech_asset_id", "consumer_id")
    ) AS gone
    WHERE gone."output_port_id" = t."output_port_id" AND gone."date" = t."date" AND gone."tech_asset_id" = t."tech_asset_id" AND gone."consumer_id" = t."consumer_id"
    RETURNING 1;

    INSERT /* output-port-usage: write changed touches */ INTO "usage"."tech_asset_stats_daily" AS t ("date", "output_port_id", "tech_asset_id", "consumer_id", "query_count")
    SELECT u."date", u."output_port_id", u."tech_asset_id", u."consumer_id", u."query_count"
    FROM unnest($4::date[], $5::uuid[], $6::uuid[], $7::uuid[], $8::integer[]) AS u("date", "output_port_id", "tech_asset_id", "consumer_id", "query_count")
    LEFT JOIN (
        SELECT "date", "output_port_id", "tech_asset_id", "consumer_id", "query_count"
        FROM "usage"."tech_asset_stats_daily"
        WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
    ) AS o USING ("output_port_id", "date", "tech_asset_id", "consumer_id")
    WHERE o."query_count" IS DISTINCT FROM u."query_count"
    ON CONFLICT ("output_port_id", "date", "tech_asset_id", "consumer_id") DO UPDATE SET "query_count" = excluded."query_count"
        WHERE t."query_count" IS DISTINCT FROM excluded."query_count"
    RETURNING 1;
    "#);
}

#[test]
fn text_does_not_depend_on_the_size_of_a_batch() {
    let model = builder().build().unwrap();
    let texts = |batch: &UsageBatch| -> Vec<String> {
        model.replace(batch).unwrap().statements().into_iter().map(|s| s.into_parts().0).collect()
    };
    let many = (0..5000).map(|n| queries(day(2026, 1, 1), port(1), consumer(n), 1)).collect();
    let read = (0..5000).map(|n| touches(day(2026, 1, 1), port(1), asset(1), consumer(n), 1)).collect();
    let large = UsageBatch::builder(scope(day(2026, 1, 1)..day(2026, 1, 2), [port(1)]))
        .queries(many)
        .touches(read)
        .build();
    assert_eq!(texts(&batch()), texts(&large));
}

#[tokio::test]
async fn the_core_example_is_one_query_and_two_touches() {
    let portal = Portal::new().await;
    let first = day(2026, 1, 1);
    let core = UsageBatch::builder(scope(first..day(2026, 1, 2), [port(1)]))
        .queries(vec![queries(first, port(1), consumer(1), 1)])
        .touches(vec![
            touches(first, port(1), asset(1), consumer(1), 1),
            touches(first, port(1), asset(2), consumer(1), 1),
        ])
        .build();
    let outcome = portal.replace(&core).await;
    assert_eq!(counts(&outcome.queries), (1, 0, 0, 0));
    assert_eq!(counts(&outcome.touches.unwrap()), (2, 0, 0, 0));
}

#[tokio::test]
async fn replacing_the_same_scope_again_writes_no_row_version() {
    let portal = Portal::new().await;
    let outcome = portal.replace(&batch()).await;
    assert_eq!(counts(&outcome.queries), (3, 0, 0, 0));
    assert_eq!(counts(&outcome.touches.unwrap()), (4, 0, 0, 0));
    let before = (portal.versions(QUERY_STATS).await, portal.versions(TOUCH_STATS).await);
    let outcome = portal.replace(&batch()).await;
    assert_eq!(counts(&outcome.queries), (0, 3, 0, 0));
    assert_eq!(counts(&outcome.touches.unwrap()), (0, 4, 0, 0));
    // same transaction ids and places: not even a lock was taken on a row
    assert_eq!(before, (portal.versions(QUERY_STATS).await, portal.versions(TOUCH_STATS).await));
    let locked = "SELECT t::text FROM usage.output_port_query_stats_daily t WHERE xmax <> 0";
    assert_eq!(portal.texts(locked).await, Vec::<String>::new());
}

#[tokio::test]
async fn replacing_removes_what_vanished_updates_what_changed_and_leaves_the_rest_alone() {
    let portal = Portal::new().await;
    portal.replace(&batch()).await;
    let outside = UsageBatch::builder(scope(day(2026, 1, 1)..day(2026, 1, 4), [port(2)]))
        .queries(vec![queries(day(2026, 1, 1), port(2), consumer(1), 9)])
        .build();
    portal.replace(&outside).await;
    let later = UsageBatch::builder(scope(day(2026, 1, 3)..day(2026, 1, 4), [port(1)]))
        .queries(vec![queries(day(2026, 1, 3), port(1), consumer(1), 8)])
        .build();
    portal.replace(&later).await;

    let (first, second) = (day(2026, 1, 1), day(2026, 1, 2));
    let changed = UsageBatch::builder(scope(first..day(2026, 1, 3), [port(1)]))
        .queries(vec![
            queries(first, port(1), consumer(1), 2),  // equal
            queries(first, port(1), consumer(2), 0),  // a zero is as good as absent: vanished
            queries(second, port(1), consumer(1), 4), // changed
            queries(second, port(1), consumer(3), 1), // new
        ])
        .build();
    let outcome = portal.replace(&changed).await;
    assert_eq!(counts(&outcome.queries), (2, 1, 1, 0));
    assert_eq!(outcome.touches, None, "not measured: that table is left alone");
    assert_eq!(portal.contents(TOUCH_STATS).await.len(), 4);
    let row = |date, of: OutputPortId, by: ConsumerId, count| format!("({date},{of},{by},{count})");
    let mut expected = vec![
        row("2026-01-01", port(1), consumer(1), 2),
        row("2026-01-01", port(2), consumer(1), 9),
        row("2026-01-02", port(1), consumer(1), 4),
        row("2026-01-02", port(1), consumer(3), 1),
        row("2026-01-03", port(1), consumer(1), 8),
    ];
    expected.sort_unstable();
    assert_eq!(portal.contents(QUERY_STATS).await, expected);
}

#[tokio::test]
async fn a_batch_without_rows_removes_nothing_unless_it_is_allowed_to() {
    let portal = Portal::new().await;
    portal.replace(&batch()).await;
    let empty = UsageBatch::builder(batch().scope().clone()).touches(Vec::new()).build();
    let error = portal.try_ingest(portal.model.replace(&empty).unwrap()).await.unwrap_err();
    let error = error.rejected().unwrap();
    assert!(error.is_empty_batch());
    assert_eq!(
        error.to_string(),
        "the batch has no rows for its whole scope (2 days of 1 output ports), which would remove everything there: \
         allow it if that is meant"
    );
    assert_eq!(portal.contents(QUERY_STATS).await.len(), 3);
    let outcome = portal.try_ingest(portal.model.replace(&empty).unwrap().allow_empty()).await.unwrap();
    assert_eq!((outcome.queries.removed, outcome.touches.unwrap().removed), (3, 4));
}

#[test]
fn batches_that_contradict_themselves_are_refused_before_anything_is_sent() {
    let model = builder().build().unwrap();
    let first = day(2026, 1, 1);
    let one_day = || scope(first..day(2026, 1, 2), [port(1)]);
    let row = |count| queries(first, port(1), consumer(1), count);
    let key = format!("2026-01-01, {}, {}", port(1), consumer(1));

    let error =
        model.replace(&UsageBatch::builder(one_day()).queries(vec![row(1), row(2)]).build()).unwrap_err();
    assert!(error.is_batch());
    assert_eq!(error.to_string(), format!("the output-port queries hold the key ({key}) twice"));

    for outside in
        [queries(day(2026, 1, 2), port(1), consumer(1), 1), queries(first, port(2), consumer(1), 1)]
    {
        let error =
            model.replace(&UsageBatch::builder(one_day()).queries(vec![outside]).build()).unwrap_err();
        assert!(error.is_batch(), "{error}");
    }

    let error =
        model.replace(&UsageBatch::builder(one_day()).queries(vec![row(2_147_483_648)]).build()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the output-port queries count 2147483648 for ({key}), more than the 2147483647 that the table holds"
        )
    );
    assert!(model.replace(&UsageBatch::builder(one_day()).queries(vec![row(2_147_483_647)]).build()).is_ok());

    let touch = |count| touches(first, port(1), asset(1), consumer(1), count);
    let above = UsageBatch::builder(one_day()).queries(vec![row(1)]).touches(vec![touch(2)]).build();
    let error = model.replace(&above).unwrap_err();
    assert!(error.is_batch());
    assert!(error.to_string().contains("2 touches of a tech asset but 1 queries"), "{error}");
    let orphan = UsageBatch::builder(one_day()).touches(vec![touch(1)]).build();
    assert!(model.replace(&orphan).unwrap_err().is_batch());
    let unread = UsageBatch::builder(one_day()).queries(vec![row(3)]).touches(vec![touch(2)]).build();
    let error = model.replace(&unread).unwrap_err();
    assert!(error.to_string().contains("3 queries of an output port but 2 touches"), "{error}");

    let no_ports = UsageBatch::builder(scope(first..day(2026, 1, 2), [])).build();
    assert_eq!(model.replace(&no_ports).unwrap_err().to_string(), "the batch's scope has no output ports");
    assert!(Scope::new(first..first, [port(1)]).unwrap_err().is_request());
}

/// A partition's row is its table's, also to a foreign key.
#[tokio::test]
async fn an_id_of_a_partitioned_parent_is_known() {
    let portal = Portal::without_tables(builder().build().unwrap()).await;
    let part = "ALTER TABLE portal.datasets RENAME TO whole;
        CREATE TABLE portal.datasets (id uuid PRIMARY KEY, name text) PARTITION BY HASH (id);
        CREATE TABLE portal.even PARTITION OF portal.datasets FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE portal.odd PARTITION OF portal.datasets FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        INSERT INTO portal.datasets SELECT * FROM portal.whole";
    sqlx::raw_sql(part).execute(&portal.pool).await.unwrap();
    portal.create_tables().await;
    assert_eq!(portal.replace(&batch()).await.queries.written, 3);
}

/// Reading a parent finds what its heirs hold, and a foreign key to it does not.
#[tokio::test]
async fn an_id_that_only_heirs_of_a_parent_hold_is_unknown() {
    let portal = Portal::new().await;
    let (known, theirs) = (consumer(1), consumer(88));
    let inherit = format!(
        "CREATE TABLE portal.archived () INHERITS (portal.data_products);
         CREATE TABLE portal.deleted () INHERITS (portal.archived);
         INSERT INTO portal.archived (id, name) VALUES ('{theirs}', 'theirs'), ('{known}', 'also ours');
         INSERT INTO portal.deleted (id, name) VALUES ('{theirs}', 'twice'), ('{}', 'only here')",
        consumer(89)
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(inherit)).execute(&portal.pool).await.unwrap();
    let first = day(2026, 1, 1);
    let rows = [known, theirs, consumer(89)].map(|consumer| queries(first, port(1), consumer, 1));
    let batch = UsageBatch::builder(scope(first..day(2026, 1, 2), [port(1)])).queries(rows.to_vec()).build();

    let error = portal.try_ingest(portal.model.replace(&batch).unwrap()).await.unwrap_err();
    let unknown = error.rejected().unwrap().unknown_ids().unwrap();
    assert_eq!(unknown.consumers().collect::<Vec<_>>(), [theirs, consumer(89)]);
    let outcome = portal.try_ingest(portal.model.replace(&batch).unwrap().skip_unknown()).await.unwrap();
    assert_eq!(counts(&outcome.queries), (1, 0, 0, 2));
}

#[tokio::test]
async fn unknown_ids_are_each_named_before_the_first_write() {
    let portal = Portal::new().await;
    let first = day(2026, 1, 1);
    let batch = UsageBatch::builder(scope(first..day(2026, 1, 2), [port(1), port(77)]))
        .queries(vec![
            queries(first, port(1), consumer(1), 1),
            queries(first, port(77), consumer(88), 1),
            queries(first, port(1), consumer(89), 1),
        ])
        .touches(vec![
            touches(first, port(1), asset(99), consumer(1), 1),
            touches(first, port(77), asset(1), consumer(88), 1),
            touches(first, port(1), asset(1), consumer(89), 1),
        ])
        .build();
    let error = portal.try_ingest(portal.model.replace(&batch).unwrap()).await.unwrap_err();
    let error = error.rejected().unwrap();
    let unknown = error.unknown_ids().unwrap();
    assert_eq!(unknown.output_ports().collect::<Vec<_>>(), [port(77)]);
    assert_eq!(unknown.tech_assets().collect::<Vec<_>>(), [asset(99)]);
    assert_eq!(unknown.consumers().collect::<Vec<_>>(), [consumer(88), consumer(89)]);
    assert_eq!(
        error.to_string(),
        format!(
            "unknown output port {}; tech asset {}; consumers {}, {}",
            port(77),
            asset(99),
            consumer(88),
            consumer(89)
        )
    );
    assert_eq!(portal.contents(QUERY_STATS).await, Vec::<String>::new());
}

#[tokio::test]
async fn repeatable_read_is_refused_and_the_others_are_right() {
    let portal = Portal::new().await;
    for (level, refused) in [
        ("READ UNCOMMITTED", false),
        ("READ COMMITTED", false),
        ("REPEATABLE READ", true),
        ("SERIALIZABLE", false),
    ] {
        let mut transaction = portal.pool.begin().await.unwrap();
        let set = format!("SET TRANSACTION ISOLATION LEVEL {level}");
        sqlx::query(sqlx::AssertSqlSafe(set)).execute(&mut *transaction).await.unwrap();
        let result = portal.model.replace(&batch()).unwrap().run_sqlx(&mut transaction).await;
        assert_eq!(result.is_err(), refused, "{level}");
        if let Err(error) = result {
            let error = error.rejected().unwrap();
            assert!(error.is_transaction());
            assert!(error.to_string().starts_with("the transaction is REPEATABLE READ"), "{error}");
        }
        transaction.rollback().await.unwrap();
    }
    assert_eq!(portal.contents(QUERY_STATS).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_ingest_can_run_on_a_spawned_task() {
    let portal = Portal::new().await;
    let (pool, replace) = (portal.pool.clone(), portal.model.replace(&batch()).unwrap());
    let task = tokio::spawn(async move {
        let mut transaction = pool.begin().await.unwrap();
        let outcome = replace.run_sqlx(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        outcome
    });
    assert_eq!(task.await.unwrap().queries.written, 3);
}

#[tokio::test]
async fn a_replace_can_refuse_days_that_a_batch_leaves_wholly_empty() {
    let portal = Portal::new().await;
    let days = day(2026, 1, 1)..day(2026, 1, 4);
    let on = |dates: &[u32]| {
        let rows = dates.iter().map(|&date| queries(day(2026, 1, date), port(1), consumer(1), 1)).collect();
        UsageBatch::builder(scope(days.clone(), [port(1), port(2)])).queries(rows).build()
    };
    portal.replace(&on(&[1, 2, 3])).await;
    let before = portal.versions(QUERY_STATS).await;
    // a log of one day under a scope of three
    for (dates, message) in [
        (&[2][..], "no row on 2 of its days, 2026-01-01 the first of them, for any of its 2 output ports"),
        (&[1, 2], "no row on 1 of its days, 2026-01-03 the first of them"),
    ] {
        let mut transaction = portal.pool.begin().await.unwrap();
        let replace = portal.model.replace(&on(dates)).unwrap().refuse_empty_days();
        let error = replace.run_sqlx(&mut transaction).await.unwrap_err();
        assert!(error.rejected().unwrap().is_empty_batch());
        assert!(error.to_string().contains(message), "{error}");
        transaction.commit().await.unwrap();
        assert_eq!(portal.versions(QUERY_STATS).await, before);
    }
    let mut transaction = portal.pool.begin().await.unwrap();
    let whole = portal.model.replace(&on(&[1, 2, 3])).unwrap().refuse_empty_days();
    assert_eq!(whole.run_sqlx(&mut transaction).await.unwrap().queries.unchanged, 3);
}

#[test]
fn a_scope_without_days_does_not_deserialize() {
    let json = |days: &str| format!(r#"{{"days": {days}, "output_ports": ["{}"]}}"#, port(1));
    let whole: Scope =
        serde_json::from_str(&json(r#"{"start": "2026-01-01", "end": "2026-01-03"}"#)).unwrap();
    assert_eq!(whole, scope(day(2026, 1, 1)..day(2026, 1, 3), [port(1)]));
    assert_eq!(serde_json::from_str::<Scope>(&serde_json::to_string(&whole).unwrap()).unwrap(), whole);
    for days in
        [r#"{"start": "2026-01-03", "end": "2026-01-01"}"#, r#"{"start": "2026-01-01", "end": "2026-01-01"}"#]
    {
        let error = serde_json::from_str::<Scope>(&json(days)).unwrap_err().to_string();
        assert!(error.starts_with("days are empty or reversed"), "{error}");
    }
}

/// As on every day between its first ingest and the next analyze.
#[tokio::test]
async fn rows_of_a_day_that_no_statistics_know_are_not_compared_one_by_one() {
    let kept = |table| Reference::to(table).schema("portal").on_delete(OnDelete::Keep);
    let model = builder().output_ports(kept("datasets")).consumers(kept("data_products")).build().unwrap();
    let portal = Portal::with(model).await;
    let on = |date| {
        let rows = (0..2_000).map(|by| queries(date, port(1), consumer(by), 1)).collect();
        UsageBatch::builder(scope(date..date.succ_opt().unwrap(), [port(1)])).queries(rows).build()
    };
    portal.replace(&on(day(2026, 1, 1))).await;
    sqlx::raw_sql("ANALYZE usage.output_port_query_stats_daily").execute(&portal.pool).await.unwrap();
    let fresh = on(day(2026, 2, 1));
    portal.replace(&fresh).await;
    for statement in portal.model.replace(&fresh).unwrap().statements() {
        if !statement.title().contains("vanished") {
            continue;
        }
        let plan =
            portal.texts(&format!("EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) {statement}")).await.join("\n");
        assert!(plan.contains("SetOp"), "{}: {plan}", statement.title());
        assert!(!plan.contains("Removed by Join Filter"), "{}: {plan}", statement.title());
    }
}
