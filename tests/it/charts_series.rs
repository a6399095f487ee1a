//! Queries over time in series: split by consumer, and of many output ports.

use output_port_usage::chart::*;
use output_port_usage::*;

use crate::charts::{sql, worked_example};
use crate::portal::{Portal, builder, consumer, day, port, queries, scope};

#[test]
fn a_split_by_day_scans_once_and_ranks_the_small_set() {
    let chart = QueriesOverTime::new(port(1), day(2026, 1, 1)..day(2026, 2, 1)).split_by_consumer(5);
    insta::assert_snapshot!(sql(&chart), @r#"
    WITH
    /* output-port-usage: queries over time split by consumer */
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
            "each"."counts"
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
        CAST("series"."consumer_id" AS uuid) AS "consumer_id",
        CAST("series"."rank" AS bigint) AS "rank",
        CAST("series"."members" AS bigint) AS "members",
        CAST("point"."start" AS date) AS "bucket",
        CAST("point"."query_count" AS bigint) AS "query_count",
        CAST("point"."partial" AS boolean) AS "partial",
        CAST("labelled"."name" AS text) AS "label"
    FROM "point"
    INNER JOIN "series" ON COALESCE("series"."rank", 0) = COALESCE("point"."rank", 0)
    LEFT JOIN "portal"."data_products" AS "labelled" ON "labelled"."id" = "series"."consumer_id"
    ORDER BY "series"."rank" ASC NULLS LAST, "point"."start" ASC
    "#);
}

#[test]
fn a_split_by_month_is_driven_by_bucket() {
    let chart = QueriesOverTime::new(port(1), day(2026, 1, 1)..day(2026, 2, 1))
        .granularity(Granularity::Month)
        .split_by_consumer(5);
    insta::assert_snapshot!(sql(&chart), @r#"
    WITH
    /* output-port-usage: queries over time split by consumer */
    "bucket" AS MATERIALIZED (
        SELECT
            CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '1 month'))) AS date) AS "start",
            CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '1 month'))) AS date) AS "end"
        FROM generate_series(0, CAST($3 AS integer)) AS "step"
    ),
    "counted" AS MATERIALIZED (
        SELECT
            "bucket"."start" AS "start",
            CAST(("bucket"."start" < $4 OR "bucket"."end" > $5) AS boolean) AS "partial",
            COALESCE("each"."query_count", 0) AS "query_count",
            "each"."consumers",
            "each"."counts"
        FROM "bucket"
        INNER JOIN
            LATERAL (
                SELECT
                    SUM("query_count") AS "query_count",
                    array_agg("consumer_id") AS "consumers",
                    array_agg("query_count") AS "counts"
                FROM (
                    SELECT "consumer_id" AS "consumer_id", SUM("query_count") AS "query_count"
                    FROM "usage"."output_port_query_stats_daily" AS "fact"
                    WHERE
                        "output_port_id" = $6
                        AND "date" >= "bucket"."start"
                        AND "date" < "bucket"."end"
                        AND "date" >= $7
                        AND "date" < $8
                    GROUP BY "consumer_id"
                ) AS "by_consumer"
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
        CAST("series"."consumer_id" AS uuid) AS "consumer_id",
        CAST("series"."rank" AS bigint) AS "rank",
        CAST("series"."members" AS bigint) AS "members",
        CAST("point"."start" AS date) AS "bucket",
        CAST("point"."query_count" AS bigint) AS "query_count",
        CAST("point"."partial" AS boolean) AS "partial",
        CAST("labelled"."name" AS text) AS "label"
    FROM "point"
    INNER JOIN "series" ON COALESCE("series"."rank", 0) = COALESCE("point"."rank", 0)
    LEFT JOIN "portal"."data_products" AS "labelled" ON "labelled"."id" = "series"."consumer_id"
    ORDER BY "series"."rank" ASC NULLS LAST, "point"."start" ASC
    "#);
}

#[test]
fn many_ports_by_day_are_one_statement() {
    let chart = QueriesOverTime::of_ports([port(1), port(2)], day(2026, 1, 1)..day(2026, 2, 1));
    insta::assert_snapshot!(sql(&chart), @r#"
    WITH
    /* output-port-usage: queries over time of many output ports */
    "bucket" AS MATERIALIZED (
        SELECT CAST($1 AS date) + "step"."step" AS "start"
        FROM generate_series(0, CAST($2 AS integer)) AS "step"
    )
    SELECT
        CAST("port"."port" AS uuid) AS "output_port_id",
        CAST("bucket"."start" AS date) AS "bucket",
        CAST(COALESCE("counted"."query_count", 0) AS bigint) AS "query_count",
        CAST((FALSE) AS boolean) AS "partial",
        CAST("labelled"."name" AS text) AS "label"
    FROM unnest(CAST($3 AS uuid[])) AS "port"
    CROSS JOIN "bucket"
    LEFT JOIN (
        SELECT
            "output_port_id" AS "output_port_id",
            "date" AS "bucket",
            SUM("query_count") AS "query_count"
        FROM "usage"."output_port_query_stats_daily" AS "fact"
        WHERE "output_port_id" = ANY(CAST($4 AS uuid[]))
            AND "date" >= $5 AND "date" < $6
        GROUP BY "output_port_id", "date"
    ) AS "counted" ON "counted"."output_port_id" = "port"."port"
        AND "counted"."bucket" = "bucket"."start"
    LEFT JOIN "portal"."datasets" AS "labelled" ON "labelled"."id" = "port"."port"
    ORDER BY "port"."port" ASC, "bucket"."start" ASC
    "#);
}

#[test]
fn many_ports_by_week_find_the_bucket_once_a_day() {
    let chart = QueriesOverTime::of_ports([port(1), port(2)], day(2026, 1, 1)..day(2026, 2, 1))
        .granularity(Granularity::Week);
    insta::assert_snapshot!(sql(&chart), @r#"
    WITH
    /* output-port-usage: queries over time of many output ports */
    "bucket" AS MATERIALIZED (
        SELECT
            CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '7 days'))) AS date) AS "start",
            CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '7 days'))) AS date) AS "end"
        FROM generate_series(0, CAST($3 AS integer)) AS "step"
    )
    SELECT
        CAST("port"."port" AS uuid) AS "output_port_id",
        CAST("bucket"."start" AS date) AS "bucket",
        CAST(COALESCE("counted"."query_count", 0) AS bigint) AS "query_count",
        CAST(("bucket"."start" < $4 OR "bucket"."end" > $5) AS boolean) AS "partial",
        CAST("labelled"."name" AS text) AS "label"
    FROM unnest(CAST($6 AS uuid[])) AS "port"
    CROSS JOIN "bucket"
    LEFT JOIN (
        SELECT
            "output_port_id",
            CAST($7 AS date) + ((("bucket" - CAST($8 AS date)) / (7)) * (7)) AS "bucket",
            SUM("query_count") AS "query_count"
        FROM (
            SELECT
                "output_port_id" AS "output_port_id",
                "date" AS "bucket",
                SUM("query_count") AS "query_count"
            FROM "usage"."output_port_query_stats_daily" AS "fact"
            WHERE "output_port_id" = ANY(CAST($9 AS uuid[]))
                AND "date" >= $10 AND "date" < $11
            GROUP BY "output_port_id", "date"
        ) AS "daily"
        GROUP BY 1, 2
    ) AS "counted" ON "counted"."output_port_id" = "port"."port"
        AND "counted"."bucket" = "bucket"."start"
    LEFT JOIN "portal"."datasets" AS "labelled" ON "labelled"."id" = "port"."port"
    ORDER BY "port"."port" ASC, "bucket"."start" ASC
    "#);
}

#[test]
fn many_ports_by_month_are_truncated_once_a_day() {
    let chart = QueriesOverTime::of_ports([port(1), port(2)], day(2026, 1, 1)..day(2026, 2, 1))
        .granularity(Granularity::Month);
    insta::assert_snapshot!(sql(&chart), @r#"
    WITH
    /* output-port-usage: queries over time of many output ports */
    "bucket" AS MATERIALIZED (
        SELECT
            CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '1 month'))) AS date) AS "start",
            CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '1 month'))) AS date) AS "end"
        FROM generate_series(0, CAST($3 AS integer)) AS "step"
    )
    SELECT
        CAST("port"."port" AS uuid) AS "output_port_id",
        CAST("bucket"."start" AS date) AS "bucket",
        CAST(COALESCE("counted"."query_count", 0) AS bigint) AS "query_count",
        CAST(("bucket"."start" < $4 OR "bucket"."end" > $5) AS boolean) AS "partial",
        CAST("labelled"."name" AS text) AS "label"
    FROM unnest(CAST($6 AS uuid[])) AS "port"
    CROSS JOIN "bucket"
    LEFT JOIN (
        SELECT
            "output_port_id",
            CAST(date_trunc('month', CAST("bucket" AS timestamp)) AS date) AS "bucket",
            SUM("query_count") AS "query_count"
        FROM (
            SELECT
                "output_port_id" AS "output_port_id",
                "date" AS "bucket",
                SUM("query_count") AS "query_count"
            FROM "usage"."output_port_query_stats_daily" AS "fact"
            WHERE "output_port_id" = ANY(CAST($7 AS uuid[]))
                AND "date" >= $8 AND "date" < $9
            GROUP BY "output_port_id", "date"
        ) AS "daily"
        GROUP BY 1, 2
    ) AS "counted" ON "counted"."output_port_id" = "port"."port"
        AND "counted"."bucket" = "bucket"."start"
    LEFT JOIN "portal"."datasets" AS "labelled" ON "labelled"."id" = "port"."port"
    ORDER BY "port"."port" ASC, "bucket"."start" ASC
    "#);
}

#[test]
fn text_is_the_same_for_any_number_of_ports() {
    let days = day(2026, 1, 1)..day(2026, 2, 1);
    let one = QueriesOverTime::of_ports([port(1)], days.clone());
    let most = QueriesOverTime::of_ports((0..10_000).map(port), days);
    assert_eq!(sql(&one), sql(&most));
}

#[test]
fn series_that_mean_nothing_are_refused() {
    let model = builder().build().unwrap();
    let days = day(2026, 1, 1)..day(2026, 1, 2);
    let error = model.query(&QueriesOverTime::new(port(1), days.clone()).split_by_consumer(0)).unwrap_err();
    assert_eq!(error.to_string(), "the number of consumers is zero: ask for at least one");
    let empty =
        model.query(&QueriesOverTime::new(port(1), days.end..days.end).split_by_consumer(1)).unwrap_err();
    assert!(empty.is_request());

    let error = model.query(&QueriesOverTime::of_ports([], days.clone())).unwrap_err();
    assert!(error.is_request());
    assert_eq!(error.to_string(), "the list of output ports is empty: ask for at least one");
    let error = model.query(&QueriesOverTime::of_ports((0..10_001).map(port), days.clone())).unwrap_err();
    assert!(error.is_request());
    assert_eq!(
        error.to_string(),
        "10001 output ports are more than the 10000 that one statement reads: ask in parts"
    );
    let twice = (0..10_000).chain(0..10_000).map(port);
    assert!(model.query(&QueriesOverTime::of_ports(twice, days.clone())).is_ok());
    let reversed = QueriesOverTime::of_ports([port(1)], days.end..days.start);
    assert!(model.query(&reversed).unwrap_err().is_request());
}

#[tokio::test]
async fn a_split_is_a_dense_grid_by_rank_and_other_comes_last() {
    let portal = worked_example().await;
    // consumer 1: 5 on the 1st; consumer 4: 3 on the 2nd; consumers 2 and 3: 1 on either day
    let chart = QueriesOverTime::new(port(1), day(2026, 1, 1)..day(2026, 1, 4)).split_by_consumer(2);
    let points = portal.rows(&chart).await;
    let one = |id, label: &str| ConsumerOrOther::Consumer { id, label: Some(label.to_owned()) };
    let other = ConsumerOrOther::Other { members: 2 };
    let days = [day(2026, 1, 1), day(2026, 1, 2), day(2026, 1, 3)];
    let mut expected = Vec::new();
    for (series, rank, counts) in [
        (one(consumer(1), "consumer 1"), Some(1), [5, 0, 0]),
        (one(consumer(4), "consumer 4"), Some(2), [0, 3, 0]),
        (other, None, [1, 1, 0]),
    ] {
        expected
            .extend(days.iter().zip(counts).map(|(day, count)| (series.clone(), rank, *day, count, false)));
    }
    let read: Vec<_> =
        points.iter().map(|p| (p.consumer.clone(), p.rank, p.bucket, p.query_count, p.partial)).collect();
    assert_eq!(read, expected);

    let all = portal
        .rows(&QueriesOverTime::new(port(1), day(2026, 1, 1)..day(2026, 1, 4)).split_by_consumer(4))
        .await;
    assert_eq!(all.len(), 4 * 3, "Other exists from 5 consumers on");
    assert!(all.iter().all(|point| point.rank.is_some()));
}

#[tokio::test]
async fn a_split_by_week_clips_to_the_days_and_marks_partial_buckets() {
    let portal = worked_example().await;
    let chart = QueriesOverTime::new(port(1), day(2026, 1, 1)..day(2026, 1, 6))
        .granularity(Granularity::Week)
        .split_by_consumer(1);
    let points = portal.rows(&chart).await;
    let read: Vec<_> = points.iter().map(|p| (p.rank, p.bucket, p.query_count, p.partial)).collect();
    // 31 December with its 100 queries is in the first week, but not asked for
    let weeks = [day(2025, 12, 29), day(2026, 1, 5)];
    let expected = [
        (Some(1), weeks[0], 5, true),
        (Some(1), weeks[1], 0, true),
        (None, weeks[0], 5, true),
        (None, weeks[1], 0, true),
    ];
    assert_eq!(read, expected);
}

#[tokio::test]
async fn many_ports_are_zero_filled_in_order_and_named_once() {
    let portal = worked_example().await;
    let chart = QueriesOverTime::of_ports(
        [port(3), port(2), port(99), port(1), port(2)],
        day(2026, 1, 1)..day(2026, 1, 3),
    );
    let points = portal.rows(&chart).await;
    let read: Vec<_> =
        points.iter().map(|p| (p.output_port_id, p.label.as_deref(), p.bucket, p.query_count)).collect();
    let (first, second) = (day(2026, 1, 1), day(2026, 1, 2));
    let expected = [
        (port(1), Some("port 1"), first, 6),
        (port(1), Some("port 1"), second, 4),
        (port(2), Some("port 2"), first, 50),
        (port(2), Some("port 2"), second, 0),
        (port(3), Some("port 3"), first, 0),
        (port(3), Some("port 3"), second, 0),
        (port(99), None, first, 0),
        (port(99), None, second, 0),
    ];
    assert_eq!(read, expected);

    let weeks = portal.rows(&chart.granularity(Granularity::Week)).await;
    let read: Vec<_> = weeks.iter().map(|p| (p.output_port_id, p.bucket, p.query_count, p.partial)).collect();
    let week = day(2025, 12, 29);
    let expected = [(port(1), 10), (port(2), 50), (port(3), 0), (port(99), 0)]
        .map(|(id, count)| (id, week, count, true));
    assert_eq!(read, expected);
}

#[tokio::test]
async fn ten_thousand_ports_are_read_at_once() {
    let portal = Portal::new().await;
    let rows = vec![queries(day(2026, 1, 1), port(7), consumer(1), 3)];
    portal
        .replace(
            &UsageBatch::builder(scope(day(2026, 1, 1)..day(2026, 1, 2), [port(7)])).queries(rows).build(),
        )
        .await;
    let chart = QueriesOverTime::of_ports((0..10_000).map(port), day(2026, 1, 1)..day(2026, 1, 2));
    let points = portal.rows(&chart).await;
    assert_eq!(points.len(), 10_000);
    assert_eq!(points.iter().map(|point| point.query_count).sum::<i64>(), 3);
}

#[tokio::test]
async fn the_time_zone_of_the_session_changes_nothing() {
    let portal = worked_example().await;
    let days = day(2025, 12, 1)..day(2026, 2, 1);
    for zone in ["UTC", "America/Havana", "Pacific/Apia"] {
        let mut connection = portal.pool.acquire().await.unwrap();
        let set = format!("SET TIME ZONE '{zone}'");
        sqlx::query(sqlx::AssertSqlSafe(set)).execute(&mut *connection).await.unwrap();
        let months = QueriesOverTime::of_ports([port(1)], days.clone()).granularity(Granularity::Month);
        let months =
            portal.model.query(&months).unwrap().into_sqlx().fetch_all(&mut *connection).await.unwrap();
        let read: Vec<_> = months.iter().map(|p| (p.bucket, p.query_count)).collect();
        assert_eq!(read, [(day(2025, 12, 1), 100), (day(2026, 1, 1), 10)], "{zone}");
        let single = QueriesOverTime::new(port(1), days.clone()).granularity(Granularity::Month);
        let single =
            portal.model.query(&single).unwrap().into_sqlx().fetch_all(&mut *connection).await.unwrap();
        let single: Vec<_> = single.iter().map(|p| (p.bucket, p.query_count)).collect();
        assert_eq!(read, single, "{zone}");
    }
}
