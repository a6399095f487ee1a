//! What the comparison changes.

use output_port_usage::Granularity::{Day, Month, Quarter, Week, Year};
use output_port_usage::chart::Comparison::{PreviousPeriod, YearBefore, YearBeforeByWeekday};
use output_port_usage::chart::*;
use output_port_usage::*;

use super::{changes, days, over_time, pretty};
use crate::portal::port;

fn compared(granularity: Granularity, comparison: Comparison) -> String {
    pretty(&over_time(granularity).compared_with(comparison))
}

#[test]
fn bounds_of_buckets_go_back_by_the_comparison() {
    let from_year = |comparison| changes(&compared(Week, YearBefore), &compared(Week, comparison));
    insta::assert_snapshot!(from_year(PreviousPeriod), @"
    - /* output-port-usage: queries over time by week, compared with the year before */
    + /* output-port-usage: queries over time by week, compared with the previous period */
    ");
    insta::assert_snapshot!(from_year(YearBeforeByWeekday), @"
    - /* output-port-usage: queries over time by week, compared with the year before */
    + /* output-port-usage: queries over time by week, compared with the year before by weekday */
    ");
}

#[test]
fn days_go_forward_by_the_comparison() {
    let from_year = |comparison| changes(&compared(Day, YearBefore), &compared(Day, comparison));
    insta::assert_snapshot!(from_year(PreviousPeriod), @r#"
    - /* output-port-usage: queries over time by day, compared with the year before */
    + /* output-port-usage: queries over time by day, compared with the previous period */
    -     SELECT
    -         CAST(("date" + (INTERVAL '1 year')) AS date) AS "date",
    -         SUM("query_count") AS "query_count"
    +     SELECT "date" + CAST($7 AS integer) AS "date", SUM("query_count") AS "query_count"
    -         WHERE "output_port_id" = $7
    -             AND "date" >= $8 AND "date" < $9
    +         WHERE "output_port_id" = $8
    +             AND "date" >= $9 AND "date" < $10
    "#);
    insta::assert_snapshot!(from_year(YearBeforeByWeekday), @r#"
    - /* output-port-usage: queries over time by day, compared with the year before */
    + /* output-port-usage: queries over time by day, compared with the year before by weekday */
    -     SELECT
    -         CAST(("date" + (INTERVAL '1 year')) AS date) AS "date",
    -         SUM("query_count") AS "query_count"
    +     SELECT "date" + (364) AS "date", SUM("query_count") AS "query_count"
    "#);
}

#[test]
fn longer_buckets_are_compared_as_weeks_are() {
    for comparison in [PreviousPeriod, YearBefore, YearBeforeByWeekday] {
        let text = |granularity| compared(granularity, comparison).replace(title(comparison), "…");
        let from_week = |granularity| changes(&text(Week), &text(granularity));
        insta::allow_duplicates! {
            insta::assert_snapshot!(from_week(Month), @"
            - /* output-port-usage: queries over time by week, compared with … */
            + /* output-port-usage: queries over time by month, compared with … */
            ");
            insta::assert_snapshot!(from_week(Quarter), @"
            - /* output-port-usage: queries over time by week, compared with … */
            + /* output-port-usage: queries over time by quarter, compared with … */
            ");
            insta::assert_snapshot!(from_week(Year), @"
            - /* output-port-usage: queries over time by week, compared with … */
            + /* output-port-usage: queries over time by year, compared with … */
            ");
        }
    }
}

#[test]
fn groups_are_compared_by_their_consumers() {
    let chart = QueryDistribution::new(port(1), days()).by_group();
    insta::assert_snapshot!(pretty(&chart.compared_with(PreviousPeriod)), @r#"
    WITH
    /* output-port-usage: query distribution by group, compared with the previous period */
    "consumer" AS MATERIALIZED (
        SELECT "consumer_id", SUM("query_count") AS "query_count", SUM("previous") AS "previous"
        FROM (
            SELECT "consumer_id" AS "consumer_id", SUM("query_count") AS "query_count", 0 AS "previous"
            FROM "usage"."output_port_query_stats_daily" AS "fact"
            WHERE "output_port_id" = $1
                AND "date" >= $2 AND "date" < $3
            GROUP BY "consumer_id"
            UNION ALL
            (
                SELECT "consumer_id" AS "consumer_id", 0 AS "query_count", SUM("query_count") AS "previous"
                FROM "usage"."output_port_query_stats_daily" AS "fact"
                WHERE "output_port_id" = $4
                    AND "date" >= $5 AND "date" < $6
                GROUP BY "consumer_id"
            )
        ) AS "period"
        GROUP BY "consumer_id"
    ),
    "member" AS MATERIALIZED (
        SELECT
            "grouped"."group_id" AS "group_id",
            SUM("consumer"."query_count") AS "query_count",
            SUM("consumer"."previous") AS "previous"
        FROM "consumer"
        LEFT JOIN (
            SELECT "parent"."id" AS "consumer_id", "parent"."domain_id" AS "group_id"
            FROM "portal"."data_products" AS "parent"
        ) AS "grouped" ON "grouped"."consumer_id" = "consumer"."consumer_id"
        GROUP BY "grouped"."group_id"
    ),
    "ranked" AS (
        SELECT
            "group_id",
            "query_count",
            "previous",
            row_number() OVER (ORDER BY "query_count" DESC, "group_id" ASC) AS "rank"
        FROM "member"
        WHERE "group_id" IS NOT NULL AND CAST("query_count" AS bigint) > (0)
    ),
    "slice" AS (
        SELECT
            (CASE WHEN ("rank" <= $7) THEN "rank" END) AS "rank",
            (CASE WHEN ("rank" <= $8) THEN "group_id" END) AS "group_id",
            SUM("query_count") AS "query_count",
            SUM("previous") AS "previous",
            COUNT(*) AS "members"
        FROM "ranked"
        GROUP BY 1, 2
        LIMIT $9
    ),
    "shown" AS (
        SELECT "rank", "group_id", "query_count", "previous", "members"
        FROM "slice"
        UNION ALL
        (
            SELECT
                CAST((NULL) AS bigint) AS "rank",
                "group_id",
                "query_count",
                "previous",
                CAST((NULL) AS bigint) AS "members"
            FROM "member"
            WHERE "group_id" IS NULL AND CAST("query_count" AS bigint) > (0)
        )
    )
    SELECT
        CAST(
            (
                CASE
                    WHEN ("shown"."group_id" IS NOT NULL) THEN 'group'
                    WHEN ("shown"."members" IS NULL) THEN 'no_group'
                    ELSE 'other'
                END
            ) AS text
        ) AS "kind",
        CAST("shown"."group_id" AS uuid) AS "id",
        CAST("shown"."query_count" AS bigint) AS "query_count",
        CAST(
            (
                CAST("shown"."query_count" AS double precision) / CAST((SELECT SUM("query_count") FROM "member") AS double precision)
            ) AS double precision
        ) AS "share",
        CAST("shown"."rank" AS bigint) AS "rank",
        CAST("shown"."members" AS bigint) AS "members",
        CAST((NULL) AS date) AS "last_used",
        CAST(
            (
                SELECT MIN(CAST("labelled"."name" AS text))
                FROM "portal"."domains" AS "labelled"
                WHERE "labelled"."id" = "shown"."group_id"
            ) AS text
        ) AS "label",
        CAST(COALESCE("shown"."previous", 0) AS bigint) AS "previous",
        CAST(
            (
                (
                    CAST("shown"."query_count" AS double precision) - CAST(CAST(COALESCE("shown"."previous", 0) AS bigint) AS double precision)
                ) / CAST(nullif(CAST(COALESCE("shown"."previous", 0) AS bigint), 0) AS double precision)
            ) AS double precision
        ) AS "change",
        CAST((NULL) AS text) AS "previous_coverage"
    FROM "shown"
    ORDER BY "shown"."rank" ASC NULLS LAST, "shown"."members" ASC NULLS FIRST
    "#);
}

/// How a statement's title says what it is compared with.
fn title(comparison: Comparison) -> &'static str {
    match comparison {
        PreviousPeriod => "the previous period",
        YearBefore => "the year before",
        _ => "the year before by weekday",
    }
}

#[test]
fn days_before_are_values_where_there_are_no_buckets() {
    let distribution = || QueryDistribution::new(port(1), days());
    let assets = || MostPopularAssets::new(port(1), days());
    let texts = |comparison| {
        [
            pretty(&distribution().compared_with(comparison)),
            pretty(&distribution().by_group().compared_with(comparison)),
            pretty(&assets().compared_with(comparison)),
            pretty(&Summary::new(port(1), days()).compared_with(comparison)),
        ]
        .map(|text| text.replace(title(comparison), "…"))
    };
    assert_eq!(texts(YearBefore), texts(PreviousPeriod));
    assert_eq!(texts(YearBeforeByWeekday), texts(PreviousPeriod));
}

#[test]
fn a_top_n_is_a_value() {
    let texts = |top| {
        let distribution = || QueryDistribution::new(port(1), days()).top(top);
        let assets = || MostPopularAssets::new(port(1), days()).top(top);
        [
            pretty(&distribution()),
            pretty(&distribution().by_group()),
            pretty(&distribution().compared_with(YearBefore)),
            pretty(&distribution().by_group().compared_with(YearBefore)),
            pretty(&assets()),
            pretty(&assets().compared_with(YearBefore)),
            pretty(&MostOftenCombinedWith::new(port(1), days()).top(top)),
            pretty(&over_time(Month).split_by_consumer(top)),
            pretty(&Overview::new(port(1), days()).granularity(Month).top(top)),
        ]
    };
    assert_eq!(texts(1), texts(1_000));
}
