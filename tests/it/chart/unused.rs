//! "Unused" on a hand-worked table, and what it refuses.

use std::ops::Range;

use chrono::NaiveDate;
use output_port_usage::chart::*;
use output_port_usage::*;

use crate::chart::worked::sql;
use crate::portal::{Portal, asset, builder, consumer, day, port, queries, scope, touches};

/// The last ten days of January.
fn days() -> Range<NaiveDate> {
    day(2026, 1, 22)..day(2026, 2, 1)
}

/// Ports 0 to 4 of 20 are used: before the days twice, on their first, after their last; port 3 and consumer 2 since then
/// in rows of zero alone.
async fn fill(portal: &Portal) {
    let mut facts = (Vec::new(), Vec::new());
    for (of, by, date) in [
        (0, 0, day(2026, 1, 2)),
        (0, 1, day(2026, 1, 21)),
        (1, 0, day(2026, 1, 22)),
        (2, 0, day(2026, 2, 3)),
        (3, 2, day(2026, 1, 2)),
        (4, 3, day(2026, 1, 30)),
    ] {
        facts.0.push(queries(date, port(of), consumer(by), 2));
        // assets 0 and 1 in two output ports
        facts.1.push(touches(date, port(of), asset(of % 3), consumer(by), 2));
    }
    let everything = scope(day(2026, 1, 1)..day(2026, 2, 5), (0..20).map(port));
    portal.replace(&UsageBatch::builder(everything).queries(facts.0).touches(facts.1).build()).await;
    let zero =
        "INSERT INTO usage.output_port_query_stats_daily (date, output_port_id, consumer_id, query_count)
        VALUES ('2026-01-25', $1, $2, 0), ('2026-02-02', $1, $2, 0)";
    sqlx::query(zero).bind(port(3)).bind(consumer(2)).execute(&portal.pool).await.unwrap();
}

fn number(member: &Member) -> u128 {
    match member {
        Member::OutputPort { id, .. } => id.0.as_u128() - 0xa000_0000,
        Member::TechAsset { id, .. } => id.0.as_u128() - 0xe000_0000,
        Member::Consumer { id, .. } => id.0.as_u128() - 0xc000_0000,
        other => panic!("{other:?}"),
    }
}

/// The ids that were used once, and how many never were.
async fn read(portal: &Portal, chart: &Unused) -> (Vec<(u128, NaiveDate)>, usize) {
    let rows = portal.rows(chart).await;
    let never = rows.iter().take_while(|row| row.last_used.is_none()).count();
    let numbers: Vec<u128> = rows[..never].iter().map(|row| number(&row.member)).collect();
    assert!(numbers.is_sorted());
    (rows[never..].iter().map(|row| (number(&row.member), row.last_used.unwrap())).collect(), never)
}

#[tokio::test]
async fn what_was_never_used_comes_before_what_was_used_long_ago() {
    for model in [builder(), builder().read_by_consumer().read_by_tech_asset()] {
        let portal = Portal::with(model.build().unwrap()).await;
        fill(&portal).await;
        never_before_long_ago(&portal).await;
    }
}

async fn never_before_long_ago(portal: &Portal) {
    let (second, before) = (day(2026, 1, 2), day(2026, 1, 21));
    let ports = Unused::output_ports(days());
    assert_eq!(read(portal, &ports).await, (vec![(3, second), (0, before)], 15));
    // asset 0 through port 0 and 3, asset 1 through port 1 and 4, asset 2 after the days
    let assets = Unused::tech_assets(days());
    assert_eq!(read(portal, &assets).await, (vec![(0, before)], 17));
    let consumers = Unused::consumers(days());
    assert_eq!(read(portal, &consumers).await, (vec![(2, second), (1, before)], 16));

    let first = portal.rows(&ports.clone().top(1)).await;
    assert_eq!(first, portal.rows(&ports).await[..1]);
    let label = Some("port 5".to_owned());
    assert_eq!(first[0].member, Member::OutputPort { id: port(5), label });
    let label = Some("asset 3".to_owned());
    assert_eq!(portal.rows(&assets.top(1)).await[0].member, Member::TechAsset { id: asset(3), label });
    // a day more, and the last use of port 0 and asset 0 is on the days
    let longer = day(2026, 1, 21)..day(2026, 2, 1);
    assert_eq!(read(portal, &Unused::output_ports(longer.clone())).await, (vec![(3, second)], 15));
    assert_eq!(read(portal, &Unused::tech_assets(longer)).await, (vec![], 17));
}

#[tokio::test]
async fn an_id_that_a_parent_holds_twice_has_one_row() {
    let twice = Reference::to("twice").schema("portal").label("name").on_delete(OnDelete::Keep);
    for twice in [twice, Reference::to("twice").schema("portal").on_delete(OnDelete::Keep)] {
        let portal = Portal::without_tables(builder().output_ports(twice.clone()).build().unwrap()).await;
        let parent = "CREATE TABLE portal.twice (id uuid, name text);
            INSERT INTO portal.twice SELECT id, name FROM portal.datasets
            UNION ALL SELECT id, 'a ' || name FROM portal.datasets UNION ALL SELECT NULL, 'nobody'";
        sqlx::raw_sql(parent).execute(&portal.pool).await.unwrap();
        portal.create_tables().await;
        fill(&portal).await;
        // what is gone from the parent table is no more unused than it is there
        sqlx::query("DELETE FROM portal.twice WHERE id = $1")
            .bind(port(7))
            .execute(&portal.pool)
            .await
            .unwrap();
        let (used, never) = read(&portal, &Unused::output_ports(days())).await;
        assert_eq!((used, never), (vec![(3, day(2026, 1, 2)), (0, day(2026, 1, 21))], 14));
        let label = portal.model.query(&Unused::output_ports(days())).unwrap().sql().contains("\"name\"");
        let first = &portal.rows(&Unused::output_ports(days())).await[0];
        let expected = label.then(|| "a port 5".to_owned());
        assert_eq!(first.member, Member::OutputPort { id: port(5), label: expected });
    }
}

/// Takes days out of the coverage of a port.
async fn forget(portal: &Portal, of: OutputPortId, days: Range<NaiveDate>) {
    let forget =
        "UPDATE usage.output_port_usage_coverage SET measured = measured - $2::daterange::datemultirange,
        settled = settled - $2::daterange::datemultirange WHERE output_port_id = $1";
    let range = sqlx::postgres::types::PgRange::from(days);
    sqlx::query(forget).bind(of).bind(range).execute(&portal.pool).await.unwrap();
}

#[tokio::test]
async fn what_was_not_measured_is_not_called_unused() {
    let portal = Portal::with(builder().coverage().build().unwrap()).await;
    fill(&portal).await;
    let counts = async || {
        let mut counts = Vec::new();
        for chart in [Unused::output_ports(days()), Unused::tech_assets(days()), Unused::consumers(days())] {
            counts.push(portal.rows(&chart).await.len());
        }
        counts
    };
    assert_eq!(counts().await, [17, 18, 18]);
    // before the days, and after them: both are of no interest
    forget(&portal, port(9), day(2026, 1, 1)..day(2026, 1, 22)).await;
    forget(&portal, port(9), day(2026, 2, 1)..day(2026, 2, 5)).await;
    assert_eq!(counts().await, [17, 18, 18]);
    // a port that came later holds up itself alone
    forget(&portal, port(9), day(2026, 1, 22)..day(2026, 1, 24)).await;
    assert_eq!(counts().await, [16, 18, 18]);
    // so does one that was never measured
    forget(&portal, port(10), day(2026, 1, 1)..day(2026, 3, 1)).await;
    assert_eq!(counts().await, [15, 18, 18]);
    // through any other that was not measured, any asset may have been read, by any consumer
    forget(&portal, port(1), day(2026, 1, 27)..day(2026, 1, 28)).await;
    assert_eq!(counts().await, [15, 0, 0]);
    sqlx::query("DELETE FROM usage.output_port_usage_coverage").execute(&portal.pool).await.unwrap();
    assert_eq!(counts().await, [0, 0, 0]);
}

#[test]
fn without_a_key_all_queries_are_read_for_the_consumers() {
    insta::assert_snapshot!(sql(&Unused::consumers(days())), @r#"
    SELECT
        /* output-port-usage: unused consumers; it wants a key of read_by_consumer(), and without it reads all consumers */
        CAST(('consumer') AS text) AS "kind",
        CAST("one"."consumer_id" AS uuid) AS "id",
        CAST("one"."label" AS text) AS "label",
        CAST((NULL) AS bigint) AS "members",
        CAST("used"."last_used" AS date) AS "last_used"
    FROM (
        SELECT "parent"."id" AS "consumer_id", CAST("parent"."name" AS text) AS "label"
        FROM "portal"."data_products" AS "parent"
        WHERE "parent"."id" IS NOT NULL
    ) AS "one"
    LEFT JOIN (
        SELECT MAX("fact"."date") AS "last_used", "fact"."consumer_id" AS "consumer_id"
        FROM "usage"."output_port_query_stats_daily" AS "fact"
        WHERE "fact"."query_count" > (0)
        GROUP BY "fact"."consumer_id"
    ) AS "used" ON "used"."consumer_id" = "one"."consumer_id"
    WHERE "used"."last_used" IS NULL OR "used"."last_used" < $1
    ORDER BY "used"."last_used" ASC NULLS FIRST, "one"."consumer_id" ASC
    "#);
}

#[test]
fn requests_that_ask_for_nothing_are_refused() {
    let model = builder().build().unwrap();
    for chart in [Unused::output_ports(days()).top(0), Unused::consumers(day(2026, 1, 1)..day(2026, 1, 1))] {
        assert!(model.query(&chart).unwrap_err().is_request());
    }
    assert!(
        model
            .query(&Unused::tech_assets(days()).top(0))
            .unwrap_err()
            .to_string()
            .starts_with("the number of rows")
    );
}
