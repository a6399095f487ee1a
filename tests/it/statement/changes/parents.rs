//! What the references to the parents change: labels, keys, schemas and groups.

use output_port_usage::Granularity::{Day, Month};
use output_port_usage::chart::*;
use output_port_usage::*;

use super::{changes, days, over_time, pretty, pretty_of};
use crate::portal::port;

/// Parents that name nothing but their tables; consumers keep a group.
fn plain() -> UsageModelBuilder {
    UsageModel::builder()
        .schema("usage")
        .output_ports(Reference::to("datasets").schema("portal"))
        .consumers(
            Reference::to("data_products")
                .schema("portal")
                .group("domain_id", Reference::to("domains").schema("portal")),
        )
        .tech_assets(Reference::to("technical_assets").schema("portal"))
}

/// Parents whose every name is their own, in the schema `public`.
fn named() -> UsageModelBuilder {
    UsageModel::builder()
        .schema("usage")
        .output_ports(Reference::to("ports").key("port").label("title"))
        .consumers(
            Reference::to("products")
                .key("product")
                .label("title")
                .group("domain", Reference::to("areas").key("area").label("title")),
        )
        .tech_assets(Reference::to("assets").key("asset").label("title"))
}

fn without_labels<C: Chart>(chart: &C) -> String {
    changes(&pretty(chart), &pretty_of(plain(), chart))
}

fn with_other_names<C: Chart>(chart: &C) -> String {
    changes(&pretty(chart), &pretty_of(named(), chart))
}

#[test]
fn a_label_is_the_only_use_that_charts_make_of_a_parent() {
    let distribution = || QueryDistribution::new(port(1), days());
    insta::assert_snapshot!(without_labels(&distribution()), @r#"
    -     CAST("labelled"."name" AS text) AS "label"
    +     CAST((NULL) AS text) AS "label"
    - LEFT JOIN "portal"."data_products" AS "labelled" ON "labelled"."id" = "slice"."consumer_id"
    "#);
    insta::assert_snapshot!(without_labels(&distribution().compared_with(Comparison::YearBefore)), @r#"
    -     CAST("labelled"."name" AS text) AS "label",
    +     CAST((NULL) AS text) AS "label",
    - LEFT JOIN "portal"."data_products" AS "labelled" ON "labelled"."id" = "slice"."consumer_id"
    "#);
    insta::assert_snapshot!(without_labels(&Overview::new(port(1), days()).granularity(Month)), @r#"
    -             CAST(
    -                 (
    -                     SELECT MIN(CAST("labelled"."name" AS text))
    -                     FROM "portal"."data_products" AS "labelled"
    -                     WHERE "labelled"."id" = "ranked"."consumer_id"
    -                 ) AS text
    -             ) AS "label",
    +             CAST((NULL) AS text) AS "label",
    "#);
    for chart in [over_time(Day), over_time(Month)] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(without_labels(&chart.split_by_consumer(5)), @r#"
            -     CAST(
            -         (
            -             SELECT MIN(CAST("labelled"."name" AS text))
            -             FROM "portal"."data_products" AS "labelled"
            -             WHERE "labelled"."id" = "ranked"."consumer_id"
            -         ) AS text
            -     ) AS "label",
            +     CAST((NULL) AS text) AS "label",
            "#);
        }
    }
    insta::assert_snapshot!(without_labels(&Overview::new(port(1), days())), @r#"
    -             CAST(
    -                 (
    -                     SELECT MIN(CAST("labelled"."name" AS text))
    -                     FROM "portal"."data_products" AS "labelled"
    -                     WHERE "labelled"."id" = "ranked"."consumer_id"
    -                 ) AS text
    -             ) AS "label",
    +             CAST((NULL) AS text) AS "label",
    "#);
    insta::assert_snapshot!(without_labels(&QueriesOverTime::of_ports([port(1)], days())), @r#"
    -     CAST("labelled"."label" AS text) AS "label",
    +     CAST((NULL) AS text) AS "label",
    - LEFT JOIN (
    -     SELECT "parent"."id" AS "id", MIN(CAST("parent"."name" AS text)) AS "label"
    -     FROM "portal"."datasets" AS "parent"
    -     WHERE "parent"."id" = ANY(CAST($7 AS uuid[]))
    -     GROUP BY "parent"."id"
    - ) AS "labelled" ON "labelled"."id" = "port"."port"
    "#);
    let assets = || MostPopularAssets::new(port(1), days());
    insta::assert_snapshot!(without_labels(&assets()), @r#"
    -     CAST("labelled"."name" AS text) AS "label"
    +     CAST((NULL) AS text) AS "label"
    - LEFT JOIN "portal"."technical_assets" AS "labelled" ON "labelled"."id" = "ranked"."tech_asset_id"
    "#);
    insta::assert_snapshot!(without_labels(&assets().compared_with(Comparison::YearBefore)), @r#"
    -     CAST("labelled"."name" AS text) AS "label",
    +     CAST((NULL) AS text) AS "label",
    - LEFT JOIN "portal"."technical_assets" AS "labelled" ON "labelled"."id" = "ranked"."tech_asset_id"
    "#);
    insta::assert_snapshot!(without_labels(&MostOftenCombinedWith::new(port(1), days())), @r#"
    -     CAST("labelled"."name" AS text) AS "label"
    +     CAST((NULL) AS text) AS "label"
    - LEFT JOIN "portal"."datasets" AS "labelled" ON "labelled"."id" = "ranked"."output_port_id"
    "#);
    insta::assert_snapshot!(without_labels(&over_time(Month)), @"");
    insta::assert_snapshot!(without_labels(&Summary::new(port(1), days())), @"");
}

#[test]
fn groups_without_labels_are_still_looked_up_by_consumer() {
    let by_group = || QueryDistribution::new(port(1), days()).by_group();
    insta::assert_snapshot!(without_labels(&by_group()), @r#"
    -     CAST(
    -         (
    -             SELECT MIN(CAST("labelled"."name" AS text))
    -             FROM "portal"."domains" AS "labelled"
    -             WHERE "labelled"."id" = "shown"."group_id"
    -         ) AS text
    -     ) AS "label"
    +     CAST((NULL) AS text) AS "label"
    "#);
    insta::assert_snapshot!(without_labels(&by_group().compared_with(Comparison::YearBefore)), @r#"
    -     CAST(
    -         (
    -             SELECT MIN(CAST("labelled"."name" AS text))
    -             FROM "portal"."domains" AS "labelled"
    -             WHERE "labelled"."id" = "shown"."group_id"
    -         ) AS text
    -     ) AS "label",
    +     CAST((NULL) AS text) AS "label",
    "#);
}

#[test]
fn keys_and_names_of_parents_are_the_models() {
    insta::assert_snapshot!(with_other_names(&QueryDistribution::new(port(1), days())), @r#"
    -     CAST("labelled"."name" AS text) AS "label"
    +     CAST("labelled"."title" AS text) AS "label"
    - LEFT JOIN "portal"."data_products" AS "labelled" ON "labelled"."id" = "slice"."consumer_id"
    + LEFT JOIN "public"."products" AS "labelled" ON "labelled"."product" = "slice"."consumer_id"
    "#);
    insta::assert_snapshot!(with_other_names(&QueryDistribution::new(port(1), days()).by_group()), @r#"
    -         SELECT "parent"."id" AS "consumer_id", "parent"."domain_id" AS "group_id"
    -         FROM "portal"."data_products" AS "parent"
    +         SELECT "parent"."product" AS "consumer_id", "parent"."domain" AS "group_id"
    +         FROM "public"."products" AS "parent"
    -             SELECT MIN(CAST("labelled"."name" AS text))
    -             FROM "portal"."domains" AS "labelled"
    -             WHERE "labelled"."id" = "shown"."group_id"
    +             SELECT MIN(CAST("labelled"."title" AS text))
    +             FROM "public"."areas" AS "labelled"
    +             WHERE "labelled"."area" = "shown"."group_id"
    "#);
    insta::assert_snapshot!(with_other_names(&over_time(Month).split_by_consumer(5)), @r#"
    -             SELECT MIN(CAST("labelled"."name" AS text))
    -             FROM "portal"."data_products" AS "labelled"
    -             WHERE "labelled"."id" = "ranked"."consumer_id"
    +             SELECT MIN(CAST("labelled"."title" AS text))
    +             FROM "public"."products" AS "labelled"
    +             WHERE "labelled"."product" = "ranked"."consumer_id"
    "#);
    insta::assert_snapshot!(with_other_names(&Overview::new(port(1), days()).granularity(Month)), @r#"
    -                     SELECT MIN(CAST("labelled"."name" AS text))
    -                     FROM "portal"."data_products" AS "labelled"
    -                     WHERE "labelled"."id" = "ranked"."consumer_id"
    +                     SELECT MIN(CAST("labelled"."title" AS text))
    +                     FROM "public"."products" AS "labelled"
    +                     WHERE "labelled"."product" = "ranked"."consumer_id"
    "#);
    insta::assert_snapshot!(with_other_names(&QueriesOverTime::of_ports([port(1)], days())), @r#"
    -     SELECT "parent"."id" AS "id", MIN(CAST("parent"."name" AS text)) AS "label"
    -     FROM "portal"."datasets" AS "parent"
    -     WHERE "parent"."id" = ANY(CAST($7 AS uuid[]))
    -     GROUP BY "parent"."id"
    +     SELECT "parent"."port" AS "id", MIN(CAST("parent"."title" AS text)) AS "label"
    +     FROM "public"."ports" AS "parent"
    +     WHERE "parent"."port" = ANY(CAST($7 AS uuid[]))
    +     GROUP BY "parent"."port"
    "#);
    insta::assert_snapshot!(with_other_names(&MostPopularAssets::new(port(1), days())), @r#"
    -     CAST("labelled"."name" AS text) AS "label"
    +     CAST("labelled"."title" AS text) AS "label"
    - LEFT JOIN "portal"."technical_assets" AS "labelled" ON "labelled"."id" = "ranked"."tech_asset_id"
    + LEFT JOIN "public"."assets" AS "labelled" ON "labelled"."asset" = "ranked"."tech_asset_id"
    "#);
    insta::assert_snapshot!(with_other_names(&MostOftenCombinedWith::new(port(1), days())), @r#"
    -     CAST("labelled"."name" AS text) AS "label"
    +     CAST("labelled"."title" AS text) AS "label"
    - LEFT JOIN "portal"."datasets" AS "labelled" ON "labelled"."id" = "ranked"."output_port_id"
    + LEFT JOIN "public"."ports" AS "labelled" ON "labelled"."port" = "ranked"."output_port_id"
    "#);
}
