//! Charts beside the days before, and the summary.

use output_port_usage::chart::*;
use output_port_usage::*;

use crate::chart::worked::{sql, worked_example};
use crate::portal::{Portal, asset, builder, consumer, day, group, port, queries, scope, touches};

#[test]
fn popular_assets_join_the_days_before_to_the_few_rows() {
    let chart = MostPopularAssets::new(port(1), day(2026, 1, 1)..day(2026, 2, 1));
    insta::assert_snapshot!(sql(&chart.compared_with(Comparison::PreviousPeriod)), @r#"
    WITH
    /* output-port-usage: most popular assets, compared with the previous period */
    "before" AS MATERIALIZED (
        SELECT "tech_asset_id", SUM("query_count") AS "query_count"
        FROM (
            SELECT "tech_asset_id" AS "tech_asset_id", SUM("query_count") AS "query_count"
            FROM "usage"."tech_asset_stats_daily" AS "fact"
            WHERE "output_port_id" = $1
                AND "date" >= $2 AND "date" < $3
            GROUP BY "date", "tech_asset_id"
        ) AS "daily"
        GROUP BY "tech_asset_id"
    ),
    "member" AS MATERIALIZED (
        SELECT
            "tech_asset_id",
            SUM("query_count") AS "query_count",
            COUNT(*) AS "consumers",
            MAX("last_used") AS "last_used"
        FROM (
            SELECT
                "tech_asset_id" AS "tech_asset_id",
                SUM("query_count") AS "query_count",
                MAX("date") FILTER (WHERE "query_count" > (0)) AS "last_used"
            FROM (
                SELECT "date", "tech_asset_id", "consumer_id", "query_count"
                FROM "usage"."tech_asset_stats_daily" AS "fact"
                WHERE "output_port_id" = $4
                    AND "date" >= $5 AND "date" < $6
                ORDER BY "date" ASC
            ) AS "fact"
            GROUP BY "tech_asset_id", "consumer_id"
            HAVING SUM("query_count") > (0)
        ) AS "pair"
        GROUP BY "tech_asset_id"
    ),
    "ranked" AS (
        SELECT
            "tech_asset_id",
            "query_count",
            "consumers",
            "last_used",
            row_number() OVER (ORDER BY "query_count" DESC, "tech_asset_id" ASC) AS "rank"
        FROM "member"
        ORDER BY "rank" ASC
        LIMIT $7
    )
    SELECT
        CAST("ranked"."tech_asset_id" AS uuid) AS "tech_asset_id",
        CAST("ranked"."query_count" AS bigint) AS "touches",
        CAST(
            (
                CAST("ranked"."query_count" AS double precision) / CAST((SELECT SUM("query_count") FROM "member") AS double precision)
            ) AS double precision
        ) AS "share",
        CAST("ranked"."rank" AS bigint) AS "rank",
        CAST("ranked"."consumers" AS bigint) AS "consumers",
        CAST("ranked"."last_used" AS date) AS "last_used",
        CAST("labelled"."name" AS text) AS "label",
        CAST(COALESCE("before"."query_count", 0) AS bigint) AS "previous",
        CAST(
            (
                (
                    CAST("ranked"."query_count" AS double precision) - CAST(CAST(COALESCE("before"."query_count", 0) AS bigint) AS double precision)
                ) / CAST(nullif(CAST(COALESCE("before"."query_count", 0) AS bigint), 0) AS double precision)
            ) AS double precision
        ) AS "change",
        CAST((NULL) AS text) AS "previous_coverage"
    FROM "ranked"
    LEFT JOIN "portal"."technical_assets" AS "labelled" ON "labelled"."id" = "ranked"."tech_asset_id"
    LEFT JOIN "before" ON "before"."tech_asset_id" = "ranked"."tech_asset_id"
    ORDER BY "ranked"."rank" ASC NULLS LAST
    "#);
}

#[test]
fn a_distribution_reads_two_ranges_of_the_key() {
    let chart = QueryDistribution::new(port(1), day(2026, 1, 1)..day(2026, 2, 1));
    insta::assert_snapshot!(sql(&chart.compared_with(Comparison::PreviousPeriod)), @r#"
    WITH
    /* output-port-usage: query distribution, compared with the previous period */
    "member" AS MATERIALIZED (
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
    "ranked" AS (
        SELECT
            "consumer_id",
            "query_count",
            "previous",
            row_number() OVER (ORDER BY "query_count" DESC, "consumer_id" ASC) AS "rank"
        FROM "member"
        WHERE "consumer_id" IS NOT NULL AND CAST("query_count" AS bigint) > (0)
    ),
    "slice" AS (
        SELECT
            (CASE WHEN ("rank" <= $7) THEN "rank" END) AS "rank",
            (CASE WHEN ("rank" <= $8) THEN "consumer_id" END) AS "consumer_id",
            SUM("query_count") AS "query_count",
            SUM("previous") AS "previous",
            COUNT(*) AS "members"
        FROM "ranked"
        GROUP BY 1, 2
        LIMIT $9
    )
    SELECT
        CAST((CASE WHEN ("slice"."consumer_id" IS NOT NULL) THEN 'consumer' ELSE 'other' END) AS text) AS "kind",
        CAST("slice"."consumer_id" AS uuid) AS "id",
        CAST("slice"."query_count" AS bigint) AS "query_count",
        CAST(
            (
                CAST("slice"."query_count" AS double precision) / CAST((SELECT SUM("query_count") FROM "member") AS double precision)
            ) AS double precision
        ) AS "share",
        CAST("slice"."rank" AS bigint) AS "rank",
        CAST("slice"."members" AS bigint) AS "members",
        CAST((NULL) AS date) AS "last_used",
        CAST("labelled"."name" AS text) AS "label",
        CAST(COALESCE("slice"."previous", 0) AS bigint) AS "previous",
        CAST(
            (
                (
                    CAST("slice"."query_count" AS double precision) - CAST(CAST(COALESCE("slice"."previous", 0) AS bigint) AS double precision)
                ) / CAST(nullif(CAST(COALESCE("slice"."previous", 0) AS bigint), 0) AS double precision)
            ) AS double precision
        ) AS "change",
        CAST((NULL) AS text) AS "previous_coverage"
    FROM "slice"
    LEFT JOIN "portal"."data_products" AS "labelled" ON "labelled"."id" = "slice"."consumer_id"
    ORDER BY "slice"."rank" ASC NULLS LAST, "slice"."members" ASC NULLS FIRST
    "#);
}

#[test]
fn a_summary_counts_days_and_consumers_in_one_scan() {
    let chart = Summary::new(port(1), day(2026, 1, 1)..day(2026, 2, 1));
    insta::assert_snapshot!(sql(&chart), @r#"
    SELECT
        /* output-port-usage: summary */
        CAST(
            COALESCE(SUM("counted"."query_count") FILTER (WHERE "counted"."date" IS NOT NULL), 0) AS bigint
        ) AS "query_count",
        CAST(pg_catalog.count("counted"."consumer_id") AS bigint) AS "consumers",
        CAST(pg_catalog.count("counted"."date") AS bigint) AS "active_days",
        CAST(MAX("counted"."date") AS date) AS "last_used",
        CAST((NULL) AS text) AS "coverage"
    FROM (
        SELECT "date", "consumer_id", SUM("query_count") AS "query_count"
        FROM (
            SELECT "date" AS "date", "consumer_id" AS "consumer_id", "query_count" AS "query_count"
            FROM "usage"."output_port_query_stats_daily" AS "fact"
            WHERE "output_port_id" = $1
                AND "date" >= $2 AND "date" < $3
        ) AS "fact"
        GROUP BY GROUPING SETS (("date"), ("consumer_id"))
        HAVING SUM("query_count") > (0)
    ) AS "counted"
    "#);
    insta::assert_snapshot!(sql(&chart.compared_with(Comparison::PreviousPeriod)), @r#"
    SELECT
        /* output-port-usage: summary, compared with the previous period */
        "now"."query_count",
        "now"."consumers",
        "now"."active_days",
        "now"."last_used",
        "now"."coverage",
        CAST(COALESCE("before"."query_count", 0) AS bigint) AS "previous",
        CAST(
            (
                (
                    CAST("now"."query_count" AS double precision) - CAST(CAST(COALESCE("before"."query_count", 0) AS bigint) AS double precision)
                ) / CAST(nullif(CAST(COALESCE("before"."query_count", 0) AS bigint), 0) AS double precision)
            ) AS double precision
        ) AS "change",
        CAST((NULL) AS text) AS "previous_coverage"
    FROM (
        SELECT
            CAST(
                COALESCE(SUM("counted"."query_count") FILTER (WHERE "counted"."date" IS NOT NULL), 0) AS bigint
            ) AS "query_count",
            CAST(pg_catalog.count("counted"."consumer_id") AS bigint) AS "consumers",
            CAST(pg_catalog.count("counted"."date") AS bigint) AS "active_days",
            CAST(MAX("counted"."date") AS date) AS "last_used",
            CAST((NULL) AS text) AS "coverage"
        FROM (
            SELECT "date", "consumer_id", SUM("query_count") AS "query_count"
            FROM (
                SELECT "date" AS "date", "consumer_id" AS "consumer_id", "query_count" AS "query_count"
                FROM "usage"."output_port_query_stats_daily" AS "fact"
                WHERE "output_port_id" = $1
                    AND "date" >= $2 AND "date" < $3
            ) AS "fact"
            GROUP BY GROUPING SETS (("date"), ("consumer_id"))
            HAVING SUM("query_count") > (0)
        ) AS "counted"
    ) AS "now"
    INNER JOIN
        LATERAL (
            SELECT SUM("query_count") AS "query_count"
            FROM "usage"."output_port_query_stats_daily" AS "fact"
            WHERE "output_port_id" = $4
                AND "date" >= $5 AND "date" < $6
        ) AS "before" ON TRUE
    "#);
}

#[test]
fn bounds_of_buckets_go_back_as_the_days_do() {
    let chart =
        QueriesOverTime::new(port(1), day(2026, 1, 1)..day(2026, 2, 1)).granularity(Granularity::Week);
    insta::assert_snapshot!(sql(&chart.compared_with(Comparison::YearBefore)), @r#"
    WITH
    /* output-port-usage: queries over time by week, compared with the year before */
    "bucket" AS MATERIALIZED (
        SELECT
            pg_catalog.unnest(CAST($1 AS date[])) AS "start",
            pg_catalog.unnest(CAST($2 AS date[])) AS "end",
            pg_catalog.unnest(CAST($3 AS date[])) AS "start_before",
            pg_catalog.unnest(CAST($4 AS date[])) AS "end_before"
    )
    SELECT
        CAST("bucket"."start" AS date) AS "bucket",
        CAST(COALESCE("counted"."query_count", 0) AS bigint) AS "query_count",
        CAST(("bucket"."start" < $5 OR "bucket"."end" > $6) AS boolean) AS "partial",
        CAST((NULL) AS text) AS "coverage",
        CAST(COALESCE("before"."query_count", 0) AS bigint) AS "previous",
        CAST(
            (
                (
                    CAST(CAST(COALESCE("counted"."query_count", 0) AS bigint) AS double precision) - CAST(CAST(COALESCE("before"."query_count", 0) AS bigint) AS double precision)
                ) / CAST(nullif(CAST(COALESCE("before"."query_count", 0) AS bigint), 0) AS double precision)
            ) AS double precision
        ) AS "change",
        CAST((NULL) AS text) AS "previous_coverage"
    FROM "bucket"
    INNER JOIN
        LATERAL (
            SELECT SUM("query_count") AS "query_count"
            FROM "usage"."output_port_query_stats_daily" AS "fact"
            WHERE
                "output_port_id" = $7
                AND "date" >= "bucket"."start"
                AND "date" < "bucket"."end"
                AND "date" >= $8
                AND "date" < $9
        ) AS "counted" ON TRUE
    INNER JOIN
        LATERAL (
            SELECT SUM("query_count") AS "query_count"
            FROM "usage"."output_port_query_stats_daily" AS "fact"
            WHERE
                "output_port_id" = $10
                AND "date" >= "bucket"."start_before"
                AND "date" < "bucket"."end_before"
                AND "date" >= $11
                AND "date" < $12
        ) AS "before" ON TRUE
    ORDER BY "bucket"."start" ASC
    "#);
}

#[test]
fn a_comparison_by_day_groups_both_ranges_by_date() {
    let chart = QueriesOverTime::new(port(1), day(2026, 1, 1)..day(2026, 2, 1));
    insta::assert_snapshot!(sql(&chart.clone().compared_with(Comparison::PreviousPeriod)), @r#"
    WITH
    /* output-port-usage: queries over time by day, compared with the previous period */
    "bucket" AS MATERIALIZED (
        SELECT CAST($1 AS date) + "step"."step" AS "start"
        FROM generate_series(0, CAST($2 AS integer)) AS "step"
        LIMIT $3
    )
    SELECT
        CAST("bucket"."start" AS date) AS "bucket",
        CAST(COALESCE("counted"."query_count", 0) AS bigint) AS "query_count",
        CAST((FALSE) AS boolean) AS "partial",
        CAST((NULL) AS text) AS "coverage",
        CAST(COALESCE("before"."query_count", 0) AS bigint) AS "previous",
        CAST(
            (
                (
                    CAST(CAST(COALESCE("counted"."query_count", 0) AS bigint) AS double precision) - CAST(CAST(COALESCE("before"."query_count", 0) AS bigint) AS double precision)
                ) / CAST(nullif(CAST(COALESCE("before"."query_count", 0) AS bigint), 0) AS double precision)
            ) AS double precision
        ) AS "change",
        CAST((NULL) AS text) AS "previous_coverage"
    FROM "bucket"
    LEFT JOIN (
        SELECT "date" AS "date", SUM("query_count") AS "query_count"
        FROM "usage"."output_port_query_stats_daily" AS "fact"
        WHERE "output_port_id" = $4
            AND "date" >= $5 AND "date" < $6
        GROUP BY "date"
    ) AS "counted" ON "counted"."date" = "bucket"."start"
    LEFT JOIN (
        SELECT "date" + CAST($7 AS integer) AS "date", SUM("query_count") AS "query_count"
        FROM (
            SELECT "date" AS "date", SUM("query_count") AS "query_count"
            FROM "usage"."output_port_query_stats_daily" AS "fact"
            WHERE "output_port_id" = $8
                AND "date" >= $9 AND "date" < $10
            GROUP BY "date"
        ) AS "daily"
        GROUP BY 1
    ) AS "before" ON "before"."date" = "bucket"."start"
    ORDER BY "bucket"."start" ASC
    "#);
    insta::assert_snapshot!(sql(&chart.compared_with(Comparison::YearBefore)), @r#"
    WITH
    /* output-port-usage: queries over time by day, compared with the year before */
    "bucket" AS MATERIALIZED (
        SELECT CAST($1 AS date) + "step"."step" AS "start"
        FROM generate_series(0, CAST($2 AS integer)) AS "step"
        LIMIT $3
    )
    SELECT
        CAST("bucket"."start" AS date) AS "bucket",
        CAST(COALESCE("counted"."query_count", 0) AS bigint) AS "query_count",
        CAST((FALSE) AS boolean) AS "partial",
        CAST((NULL) AS text) AS "coverage",
        CAST(COALESCE("before"."query_count", 0) AS bigint) AS "previous",
        CAST(
            (
                (
                    CAST(CAST(COALESCE("counted"."query_count", 0) AS bigint) AS double precision) - CAST(CAST(COALESCE("before"."query_count", 0) AS bigint) AS double precision)
                ) / CAST(nullif(CAST(COALESCE("before"."query_count", 0) AS bigint), 0) AS double precision)
            ) AS double precision
        ) AS "change",
        CAST((NULL) AS text) AS "previous_coverage"
    FROM "bucket"
    LEFT JOIN (
        SELECT "date" AS "date", SUM("query_count") AS "query_count"
        FROM "usage"."output_port_query_stats_daily" AS "fact"
        WHERE "output_port_id" = $4
            AND "date" >= $5 AND "date" < $6
        GROUP BY "date"
    ) AS "counted" ON "counted"."date" = "bucket"."start"
    LEFT JOIN (
        SELECT
            CAST(("date" + (INTERVAL '1 year')) AS date) AS "date",
            SUM("query_count") AS "query_count"
        FROM (
            SELECT "date" AS "date", SUM("query_count") AS "query_count"
            FROM "usage"."output_port_query_stats_daily" AS "fact"
            WHERE "output_port_id" = $7
                AND "date" >= $8 AND "date" < $9
            GROUP BY "date"
        ) AS "daily"
        GROUP BY 1
    ) AS "before" ON "before"."date" = "bucket"."start"
    ORDER BY "bucket"."start" ASC
    "#);
}

#[test]
fn the_year_before_of_29_february_is_no_day() {
    let year = Comparison::YearBefore;
    let leap = day(2028, 2, 1)..day(2028, 3, 1);
    assert_eq!(year.days(&leap).unwrap(), day(2027, 2, 1)..day(2027, 3, 1));
    assert_eq!(year.days(&(day(2028, 2, 29)..day(2028, 3, 2))).unwrap(), day(2027, 3, 1)..day(2027, 3, 2));
    assert_eq!(year.days(&(day(2028, 2, 1)..day(2028, 2, 29))).unwrap(), day(2027, 2, 1)..day(2027, 3, 1));
    assert!(year.days(&(day(2028, 2, 29)..day(2028, 3, 1))).unwrap().is_empty());
    assert_eq!(year.days(&(day(2029, 2, 28)..day(2029, 3, 1))).unwrap(), day(2028, 2, 28)..day(2028, 3, 1));
    let by_weekday = Comparison::YearBeforeByWeekday.days(&leap).unwrap();
    assert_eq!(by_weekday, day(2027, 2, 2)..day(2027, 3, 3));
    assert_eq!(Comparison::PreviousPeriod.days(&leap).unwrap(), day(2028, 1, 3)..day(2028, 2, 1));
}

#[test]
fn comparisons_that_leave_the_calendar_are_refused() {
    let model = builder().build().unwrap();
    let days = day(1, 6, 1)..day(1, 12, 1);
    for comparison in [Comparison::PreviousPeriod, Comparison::YearBefore, Comparison::YearBeforeByWeekday] {
        let errors = [
            model.query(&Summary::new(port(1), days.clone()).compared_with(comparison)).unwrap_err(),
            model
                .query(&QueryDistribution::new(port(1), days.clone()).compared_with(comparison))
                .unwrap_err(),
            model
                .query(&MostPopularAssets::new(port(1), days.clone()).compared_with(comparison))
                .unwrap_err(),
            model.query(&QueriesOverTime::new(port(1), days.clone()).compared_with(comparison)).unwrap_err(),
        ];
        for error in errors {
            assert!(error.is_request());
            let message = "days 0001-06-01 to 0001-12-01 are compared with days before year 1";
            assert_eq!(error.to_string(), message);
        }
    }
    assert!(Comparison::PreviousPeriod.days(&(day(1, 1, 2)..day(1, 1, 3))).is_ok());
    assert!(Comparison::PreviousPeriod.days(&(day(9999, 1, 1)..day(10000, 1, 1))).is_ok());
    let reversed = Summary::new(port(1), days.end..days.start);
    assert!(model.query(&reversed).unwrap_err().is_request());
    assert!(model.query(&reversed.compared_with(Comparison::YearBefore)).unwrap_err().is_request());
}

/// Port 1: on 1 January 2026 consumer 1 makes 6 queries, 2 makes 2, 3 makes 1, all on asset 1, 1 also on asset 2; the
/// day before 1 made 4, 3 made 3 and 4 made 5, all on asset 1; a year before 1 made 8.
async fn two_days() -> Portal {
    let portal = Portal::new().await;
    let (now, before, year_before) = (day(2026, 1, 1), day(2025, 12, 31), day(2025, 1, 1));
    let counts = [
        (now, 1, 6),
        (now, 2, 2),
        (now, 3, 1),
        (before, 1, 4),
        (before, 3, 3),
        (before, 4, 5),
        (year_before, 1, 8),
    ];
    let rows = counts.map(|(date, by, count)| queries(date, port(1), consumer(by), count)).to_vec();
    let mut read =
        counts.map(|(date, by, count)| touches(date, port(1), asset(1), consumer(by), count)).to_vec();
    read.push(touches(now, port(1), asset(2), consumer(1), 6));
    let scope = scope(year_before..day(2026, 1, 2), [port(1)]);
    portal.replace(&UsageBatch::builder(scope).queries(rows).touches(read).build()).await;
    portal
}

#[tokio::test]
async fn other_has_the_same_consumers_before_as_now() {
    let portal = two_days().await;
    let chart = QueryDistribution::new(port(1), day(2026, 1, 1)..day(2026, 1, 2)).top(1);
    let slices = portal.rows(&chart.clone().compared_with(Comparison::PreviousPeriod)).await;
    let read: Vec<_> =
        slices.iter().map(|s| (s.current.rank, s.current.query_count, s.previous, s.change)).collect();
    // Other is 2 and 3, with 3 queries now and 3 before; 4 is in neither
    assert_eq!(read, [(Some(1), 6, 4, Some(0.5)), (None, 3, 3, Some(0.0))]);
    let alone: Vec<_> = slices.into_iter().map(|slice| slice.current).collect();
    assert_eq!(alone, portal.rows(&chart).await);
}

#[tokio::test]
async fn a_group_before_includes_consumers_that_came_only_before() {
    let portal = two_days().await;
    let chart = QueryDistribution::new(port(1), day(2026, 1, 1)..day(2026, 1, 2)).by_group();
    let slices = portal.rows(&chart.compared_with(Comparison::PreviousPeriod)).await;
    let named = |number, label: &str| Member::Group { id: group(number), label: Some(label.to_owned()) };
    let read: Vec<_> =
        slices.iter().map(|s| (s.current.member.clone(), s.current.query_count, s.previous)).collect();
    // consumers 1 and 3 are in group 1, 2 in group 0; consumer 4, there only before, is alone in none
    assert_eq!(read, [(named(1, "domain 1"), 7, 7), (named(0, "domain 0"), 2, 0)]);
    assert_eq!(slices[1].change, None);
}

#[tokio::test]
async fn assets_carry_the_touches_before_and_no_change_from_zero() {
    let portal = two_days().await;
    let chart = MostPopularAssets::new(port(1), day(2026, 1, 1)..day(2026, 1, 2));
    let rows = portal.rows(&chart.clone().compared_with(Comparison::PreviousPeriod)).await;
    insta::assert_json_snapshot!(rows, @r#"
    [
      {
        "tech_asset_id": "00000000-0000-0000-0000-0000e0000001",
        "label": "asset 1",
        "touches": 9,
        "share": 0.6,
        "rank": 1,
        "consumers": 3,
        "last_used": "2026-01-01",
        "previous": 12,
        "change": -0.25
      },
      {
        "tech_asset_id": "00000000-0000-0000-0000-0000e0000002",
        "label": "asset 2",
        "touches": 6,
        "share": 0.4,
        "rank": 2,
        "consumers": 1,
        "last_used": "2026-01-01",
        "previous": 0,
        "change": null
      }
    ]
    "#);
    let year = portal.rows(&chart.compared_with(Comparison::YearBefore)).await;
    let read: Vec<_> = year.iter().map(|row| (row.previous, row.change)).collect();
    assert_eq!(read, [(8, Some(0.125)), (0, None)]);
}

#[tokio::test]
async fn a_summary_is_one_row_with_the_change_of_its_total() {
    let portal = two_days().await;
    let chart = Summary::new(port(1), day(2025, 12, 31)..day(2026, 1, 3));
    let rows = portal.rows(&chart.clone().compared_with(Comparison::YearBefore)).await;
    insta::assert_json_snapshot!(rows, @r#"
    [
      {
        "query_count": 21,
        "consumers": 4,
        "active_days": 2,
        "last_used": "2026-01-01",
        "previous": 8,
        "change": 1.625
      }
    ]
    "#);
    // 364 days before 31 December 2025 is 1 January 2025
    let by_weekday = portal.rows(&chart.clone().compared_with(Comparison::YearBeforeByWeekday)).await;
    assert_eq!(by_weekday[0].previous, 8);
    assert_eq!(portal.rows(&chart.compared_with(Comparison::PreviousPeriod)).await[0].previous, 0);

    let unused = Summary::new(port(2), day(2025, 12, 31)..day(2026, 1, 3));
    let rows = portal.rows(&unused.compared_with(Comparison::PreviousPeriod)).await;
    assert_eq!(
        (rows[0].current.clone(), rows[0].previous, rows[0].change),
        (SummaryTotals::default(), 0, None)
    );
}

#[tokio::test]
async fn points_over_time_carry_the_bucket_before() {
    let portal = worked_example().await;
    // 6 and 4 queries on 1 and 2 January, 100 on 31 December
    let chart = QueriesOverTime::new(port(1), day(2026, 1, 1)..day(2026, 1, 3));
    let points = portal.rows(&chart.compared_with(Comparison::PreviousPeriod)).await;
    let read: Vec<_> =
        points.iter().map(|p| (p.current.bucket, p.current.query_count, p.previous, p.change)).collect();
    let expected = [(day(2026, 1, 1), 6, 0, None), (day(2026, 1, 2), 4, 100, Some(-0.96))];
    assert_eq!(read, expected);
}

#[tokio::test]
async fn a_leap_day_before_is_counted_once() {
    let portal = Portal::new().await;
    let dates = [(2028, 2, 28), (2028, 2, 29), (2028, 3, 1), (2027, 2, 28), (2027, 3, 1)];
    let rows = dates
        .iter()
        .zip([1, 2, 4, 8, 16])
        .map(|(&(year, month, of), count)| queries(day(year, month, of), port(1), consumer(1), count));
    let scope = scope(day(2027, 1, 1)..day(2029, 1, 1), [port(1)]);
    portal.replace(&UsageBatch::builder(scope).queries(rows.collect()).build()).await;
    let before = |from, until| {
        let chart = QueriesOverTime::new(port(1), from..until).compared_with(Comparison::YearBefore);
        let portal = &portal;
        async move { portal.rows(&chart).await.iter().map(|point| point.previous).collect::<Vec<_>>() }
    };
    // the leap day is compared with no day
    assert_eq!(before(day(2028, 2, 28), day(2028, 3, 2)).await, [8, 0, 16]);
    assert_eq!(before(day(2028, 2, 28), day(2028, 2, 29)).await, [8]);
    assert_eq!(before(day(2028, 2, 29), day(2028, 3, 1)).await, [0]);
    // 28 February 2029 is compared with 28 and 29 February 2028
    assert_eq!(before(day(2029, 2, 28), day(2029, 3, 2)).await, [3, 4]);
}
