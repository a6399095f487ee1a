//! Both drivers side by side: every query and every write, on two databases that hold the same.

mod broken_columns;
pub(crate) mod twins;

use output_port_usage::chart::*;
use output_port_usage::*;
use tokio_postgres::NoTls;

use self::twins::{Refusal, Twins, batch, connect};
use crate::portal::{Portal, asset, builder, consumer, day, group, port, queries, scope, touches};

#[tokio::test]
async fn every_chart_has_equal_rows_by_both_drivers() {
    let twins = Twins::filled().await;
    let days = || day(2026, 1, 3)..day(2026, 2, 8);
    let (weekly, monthly) = (Granularity::Week, Granularity::Month);
    twins.agree(&QueriesOverTime::new(port(1), days())).await;
    twins.agree(&QueriesOverTime::new(port(1), days()).granularity(weekly)).await;
    twins.agree(&QueriesOverTime::new(port(1), days()).granularity(monthly)).await;
    twins.agree(&QueriesOverTime::new(port(9), days())).await;
    twins.agree(&QueryDistribution::new(port(2), days())).await;
    twins.agree(&QueryDistribution::new(port(2), days()).top(3)).await;
    twins.agree(&QueryDistribution::new(port(2), days()).by_group()).await;
    twins.agree(&QueryDistribution::new(port(2), days()).top(1).by_group()).await;
    twins.agree(&MostPopularAssets::new(port(3), days())).await;
    twins.agree(&MostPopularAssets::new(port(3), days()).top(2)).await;
    twins.agree(&MostOftenCombinedWith::new(port(1), days())).await;
    twins.agree(&MostOftenCombinedWith::new(port(2), days()).top(1)).await;
}

#[tokio::test]
async fn every_chart_of_a_subject_has_equal_rows_by_both_drivers() {
    let twins = Twins::filled().await;
    let days = || day(2026, 1, 3)..day(2026, 2, 8);
    let of_port = Subject::TechAssetOfPort { id: asset(1), output_port_id: port(1) };
    let previous = Comparison::PreviousPeriod;
    for subject in [Subject::from(port(1)), asset(1).into(), of_port, Subject::Portal] {
        for granularity in [Granularity::Day, Granularity::Week] {
            let over_time = || QueriesOverTime::new(subject, days()).granularity(granularity);
            twins.agree(&over_time()).await;
            twins.agree(&over_time().of_consumer(consumer(1)).compared_with(previous)).await;
            twins.agree(&over_time().of_group(group(1)).split_by_consumer(2)).await;
            twins.agree(&over_time().of_no_group()).await;
            twins.agree(&over_time().split_by_group(1).compared_with(previous)).await;
            twins.agree(&over_time().split_by_consumer(1).compared_with(previous)).await;
        }
        let distribution = || QueryDistribution::new(subject, days()).top(2).with_last_used();
        twins.agree(&distribution().of_group(group(1))).await;
        twins.agree(&distribution().by_group().compared_with(previous).include_gone()).await;
        twins.agree(&Summary::new(subject, days()).of_group(group(1)).compared_with(previous)).await;
    }
    let portal = QueriesOverTime::new(Subject::Portal, days());
    twins.agree(&portal.clone().split_by_port(2)).await;
    twins.agree(&portal.of_consumer(consumer(1)).split_by_port(2).compared_with(previous)).await;
    twins.agree(&MostPopularAssets::of_portal(days()).compared_with(previous).include_gone()).await;
    twins.agree(&MostPopularAssets::of_portal(days()).of_consumer(consumer(1))).await;
    twins.agree(&MostOftenCombinedWith::new(port(1), days()).of_group(group(1))).await;
    twins.agree(&MostOftenCombinedWith::new(port(1), days()).compared_with(previous).include_gone()).await;
    twins.agree(&MostUsedPorts::new(days()).of_consumer(consumer(1)).compared_with(previous)).await;
    twins.agree(&Overview::new(port(1), days()).of_consumer(consumer(1)).compared_with(previous)).await;
    let many = QueriesOverTime::of_ports([port(1), port(9)], days());
    twins.agree(&many.compared_with(Comparison::from(day(2025, 12, 1)..day(2026, 1, 20)))).await;
}

#[tokio::test]
async fn every_derived_chart_has_equal_rows_by_both_drivers() {
    let twins = Twins::filled().await;
    let days = || day(2026, 1, 3)..day(2026, 2, 8);
    let over_time = |granularity| QueriesOverTime::new(port(1), days()).granularity(granularity);
    for granularity in [Granularity::Day, Granularity::Week, Granularity::Month] {
        twins.agree(&over_time(granularity).split_by_consumer(2)).await;
        twins.agree(&over_time(granularity).compared_with(Comparison::YearBeforeByWeekday)).await;
        twins.agree(&Overview::new(port(1), days()).granularity(granularity).top(2)).await;
        let ports = [port(2), port(1), port(9), port(1)];
        twins.agree(&QueriesOverTime::of_ports(ports, days()).granularity(granularity)).await;
    }
    for comparison in [Comparison::PreviousPeriod, Comparison::YearBefore] {
        twins.agree(&QueryDistribution::new(port(2), days()).top(2).compared_with(comparison)).await;
        twins.agree(&QueryDistribution::new(port(2), days()).by_group().compared_with(comparison)).await;
        twins.agree(&MostPopularAssets::new(port(3), days()).compared_with(comparison)).await;
        twins.agree(&Summary::new(port(1), days()).compared_with(comparison)).await;
    }
    twins.agree(&Summary::new(port(9), days())).await;
}

#[tokio::test]
async fn every_chart_of_the_portal_has_equal_rows_by_both_drivers() {
    let twins = Twins::filled().await;
    let days = || day(2026, 1, 23)..day(2026, 2, 8);
    let ports = MostUsedPorts::new(days());
    twins.agree(&ports).await;
    twins.agree(&ports.clone().all()).await;
    twins.agree(&ports.clone().of_ports([port(3), port(1), port(9)]).top(1)).await;
    for comparison in [Comparison::PreviousPeriod, Comparison::YearBefore] {
        twins.agree(&ports.clone().compared_with(comparison)).await;
        twins.agree(&ports.clone().all().compared_with(comparison).include_gone()).await;
        twins.agree(&ports.clone().compared_with(comparison).order(PortOrder::Risers)).await;
    }
    let later = MostUsedPorts::new(day(2026, 2, 8)..day(2026, 2, 20));
    let fallers = later.compared_with(Comparison::PreviousPeriod).order(PortOrder::Fallers);
    assert_eq!(twins.agree(&fallers).await.len(), 4);
    // of the days that the twins measured
    let february = || day(2026, 2, 1)..day(2026, 2, 10);
    assert!(twins.sqlx.rows(&Unused::output_ports(february())).await.is_empty());
    assert_eq!(twins.agree(&Unused::consumers(february())).await.len(), 7);
    assert_eq!(twins.agree(&Unused::tech_assets(february()).top(3)).await.len(), 3);
    let plain = Twins::with(builder().build().unwrap()).await;
    assert_eq!(plain.agree(&Unused::output_ports(days())).await.len(), 20);
}

#[tokio::test]
async fn every_write_has_equal_outcomes_by_both_drivers() {
    let mut twins = Twins::new().await;
    let written = twins.replace("", &batch(1)).await.unwrap();
    assert_eq!(written.queries.written, batch(1).queries().len() as u64);
    let again = twins.replace("", &batch(1)).await.unwrap();
    assert_eq!(again.queries.unchanged, written.queries.written);
    let other = twins.replace("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", &batch(2)).await.unwrap();
    assert!(other.queries.written > 0 && other.queries.removed > 0);
    assert!(other.combinations.unwrap().removed > 0);

    let one_day = || scope(day(2026, 1, 1)..day(2026, 1, 2), [port(1)]);
    let only_queries = UsageBatch::builder(one_day())
        .queries(vec![queries(day(2026, 1, 1), port(1), consumer(1), 70)])
        .build();
    let outcome = twins.replace("", &only_queries).await.unwrap();
    assert_eq!((outcome.queries.written, outcome.touches), (1, None));
    let empty = UsageBatch::builder(one_day()).touches(Vec::new()).combinations(Vec::new()).build();
    let allowed = twins.model().replace(&empty).unwrap().allow_empty();
    assert_eq!(twins.run("", allowed).await.unwrap().queries.removed, 1);
}

#[tokio::test]
async fn upserts_removals_and_reconciling_are_equal_by_both_drivers() {
    let mut twins = Twins::filled().await;
    let first = day(2026, 1, 1);
    let partly_unknown = UsageBatch::builder(scope(first..day(2026, 1, 2), [port(1), port(70)]))
        .queries(vec![queries(first, port(1), consumer(1), 90), queries(first, port(70), consumer(80), 1)])
        .build();
    let upsert = twins.model().upsert(&partly_unknown).unwrap();
    assert!(twins.run("", upsert.clone()).await.is_err());
    let outcome = twins.run("", upsert.skip_unknown()).await.unwrap();
    assert_eq!((outcome.queries.written, outcome.queries.skipped), (1, 1));
    assert_eq!(outcome.unknown.consumers().collect::<Vec<_>>(), [consumer(80)]);

    let delete = twins.model().delete(port(1), consumer(1), first).unwrap();
    assert_eq!(twins.remove(delete).await.queries.removed, 1);
    let purge = twins.model().purge(&Purge::before(day(2026, 1, 20))).unwrap();
    assert!(twins.remove(purge).await.combinations.unwrap().removed > 0);

    let contradicting =
        UsageBatch::builder(scope(day(2026, 2, 1)..day(2026, 2, 2), [port(1), port(2), port(3)]))
            .queries(vec![queries(day(2026, 2, 1), port(2), consumer(1), 1)])
            .build();
    let upsert = twins.model().upsert(&contradicting).unwrap();
    twins.run("", upsert).await.unwrap();
    let kinds = twins.reconcile(day(2026, 2, 1)..day(2026, 2, 2)).await;
    assert!(kinds.iter().any(|kind| matches!(kind, Violation::TouchesAboveQueries { .. })), "{kinds:?}");
    assert!(kinds.iter().any(|kind| matches!(kind, Violation::CombinationAboveQueries { .. })), "{kinds:?}");
}

#[tokio::test]
async fn every_refused_write_has_equal_errors_by_both_drivers() {
    let mut twins = Twins::filled().await;
    let one_day = || scope(day(2026, 1, 1)..day(2026, 1, 2), [port(1), port(70)]);
    let unknown = UsageBatch::builder(one_day())
        .queries(vec![queries(day(2026, 1, 1), port(70), consumer(80), 1)])
        .touches(vec![touches(day(2026, 1, 1), port(70), asset(90), consumer(80), 1)])
        .build();
    let error =
        format!("unknown output port {}; tech asset {}; consumer {}", port(70), asset(90), consumer(80));
    assert_eq!(twins.replace("", &unknown).await, Err(Refusal::Rejected(error)));
    let empty = UsageBatch::builder(one_day()).build();
    assert!(matches!(twins.replace("", &empty).await, Err(Refusal::Rejected(_))));
    let snapshot = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ";
    assert!(matches!(twins.replace(snapshot, &batch(2)).await, Err(Refusal::Rejected(_))));

    let state = |code: &str| Err(Refusal::SqlState(code.to_owned()));
    assert_eq!(twins.replace("SET TRANSACTION READ ONLY", &batch(2)).await, state("25006"));
    let without_table = "ALTER TABLE usage.tech_asset_stats_daily RENAME TO elsewhere";
    assert_eq!(twins.replace(without_table, &batch(2)).await, state("42P01"));
    let stricter = "ALTER TABLE usage.output_port_query_stats_daily ADD CHECK (query_count <> 70) NOT VALID";
    let seventy = UsageBatch::builder(scope(day(2026, 1, 1)..day(2026, 1, 2), [port(1)]))
        .queries(vec![queries(day(2026, 1, 1), port(1), consumer(1), 70)])
        .build();
    assert_eq!(twins.replace(stricter, &seventy).await, state("23514"));
}

#[tokio::test]
async fn definitions_and_upkeep_run_by_tokio_postgres() {
    let portal = Portal::without_tables(
        builder().combinations().read_by_consumer().read_by_tech_asset().build().unwrap(),
    )
    .await;
    let client = connect(&portal).await;
    let model = &portal.model;
    let created = [vec![model.create_schema()], model.create_tables()].concat();
    for statement in [created, model.vacuum(), model.drop_tables()].concat() {
        let statement = statement.into_tokio_postgres();
        let rows = client.query_typed(statement.sql(), &statement.params()).await;
        assert!(rows.unwrap_or_else(|error| panic!("{error}: {}", statement.sql())).is_empty());
    }
}

#[tokio::test]
async fn ingests_and_charts_run_on_spawned_tasks_with_deadpool() {
    let twins = Twins::new().await;
    let manager = deadpool_postgres::Manager::new(twins.tokio.database.url().parse().unwrap(), NoTls);
    let pool = deadpool_postgres::Pool::builder(manager).max_size(2).build().unwrap();
    let (replace, ingest_pool) = (twins.model().replace(&batch(1)).unwrap(), pool.clone());
    let ingest = tokio::spawn(async move {
        let mut client = ingest_pool.get().await.unwrap();
        let mut transaction = client.transaction().await.unwrap();
        let outcome = replace.run_tokio_postgres(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        outcome
    });
    assert_eq!(ingest.await.unwrap().queries.written, batch(1).queries().len() as u64);

    let chart = QueryDistribution::new(port(1), day(2026, 1, 1)..day(2026, 2, 10)).top(20);
    let query = twins.model().query(&chart).unwrap().into_tokio_postgres();
    let read = tokio::spawn(async move {
        let client = pool.get().await.unwrap();
        let statement = client.prepare_typed_cached(query.sql(), &query.types()).await.unwrap();
        query.decode(&client.query(&statement, &query.values()).await.unwrap()).unwrap()
    });
    let total: i64 = read.await.unwrap().iter().map(|slice| slice.query_count).sum();
    let batch = batch(1);
    let of_port = batch.queries().iter().filter(|row| row.output_port_id == port(1));
    let of_port: u64 = of_port.map(|row| row.query_count).sum();
    assert_eq!(total.unsigned_abs(), of_port);
}
