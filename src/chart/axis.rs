//! The time axis of a chart, from its request alone.

use super::bucket::Bucket;
use super::buckets::Buckets;
use super::{Overview, QueriesOverTime, QueriesOverTimeOfPorts, QueriesOverTimeSplit};
use crate::error::Error;
use crate::time::Days;

impl QueriesOverTime {
    /// The time axis: every bucket that the days touch, in order.
    ///
    /// ```
    /// # use chrono::NaiveDate;
    /// # use output_port_usage::OutputPortId;
    /// use output_port_usage::Granularity;
    /// use output_port_usage::chart::QueriesOverTime;
    /// # let port = OutputPortId(uuid::Uuid::nil());
    /// let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap();
    ///
    /// // Thursday 1 January to Sunday 11 January
    /// let chart = QueriesOverTime::new(port, day(1, 1)..day(1, 12)).granularity(Granularity::Week);
    /// let axis: Vec<_> = chart.buckets()?.iter().map(|bucket| (bucket.start.to_string(), bucket.partial)).collect();
    /// assert_eq!(axis, [("2025-12-29".to_owned(), true), ("2026-01-05".to_owned(), false)]);
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Days for which the chart's query is an error, too.
    pub fn buckets(&self) -> Result<Vec<Bucket>, Error> {
        Ok(Buckets::new(self.granularity, Days::check(&self.days)?, 1)?.axis())
    }
}

impl QueriesOverTimeSplit {
    /// The time axis of every series: each bucket that the days touch, in order.
    ///
    /// # Errors
    ///
    /// Days for which the chart's query is an error, too.
    pub fn buckets(&self) -> Result<Vec<Bucket>, Error> {
        Ok(self.axis()?.axis())
    }
}

impl QueriesOverTimeOfPorts {
    /// The time axis of every output port: each bucket that the days touch, in order.
    ///
    /// # Errors
    ///
    /// Days for which the chart's query is an error, too.
    pub fn buckets(&self) -> Result<Vec<Bucket>, Error> {
        Ok(self.axis()?.axis())
    }
}

impl Overview {
    /// The time axis of the charts over time: each bucket that the days touch, in order.
    ///
    /// # Errors
    ///
    /// Days for which the overview's query is an error, too.
    pub fn buckets(&self) -> Result<Vec<Bucket>, Error> {
        Ok(self.axis()?.axis())
    }
}
