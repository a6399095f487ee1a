//! Facts that are the same on every run.

use std::ops::Range;

use chrono::{Days, NaiveDate};
use output_port_usage::{
    Combination, ConsumerId, OutputPortId, OutputPortQueries, Rules, Scope, TechAssetId, TechAssetTouches,
    UsageBatch,
};
use uuid::Uuid;

use crate::portal::{ASSETS, CONSUMERS};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) ports: u128,
    pub(crate) days: u64,
}

impl Size {
    pub(crate) fn ports(self) -> impl Iterator<Item = OutputPortId> {
        (1..=self.ports).map(port)
    }

    /// The samples of the library's own list begin at 1970-01-01 and have 30 days; readings move on by days.
    pub(crate) fn days(self) -> Range<NaiveDate> {
        let until = NaiveDate::default() + Days::new(45);
        until - Days::new(self.days)..until
    }

    /// The last `days` of the history.
    pub(crate) fn last(self, days: u64) -> Range<NaiveDate> {
        let until = self.days().end;
        until - Days::new(days)..until
    }
}

pub(crate) fn port(number: u128) -> OutputPortId {
    OutputPortId(Uuid::from_u128(number))
}

pub(crate) fn consumer(number: u128) -> ConsumerId {
    ConsumerId(Uuid::from_u128(number))
}

pub(crate) fn asset(number: u128) -> TechAssetId {
    TechAssetId(Uuid::from_u128(number))
}

/// Which of two states of the same days: one row in fifty differs or has vanished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    First,
    Changed,
}

/// What is measured of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tables {
    QueriesAndTouches,
    All,
}

/// The facts of a scope, whose combinations name any output port of `size`.
pub(crate) fn batch(size: Size, scope: &Scope, state: State, tables: Tables) -> UsageBatch {
    let (mut queries, mut touches, mut combinations) = (Vec::new(), Vec::new(), Vec::new());
    let days = scope.days();
    for day in days.start.iter_days().take_while(|day| *day < days.end) {
        for number in 1..=size.ports {
            let (of, next) = (port(number), number % size.ports + 1);
            for by in 1..=CONSUMERS {
                let count = count(day, number, by, state);
                if count == 0 {
                    continue;
                }
                if scope.contains(day, of) {
                    queries.push(OutputPortQueries::new(day, of, consumer(by), count));
                    // the first is read by every query, the second by some
                    for (offset, count) in [(0, count), (1, count / 2)] {
                        let of_port = asset((number + offset) % ASSETS + 1);
                        if count > 0 {
                            touches.push(TechAssetTouches::new(day, of, of_port, consumer(by), count));
                        }
                    }
                }
                let both = count.min(self::count(day, next, by, state)) / 2;
                if both > 0 && (scope.contains(day, of) || scope.contains(day, port(next))) {
                    let pair = (number.min(next), number.max(next));
                    combinations.push(Combination::new(day, port(pair.0), port(pair.1), consumer(by), both));
                }
            }
        }
    }
    let rules = Rules::new(scope.output_ports().iter().map(|port| (*port, Uuid::from_u128(7))));
    let batch = UsageBatch::builder(scope.clone()).queries(queries).touches(touches).rules(rules);
    match tables {
        Tables::QueriesAndTouches => batch.build(),
        Tables::All => batch.combinations(combinations).build(),
    }
}

/// A consumer's queries of an output port on a day: none on three days of four.
fn count(day: NaiveDate, port: u128, by: u128, state: State) -> u64 {
    let days = day.signed_duration_since(NaiveDate::default()).num_days();
    let seed = (days + 100_000).unsigned_abs() * 1_000_003 + (port * 211 + by) as u64;
    let mut random = fastrand::Rng::with_seed(seed);
    let count = if random.u8(..4) == 0 { random.u64(1..30) } else { 0 };
    match (state, random.u8(..50)) {
        (State::Changed, 0) => random.u64(0..30),
        _ => count,
    }
}
