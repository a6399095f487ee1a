//! What a handler of a chart takes: the page that asks, and the transaction to read in.

use std::ops::Range;

use axum::extract::{FromRequestParts, Query, RawPathParams};
use axum::http::request::Parts;
use axum::response::Response;
use chrono::NaiveDate;
use output_port_usage::chart::{
    Bucket, Chart, Comparison, QueriesOverTime, QueriesOverTimeSplit, QueryDistribution, Row,
    Subject as Counted,
};
use output_port_usage::{Query as Statement, UsageModel};
use serde::Serialize;
use sqlx::PgTransaction;

use crate::answer::{self, Answer, Period};
use crate::asked::{Asked, By, Format};
use crate::csv;
use crate::failure::Failure;
use crate::host::Host;
use crate::parents::Named;
use crate::subject::Subject;

/// The page of a subject that exists.
#[derive(Debug)]
pub(crate) struct Page<S> {
    pub(crate) subject: S,
    pub(crate) asked: Asked,
    /// The subject's own row; the portal has none.
    named: Option<Named>,
    host: Host,
    path: String,
    /// Made once: a request that ends on the next day is still of one.
    days: Range<NaiveDate>,
    transaction: PgTransaction<'static>,
}

impl<S: Subject> FromRequestParts<Host> for Page<S> {
    type Rejection = Failure;

    /// A request that is malformed costs no connection.
    async fn from_request_parts(parts: &mut Parts, host: &Host) -> Result<Self, Failure> {
        let path = RawPathParams::from_request_parts(parts, host).await;
        let path = path.map_err(|rejection| Failure::asked(rejection.body_text()))?;
        let subject = S::of(&path)?;
        let Query(asked) = Query::<Asked>::from_request_parts(parts, host).await?;
        let asked = asked.check()?;

        let mut transaction = host.begin().await?;
        let named = match subject.parent(&host.parents) {
            None => None,
            Some((parent, id)) => match parent.find(&mut transaction, id).await? {
                None => return Err(Failure::not_found(format!("no {} has the id {id}", S::NAME))),
                named => named,
            },
        };
        let (path, days) = (parts.uri.path().to_owned(), asked.days(host.today.date()));
        Ok(Self { subject, asked, named, host: host.clone(), path, days, transaction })
    }
}

impl<S> Page<S> {
    /// Exactly the days that are asked for: what rankings and summaries count.
    pub(crate) fn days(&self) -> Range<NaiveDate> {
        self.days.clone()
    }

    /// The same from the start of the bucket that holds the first of them, for charts over time.
    pub(crate) fn days_over_time(&self) -> Range<NaiveDate> {
        self.asked.granularity().expand_start(self.days())
    }

    pub(crate) fn over_time(&self, subject: impl Into<Counted>) -> QueriesOverTime {
        QueriesOverTime::new(subject, self.days_over_time()).granularity(self.asked.granularity())
    }

    /// Who reads it, by what the page is by.
    pub(crate) fn distribution(&self, subject: impl Into<Counted>) -> QueryDistribution {
        let chart = QueryDistribution::new(subject, self.days()).top(self.asked.top()).with_last_used();
        match self.asked.by() {
            By::Consumer => chart,
            By::Group => chart.by_group(),
        }
    }

    /// A series for each consumer or group, by what the page is by.
    pub(crate) fn split(&self, chart: QueriesOverTime) -> QueriesOverTimeSplit {
        match self.asked.by() {
            By::Consumer => chart.split_by_consumer(self.asked.top()),
            By::Group => chart.split_by_group(self.asked.top()),
        }
    }

    /// The rows of any chart: one statement.
    pub(crate) async fn rows<C: Chart>(&mut self, chart: &C) -> Result<Vec<C::Row>, Failure> {
        self.fetch(self.host.model.query(chart)?).await
    }

    /// The rows of any other query of the library.
    pub(crate) async fn fetch<R: Row>(&mut self, query: Statement<R>) -> Result<Vec<R>, Failure> {
        Ok(query.into_sqlx().fetch_all(&mut *self.transaction).await?)
    }

    pub(crate) fn model(&self) -> &UsageModel {
        &self.host.model
    }

    /// Answers with what the subject is called.
    pub(crate) async fn name(self) -> Result<Response, Failure> {
        self.transaction.commit().await?;
        answer::json(&self.named)
    }

    /// Answers with a chart of the page's days.
    pub(crate) async fn chart<C: Chart>(self, chart: C) -> Result<Response, Failure> {
        let days = self.days();
        self.answer(chart, Period { days: days.into(), previous: None, buckets: None }).await
    }

    /// The same, compared with earlier days if the page is.
    pub(crate) async fn compared<C: Chart, D: Chart>(
        self,
        chart: C,
        with: impl FnOnce(C, Comparison) -> D,
    ) -> Result<Response, Failure> {
        let days = self.days();
        self.compared_over(chart, with, days, None).await
    }

    /// The same for a ranking, with what was used only in the earlier days if the page asks for it.
    pub(crate) async fn ranked<C: Chart, D: Chart>(
        self,
        chart: C,
        with: impl FnOnce(C, Comparison) -> D,
        gone: impl FnOnce(D) -> D,
    ) -> Result<Response, Failure> {
        let include = self.asked.gone();
        let with = |chart, comparison| {
            let compared = with(chart, comparison);
            if include { gone(compared) } else { compared }
        };
        self.compared(chart, with).await
    }

    /// The same for a chart over time, with its axis.
    pub(crate) async fn compared_over_time<C: Chart, D: Chart>(
        self,
        chart: C,
        with: impl FnOnce(C, Comparison) -> D,
    ) -> Result<Response, Failure> {
        let days = self.days_over_time();
        let buckets = self.over_time(Counted::Portal).buckets()?;
        self.compared_over(chart, with, days, Some(buckets)).await
    }

    /// Answers as a chart over time does that has no rows.
    pub(crate) fn without_rows<R: Serialize>(self) -> Result<Response, Failure> {
        let period = Period {
            days: self.days_over_time().into(),
            previous: None,
            buckets: Some(self.over_time(Counted::Portal).buckets()?),
        };
        match self.asked.format() {
            Format::Json => answer::json(&Answer::<R> { period, rows: Vec::new() }),
            Format::Csv => csv::file(&self.path, &[]),
        }
    }

    async fn compared_over<C: Chart, D: Chart>(
        self,
        chart: C,
        with: impl FnOnce(C, Comparison) -> D,
        days: Range<NaiveDate>,
        buckets: Option<Vec<Bucket>>,
    ) -> Result<Response, Failure> {
        match self.asked.comparison() {
            None => self.answer(chart, Period { days: days.into(), previous: None, buckets }).await,
            Some(comparison) => {
                let previous = Some(comparison.days(&days)?.into());
                self.answer(with(chart, comparison), Period { days: days.into(), previous, buckets }).await
            }
        }
    }

    async fn answer<C: Chart>(mut self, chart: C, period: Period) -> Result<Response, Failure> {
        let rows = self.rows(&chart).await?;
        self.transaction.commit().await?;
        match self.asked.format() {
            Format::Json => answer::json(&Answer { period, rows }),
            Format::Csv => csv::file(&self.path, &chart.records(&rows)?),
        }
    }
}
