//! Rows in the binary format of `COPY`.
//!
//! The format is [PostgreSQL's](https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4): a header, then
//! for each row the number of its fields and each field's length and bytes, then a trailer; everything in network byte
//! order. A `date` is a count of days since 2000-01-01, a `uuid` its 16 bytes, an `integer` its 4.

use chrono::{Datelike, NaiveDate};

use crate::postgres::rows::Part;

/// Signature, flags and the length of the header's extension, of which there is none.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// The number of fields that no row has.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// About the bytes of a chunk. Drivers copy each into a buffer of their own, so that it bounds what they hold.
const CHUNK: usize = 64 * 1024;

/// The rows of a part of a table, its columns in the order date, ids, count, in chunks of about 64 KiB.
pub(super) struct Chunks<'a> {
    rows: &'a Part,
    next: usize,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Header,
    Rows,
    End,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(rows: &'a Part) -> Self {
        Self { rows, next: 0, stage: Stage::Header }
    }

    fn row(&self, row: usize, out: &mut Vec<u8>) {
        // a table has 4 or 5 columns
        let fields = 2 + self.rows.ids.len() as i16;
        out.extend_from_slice(&fields.to_be_bytes());
        field(out, days_since_2000(self.rows.dates[row]).to_be_bytes());
        for ids in &self.rows.ids {
            field(out, ids[row].into_bytes());
        }
        field(out, self.rows.counts[row].to_be_bytes());
    }
}

impl Iterator for Chunks<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.stage == Stage::End {
            return None;
        }
        let mut chunk = Vec::with_capacity(CHUNK + 128);
        if self.stage == Stage::Header {
            chunk.extend_from_slice(HEADER);
            self.stage = Stage::Rows;
        }
        while self.next < self.rows.counts.len() {
            if chunk.len() >= CHUNK {
                return Some(chunk);
            }
            self.row(self.next, &mut chunk);
            self.next += 1;
        }
        chunk.extend_from_slice(&TRAILER);
        self.stage = Stage::End;
        Some(chunk)
    }
}

fn field<const N: usize>(out: &mut Vec<u8>, bytes: [u8; N]) {
    out.extend_from_slice(&(N as i32).to_be_bytes());
    out.extend_from_slice(&bytes);
}

/// Both calendars are the proleptic Gregorian one; chrono counts from 1 January of year 1, which is its day 1.
fn days_since_2000(date: NaiveDate) -> i32 {
    const FIRST_OF_2000: i32 = 730_120;
    date.num_days_from_ce() - FIRST_OF_2000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_from_the_first_of_2000() {
        // postgres=# SELECT date '0001-01-01' - date '2000-01-01', date '9999-12-31' - date '2000-01-01';
        for (date, days) in [("0001-01-01", -730_119), ("2000-01-01", 0), ("9999-12-31", 2_921_939)] {
            assert_eq!(days_since_2000(date.parse().unwrap()), days, "{date}");
        }
    }
}
