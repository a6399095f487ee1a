//! "Most used output ports" on a hand-worked table, and what it refuses.

use std::ops::Range;

use chrono::NaiveDate;
use output_port_usage::chart::*;
use output_port_usage::*;

use crate::portal::{Portal, builder, consumer, day, port, queries, scope};

fn days() -> Range<NaiveDate> {
    day(2026, 1, 11)..day(2026, 1, 21)
}

/// Of ten days and the ten before: 6 after 3, 6 after 12, 2 after 2, none after 8, 1 after none, none at all, and one
/// with rows of zero queries.
async fn fill(portal: &Portal) {
    let (before, now) = (day(2026, 1, 5), day(2026, 1, 15));
    let batch = UsageBatch::builder(scope(day(2026, 1, 1)..day(2026, 1, 21), (1..=7).map(port)))
        .queries(vec![
            queries(before, port(1), consumer(1), 3),
            queries(now, port(1), consumer(1), 4),
            queries(day(2026, 1, 12), port(1), consumer(2), 2),
            queries(before, port(2), consumer(1), 12),
            queries(day(2026, 1, 20), port(2), consumer(1), 6),
            queries(before, port(3), consumer(3), 2),
            queries(now, port(3), consumer(3), 2),
            queries(before, port(4), consumer(1), 8),
            queries(day(2026, 1, 11), port(5), consumer(4), 1),
        ])
        .build();
    portal.replace(&batch).await;
    let zero =
        "INSERT INTO usage.output_port_query_stats_daily (date, output_port_id, consumer_id, query_count)
        SELECT d, $1, $3, 0 FROM generate_series('2026-01-16'::date, '2026-01-18', '1 day') AS d
        UNION ALL SELECT '2026-01-18', $2, $4, 0";
    let zero = sqlx::query(zero).bind(port(7)).bind(port(1)).bind(consumer(1)).bind(consumer(9));
    zero.execute(&portal.pool).await.unwrap();
}

/// The ports of rows by number, each with its count.
fn counts(rows: &[MostUsedPort]) -> Vec<(u128, i64)> {
    rows.iter().map(|row| (row.output_port_id.0.as_u128() - 0xa000_0000, row.query_count)).collect()
}

#[tokio::test]
async fn ports_are_ranked_by_queries_then_by_id() {
    let portal = Portal::new().await;
    fill(&portal).await;
    let rows = portal.rows(&MostUsedPorts::new(days())).await;
    assert_eq!(counts(&rows), [(1, 6), (2, 6), (3, 2), (5, 1)]);
    let third = 1.0 / 3.0;
    let percent = [2.0 / 3.0 * 100.0, 2.0 / 3.0 * 100.0, third * 100.0, 0.0];
    assert_eq!(rows.iter().map(|row| row.percentile_rank).collect::<Vec<_>>(), percent);
    assert_eq!(rows.iter().map(|row| row.rank).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(rows.iter().map(|row| row.share).collect::<Vec<_>>(), [0.4, 0.4, 2.0 / 15.0, 1.0 / 15.0]);
    assert_eq!(rows.iter().map(|row| row.consumers).collect::<Vec<_>>(), [2, 1, 1, 1]);
    // consumer 9 has a row of zero queries on a later day
    assert_eq!(rows[0].last_used, Some(day(2026, 1, 15)));
    assert_eq!(rows[0].label.as_deref(), Some("port 1"));
    assert!(rows.iter().all(|row| row.coverage.is_none()));

    let top = portal.rows(&MostUsedPorts::new(days()).top(2)).await;
    assert_eq!(top, rows[..2]);
    assert_eq!(portal.rows(&MostUsedPorts::new(days()).top(1).all()).await, rows);
}

#[tokio::test]
async fn a_list_is_ranked_as_if_it_were_all() {
    let portal = Portal::new().await;
    fill(&portal).await;
    // port 6 has no queries and nobody knows port 77
    let list = [5, 3, 6, 77, 3, 5].map(port);
    for chart in [MostUsedPorts::new(days()).of_ports(list), MostUsedPorts::new(days()).of_ports(list).all()]
    {
        let rows = portal.rows(&chart).await;
        assert_eq!(counts(&rows), [(3, 2), (5, 1)]);
        assert_eq!(rows.iter().map(|row| row.percentile_rank).collect::<Vec<_>>(), [100.0, 0.0]);
        assert_eq!(rows.iter().map(|row| row.share).collect::<Vec<_>>(), [2.0 / 3.0, 1.0 / 3.0]);
    }
    let alone = portal.rows(&MostUsedPorts::new(days()).of_ports([port(3)])).await;
    assert_eq!((alone[0].share, alone[0].percentile_rank), (1.0, 0.0));
    assert!(portal.rows(&MostUsedPorts::new(days()).of_ports([port(77)])).await.is_empty());
}

#[tokio::test]
async fn what_vanished_is_a_choice_and_always_among_the_fallers() {
    let portal = Portal::new().await;
    fill(&portal).await;
    let compared = MostUsedPorts::new(days()).compared_with(Comparison::PreviousPeriod);
    let read = async |chart: Compared<MostUsedPorts>| {
        let rows = portal.rows(&chart).await;
        let current: Vec<_> = rows.iter().map(|row| row.current.clone()).collect();
        let previous: Vec<_> = rows.iter().map(|row| (row.previous, row.change)).collect();
        (counts(&current), previous, current)
    };
    let (by_queries, previous, current) = read(compared.clone()).await;
    assert_eq!(by_queries, [(1, 6), (2, 6), (3, 2), (5, 1)]);
    assert_eq!(previous, [(3, Some(1.0)), (12, Some(-0.5)), (2, Some(0.0)), (0, None)]);
    assert_eq!(current, portal.rows(&MostUsedPorts::new(days())).await);

    let (with_gone, previous, current) = read(compared.clone().include_gone()).await;
    assert_eq!(with_gone, [(1, 6), (2, 6), (3, 2), (5, 1), (4, 0)]);
    assert_eq!(previous[4], (8, Some(-1.0)));
    let gone = &current[4];
    assert_eq!((gone.share, gone.percentile_rank, gone.rank), (0.0, 0.0, 5));
    assert_eq!((gone.consumers, gone.last_used), (0, None));
    // what is gone moves nobody up
    assert_eq!(current[..4], portal.rows(&MostUsedPorts::new(days())).await);

    let (risers, previous, current) = read(compared.clone().order(PortOrder::Risers)).await;
    assert_eq!((risers, previous), (vec![(1, 6), (5, 1)], vec![(3, Some(1.0)), (0, None)]));
    assert_eq!(current.iter().map(|row| row.rank).collect::<Vec<_>>(), [1, 2]);
    let (fallers, previous, current) = read(compared.clone().order(PortOrder::Fallers)).await;
    assert_eq!((fallers, previous), (vec![(4, 0), (2, 6)], vec![(8, Some(-1.0)), (12, Some(-0.5))]));
    assert_eq!(current.iter().map(|row| row.percentile_rank).collect::<Vec<_>>(), [0.0, 2.0 / 3.0 * 100.0]);
}

#[tokio::test]
async fn a_portal_where_all_is_gone_has_shares_of_nothing() {
    let portal = Portal::new().await;
    fill(&portal).await;
    let later = day(2026, 1, 21)..day(2026, 1, 31);
    let chart = MostUsedPorts::new(later).compared_with(Comparison::PreviousPeriod);
    assert!(portal.rows(&chart).await.is_empty());
    let gone = portal.rows(&chart.clone().include_gone()).await;
    assert_eq!(gone.len(), 4);
    assert!(gone.iter().all(|row| (row.current.share, row.current.percentile_rank) == (0.0, 0.0)));
    assert!(gone.iter().all(|row| row.change == Some(-1.0)));
    assert_eq!(portal.rows(&chart.order(PortOrder::Fallers)).await[0].previous, 6);
}

#[tokio::test]
async fn ports_of_unmeasured_days_neither_rise_nor_fall_first() {
    let portal = Portal::with(builder().coverage().build().unwrap()).await;
    fill(&portal).await;
    let forget =
        "UPDATE usage.output_port_usage_coverage SET measured = measured - $2::daterange::datemultirange,
        settled = settled - $2::daterange::datemultirange WHERE output_port_id = $1";
    let forget = sqlx::query(forget)
        .bind(port(4))
        .bind(sqlx::postgres::types::PgRange::from(day(2026, 1, 17)..day(2026, 1, 18)));
    forget.execute(&portal.pool).await.unwrap();
    let unsettle =
        "UPDATE usage.output_port_usage_coverage SET settled = settled - '{[2026-01-20,2026-01-21)}'
        WHERE output_port_id = $1";
    sqlx::query(unsettle).bind(port(2)).execute(&portal.pool).await.unwrap();

    let fallers =
        MostUsedPorts::new(days()).compared_with(Comparison::PreviousPeriod).order(PortOrder::Fallers);
    for chart in [fallers.clone(), fallers] {
        let rows = portal.rows(&chart).await;
        let read = rows.iter().map(|row| (row.current.coverage, row.previous_coverage, row.change));
        assert_eq!(
            read.collect::<Vec<_>>(),
            [
                (Some(Coverage::Unsettled), Some(Coverage::Measured), Some(-0.5)),
                (Some(Coverage::Partly), Some(Coverage::Measured), None),
            ]
        );
        let current: Vec<_> = rows.into_iter().map(|row| row.current).collect();
        assert_eq!(counts(&current), [(2, 6), (4, 0)]);
    }
    let all = portal.rows(&MostUsedPorts::new(days()).all()).await;
    assert_eq!(all, portal.rows(&MostUsedPorts::new(days())).await);
    assert_eq!(all[0].coverage, Some(Coverage::Measured));
}

/// The rule of the guide's page on alerts.
fn fell(row: &WithPrevious<MostUsedPort>) -> bool {
    let is_settled = row.current.coverage.is_none_or(|coverage| coverage == Coverage::Measured);
    is_settled && row.previous >= 50 && row.change.is_some_and(|change| change <= -0.8)
}

#[tokio::test]
async fn an_alert_names_what_fell_by_80_percent_and_was_measured() {
    let portal = Portal::with(builder().coverage().build().unwrap()).await;
    let (before, now) = (day(2026, 5, 10), day(2026, 6, 10));
    let mut rows = Vec::new();
    // to nothing; by 25 %; by 5 of 6; too few; one day not measured; one not settled; by 79 %; and the earlier days alone
    for (of, then, today) in
        [(0, 400, 0), (1, 12_000, 9_000), (2, 60, 10), (3, 8, 0), (4, 900, 0), (5, 300, 0), (6, 100, 21)]
    {
        rows.push(queries(before, port(of), consumer(1), then));
        if today > 0 {
            rows.push(queries(now, port(of), consumer(1), today));
        }
    }
    let everything = scope(day(2026, 4, 1)..day(2026, 7, 1), (0..8).map(port));
    portal.replace(&UsageBatch::builder(everything).queries(rows).build()).await;
    for (of, change) in [
        (
            4,
            "measured = measured - '{[2026-06-05,2026-06-06)}', settled = settled - '{[2026-06-05,2026-06-06)}'",
        ),
        (5, "settled = settled - '{[2026-06-30,2026-07-01)}'"),
    ] {
        let change =
            format!("UPDATE usage.output_port_usage_coverage SET {change} WHERE output_port_id = $1");
        sqlx::query(sqlx::AssertSqlSafe(change)).bind(port(of)).execute(&portal.pool).await.unwrap();
    }
    let fallers = MostUsedPorts::new(last_days(28, day(2026, 6, 30)))
        .all()
        .compared_with(Comparison::PreviousPeriod)
        .order(PortOrder::Fallers);
    let rows = portal.rows(&fallers).await;
    assert_eq!(rows.len(), 7);
    let told: Vec<_> = rows.into_iter().filter(fell).filter_map(|row| row.current.label).collect();
    assert_eq!(told, ["port 0", "port 2"]);
}

#[test]
fn requests_that_ask_for_nothing_are_refused() {
    let model = builder().build().unwrap();
    let message = |chart: MostUsedPorts| {
        let error = model.query(&chart).unwrap_err();
        assert!(error.is_request());
        error.to_string()
    };
    assert_eq!(
        message(MostUsedPorts::new(days()).of_ports([])),
        "the list of output ports is empty: ask for at least one"
    );
    assert_eq!(
        message(MostUsedPorts::new(days()).of_ports((0..10_001).map(port))),
        "10001 output ports are more than the 10000 that one statement reads: ask in parts"
    );
    assert!(message(MostUsedPorts::new(days()).top(0)).starts_with("the number of output ports"));
    assert!(message(MostUsedPorts::new(day(2026, 1, 2)..day(2026, 1, 2))).starts_with("days are empty"));
    let first_year = MostUsedPorts::new(day(1, 1, 1)..day(1, 1, 2)).compared_with(Comparison::PreviousPeriod);
    assert!(model.query(&first_year).unwrap_err().is_request());
}
