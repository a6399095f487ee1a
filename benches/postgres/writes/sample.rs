use chrono::NaiveDate;
use output_port_usage::{ConsumerId, OutputPortId, OutputPortQueries, TechAssetId, TechAssetTouches};

use crate::copy;
use crate::data::day::{Day, Fact};

/// One write, measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Rows of both tables that were handed over.
    pub(crate) rows: u64,
    pub(crate) seconds: f64,
    pub(crate) wal_bytes: i64,
    /// Rows inserted, updated and deleted, as the statistics of the transaction count them.
    pub(crate) versions: i64,
}

/// A day of tables 1 and 2.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) date: NaiveDate,
    pub(super) queries: Vec<Fact<2>>,
    pub(super) touches: Vec<Fact<3>>,
}

impl From<Day> for Facts {
    fn from(day: Day) -> Self {
        Self { date: day.date, queries: day.queries, touches: day.touches }
    }
}

impl Facts {
    /// The same on another day; so many per cent of the consumers have more queries, which read every asset that
    /// the others read.
    pub(super) fn on(&self, date: NaiveDate, changed: u32) -> Self {
        let mut facts = Self { date, ..self.clone() };
        // of every consumer's bytes, which are random: the same rows each time
        let changes = |id: uuid::Uuid, port: uuid::Uuid| {
            let [.., low, high] = *id.as_bytes();
            let [.., port] = *port.as_bytes();
            (u32::from(low) * 7 + u32::from(high) * 31 + u32::from(port) * 13) % 100 < changed
        };
        // 100 % after 2 % changes those again
        let more = if changed == 100 { 2 } else { 1 };
        for fact in &mut facts.queries {
            fact.count += more * u32::from(changes(fact.ids[1], fact.ids[0]));
        }
        for fact in &mut facts.touches {
            fact.count += more * u32::from(changes(fact.ids[2], fact.ids[0]));
        }
        facts
    }

    pub(super) fn rows(&self) -> u64 {
        (self.queries.len() + self.touches.len()) as u64
    }

    pub(super) fn copies(&self) -> [Vec<u8>; 2] {
        [copy::facts(self.date, &self.queries), copy::facts(self.date, &self.touches)]
    }

    pub(super) fn output_port_queries(&self) -> impl Iterator<Item = OutputPortQueries> {
        self.queries.iter().map(|fact| {
            OutputPortQueries::new(
                self.date,
                OutputPortId(fact.ids[0]),
                ConsumerId(fact.ids[1]),
                fact.count.into(),
            )
        })
    }

    pub(super) fn tech_asset_touches(&self) -> impl Iterator<Item = TechAssetTouches> {
        self.touches.iter().map(|fact| {
            TechAssetTouches::new(
                self.date,
                OutputPortId(fact.ids[0]),
                TechAssetId(fact.ids[1]),
                ConsumerId(fact.ids[2]),
                fact.count.into(),
            )
        })
    }
}
