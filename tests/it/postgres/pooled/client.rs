//! Clients of a pooler, by each driver: what the guide's page on drivers tells a host to do.

use std::convert::Infallible;
use std::slice;

use futures_util::stream;
use output_port_usage::*;
use sqlx::{Connection, PgConnection};
use tokio_postgres::NoTls;

use super::charts::Visit;
use super::rounds::model;
use crate::rows::Listed;

/// Reads each chart without a pooler.
pub(super) struct Direct {
    client: ByTokioPostgres,
    /// As JSON, chart by chart.
    pub(super) rows: Vec<String>,
}

impl Direct {
    pub(super) async fn new(url: &str) -> Self {
        Self { client: ByTokioPostgres(connect(url).await), rows: Vec::new() }
    }
}

impl Visit for Direct {
    async fn visit<C: Chart>(&mut self, chart: &C)
    where
        C::Row: Listed,
    {
        let rows = self.client.rows(&model(), chart).await;
        assert!(!rows.is_empty(), "{:?}", model().query(chart).unwrap().title());
        self.rows.push(serde_json::to_string(&rows).unwrap());
    }
}

/// Reads each chart through the pooler, and compares its rows.
pub(super) struct Compare<'a, C> {
    pub(super) client: &'a mut C,
    pub(super) rows: slice::Iter<'a, String>,
}

impl<By: Client> Visit for Compare<'_, By> {
    async fn visit<C: Chart>(&mut self, chart: &C)
    where
        C::Row: Listed,
    {
        let rows = serde_json::to_string(&self.client.rows(&model(), chart).await).unwrap();
        assert_eq!(&rows, self.rows.next().unwrap(), "{:?}", model().query(chart).unwrap().title());
    }
}

/// What a host does.
pub(super) trait Client: Send {
    fn ingest(&mut self, ingest: Ingest) -> impl Future<Output = ()> + Send;
    fn remove(&mut self, removal: Removal) -> impl Future<Output = ()> + Send;
    fn backfill(&mut self, backfill: Backfill, batch: UsageBatch) -> impl Future<Output = ()> + Send;
    /// A statement that gives no rows, outside of a transaction.
    fn execute(&mut self, statement: Statement) -> impl Future<Output = ()> + Send;
    fn fetch<T: Listed>(&mut self, query: Query<T>) -> impl Future<Output = Vec<T>> + Send;

    fn rows<C: Chart>(&mut self, model: &UsageModel, chart: &C) -> impl Future<Output = Vec<C::Row>> + Send
    where
        C::Row: Listed,
    {
        self.fetch(model.query(chart).unwrap())
    }
}

pub(super) struct BySqlx(pub(super) PgConnection);

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
        let backfill = backfill.keep_keys();
        backfill.run_sqlx(&mut transaction, batches).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn execute(&mut self, statement: Statement) {
        statement.into_sqlx().execute(&mut self.0).await.unwrap();
    }

    async fn fetch<T: Listed>(&mut self, query: Query<T>) -> Vec<T> {
        let mut transaction = self.0.begin().await.unwrap();
        let rows = query.into_sqlx().fetch_all(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        rows
    }
}

pub(super) struct ByTokioPostgres(pub(super) tokio_postgres::Client);

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
        let backfill = backfill.keep_keys();
        backfill.run_tokio_postgres(&mut transaction, batches).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn execute(&mut self, statement: Statement) {
        let statement = statement.into_tokio_postgres();
        self.0.execute_typed(statement.sql(), &statement.params()).await.unwrap();
    }

    async fn fetch<T: Listed>(&mut self, query: Query<T>) -> Vec<T> {
        let query = query.into_tokio_postgres();
        let rows = self.0.query_typed(query.sql(), &query.params()).await.unwrap();
        query.decode(&rows).unwrap()
    }
}

pub(super) async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
