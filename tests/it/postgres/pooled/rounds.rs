//! What each client of a pooler does: it writes an output port of its own, round by round, and reads it.

use std::ops::Range;

use chrono::{Days, NaiveDate};
use output_port_usage::chart::*;
use output_port_usage::*;
use sqlx::{Connection, PgConnection};

use super::charts;
use super::client::{BySqlx, ByTokioPostgres, Client, Compare, Direct, connect};
use crate::portal::{asset, builder, combination, consumer, day, port, queries, scope, touches};
use crate::postgres::backfill::host::stated;

const ROUNDS: u64 = 8;
const DAYS: i64 = 10;
const CONSUMERS: u128 = 5;

pub(super) fn model() -> UsageModel {
    builder().combinations().coverage().build().unwrap()
}

/// Runs the clients of these numbers side by side: of four, two by SQLx and two by tokio-postgres.
pub(super) async fn run_all(url: &str, direct: &str, numbers: Range<u128>) {
    let mut read = Direct::new(direct).await;
    charts::every(&mut read).await;
    let clients: Vec<_> = numbers
        .map(|number| {
            let (url, rows) = (url.to_owned(), read.rows.clone());
            match number / 2 % 2 {
                0 => tokio::spawn(async move {
                    run(BySqlx(PgConnection::connect(&url).await.unwrap()), number, &rows).await;
                }),
                _ => tokio::spawn(async move {
                    run(ByTokioPostgres(connect(&url).await), number, &rows).await;
                }),
            }
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
}

/// Writes in every way, and after each reads what was written; twice also every chart, whose rows are known.
async fn run(mut client: impl Client, number: u128, rows: &[String]) {
    let model = model();
    let (of, pair) = (port(number), port(number ^ 1));
    for count in 1..=ROUNDS {
        let batch = round(number, count);
        match count % 4 {
            1 => {
                client.backfill(stated(&model, std::slice::from_ref(&batch)).replace_existing(), batch).await
            }
            2 => {
                client.ingest(model.upsert(&batch).unwrap()).await;
                client.ingest(model.declare_measured(batch.scope()).unwrap()).await;
            }
            3 => {
                // another consumer's day than those of the pair, which are written with one of its ports alone
                client.remove(model.delete(of, consumer(4), days().start).unwrap()).await;
                client.remove(model.purge(&Purge::before(days().start)).unwrap()).await;
                client.ingest(model.upsert(&batch).unwrap()).await;
            }
            _ => client.ingest(model.replace(&batch).unwrap().refuse_empty_days().skip_unknown()).await,
        }
        check(&mut client, &model, of, count as i64).await;
        if number.is_multiple_of(2) {
            let combined = client.rows(&model, &MostOftenCombinedWith::new(of, days())).await;
            assert_eq!(combined[0].output_port_id, pair);
            assert_eq!(combined[0].query_count, DAYS * count as i64);
        }
        if count % 4 == 2 {
            let mut compare = Compare { client: &mut client, rows: rows.iter() };
            charts::every(&mut compare).await;
            assert_eq!(compare.rows.len(), 0);
        }
    }
    upkeep(&mut client, &model, of, number).await;
}

/// What is no chart and no write.
async fn upkeep(client: &mut impl Client, model: &UsageModel, of: OutputPortId, number: u128) {
    let empty = days().end..days().end + Days::new(number as u64 + 1);
    let missing = client.fetch(model.gaps(&Gaps::of(scope(days().start..empty.end, [of]))).unwrap()).await;
    assert_eq!(Gap::days(&missing), [empty]);
    let coverage = client.fetch(model.coverage([of]).unwrap()).await;
    assert_eq!(coverage.len(), 1);
    assert_eq!(coverage[0].output_port_id, of);
    // an output port of a pair has combinations with the other, which may be rounds behind
    let lone = client.fetch(model.reconcile(day(2027, 1, 1)..day(2027, 1, 2)).unwrap()).await;
    assert!(lone.is_empty(), "{lone:?}");
    let check = model.check(days().end);
    assert_eq!(check.differences(client.fetch(check.query()).await).unwrap(), []);
    for statement in model.vacuum() {
        // without a transaction, because Postgres does not vacuum in one
        client.execute(statement).await;
    }
    if number == 0 {
        client.execute(model.create_schema()).await;
        for statement in model.create_tables() {
            client.execute(statement).await;
        }
    }
}

fn days() -> Range<NaiveDate> {
    day(2026, 1, 1)..day(2026, 1, 11)
}

/// Ten days of an output port, each count of which names the round; the first port of a pair has the combinations.
fn round(number: u128, count: u64) -> UsageBatch {
    let (of, dates) = (port(number), || days().start.iter_days().take(DAYS as usize));
    let cells = || dates().flat_map(|date| (0..CONSUMERS).map(move |by| (date, consumer(by))));
    let batch = UsageBatch::builder(scope(days(), [of]))
        .queries(cells().map(|(date, by)| queries(date, of, by, count)).collect())
        .touches(cells().map(|(date, by)| touches(date, of, asset(1), by, count)).collect());
    match number % 2 {
        0 => {
            let combined = |date| combination(date, of, port(number ^ 1), consumer(0), count);
            batch.combinations(dates().map(combined).collect()).build()
        }
        _ => batch.build(),
    }
}

/// Reads charts of what was just written; `count` is that of each day and consumer.
async fn check(client: &mut impl Client, model: &UsageModel, of: OutputPortId, count: i64) {
    let (a_day, a_consumer, all) = (5 * count, DAYS * count, 5 * DAYS * count);
    let over_time = || QueriesOverTime::new(of, days());
    let points = client.rows(model, &over_time()).await;
    assert!(points.len() == 10 && points.iter().all(|point| point.query_count == a_day), "{points:?}");
    let weeks = client.rows(model, &over_time().granularity(Granularity::Week)).await;
    assert_eq!(weeks.iter().map(|week| week.query_count).collect::<Vec<_>>(), [4 * a_day, 6 * a_day]);
    let compared = client.rows(model, &over_time().compared_with(Comparison::YearBefore)).await;
    assert!(compared.iter().all(|point| point.current.query_count == a_day && point.previous == 0));
    let series = client.rows(model, &over_time().split_by_consumer(2)).await;
    let counts: Vec<_> = series.iter().map(|series| series.counts.clone()).collect();
    assert_eq!(counts, [count, count, 3 * count].map(|each| vec![each; 10]));
    let series = client.rows(model, &QueriesOverTime::of_ports([of], days())).await;
    assert_eq!(series[0].counts, [a_day; 10]);
    let slices = client.rows(model, &QueryDistribution::new(of, days()).top(2)).await;
    let counts: Vec<_> = slices.iter().map(|slice| slice.query_count).collect();
    assert_eq!(counts, [a_consumer, a_consumer, 3 * a_consumer]);
    // consumers 1 and 3 share a group, 2 has one, 0 and 4 have none
    let groups = client.rows(model, &QueryDistribution::new(of, days()).by_group()).await;
    let counts: Vec<_> = groups.iter().map(|group| group.query_count).collect();
    assert_eq!(counts, [2 * a_consumer, a_consumer, 2 * a_consumer]);
    let assets = client.rows(model, &MostPopularAssets::new(of, days())).await;
    assert_eq!(
        assets.iter().map(|row| (row.tech_asset_id, row.touches)).collect::<Vec<_>>(),
        [(asset(1), all)]
    );
    let summary = client.rows(model, &Summary::new(of, days())).await;
    assert_eq!((summary[0].query_count, summary[0].consumers, summary[0].active_days), (all, 5, 10));
    let overview = Overview::new(of, days());
    let charts = overview.charts(client.rows(model, &overview).await).unwrap();
    assert!(charts.over_time.iter().all(|point| point.query_count == a_day));
    assert_eq!((charts.split.len(), charts.summary.query_count), (5, all));
}
