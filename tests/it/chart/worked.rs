//! Charts: their SQL beside the request that made it, and hand-worked results.

use output_port_usage::chart::*;
use output_port_usage::*;

use crate::portal::{Portal, asset, builder, consumer, day, group, port, queries, scope, touches};

pub(crate) fn sql<C: Chart>(chart: &C) -> String {
    builder().build().unwrap().query(chart).unwrap().pretty()
}

#[test]
fn queries_over_time_by_day_groups_by_date() {
    let chart = QueriesOverTime::new(port(1), day(2026, 1, 1)..day(2026, 2, 1));
    insta::assert_snapshot!(sql(&chart), @r#"
    WITH
    /* output-port-usage: queries over time by day */
    "bucket" AS MATERIALIZED (
        SELECT CAST($1 AS date) + "step"."step" AS "start"
        FROM generate_series(0, CAST($2 AS integer)) AS "step"
        LIMIT $3
    )
    SELECT
        CAST("bucket"."start" AS date) AS "bucket",
        CAST(COALESCE("counted"."query_count", 0) AS bigint) AS "query_count",
        CAST((FALSE) AS boolean) AS "partial",
        CAST((NULL) AS text) AS "coverage"
    FROM "bucket"
    LEFT JOIN (
        SELECT "date" AS "date", SUM("query_count") AS "query_count"
        FROM "usage"."output_port_query_stats_daily" AS "fact"
        WHERE "output_port_id" = $4
            AND "date" >= $5 AND "date" < $6
        GROUP BY "date"
    ) AS "counted" ON "counted"."date" = "bucket"."start"
    ORDER BY "bucket"."start" ASC
    "#);
}

#[test]
fn queries_over_time_by_week_is_driven_by_bucket() {
    let chart =
        QueriesOverTime::new(port(1), day(2026, 1, 1)..day(2026, 2, 1)).granularity(Granularity::Week);
    insta::assert_snapshot!(sql(&chart), @r#"
    WITH
    /* output-port-usage: queries over time by week */
    "bucket" AS MATERIALIZED (
        SELECT
            pg_catalog.unnest(CAST($1 AS date[])) AS "start",
            pg_catalog.unnest(CAST($2 AS date[])) AS "end"
    )
    SELECT
        CAST("bucket"."start" AS date) AS "bucket",
        CAST(COALESCE("counted"."query_count", 0) AS bigint) AS "query_count",
        CAST(("bucket"."start" < $3 OR "bucket"."end" > $4) AS boolean) AS "partial",
        CAST((NULL) AS text) AS "coverage"
    FROM "bucket"
    INNER JOIN
        LATERAL (
            SELECT SUM("query_count") AS "query_count"
            FROM "usage"."output_port_query_stats_daily" AS "fact"
            WHERE
                "output_port_id" = $5
                AND "date" >= "bucket"."start"
                AND "date" < "bucket"."end"
                AND "date" >= $6
                AND "date" < $7
        ) AS "counted" ON TRUE
    ORDER BY "bucket"."start" ASC
    "#);
}

#[test]
fn query_distribution_reads_once_and_ranks_the_small_set() {
    let chart = QueryDistribution::new(port(1), day(2026, 1, 1)..day(2026, 2, 1));
    insta::assert_snapshot!(sql(&chart), @r#"
    WITH
    /* output-port-usage: query distribution */
    "member" AS MATERIALIZED (
        SELECT "consumer_id" AS "consumer_id", SUM("query_count") AS "query_count"
        FROM "usage"."output_port_query_stats_daily" AS "fact"
        WHERE "output_port_id" = $1 AND "date" >= $2 AND "date" < $3
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
    "slice" AS (
        SELECT
            (CASE WHEN ("rank" <= $4) THEN "rank" END) AS "rank",
            (CASE WHEN ("rank" <= $5) THEN "consumer_id" END) AS "consumer_id",
            SUM("query_count") AS "query_count",
            COUNT(*) AS "members"
        FROM "ranked"
        GROUP BY 1, 2
        LIMIT $6
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
        CAST("labelled"."name" AS text) AS "label"
    FROM "slice"
    LEFT JOIN "portal"."data_products" AS "labelled" ON "labelled"."id" = "slice"."consumer_id"
    ORDER BY "slice"."rank" ASC NULLS LAST, "slice"."members" ASC NULLS FIRST
    "#);
}

#[test]
fn query_distribution_by_group_looks_groups_up_once_a_consumer() {
    let chart = QueryDistribution::new(port(1), day(2026, 1, 1)..day(2026, 2, 1)).by_group();
    insta::assert_snapshot!(sql(&chart), @r#"
    WITH
    /* output-port-usage: query distribution by group */
    "consumer" AS MATERIALIZED (
        SELECT "consumer_id" AS "consumer_id", SUM("query_count") AS "query_count"
        FROM "usage"."output_port_query_stats_daily" AS "fact"
        WHERE "output_port_id" = $1 AND "date" >= $2 AND "date" < $3
        GROUP BY "consumer_id"
    ),
    "member" AS MATERIALIZED (
        SELECT "grouped"."group_id" AS "group_id", SUM("consumer"."query_count") AS "query_count"
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
            row_number() OVER (ORDER BY "query_count" DESC, "group_id" ASC) AS "rank"
        FROM "member"
        WHERE "group_id" IS NOT NULL AND CAST("query_count" AS bigint) > (0)
    ),
    "slice" AS (
        SELECT
            (CASE WHEN ("rank" <= $4) THEN "rank" END) AS "rank",
            (CASE WHEN ("rank" <= $5) THEN "group_id" END) AS "group_id",
            SUM("query_count") AS "query_count",
            COUNT(*) AS "members"
        FROM "ranked"
        GROUP BY 1, 2
        LIMIT $6
    ),
    "shown" AS (
        SELECT "rank", "group_id", "query_count", "members"
        FROM "slice"
        UNION ALL
        (
            SELECT
                CAST((NULL) AS bigint) AS "rank",
                "group_id",
                "query_count",
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
        ) AS "label"
    FROM "shown"
    ORDER BY "shown"."rank" ASC NULLS LAST, "shown"."members" ASC NULLS FIRST
    "#);
}

#[test]
fn most_popular_assets_counts_consumers_by_grouping_twice() {
    let chart = MostPopularAssets::new(port(1), day(2026, 1, 1)..day(2026, 2, 1));
    insta::assert_snapshot!(sql(&chart), @r#"
    WITH
    /* output-port-usage: most popular assets */
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
                WHERE "output_port_id" = $1
                    AND "date" >= $2 AND "date" < $3
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
        LIMIT $4
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
        CAST("labelled"."name" AS text) AS "label"
    FROM "ranked"
    LEFT JOIN "portal"."technical_assets" AS "labelled" ON "labelled"."id" = "ranked"."tech_asset_id"
    ORDER BY "ranked"."rank" ASC NULLS LAST
    "#);
}

#[test]
fn more_points_than_a_chart_may_have_are_refused() {
    let model = builder().build().unwrap();
    let calendar = || day(1, 1, 1)..day(9999, 12, 31);
    let chart = QueriesOverTime::new(port(1), calendar());
    for error in [
        model.query(&chart).unwrap_err(),
        model.query(&chart.clone().granularity(Granularity::Month).split_by_consumer(u32::MAX)).unwrap_err(),
        model
            .query(&QueriesOverTime::of_ports((0..300).map(port), day(2000, 1, 1)..day(2026, 1, 1)))
            .unwrap_err(),
        model.query(&Overview::new(port(1), calendar())).unwrap_err(),
    ] {
        assert!(error.is_request(), "{error}");
    }
    assert!(model.query(&chart.granularity(Granularity::Month)).is_ok());
}

#[tokio::test]
async fn tables_named_like_the_parts_of_a_statement_are_read_all_the_same() {
    for name in [
        "bucket", "counted", "each", "cell", "member", "ranked", "slice", "series", "rest", "day", "summary",
        "fact", "port", "place", "labelled", "parent", "daily", "before",
    ] {
        let names = || TableNames::new(name).column(Column::Date, "start").column(Column::QueryCount, "rank");
        let portal = Portal::with(builder().queries_table(names()).build().unwrap()).await;
        let days = day(2026, 1, 1)..day(2026, 2, 1);
        let row = queries(day(2026, 1, 6), port(1), consumer(1), 7);
        portal.replace(&UsageBatch::builder(scope(days.clone(), [port(1)])).queries(vec![row]).build()).await;
        let weeks = || QueriesOverTime::new(port(1), days.clone()).granularity(Granularity::Week);
        assert_eq!(portal.rows(&weeks()).await[1].query_count, 7, "{name}");
        assert_eq!(portal.rows(&weeks().split_by_consumer(1)).await[0].counts[1], 7, "{name}");
        assert_eq!(
            portal.rows(&weeks().compared_with(Comparison::PreviousPeriod)).await[1].previous,
            0,
            "{name}"
        );
        let many = QueriesOverTime::of_ports([port(1)], days.clone()).granularity(Granularity::Month);
        assert_eq!(portal.rows(&many).await[0].query_count, 7, "{name}");
        assert_eq!(
            portal.rows(&QueryDistribution::new(port(1), days.clone())).await[0].query_count,
            7,
            "{name}"
        );
        assert_eq!(portal.rows(&Summary::new(port(1), days.clone())).await[0].query_count, 7, "{name}");
        for granularity in [Granularity::Day, Granularity::Week] {
            let overview = Overview::new(port(1), days.clone()).granularity(granularity);
            let charts = overview.charts(portal.rows(&overview).await).unwrap();
            assert_eq!((charts.summary.query_count, charts.split[0].query_count), (7, 7), "{name}");
        }
    }
}

#[test]
fn text_depends_on_the_shape_of_a_request_and_never_on_its_data() {
    let one = MostPopularAssets::new(port(1), day(2026, 1, 1)..day(2026, 2, 1)).top(3);
    let other = MostPopularAssets::new(port(2), day(1999, 1, 1)..day(2030, 2, 1)).top(7);
    assert_eq!(sql(&one), sql(&other));
}

#[test]
fn requests_that_mean_nothing_are_refused() {
    let model = builder().build().unwrap();
    let days = day(2026, 1, 1)..day(2026, 1, 2);
    let reversed = QueriesOverTime::new(port(1), days.end..days.start);
    let error = model.query(&reversed).unwrap_err();
    assert!(error.is_request());
    assert_eq!(
        error.to_string(),
        "days are empty or reversed: 2026-01-02 to 2026-01-01 (the end is exclusive)"
    );
    let empty = QueryDistribution::new(port(1), days.start..days.start);
    assert!(model.query(&empty).unwrap_err().is_request());
    for outside in [day(0, 12, 31)..day(1, 1, 2), day(9999, 1, 1)..day(10000, 1, 2)] {
        assert!(model.query(&MostPopularAssets::new(port(1), outside)).unwrap_err().is_request());
    }
    for error in [
        model.query(&QueryDistribution::new(port(1), days.clone()).top(0)).unwrap_err(),
        model.query(&QueryDistribution::new(port(1), days.clone()).top(0).by_group()).unwrap_err(),
        model.query(&MostPopularAssets::new(port(1), days.clone()).top(0)).unwrap_err(),
    ] {
        assert!(error.to_string().ends_with("is zero: ask for at least one"), "{error}");
    }
    let ungrouped = builder().consumers(Reference::to("data_products")).build().unwrap();
    let error = ungrouped.query(&QueryDistribution::new(port(1), days).by_group()).unwrap_err();
    assert_eq!(error.to_string(), "the model's reference for consumers has no group");
}

/// Port 1 on Thursday 1 and Friday 2 January 2026; a row of port 2 and one of the day before that must not count.
pub(crate) async fn worked_example() -> Portal {
    let portal = Portal::new().await;
    let (first, second) = (day(2026, 1, 1), day(2026, 1, 2));
    let before = day(2025, 12, 31);
    let rows = vec![
        queries(before, port(1), consumer(1), 100),
        queries(first, port(1), consumer(1), 5),
        queries(first, port(1), consumer(2), 1),
        queries(first, port(2), consumer(1), 50),
        queries(second, port(1), consumer(3), 1),
        queries(second, port(1), consumer(4), 3),
    ];
    let read = vec![
        touches(before, port(1), asset(1), consumer(1), 100),
        touches(first, port(1), asset(1), consumer(1), 5),
        touches(first, port(1), asset(2), consumer(1), 2),
        touches(first, port(1), asset(2), consumer(2), 1),
        touches(first, port(2), asset(1), consumer(1), 50),
        touches(second, port(1), asset(3), consumer(3), 1),
        touches(second, port(1), asset(2), consumer(4), 3),
    ];
    let batch = UsageBatch::builder(scope(before..day(2026, 1, 3), [port(1), port(2)]))
        .queries(rows)
        .touches(read)
        .build();
    portal.replace(&batch).await;
    portal
}

#[tokio::test]
async fn queries_over_time_fills_zeros_and_marks_partial_buckets() {
    let portal = worked_example().await;
    let days = QueriesOverTime::new(port(1), day(2026, 1, 1)..day(2026, 1, 4));
    let points = portal.rows(&days).await;
    let read: Vec<_> = points.iter().map(|p| (p.bucket, p.query_count, p.partial)).collect();
    let expected = [(day(2026, 1, 1), 6, false), (day(2026, 1, 2), 4, false), (day(2026, 1, 3), 0, false)];
    assert_eq!(read, expected);

    let weeks = portal.rows(&days.clone().granularity(Granularity::Week)).await;
    assert_eq!((weeks[0].bucket, weeks[0].query_count, weeks[0].partial), (day(2025, 12, 29), 10, true));
    let whole = Granularity::Week.expand(day(2026, 1, 1)..day(2026, 1, 4));
    let weeks = portal.rows(&QueriesOverTime::new(port(1), whole).granularity(Granularity::Week)).await;
    assert_eq!((weeks[0].bucket, weeks[0].query_count, weeks[0].partial), (day(2025, 12, 29), 110, false));
}

#[tokio::test]
async fn query_distribution_orders_by_count_then_id_and_folds_the_rest() {
    let portal = worked_example().await;
    let chart = QueryDistribution::new(port(1), day(2026, 1, 1)..day(2026, 1, 3)).top(2);
    let slices = portal.rows(&chart).await;
    insta::assert_json_snapshot!(slices, @r#"
    [
      {
        "member": {
          "kind": "consumer",
          "id": "00000000-0000-0000-0000-0000c0000001",
          "label": "consumer 1"
        },
        "query_count": 5,
        "share": 0.5,
        "rank": 1
      },
      {
        "member": {
          "kind": "consumer",
          "id": "00000000-0000-0000-0000-0000c0000004",
          "label": "consumer 4"
        },
        "query_count": 3,
        "share": 0.3,
        "rank": 2
      },
      {
        "member": {
          "kind": "other",
          "members": 2
        },
        "query_count": 2,
        "share": 0.2,
        "rank": null
      }
    ]
    "#);
}

#[tokio::test]
async fn query_distribution_by_group_puts_consumers_without_one_last() {
    let portal = worked_example().await;
    let chart = QueryDistribution::new(port(1), day(2026, 1, 1)..day(2026, 1, 3));
    let slices = portal.rows(&chart.clone().by_group()).await;
    // consumers 1 and 3 are in group 1, 2 is in group 0, 4 in none
    let read: Vec<_> = slices.iter().map(|s| (s.member.clone(), s.query_count, s.rank)).collect();
    let named = |number, label: &str| Member::Group { id: group(number), label: Some(label.to_owned()) };
    let expected =
        [(named(1, "domain 1"), 6, Some(1)), (named(0, "domain 0"), 1, Some(2)), (Member::NoGroup, 3, None)];
    assert_eq!(read, expected);

    // one group before Other: those without a group are no group, and not in Other
    let folded = portal.rows(&chart.top(1).by_group()).await;
    let read: Vec<_> = folded.iter().map(|s| (s.member.clone(), s.query_count, s.share, s.rank)).collect();
    let expected = [
        (named(1, "domain 1"), 6, 0.6, Some(1)),
        (Member::NoGroup, 3, 0.3, None),
        (Member::Other { members: 1 }, 1, 0.1, None),
    ];
    assert_eq!(read, expected);
}

#[tokio::test]
async fn most_popular_assets_shares_are_of_all_touches() {
    let portal = worked_example().await;
    let chart = MostPopularAssets::new(port(1), day(2026, 1, 1)..day(2026, 1, 3)).top(2);
    let rows = portal.rows(&chart).await;
    insta::assert_json_snapshot!(rows, @r#"
    [
      {
        "tech_asset_id": "00000000-0000-0000-0000-0000e0000002",
        "label": "asset 2",
        "touches": 6,
        "share": 0.5,
        "rank": 1,
        "consumers": 3,
        "last_used": "2026-01-02"
      },
      {
        "tech_asset_id": "00000000-0000-0000-0000-0000e0000001",
        "label": "asset 1",
        "touches": 5,
        "share": 0.4166666666666667,
        "rank": 2,
        "consumers": 1,
        "last_used": "2026-01-01"
      }
    ]
    "#);
}

#[tokio::test]
async fn a_port_without_rows_gives_zeros_over_time_and_no_rows_in_rankings() {
    let portal = Portal::new().await;
    let days = day(2026, 1, 1)..day(2026, 1, 3);
    let points = portal.rows(&QueriesOverTime::new(port(1), days.clone())).await;
    assert_eq!(points.iter().map(|point| point.query_count).collect::<Vec<_>>(), [0, 0]);
    assert!(portal.rows(&QueryDistribution::new(port(1), days.clone())).await.is_empty());
    assert!(portal.rows(&QueryDistribution::new(port(1), days.clone()).by_group()).await.is_empty());
    assert!(portal.rows(&MostPopularAssets::new(port(1), days)).await.is_empty());
}

#[tokio::test]
async fn zero_counts_in_an_adopted_table_are_as_good_as_absent() {
    let portal = Portal::new().await;
    let zeros = "INSERT INTO usage.output_port_query_stats_daily VALUES ('2026-01-01', $1, $2, 0)";
    sqlx::query(zeros).bind(port(1)).bind(consumer(1)).execute(&portal.pool).await.unwrap();
    let days = day(2026, 1, 1)..day(2026, 1, 3);
    assert!(portal.rows(&QueryDistribution::new(port(1), days)).await.is_empty());
}
