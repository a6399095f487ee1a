//! Time and buffers as the tables grow, and as the range grows.

use anyhow::Result;
use chrono::{Days, NaiveDate};
use output_port_usage::Granularity;
use uuid::Uuid;

use crate::charts;
use crate::cost;
use crate::data::{Portal, first_day};
use crate::measure::{Host, Reading};
use crate::request::{Kind, Request};

/// Days of the charts that are read at every size.
const RANGES: [u64; 2] = [30, 90];

/// What was measured when the table of queries had so many rows.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    pub(crate) rows: u64,
    /// Of the last 30 and 90 days at that time.
    pub(crate) readings: Vec<Reading>,
    /// Buffers of the first 30 days, always the same rows: of the median port and the heavy one.
    pub(crate) same_rows: [u64; 2],
}

pub(crate) fn ports(portal: &Portal) -> [(&'static str, Uuid); 2] {
    [("M", portal.median), ("H", portal.heavy)]
}

impl Checkpoint {
    pub(crate) async fn measure(
        rows: u64,
        until: NaiveDate,
        portal: &Portal,
        host: &mut Host,
    ) -> Result<Self> {
        let mut readings = Vec::new();
        let mut same_rows = [0; 2];
        for ((name, port), buffers) in ports(portal).into_iter().zip(&mut same_rows) {
            let days = first_day()..first_day() + Days::new(30);
            let first = Request::new(Kind::OverTime, port, days, Granularity::Day);
            let (text, values) = first.ours().parts(&host.model)?;
            let [cost] = cost::of([(&text, &values)], &mut host.connection).await?;
            *buffers = cost.buffers;
            for request in RANGES.into_iter().filter_map(|days| charts::recent(port, until, days)) {
                readings.push(host.read(request, name).await?);
            }
        }
        Ok(Self { rows, readings, same_rows })
    }
}
