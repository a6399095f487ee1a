//! Clients of a pooler: each writes an output port of its own, round by round, and reads every chart of it.

use std::convert::Infallible;
use std::ops::Range;

use chrono::NaiveDate;
use futures_util::stream;
use output_port_usage::chart::*;
use output_port_usage::*;
use sqlx::{Connection, PgConnection};
use tokio_postgres::NoTls;

use crate::portal::{asset, builder, combination, consumer, day, port, queries, scope, touches};
use crate::postgres::backfill::host::stated;
use crate::rows::Listed;

const ROUNDS: u64 = 8;
const DAYS: i64 = 10;
const CONSUMERS: u128 = 5;

pub(super) fn model() -> UsageModel {
    builder().combinations().coverage().build().unwrap()
}

/// Runs the clients of these numbers side by side: of four, two by SQLx and two by tokio-postgres.
pub(super) async fn run_all(url: &str, numbers: Range<u128>) {
    let clients: Vec<_> = numbers
        .map(|number| {
            let url = url.to_owned();
            match number / 2 % 2 {
                0 => tokio::spawn(async move {
                    run(BySqlx(PgConnection::connect(&url).await.unwrap()), number).await;
                }),
                _ => tokio::spawn(async move {
                    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
                    tokio::spawn(connection);
                    run(ByTokioPostgres(client), number).await;
                }),
            }
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
}

async fn run(mut client: impl Client, number: u128) {
    let model = model();
    let (of, pair) = (port(number), port(number ^ 1));
    for count in 1..=ROUNDS {
        let batch = round(number, count);
        match count % 4 {
            1 => client.backfill(stated(&model, std::slice::from_ref(&batch)), batch).await,
            2 => client.ingest(model.upsert(&batch).unwrap()).await,
            3 => {
                // another consumer's day than those of the pair, which are written with one of its ports alone
                client.remove(model.delete(of, consumer(4), days().start).unwrap()).await;
                client.remove(model.purge(&Purge::before(days().start)).unwrap()).await;
                client.ingest(model.upsert(&batch).unwrap()).await;
            }
            _ => client.ingest(model.replace(&batch).unwrap()).await,
        }
        check(&mut client, &model, of, count as i64).await;
        if number.is_multiple_of(2) {
            let combined = client.rows(&model, &MostOftenCombinedWith::new(of, days())).await;
            assert_eq!(combined[0].output_port_id, pair);
            assert_eq!(combined[0].query_count, DAYS * count as i64);
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

/// Reads every other chart; `count` is that of each day and consumer.
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

/// What a host does by each driver behind a pooler: see the guide's page on drivers.
trait Client: Send {
    fn ingest(&mut self, ingest: Ingest) -> impl Future<Output = ()> + Send;
    fn remove(&mut self, removal: Removal) -> impl Future<Output = ()> + Send;
    fn backfill(&mut self, backfill: Backfill, batch: UsageBatch) -> impl Future<Output = ()> + Send;
    fn rows<C: Chart>(&mut self, model: &UsageModel, chart: &C) -> impl Future<Output = Vec<C::Row>> + Send
    where
        C::Row: Listed;
}

struct BySqlx(PgConnection);

impl Client for BySqlx {
    async fn ingest(&mut self, ingest: Ingest) {
        let mut transaction = self.0.begin().await.unwrap();
        ingest.run_sqlx(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn remove(&mut self, removal: Removal) {
        let mut transaction = self.0.begin().await.unwrap();
        removal.run_sqlx(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn backfill(&mut self, backfill: Backfill, batch: UsageBatch) {
        let mut transaction = self.0.begin().await.unwrap();
        let batches = stream::iter([Ok::<_, Infallible>(batch)]);
        let backfill = backfill.replace_existing().keep_keys();
        backfill.run_sqlx(&mut transaction, batches).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn rows<C: Chart>(&mut self, model: &UsageModel, chart: &C) -> Vec<C::Row>
    where
        C::Row: Listed,
    {
        let query = model.query(chart).unwrap().into_sqlx().persistent(false);
        let mut transaction = self.0.begin().await.unwrap();
        let rows = query.fetch_all(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        rows
    }
}

struct ByTokioPostgres(tokio_postgres::Client);

impl Client for ByTokioPostgres {
    async fn ingest(&mut self, ingest: Ingest) {
        let mut transaction = self.0.transaction().await.unwrap();
        ingest.run_tokio_postgres(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn remove(&mut self, removal: Removal) {
        let mut transaction = self.0.transaction().await.unwrap();
        removal.run_tokio_postgres(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn backfill(&mut self, backfill: Backfill, batch: UsageBatch) {
        let mut transaction = self.0.transaction().await.unwrap();
        let batches = stream::iter([Ok::<_, Infallible>(batch)]);
        let backfill = backfill.replace_existing().keep_keys();
        backfill.run_tokio_postgres(&mut transaction, batches).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn rows<C: Chart>(&mut self, model: &UsageModel, chart: &C) -> Vec<C::Row>
    where
        C::Row: Listed,
    {
        let query = model.query(chart).unwrap().into_tokio_postgres();
        let rows = self.0.query_typed(query.sql(), &query.params()).await.unwrap();
        query.decode(&rows).unwrap()
    }
}
