//! What is asked: one chart of one output port (or of 50), for every way of answering it.

use std::fmt;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::NaiveDate;
use futures_util::future::BoxFuture;
use output_port_usage::chart::*;
use output_port_usage::{Chart, Granularity, OutputPortId, UsageModel};
use sea_query::Values;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::answer::Entry;
use crate::entries;

/// Members before Other.
pub(crate) const TOP: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    OverTime,
    OfPorts,
    Split,
    Distribution,
    ByGroup,
    /// With the previous period.
    Assets,
    CombinedWith,
    Summary,
    Overview,
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) kind: Kind,
    pub(crate) ports: Vec<Uuid>,
    pub(crate) days: Range<NaiveDate>,
    pub(crate) granularity: Granularity,
}

/// How long the answer took, and what it is.
pub(crate) type Timed = (Duration, Vec<Entry>);

/// The library's way: a chart of its own, its statement and its rows.
pub(crate) trait Ours {
    fn parts(&self, model: &UsageModel) -> Result<(String, Values)>;

    /// The time is that of the driver's fetch, rows decoded.
    fn run<'a>(&'a self, model: &UsageModel, to: &'a mut PgConnection) -> BoxFuture<'a, Result<Timed>>;
}

struct Asked<C: Chart> {
    chart: C,
    entries: fn(&C, Vec<C::Row>) -> Vec<Entry>,
}

impl<C: Chart> Ours for Asked<C> {
    fn parts(&self, model: &UsageModel) -> Result<(String, Values)> {
        Ok(model.query(&self.chart)?.into_parts())
    }

    fn run<'a>(&'a self, model: &UsageModel, to: &'a mut PgConnection) -> BoxFuture<'a, Result<Timed>> {
        let query = model.query(&self.chart);
        Box::pin(async move {
            let query = query?;
            let start = Instant::now();
            let rows = query.into_sqlx().persistent(true).fetch_all(to).await.context("one of our charts")?;
            Ok((start.elapsed(), (self.entries)(&self.chart, rows)))
        })
    }
}

fn asked<C: Chart>(chart: C, entries: fn(&C, Vec<C::Row>) -> Vec<Entry>) -> Box<dyn Ours> {
    Box::new(Asked { chart, entries })
}

impl Request {
    pub(crate) fn new(kind: Kind, port: Uuid, days: Range<NaiveDate>, granularity: Granularity) -> Self {
        Self { kind, ports: vec![port], days, granularity }
    }

    pub(crate) fn ours(&self) -> Box<dyn Ours> {
        let (port, days, top) = (OutputPortId(self.ports[0]), self.days.clone(), TOP as u32);
        let over_time = || QueriesOverTime::new(port, days.clone()).granularity(self.granularity);
        match self.kind {
            Kind::OverTime => asked(over_time(), |_, rows| entries::points(rows)),
            Kind::OfPorts => {
                let ports = self.ports.iter().map(|&port| OutputPortId(port));
                let chart = QueriesOverTime::of_ports(ports, days.clone()).granularity(self.granularity);
                asked(chart, entries::of_ports)
            }
            Kind::Split => asked(over_time().split_by_consumer(top), entries::split),
            Kind::Distribution => {
                asked(QueryDistribution::new(port, days).top(top), |_, rows| entries::slices(rows))
            }
            Kind::ByGroup => {
                asked(QueryDistribution::new(port, days).top(top).by_group(), |_, rows| entries::slices(rows))
            }
            Kind::Assets => {
                let chart = MostPopularAssets::new(port, days).top(top);
                asked(chart.compared_with(Comparison::PreviousPeriod), |_, rows| entries::assets(rows))
            }
            Kind::CombinedWith => {
                asked(MostOftenCombinedWith::new(port, days).top(top), |_, rows| entries::combined(rows))
            }
            Kind::Summary => asked(Summary::new(port, days), |_, rows| entries::summary(rows)),
            Kind::Overview => {
                let chart = Overview::new(port, days).granularity(self.granularity).top(top);
                asked(chart, entries::overview)
            }
        }
    }

    /// As many days right before.
    pub(crate) fn previous(&self) -> Range<NaiveDate> {
        self.days.start - (self.days.end - self.days.start)..self.days.start
    }

    pub(crate) fn unit(&self) -> &'static str {
        match self.granularity {
            Granularity::Week => "week",
            Granularity::Month => "month",
            _ => "day",
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = match (self.days.end - self.days.start).num_days() {
            days if days < 365 => format!("{days} days"),
            days if days < 730 => "1 year".to_owned(),
            days => format!("{} years", days / 365),
        };
        let unit = self.unit();
        match self.kind {
            Kind::OverTime => write!(f, "queries over time, {range} by {unit}"),
            Kind::OfPorts => write!(f, "{} output ports at once, {range} by {unit}", self.ports.len()),
            Kind::Split => write!(f, "split by consumer, {range} by {unit}"),
            Kind::Distribution => write!(f, "distribution by consumer, {range}"),
            Kind::ByGroup => write!(f, "distribution by group, {range}"),
            Kind::Assets => write!(f, "popular assets with previous, {range}"),
            Kind::CombinedWith => write!(f, "most often combined with, {range}"),
            Kind::Summary => write!(f, "summary, {range}"),
            Kind::Overview => write!(f, "overview, {range} by {unit}"),
        }
    }
}
