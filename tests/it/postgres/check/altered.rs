//! One alteration after another: what the check says, and that its statements undo it.

use super::*;

/// Alters tables as the model makes them, checks, mends, and checks again.
async fn altered(script: &str, expected: &[&str]) {
    let portal = Portal::with(full()).await;
    let made = definitions(&portal).await;
    run(&portal, script).await;
    let found = differences(&portal).await;
    assert_eq!(shown(&found), expected, "{script}");
    mend(&portal.pool, &found).await;
    let mended: Vec<bool> = found.iter().map(|of| !of.mend().is_empty()).collect();
    if mended.iter().all(|mended| *mended) {
        assert_eq!(shown(&differences(&portal).await), Vec::<String>::new(), "{script}");
        assert_eq!(definitions(&portal).await, made, "{script}");
    } else {
        // a person decides, and nothing was touched meanwhile
        assert_eq!(mended, vec![false; mended.len()], "{script}");
        assert_eq!(shown(&differences(&portal).await), expected, "{script}");
    }
}

#[tokio::test]
async fn columns_of_another_type_or_none() {
    altered(
        "ALTER TABLE usage.tech_asset_stats_daily ALTER query_count TYPE bigint",
        &[r#"errors to come: column "query_count" of "usage"."tech_asset_stats_daily" is bigint, not integer"#],
    )
    .await;
    altered(
        "ALTER TABLE usage.output_port_usage_coverage RENAME counted TO counted_once",
        &[
            r#"errors to come: "usage"."output_port_usage_coverage" has no column "counted""#,
            r#"errors to come: column "counted_once" of "usage"."output_port_usage_coverage" is NOT NULL without a default: the library writes no value for it"#,
        ],
    )
    .await;
    altered(
        "ALTER TABLE portal.data_products DROP CONSTRAINT data_products_domain_id_fkey, ALTER domain_id TYPE text",
        &[r#"errors to come: column "domain_id" of "portal"."data_products" is text, not uuid"#],
    )
    .await;
}

#[tokio::test]
async fn a_count_that_may_be_null_and_checks_that_are_gone() {
    altered(
        "ALTER TABLE usage.output_port_combined_with_daily ALTER query_count DROP NOT NULL,
            DROP CONSTRAINT output_port_combined_with_daily_query_count_check,
            DROP CONSTRAINT output_port_combined_with_daily_ordered_check",
        &[
            r#"wrong numbers: column "query_count" of "usage"."output_port_combined_with_daily" takes NULL"#,
            r#"errors to come: "usage"."output_port_combined_with_daily" has no constraint CHECK ((query_count >= 0))"#,
            r#"wrong numbers: "usage"."output_port_combined_with_daily" has no constraint CHECK ((output_port_id_1 < output_port_id_2))"#,
        ],
    )
    .await;
}

const NO_KEY: &str =
    "ALTER TABLE usage.output_port_query_stats_daily DROP CONSTRAINT output_port_query_stats_daily_pkey";

#[tokio::test]
async fn keys_in_another_order_without_the_count_or_gone() {
    altered(
        &format!("{NO_KEY}, ADD CONSTRAINT by_date PRIMARY KEY (date, output_port_id, consumer_id)"),
        &[
            r#"slow: key "by_date" of "usage"."output_port_query_stats_daily" is (date, output_port_id, consumer_id), not (output_port_id, date, consumer_id) INCLUDE (query_count): a chart reads its days of all output ports"#,
        ],
    )
    .await;
    altered(
        &format!("{NO_KEY}; CREATE UNIQUE INDEX no_count ON usage.output_port_query_stats_daily (output_port_id, date, consumer_id)"),
        &[
            r#"slow: key "no_count" of "usage"."output_port_query_stats_daily" is (output_port_id, date, consumer_id), not (output_port_id, date, consumer_id) INCLUDE (query_count): charts read the table too, or more than they need"#,
        ],
    )
    .await;
    altered(
        NO_KEY,
        &[
            r#"errors to come: "usage"."output_port_query_stats_daily" has no unique key (output_port_id, date, consumer_id) INCLUDE (query_count): an ingest fails with SQLSTATE 42P10"#,
        ],
    )
    .await;
}

#[tokio::test]
async fn keys_beside_the_key() {
    altered(
        "ALTER TABLE usage.tech_asset_stats_daily ADD CONSTRAINT one_a_day UNIQUE (date, tech_asset_id)",
        &[
            r#"errors to come: unique key "one_a_day" of "usage"."tech_asset_stats_daily" is (date, tech_asset_id): it refuses rows that differ in other columns"#,
        ],
    )
    .await;
    altered(
        "ALTER TABLE usage.output_port_query_stats_daily ADD UNIQUE (date, output_port_id, consumer_id)",
        &[
            r#"slow: key "output_port_query_stats_daily_date_output_port_id_consumer__key" of "usage"."output_port_query_stats_daily" is (date, output_port_id, consumer_id), beside "output_port_query_stats_daily_pkey", which does the same"#,
        ],
    )
    .await;
}

#[tokio::test]
async fn indexes_that_are_gone_twice_invalid_or_in_the_way() {
    altered(
        "DROP INDEX usage.tech_asset_stats_daily_date_idx;
         DROP INDEX usage.output_port_combined_with_daily_way_back_idx;
         CREATE INDEX again ON usage.tech_asset_stats_daily (consumer_id, date, tech_asset_id, output_port_id) INCLUDE (query_count);
         CREATE INDEX alone ON usage.output_port_query_stats_daily (output_port_id);
         UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'usage.output_port_query_stats_daily_by_consumer_idx'::regclass",
        &[
            r#"slow: index "output_port_query_stats_daily_by_consumer_idx" of "usage"."output_port_query_stats_daily" is invalid"#,
            r#"slow: index "alone" of "usage"."output_port_query_stats_daily" is over output_port_id alone: the planner may read all output ports for it"#,
            r#"slow: "usage"."output_port_query_stats_daily" has no btree index (consumer_id, date, output_port_id) INCLUDE (query_count)"#,
            r#"slow: "usage"."tech_asset_stats_daily" has no brin index (date)"#,
            r#"slow: index "again" of "usage"."tech_asset_stats_daily" is there twice: (consumer_id, date, tech_asset_id, output_port_id) INCLUDE (query_count)"#,
            r#"slow: "usage"."output_port_combined_with_daily" has no btree index (output_port_id_2, date, output_port_id_1, consumer_id) INCLUDE (query_count)"#,
        ],
    )
    .await;
}

#[tokio::test]
async fn foreign_keys_that_are_gone_do_something_else_or_are_there_twice() {
    altered(
        "ALTER TABLE usage.output_port_query_stats_daily
            DROP CONSTRAINT output_port_query_stats_daily_output_port_id_fkey,
            DROP CONSTRAINT output_port_query_stats_daily_consumer_id_fkey,
            ADD CONSTRAINT falls_too FOREIGN KEY (consumer_id) REFERENCES portal.data_products ON DELETE CASCADE;
         ALTER TABLE usage.tech_asset_stats_daily DROP CONSTRAINT tech_asset_stats_daily_consumer_id_fkey;
         ALTER TABLE usage.tech_asset_stats_daily
            ADD CONSTRAINT tech_asset_stats_daily_consumer_id_fkey
                FOREIGN KEY (consumer_id) REFERENCES portal.data_products ON DELETE RESTRICT NOT VALID,
            ADD CONSTRAINT again FOREIGN KEY (tech_asset_id) REFERENCES portal.technical_assets ON DELETE CASCADE",
        &[
            r#"wrong numbers: column "output_port_id" of "usage"."output_port_query_stats_daily" has no foreign key to "portal"."datasets""#,
            r#"wrong numbers: foreign key "falls_too" of column "consumer_id" of "usage"."output_port_query_stats_daily" says ON DELETE CASCADE, not ON DELETE RESTRICT"#,
            r#"slow: foreign key "again" of column "tech_asset_id" of "usage"."tech_asset_stats_daily" is there twice"#,
            r#"wrong numbers: foreign key "tech_asset_stats_daily_consumer_id_fkey" of column "consumer_id" of "usage"."tech_asset_stats_daily" is not validated: rows may have no parent"#,
        ],
    )
    .await;
}

#[tokio::test]
async fn keys_to_a_parent_that_usage_is_to_outlive_are_dropped() {
    let portal = Portal::with(builder().build().unwrap()).await;
    let keep = |table| Reference::to(table).schema("portal").on_delete(OnDelete::Keep);
    let kept = UsageModel::builder().schema("usage").output_ports(keep("datasets"));
    let kept = kept.consumers(keep("data_products")).tech_assets(keep("technical_assets")).build().unwrap();
    let check = kept.check(today());
    let found = differences_for(&portal.pool, &check).await;
    let severities: Vec<_> = found.iter().map(|of| (of.kind(), of.severity())).collect();
    let (cascades, restricts) = (
        (DifferenceKind::ForeignKey, Severity::WrongNumbers),
        (DifferenceKind::ForeignKey, Severity::Errors),
    );
    assert_eq!(severities, [cascades, restricts, cascades, cascades, restricts]);
    mend(&portal.pool, &found).await;
    assert_eq!(shown(&differences_for(&portal.pool, &check).await), Vec::<String>::new());
}

#[tokio::test]
async fn the_foreign_key_of_coverage_is_missing() {
    altered(
        "ALTER TABLE usage.output_port_usage_coverage DROP CONSTRAINT output_port_usage_coverage_output_port_id_fkey",
        &[
            r#"cosmetic: column "output_port_id" of "usage"."output_port_usage_coverage" has no foreign key to "portal"."datasets" that cascades: coverage outlives its output port"#,
        ],
    )
    .await;
}

#[tokio::test]
async fn parents_that_are_gone_repeat_an_id_or_have_heirs() {
    altered(
        "CREATE TABLE portal.more_datasets () INHERITS (portal.datasets);
         INSERT INTO portal.more_datasets (id, name) SELECT id, name FROM portal.datasets;
         INSERT INTO portal.more_datasets (id, name) VALUES ('99999999-0000-0000-0000-000000000002', 'b'),
             ('99999999-0000-0000-0000-000000000001', 'a'), ('99999999-0000-0000-0000-000000000001', 'c');
         ALTER TABLE portal.domains RENAME name TO title",
        &[
            r#"errors to come: heirs of "portal"."datasets" ("portal"."more_datasets"): a foreign key to it refuses the ids that only they hold, such as 99999999-0000-0000-0000-000000000001, 99999999-0000-0000-0000-000000000002"#,
            r#"errors to come: "portal"."domains" has no column "name""#,
        ],
    )
    .await;
    altered(
        "DROP TABLE portal.technical_assets CASCADE;
         CREATE TABLE portal.technical_assets (id uuid, version int, name text, PRIMARY KEY (id, version))",
        &[
            r#"wrong numbers: column "id" of "portal"."technical_assets" is not unique: one tech asset may have several rows, and no foreign key can point to it"#,
            r#"wrong numbers: column "tech_asset_id" of "usage"."tech_asset_stats_daily" has no foreign key to "portal"."technical_assets""#,
        ],
    )
    .await;
}

#[tokio::test]
async fn keys_over_expressions_deferrable_ones_and_a_replica_identity() {
    const QUERIES: &str = "usage.output_port_query_stats_daily";
    let portal = Portal::with(full()).await;
    run(
        &portal,
        &format!(
            "CREATE INDEX ON {QUERIES} ((output_port_id::text));
             CREATE UNIQUE INDEX ON {QUERIES} ((output_port_id::text), date);
             CREATE INDEX ON {QUERIES} (consumer_id) WHERE query_count > 10;
             CREATE INDEX ON {QUERIES} (consumer_id, (query_count / 10))"
        ),
    )
    .await;
    assert_eq!(shown(&differences(&portal).await), Vec::<String>::new());
    altered(
        &format!("ALTER TABLE {QUERIES} ADD CONSTRAINT later UNIQUE (output_port_id, date, consumer_id) DEFERRABLE"),
        &[
            r#"errors to come: key "later" of "usage"."output_port_query_stats_daily" is deferrable: an ingest fails with SQLSTATE 55000"#,
        ],
    )
    .await;
    altered(
        &format!("{NO_KEY}, ADD CONSTRAINT later PRIMARY KEY (output_port_id, date, consumer_id) DEFERRABLE"),
        &[
            r#"errors to come: key "later" of "usage"."output_port_query_stats_daily" is deferrable: an ingest fails with SQLSTATE 55000"#,
        ],
    )
    .await;
    altered(
        &format!(
            "{NO_KEY}, ADD CONSTRAINT by_date PRIMARY KEY (date, output_port_id, consumer_id);
             ALTER TABLE {QUERIES} REPLICA IDENTITY USING INDEX by_date"
        ),
        &[
            r#"slow: key "by_date" of "usage"."output_port_query_stats_daily" is (date, output_port_id, consumer_id), not (output_port_id, date, consumer_id) INCLUDE (query_count): a chart reads its days of all output ports; it is the replica identity of the table, so change it by hand"#,
        ],
    )
    .await;
}

#[tokio::test]
async fn keys_that_are_not_enforced_tables_that_inherit_and_unlogged_ones() {
    altered(
        "ALTER TABLE portal.technical_assets DISABLE TRIGGER ALL;
         CREATE TABLE usage.child () INHERITS (usage.output_port_query_stats_daily);
         ALTER TABLE usage.tech_asset_stats_daily SET UNLOGGED",
        &[
            r#"wrong numbers: heirs of "usage"."output_port_query_stats_daily" ("usage"."child"): charts count their rows too"#,
            r#"wrong numbers: "usage"."tech_asset_stats_daily" or a partition of it is unlogged: after a crash it is empty"#,
            r#"wrong numbers: foreign key "tech_asset_stats_daily_tech_asset_id_fkey" of "usage"."tech_asset_stats_daily" is not enforced: its triggers are off, here or on its parent"#,
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_the_hosts_own_is_named_and_left() {
    altered(
        "ALTER TABLE portal.datasets RENAME TO moved;
         CREATE VIEW portal.datasets AS SELECT * FROM portal.moved;
         CREATE TABLE portal.teams (id uuid PRIMARY KEY);
         ALTER TABLE usage.output_port_query_stats_daily
            ADD CONSTRAINT of_teams FOREIGN KEY (consumer_id) REFERENCES portal.teams ON DELETE CASCADE",
        &[
            r#"errors to come: "portal"."datasets" is a view, not a table"#,
            r#"cosmetic: column "output_port_id" of "usage"."output_port_usage_coverage" has no foreign key to "portal"."datasets" that cascades: coverage outlives its output port"#,
            r#"wrong numbers: column "output_port_id" of "usage"."output_port_query_stats_daily" has no foreign key to "portal"."datasets""#,
            r#"wrong numbers: foreign key "output_port_query_stats_daily_output_port_id_fkey" of column "output_port_id" of "usage"."output_port_query_stats_daily" says ON DELETE CASCADE, and the model has no such key: usage goes with what it points to"#,
            r#"wrong numbers: foreign key "of_teams" of column "consumer_id" of "usage"."output_port_query_stats_daily" says ON DELETE CASCADE, and the model has no such key: usage goes with what it points to"#,
            r#"wrong numbers: column "output_port_id" of "usage"."tech_asset_stats_daily" has no foreign key to "portal"."datasets""#,
            r#"wrong numbers: foreign key "tech_asset_stats_daily_output_port_id_fkey" of column "output_port_id" of "usage"."tech_asset_stats_daily" says ON DELETE CASCADE, and the model has no such key: usage goes with what it points to"#,
            r#"wrong numbers: column "output_port_id_1" of "usage"."output_port_combined_with_daily" has no foreign key to "portal"."datasets""#,
            r#"wrong numbers: foreign key "output_port_combined_with_daily_output_port_id_1_fkey" of column "output_port_id_1" of "usage"."output_port_combined_with_daily" says ON DELETE CASCADE, and the model has no such key: usage goes with what it points to"#,
            r#"wrong numbers: column "output_port_id_2" of "usage"."output_port_combined_with_daily" has no foreign key to "portal"."datasets""#,
            r#"wrong numbers: foreign key "output_port_combined_with_daily_output_port_id_2_fkey" of column "output_port_id_2" of "usage"."output_port_combined_with_daily" says ON DELETE CASCADE, and the model has no such key: usage goes with what it points to"#,
        ],
    )
    .await;
}

#[tokio::test]
async fn names_that_are_taken_stop_no_other_mend() {
    altered(
        "ALTER TABLE usage.output_port_query_stats_daily DROP CONSTRAINT output_port_query_stats_daily_output_port_id_fkey;
         ALTER TABLE usage.output_port_query_stats_daily ADD CONSTRAINT output_port_query_stats_daily_output_port_id_fkey
            FOREIGN KEY (output_port_id) REFERENCES portal.domains;
         ALTER TABLE usage.tech_asset_stats_daily DROP CONSTRAINT tech_asset_stats_daily_query_count_check;
         ALTER TABLE usage.tech_asset_stats_daily ADD CONSTRAINT tech_asset_stats_daily_query_count_check CHECK (query_count > -9);
         DROP INDEX usage.tech_asset_stats_daily_date_idx;
         CREATE INDEX tech_asset_stats_daily_date_idx ON usage.tech_asset_stats_daily (date, query_count)",
        &[
            r#"errors to come: "usage"."tech_asset_stats_daily" has no constraint CHECK ((query_count >= 0))"#,
            r#"wrong numbers: column "output_port_id" of "usage"."output_port_query_stats_daily" has no foreign key to "portal"."datasets""#,
            r#"errors to come: foreign key "output_port_query_stats_daily_output_port_id_fkey" of column "output_port_id" of "usage"."output_port_query_stats_daily" says ON DELETE NO ACTION, and the model has no such key: it refuses ids or deletes"#,
            r#"slow: "usage"."tech_asset_stats_daily" has no brin index (date), and another index bears its name "tech_asset_stats_daily_date_idx""#,
        ],
    )
    .await;
}

#[tokio::test]
async fn triggers_rules_and_storage_parameters() {
    altered(
        "CREATE FUNCTION usage.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER swallow BEFORE INSERT ON usage.tech_asset_stats_daily FOR EACH ROW EXECUTE FUNCTION usage.nothing();
         CREATE TRIGGER audit AFTER INSERT ON usage.tech_asset_stats_daily FOR EACH ROW EXECUTE FUNCTION usage.nothing();
         CREATE RULE also AS ON DELETE TO usage.output_port_query_stats_daily DO INSTEAD NOTHING",
        &[
            r#"wrong numbers: a rule on "usage"."output_port_query_stats_daily" may change or swallow what is written"#,
            r#"slow: trigger "audit" on "usage"."tech_asset_stats_daily" runs for what is written"#,
            r#"wrong numbers: trigger "swallow" on "usage"."tech_asset_stats_daily" may change or swallow what is written"#,
        ],
    )
    .await;
    altered(
        "ALTER TABLE usage.tech_asset_stats_daily RESET (autovacuum_vacuum_insert_threshold, autovacuum_analyze_scale_factor)",
        &[
            r#"slow: "usage"."tech_asset_stats_daily" is without autovacuum_vacuum_insert_threshold, autovacuum_analyze_scale_factor: vacuums come late"#,
        ],
    )
    .await;
}

#[tokio::test]
async fn a_view_in_the_place_of_a_table() {
    altered(
        "ALTER TABLE usage.tech_asset_stats_daily RENAME TO kept_elsewhere;
         CREATE VIEW usage.tech_asset_stats_daily AS SELECT * FROM usage.kept_elsewhere",
        &[r#"errors to come: "usage"."tech_asset_stats_daily" is a view, not a table"#],
    )
    .await;
}

#[tokio::test]
async fn an_index_of_an_orm_makes_room_for_the_one_of_its_name() {
    altered(
        "DROP INDEX usage.output_port_query_stats_daily_date_idx;
         CREATE INDEX ON usage.output_port_query_stats_daily (date)",
        &[
            r#"slow: index "output_port_query_stats_daily_date_idx" of "usage"."output_port_query_stats_daily" is over date alone: the planner may read all output ports for it"#,
            r#"slow: "usage"."output_port_query_stats_daily" has no brin index (date)"#,
        ],
    )
    .await;
}

#[tokio::test]
async fn a_year_that_is_missing_for_the_coming_days_is_made() {
    let portal = Portal::with(full()).await;
    for statement in portal.model.partition_by_year(2025..2027).unwrap() {
        statement.into_sqlx().execute(&portal.pool).await.unwrap();
    }
    assert_eq!(shown(&differences(&portal).await), Vec::<String>::new());
    let check = portal.model.check(day(2026, 12, 2)).of_role(Role::Owner);
    let found = differences_for(&portal.pool, &check).await;
    let missing = |table: &str| {
        format!(
            r#"errors to come: "usage"."{table}" has no partition for 2027-01-01: an ingest will fail with SQLSTATE 23514"#
        )
    };
    let tables =
        ["output_port_query_stats_daily", "tech_asset_stats_daily", "output_port_combined_with_daily"];
    assert_eq!(shown(&found), tables.map(missing));
    mend(&portal.pool, &found).await;
    assert_eq!(shown(&differences_for(&portal.pool, &check).await), Vec::<String>::new());
}

#[tokio::test]
async fn partitions_by_month_are_the_hosts_own() {
    let portal = Portal::with(full()).await;
    run(
        &portal,
        "ALTER TABLE usage.output_port_query_stats_daily RENAME TO whole;
         CREATE TABLE usage.output_port_query_stats_daily (LIKE usage.whole INCLUDING ALL) PARTITION BY RANGE (date);
         DROP TABLE usage.whole;
         ALTER TABLE usage.output_port_query_stats_daily
            ADD FOREIGN KEY (output_port_id) REFERENCES portal.datasets ON DELETE CASCADE,
            ADD FOREIGN KEY (consumer_id) REFERENCES portal.data_products ON DELETE RESTRICT;
         CREATE TABLE usage.january PARTITION OF usage.output_port_query_stats_daily
            FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')",
    )
    .await;
    let missing = r#"errors to come: "usage"."output_port_query_stats_daily" has no partition for 2026-02-01: an ingest will fail with SQLSTATE 23514"#;
    let found = differences(&portal).await;
    assert_eq!(
        shown(&found),
        [
            r#"slow: "usage"."january" is without autovacuum_vacuum_insert_scale_factor, autovacuum_vacuum_insert_threshold, autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor: vacuums come late"#,
            missing,
        ]
    );
    mend(&portal.pool, &found).await;
    assert_eq!(shown(&differences(&portal).await), [missing]);
}
