//! A streaming standby: what hosts read charts from while the primary ingests.

mod conflict;

use std::convert::Infallible;
use std::ops::Range;
use std::time::Duration;

use chrono::NaiveDate;
use futures_util::stream;
use output_port_usage::chart::*;
use output_port_usage::*;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use throwaway_postgres::Standby;

use crate::driver::twins_agree::twins::Refusal;
use crate::portal::{Portal, asset, builder, consumer, day, port, queries, scope, touches};
use crate::postgres::backfill::host::stated;
use crate::rows::Listed;

/// A primary, and a standby that has nothing of its own.
struct Replicated {
    primary: Portal,
    standby: PgPool,
    url: String,
    _server: Standby,
}

impl Replicated {
    async fn new() -> Self {
        let primary = Portal::with(builder().coverage().build().unwrap()).await;
        let server = Standby::of(primary.database.server()).unwrap_or_else(|error| panic!("{error}"));
        let url = server.url(&primary.database);
        let standby = PgPoolOptions::new().max_connections(4).connect(&url).await.unwrap();
        Self { primary, standby, url, _server: server }
    }

    fn model(&self) -> &UsageModel {
        &self.primary.model
    }

    /// Waits until the standby shows what the primary has committed.
    async fn catch_up(&self) {
        let written = "SELECT pg_current_wal_insert_lsn()::text";
        let written: String = sqlx::query_scalar(written).fetch_one(&self.primary.pool).await.unwrap();
        let replayed = "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn";
        let is_there = || sqlx::query_scalar::<_, bool>(replayed).bind(&written).fetch_one(&self.standby);
        while !is_there().await.unwrap() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn vacuum(&self) {
        for statement in self.model().vacuum() {
            statement.into_sqlx().execute(&self.primary.pool).await.unwrap();
        }
    }

    /// A chart of the standby, as the guide reads it.
    async fn rows<C: Chart>(&self, chart: &C) -> Result<Vec<C::Row>, sqlx::Error>
    where
        C::Row: Listed,
    {
        let mut transaction = self.standby.begin().await?;
        let rows = self.model().query(chart).unwrap().into_sqlx().fetch_all(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(rows)
    }
}

const DAYS: i64 = 10;
const CONSUMERS: i64 = 5;

fn days() -> Range<NaiveDate> {
    day(2026, 1, 1)..day(2026, 1, 11)
}

/// Each count names the round.
fn round(count: u64) -> UsageBatch {
    let dates = || days().start.iter_days().take(DAYS as usize);
    let cells = || dates().flat_map(|date| (0..CONSUMERS).map(move |by| (date, consumer(by as u128))));
    UsageBatch::builder(scope(days(), [port(1)]))
        .queries(cells().map(|(date, by)| queries(date, port(1), by, count)).collect())
        .touches(cells().map(|(date, by)| touches(date, port(1), asset(1), by, count)).collect())
        .build()
}

/// The round that every row of every chart is of; each chart is one statement, and so of one commit.
async fn round_of_each(replicated: &Replicated) -> Vec<i64> {
    let points = replicated.rows(&QueriesOverTime::new(port(1), days())).await.unwrap();
    let count = points[0].query_count / CONSUMERS;
    assert!(points.iter().all(|point| point.query_count == CONSUMERS * count), "{points:?}");
    let mut rounds = vec![count];
    let slices = replicated.rows(&QueryDistribution::new(port(1), days())).await.unwrap();
    let count = slices[0].query_count / DAYS;
    assert!(slices.iter().all(|slice| slice.query_count == DAYS * count), "{slices:?}");
    rounds.push(count);
    let overview = Overview::new(port(1), days());
    let charts = overview.charts(replicated.rows(&overview).await.unwrap()).unwrap();
    let count = charts.summary.query_count / DAYS / CONSUMERS;
    assert_eq!(charts.summary.query_count, DAYS * CONSUMERS * count);
    assert!(charts.over_time.iter().all(|point| point.query_count == CONSUMERS * count), "{charts:?}");
    assert!(charts.split.iter().all(|series| series.counts == [count; DAYS as usize]), "{charts:?}");
    rounds.push(count);
    let assets = replicated.rows(&MostPopularAssets::new(port(1), days())).await.unwrap();
    assert_eq!(assets.len(), 1);
    rounds.push(assets[0].touches / DAYS / CONSUMERS);
    rounds
}

/// The rounds of two charts of one snapshot.
async fn rounds_of_a_page(replicated: &Replicated) -> [i64; 2] {
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    let mut page = replicated.standby.begin_with(begin).await.unwrap();
    let summary = replicated.model().query(&Summary::new(port(1), days())).unwrap();
    let summary = summary.into_sqlx().fetch_one(&mut *page).await.unwrap();
    let assets = replicated.model().query(&MostPopularAssets::new(port(1), days())).unwrap();
    let assets = assets.into_sqlx().fetch_one(&mut *page).await.unwrap();
    page.commit().await.unwrap();
    [summary.query_count, assets.touches].map(|count| count / DAYS / CONSUMERS)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs server programs, pg_basebackup too; run it with -- --ignored standby"]
async fn each_chart_on_a_standby_is_of_one_commit_while_the_primary_ingests() {
    const ROUNDS: u64 = 60;
    let replicated = Replicated::new().await;
    replicated.primary.replace(&round(1)).await;
    replicated.catch_up().await;
    let writer = async {
        for count in 2..=ROUNDS {
            replicated.primary.replace(&round(count)).await;
            if count.is_multiple_of(10) {
                replicated.vacuum().await;
            }
        }
        replicated.catch_up().await;
    };
    let (client, connection) = tokio_postgres::connect(&replicated.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let query = replicated.model().query(&Summary::new(port(1), days())).unwrap().into_tokio_postgres();
    let reader = async {
        let mut seen = vec![1];
        while seen.last() != Some(&(ROUNDS as i64)) {
            seen.extend(round_of_each(&replicated).await);
            let [summary, assets] = rounds_of_a_page(&replicated).await;
            assert_eq!(summary, assets, "of one snapshot");
            seen.push(summary);
            let rows = client.query_typed(query.sql(), &query.params()).await.unwrap();
            seen.push(query.decode(&rows).unwrap()[0].query_count / DAYS / CONSUMERS);
        }
        assert!(seen.is_sorted(), "never back: {seen:?}");
        seen.dedup();
        assert!(seen.len() > 5, "while it ingested: {seen:?}");
    };
    tokio::join!(writer, reader);
}

fn read_only<T>() -> Result<T, Refusal> {
    Err(Refusal::SqlState("25006".to_owned()))
}

#[tokio::test]
#[ignore = "needs server programs, pg_basebackup too; run it with -- --ignored standby"]
async fn a_write_on_a_standby_is_refused_as_read_only_by_both_drivers() {
    let replicated = Replicated::new().await;
    replicated.primary.replace(&round(1)).await;
    replicated.catch_up().await;
    let (model, batch) = (replicated.model(), round(2));
    let ingests = [model.replace(&batch), model.upsert(&batch), model.declare_measured(batch.scope())]
        .map(Result::unwrap);
    let removals =
        [model.delete(port(1), consumer(1), days().start), model.purge(&Purge::before(days().end))]
            .map(Result::unwrap);
    let backfill = || stated(model, std::slice::from_ref(&batch)).replace_existing();
    let batches = || stream::iter([Ok::<_, Infallible>(batch.clone())]);
    let summary = || model.query(&Summary::new(port(1), days())).unwrap();

    let mut transaction = replicated.standby.begin().await.unwrap();
    for ingest in ingests.clone() {
        let outcome = ingest.run_sqlx(&mut transaction).await.map_err(Refusal::of_sqlx);
        assert_eq!(outcome, read_only());
    }
    for removal in removals.clone() {
        assert_eq!(removal.run_sqlx(&mut transaction).await.map_err(Refusal::of_sqlx), read_only());
    }
    let outcome = backfill().run_sqlx(&mut transaction, batches()).await;
    assert_eq!(outcome.map_err(Refusal::of_sqlx), read_only());
    // and the transaction is as it was
    let rows = summary().into_sqlx().fetch_one(&mut *transaction).await.unwrap();
    assert_eq!(rows.query_count, DAYS * CONSUMERS);
    transaction.commit().await.unwrap();

    let (mut client, connection) =
        tokio_postgres::connect(&replicated.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let mut transaction = client.transaction().await.unwrap();
    for ingest in ingests {
        let outcome = ingest.run_tokio_postgres(&mut transaction).await;
        assert_eq!(outcome.map_err(Refusal::of_tokio_postgres), read_only());
    }
    for removal in removals {
        let outcome = removal.run_tokio_postgres(&mut transaction).await;
        assert_eq!(outcome.map_err(Refusal::of_tokio_postgres), read_only());
    }
    let outcome = backfill().run_tokio_postgres(&mut transaction, batches()).await;
    assert_eq!(outcome.map_err(Refusal::of_tokio_postgres), read_only());
    let query = summary().into_tokio_postgres();
    let rows = transaction.query_typed(query.sql(), &query.params()).await.unwrap();
    assert_eq!(query.decode(&rows).unwrap()[0].query_count, DAYS * CONSUMERS);
    transaction.commit().await.unwrap();

    for (role, said) in [(Role::Reader, ""), (Role::Writer, "the server is a standby: it takes no writes")] {
        let check = model.check(days().end).of_role(role);
        let rows = check.query().into_sqlx().fetch_all(&replicated.standby).await.unwrap();
        let differences = check.differences(rows).unwrap();
        assert_eq!(differences.iter().map(ToString::to_string).collect::<String>(), said);
    }
    // what is there is no reason for an error
    for statement in [vec![model.create_schema()], model.create_tables()].concat() {
        statement.into_sqlx().execute(&replicated.standby).await.unwrap();
    }
    let mut further = builder().combinations().build().unwrap().create_tables();
    further.retain(|statement| statement.title() == "create the table of combinations");
    assert_eq!(further.len(), 1);
    let refused = [model.vacuum().pop().into_iter().collect(), model.drop_tables(), further];
    for statement in refused.concat() {
        let title = statement.title().to_owned();
        let error = statement.into_sqlx().execute(&replicated.standby).await.map(drop).unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().unwrap(), "25006", "{title}");
    }
}
