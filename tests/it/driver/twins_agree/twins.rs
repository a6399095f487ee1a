//! Two databases that hold the same: one for SQLx, one for tokio-postgres.

use std::fmt::Debug;
use std::ops::Range;

use chrono::NaiveDate;
use output_port_usage::*;
use tokio_postgres::NoTls;

use crate::portal::{
    COMBINATION_STATS, COVERAGE, Portal, QUERY_STATS, TOUCH_STATS, asset, builder, consumer, day, port,
    queries, scope, touches,
};
use crate::rows::Listed;

/// A portal that SQLx writes and reads, and its twin for tokio-postgres.
pub(crate) struct Twins {
    pub(crate) sqlx: Portal,
    pub(crate) tokio: Portal,
    pub(crate) client: tokio_postgres::Client,
}

/// What a write came to, as far as both drivers can say it alike.
#[derive(Debug, PartialEq)]
pub(crate) enum Refusal {
    Rejected(String),
    SqlState(String),
}

impl Refusal {
    pub(crate) fn of_sqlx(error: WriteError<sqlx::Error>) -> Self {
        match error {
            WriteError::Rejected(error) => Self::Rejected(error.to_string()),
            WriteError::Driver(error) => {
                Self::SqlState(error.as_database_error().unwrap().code().unwrap().into_owned())
            }
            other => panic!("{other}"),
        }
    }

    pub(crate) fn of_tokio_postgres(error: WriteError<tokio_postgres::Error>) -> Self {
        match error {
            WriteError::Rejected(error) => Self::Rejected(error.to_string()),
            WriteError::Driver(error) => Self::SqlState(error.code().unwrap().code().to_owned()),
            other => panic!("{other}"),
        }
    }
}

impl Twins {
    pub(crate) async fn new() -> Self {
        Self::with(builder().combinations().coverage().build().unwrap()).await
    }

    pub(crate) async fn with(model: UsageModel) -> Self {
        let (sqlx, tokio) = (Portal::with(model.clone()).await, Portal::with(model).await);
        let client = connect(&tokio).await;
        Self { sqlx, tokio, client }
    }

    pub(crate) async fn filled() -> Self {
        let mut twins = Self::new().await;
        twins.replace("", &batch(1)).await.unwrap();
        twins
    }

    pub(crate) fn model(&self) -> &UsageModel {
        &self.sqlx.model
    }

    /// Reads a chart by both drivers, requires equal rows and gives them.
    pub(crate) async fn agree<C: Chart>(&self, chart: &C) -> Vec<C::Row>
    where
        C::Row: Listed,
    {
        let by_sqlx = self.sqlx.rows(chart).await;
        // what a reviewer pastes into psql runs as well
        let pasted = self.model().query(chart).unwrap().to_string();
        sqlx::raw_sql(sqlx::AssertSqlSafe(pasted)).execute(&self.sqlx.pool).await.unwrap();
        let query = self.model().query(chart).unwrap().into_tokio_postgres();
        self.check_types(query.sql(), &query.types()).await;
        let rows = self.client.query_typed(query.sql(), &query.params()).await.unwrap();
        assert_eq!(by_sqlx, query.decode(&rows).unwrap());
        let prepared = self.client.prepare_typed(query.sql(), &query.types()).await.unwrap();
        let rows = self.client.query(&prepared, &query.values()).await.unwrap();
        assert_eq!(by_sqlx, query.decode(&rows).unwrap());
        assert!(!by_sqlx.is_empty(), "the comparison compares nothing");
        by_sqlx
    }

    /// Runs an ingest by both drivers, each after `first` in its own transaction; requires equal outcomes, equal
    /// errors and equal tables.
    pub(crate) async fn replace(&mut self, first: &str, batch: &UsageBatch) -> Result<Outcome, Refusal> {
        let replace = self.model().replace(batch).unwrap();
        self.run(first, replace).await
    }

    pub(crate) async fn run(&mut self, first: &str, ingest: Ingest) -> Result<Outcome, Refusal> {
        for statement in ingest.statements() {
            let statement = statement.into_tokio_postgres();
            self.check_types(statement.sql(), &statement.types()).await;
        }
        let mut transaction = self.sqlx.pool.begin().await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(first)).execute(&mut *transaction).await.unwrap();
        let by_sqlx = ingest.clone().run_sqlx(&mut transaction).await.map_err(Refusal::of_sqlx);
        if by_sqlx.is_ok() {
            transaction.commit().await.unwrap();
        } else {
            transaction.rollback().await.unwrap();
        }

        let mut transaction = self.client.transaction().await.unwrap();
        transaction.batch_execute(first).await.unwrap();
        let by_tokio = ingest.run_tokio_postgres(&mut transaction).await.map_err(Refusal::of_tokio_postgres);
        if by_tokio.is_ok() {
            transaction.commit().await.unwrap();
        } else {
            transaction.rollback().await.unwrap();
        }

        assert_eq!(by_sqlx, by_tokio);
        self.check_tables().await;
        by_sqlx
    }

    /// Runs a removal by both drivers; requires equal outcomes and equal tables.
    pub(crate) async fn remove(&mut self, removal: Removal) -> Outcome {
        for statement in removal.statements() {
            let statement = statement.into_tokio_postgres();
            self.check_types(statement.sql(), &statement.types()).await;
        }
        let by_sqlx = self.sqlx.remove(removal.clone()).await;
        let mut transaction = self.client.transaction().await.unwrap();
        let by_tokio = removal.run_tokio_postgres(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(by_sqlx, by_tokio);
        self.check_tables().await;
        by_sqlx
    }

    /// Reads what the tables contradict each other in by both drivers, and requires it equal.
    pub(crate) async fn reconcile(&self, days: Range<NaiveDate>) -> Vec<Violation> {
        let query = || self.model().reconcile(days.clone()).unwrap();
        let by_sqlx = query().into_sqlx().fetch_all(&self.sqlx.pool).await.unwrap();
        let query = query().into_tokio_postgres();
        self.check_types(query.sql(), &query.types()).await;
        let rows = self.client.query_typed(query.sql(), &query.params()).await.unwrap();
        assert_eq!(by_sqlx, query.decode(&rows).unwrap());
        by_sqlx
    }

    pub(crate) async fn check_tables(&self) {
        // where the model has coverage
        let coverage = self.model().coverage([port(1)]).ok().map(|_| COVERAGE);
        for table in [QUERY_STATS, TOUCH_STATS, COMBINATION_STATS].into_iter().chain(coverage) {
            assert_eq!(self.sqlx.contents(table).await, self.tokio.contents(table).await);
        }
    }

    /// The server would infer the types that the statement declares, so plain `query` and `execute` work too.
    async fn check_types(&self, sql: &str, declared: &[tokio_postgres::types::Type]) {
        let inferred = self.client.prepare(sql).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
        assert_eq!(inferred.params(), declared, "{sql}");
    }
}

pub(crate) async fn connect(portal: &Portal) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(portal.database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// 40 days of 4 output ports, 13 consumers and 5 tech assets; another seed gives other counts and other gaps.
pub(crate) fn batch(seed: u64) -> UsageBatch {
    let days = day(2026, 1, 1)..day(2026, 2, 10);
    let mut batch = (Vec::new(), Vec::new(), Vec::new());
    for (number, date) in days.start.iter_days().take_while(|date| *date < days.end).enumerate() {
        let count = |of: u128, by: u128| (number as u64 * 7 + (of as u64) * 3 + (by as u64) * seed) % 6;
        for by in 1..=13 {
            for of in 1..=4 {
                let Some(count) = Some(count(of, by)).filter(|count| *count > 0) else { continue };
                batch.0.push(queries(date, port(of), consumer(by), count));
                batch.1.push(touches(date, port(of), asset(of), consumer(by), count));
                batch.1.push(touches(date, port(of), asset(5 + by % 3), consumer(by), 1));
            }
            for (smaller, larger) in [(1, 2), (1, 4), (2, 3)] {
                let both = count(smaller, by).min(count(larger, by));
                if both > 0 {
                    batch.2.push(Combination::new(date, port(smaller), port(larger), consumer(by), both));
                }
            }
        }
    }
    UsageBatch::builder(scope(days, (1..=4).map(port)))
        .queries(batch.0)
        .touches(batch.1)
        .combinations(batch.2)
        .build()
}
