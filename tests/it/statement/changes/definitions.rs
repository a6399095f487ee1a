//! Creating, dropping and vacuuming, with each option and all at once.

use output_port_usage::*;

use super::{changes, script};
use crate::portal::builder;

fn create(builder: UsageModelBuilder) -> String {
    script(&builder.build().unwrap().create_tables())
}

fn of_parent(table: &str, on_delete: OnDelete) -> Reference {
    Reference::to(table).schema("portal").on_delete(on_delete)
}

/// What changes where every parent does the same on delete.
fn on_delete(on_delete: OnDelete) -> String {
    let all = builder()
        .output_ports(of_parent("datasets", on_delete))
        .consumers(of_parent("data_products", on_delete))
        .tech_assets(of_parent("technical_assets", on_delete));
    changes(&create(builder().combinations()), &create(all.combinations()))
}

#[test]
fn what_a_deleted_parent_does_is_said_in_the_foreign_keys() {
    insta::assert_snapshot!(on_delete(OnDelete::Cascade), @r#"
    -     CONSTRAINT "output_port_query_stats_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT
    +     CONSTRAINT "output_port_query_stats_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE CASCADE
    -     CONSTRAINT "tech_asset_stats_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT
    +     CONSTRAINT "tech_asset_stats_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE CASCADE
    -     CONSTRAINT "output_port_combined_with_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT
    +     CONSTRAINT "output_port_combined_with_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE CASCADE
    "#);
    insta::assert_snapshot!(on_delete(OnDelete::Restrict), @r#"
    -     CONSTRAINT "output_port_query_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    +     CONSTRAINT "output_port_query_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE RESTRICT,
    -     CONSTRAINT "tech_asset_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    -     CONSTRAINT "tech_asset_stats_daily_tech_asset_id_fkey" FOREIGN KEY ("tech_asset_id") REFERENCES "portal"."technical_assets" ("id") ON DELETE CASCADE,
    +     CONSTRAINT "tech_asset_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE RESTRICT,
    +     CONSTRAINT "tech_asset_stats_daily_tech_asset_id_fkey" FOREIGN KEY ("tech_asset_id") REFERENCES "portal"."technical_assets" ("id") ON DELETE RESTRICT,
    -     CONSTRAINT "output_port_combined_with_daily_output_port_id_1_fkey" FOREIGN KEY ("output_port_id_1") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    -     CONSTRAINT "output_port_combined_with_daily_output_port_id_2_fkey" FOREIGN KEY ("output_port_id_2") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    +     CONSTRAINT "output_port_combined_with_daily_output_port_id_1_fkey" FOREIGN KEY ("output_port_id_1") REFERENCES "portal"."datasets" ("id") ON DELETE RESTRICT,
    +     CONSTRAINT "output_port_combined_with_daily_output_port_id_2_fkey" FOREIGN KEY ("output_port_id_2") REFERENCES "portal"."datasets" ("id") ON DELETE RESTRICT,
    "#);
    insta::assert_snapshot!(on_delete(OnDelete::Keep), @r#"
    -     CONSTRAINT "output_port_query_stats_daily_query_count_check" CHECK ("query_count" >= 0),
    -     CONSTRAINT "output_port_query_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    -     CONSTRAINT "output_port_query_stats_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT
    +     CONSTRAINT "output_port_query_stats_daily_query_count_check" CHECK ("query_count" >= 0)
    -     CONSTRAINT "tech_asset_stats_daily_query_count_check" CHECK ("query_count" >= 0),
    -     CONSTRAINT "tech_asset_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    -     CONSTRAINT "tech_asset_stats_daily_tech_asset_id_fkey" FOREIGN KEY ("tech_asset_id") REFERENCES "portal"."technical_assets" ("id") ON DELETE CASCADE,
    -     CONSTRAINT "tech_asset_stats_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT
    +     CONSTRAINT "tech_asset_stats_daily_query_count_check" CHECK ("query_count" >= 0)
    -     CONSTRAINT "output_port_combined_with_daily_ordered_check" CHECK ("output_port_id_1" < "output_port_id_2"),
    -     CONSTRAINT "output_port_combined_with_daily_output_port_id_1_fkey" FOREIGN KEY ("output_port_id_1") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    -     CONSTRAINT "output_port_combined_with_daily_output_port_id_2_fkey" FOREIGN KEY ("output_port_id_2") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    -     CONSTRAINT "output_port_combined_with_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT
    +     CONSTRAINT "output_port_combined_with_daily_ordered_check" CHECK ("output_port_id_1" < "output_port_id_2")
    "#);
}

#[test]
fn each_parent_has_a_rule_of_its_own() {
    let keep_assets = builder().tech_assets(of_parent("technical_assets", OnDelete::Keep));
    insta::assert_snapshot!(changes(&create(builder()), &create(keep_assets)), @r#"-     CONSTRAINT "tech_asset_stats_daily_tech_asset_id_fkey" FOREIGN KEY ("tech_asset_id") REFERENCES "portal"."technical_assets" ("id") ON DELETE CASCADE,"#);
    let restrict_ports = builder().output_ports(of_parent("datasets", OnDelete::Restrict));
    insta::assert_snapshot!(changes(&create(builder()), &create(restrict_ports)), @r#"
    -     CONSTRAINT "output_port_query_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    +     CONSTRAINT "output_port_query_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE RESTRICT,
    -     CONSTRAINT "tech_asset_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    +     CONSTRAINT "tech_asset_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE RESTRICT,
    "#);
}

#[test]
fn labels_and_groups_are_no_part_of_the_tables() {
    let plain = builder().consumers(Reference::to("data_products").schema("portal"));
    assert_eq!(create(plain), create(builder()));
}

#[test]
fn parents_are_referenced_by_their_keys() {
    let other = builder().output_ports(Reference::to("ports").key("port"));
    insta::assert_snapshot!(changes(&create(builder()), &create(other)), @r#"
    -     CONSTRAINT "output_port_query_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    +     CONSTRAINT "output_port_query_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "public"."ports" ("port") ON DELETE CASCADE,
    -     CONSTRAINT "tech_asset_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    +     CONSTRAINT "tech_asset_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "public"."ports" ("port") ON DELETE CASCADE,
    "#);
}

#[test]
fn delete_indexes_follow_the_table_that_they_are_of() {
    insta::assert_snapshot!(changes(&create(builder()), &create(builder().delete_indexes())), @r#"
    + CREATE /* output-port-usage: create the index on consumer_id of queries */ INDEX IF NOT EXISTS "output_port_query_stats_daily_consumer_id_idx" ON "usage"."output_port_query_stats_daily" ("consumer_id");
    + CREATE /* output-port-usage: create the index on tech_asset_id of touches */ INDEX IF NOT EXISTS "tech_asset_stats_daily_tech_asset_id_idx" ON "usage"."tech_asset_stats_daily" ("tech_asset_id");
    + CREATE /* output-port-usage: create the index on consumer_id of touches */ INDEX IF NOT EXISTS "tech_asset_stats_daily_consumer_id_idx" ON "usage"."tech_asset_stats_daily" ("consumer_id");
    "#);
    let all = builder().combinations();
    insta::assert_snapshot!(changes(&create(all.clone()), &create(all.delete_indexes())), @r#"
    + CREATE /* output-port-usage: create the index on consumer_id of queries */ INDEX IF NOT EXISTS "output_port_query_stats_daily_consumer_id_idx" ON "usage"."output_port_query_stats_daily" ("consumer_id");
    + CREATE /* output-port-usage: create the index on tech_asset_id of touches */ INDEX IF NOT EXISTS "tech_asset_stats_daily_tech_asset_id_idx" ON "usage"."tech_asset_stats_daily" ("tech_asset_id");
    + CREATE /* output-port-usage: create the index on consumer_id of touches */ INDEX IF NOT EXISTS "tech_asset_stats_daily_consumer_id_idx" ON "usage"."tech_asset_stats_daily" ("consumer_id");
    + CREATE /* output-port-usage: create the index on consumer_id of combinations */ INDEX IF NOT EXISTS "output_port_combined_with_daily_consumer_id_idx" ON "usage"."output_port_combined_with_daily" ("consumer_id");
    "#);
}

#[test]
fn delete_indexes_do_not_depend_on_the_rule() {
    let keep = builder().consumers(of_parent("data_products", OnDelete::Keep));
    assert_eq!(
        changes(&create(keep.clone()), &create(keep.delete_indexes())),
        changes(&create(builder()), &create(builder().delete_indexes()))
    );
}

#[test]
fn every_name_of_the_tables_is_the_models() {
    let model = builder()
        .schema("stats")
        .queries_table(
            TableNames::new("queries")
                .column(Column::Date, "day")
                .column(Column::OutputPortId, "port")
                .column(Column::ConsumerId, "product")
                .column(Column::QueryCount, "n"),
        )
        .combinations_table(
            TableNames::new("pairs")
                .column(Column::OutputPortId1, "smaller")
                .column(Column::OutputPortId2, "larger"),
        )
        .delete_indexes()
        .build()
        .unwrap();
    insta::assert_snapshot!(script(&model.create_tables()), @r#"
    CREATE /* output-port-usage: create the table of queries */ TABLE IF NOT EXISTS "stats"."queries" (
        "day" date NOT NULL,
        "port" uuid NOT NULL,
        "product" uuid NOT NULL,
        "n" integer NOT NULL,
        CONSTRAINT "queries_pkey" PRIMARY KEY ("port", "day", "product") INCLUDE ("n"),
        CONSTRAINT "queries_query_count_check" CHECK ("n" >= 0),
        CONSTRAINT "queries_output_port_id_fkey" FOREIGN KEY ("port") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
        CONSTRAINT "queries_consumer_id_fkey" FOREIGN KEY ("product") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT
    ) WITH (
        autovacuum_vacuum_insert_scale_factor = 0.0,
        autovacuum_vacuum_insert_threshold = 5000,
        autovacuum_vacuum_scale_factor = 0.01,
        autovacuum_analyze_scale_factor = 0.02
    );
    CREATE /* output-port-usage: create the index on date of queries */ INDEX IF NOT EXISTS "queries_date_idx" ON "stats"."queries" USING brin ("day") WITH (pages_per_range = 32, autosummarize = on);
    COMMENT /* output-port-usage: describe the table of queries */ ON TABLE "stats"."queries" IS 'Queries per day, output port and consumer; a query counts once however many tech assets it joins';
    COMMENT /* output-port-usage: describe date of queries */ ON COLUMN "stats"."queries"."day" IS 'Local day of the query''s start';
    COMMENT /* output-port-usage: describe output_port_id of queries */ ON COLUMN "stats"."queries"."port" IS 'Output port that was read';
    COMMENT /* output-port-usage: describe consumer_id of queries */ ON COLUMN "stats"."queries"."product" IS 'Data product that ran the query';
    COMMENT /* output-port-usage: describe query_count of queries */ ON COLUMN "stats"."queries"."n" IS 'Distinct queries on the output port';
    CREATE /* output-port-usage: create the index on consumer_id of queries */ INDEX IF NOT EXISTS "queries_consumer_id_idx" ON "stats"."queries" ("product");
    CREATE /* output-port-usage: create the table of touches */ TABLE IF NOT EXISTS "stats"."tech_asset_stats_daily" (
        "date" date NOT NULL,
        "output_port_id" uuid NOT NULL,
        "tech_asset_id" uuid NOT NULL,
        "consumer_id" uuid NOT NULL,
        "query_count" integer NOT NULL,
        CONSTRAINT "tech_asset_stats_daily_pkey" PRIMARY KEY ("output_port_id", "date", "tech_asset_id", "consumer_id") INCLUDE ("query_count"),
        CONSTRAINT "tech_asset_stats_daily_query_count_check" CHECK ("query_count" >= 0),
        CONSTRAINT "tech_asset_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
        CONSTRAINT "tech_asset_stats_daily_tech_asset_id_fkey" FOREIGN KEY ("tech_asset_id") REFERENCES "portal"."technical_assets" ("id") ON DELETE CASCADE,
        CONSTRAINT "tech_asset_stats_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT
    ) WITH (
        autovacuum_vacuum_insert_scale_factor = 0.0,
        autovacuum_vacuum_insert_threshold = 5000,
        autovacuum_vacuum_scale_factor = 0.01,
        autovacuum_analyze_scale_factor = 0.02
    );
    CREATE /* output-port-usage: create the index on date of touches */ INDEX IF NOT EXISTS "tech_asset_stats_daily_date_idx" ON "stats"."tech_asset_stats_daily" USING brin ("date") WITH (pages_per_range = 32, autosummarize = on);
    COMMENT /* output-port-usage: describe the table of touches */ ON TABLE "stats"."tech_asset_stats_daily" IS 'Touches per day, output port, tech asset and consumer; a query that reads a tech asset is one touch of it';
    COMMENT /* output-port-usage: describe date of touches */ ON COLUMN "stats"."tech_asset_stats_daily"."date" IS 'Local day of the query''s start';
    COMMENT /* output-port-usage: describe output_port_id of touches */ ON COLUMN "stats"."tech_asset_stats_daily"."output_port_id" IS 'Output port that was read';
    COMMENT /* output-port-usage: describe tech_asset_id of touches */ ON COLUMN "stats"."tech_asset_stats_daily"."tech_asset_id" IS 'Tech asset that was read';
    COMMENT /* output-port-usage: describe consumer_id of touches */ ON COLUMN "stats"."tech_asset_stats_daily"."consumer_id" IS 'Data product that ran the query';
    COMMENT /* output-port-usage: describe query_count of touches */ ON COLUMN "stats"."tech_asset_stats_daily"."query_count" IS 'Distinct queries that read the tech asset';
    CREATE /* output-port-usage: create the index on tech_asset_id of touches */ INDEX IF NOT EXISTS "tech_asset_stats_daily_tech_asset_id_idx" ON "stats"."tech_asset_stats_daily" ("tech_asset_id");
    CREATE /* output-port-usage: create the index on consumer_id of touches */ INDEX IF NOT EXISTS "tech_asset_stats_daily_consumer_id_idx" ON "stats"."tech_asset_stats_daily" ("consumer_id");
    CREATE /* output-port-usage: create the table of combinations */ TABLE IF NOT EXISTS "stats"."pairs" (
        "date" date NOT NULL,
        "smaller" uuid NOT NULL,
        "larger" uuid NOT NULL,
        "consumer_id" uuid NOT NULL,
        "query_count" integer NOT NULL,
        CONSTRAINT "pairs_pkey" PRIMARY KEY ("smaller", "date", "larger", "consumer_id") INCLUDE ("query_count"),
        CONSTRAINT "pairs_query_count_check" CHECK ("query_count" >= 0),
        CONSTRAINT "pairs_ordered_check" CHECK ("smaller" < "larger"),
        CONSTRAINT "pairs_output_port_id_1_fkey" FOREIGN KEY ("smaller") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
        CONSTRAINT "pairs_output_port_id_2_fkey" FOREIGN KEY ("larger") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
        CONSTRAINT "pairs_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT
    ) WITH (
        autovacuum_vacuum_insert_scale_factor = 0.0,
        autovacuum_vacuum_insert_threshold = 5000,
        autovacuum_vacuum_scale_factor = 0.01,
        autovacuum_analyze_scale_factor = 0.02
    );
    CREATE /* output-port-usage: create the index on output_port_id_2 of combinations */ INDEX IF NOT EXISTS "pairs_way_back_idx" ON "stats"."pairs" ("larger", "date", "smaller", "consumer_id") INCLUDE ("query_count");
    CREATE /* output-port-usage: create the index on date of combinations */ INDEX IF NOT EXISTS "pairs_date_idx" ON "stats"."pairs" USING brin ("date") WITH (pages_per_range = 32, autosummarize = on);
    COMMENT /* output-port-usage: describe the table of combinations */ ON TABLE "stats"."pairs" IS 'Queries per day, pair of output ports and consumer that read both through different tech assets';
    COMMENT /* output-port-usage: describe date of combinations */ ON COLUMN "stats"."pairs"."date" IS 'Local day of the query''s start';
    COMMENT /* output-port-usage: describe output_port_id_1 of combinations */ ON COLUMN "stats"."pairs"."smaller" IS 'Smaller of the two output port ids';
    COMMENT /* output-port-usage: describe output_port_id_2 of combinations */ ON COLUMN "stats"."pairs"."larger" IS 'Larger of the two output port ids';
    COMMENT /* output-port-usage: describe consumer_id of combinations */ ON COLUMN "stats"."pairs"."consumer_id" IS 'Data product that ran the query';
    COMMENT /* output-port-usage: describe query_count of combinations */ ON COLUMN "stats"."pairs"."query_count" IS 'Distinct queries that read both output ports';
    CREATE /* output-port-usage: create the index on consumer_id of combinations */ INDEX IF NOT EXISTS "pairs_consumer_id_idx" ON "stats"."pairs" ("consumer_id");
    "#);
    insta::assert_snapshot!(script(&model.drop_tables()), @r#"
    DROP /* output-port-usage: drop the table of combinations */ TABLE IF EXISTS "stats"."pairs";
    DROP /* output-port-usage: drop the table of touches */ TABLE IF EXISTS "stats"."tech_asset_stats_daily";
    DROP /* output-port-usage: drop the table of queries */ TABLE IF EXISTS "stats"."queries";
    "#);
    insta::assert_snapshot!(script(&[model.create_schema(), model.vacuum()]), @r#"
    CREATE /* output-port-usage: create the schema */ SCHEMA IF NOT EXISTS "stats";
    VACUUM /* output-port-usage: vacuum the tables */ (ANALYZE) "stats"."queries", "stats"."tech_asset_stats_daily", "stats"."pairs";
    "#);
}
