//! The usage tables on a throw-away server.

use output_port_usage::{
    Column, ConsumerId, GapReason, OutputPortQueries, TableNames, TechAssetId, UsageModelBuilder,
};
use serde_json::json;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::*;
use crate::fingerprint;
use crate::secret::Secrets;

/// A portal with the parents of the batch below, and the tables of a model.
async fn portal(model: Model) -> (Database, PgConnection, throwaway_postgres::Database) {
    let server = throwaway_postgres::database().unwrap_or_else(|error| panic!("{error}"));
    let url = Secrets::default().keep(server.url().to_owned());
    let limits = Limits::default();
    let database = Database::new(&url, model, limits, Interrupt::listen(limits.run)).unwrap();
    let mut connection = database.connect().await.unwrap();
    let ids = "INSERT INTO portal.datasets SELECT lpad(n::text, 32, '0')::uuid, 'port' FROM generate_series(1, 2) n;
        INSERT INTO portal.data_products VALUES (lpad('2', 32, '0')::uuid, 'consumer');";
    for text in [access_log::PARENTS, ids] {
        sqlx::raw_sql(text).execute(&mut connection).await.unwrap();
    }
    database.create_tables().await.unwrap();
    (database, connection, server)
}

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
}

const PORTS: [OutputPortId; 2] = [OutputPortId(Uuid::from_u128(1)), OutputPortId(Uuid::from_u128(2))];

/// 7 queries on the first of two days.
fn batch() -> UsageBatch {
    let consumer = ConsumerId(Uuid::from_u128(2));
    let rows = vec![OutputPortQueries::new(day(1), PORTS[0], consumer, 7)];
    UsageBatch::builder(Scope::new(day(1)..day(3), PORTS).unwrap()).queries(rows).build()
}

fn attribution() -> Attribution {
    let asset = TechAssetId(Uuid::from_u128(3));
    let builder = Attribution::builder().object("db.s.t", asset).tech_asset(asset, PORTS);
    builder.user("ana", ConsumerId(Uuid::from_u128(2))).build().unwrap()
}

#[tokio::test]
async fn the_tables_of_any_model_are_asked_what_they_hold() {
    let names = TableNames::new("Q").column(Column::Date, "day").column(Column::OutputPortId, "of");
    let coverage = TableNames::new("C").column(Column::Measured, "there");
    let builder: UsageModelBuilder = serde_json::from_str(access_log::MODEL).unwrap();
    let builder = builder.schema("own schema").queries_table(names).coverage_table(coverage);
    let (database, _, _server) = portal(Model::of(builder).unwrap()).await;
    let attribution = attribution();
    let batch = batch().into_builder().rules(attribution.rules()).unsettled_from(day(2)).build();
    assert!(!database.holds_any(&batch).await.unwrap());
    let firsts =
        |coverage: Vec<PortCoverage>| coverage.iter().map(|port| port.first_measured).collect::<Vec<_>>();
    assert_eq!(firsts(database.coverage(&attribution).await.unwrap()), [None, None]);

    let ingest = database.ingest(&batch, Empty::Refused).unwrap();
    database.write(ingest).await.unwrap();
    assert!(database.holds_any(&batch).await.unwrap());
    assert_eq!(firsts(database.coverage(&attribution).await.unwrap()), [Some(day(1)); 2]);
    let gaps = database.gaps(&attribution, Some(&attribution.rules()), day(1)..day(4)).await.unwrap();
    let gaps: Vec<_> = gaps.into_iter().map(|gap| (gap.output_port_id, gap.days, gap.reason)).collect();
    let of = |port| {
        [(port, day(2)..day(3), GapReason::Unsettled), (port, day(3)..day(4), GapReason::NeverMeasured)]
    };
    assert_eq!(gaps, [of(PORTS[0]), of(PORTS[1])].concat());
    let later = UsageBatch::builder(Scope::new(day(2)..day(3), PORTS).unwrap()).build();
    assert!(!database.holds_any(&later).await.unwrap());
}

#[tokio::test]
async fn tables_without_coverage_name_the_way_to_it() {
    let (database, mut connection, _server) = portal(crate::model::read(None).unwrap()).await;
    let drop = "DROP TABLE usage.output_port_usage_coverage";
    sqlx::raw_sql(drop).execute(&mut connection).await.unwrap();
    let failure = database.coverage(&attribution()).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Postgres);
    assert!(failure.to_string().contains("next: run once with --create-tables"), "{failure}");
    database.create_tables().await.unwrap();
    assert_eq!(database.coverage(&attribution()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_database_that_differs_is_refused_or_named() {
    let (database, mut connection, _server) = portal(crate::model::read(None).unwrap()).await;
    assert_eq!(database.check(day(1)).await.unwrap(), Vec::<String>::new());
    let alter = "DROP INDEX usage.output_port_query_stats_daily_date_idx;
        ALTER TABLE usage.tech_asset_stats_daily DROP CONSTRAINT tech_asset_stats_daily_consumer_id_fkey";
    sqlx::raw_sql(alter).execute(&mut connection).await.unwrap();
    let lines = database.check(day(1)).await.unwrap().join("\n");
    assert!(
        lines.contains(r#"slow: "usage"."output_port_query_stats_daily" has no brin index (date)"#),
        "{lines}"
    );
    assert!(
        lines.contains(
            "\n    CREATE /* output-port-usage: create without blocking the index on date of queries */ INDEX CONCURRENTLY"
        ),
        "{lines}"
    );
    assert!(lines.contains("wrong numbers: column"), "{lines}");

    let alter = "ALTER TABLE usage.tech_asset_stats_daily ALTER query_count TYPE bigint";
    sqlx::raw_sql(alter).execute(&mut connection).await.unwrap();
    let failure = database.check(day(1)).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Postgres);
    assert!(failure.to_string().contains("is bigint, not integer"), "{failure}");
}

#[tokio::test]
async fn a_commit_that_failed_is_not_said_to_have_written_nothing() {
    for (body, cause) in [
        ("RAISE 'not today';", "not today"),
        ("PERFORM pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid());", "terminating connection"),
    ] {
        let (database, mut connection, _server) = portal(crate::model::read(None).unwrap()).await;
        let trigger = format!(
            "CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON usage.output_port_query_stats_daily
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit();"
        );
        sqlx::raw_sql(AssertSqlSafe(trigger)).execute(&mut connection).await.unwrap();
        let ingest = database.ingest(&batch(), Empty::Refused).unwrap();
        let failure = database.write(ingest).await.unwrap_err();
        let text = failure.after("nothing was written").to_string();
        assert!(text.contains("the commit failed, or its answer was lost"), "{text}");
        assert!(text.contains(cause) && !text.contains("nothing was written"), "{text}");
    }
}

#[tokio::test]
async fn a_removal_takes_what_this_account_has_counted_alone() {
    let names = TableNames::new("C").column(Column::Measured, "there").column(Column::OutputPortId, "of");
    let builder: UsageModelBuilder = serde_json::from_str(access_log::MODEL).unwrap();
    let model = Model::of(builder.schema("own schema").coverage_table(names)).unwrap();
    let (database, mut connection, _server) = portal(model).await;
    let consumer = ConsumerId(Uuid::from_u128(2));
    for (port, account) in PORTS.into_iter().zip(["acme-one", "acme-two"]) {
        let rows = vec![OutputPortQueries::new(day(1), port, consumer, 7)];
        let batch = UsageBatch::builder(Scope::new(day(1)..day(3), [port]).unwrap()).queries(rows);
        let batch = batch.rules(fingerprint::rules(&attribution(), account)).build();
        database.write(database.ingest(&batch, Empty::Refused).unwrap()).await.unwrap();
    }
    let mapped = |ports: &[OutputPortId], consumers: &[ConsumerId]| {
        let ports = ports.iter().map(|port| json!({"id": port, "name": "without a tech asset"}));
        let consumers = consumers.iter().map(|consumer| json!({"id": consumer, "name": "of both"}));
        let (ports, consumers) = (Vec::from_iter(ports), Vec::from_iter(consumers));
        let mapping = json!({"output_ports": ports, "tech_assets": [], "consumers": consumers});
        Mapped::by(&serde_json::from_value(mapping).unwrap())
    };
    let ids = |left: &LeftIds| (left.output_ports.clone(), left.consumers.clone());
    let (first, both) = (mapped(&PORTS[..1], &[consumer]), mapped(&PORTS, &[consumer]));
    for (mapped, account) in [(&first, "acme-one"), (&both, "acme-two"), (&first, "acme-three")] {
        assert!(database.left(mapped, account).await.unwrap().is_empty(), "{account}");
    }

    // the consumer leaves one of two accounts, of which each names both output ports
    let left = database.left(&mapped(&PORTS, &[]), "acme-one").await.unwrap();
    assert_eq!(ids(&left), (Vec::new(), vec![consumer.0]));
    assert_eq!(database.remove(&left).await.unwrap(), 1);
    let of = "SELECT output_port_id FROM \"own schema\".output_port_query_stats_daily";
    let of: Vec<Uuid> = sqlx::query_scalar(of).fetch_all(&mut connection).await.unwrap();
    assert_eq!(of, [PORTS[1].0]);
    let measured = async || {
        let coverage = database.coverage(&attribution()).await.unwrap();
        coverage.iter().map(|port| (port.first_measured, port.settled_until)).collect::<Vec<_>>()
    };
    let all = (Some(day(1)), Some(day(3)));
    assert_eq!(measured().await, [all, all]);

    // whoever has counted without saying so may be somebody else
    let rules = |rules: &str| {
        let update =
            format!("UPDATE \"own schema\".\"C\" SET rules = {rules} WHERE \"of\" = '{}'", PORTS[1].0);
        sqlx::raw_sql(AssertSqlSafe(update))
    };
    rules("NULL").execute(&mut connection).await.unwrap();
    assert!(database.left(&first, "acme-two").await.unwrap().is_empty());

    // an output port leaves, and is as if nobody had measured it
    let own = fingerprint::rules(&attribution(), "acme-two").of(PORTS[1]).unwrap();
    rules(&format!("'{own}'")).execute(&mut connection).await.unwrap();
    let left = database.left(&first, "acme-two").await.unwrap();
    assert_eq!(ids(&left), (vec![PORTS[1].0], Vec::new()));
    assert_eq!(database.remove(&left).await.unwrap(), 1);
    assert_eq!(measured().await, [all, (None, None)]);
    assert!(database.left(&first, "acme-two").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_transaction_has_limits_of_any_length_and_leaves_nothing_behind_a_pooler() {
    let (database, mut connection, _server) = portal(crate::model::read(None).unwrap()).await;
    let limits = Limits {
        statement: Duration::from_secs(40 * 24 * 3600),
        lock: Duration::from_micros(1),
        ..database.limits
    };
    let database = Database { limits, ..database };
    let mut transaction = database.begin(&mut connection).await.unwrap();
    assert!(database.relations(&mut transaction).await.unwrap() > 0);
    let asked = "SELECT string_agg(setting || unit, ' ' ORDER BY name) FROM pg_catalog.pg_settings
        WHERE name IN ('statement_timeout', 'lock_timeout')";
    let settings: String =
        sqlx::query_scalar(asked).persistent(false).fetch_one(&mut *transaction).await.unwrap();
    assert_eq!(settings, "1ms 2147483647ms");
    let prepared = "SELECT count(*) FROM pg_catalog.pg_prepared_statements WHERE name <> ''";
    let prepared: i64 =
        sqlx::query_scalar(prepared).persistent(false).fetch_one(&mut *transaction).await.unwrap();
    assert_eq!(prepared, 0);
}
