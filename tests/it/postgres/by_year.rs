//! The library's own partitioning: tables with rows are converted, years come and go.

use output_port_usage::chart::*;
use output_port_usage::*;
use sqlx::{AssertSqlSafe, raw_sql};

use crate::portal::{Portal, QUERY_STATS, TOUCH_STATS, builder, consumer, day, port, queries, scope};
use crate::postgres::partitioned::{charts, winter};

fn whole() -> UsageModel {
    builder().combinations().coverage().read_by_consumer().read_by_tech_asset().build().unwrap()
}

async fn run(portal: &Portal, statements: Vec<Statement>) -> Result<(), sqlx::Error> {
    for statement in statements {
        statement.into_sqlx().execute(&portal.pool).await?;
    }
    Ok(())
}

async fn differences(portal: &Portal, today: chrono::NaiveDate) -> Vec<Difference> {
    let check = portal.model.check(today);
    let rows = check.query().into_sqlx().fetch_all(&portal.pool).await.unwrap();
    check.differences(rows).unwrap()
}

async fn raw(portal: &Portal, sql: impl Into<String>) {
    raw_sql(AssertSqlSafe(sql.into())).execute(&portal.pool).await.unwrap();
}

fn code(error: &sqlx::Error) -> String {
    error.as_database_error().unwrap().code().unwrap().into_owned()
}

/// What the tables are made of, partitions apart: every constraint, index, comment and right by name and definition.
async fn definitions(portal: &Portal) -> Vec<String> {
    let all = "WITH t AS (
            SELECT oid, relname, relacl, relowner FROM pg_class
            WHERE relnamespace = 'usage'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        )
        SELECT 'constraint ' || conname || ' ' || pg_get_constraintdef(k.oid) || ' ' || convalidated
            FROM pg_constraint AS k JOIN t ON t.oid = conrelid WHERE contype <> 'n'
        UNION ALL SELECT 'index ' || replace(pg_get_indexdef(indexrelid), 'ON ONLY', 'ON') || ' ' || indisvalid
            FROM pg_index JOIN t ON t.oid = indrelid
        UNION ALL SELECT 'comment ' || relname || ' ' || objsubid || ' ' || description
            FROM pg_description JOIN t ON t.oid = objoid
        UNION ALL SELECT 'column ' || relname || ' ' || attname || ' ' || attnotnull || ' ' || format_type(atttypid, atttypmod)
            FROM pg_attribute JOIN t ON t.oid = attrelid WHERE attnum > 0
        UNION ALL SELECT 'rights ' || relname || ' ' || relowner::regrole || ' ' || coalesce((SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(relacl) AS a), '') FROM t
        ORDER BY 1";
    portal.texts(all).await
}

/// Every relation with the version of its row.
async fn relations(portal: &Portal) -> Vec<String> {
    let all = "SELECT relname || ' ' || oid || ' ' || relfilenode FROM pg_class
        WHERE relnamespace = 'usage'::regnamespace ORDER BY 1";
    portal.texts(all).await
}

async fn rows(portal: &Portal) -> Vec<Vec<String>> {
    vec![portal.contents(QUERY_STATS).await, portal.contents(TOUCH_STATS).await]
}

#[tokio::test]
async fn tables_with_rows_are_converted_and_all_names_stay() {
    let portal = Portal::with(whole()).await;
    portal.replace(&winter(1)).await;
    let rights = format!(
        "ALTER TABLE usage.{QUERY_STATS} OWNER TO pg_signal_backend;
        GRANT SELECT ON usage.{QUERY_STATS} TO pg_monitor WITH GRANT OPTION;
        GRANT INSERT, DELETE ON usage.{QUERY_STATS} TO PUBLIC;
        ALTER TABLE usage.{TOUCH_STATS} ADD note text DEFAULT 'host''s', ADD CHECK (note <> '');
        COMMENT ON TABLE usage.{TOUCH_STATS} IS 'it''s the host''s'"
    );
    raw(&portal, rights).await;
    let (before, held, mut seen) = (definitions(&portal).await, rows(&portal).await, Vec::new());
    charts(&portal, &mut seen).await;

    run(&portal, portal.model.partition_by_year(2024..2027).unwrap()).await.unwrap();
    assert_eq!(definitions(&portal).await, before);
    assert_eq!(rows(&portal).await, held);
    let mut after = Vec::new();
    charts(&portal, &mut after).await;
    assert_eq!(after, seen);
    let parts = "SELECT relname || ' ' || pg_get_expr(relpartbound, oid) || ' ' || relowner::regrole || ' ' || array_length(reloptions, 1)
        FROM pg_class WHERE relispartition AND relkind = 'r' AND relname ~ 'query|tech' ORDER BY relname";
    let superuser = portal.texts("SELECT current_user::text").await.remove(0);
    let expected =
        [(QUERY_STATS, "pg_signal_backend"), (TOUCH_STATS, superuser.as_str())].map(|(table, owner)| {
            [2024, 2025, 2026].map(|year| {
                let until = year + 1;
                format!("{table}_{year} FOR VALUES FROM ('{year}-01-01') TO ('{until}-01-01') {owner} 4")
            })
        });
    assert_eq!(portal.texts(parts).await, expected.concat());

    // twice is as once, and nothing is missing to the definitions but the host's own comment
    let made = relations(&portal).await;
    run(&portal, portal.model.partition_by_year(2024..2027).unwrap()).await.unwrap();
    portal.create_tables().await;
    for migration in whole().migrations() {
        raw(&portal, migration.up()).await;
    }
    assert_eq!(relations(&portal).await, made);
}

#[tokio::test]
async fn converted_tables_take_every_write() {
    let [portal, plain] = [Portal::with(whole()).await, Portal::with(whole()).await];
    for portal in [&portal, &plain] {
        portal.replace(&winter(1)).await;
    }
    run(&portal, portal.model.partition_by_year(2025..2027).unwrap()).await.unwrap();
    for portal in [&portal, &plain] {
        run(portal, portal.model.drop_foreign_keys()).await.unwrap();
        let keys = "SELECT count(*)::text FROM pg_constraint WHERE contype = 'f' AND conrelid <> 'usage.output_port_usage_coverage'::regclass
            AND connamespace = 'usage'::regnamespace";
        assert_eq!(portal.texts(keys).await, ["0"]);
        let mut transaction = portal.pool.begin().await.unwrap();
        let history = winter(2);
        let backfill = portal.model.backfill(history.scope().clone()).unwrap().replace_existing();
        let batches = futures_util::stream::iter([Ok::<_, std::io::Error>(history)]);
        backfill.run_sqlx(&mut transaction, batches).await.unwrap();
        transaction.commit().await.unwrap();
        run(portal, portal.model.add_foreign_keys()).await.unwrap();
        portal.replace(&winter(3)).await;
        portal.try_ingest(portal.model.upsert(&winter(5)).unwrap()).await.unwrap();
        portal.remove(portal.model.purge(&Purge::before(day(2025, 12, 15))).unwrap()).await;
        portal.vacuum().await;
    }
    assert_eq!(definitions(&portal).await, definitions(&plain).await);
    assert_eq!(rows(&portal).await, rows(&plain).await);
}

#[tokio::test]
async fn years_come_are_detached_and_dropped() {
    let portal = Portal::with(whole()).await;
    portal.replace(&winter(4)).await;
    run(&portal, portal.model.partition_by_year(2025..2027).unwrap()).await.unwrap();
    let later = day(2027, 3, 1);
    let batch = || {
        UsageBatch::builder(scope(later..day(2027, 3, 2), [port(1)]))
            .queries(vec![queries(later, port(1), consumer(1), 3)])
            .build()
    };
    let error = portal.try_ingest(portal.model.replace(&batch()).unwrap()).await.unwrap_err();
    let WriteError::Driver(error) = error else { panic!("{error}") };
    assert_eq!(code(&error), "23514");

    // the schema check finds nothing else, asks for the year in time, and mends it
    assert!(differences(&portal, day(2026, 11, 1)).await.is_empty());
    let missing = differences(&portal, day(2026, 12, 2)).await;
    assert_eq!(missing.len(), 3, "{missing:?}");
    for difference in missing {
        assert!(
            difference
                .to_string()
                .ends_with("has no partition for 2027-01-01: an ingest will fail with SQLSTATE 23514")
        );
        run(&portal, difference.mend().to_vec()).await.unwrap();
    }
    assert!(differences(&portal, day(2026, 12, 2)).await.is_empty());

    run(&portal, portal.model.add_years(2026..2029).unwrap()).await.unwrap();
    portal.replace(&batch()).await;
    raw(&portal, format!("ALTER TABLE usage.{QUERY_STATS}_2028 RENAME TO other")).await;
    let made = relations(&portal).await;
    // whatever the partition's name, and however dates are written
    let mut connection = portal.pool.acquire().await.unwrap();
    raw_sql("SET DateStyle = 'German'").execute(&mut *connection).await.unwrap();
    for statement in portal.model.add_years(2025..2029).unwrap() {
        statement.into_sqlx().execute(&mut *connection).await.unwrap();
    }
    raw_sql("RESET DateStyle").execute(&mut *connection).await.unwrap();
    assert_eq!(relations(&portal).await, made);

    let attached = run(&portal, portal.model.drop_year(2025).unwrap()).await.unwrap_err();
    assert_eq!(code(&attached), "55006");
    let chart = QueriesOverTime::new(port(1), day(2025, 12, 30)..day(2026, 1, 3));
    let before = portal.rows(&chart).await;
    assert!(before.iter().all(|point| point.query_count > 0));
    let (rows_before, detach) = (rows(&portal).await, portal.model.detach_year(2025).unwrap());
    assert!(detach.iter().all(Statement::runs_outside_transaction));
    run(&portal, detach).await.unwrap();
    let after = portal.rows(&chart).await;
    assert_eq!(
        after.iter().map(|point| point.query_count > 0).collect::<Vec<_>>(),
        [false, false, true, true]
    );
    // coverage says that these were measured, until a purge says otherwise
    assert_eq!(after[0].coverage, before[0].coverage);
    let kept = portal.contents(&format!("{QUERY_STATS}_2025")).await;
    assert_eq!([kept, portal.contents(QUERY_STATS).await].concat(), rows_before[0]);
    portal.remove(portal.model.purge(&Purge::before(day(2026, 1, 1))).unwrap()).await;
    let purged = portal.rows(&chart).await;
    assert_ne!(purged[0].coverage, before[0].coverage);
    assert_eq!(purged[2..], before[2..]);
    for _ in 0..2 {
        run(&portal, portal.model.drop_year(2025).unwrap()).await.unwrap();
    }
    let gone = "SELECT relname::text FROM pg_class WHERE relname ~ '2025'";
    assert_eq!(portal.texts(gone).await, Vec::<String>::new());
    assert_eq!(portal.rows(&chart).await, purged);
}

#[tokio::test]
async fn what_would_be_lost_is_named_and_nothing_changes() {
    let portal = Portal::with(builder().build().unwrap()).await;
    portal.replace(&winter(4)).await;
    let table = format!("usage.{QUERY_STATS}");
    let function = "CREATE FUNCTION public.own() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'";
    raw(&portal, function).await;
    raw(&portal, "CREATE TABLE portal.archive (id uuid PRIMARY KEY); INSERT INTO portal.archive SELECT id FROM portal.datasets").await;
    let on = |what: &str| what.replace("{t}", &table);
    for (own, undo, state, message) in [
        (
            "CREATE TRIGGER own BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION public.own()",
            "DROP TRIGGER own ON {t}",
            "0A000",
            "the trigger own would be lost",
        ),
        ("CREATE POLICY own ON {t}", "DROP POLICY own ON {t}", "0A000", "the policy own would be lost"),
        (
            "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE {t} DISABLE ROW LEVEL SECURITY",
            "0A000",
            "row level security of output_port_query_stats_daily would be lost",
        ),
        (
            "GRANT SELECT (date) ON {t} TO pg_monitor",
            "REVOKE SELECT (date) ON {t} FROM pg_monitor",
            "0A000",
            "rights on the column date would be lost",
        ),
        (
            "CREATE INDEX own ON {t} (query_count)",
            "DROP INDEX usage.own",
            "0A000",
            "the index own would be lost",
        ),
        (
            "ALTER TABLE {t} ADD CONSTRAINT own FOREIGN KEY (output_port_id) REFERENCES portal.archive",
            "ALTER TABLE {t} DROP CONSTRAINT own",
            "0A000",
            "the foreign key own would be lost",
        ),
        (
            "CREATE PUBLICATION own FOR TABLE {t}",
            "DROP PUBLICATION own",
            "0A000",
            "the publication own would be lost",
        ),
        (
            "CREATE PUBLICATION own FOR ALL TABLES",
            "DROP PUBLICATION own",
            "0A000",
            "the publication own would be lost",
        ),
        (
            "CREATE VIEW usage.own AS SELECT date FROM {t}",
            "DROP VIEW usage.own",
            "0A000",
            "the view own would be lost",
        ),
        (
            "CREATE RULE own AS ON DELETE TO {t} DO INSTEAD NOTHING",
            "DROP RULE own ON {t}",
            "0A000",
            "the rule own would be lost",
        ),
        (
            "CREATE TABLE usage.own () INHERITS ({t})",
            "DROP TABLE usage.own",
            "0A000",
            "the inheritance of own would be lost",
        ),
        (
            "ALTER TABLE {t} REPLICA IDENTITY FULL",
            "ALTER TABLE {t} REPLICA IDENTITY DEFAULT",
            "0A000",
            "the replica identity of output_port_query_stats_daily would be lost",
        ),
        (
            "ALTER TABLE {t} SET UNLOGGED",
            "ALTER TABLE {t} SET LOGGED",
            "0A000",
            "that it is not logged, output_port_query_stats_daily would be lost",
        ),
        (
            "CREATE STATISTICS usage.own ON date, consumer_id FROM {t}",
            "DROP STATISTICS usage.own",
            "0A000",
            "the statistics own would be lost",
        ),
        (
            "ALTER TABLE {t} ADD own int GENERATED BY DEFAULT AS IDENTITY",
            "ALTER TABLE {t} DROP own",
            "0A000",
            "the identity of the column own would be lost",
        ),
    ] {
        raw(&portal, on(own)).await;
        let before = (relations(&portal).await, definitions(&portal).await);
        let error = run(&portal, portal.model.partition_by_year(2025..2027).unwrap()).await.unwrap_err();
        assert_eq!(code(&error), state, "{own}: {error}");
        assert_eq!(error.as_database_error().unwrap().message(), message);
        assert_eq!((relations(&portal).await, definitions(&portal).await), before);
        raw(&portal, on(undo)).await;
    }
    // a row of another year
    let error = run(&portal, portal.model.partition_by_year(2026..2027).unwrap()).await.unwrap_err();
    assert_eq!(code(&error), "23514");
    run(&portal, portal.model.partition_by_year(2025..2027).unwrap()).await.unwrap();
}

/// An older snapshot would lack what others commit while the conversion waits for them.
#[tokio::test]
async fn a_conversion_is_read_committed_and_looks_once_it_has_the_table() {
    let portal = Portal::with(builder().build().unwrap()).await;
    portal.replace(&winter(4)).await;
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        let mut transaction = portal.pool.begin().await.unwrap();
        let set = AssertSqlSafe(format!("SET TRANSACTION ISOLATION LEVEL {level}"));
        raw_sql(set).execute(&mut *transaction).await.unwrap();
        let convert = portal.model.partition_by_year(2025..2027).unwrap().remove(0);
        let error = convert.into_sqlx().execute(&mut *transaction).await.unwrap_err();
        assert_eq!(code(&error), "25001", "{level}");
    }
    let before = portal.contents(QUERY_STATS).await;
    for (late, state) in [
        ("CREATE INDEX late ON usage.{t} (query_count)", Some("0A000")),
        ("UPDATE usage.{t} SET query_count = 99", None),
    ] {
        let mut other = portal.pool.begin().await.unwrap();
        raw_sql(AssertSqlSafe(late.replace("{t}", QUERY_STATS))).execute(&mut *other).await.unwrap();
        let (pool, statements) = (portal.pool.clone(), portal.model.partition_by_year(2025..2027).unwrap());
        let converting = tokio::spawn(async move {
            for statement in statements {
                statement.into_sqlx().execute(&pool).await?;
            }
            Ok::<_, sqlx::Error>(())
        });
        let waits = format!(
            "SELECT count(*)::text FROM pg_locks WHERE NOT granted AND relation = 'usage.{QUERY_STATS}'::regclass"
        );
        while portal.texts(&waits).await == ["0"] {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        other.commit().await.unwrap();
        let converted = converting.await.unwrap();
        assert_eq!(converted.err().map(|error| code(&error)).as_deref(), state, "{late}");
        raw(&portal, "DROP INDEX IF EXISTS usage.late").await;
    }
    let after = portal.contents(QUERY_STATS).await;
    assert_eq!(after.len(), before.len());
    assert!(after.iter().all(|row| row.ends_with(",99)")), "{after:?}");
}

#[tokio::test]
async fn no_role_gains_a_right_and_no_table_of_the_hosts_own_is_dropped() {
    let portal = Portal::with(builder().build().unwrap()).await;
    portal.replace(&winter(4)).await;
    raw(
        &portal,
        "ALTER DEFAULT PRIVILEGES IN SCHEMA usage GRANT SELECT, DELETE ON TABLES TO pg_monitor;
         ALTER DEFAULT PRIVILEGES IN SCHEMA usage GRANT TRUNCATE ON TABLES TO PUBLIC",
    )
    .await;
    run(&portal, portal.model.partition_by_year(2025..2027).unwrap()).await.unwrap();
    let rights = "SELECT DISTINCT a.grantee::text FROM pg_class AS c, aclexplode(c.relacl) AS a
        WHERE c.relnamespace = 'usage'::regnamespace AND c.relkind IN ('r', 'p') AND a.grantee <> c.relowner";
    assert_eq!(portal.texts(rights).await, Vec::<String>::new());

    raw(&portal, format!("CREATE TABLE usage.{QUERY_STATS}_2019 AS SELECT 'an archive' AS what")).await;
    let error = run(&portal, portal.model.drop_year(2019).unwrap()).await.unwrap_err();
    assert_eq!(code(&error), "42809");
    assert_eq!(portal.contents(&format!("{QUERY_STATS}_2019")).await, ["(\"an archive\")"]);
}

/// The conversion waits for its foreign keys here, with the lock that it holds while it copies.
#[tokio::test]
async fn charts_go_on_while_a_table_is_converted_and_writes_wait() {
    let portal = Portal::with(builder().build().unwrap()).await;
    portal.replace(&winter(4)).await;
    let mut other = portal.pool.begin().await.unwrap();
    raw_sql("LOCK TABLE portal.datasets IN ROW EXCLUSIVE MODE").execute(&mut *other).await.unwrap();
    let (pool, statements) = (portal.pool.clone(), portal.model.partition_by_year(2025..2027).unwrap());
    let converting = tokio::spawn(async move {
        for statement in statements {
            statement.into_sqlx().execute(&pool).await.unwrap();
        }
    });
    let waits =
        "SELECT count(*)::text FROM pg_locks WHERE NOT granted AND relation = 'portal.datasets'::regclass";
    while portal.texts(waits).await == ["0"] {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let chart = QueriesOverTime::new(port(1), day(2025, 12, 30)..day(2026, 1, 3));
    assert!(portal.rows(&chart).await.iter().all(|point| point.query_count > 0));
    let write = format!("SET LOCAL lock_timeout = '50ms'; DELETE FROM usage.{QUERY_STATS}");
    let mut writer = portal.pool.begin().await.unwrap();
    let error = raw_sql(AssertSqlSafe(write)).execute(&mut *writer).await.unwrap_err();
    assert_eq!(code(&error), "55P03");
    writer.rollback().await.unwrap();
    other.rollback().await.unwrap();
    converting.await.unwrap();
}

#[test]
fn years_are_those_of_the_calendar() {
    let model = builder().build().unwrap();
    let message = |error: Error| {
        assert!(error.is_request());
        error.to_string()
    };
    assert_eq!(
        message(model.partition_by_year(2026..2026).unwrap_err()),
        "years are empty or reversed: 2026 to 2026 (the end is exclusive)"
    );
    assert_eq!(message(model.add_years(0..3).unwrap_err()), "year 0 is outside 1 to 9998");
    assert_eq!(
        message(model.add_years(i32::MIN..i32::MAX).unwrap_err()),
        "year 2147483646 is outside 1 to 9998"
    );
    assert_eq!(message(model.detach_year(9999).unwrap_err()), "year 9999 is outside 1 to 9998");
    assert_eq!(message(model.drop_year(-1).unwrap_err()), "year -1 is outside 1 to 9998");
    assert_eq!(model.add_years(9998..9999).unwrap().len(), 2);
    assert!(model.add_years(1..2).unwrap()[0].sql().contains("FROM ('0001-01-01') TO ('0002-01-01')"));
}

#[test]
fn the_statements_of_a_year() {
    let names = TableNames::new("stats").column(Column::Date, "day");
    let model = builder().queries_table(names).build().unwrap();
    let first = |statements: Vec<Statement>| statements.into_iter().next().unwrap();
    insta::assert_snapshot!(first(model.partition_by_year(2025..2027).unwrap()));
    insta::assert_snapshot!(first(model.add_years(2027..2028).unwrap()), @r#"
    DO /* output-port-usage: add a year of queries */ $do$
    DECLARE
        of record;
    BEGIN
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS t
            JOIN pg_catalog.pg_inherits AS h ON h.inhparent = t.oid
            JOIN pg_catalog.pg_class AS c ON c.oid = h.inhrelid
            WHERE t.relname = 'stats' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND pg_catalog.pg_get_expr(c.relpartbound, c.oid) = pg_catalog.format(
                    'FOR VALUES FROM (%L) TO (%L)', '2027-01-01'::date, '2028-01-01'::date
                ) AND NOT h.inhdetachpending
        ) THEN
            CREATE TABLE "usage"."stats_2027" PARTITION OF "usage"."stats"
                FOR VALUES FROM ('2027-01-01') TO ('2028-01-01') WITH (
                autovacuum_vacuum_insert_scale_factor = 0.0,
                autovacuum_vacuum_insert_threshold = 5000,
                autovacuum_vacuum_scale_factor = 0.01,
                autovacuum_analyze_scale_factor = 0.02
            );
        FOR of IN
            SELECT s.nspname, c.relname, pg_catalog.pg_get_userbyid(o.relowner) AS owner
            FROM pg_catalog.pg_class AS t
            CROSS JOIN LATERAL (
                SELECT t.oid UNION SELECT r.relid::oid FROM pg_catalog.pg_partition_tree(t.oid) AS r
            ) AS u
            JOIN pg_catalog.pg_class AS c ON c.oid = u.oid
            JOIN pg_catalog.pg_namespace AS s ON s.oid = c.relnamespace
            JOIN pg_catalog.pg_class AS o ON o.relowner <> c.relowner AND o.relname = 'stats' AND o.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
            WHERE t.relname = 'stats' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
            ORDER BY c.oid <> t.oid, 2
        LOOP
            EXECUTE pg_catalog.format('ALTER TABLE %I.%I OWNER TO %I', of.nspname, of.relname, of.owner);
        END LOOP;
        END IF;
    END
    $do$
    "#);
    insta::assert_snapshot!(first(model.detach_year(2025).unwrap()), @r#"ALTER /* output-port-usage: detach a year of queries */ TABLE "usage"."stats" DETACH PARTITION "usage"."stats_2025" CONCURRENTLY"#);
    insta::assert_snapshot!(first(model.drop_year(2025).unwrap()), @r#"
    DO /* output-port-usage: drop a year of queries */ $do$
    BEGIN
        IF EXISTS (
            SELECT FROM pg_catalog.pg_class AS t
            WHERE t.relname = 'stats_2025' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage') AND t.relispartition
        ) THEN
            RAISE EXCEPTION '% is still a partition', 'stats_2025' USING ERRCODE = 'object_in_use',
                HINT = 'detach it first; a detach that was cancelled is ended by ALTER TABLE ... DETACH PARTITION ... FINALIZE';
        END IF;
        IF EXISTS (
            SELECT FROM pg_catalog.pg_class AS t
            WHERE t.relname = 'stats_2025' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
                AND (t.relkind <> 'r' OR EXISTS (
                    SELECT FROM (VALUES ('day'), ('output_port_id'), ('consumer_id'), ('query_count')) AS w(named)
                    WHERE w.named::name NOT IN (
                        SELECT a.attname FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = t.oid AND NOT a.attisdropped
                    )
                ))
        ) THEN
            RAISE EXCEPTION '% is no year of the model', 'stats_2025' USING ERRCODE = 'wrong_object_type';
        END IF;
        DROP TABLE IF EXISTS "usage"."stats_2025";
    END
    $do$
    "#);
}
