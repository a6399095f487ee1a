//! Queries over time in series: split by consumer, and of many output ports.

use output_port_usage::chart::*;
use output_port_usage::*;

use crate::chart::random::GRANULARITIES;
use crate::chart::worked::{sql, worked_example};
use crate::portal::{Portal, builder, consumer, day, port, queries, scope};

/// The text of a chart in lines, of the usual model.
pub(crate) fn pretty<C: Chart>(chart: &C) -> String {
    builder().build().unwrap().query(chart).unwrap().pretty()
}

#[test]
fn a_split_by_day_scans_once_and_ranks_the_small_set() {
    let chart = QueriesOverTime::new(port(1), day(2026, 1, 1)..day(2026, 2, 1)).split_by_consumer(5);
    insta::assert_snapshot!(pretty(&chart), @r#"
    WITH
    /* output-port-usage: queries over time by day split by consumer; the counts of a member are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each member and bucket would take longer than the scan; xid has no order, so that a plan for any values hashes the members and does not sort all rows */
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
            HAVING CAST(SUM("query_count") AS bigint) > (0)
        ) AS "member"
    )
    SELECT
        CAST(('consumer') AS text) AS "kind",
        CAST("ranked"."consumer_id" AS uuid) AS "id",
        CAST("ranked"."rank" AS bigint) AS "rank",
        CAST((NULL) AS bigint) AS "members",
        CAST("ranked"."query_count" AS bigint) AS "query_count",
        CAST($5 AS bigint) AS "buckets",
        CAST("ranked"."places" AS bigint[]) AS "places",
        CAST("ranked"."counts" AS bigint[]) AS "counts",
        CAST(
            (
                SELECT MIN(CAST("labelled"."name" AS text))
                FROM "portal"."data_products" AS "labelled"
                WHERE "labelled"."id" = "ranked"."consumer_id"
            ) AS text
        ) AS "label",
        CAST((NULL) AS text) AS "coverage"
    FROM "ranked"
    WHERE "ranked"."rank" <= $6
    UNION ALL
    (
        SELECT
            CAST(('other') AS text) AS "kind",
            CAST((NULL) AS uuid) AS "id",
            CAST((NULL) AS bigint) AS "rank",
            CAST((SELECT COUNT(*) FROM "ranked" WHERE "rank" > $7) AS bigint) AS "members",
            CAST(SUM("query_count") AS bigint) AS "query_count",
            CAST($8 AS bigint) AS "buckets",
            CAST(pg_catalog.array_agg("place") AS bigint[]) AS "places",
            CAST(pg_catalog.array_agg("query_count") AS bigint[]) AS "counts",
            CAST((NULL) AS text) AS "label",
            CAST((NULL) AS text) AS "coverage"
        FROM (
            SELECT "place", SUM("query_count") AS "query_count"
            FROM (
                SELECT pg_catalog.unnest("places") AS "place", pg_catalog.unnest("counts") AS "query_count"
                FROM "ranked"
                WHERE "rank" > $9
            ) AS "cell"
            GROUP BY "place"
        ) AS "rest"
        HAVING COUNT(*) > (0)
    )
    ORDER BY "rank" ASC NULLS LAST, "members" ASC NULLS FIRST
    "#);
}

#[test]
fn a_split_by_month_is_driven_by_bucket() {
    let chart = QueriesOverTime::new(port(1), day(2026, 1, 1)..day(2026, 2, 1))
        .granularity(Granularity::Month)
        .split_by_consumer(5);
    insta::assert_snapshot!(pretty(&chart), @r#"
    WITH
    /* output-port-usage: queries over time by month split by consumer; the counts of a member are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each member and bucket would take longer than the scan */
    "bucket" AS MATERIALIZED (
        SELECT
            pg_catalog.unnest(CAST($1 AS date[])) AS "start",
            pg_catalog.unnest(CAST($2 AS date[])) AS "end",
            pg_catalog.unnest(CAST($3 AS integer[])) AS "place"
    ),
    "counted" AS MATERIALIZED (
        SELECT
            "each"."consumer_id",
            SUM("each"."query_count") AS "query_count",
            pg_catalog.array_agg("bucket"."place") AS "places",
            pg_catalog.array_agg("each"."query_count") AS "counts"
        FROM "bucket"
        INNER JOIN
            LATERAL (
                SELECT "consumer_id", SUM("query_count") AS "query_count"
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
                GROUP BY GROUPING SETS (("consumer_id"), ())
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
        CAST(('consumer') AS text) AS "kind",
        CAST("ranked"."consumer_id" AS uuid) AS "id",
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
        ) AS "label",
        CAST((NULL) AS text) AS "coverage"
    FROM "ranked"
    WHERE "ranked"."rank" <= $8
    UNION ALL
    (
        SELECT
            CAST(('other') AS text) AS "kind",
            CAST((NULL) AS uuid) AS "id",
            CAST((NULL) AS bigint) AS "rank",
            CAST((SELECT COUNT(*) FROM "ranked" WHERE "rank" > $9) AS bigint) AS "members",
            CAST(SUM("query_count") AS bigint) AS "query_count",
            CAST($10 AS bigint) AS "buckets",
            CAST(pg_catalog.array_agg("place") AS bigint[]) AS "places",
            CAST(pg_catalog.array_agg("query_count") AS bigint[]) AS "counts",
            CAST((NULL) AS text) AS "label",
            CAST((NULL) AS text) AS "coverage"
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
    ORDER BY "rank" ASC NULLS LAST, "members" ASC NULLS FIRST
    "#);
}

#[test]
fn many_ports_by_day_are_one_statement() {
    let chart = QueriesOverTime::of_ports([port(1), port(2)], day(2026, 1, 1)..day(2026, 2, 1));
    insta::assert_snapshot!(pretty(&chart), @r#"
    SELECT
        /* output-port-usage: queries over time of many output ports by day */
        CAST(('output_port') AS text) AS "kind",
        CAST("port"."port" AS uuid) AS "id",
        CAST((NULL) AS bigint) AS "rank",
        CAST((NULL) AS bigint) AS "members",
        CAST(COALESCE("series"."query_count", 0) AS bigint) AS "query_count",
        CAST($1 AS bigint) AS "buckets",
        CAST(COALESCE(CAST("series"."places" AS bigint[]), CAST(('{}') AS bigint[])) AS bigint[]) AS "places",
        CAST(COALESCE(CAST("series"."counts" AS bigint[]), CAST(('{}') AS bigint[])) AS bigint[]) AS "counts",
        CAST("labelled"."label" AS text) AS "label",
        CAST((NULL) AS text) AS "coverage"
    FROM pg_catalog.unnest(CAST($2 AS uuid[])) AS "port"
    LEFT JOIN (
        SELECT
            "output_port_id",
            SUM("query_count") AS "query_count",
            pg_catalog.array_agg("place") AS "places",
            pg_catalog.array_agg("query_count") AS "counts"
        FROM (
            SELECT
                "output_port_id" AS "output_port_id",
                "date" - CAST($3 AS date) AS "place",
                SUM("query_count") AS "query_count"
            FROM "usage"."output_port_query_stats_daily" AS "fact"
            WHERE "output_port_id" = ANY(CAST($4 AS uuid[]))
                AND "date" >= $5 AND "date" < $6
            GROUP BY "output_port_id", "date"
        ) AS "bucket"
        GROUP BY "output_port_id"
    ) AS "series" ON "series"."output_port_id" = "port"."port"
    LEFT JOIN (
        SELECT "parent"."id" AS "id", MIN(CAST("parent"."name" AS text)) AS "label"
        FROM "portal"."datasets" AS "parent"
        WHERE "parent"."id" = ANY(CAST($7 AS uuid[]))
        GROUP BY "parent"."id"
    ) AS "labelled" ON "labelled"."id" = "port"."port"
    ORDER BY "port"."port" ASC
    "#);
}

#[test]
fn many_ports_by_week_find_the_bucket_once_a_day() {
    let chart = QueriesOverTime::of_ports([port(1), port(2)], day(2026, 1, 1)..day(2026, 2, 1))
        .granularity(Granularity::Week);
    insta::assert_snapshot!(pretty(&chart), @r#"
    SELECT
        /* output-port-usage: queries over time of many output ports by week */
        CAST(('output_port') AS text) AS "kind",
        CAST("port"."port" AS uuid) AS "id",
        CAST((NULL) AS bigint) AS "rank",
        CAST((NULL) AS bigint) AS "members",
        CAST(COALESCE("series"."query_count", 0) AS bigint) AS "query_count",
        CAST($1 AS bigint) AS "buckets",
        CAST(COALESCE(CAST("series"."places" AS bigint[]), CAST(('{}') AS bigint[])) AS bigint[]) AS "places",
        CAST(COALESCE(CAST("series"."counts" AS bigint[]), CAST(('{}') AS bigint[])) AS bigint[]) AS "counts",
        CAST("labelled"."label" AS text) AS "label",
        CAST((NULL) AS text) AS "coverage"
    FROM pg_catalog.unnest(CAST($2 AS uuid[])) AS "port"
    LEFT JOIN (
        SELECT
            "output_port_id",
            SUM("query_count") AS "query_count",
            pg_catalog.array_agg("place") AS "places",
            pg_catalog.array_agg("query_count") AS "counts"
        FROM (
            SELECT "output_port_id", "place", CAST(SUM("query_count") AS bigint) AS "query_count"
            FROM (
                SELECT
                    "output_port_id" AS "output_port_id",
                    ("date" - CAST($3 AS date)) / (7) AS "place",
                    SUM("query_count") AS "query_count"
                FROM "usage"."output_port_query_stats_daily" AS "fact"
                WHERE "output_port_id" = ANY(CAST($4 AS uuid[]))
                    AND "date" >= $5 AND "date" < $6
                GROUP BY "output_port_id", "date"
            ) AS "daily"
            GROUP BY "output_port_id", "place"
        ) AS "bucket"
        GROUP BY "output_port_id"
    ) AS "series" ON "series"."output_port_id" = "port"."port"
    LEFT JOIN (
        SELECT "parent"."id" AS "id", MIN(CAST("parent"."name" AS text)) AS "label"
        FROM "portal"."datasets" AS "parent"
        WHERE "parent"."id" = ANY(CAST($7 AS uuid[]))
        GROUP BY "parent"."id"
    ) AS "labelled" ON "labelled"."id" = "port"."port"
    ORDER BY "port"."port" ASC
    "#);
}

#[test]
fn many_ports_by_month_find_the_bucket_once_a_day() {
    let chart = QueriesOverTime::of_ports([port(1), port(2)], day(2026, 1, 1)..day(2026, 2, 1))
        .granularity(Granularity::Month);
    insta::assert_snapshot!(pretty(&chart), @r#"
    SELECT
        /* output-port-usage: queries over time of many output ports by month */
        CAST(('output_port') AS text) AS "kind",
        CAST("port"."port" AS uuid) AS "id",
        CAST((NULL) AS bigint) AS "rank",
        CAST((NULL) AS bigint) AS "members",
        CAST(COALESCE("series"."query_count", 0) AS bigint) AS "query_count",
        CAST($1 AS bigint) AS "buckets",
        CAST(COALESCE(CAST("series"."places" AS bigint[]), CAST(('{}') AS bigint[])) AS bigint[]) AS "places",
        CAST(COALESCE(CAST("series"."counts" AS bigint[]), CAST(('{}') AS bigint[])) AS bigint[]) AS "counts",
        CAST("labelled"."label" AS text) AS "label",
        CAST((NULL) AS text) AS "coverage"
    FROM pg_catalog.unnest(CAST($2 AS uuid[])) AS "port"
    LEFT JOIN (
        SELECT
            "output_port_id",
            SUM("query_count") AS "query_count",
            pg_catalog.array_agg("place") AS "places",
            pg_catalog.array_agg("query_count") AS "counts"
        FROM (
            SELECT "output_port_id", "place", CAST(SUM("query_count") AS bigint) AS "query_count"
            FROM (
                SELECT
                    "output_port_id" AS "output_port_id",
                    pg_catalog.width_bucket("date", CAST($3 AS date[])) - (1) AS "place",
                    SUM("query_count") AS "query_count"
                FROM "usage"."output_port_query_stats_daily" AS "fact"
                WHERE "output_port_id" = ANY(CAST($4 AS uuid[]))
                    AND "date" >= $5 AND "date" < $6
                GROUP BY "output_port_id", "date"
            ) AS "daily"
            GROUP BY "output_port_id", "place"
        ) AS "bucket"
        GROUP BY "output_port_id"
    ) AS "series" ON "series"."output_port_id" = "port"."port"
    LEFT JOIN (
        SELECT "parent"."id" AS "id", MIN(CAST("parent"."name" AS text)) AS "label"
        FROM "portal"."datasets" AS "parent"
        WHERE "parent"."id" = ANY(CAST($7 AS uuid[]))
        GROUP BY "parent"."id"
    ) AS "labelled" ON "labelled"."id" = "port"."port"
    ORDER BY "port"."port" ASC
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

#[test]
fn the_axis_comes_from_the_request() {
    let days = day(2026, 1, 1)..day(2026, 1, 12);
    let chart = QueriesOverTime::new(port(1), days.clone()).granularity(Granularity::Week);
    let axis = chart.buckets().unwrap();
    let read: Vec<_> = axis.iter().map(|bucket| (bucket.start, bucket.partial)).collect();
    assert_eq!(read, [(day(2025, 12, 29), true), (day(2026, 1, 5), false)]);
    assert_eq!(chart.split_by_consumer(3).buckets().unwrap(), axis);
    let weeks = QueriesOverTime::of_ports([port(1)], days.clone()).granularity(Granularity::Week);
    assert_eq!(weeks.buckets().unwrap(), axis);
    assert_eq!(Overview::new(port(1), days).granularity(Granularity::Week).buckets().unwrap(), axis);
}

#[test]
fn an_axis_reaches_the_ends_of_the_calendar() {
    for granularity in GRANULARITIES {
        for days in [day(1, 1, 1)..day(1, 1, 3), day(9999, 12, 30)..day(10000, 1, 1)] {
            let axis = QueriesOverTime::new(port(1), days).granularity(granularity).buckets().unwrap();
            let by_day = granularity == Granularity::Day;
            assert_eq!(axis.len(), if by_day { 2 } else { 1 }, "{granularity:?}");
            assert!(axis.iter().all(|bucket| bucket.partial != by_day), "{granularity:?}");
        }
    }
}

#[test]
fn an_axis_is_refused_where_the_query_is() {
    let model = builder().build().unwrap();
    for days in [day(2026, 1, 1)..day(2026, 1, 1), day(1, 1, 1)..day(9999, 12, 31)] {
        let chart = QueriesOverTime::new(port(1), days.clone());
        let (axis, query) = (chart.buckets().unwrap_err(), model.query(&chart).unwrap_err());
        assert_eq!(axis.to_string(), query.to_string());
        let split = chart.split_by_consumer(5);
        let (axis, query) = (split.buckets().unwrap_err(), model.query(&split).unwrap_err());
        assert_eq!(axis.to_string(), query.to_string());
        let overview = Overview::new(port(1), days.clone());
        let (axis, query) = (overview.buckets().unwrap_err(), model.query(&overview).unwrap_err());
        assert_eq!(axis.to_string(), query.to_string());
        assert_eq!(overview.charts([]).unwrap_err().to_string(), query.to_string());
        let ports = QueriesOverTime::of_ports([port(1), port(2)], days);
        let (axis, query) = (ports.buckets().unwrap_err(), model.query(&ports).unwrap_err());
        assert_eq!(axis.to_string(), query.to_string());
    }
}

#[tokio::test]
async fn a_split_has_a_row_for_each_series_and_other_comes_last() {
    let portal = worked_example().await;
    // consumer 1: 5 on the 1st; consumer 4: 3 on the 2nd; consumers 2 and 3: 1 on either day
    let chart = QueriesOverTime::new(port(1), day(2026, 1, 1)..day(2026, 1, 4));
    let rows = portal.rows(&chart.clone().split_by_consumer(2)).await;
    let one = |id, label: &str| Member::Consumer { id, label: Some(label.to_owned()) };
    let expected = [
        (one(consumer(1), "consumer 1"), Some(1), 5, vec![5, 0, 0]),
        (one(consumer(4), "consumer 4"), Some(2), 3, vec![0, 3, 0]),
        (Member::Other { members: 2 }, None, 2, vec![1, 1, 0]),
    ];
    let read: Vec<_> =
        rows.iter().map(|s| (s.member.clone(), s.rank, s.query_count, s.counts.clone())).collect();
    assert_eq!(read, expected);

    let all = portal.rows(&chart.split_by_consumer(4)).await;
    assert_eq!(all.len(), 4, "Other exists from 5 consumers on");
    assert!(all.iter().all(|series| series.rank.is_some()));
}

#[tokio::test]
async fn a_split_by_week_clips_to_the_days() {
    let portal = worked_example().await;
    let chart = QueriesOverTime::new(port(1), day(2026, 1, 1)..day(2026, 1, 6))
        .granularity(Granularity::Week)
        .split_by_consumer(1);
    let rows = portal.rows(&chart).await;
    // 31 December with its 100 queries is in the first week, but not asked for
    let read: Vec<_> = rows.iter().map(|s| (s.rank, s.query_count, s.counts.clone())).collect();
    assert_eq!(read, [(Some(1), 5, vec![5, 0]), (None, 5, vec![5, 0])]);
}

#[tokio::test]
async fn rows_of_zero_queries_make_no_series() {
    let portal = worked_example().await;
    let zeros =
        "INSERT INTO usage.output_port_query_stats_daily (date, output_port_id, consumer_id, query_count)
        SELECT d, p, c, 0 FROM unnest(ARRAY[DATE '2026-01-02', DATE '2026-01-03']) AS d,
            unnest($1::uuid[]) AS p, unnest($2::uuid[]) AS c";
    let (ports, consumers) = ([port(1).0, port(5).0], [consumer(1).0, consumer(9).0]);
    sqlx::query(zeros).bind(ports).bind(consumers).execute(&portal.pool).await.unwrap();
    let days = day(2026, 1, 1)..day(2026, 1, 4);
    for granularity in GRANULARITIES {
        let chart = |of| QueriesOverTime::new(of, days.clone()).granularity(granularity);
        for top in [1, 4, 5] {
            let series = portal.rows(&chart(port(1)).split_by_consumer(top)).await;
            let members = series.iter().map(|series| match series.member {
                Member::Other { members } => members,
                _ => 1,
            });
            assert_eq!(members.sum::<i64>(), 4, "{granularity:?} {top}");
            assert_eq!(portal.rows(&chart(port(5)).split_by_consumer(top)).await, []);
            let overview = Overview::new(port(5), days.clone()).granularity(granularity).top(top);
            let charts = overview.charts(portal.rows(&overview).await).unwrap();
            assert_eq!((charts.summary, charts.split), (SummaryTotals::default(), Vec::new()));
        }
    }
}

#[tokio::test]
async fn records_repeat_a_series_for_each_bucket() {
    let portal = worked_example().await;
    let days = day(2025, 12, 31)..day(2026, 1, 4);
    let months = QueriesOverTime::new(port(1), days.clone()).granularity(Granularity::Month);
    let split = months.split_by_consumer(1);
    let records = split.records(&portal.rows(&split).await).unwrap();
    insta::assert_snapshot!(csv(&records), @"
    kind,id,label,members,rank,bucket,query_count,partial
    consumer,00000000-0000-0000-0000-0000c0000001,consumer 1,,1,2025-12-01,100,true
    consumer,00000000-0000-0000-0000-0000c0000001,consumer 1,,1,2026-01-01,5,true
    other,,,3,,2025-12-01,0,true
    other,,,3,,2026-01-01,5,true
    ");
    let overview = Overview::new(port(1), days).granularity(Granularity::Month).top(1);
    assert_eq!(overview.records(&portal.rows(&overview).await).unwrap(), records);
    let ports = QueriesOverTime::of_ports([port(1), port(99)], day(2026, 1, 1)..day(2026, 1, 3));
    insta::assert_snapshot!(csv(&ports.records(&portal.rows(&ports).await).unwrap()), @"
    kind,id,label,members,rank,bucket,query_count,partial
    output_port,00000000-0000-0000-0000-0000a0000001,port 1,,,2026-01-01,6,false
    output_port,00000000-0000-0000-0000-0000a0000001,port 1,,,2026-01-02,4,false
    output_port,00000000-0000-0000-0000-0000a0000063,,,,2026-01-01,0,false
    output_port,00000000-0000-0000-0000-0000a0000063,,,,2026-01-02,0,false
    ");
}

/// Records as a file has them.
fn csv(records: &[FlatRecord]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    records.iter().try_for_each(|record| writer.serialize(record)).unwrap();
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

#[tokio::test]
async fn many_ports_are_zero_filled_in_order_and_named_once() {
    let portal = worked_example().await;
    let chart = QueriesOverTime::of_ports(
        [port(3), port(2), port(99), port(1), port(2)],
        day(2026, 1, 1)..day(2026, 1, 3),
    );
    let rows = portal.rows(&chart).await;
    let read: Vec<_> =
        rows.iter().map(|s| (s.member.clone(), s.rank, s.query_count, s.counts.as_slice())).collect();
    let one = |id, label: Option<&str>| Member::OutputPort { id, label: label.map(str::to_owned) };
    let expected: [(_, _, _, &[i64]); 4] = [
        (one(port(1), Some("port 1")), None, 10, &[6, 4]),
        (one(port(2), Some("port 2")), None, 50, &[50, 0]),
        (one(port(3), Some("port 3")), None, 0, &[0, 0]),
        (one(port(99), None), None, 0, &[0, 0]),
    ];
    assert_eq!(read, expected);

    let weeks = portal.rows(&chart.granularity(Granularity::Week)).await;
    let read: Vec<_> = weeks.iter().map(|s| s.counts.as_slice()).collect();
    let expected: [&[i64]; 4] = [&[10], &[50], &[0], &[0]];
    assert_eq!(read, expected);
}

#[tokio::test]
async fn an_id_that_a_parent_has_twice_is_named_once_and_counted_once() {
    let portal = worked_example().await;
    for table in ["datasets", "data_products"] {
        let twice = format!(
            "ALTER TABLE portal.{table} DROP CONSTRAINT {table}_pkey CASCADE;
             INSERT INTO portal.{table} (id, name) SELECT id, 'another ' || name FROM portal.{table};"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(twice)).execute(&portal.pool).await.unwrap();
    }
    let days = day(2026, 1, 1)..day(2026, 1, 3);
    for granularity in GRANULARITIES {
        let chart = QueriesOverTime::new(port(1), days.clone()).granularity(granularity).split_by_consumer(1);
        let series = portal.rows(&chart).await;
        assert_eq!(series.iter().map(|s| s.query_count).collect::<Vec<_>>(), [5, 5]);
        assert_eq!(series[0].member.name(), "another consumer 1");
        let overview = Overview::new(port(1), days.clone()).granularity(granularity).top(1);
        let charts = overview.charts(portal.rows(&overview).await).unwrap();
        assert_eq!((charts.summary.query_count, charts.split), (10, series));
        let chart = QueriesOverTime::of_ports([port(1)], days.clone()).granularity(granularity);
        let rows = portal.rows(&chart).await;
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].query_count, rows[0].member.name().as_str()), (10, "another port 1"));
    }
}

#[tokio::test]
async fn functions_and_operators_of_another_schema_are_not_met() {
    let portal = worked_example().await;
    // each fits the arguments better than the built-in, and says so
    sqlx::raw_sql(
        "CREATE FUNCTION public.lie(bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE 'met'; END $$;
        CREATE FUNCTION public.unnest(bigint[]) RETURNS SETOF bigint LANGUAGE sql AS 'SELECT public.lie(1)';
        CREATE FUNCTION public.unnest(integer[]) RETURNS SETOF integer LANGUAGE sql AS 'SELECT public.lie(1)::integer';
        CREATE FUNCTION public.unnest(uuid[]) RETURNS SETOF uuid LANGUAGE sql AS 'SELECT public.lie(1)::text::uuid';
        CREATE FUNCTION public.width_bucket(date, date[]) RETURNS integer LANGUAGE sql AS 'SELECT public.lie(1)::integer';
        CREATE FUNCTION public.make_interval(integer, integer) RETURNS interval LANGUAGE sql
            AS 'SELECT public.lie(1)::text::interval';
        CREATE FUNCTION public.times(integer, interval) RETURNS interval LANGUAGE sql
            AS 'SELECT public.lie(1)::text::interval';
        CREATE OPERATOR public.* (LEFTARG = integer, RIGHTARG = interval, FUNCTION = public.times);
        CREATE FUNCTION public.above(numeric, integer) RETURNS boolean LANGUAGE sql AS 'SELECT public.lie(1) > 0';
        CREATE OPERATOR public.> (LEFTARG = numeric, RIGHTARG = integer, FUNCTION = public.above);
        CREATE FUNCTION public.less(integer, bigint) RETURNS bigint LANGUAGE sql AS 'SELECT public.lie(1)';
        CREATE FUNCTION public.add_to(uuid[], uuid) RETURNS uuid[] LANGUAGE sql AS 'SELECT public.lie(1)::text::uuid[]';
        CREATE AGGREGATE public.array_agg(bigint) (SFUNC = array_append, STYPE = bigint[]);
        CREATE AGGREGATE public.array_agg(integer) (SFUNC = array_append, STYPE = integer[]);",
    )
    .execute(&portal.pool)
    .await
    .unwrap();
    let days = day(2026, 1, 1)..day(2026, 1, 3);
    for granularity in GRANULARITIES {
        let chart = QueriesOverTime::new(port(1), days.clone()).granularity(granularity).split_by_consumer(1);
        let sums = |rows: &[i64]| rows.iter().sum::<i64>();
        assert_eq!(sums(&portal.rows(&chart).await[1].counts), 5, "{granularity:?}");
        let overview = Overview::new(port(1), days.clone()).granularity(granularity);
        let charts = overview.charts(portal.rows(&overview).await).unwrap();
        assert_eq!(charts.summary.query_count, 10, "{granularity:?}");
        let ports = QueriesOverTime::of_ports([port(1)], days.clone()).granularity(granularity);
        assert_eq!(sums(&portal.rows(&ports).await[0].counts), 10, "{granularity:?}");
    }
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
    let year = day(2026, 1, 1)..day(2027, 1, 1);
    let chart = QueriesOverTime::of_ports((0..10_000).map(port), year).granularity(Granularity::Week);
    let rows = portal.rows(&chart).await;
    assert_eq!(rows.len(), 10_000);
    assert!(rows.iter().all(|series| series.counts.len() == 53));
    assert_eq!(rows.iter().map(|series| series.query_count).sum::<i64>(), 3);
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
        let of_ports =
            portal.model.query(&months).unwrap().into_sqlx().fetch_all(&mut *connection).await.unwrap();
        assert_eq!(of_ports[0].counts, [100, 10], "{zone}");
        let starts = months.buckets().unwrap().into_iter().map(|bucket| bucket.start);
        let read: Vec<_> = starts.zip(of_ports[0].counts.iter().copied()).collect();
        assert_eq!(read, [(day(2025, 12, 1), 100), (day(2026, 1, 1), 10)], "{zone}");
        let single = QueriesOverTime::new(port(1), days.clone()).granularity(Granularity::Month);
        let single =
            portal.model.query(&single).unwrap().into_sqlx().fetch_all(&mut *connection).await.unwrap();
        let single: Vec<_> = single.iter().map(|p| (p.bucket, p.query_count)).collect();
        assert_eq!(read, single, "{zone}");
    }
}
