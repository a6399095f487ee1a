//! Rows as binary COPY takes them.
//!
//! <https://www.postgresql.org/docs/current/sql-copy.html>, "Binary Format".

use chrono::NaiveDate;
use uuid::Uuid;

use crate::data::day::{Day, Fact};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const MICROSECONDS: i64 = 1_000_000;

/// A day of each table.
#[derive(Debug)]
pub(crate) struct DayBytes {
    pub(crate) rows: [u64; 4],
    pub(crate) queries: Vec<u8>,
    pub(crate) touches: Vec<u8>,
    pub(crate) combinations: Vec<u8>,
    pub(crate) log: Vec<u8>,
}

impl From<&Day> for DayBytes {
    fn from(day: &Day) -> Self {
        let rows = [day.queries.len(), day.touches.len(), day.combinations.len(), day.log.len()];
        let midnight = i64::from(days(day.date)) * 86_400 * MICROSECONDS;
        let mut log = Rows::with_capacity(day.log.len() * 102);
        for entry in &day.log {
            log.row(5);
            log.uuids(&[entry.query]);
            log.field(&(midnight + i64::from(entry.second) * MICROSECONDS).to_be_bytes());
            log.uuids(&[entry.port, entry.asset, entry.consumer]);
        }
        Self {
            rows: rows.map(|rows| rows as u64),
            queries: facts(day.date, &day.queries),
            touches: facts(day.date, &day.touches),
            combinations: facts(day.date, &day.combinations),
            log: log.finish(),
        }
    }
}

/// `date, id, …, query_count`.
pub(crate) fn facts<const N: usize>(date: NaiveDate, facts: &[Fact<N>]) -> Vec<u8> {
    let mut rows = Rows::with_capacity(facts.len() * (18 + 20 * N));
    let date = days(date).to_be_bytes();
    for fact in facts {
        rows.row(N as i16 + 2);
        rows.field(&date);
        rows.uuids(&fact.ids);
        rows.field(&fact.count.to_be_bytes());
    }
    rows.finish()
}

/// Dates count from 2000.
fn days(date: NaiveDate) -> i32 {
    let epoch = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a date of the calendar");
    i32::try_from((date - epoch).num_days()).expect("a date of this century")
}

struct Rows(Vec<u8>);

impl Rows {
    fn with_capacity(bytes: usize) -> Self {
        let mut rows = Vec::with_capacity(SIGNATURE.len() + bytes + 2);
        rows.extend(SIGNATURE);
        Self(rows)
    }

    fn row(&mut self, fields: i16) {
        self.0.extend(fields.to_be_bytes());
    }

    fn field(&mut self, bytes: &[u8]) {
        self.0.extend((bytes.len() as i32).to_be_bytes());
        self.0.extend(bytes);
    }

    fn uuids(&mut self, ids: &[Uuid]) {
        ids.iter().for_each(|id| self.field(id.as_bytes()));
    }

    fn finish(mut self) -> Vec<u8> {
        self.0.extend((-1_i16).to_be_bytes());
        self.0
    }
}
