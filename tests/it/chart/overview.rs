//! The overview: several charts from one scan.

use output_port_usage::chart::*;
use output_port_usage::*;

use crate::chart::series::pretty;
use crate::chart::worked::worked_example;
use crate::portal::{Portal, builder, day, port};

#[test]
fn an_overview_by_day_scans_in_the_order_of_the_key() {
    let chart = Overview::new(port(1), day(2026, 1, 1)..day(2026, 2, 1)).top(5);
    insta::assert_snapshot!(pretty(&chart), @r#"
    WITH
    /* output-port-usage: overview by day; the counts of a consumer are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each consumer and bucket would take longer than the scan; xid has no order, so that a plan for any values hashes the consumers and does not sort all rows */
    "ranked" AS MATERIALIZED (
        SELECT
            "consumer_id",
            "query_count",
            "places",
            "counts",
            row_number() OVER (ORDER BY "query_count" DESC, "consumer_id" ASC) AS "rank"
        FROM (
            SELECT
                "consumer_id" AS "consumer_id",
                SUM("query_count") AS "query_count",
                pg_catalog.array_agg("date" - CAST($1 AS date)) AS "places",
                pg_catalog.array_agg("query_count") AS "counts"
            FROM "usage"."output_port_query_stats_daily" AS "fact"
            WHERE "output_port_id" = $2
                AND "date" >= $3 AND "date" < $4
            GROUP BY "consumer_id", CAST(('0') AS xid)
            HAVING SUM("query_count") > (0)
        ) AS "member"
    ),
    "day" AS MATERIALIZED (
        SELECT
            "place",
            SUM("query_count") AS "query_count",
            SUM("query_count") FILTER (WHERE "rank" > $5) AS "rest"
        FROM (
            SELECT
                pg_catalog.unnest("places") AS "place",
                pg_catalog.unnest("counts") AS "query_count",
                "rank"
            FROM "ranked"
        ) AS "cell"
        GROUP BY "place"
    )
    SELECT
        TRUE AS "total",
        CAST((NULL) AS uuid) AS "consumer_id",
        CAST((NULL) AS bigint) AS "rank",
        CAST((NULL) AS bigint) AS "members",
        "query_count",
        CAST((NULL) AS bigint) AS "buckets",
        CAST((NULL) AS bigint[]) AS "places",
        CAST((NULL) AS bigint[]) AS "counts",
        CAST((NULL) AS text) AS "label",
        "consumers",
        "active_days",
        "last_used"
    FROM (
        SELECT
            CAST(COALESCE(SUM("query_count"), 0) AS bigint) AS "query_count",
            CAST((SELECT COUNT(*) FROM "ranked") AS bigint) AS "consumers",
            CAST(COALESCE(COUNT(*), 0) AS bigint) AS "active_days",
            CAST((CAST($6 AS date) + MAX("place")) AS date) AS "last_used"
        FROM "day"
        WHERE "query_count" > (0)
    ) AS "summary"
    UNION ALL
    (
        SELECT
            FALSE AS "total",
            "consumer_id",
            "rank",
            "members",
            "query_count",
            "buckets",
            "places",
            "counts",
            "label",
            CAST((NULL) AS bigint) AS "consumers",
            CAST((NULL) AS bigint) AS "active_days",
            CAST((NULL) AS date) AS "last_used"
        FROM (
            SELECT
                CAST("ranked"."consumer_id" AS uuid) AS "consumer_id",
                CAST("ranked"."rank" AS bigint) AS "rank",
                CAST((NULL) AS bigint) AS "members",
                CAST("ranked"."query_count" AS bigint) AS "query_count",
                CAST($7 AS bigint) AS "buckets",
                CAST("ranked"."places" AS bigint[]) AS "places",
                CAST("ranked"."counts" AS bigint[]) AS "counts",
                CAST(
                    (
                        SELECT MIN(CAST("labelled"."name" AS text))
                        FROM "portal"."data_products" AS "labelled"
                        WHERE "labelled"."id" = "ranked"."consumer_id"
                    ) AS text
                ) AS "label"
            FROM "ranked"
            WHERE "ranked"."rank" <= $8
            UNION ALL
            (
                SELECT
                    CAST((NULL) AS uuid) AS "consumer_id",
                    CAST((NULL) AS bigint) AS "rank",
                    CAST((SELECT COUNT(*) FROM "ranked" WHERE "rank" > $9) AS bigint) AS "members",
                    CAST(SUM("query_count") AS bigint) AS "query_count",
                    CAST($10 AS bigint) AS "buckets",
                    CAST(pg_catalog.array_agg("place") AS bigint[]) AS "places",
                    CAST(pg_catalog.array_agg("query_count") AS bigint[]) AS "counts",
                    CAST((NULL) AS text) AS "label"
                FROM (SELECT "place", "rest" AS "query_count" FROM "day" WHERE "rest" > (0)) AS "rest"
                HAVING COUNT(*) > (0)
            )
        ) AS "series"
    )
    ORDER BY "total" DESC, "rank" ASC NULLS LAST
    "#);
}

#[test]
fn an_overview_by_week_is_driven_by_bucket() {
    let chart = Overview::new(port(1), day(2026, 1, 1)..day(2026, 2, 1)).granularity(Granularity::Week);
    insta::assert_snapshot!(pretty(&chart), @r#"
    WITH
    /* output-port-usage: overview by week; the counts of a consumer are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each consumer and bucket would take longer than the scan */
    "bucket" AS MATERIALIZED (
        SELECT
            CAST($1 AS date) + ("step"."step" * (7)) AS "start",
            CAST($2 AS date) + (("step"."step" + (1)) * (7)) AS "end",
            "step"."step" AS "place"
        FROM generate_series(0, CAST($3 AS integer)) AS "step"
    ),
    "counted" AS MATERIALIZED (
        SELECT
            "each"."consumer_id",
            SUM("each"."query_count") AS "query_count",
            pg_catalog.array_agg("bucket"."place") AS "places",
            pg_catalog.array_agg("each"."query_count") AS "counts",
            pg_catalog.count("each"."date") AS "active_days",
            MAX("each"."date") AS "last_used"
        FROM "bucket"
        INNER JOIN
            LATERAL (
                SELECT "consumer_id", SUM("query_count") AS "query_count", "date"
                FROM (
                    SELECT "date" AS "date", "consumer_id" AS "consumer_id", "query_count" AS "query_count"
                    FROM "usage"."output_port_query_stats_daily" AS "fact"
                    WHERE
                        "output_port_id" = $4
                        AND "date" >= "bucket"."start"
                        AND "date" < "bucket"."end"
                        AND "date" >= $5
                        AND "date" < $6
                ) AS "fact"
                GROUP BY GROUPING SETS (("date"), ("consumer_id"))
                HAVING SUM("query_count") > (0)
            ) AS "each" ON TRUE
        GROUP BY "each"."consumer_id"
    ),
    "ranked" AS MATERIALIZED (
        SELECT
            "consumer_id",
            "query_count",
            "places",
            "counts",
            row_number() OVER (ORDER BY "query_count" DESC, "consumer_id" ASC) AS "rank"
        FROM "counted"
        WHERE "consumer_id" IS NOT NULL
    )
    SELECT
        TRUE AS "total",
        CAST((NULL) AS uuid) AS "consumer_id",
        CAST((NULL) AS bigint) AS "rank",
        CAST((NULL) AS bigint) AS "members",
        "query_count",
        CAST((NULL) AS bigint) AS "buckets",
        CAST((NULL) AS bigint[]) AS "places",
        CAST((NULL) AS bigint[]) AS "counts",
        CAST((NULL) AS text) AS "label",
        "consumers",
        "active_days",
        "last_used"
    FROM (
        SELECT
            CAST(COALESCE(SUM("query_count"), 0) AS bigint) AS "query_count",
            CAST((SELECT COUNT(*) FROM "ranked") AS bigint) AS "consumers",
            CAST(COALESCE(SUM("active_days"), 0) AS bigint) AS "active_days",
            CAST(MAX("last_used") AS date) AS "last_used"
        FROM "counted"
        WHERE "consumer_id" IS NULL
    ) AS "summary"
    UNION ALL
    (
        SELECT
            FALSE AS "total",
            "consumer_id",
            "rank",
            "members",
            "query_count",
            "buckets",
            "places",
            "counts",
            "label",
            CAST((NULL) AS bigint) AS "consumers",
            CAST((NULL) AS bigint) AS "active_days",
            CAST((NULL) AS date) AS "last_used"
        FROM (
            SELECT
                CAST("ranked"."consumer_id" AS uuid) AS "consumer_id",
                CAST("ranked"."rank" AS bigint) AS "rank",
                CAST((NULL) AS bigint) AS "members",
                CAST("ranked"."query_count" AS bigint) AS "query_count",
                CAST($7 AS bigint) AS "buckets",
                CAST("ranked"."places" AS bigint[]) AS "places",
                CAST("ranked"."counts" AS bigint[]) AS "counts",
                CAST(
                    (
                        SELECT MIN(CAST("labelled"."name" AS text))
                        FROM "portal"."data_products" AS "labelled"
                        WHERE "labelled"."id" = "ranked"."consumer_id"
                    ) AS text
                ) AS "label"
            FROM "ranked"
            WHERE "ranked"."rank" <= $8
            UNION ALL
            (
                SELECT
                    CAST((NULL) AS uuid) AS "consumer_id",
                    CAST((NULL) AS bigint) AS "rank",
                    CAST((SELECT COUNT(*) FROM "ranked" WHERE "rank" > $9) AS bigint) AS "members",
                    CAST(SUM("query_count") AS bigint) AS "query_count",
                    CAST($10 AS bigint) AS "buckets",
                    CAST(pg_catalog.array_agg("place") AS bigint[]) AS "places",
                    CAST(pg_catalog.array_agg("query_count") AS bigint[]) AS "counts",
                    CAST((NULL) AS text) AS "label"
                FROM (
                    SELECT "place", SUM("query_count") AS "query_count"
                    FROM (
                        SELECT pg_catalog.unnest("places") AS "place", pg_catalog.unnest("counts") AS "query_count"
                        FROM "counted"
                        WHERE "consumer_id" IS NULL
                        UNION ALL
                        (
                            SELECT
                                pg_catalog.unnest("places") AS "place",
                                (0) - pg_catalog.unnest("counts") AS "query_count"
                            FROM "ranked"
                            WHERE "rank" <= $11
                        )
                    ) AS "cell"
                    GROUP BY "place"
                    HAVING CAST(SUM("query_count") AS bigint) > (0)
                ) AS "rest"
                HAVING COUNT(*) > (0)
            )
        ) AS "series"
    )
    ORDER BY "total" DESC, "rank" ASC NULLS LAST
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
    let charts = chart.charts(portal.rows(&chart).await).unwrap();
    // 6 queries on the 1st, 4 on the 2nd: 5 by consumer 1, 3 by consumer 4, 1 each by 2 and 3
    let counts: Vec<_> = charts.over_time.iter().map(|p| p.query_count).collect();
    assert_eq!(counts, [6, 4, 0]);
    let split: Vec<_> = charts.split.iter().map(|s| (s.rank, s.counts.as_slice())).collect();
    let (first, second) = (Some(1), Some(2));
    let expected: [(_, &[i64]); 3] = [(first, &[5, 0, 0]), (second, &[0, 3, 0]), (None, &[1, 1, 0])];
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
        let charts = chart.charts(portal.rows(&chart).await).unwrap();
        let over_time = QueriesOverTime::new(port(1), days.clone()).granularity(granularity);
        assert_eq!(charts.over_time, portal.rows(&over_time).await);
        assert!(charts.split.is_empty() && charts.distribution.is_empty());
        assert_eq!(charts.summary, SummaryTotals::default());
    }
}
