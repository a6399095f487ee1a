//! What the names of the tables and their number change in charts.

use output_port_usage::Granularity::Month;
use output_port_usage::chart::*;
use output_port_usage::*;

use super::{changes, days, over_time};
use crate::portal::{builder, port};

#[test]
fn names_of_the_tables_are_the_models() {
    let names = builder()
        .schema("stats")
        .queries_table(
            TableNames::new("queries")
                .column(Column::Date, "day")
                .column(Column::OutputPortId, "port")
                .column(Column::ConsumerId, "product")
                .column(Column::QueryCount, "n"),
        )
        .touches_table(TableNames::new("touches").column(Column::TechAssetId, "asset"))
        .combinations_table(
            TableNames::new("pairs")
                .column(Column::OutputPortId1, "smaller")
                .column(Column::OutputPortId2, "larger"),
        );
    let model = names.build().unwrap();
    let renamed = |chart: &dyn Fn(&UsageModel) -> String| {
        changes(&chart(&builder().combinations().build().unwrap()), &chart(&model))
    };
    let over_time = |model: &UsageModel| model.query(&over_time(Month)).unwrap().pretty();
    insta::assert_snapshot!(renamed(&over_time), @r#"
    -         SELECT SUM("query_count") AS "query_count"
    -         FROM "usage"."output_port_query_stats_daily" AS "fact"
    +         SELECT SUM("n") AS "query_count"
    +         FROM "stats"."queries" AS "fact"
    -             "output_port_id" = $6
    -             AND "date" >= "bucket"."start"
    -             AND "date" < "bucket"."end"
    -             AND "date" >= $7
    -             AND "date" < $8
    +             "port" = $6
    +             AND "day" >= "bucket"."start"
    +             AND "day" < "bucket"."end"
    +             AND "day" >= $7
    +             AND "day" < $8
    "#);
    let assets = |model: &UsageModel| model.query(&MostPopularAssets::new(port(1), days())).unwrap().pretty();
    insta::assert_snapshot!(renamed(&assets), @r#"
    -             "tech_asset_id" AS "tech_asset_id",
    +             "asset" AS "tech_asset_id",
    -         FROM "usage"."tech_asset_stats_daily" AS "fact"
    +         FROM "stats"."touches" AS "fact"
    -         GROUP BY "tech_asset_id", "consumer_id"
    +         GROUP BY "asset", "consumer_id"
    "#);
    let combined =
        |model: &UsageModel| model.query(&MostOftenCombinedWith::new(port(1), days())).unwrap().pretty();
    insta::assert_snapshot!(renamed(&combined), @r#"
    -     SELECT "output_port_id_2" AS "output_port_id", SUM("query_count") AS "query_count"
    -     FROM "usage"."output_port_combined_with_daily" AS "fact"
    -     WHERE "output_port_id_1" = $1 AND "date" >= $2 AND "date" < $3
    -     GROUP BY "output_port_id_2"
    +     SELECT "larger" AS "output_port_id", SUM("query_count") AS "query_count"
    +     FROM "stats"."pairs" AS "fact"
    +     WHERE "smaller" = $1 AND "date" >= $2 AND "date" < $3
    +     GROUP BY "larger"
    -     SELECT "output_port_id_1" AS "output_port_id", SUM("query_count") AS "query_count"
    -     FROM "usage"."output_port_combined_with_daily" AS "fact"
    -     WHERE "output_port_id_2" = $4 AND "date" >= $5 AND "date" < $6
    -     GROUP BY "output_port_id_1"
    +     SELECT "smaller" AS "output_port_id", SUM("query_count") AS "query_count"
    +     FROM "stats"."pairs" AS "fact"
    +     WHERE "larger" = $4 AND "date" >= $5 AND "date" < $6
    +     GROUP BY "smaller"
    -     SELECT SUM("query_count") AS "query_count"
    -     FROM "usage"."output_port_query_stats_daily" AS "fact"
    -     WHERE "output_port_id" = $8 AND "date" >= $9 AND "date" < $10
    +     SELECT SUM("n") AS "query_count"
    +     FROM "stats"."queries" AS "fact"
    +     WHERE "port" = $8 AND "day" >= $9 AND "day" < $10
    "#);
    let reconcile = |model: &UsageModel| model.reconcile(days()).unwrap().pretty();
    insta::assert_snapshot!(renamed(&reconcile), @r#"
    -         "counted"."output_port_id_1",
    -         "counted"."output_port_id_2",
    +         "counted"."smaller",
    +         "counted"."larger",
    -     FROM "usage"."output_port_combined_with_daily" AS "counted"
    +     FROM "stats"."pairs" AS "counted"
    -         "counted"."tech_asset_id" AS "tech_asset_id",
    +         "counted"."asset" AS "tech_asset_id",
    -         COALESCE("queries"."query_count", 0) AS "queries"
    -     FROM "usage"."tech_asset_stats_daily" AS "counted"
    +         COALESCE("queries"."n", 0) AS "queries"
    +     FROM "stats"."touches" AS "counted"
    -         "usage"."output_port_query_stats_daily" AS "queries" ON "queries"."output_port_id" = "counted"."output_port_id"
    -         AND "queries"."date" = "counted"."date"
    -         AND "queries"."consumer_id" = "counted"."consumer_id"
    -         AND "queries"."date" >= $3
    -         AND "queries"."date" < $4
    +         "stats"."queries" AS "queries" ON "queries"."port" = "counted"."output_port_id"
    +         AND "queries"."day" = "counted"."date"
    +         AND "queries"."product" = "counted"."consumer_id"
    +         AND "queries"."day" >= $3
    +         AND "queries"."day" < $4
    -         "counted"."query_count" > COALESCE("queries"."query_count", 0)
    +         "counted"."query_count" > COALESCE("queries"."n", 0)
    -             "counted"."output_port_id_1" AS "output_port_id",
    +             "counted"."smaller" AS "output_port_id",
    -             "counted"."output_port_id_2" AS "other_output_port_id",
    +             "counted"."larger" AS "other_output_port_id",
    -             COALESCE("queries"."query_count", 0) AS "queries"
    -         FROM "usage"."output_port_combined_with_daily" AS "counted"
    +             COALESCE("queries"."n", 0) AS "queries"
    +         FROM "stats"."pairs" AS "counted"
    -             "usage"."output_port_query_stats_daily" AS "queries" ON "queries"."output_port_id" = "counted"."output_port_id_1"
    -             AND "queries"."date" = "counted"."date"
    -             AND "queries"."consumer_id" = "counted"."consumer_id"
    -             AND "queries"."date" >= $7
    -             AND "queries"."date" < $8
    +             "stats"."queries" AS "queries" ON "queries"."port" = "counted"."smaller"
    +             AND "queries"."day" = "counted"."date"
    +             AND "queries"."product" = "counted"."consumer_id"
    +             AND "queries"."day" >= $7
    +             AND "queries"."day" < $8
    -             "counted"."query_count" > COALESCE("queries"."query_count", 0)
    +             "counted"."query_count" > COALESCE("queries"."n", 0)
    -             "counted"."output_port_id_2" AS "output_port_id",
    +             "counted"."larger" AS "output_port_id",
    -             "counted"."output_port_id_1" AS "other_output_port_id",
    +             "counted"."smaller" AS "other_output_port_id",
    -             COALESCE("queries"."query_count", 0) AS "queries"
    +             COALESCE("queries"."n", 0) AS "queries"
    -             "usage"."output_port_query_stats_daily" AS "queries" ON "queries"."output_port_id" = "counted"."output_port_id_2"
    -             AND "queries"."date" = "counted"."date"
    -             AND "queries"."consumer_id" = "counted"."consumer_id"
    -             AND "queries"."date" >= $11
    -             AND "queries"."date" < $12
    -         WHERE "counted"."query_count" > COALESCE("queries"."query_count", 0)
    +             "stats"."queries" AS "queries" ON "queries"."port" = "counted"."larger"
    +             AND "queries"."day" = "counted"."date"
    +             AND "queries"."product" = "counted"."consumer_id"
    +             AND "queries"."day" >= $11
    +             AND "queries"."day" < $12
    +         WHERE "counted"."query_count" > COALESCE("queries"."n", 0)
    -             "counted"."output_port_id_1" AS "output_port_id",
    +             "counted"."smaller" AS "output_port_id",
    -             "counted"."output_port_id_2" AS "other_output_port_id",
    +             "counted"."larger" AS "other_output_port_id",
    -         FROM "usage"."output_port_combined_with_daily" AS "counted"
    +         FROM "stats"."pairs" AS "counted"
    -             "counted"."output_port_id_1" >= "counted"."output_port_id_2"
    +             "counted"."smaller" >= "counted"."larger"
    "#);
}

#[test]
fn table_3_and_delete_indexes_change_no_chart_of_the_other_tables() {
    let texts = |model: UsageModel| {
        [
            model.query(&over_time(Month)).unwrap().pretty(),
            model.query(&QueryDistribution::new(port(1), days()).by_group()).unwrap().pretty(),
            model.query(&MostPopularAssets::new(port(1), days())).unwrap().pretty(),
            model.query(&Summary::new(port(1), days())).unwrap().pretty(),
            model.query(&Overview::new(port(1), days()).granularity(Month)).unwrap().pretty(),
        ]
    };
    let without = texts(builder().build().unwrap());
    assert_eq!(texts(builder().combinations().build().unwrap()), without);
    assert_eq!(texts(builder().delete_indexes().build().unwrap()), without);
}
