//! Table 3: how combinations are written, refused and charted.

use output_port_usage::chart::*;
use output_port_usage::*;

use crate::portal::{COMBINATION_STATS, Portal, builder, combination, consumer, day, port, queries, scope};

/// 1 January 2026, on which consumer 1 ran all that the tests here count unless they say otherwise.
fn first() -> chrono::NaiveDate {
    day(2026, 1, 1)
}

fn one_day(ports: impl IntoIterator<Item = u128>) -> Scope {
    scope(first()..day(2026, 1, 2), ports.into_iter().map(port))
}

fn row(one: u128, other: u128, count: u64) -> Combination {
    combination(first(), port(one), port(other), consumer(1), count)
}

/// A batch with ten queries on each of its ports.
fn batch(ports: &[u128], combinations: Vec<Combination>) -> UsageBatch {
    let rows = ports.iter().map(|of| queries(first(), port(*of), consumer(1), 10)).collect();
    UsageBatch::builder(one_day(ports.iter().copied())).queries(rows).combinations(combinations).build()
}

fn text(date: &str, one: u128, other: u128, by: u128, count: u64) -> String {
    format!("({date},{},{},{},{count})", port(one), port(other), consumer(by))
}

#[test]
fn combinations_are_written_by_two_more_statements() {
    let model = builder().combinations().build().unwrap();
    let statements = model.replace(&batch(&[1, 2], vec![row(1, 2, 3)])).unwrap().statements();
    let last: String = statements[6..].iter().map(|statement| format!("{};\n\n", statement.sql())).collect();
    insta::assert_snapshot!(last, @r#"
    INSERT /* output-port-usage: write changed queries */ INTO "usage"."output_port_query_stats_daily" AS t ("date", "output_port_id", "consumer_id", "query_count")
    SELECT u."date", u."output_port_id", u."consumer_id", u."query_count"
    FROM unnest($4::date[], $5::uuid[], $6::uuid[], $7::integer[]) AS u("date", "output_port_id", "consumer_id", "query_count")
    LEFT JOIN (
        SELECT "date", "output_port_id", "consumer_id", "query_count"
        FROM "usage"."output_port_query_stats_daily"
        WHERE "output_port_id" = ANY($1::uuid[]) AND "date" >= $2::date AND "date" < $3::date
    ) AS o USING ("output_port_id", "date", "consumer_id")
    WHERE o."query_count" IS DISTINCT FROM u."query_count"
    ON CONFLICT ("output_port_id", "date", "consumer_id") DO UPDATE SET "query_count" = excluded."query_count"
        WHERE t."query_count" IS DISTINCT FROM excluded."query_count"
    RETURNING 1;

    SELECT /* output-port-usage: find vanished combinations */ count(*) AS "vanished"
    FROM (
        SELECT "date", "output_port_id_1", "output_port_id_2", "consumer_id"
        FROM "usage"."output_port_combined_with_daily"
        WHERE ("output_port_id_1" = ANY($1::uuid[]) OR "output_port_id_2" = ANY($1::uuid[])) AND "date" >= $2::date AND "date" < $3::date
        EXCEPT
        SELECT u."date", u."output_port_id_1", u."output_port_id_2", u."consumer_id"
        FROM unnest($4::date[], $5::uuid[], $6::uuid[], $7::uuid[]) AS u("date", "output_port_id_1", "output_port_id_2", "consumer_id")
    ) AS gone
    HAVING count(*) > 0;

    DELETE /* output-port-usage: remove vanished combinations */ FROM "usage"."output_port_combined_with_daily" AS t
    USING (
        SELECT "date", "output_port_id_1", "output_port_id_2", "consumer_id"
        FROM "usage"."output_port_combined_with_daily"
        WHERE ("output_port_id_1" = ANY($1::uuid[]) OR "output_port_id_2" = ANY($1::uuid[])) AND "date" >= $2::date AND "date" < $3::date
        EXCEPT
        SELECT u."date", u."output_port_id_1", u."output_port_id_2", u."consumer_id"
        FROM unnest($4::date[], $5::uuid[], $6::uuid[], $7::uuid[]) AS u("date", "output_port_id_1", "output_port_id_2", "consumer_id")
    ) AS gone
    WHERE gone."output_port_id_1" = t."output_port_id_1" AND gone."date" = t."date" AND gone."output_port_id_2" = t."output_port_id_2" AND gone."consumer_id" = t."consumer_id"
    RETURNING 1;

    INSERT /* output-port-usage: write changed combinations */ INTO "usage"."output_port_combined_with_daily" AS t ("date", "output_port_id_1", "output_port_id_2", "consumer_id", "query_count")
    SELECT u."date", u."output_port_id_1", u."output_port_id_2", u."consumer_id", u."query_count"
    FROM unnest($4::date[], $5::uuid[], $6::uuid[], $7::uuid[], $8::integer[]) AS u("date", "output_port_id_1", "output_port_id_2", "consumer_id", "query_count")
    LEFT JOIN (
        SELECT "date", "output_port_id_1", "output_port_id_2", "consumer_id", "query_count"
        FROM "usage"."output_port_combined_with_daily"
        WHERE ("output_port_id_1" = ANY($1::uuid[]) OR "output_port_id_2" = ANY($1::uuid[])) AND "date" >= $2::date AND "date" < $3::date
    ) AS o USING ("output_port_id_1", "date", "output_port_id_2", "consumer_id")
    WHERE o."query_count" IS DISTINCT FROM u."query_count"
    ON CONFLICT ("output_port_id_1", "date", "output_port_id_2", "consumer_id") DO UPDATE SET "query_count" = excluded."query_count"
        WHERE t."query_count" IS DISTINCT FROM excluded."query_count"
    RETURNING 1;
    "#);
}

#[tokio::test]
async fn a_scope_states_every_pair_that_has_a_port_in_it() {
    let portal = Portal::with_combinations().await;
    // 1, 2 and 3 on the 1st, and on the day after, which no later scope states
    let before = [row(1, 2, 5), row(1, 3, 5), row(2, 3, 5)];
    let next_day = combination(day(2026, 1, 2), port(1), port(2), consumer(1), 7);
    let rows = (1..4).flat_map(|of| {
        [queries(first(), port(of), consumer(1), 10), queries(day(2026, 1, 2), port(of), consumer(1), 10)]
    });
    let everything = UsageBatch::builder(scope(first()..day(2026, 1, 3), (1..4).map(port)))
        .queries(rows.collect())
        .build();
    let stated = before.into_iter().chain([next_day]).collect();
    let outcome =
        portal.replace(&everything.into_builder().combinations(stated).build()).await.combinations.unwrap();
    assert_eq!((outcome.written, outcome.unchanged, outcome.removed), (4, 0, 0));

    // only port 2 is in scope: its pair with 1 is gone, its pair with 3 changed, 1 with 3 is not stated
    let of_2 = batch(&[2], vec![row(2, 3, 6)]);
    let outcome = portal.replace(&of_2).await.combinations.unwrap();
    assert_eq!((outcome.written, outcome.unchanged, outcome.removed), (1, 0, 1));
    let expected =
        [text("2026-01-01", 1, 3, 1, 5), text("2026-01-01", 2, 3, 1, 6), text("2026-01-02", 1, 2, 1, 7)];
    assert_eq!(portal.contents(COMBINATION_STATS).await, expected);

    let versions = portal.versions(COMBINATION_STATS).await;
    let outcome = portal.replace(&of_2).await.combinations.unwrap();
    assert_eq!((outcome.written, outcome.unchanged, outcome.removed), (0, 1, 0));
    assert_eq!(portal.versions(COMBINATION_STATS).await, versions);
}

#[tokio::test]
async fn combinations_that_were_not_measured_are_left_alone() {
    let portal = Portal::with_combinations().await;
    portal.replace(&batch(&[1, 2], vec![row(1, 2, 5)])).await;
    let outcome = portal.replace(&batch(&[1, 2], vec![]).without_combinations()).await;
    assert_eq!(outcome.combinations, None);
    assert_eq!(portal.contents(COMBINATION_STATS).await, [text("2026-01-01", 1, 2, 1, 5)]);
    let outcome = portal.replace(&batch(&[1, 2], vec![])).await;
    assert_eq!(outcome.combinations.unwrap().removed, 1);
}

#[test]
fn combinations_that_contradict_themselves_are_refused_before_anything_is_sent() {
    let model = builder().combinations().build().unwrap();
    let refusal = |rows| model.replace(&batch(&[1, 2], rows)).unwrap_err();
    let pair = |one, other| format!("2026-01-01, {}, {}, {}", port(one), port(other), consumer(1));

    let error = refusal(vec![row(1, 1, 1)]);
    assert!(error.is_batch());
    assert_eq!(
        error.to_string(),
        format!("a combination pairs an output port with itself: ({})", pair(1, 1))
    );
    let error = refusal(vec![row(2, 1, 1)]);
    assert!(error.is_batch());
    assert_eq!(
        error.to_string(),
        format!(
            "a combination has its output ports in the wrong order, the smaller id comes first: ({})",
            pair(2, 1)
        )
    );
    let error = refusal(vec![row(1, 2, 1), row(1, 2, 2)]);
    assert!(error.is_batch());
    assert_eq!(error.to_string(), format!("the combinations hold the key ({}) twice", pair(1, 2)));
    let error = refusal(vec![row(3, 4, 1)]);
    assert!(error.is_batch());
    let tomorrow = combination(day(2026, 1, 2), port(1), port(2), consumer(1), 1);
    assert!(refusal(vec![tomorrow]).is_batch());

    let error = refusal(vec![row(1, 2, 11)]);
    assert!(error.is_batch());
    assert!(
        error
            .to_string()
            .starts_with("the batch counts 11 queries that combine an output port but 10 queries of it"),
        "{error}"
    );
    // port 3 is outside: its queries are not stated, so they cannot contradict; port 1 is inside
    assert!(model.replace(&batch(&[1, 2], vec![row(1, 3, 10)])).is_ok());
    assert!(refusal(vec![row(1, 3, 11)]).is_batch());
    // port 2 is inside and stated as zero
    let silent = UsageBatch::builder(one_day([1, 2]))
        .queries(vec![queries(first(), port(1), consumer(1), 10)])
        .build();
    let error = model.replace(&silent.into_builder().combinations(vec![row(1, 2, 1)]).build()).unwrap_err();
    assert!(error.to_string().contains("1 queries that combine an output port but 0 queries"), "{error}");
}

#[test]
fn combinations_need_a_model_with_a_table_for_them() {
    let model = builder().build().unwrap();
    let error = model.replace(&batch(&[1, 2], vec![row(1, 2, 5)])).unwrap_err();
    assert!(error.is_configuration());
    assert_eq!(
        error.to_string(),
        "the batch holds combinations but the model has no table for them: build it with combinations(), \
         or leave them out with without_combinations()"
    );
    assert!(model.replace(&batch(&[1, 2], vec![row(1, 2, 5)]).without_combinations()).is_ok());
    let chart = MostOftenCombinedWith::new(port(1), first()..day(2026, 1, 2));
    let error = model.query(&chart).unwrap_err();
    assert!(error.is_configuration());
    assert_eq!(error.to_string(), "the model has no table for combinations: build it with combinations()");
}

#[tokio::test]
async fn a_pairs_unknown_ports_are_named_wherever_they_stand() {
    let portal = Portal::with_combinations().await;
    // port 77 is known nowhere; as a partner it is in no scope
    let unknown = batch(&[1], vec![row(1, 77, 2)]);
    let error = portal.try_ingest(portal.model.replace(&unknown).unwrap()).await.unwrap_err();
    let unknown = error.rejected().unwrap().unknown_ids().unwrap().clone();
    assert_eq!(unknown.output_ports().collect::<Vec<_>>(), [port(77)]);
    assert!(portal.contents(COMBINATION_STATS).await.is_empty());
}

#[test]
fn most_often_combined_with_reads_each_way_from_an_index_of_its_own() {
    let model = builder().combinations().build().unwrap();
    let chart = MostOftenCombinedWith::new(port(1), first()..day(2026, 2, 1));
    insta::assert_snapshot!(model.query(&chart).unwrap().pretty(), @r#"
    WITH
    /* output-port-usage: most often combined with */
    "larger" AS MATERIALIZED (
        SELECT "output_port_id_2" AS "output_port_id", SUM("query_count") AS "query_count"
        FROM "usage"."output_port_combined_with_daily" AS "fact"
        WHERE "output_port_id_1" = $1 AND "date" >= $2 AND "date" < $3
        GROUP BY "output_port_id_2"
        HAVING SUM("query_count") > (0)
    ),
    "smaller" AS MATERIALIZED (
        SELECT "output_port_id_1" AS "output_port_id", SUM("query_count") AS "query_count"
        FROM "usage"."output_port_combined_with_daily" AS "fact"
        WHERE "output_port_id_2" = $4 AND "date" >= $5 AND "date" < $6
        GROUP BY "output_port_id_1"
        HAVING SUM("query_count") > (0)
    ),
    "member" AS (
        SELECT "output_port_id", "query_count"
        FROM "larger"
        UNION ALL (SELECT "output_port_id", "query_count" FROM "smaller")
    ),
    "ranked" AS (
        SELECT
            "output_port_id",
            "query_count",
            row_number() OVER (ORDER BY "query_count" DESC, "output_port_id" ASC) AS "rank"
        FROM "member"
        ORDER BY "rank" ASC
        LIMIT $7
    ),
    "total" AS MATERIALIZED (
        SELECT SUM("query_count") AS "query_count"
        FROM "usage"."output_port_query_stats_daily" AS "fact"
        WHERE "output_port_id" = $8 AND "date" >= $9 AND "date" < $10
    )
    SELECT
        CAST("ranked"."output_port_id" AS uuid) AS "output_port_id",
        CAST("ranked"."query_count" AS bigint) AS "query_count",
        LEAST(
            COALESCE(
                CAST(
                    (
                        CAST("ranked"."query_count" AS double precision) / CAST((SELECT nullif("query_count", 0) FROM "total") AS double precision)
                    ) AS double precision
                ),
                0
            ),
            1
        ) AS "share",
        CAST("ranked"."rank" AS bigint) AS "rank",
        CAST("labelled"."name" AS text) AS "label"
    FROM "ranked"
    LEFT JOIN "portal"."datasets" AS "labelled" ON "labelled"."id" = "ranked"."output_port_id"
    ORDER BY "ranked"."rank" ASC NULLS LAST
    "#);
    let other = MostOftenCombinedWith::new(port(2), day(1999, 1, 1)..first()).top(1);
    assert_eq!(model.query(&chart).unwrap().sql(), model.query(&other).unwrap().sql());
    assert!(model.query(&chart.clone().top(0)).is_err());
    let empty = MostOftenCombinedWith::new(port(1), first()..first());
    assert!(model.query(&empty).unwrap_err().is_request());
}

#[tokio::test]
async fn most_often_combined_with_finds_a_port_on_either_side_of_its_pairs() {
    let portal = Portal::with_combinations().await;
    let (second, before) = (day(2026, 1, 2), day(2025, 12, 31));
    let stated = scope(before..day(2026, 1, 3), (1..6).map(port));
    let rows = (1..6).flat_map(|of| {
        [before, first(), second]
            .into_iter()
            .flat_map(move |date| [1, 2].map(|by| queries(date, port(of), consumer(by), 5)))
    });
    let pairs = vec![
        combination(first(), port(1), port(3), consumer(1), 2),
        combination(second, port(1), port(3), consumer(2), 1), // 1 with 3: 3 in all
        combination(first(), port(3), port(4), consumer(1), 3), // as the smaller
        combination(second, port(3), port(5), consumer(1), 4),
        combination(first(), port(2), port(3), consumer(1), 1),
        combination(first(), port(1), port(2), consumer(1), 5), // not of port 3
        combination(before, port(2), port(3), consumer(1), 5),  // not on the days
    ];
    portal.replace(&UsageBatch::builder(stated).queries(rows.collect()).combinations(pairs).build()).await;
    // port 3 has 5 queries of 2 consumers on 2 days: shares are of 20
    let chart = MostOftenCombinedWith::new(port(3), first()..day(2026, 1, 3));
    let rows = portal.rows(&chart).await;
    let read: Vec<_> = rows.iter().map(|r| (r.output_port_id, r.query_count, r.share, r.rank)).collect();
    let expected =
        [(port(5), 4, 0.2, 1), (port(1), 3, 0.15, 2), (port(4), 3, 0.15, 3), (port(2), 1, 0.05, 4)];
    assert_eq!(read, expected);
    insta::assert_json_snapshot!(portal.rows(&chart.top(1)).await, @r#"
    [
      {
        "output_port_id": "00000000-0000-0000-0000-0000a0000005",
        "label": "port 5",
        "query_count": 4,
        "share": 0.2,
        "rank": 1
      }
    ]
    "#);
    let alone = MostOftenCombinedWith::new(port(9), first()..day(2026, 1, 3));
    assert!(portal.rows(&alone).await.is_empty());
}

#[tokio::test]
async fn more_pairs_than_queries_have_a_share_of_one() {
    let portal = Portal::with_combinations().await;
    let of_1 = UsageBatch::builder(scope(first()..day(2026, 1, 2), [port(1)])).queries(vec![queries(
        first(),
        port(1),
        consumer(1),
        2,
    )]);
    portal.replace(&of_1.combinations(vec![row(1, 2, 2)]).build()).await;
    // a pair that another writer left behind, as half a commit across nodes would look
    let more = "UPDATE usage.output_port_combined_with_daily SET query_count = 5";
    sqlx::raw_sql(more).execute(&portal.pool).await.unwrap();
    let rows = portal.rows(&MostOftenCombinedWith::new(port(1), first()..day(2026, 1, 2))).await;
    assert_eq!((rows[0].query_count, rows[0].share), (5, 1.0));
}

#[tokio::test]
async fn a_port_without_queries_of_its_own_has_shares_of_zero() {
    let portal = Portal::with_combinations().await;
    // only port 1 was measured; port 2's queries are unknown
    portal.replace(&batch(&[1], vec![row(1, 2, 4)])).await;
    let rows = portal.rows(&MostOftenCombinedWith::new(port(2), first()..day(2026, 1, 2))).await;
    assert_eq!((rows[0].output_port_id, rows[0].query_count, rows[0].share), (port(1), 4, 0.0));
}

#[tokio::test]
async fn combinations_go_with_either_of_their_output_ports() {
    let portal = Portal::with_combinations().await;
    portal.replace(&batch(&[1, 2, 3], vec![row(1, 2, 5), row(1, 3, 5), row(2, 3, 5)])).await;
    sqlx::query("DELETE FROM portal.datasets WHERE id = $1")
        .bind(port(2))
        .execute(&portal.pool)
        .await
        .unwrap();
    assert_eq!(portal.contents(COMBINATION_STATS).await, [text("2026-01-01", 1, 3, 1, 5)]);
}
