//! The overview: several charts from one scan.

use output_port_usage::chart::*;
use output_port_usage::*;

use crate::charts::{sql, worked_example};
use crate::portal::{Portal, builder, day, port};

#[test]
fn an_overview_by_day_scans_in_the_order_of_the_key() {
    let chart = Overview::new(port(1), day(2026, 1, 1)..day(2026, 2, 1)).top(5);
    insta::assert_snapshot!(sql(&chart), @r#"
    WITH
    /* output-port-usage: overview */
    "bucket" AS MATERIALIZED (
        SELECT CAST($1 AS date) + "step"."step" AS "start"
        FROM generate_series(0, CAST($2 AS integer)) AS "step"
    ),
    "counted" AS MATERIALIZED (
        SELECT
            "bucket"."start" AS "start",
            CAST((FALSE) AS boolean) AS "partial",
            COALESCE("each"."query_count", 0) AS "query_count",
            "each"."consumers",
            "each"."counts",
            (CASE WHEN ("each"."query_count" > (0)) THEN 1 ELSE 0 END) AS "active_days",
            (CASE WHEN ("each"."query_count" > (0)) THEN "bucket"."start" END) AS "last_used"
        FROM "bucket"
        LEFT JOIN (
            SELECT
                "date" AS "date",
                SUM("query_count") AS "query_count",
                array_agg("consumer_id") AS "consumers",
                array_agg("query_count") AS "counts"
            FROM "usage"."output_port_query_stats_daily" AS "fact"
            WHERE "output_port_id" = $3
                AND "date" >= $4 AND "date" < $5
            GROUP BY "date"
        ) AS "each" ON "each"."date" = "bucket"."start"
    ),
    "member" AS MATERIALIZED (
        SELECT "consumer_id", SUM("query_count") AS "query_count"
        FROM (
            SELECT unnest("consumers") AS "consumer_id", unnest("counts") AS "query_count"
            FROM "counted"
        ) AS "cell"
        GROUP BY "consumer_id"
    ),
    "ranked" AS (
        SELECT
            "consumer_id",
            "query_count",
            row_number() OVER (ORDER BY "query_count" DESC, "consumer_id" ASC) AS "rank"
        FROM "member"
        WHERE "consumer_id" IS NOT NULL AND CAST("query_count" AS bigint) > (0)
    ),
    "series" AS (
        SELECT
            (CASE WHEN ("rank" <= $6) THEN "rank" END) AS "rank",
            (CASE WHEN ("rank" <= $7) THEN "consumer_id" END) AS "consumer_id",
            SUM("query_count") AS "query_count",
            COUNT(*) AS "members"
        FROM "ranked"
        GROUP BY 1, 2
        LIMIT $8
    ),
    "of_top" AS MATERIALIZED (
        SELECT
            "ranked"."rank",
            "counted"."start",
            "counted"."partial",
            COALESCE("counted"."counts"[array_position("counted"."consumers", "ranked"."consumer_id")], 0) AS "query_count",
            "counted"."query_count" AS "total"
        FROM "ranked"
        CROSS JOIN "counted"
        WHERE "ranked"."rank" <= $9
    ),
    "point" AS (
        SELECT "rank", "start", "partial", "query_count"
        FROM "of_top"
        UNION ALL
        (
            SELECT NULL AS "rank", "start", "partial", "total" - SUM("query_count") AS "query_count"
            FROM "of_top"
            GROUP BY "start", "partial", "total"
        )
    )
    SELECT
        CAST((NULL) AS uuid) AS "consumer_id",
        CAST((NULL) AS bigint) AS "rank",
        CAST((NULL) AS bigint) AS "members",
        CAST("start" AS date) AS "bucket",
        CAST("query_count" AS bigint) AS "query_count",
        CAST("partial" AS boolean) AS "partial",
        CAST((NULL) AS text) AS "label",
        TRUE AS "total",
        CAST("active_days" AS bigint) AS "active_days",
        CAST("last_used" AS date) AS "last_used"
    FROM "counted"
    UNION ALL
    (
        SELECT
            CAST("series"."consumer_id" AS uuid) AS "consumer_id",
            CAST("series"."rank" AS bigint) AS "rank",
            CAST("series"."members" AS bigint) AS "members",
            CAST("point"."start" AS date) AS "bucket",
            CAST("point"."query_count" AS bigint) AS "query_count",
            CAST("point"."partial" AS boolean) AS "partial",
            CAST("labelled"."name" AS text) AS "label",
            FALSE AS "total",
            CAST((NULL) AS bigint) AS "active_days",
            CAST((NULL) AS date) AS "last_used"
        FROM "point"
        INNER JOIN "series" ON COALESCE("series"."rank", 0) = COALESCE("point"."rank", 0)
        LEFT JOIN "portal"."data_products" AS "labelled" ON "labelled"."id" = "series"."consumer_id"
    )
    ORDER BY "total" DESC, "rank" ASC NULLS LAST, "bucket" ASC
    "#);
}

#[test]
fn an_overview_by_week_is_driven_by_bucket() {
    let chart = Overview::new(port(1), day(2026, 1, 1)..day(2026, 2, 1)).granularity(Granularity::Week);
    insta::assert_snapshot!(sql(&chart), @r#"
    WITH
    /* output-port-usage: overview */
    "bucket" AS MATERIALIZED (
        SELECT
            CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '7 days'))) AS date) AS "start",
            CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '7 days'))) AS date) AS "end"
        FROM generate_series(0, CAST($3 AS integer)) AS "step"
    ),
    "counted" AS MATERIALIZED (
        SELECT
            "bucket"."start" AS "start",
            CAST(("bucket"."start" < $4 OR "bucket"."end" > $5) AS boolean) AS "partial",
            COALESCE("each"."query_count", 0) AS "query_count",
            "each"."consumers",
            "each"."counts",
            "each"."active_days",
            "each"."last_used"
        FROM "bucket"
        INNER JOIN
            LATERAL (
                SELECT
                    SUM("query_count") FILTER (WHERE "consumer_id" IS NOT NULL) AS "query_count",
                    array_agg("consumer_id") FILTER (WHERE "consumer_id" IS NOT NULL) AS "consumers",
                    array_agg("query_count") FILTER (WHERE "consumer_id" IS NOT NULL) AS "counts",
                    COUNT("date") FILTER (WHERE "query_count" > (0)) AS "active_days",
                    MAX("date") FILTER (WHERE "query_count" > (0)) AS "last_used"
                FROM (
                    SELECT "date", "consumer_id", SUM("query_count") AS "query_count"
                    FROM (
                        SELECT "date" AS "date", "consumer_id" AS "consumer_id", "query_count" AS "query_count"
                        FROM "usage"."output_port_query_stats_daily" AS "fact"
                        WHERE
                            "output_port_id" = $6
                            AND "date" >= "bucket"."start"
                            AND "date" < "bucket"."end"
                            AND "date" >= $7
                            AND "date" < $8
                    ) AS "fact"
                    GROUP BY GROUPING SETS (("date"), ("consumer_id"))
                ) AS "sums"
            ) AS "each" ON TRUE
    ),
    "member" AS MATERIALIZED (
        SELECT "consumer_id", SUM("query_count") AS "query_count"
        FROM (
            SELECT unnest("consumers") AS "consumer_id", unnest("counts") AS "query_count"
            FROM "counted"
        ) AS "cell"
        GROUP BY "consumer_id"
    ),
    "ranked" AS (
        SELECT
            "consumer_id",
            "query_count",
            row_number() OVER (ORDER BY "query_count" DESC, "consumer_id" ASC) AS "rank"
        FROM "member"
        WHERE "consumer_id" IS NOT NULL AND CAST("query_count" AS bigint) > (0)
    ),
    "series" AS (
        SELECT
            (CASE WHEN ("rank" <= $9) THEN "rank" END) AS "rank",
            (CASE WHEN ("rank" <= $10) THEN "consumer_id" END) AS "consumer_id",
            SUM("query_count") AS "query_count",
            COUNT(*) AS "members"
        FROM "ranked"
        GROUP BY 1, 2
        LIMIT $11
    ),
    "of_top" AS MATERIALIZED (
        SELECT
            "ranked"."rank",
            "counted"."start",
            "counted"."partial",
            COALESCE("counted"."counts"[array_position("counted"."consumers", "ranked"."consumer_id")], 0) AS "query_count",
            "counted"."query_count" AS "total"
        FROM "ranked"
        CROSS JOIN "counted"
        WHERE "ranked"."rank" <= $12
    ),
    "point" AS (
        SELECT "rank", "start", "partial", "query_count"
        FROM "of_top"
        UNION ALL
        (
            SELECT NULL AS "rank", "start", "partial", "total" - SUM("query_count") AS "query_count"
            FROM "of_top"
            GROUP BY "start", "partial", "total"
        )
    )
    SELECT
        CAST((NULL) AS uuid) AS "consumer_id",
        CAST((NULL) AS bigint) AS "rank",
        CAST((NULL) AS bigint) AS "members",
        CAST("start" AS date) AS "bucket",
        CAST("query_count" AS bigint) AS "query_count",
        CAST("partial" AS boolean) AS "partial",
        CAST((NULL) AS text) AS "label",
        TRUE AS "total",
        CAST("active_days" AS bigint) AS "active_days",
        CAST("last_used" AS date) AS "last_used"
    FROM "counted"
    UNION ALL
    (
        SELECT
            CAST("series"."consumer_id" AS uuid) AS "consumer_id",
            CAST("series"."rank" AS bigint) AS "rank",
            CAST("series"."members" AS bigint) AS "members",
            CAST("point"."start" AS date) AS "bucket",
            CAST("point"."query_count" AS bigint) AS "query_count",
            CAST("point"."partial" AS boolean) AS "partial",
            CAST("labelled"."name" AS text) AS "label",
            FALSE AS "total",
            CAST((NULL) AS bigint) AS "active_days",
            CAST((NULL) AS date) AS "last_used"
        FROM "point"
        INNER JOIN "series" ON COALESCE("series"."rank", 0) = COALESCE("point"."rank", 0)
        LEFT JOIN "portal"."data_products" AS "labelled" ON "labelled"."id" = "series"."consumer_id"
    )
    ORDER BY "total" DESC, "rank" ASC NULLS LAST, "bucket" ASC
    "#);
}

#[test]
fn overviews_that_mean_nothing_are_refused() {
    let model = builder().build().unwrap();
    let days = day(2026, 1, 1)..day(2026, 1, 2);
    let error = model.query(&Overview::new(port(1), days.clone()).top(0)).unwrap_err();
    assert_eq!(error.to_string(), "the number of consumers is zero: ask for at least one");
    assert!(model.query(&Overview::new(port(1), days.end..days.start)).unwrap_err().is_request());
}

#[tokio::test]
async fn an_overview_is_its_parts() {
    let portal = worked_example().await;
    let chart = Overview::new(port(1), day(2026, 1, 1)..day(2026, 1, 4)).top(2);
    let charts: OverviewCharts = portal.rows(&chart).await.into_iter().collect();
    // 6 queries on the 1st, 4 on the 2nd: 5 by consumer 1, 3 by consumer 4, 1 each by 2 and 3
    let counts: Vec<_> = charts.over_time.iter().map(|p| p.query_count).collect();
    assert_eq!(counts, [6, 4, 0]);
    let split: Vec<_> = charts.split.iter().map(|p| (p.rank, p.query_count)).collect();
    let (first, second) = (Some(1), Some(2));
    let expected = [
        (first, 5),
        (first, 0),
        (first, 0),
        (second, 0),
        (second, 3),
        (second, 0),
        (None, 1),
        (None, 1),
        (None, 0),
    ];
    assert_eq!(split, expected);
    let slices: Vec<_> = charts.distribution.iter().map(|s| (s.rank, s.query_count, s.share)).collect();
    assert_eq!(slices, [(first, 5, 0.5), (second, 3, 0.3), (None, 2, 0.2)]);
    assert_eq!(charts.distribution[2].consumer, ConsumerOrOther::Other { members: 2 });
    insta::assert_json_snapshot!(charts.summary, @r#"
    {
      "query_count": 10,
      "consumers": 4,
      "active_days": 2,
      "last_used": "2026-01-02"
    }
    "#);
}

#[tokio::test]
async fn an_overview_of_an_unused_port_has_zeros_and_no_series() {
    let portal = Portal::new().await;
    let days = day(2026, 1, 1)..day(2026, 1, 3);
    for granularity in [Granularity::Day, Granularity::Week] {
        let chart = Overview::new(port(1), days.clone()).granularity(granularity);
        let charts: OverviewCharts = portal.rows(&chart).await.into_iter().collect();
        let over_time = QueriesOverTime::new(port(1), days.clone()).granularity(granularity);
        assert_eq!(charts.over_time, portal.rows(&over_time).await);
        assert!(charts.split.is_empty() && charts.distribution.is_empty());
        assert_eq!(charts.summary, SummaryTotals::default());
    }
}
