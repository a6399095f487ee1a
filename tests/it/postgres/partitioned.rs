//! Tables that a host has partitioned on its own: the same numbers, and only the asked year is read.

use output_port_usage::chart::*;
use output_port_usage::*;
use sqlx::AssertSqlSafe;

use crate::portal::{Portal, QUERY_STATS, asset, builder, consumer, day, port, queries, scope, touches};
use crate::postgres::ways_to_read::{fill, plan, scans};
use crate::rows::Listed;

/// For table 1 and 2 of the tests' portal, with names of Postgres's own for keys and indexes.
pub(super) const BY_YEAR: &str = r#"
    ALTER TABLE "usage"."output_port_query_stats_daily" RENAME TO "queries_whole";
    CREATE TABLE "usage"."output_port_query_stats_daily" (LIKE "usage"."queries_whole" INCLUDING ALL)
        PARTITION BY RANGE ("date");
    ALTER TABLE "usage"."output_port_query_stats_daily"
        ADD FOREIGN KEY ("output_port_id") REFERENCES "portal"."datasets" ON DELETE CASCADE,
        ADD FOREIGN KEY ("consumer_id") REFERENCES "portal"."data_products" ON DELETE RESTRICT;
    CREATE TABLE "usage"."queries_2025" PARTITION OF "usage"."output_port_query_stats_daily"
        FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') WITH (autovacuum_vacuum_insert_threshold = 5000);
    CREATE TABLE "usage"."queries_2026" PARTITION OF "usage"."output_port_query_stats_daily"
        FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') WITH (autovacuum_vacuum_insert_threshold = 5000);
    INSERT INTO "usage"."output_port_query_stats_daily" SELECT * FROM "usage"."queries_whole";
    DROP TABLE "usage"."queries_whole";

    ALTER TABLE "usage"."tech_asset_stats_daily" RENAME TO "touches_whole";
    CREATE TABLE "usage"."tech_asset_stats_daily" (LIKE "usage"."touches_whole" INCLUDING ALL)
        PARTITION BY RANGE ("date");
    CREATE TABLE "usage"."touches_2025" PARTITION OF "usage"."tech_asset_stats_daily"
        FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    CREATE TABLE "usage"."touches_2026" PARTITION OF "usage"."tech_asset_stats_daily"
        FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    INSERT INTO "usage"."tech_asset_stats_daily" SELECT * FROM "usage"."touches_whole";
    DROP TABLE "usage"."touches_whole";
"#;

#[tokio::test]
async fn tables_by_year_take_the_same_writes_and_give_the_same_charts() {
    let ways = builder().read_by_consumer().read_by_tech_asset().build().unwrap();
    let portals = [Portal::with(ways.clone()).await, Portal::with(ways).await];
    let [_, by_year] = &portals;
    by_year.replace(&winter(1)).await;
    sqlx::raw_sql(BY_YEAR).execute(&by_year.pool).await.unwrap();

    let [mut whole, mut parted] = [Vec::new(), Vec::new()];
    for (portal, seen) in portals.iter().zip([&mut whole, &mut parted]) {
        for batch in [winter(2), winter(3), winter(3)] {
            seen.push(format!("{:?}", portal.replace(&batch).await.queries));
        }
        portal.try_ingest(portal.model.upsert(&winter(5)).unwrap()).await.unwrap();
        portal.remove(portal.model.delete(port(1), consumer(2), day(2026, 1, 4)).unwrap()).await;
        portal.remove(portal.model.purge(&Purge::before(day(2025, 12, 15))).unwrap()).await;
        portal.vacuum().await;
        seen.extend(portal.contents(QUERY_STATS).await);
        charts(portal, seen).await;
    }
    // The first replace differs by right: one portal held rows before.
    assert_ne!(whole[0], parted[0]);
    assert_eq!(whole[1..], parted[1..]);
}

/// Sixty days around New Year, with counts that depend on `seed`.
pub(super) fn winter(seed: u128) -> UsageBatch {
    let days = day(2025, 12, 1)..day(2026, 1, 30);
    let (mut of_ports, mut of_assets) = (Vec::new(), Vec::new());
    for (number, date) in days.start.iter_days().take_while(|date| *date < days.end).enumerate() {
        for n in (0..4).filter(|n| !(number as u128 + n).is_multiple_of(seed + 1)) {
            let count = 1 + (number as u64 * 7 + (n * seed) as u64) % 5;
            let (port, consumer) = (port(n % 2), consumer(n));
            of_ports.push(queries(date, port, consumer, count));
            of_assets.push(touches(date, port, asset(n), consumer, count));
        }
    }
    UsageBatch::builder(scope(days, [port(0), port(1)])).queries(of_ports).touches(of_assets).build()
}

/// Every chart's rows over New Year.
pub(super) async fn charts(portal: &Portal, seen: &mut Vec<String>) {
    let days = day(2025, 12, 20)..day(2026, 1, 20);
    let over_time = || QueriesOverTime::new(port(1), days.clone());
    rows(portal, seen, &over_time()).await;
    rows(portal, seen, &over_time().granularity(Granularity::Week)).await;
    rows(portal, seen, &over_time().compared_with(Comparison::PreviousPeriod)).await;
    rows(portal, seen, &over_time().granularity(Granularity::Month).split_by_consumer(1)).await;
    rows(portal, seen, &QueriesOverTime::of_ports([port(0), port(1)], days.clone())).await;
    rows(portal, seen, &QueryDistribution::new(port(1), days.clone())).await;
    rows(portal, seen, &QueryDistribution::new(port(1), days.clone()).by_group()).await;
    rows(
        portal,
        seen,
        &MostPopularAssets::new(port(1), days.clone()).compared_with(Comparison::PreviousPeriod),
    )
    .await;
    rows(portal, seen, &Summary::new(port(1), days.clone())).await;
    rows(portal, seen, &Overview::new(port(1), days.clone())).await;
}

async fn rows<C: Chart>(portal: &Portal, seen: &mut Vec<String>, chart: &C)
where
    C::Row: Listed,
{
    let rows = portal.rows(chart).await;
    assert!(!rows.is_empty());
    seen.push(format!("{rows:?}"));
}

#[tokio::test]
async fn a_chart_of_one_year_reads_no_other_year() {
    let portal = Portal::with(builder().build().unwrap()).await;
    portal.replace(&winter(1)).await;
    sqlx::raw_sql(BY_YEAR).execute(&portal.pool).await.unwrap();
    portal.vacuum().await;
    let days = day(2026, 1, 1)..day(2026, 1, 29);
    let assets = MostPopularAssets::new(port(1), days.clone());
    let over_time = QueriesOverTime::new(port(1), days.clone()).granularity(Granularity::Week);
    for (text, others) in [
        (portal.model.query(&assets).unwrap().to_string(), "touches_2025"),
        (portal.model.query(&over_time).unwrap().to_string(), "queries_2025"),
    ] {
        let plan = portal.texts(&format!("EXPLAIN {text}")).await.join("\n");
        assert!(plan.contains(&others.replace("2025", "2026")), "{plan}");
        assert!(!plan.contains(others), "{plan}");
    }
}

/// Postgres does not build an index of a partitioned table without blocking writes, but takes those of its partitions.
#[tokio::test]
async fn a_way_to_read_may_be_built_year_by_year_and_is_then_one() {
    let portal = Portal::with_combinations().await;
    fill(&portal).await;
    sqlx::raw_sql(BY_YEAR).execute(&portal.pool).await.unwrap();
    portal.vacuum().await;
    let upgraded = builder().read_by_consumer().read_by_tech_asset().build().unwrap();
    let statements = [&upgraded.migrations()[1], &upgraded.migrations()[2]].map(|of| of.up().to_owned());
    for statement in upgraded.create_ways_to_read_concurrently() {
        let refused = statement.clone().into_sqlx().execute(&portal.pool).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "0A000");
        let (_, of_table) = statement.sql().split_once(" ON \"usage\".").unwrap();
        let (table, columns) = of_table.split_once(' ').unwrap();
        let kind = if table.contains(QUERY_STATS) { "queries" } else { "touches" };
        for year in [2025, 2026] {
            let create = format!("CREATE INDEX CONCURRENTLY ON usage.{kind}_{year} {columns}");
            sqlx::raw_sql(AssertSqlSafe(create)).execute(&portal.pool).await.unwrap();
        }
    }
    let of_years = "SELECT relname || ' ' || pg_relation_filenode(oid) FROM pg_class
        WHERE relnamespace = 'usage'::regnamespace AND relkind = 'i' ORDER BY 1";
    let built = portal.texts(of_years).await;
    for script in statements {
        sqlx::raw_sql(AssertSqlSafe(script)).execute(&portal.pool).await.unwrap();
    }
    assert_eq!(portal.texts(of_years).await, built);
    let valid = "SELECT i.indexrelid::regclass || ' ' || count(*) FROM pg_index AS i
        JOIN pg_inherits ON inhparent = i.indexrelid
        WHERE i.indexrelid::regclass::text ~ '_by_' AND i.indisvalid GROUP BY i.indexrelid ORDER BY 1";
    assert_eq!(
        portal.texts(valid).await,
        [
            "usage.output_port_query_stats_daily_by_consumer_idx 2",
            "usage.tech_asset_stats_daily_by_consumer_idx 2",
            "usage.tech_asset_stats_daily_by_tech_asset_idx 2"
        ]
    );
    let of_consumer =
        "SELECT sum(query_count) FROM usage.output_port_query_stats_daily WHERE consumer_id = $1
        AND date >= $2 AND date < $3";
    let plan = plan(&portal, of_consumer, consumer(1).0).await;
    assert!(plan.contains("Subplans Removed: 1"), "{plan}");
    assert!(
        plan.contains("Index Only Scan using queries_2026_consumer_id_date_output_port_id_query_count_idx"),
        "{plan}"
    );

    let mut transaction = portal.pool.begin().await.unwrap();
    let index = "queries_2025_consumer_id_date_output_port_id_query_count_idx";
    let before = scans(&mut transaction, index).await;
    let delete = "DELETE FROM portal.data_products WHERE id = $1";
    sqlx::query(delete).bind(consumer(19)).execute(&mut *transaction).await.unwrap();
    assert_eq!(scans(&mut transaction, index).await, before + 1);
}
