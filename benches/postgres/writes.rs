//! Writes into the loaded tables 1 and 2, each in a transaction of its own.
//!
//! Every first load is of days that no other has, with the rows of the last three days of the data; so nothing has to
//! be undone, and methods take turns.

mod method;
mod run;
mod sample;
mod values;

use std::ops::Range;

use anyhow::{Context, Result};
use chrono::{Days, NaiveDate};
use indicatif::ProgressBar;
use output_port_usage::UsageModel;
use sqlx::postgres::PgConnection;

use crate::data::{DAYS, Portal, end};
pub(crate) use method::Method;
use run::Tables;
use sample::Facts;
pub(crate) use sample::Sample;

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Days that the tables do not have.
    First { days: usize },
    /// Three days that they have, of which so many per cent of the queries, with their touches, have other counts.
    Again { changed: u32 },
    /// So many days into empty tables.
    History { days: usize },
}

/// One task by one method in every round.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) task: Task,
    pub(crate) method: Method,
    pub(crate) samples: Vec<Sample>,
}

/// The same tables as different hosts declare them.
#[derive(Debug)]
pub(crate) struct Models {
    pub(crate) keyless: UsageModel,
    /// With foreign keys.
    pub(crate) keyed: UsageModel,
    /// In a schema of its own, to start empty.
    pub(crate) fresh: UsageModel,
}

struct Writes<'a> {
    template: Vec<Facts>,
    /// The first day that nobody has written.
    next: NaiveDate,
    models: &'a Models,
    connection: &'a mut PgConnection,
    series: Vec<Series>,
}

/// Rounds of a first load and of a re-ingest.
pub(crate) const ROUNDS: usize = 5;
/// Rounds and days of a history.
const HISTORIES: usize = 3;
const HISTORY: usize = 30;

pub(crate) fn steps() -> u64 {
    let first = Method::FIRST.len() * 2;
    let again = (Method::AGAIN.len() + 1) * 3;
    ((first + again) * ROUNDS + Method::HISTORY.len() * HISTORIES) as u64
}

pub(crate) async fn measure(
    portal: &Portal,
    models: &Models,
    connection: &mut PgConnection,
    bar: &ProgressBar,
) -> Result<Vec<Series>> {
    // a Monday to a Wednesday
    let template = (DAYS - 3..DAYS).map(|number| Facts::from(portal.day(number))).collect();
    let mut writes = Writes { template, next: end(), models, connection, series: Vec::new() };
    let mut windows: Vec<(Method, Range<NaiveDate>)> = Vec::new();
    for days in [1, 3] {
        for round in 0..ROUNDS {
            for method in in_turn(&Method::FIRST, round) {
                let window = writes.first(method, days).await?;
                bar.inc(1);
                if days == 3 {
                    windows.push((method, window));
                }
            }
        }
    }
    for changed in [0, 2, 100] {
        for statement in models.keyless.vacuum() {
            statement.into_sqlx().execute(&mut *writes.connection).await?;
        }
        for round in 0..ROUNDS {
            for method in in_turn(&Method::AGAIN, round) {
                let of = windows.iter().filter(|(first, _)| *first == method.first());
                let window = of.map(|(_, window)| window).nth(round).expect("a window of each round");
                writes.again(method, changed, window.clone()).await?;
                bar.inc(1);
            }
            // what the others are compared with, in the same round
            writes.copied(changed).await?;
            bar.inc(1);
        }
    }
    let days = DAYS - HISTORY as u64..DAYS;
    let facts: Vec<Facts> = days.map(|number| Facts::from(portal.day(number))).collect();
    for round in 0..HISTORIES {
        for method in in_turn(&Method::HISTORY, round) {
            writes.history(method, &facts).await?;
            bar.inc(1);
        }
    }
    Ok(writes.series)
}

/// None is always after the same other.
fn in_turn(methods: &[Method], round: usize) -> Vec<Method> {
    let mut methods = methods.to_vec();
    let turns = round % methods.len();
    methods.rotate_left(turns);
    methods
}

impl Writes<'_> {
    fn fresh(&mut self, days: usize) -> Range<NaiveDate> {
        let window = self.next..self.next + Days::new(days as u64);
        self.next = window.end;
        window
    }

    /// The rows of so many days, on the days of the window.
    fn facts(&self, window: &Range<NaiveDate>, changed: u32) -> Vec<Facts> {
        let days = window.start.iter_days().take_while(|day| *day < window.end);
        days.zip(&self.template).map(|(day, facts)| facts.on(day, changed)).collect()
    }

    async fn first(&mut self, method: Method, days: usize) -> Result<Range<NaiveDate>> {
        let window = self.fresh(days);
        self.write(Task::First { days }, method, &window, 0).await?;
        Ok(window)
    }

    async fn again(&mut self, method: Method, changed: u32, window: Range<NaiveDate>) -> Result<()> {
        // 2 % and then 100 % of what the first load wrote
        self.write(Task::Again { changed }, method, &window, changed).await
    }

    /// COPY of three fresh days into the keyed table, under the name of the re-ingest.
    async fn copied(&mut self, changed: u32) -> Result<()> {
        let window = self.fresh(3);
        self.write(Task::Again { changed }, Method::CopyKeyed, &window, 0).await
    }

    async fn write(
        &mut self,
        task: Task,
        method: Method,
        window: &Range<NaiveDate>,
        changed: u32,
    ) -> Result<()> {
        let facts = self.facts(window, changed);
        let model = if method.has_foreign_keys() { &self.models.keyed } else { &self.models.keyless };
        let tables = Tables { model, copy: run::COPY_KEYED };
        self.run(task, method, window, &facts, tables).await
    }

    async fn history(&mut self, method: Method, facts: &[Facts]) -> Result<()> {
        let models = self.models;
        for statement in models.fresh.drop_tables().into_iter().chain(models.fresh.create_tables()) {
            statement.into_sqlx().execute(&mut *self.connection).await?;
        }
        let tables = Tables { model: &models.fresh, copy: run::COPY_FRESH };
        let window = facts[0].date..end();
        self.run(Task::History { days: facts.len() }, method, &window, facts, tables).await
    }

    async fn run(
        &mut self,
        task: Task,
        method: Method,
        window: &Range<NaiveDate>,
        facts: &[Facts],
        tables: Tables<'_>,
    ) -> Result<()> {
        let what = || format!("{method} of {window:?}");
        let sample = run::run(method, window, facts, tables, self.connection).await.with_context(what)?;
        match self.series.iter_mut().find(|series| (series.task, series.method) == (task, method)) {
            Some(series) => series.samples.push(sample),
            None => self.series.push(Series { task, method, samples: vec![sample] }),
        }
        Ok(())
    }
}
