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
    -             CONSTRAINT "output_port_query_stats_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT
    +             CONSTRAINT "output_port_query_stats_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE CASCADE
    -             CONSTRAINT "tech_asset_stats_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT
    +             CONSTRAINT "tech_asset_stats_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE CASCADE
    -             CONSTRAINT "output_port_combined_with_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT
    +             CONSTRAINT "output_port_combined_with_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE CASCADE
    "#);
    insta::assert_snapshot!(on_delete(OnDelete::Restrict), @r#"
    -             CONSTRAINT "output_port_query_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    +             CONSTRAINT "output_port_query_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE RESTRICT,
    -             CONSTRAINT "tech_asset_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    -             CONSTRAINT "tech_asset_stats_daily_tech_asset_id_fkey" FOREIGN KEY ("tech_asset_id") REFERENCES "portal"."technical_assets" ("id") ON DELETE CASCADE,
    +             CONSTRAINT "tech_asset_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE RESTRICT,
    +             CONSTRAINT "tech_asset_stats_daily_tech_asset_id_fkey" FOREIGN KEY ("tech_asset_id") REFERENCES "portal"."technical_assets" ("id") ON DELETE RESTRICT,
    -             CONSTRAINT "output_port_combined_with_daily_output_port_id_1_fkey" FOREIGN KEY ("output_port_id_1") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    -             CONSTRAINT "output_port_combined_with_daily_output_port_id_2_fkey" FOREIGN KEY ("output_port_id_2") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    +             CONSTRAINT "output_port_combined_with_daily_output_port_id_1_fkey" FOREIGN KEY ("output_port_id_1") REFERENCES "portal"."datasets" ("id") ON DELETE RESTRICT,
    +             CONSTRAINT "output_port_combined_with_daily_output_port_id_2_fkey" FOREIGN KEY ("output_port_id_2") REFERENCES "portal"."datasets" ("id") ON DELETE RESTRICT,
    "#);
    insta::assert_snapshot!(on_delete(OnDelete::Keep), @r#"
    -             CONSTRAINT "output_port_query_stats_daily_query_count_check" CHECK ("query_count" >= 0),
    -             CONSTRAINT "output_port_query_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    -             CONSTRAINT "output_port_query_stats_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT
    +             CONSTRAINT "output_port_query_stats_daily_query_count_check" CHECK ("query_count" >= 0)
    -             CONSTRAINT "tech_asset_stats_daily_query_count_check" CHECK ("query_count" >= 0),
    -             CONSTRAINT "tech_asset_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    -             CONSTRAINT "tech_asset_stats_daily_tech_asset_id_fkey" FOREIGN KEY ("tech_asset_id") REFERENCES "portal"."technical_assets" ("id") ON DELETE CASCADE,
    -             CONSTRAINT "tech_asset_stats_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT
    +             CONSTRAINT "tech_asset_stats_daily_query_count_check" CHECK ("query_count" >= 0)
    -             CONSTRAINT "output_port_combined_with_daily_ordered_check" CHECK ("output_port_id_1" < "output_port_id_2"),
    -             CONSTRAINT "output_port_combined_with_daily_output_port_id_1_fkey" FOREIGN KEY ("output_port_id_1") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    -             CONSTRAINT "output_port_combined_with_daily_output_port_id_2_fkey" FOREIGN KEY ("output_port_id_2") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    -             CONSTRAINT "output_port_combined_with_daily_consumer_id_fkey" FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ("id") ON DELETE RESTRICT
    +             CONSTRAINT "output_port_combined_with_daily_ordered_check" CHECK ("output_port_id_1" < "output_port_id_2")
    "#);
}

#[test]
fn each_parent_has_a_rule_of_its_own() {
    let keep_assets = builder().tech_assets(of_parent("technical_assets", OnDelete::Keep));
    insta::assert_snapshot!(changes(&create(builder()), &create(keep_assets)), @r#"-             CONSTRAINT "tech_asset_stats_daily_tech_asset_id_fkey" FOREIGN KEY ("tech_asset_id") REFERENCES "portal"."technical_assets" ("id") ON DELETE CASCADE,"#);
    let restrict_ports = builder().output_ports(of_parent("datasets", OnDelete::Restrict));
    insta::assert_snapshot!(changes(&create(builder()), &create(restrict_ports)), @r#"
    -             CONSTRAINT "output_port_query_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    +             CONSTRAINT "output_port_query_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE RESTRICT,
    -             CONSTRAINT "tech_asset_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    +             CONSTRAINT "tech_asset_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE RESTRICT,
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
    -             CONSTRAINT "output_port_query_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    +             CONSTRAINT "output_port_query_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "public"."ports" ("port") ON DELETE CASCADE,
    -             CONSTRAINT "tech_asset_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ("id") ON DELETE CASCADE,
    +             CONSTRAINT "tech_asset_stats_daily_output_port_id_fkey" FOREIGN KEY ("output_port_id") REFERENCES "public"."ports" ("port") ON DELETE CASCADE,
    "#);
}

#[test]
fn ways_to_read_follow_the_table_that_they_are_of() {
    insta::assert_snapshot!(changes(&create(builder()), &create(builder().read_by_consumer().read_by_tech_asset())), @r#"
    + DO /* output-port-usage: create the index on consumer_id of queries */ $do$
    + BEGIN
    +     IF NOT EXISTS (
    +         SELECT
    +         FROM pg_catalog.pg_index AS i
    +         JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
    +         JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    +         JOIN pg_catalog.pg_namespace AS s ON s.oid = x.relnamespace
    +         JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
    +         WHERE t.relname = 'output_port_query_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
    +             AND m.amname = 'btree' AND i.indnkeyatts = 3
    +             AND ARRAY(
    +                 SELECT a.attname
    +                 FROM pg_catalog.generate_subscripts(i.indkey, 1) AS k
    +                 JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[k]
    +                 ORDER BY k
    +             ) OPERATOR(pg_catalog.=) ARRAY['consumer_id', 'date', 'output_port_id', 'query_count']::name[]
    +             AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid
    +     ) THEN
    +         CREATE INDEX "output_port_query_stats_daily_by_consumer_idx" ON "usage"."output_port_query_stats_daily" ("consumer_id", "date", "output_port_id") INCLUDE ("query_count");
    +     END IF;
    + END
    + $do$;
    + DO /* output-port-usage: create the index on consumer_id of touches */ $do$
    + BEGIN
    +     IF NOT EXISTS (
    +         SELECT
    +         FROM pg_catalog.pg_index AS i
    +         JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
    +         JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    +         JOIN pg_catalog.pg_namespace AS s ON s.oid = x.relnamespace
    +         JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
    +         WHERE t.relname = 'tech_asset_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
    +             AND m.amname = 'btree' AND i.indnkeyatts = 4
    +             AND ARRAY(
    +                 SELECT a.attname
    +                 FROM pg_catalog.generate_subscripts(i.indkey, 1) AS k
    +                 JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[k]
    +                 ORDER BY k
    +             ) OPERATOR(pg_catalog.=) ARRAY['consumer_id', 'date', 'tech_asset_id', 'output_port_id', 'query_count']::name[]
    +             AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid
    +     ) THEN
    +         CREATE INDEX "tech_asset_stats_daily_by_consumer_idx" ON "usage"."tech_asset_stats_daily" ("consumer_id", "date", "tech_asset_id", "output_port_id") INCLUDE ("query_count");
    +     END IF;
    + END
    + $do$;
    + DO /* output-port-usage: create the index on tech_asset_id of touches */ $do$
    + BEGIN
    +     IF NOT EXISTS (
    +         SELECT
    +         FROM pg_catalog.pg_index AS i
    +         JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
    +         JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    +         JOIN pg_catalog.pg_namespace AS s ON s.oid = x.relnamespace
    +         JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
    +         WHERE t.relname = 'tech_asset_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
    +             AND m.amname = 'btree' AND i.indnkeyatts = 4
    +             AND ARRAY(
    +                 SELECT a.attname
    +                 FROM pg_catalog.generate_subscripts(i.indkey, 1) AS k
    +                 JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[k]
    +                 ORDER BY k
    +             ) OPERATOR(pg_catalog.=) ARRAY['tech_asset_id', 'date', 'consumer_id', 'output_port_id', 'query_count']::name[]
    +             AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid
    +     ) THEN
    +         CREATE INDEX "tech_asset_stats_daily_by_tech_asset_idx" ON "usage"."tech_asset_stats_daily" ("tech_asset_id", "date", "consumer_id", "output_port_id") INCLUDE ("query_count");
    +     END IF;
    + END
    + $do$;
    "#);
    let all = builder().combinations();
    insta::assert_snapshot!(changes(&create(all.clone()), &create(all.read_by_consumer().read_by_tech_asset())), @r#"
    + DO /* output-port-usage: create the index on consumer_id of queries */ $do$
    + BEGIN
    +     IF NOT EXISTS (
    +         SELECT
    +         FROM pg_catalog.pg_index AS i
    +         JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
    +         JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    +         JOIN pg_catalog.pg_namespace AS s ON s.oid = x.relnamespace
    +         JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
    +         WHERE t.relname = 'output_port_query_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
    +             AND m.amname = 'btree' AND i.indnkeyatts = 3
    +             AND ARRAY(
    +                 SELECT a.attname
    +                 FROM pg_catalog.generate_subscripts(i.indkey, 1) AS k
    +                 JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[k]
    +                 ORDER BY k
    +             ) OPERATOR(pg_catalog.=) ARRAY['consumer_id', 'date', 'output_port_id', 'query_count']::name[]
    +             AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid
    +     ) THEN
    +         CREATE INDEX "output_port_query_stats_daily_by_consumer_idx" ON "usage"."output_port_query_stats_daily" ("consumer_id", "date", "output_port_id") INCLUDE ("query_count");
    +     END IF;
    + END
    + $do$;
    + DO /* output-port-usage: create the index on consumer_id of touches */ $do$
    + BEGIN
    +     IF NOT EXISTS (
    +         SELECT
    +         FROM pg_catalog.pg_index AS i
    +         JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
    +         JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    +         JOIN pg_catalog.pg_namespace AS s ON s.oid = x.relnamespace
    +         JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
    +         WHERE t.relname = 'tech_asset_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
    +             AND m.amname = 'btree' AND i.indnkeyatts = 4
    +             AND ARRAY(
    +                 SELECT a.attname
    +                 FROM pg_catalog.generate_subscripts(i.indkey, 1) AS k
    +                 JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[k]
    +                 ORDER BY k
    +             ) OPERATOR(pg_catalog.=) ARRAY['consumer_id', 'date', 'tech_asset_id', 'output_port_id', 'query_count']::name[]
    +             AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid
    +     ) THEN
    +         CREATE INDEX "tech_asset_stats_daily_by_consumer_idx" ON "usage"."tech_asset_stats_daily" ("consumer_id", "date", "tech_asset_id", "output_port_id") INCLUDE ("query_count");
    +     END IF;
    + END
    + $do$;
    + DO /* output-port-usage: create the index on tech_asset_id of touches */ $do$
    + BEGIN
    +     IF NOT EXISTS (
    +         SELECT
    +         FROM pg_catalog.pg_index AS i
    +         JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
    +         JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    +         JOIN pg_catalog.pg_namespace AS s ON s.oid = x.relnamespace
    +         JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
    +         WHERE t.relname = 'tech_asset_stats_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
    +             AND m.amname = 'btree' AND i.indnkeyatts = 4
    +             AND ARRAY(
    +                 SELECT a.attname
    +                 FROM pg_catalog.generate_subscripts(i.indkey, 1) AS k
    +                 JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[k]
    +                 ORDER BY k
    +             ) OPERATOR(pg_catalog.=) ARRAY['tech_asset_id', 'date', 'consumer_id', 'output_port_id', 'query_count']::name[]
    +             AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid
    +     ) THEN
    +         CREATE INDEX "tech_asset_stats_daily_by_tech_asset_idx" ON "usage"."tech_asset_stats_daily" ("tech_asset_id", "date", "consumer_id", "output_port_id") INCLUDE ("query_count");
    +     END IF;
    + END
    + $do$;
    + DO /* output-port-usage: create the index on consumer_id of combinations */ $do$
    + BEGIN
    +     IF NOT EXISTS (
    +         SELECT
    +         FROM pg_catalog.pg_index AS i
    +         JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
    +         JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    +         JOIN pg_catalog.pg_namespace AS s ON s.oid = x.relnamespace
    +         JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
    +         WHERE t.relname = 'output_port_combined_with_daily' AND t.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'usage')
    +             AND m.amname = 'btree' AND i.indnkeyatts = 1
    +             AND ARRAY(
    +                 SELECT a.attname
    +                 FROM pg_catalog.generate_subscripts(i.indkey, 1) AS k
    +                 JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[k]
    +                 ORDER BY k
    +             ) OPERATOR(pg_catalog.=) ARRAY['consumer_id']::name[]
    +             AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid
    +     ) THEN
    +         CREATE INDEX "output_port_combined_with_daily_by_consumer_idx" ON "usage"."output_port_combined_with_daily" ("consumer_id");
    +     END IF;
    + END
    + $do$;
    "#);
}

#[test]
fn ways_to_read_do_not_depend_on_what_a_delete_does() {
    let keep = builder().consumers(of_parent("data_products", OnDelete::Keep));
    assert_eq!(
        changes(&create(keep.clone()), &create(keep.read_by_consumer().read_by_tech_asset())),
        changes(&create(builder()), &create(builder().read_by_consumer().read_by_tech_asset()))
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
        .read_by_consumer()
        .read_by_tech_asset()
        .build()
        .unwrap();
    insta::assert_snapshot!(script(&model.create_tables()));
    insta::assert_snapshot!(script(&model.drop_tables()));
    insta::assert_snapshot!(script(&[vec![model.create_schema()], model.vacuum()].concat()));
}
