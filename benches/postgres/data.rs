//! A made-up portal: output ports of skewed sizes, their tech assets and consumers, and who queries what how often.
//!
//! Everything follows from the seed. Days are made one at a time (module [`day`]), so memory does not grow with rows.

pub(crate) mod day;
mod shape;

use std::collections::HashSet;

use chrono::{Datelike, Days, NaiveDate, Weekday};
use fastrand::Rng;
use uuid::{Builder, Uuid};

pub(crate) use shape::Shape;

/// 2023, 2024 and 2025.
pub(crate) const DAYS: u64 = 1096;

/// The fewest output ports: one chart reads 50 of them.
const FEWEST_PORTS: usize = 60;

pub(crate) fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2023, 1, 1).expect("a date of the calendar")
}

/// The day after the last.
pub(crate) fn end() -> NaiveDate {
    first_day() + Days::new(DAYS)
}

#[derive(Debug)]
pub(crate) struct Portal {
    pub(crate) seed: u64,
    /// By id.
    pub(crate) ports: Vec<Port>,
    pub(crate) consumers: Vec<Uuid>,
    pub(crate) domains: Vec<Uuid>,
    /// By output port, then by consumer: the order of the key of queries within a day.
    pub(crate) pairs: Vec<Pair>,
    /// A port of the median size, and one of the 99th percentile; both have all three years.
    pub(crate) median: Uuid,
    pub(crate) heavy: Uuid,
}

#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) id: Uuid,
    pub(crate) assets: Vec<Uuid>,
    /// Days since the first on which it is there.
    from: u64,
    /// A pause of so many days after so many.
    pause: (u64, u64),
}

/// A consumer of an output port.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) port: usize,
    pub(crate) consumer: usize,
    /// How likely it queries on a working day.
    activity: f64,
    /// The asset that it reads most.
    favourite: usize,
    /// Its combinations: the same consumer's pair with a larger output port, by index.
    partner: Option<usize>,
}

impl Portal {
    /// About so many rows of queries in all days.
    pub(crate) fn new(shape: Shape, seed: u64, rows: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut ports: Vec<(Port, Vec<f64>)> = Vec::new();
        let mut expected = 0.0;
        while expected < rows as f64 || ports.len() < FEWEST_PORTS {
            let consumers = match ports.len() {
                0 => shape.quantile(0.5),
                1 => shape.quantile(0.99),
                _ => shape.quantile(rng.f64()),
            };
            let mut port = port(&mut rng);
            if ports.len() < 2 {
                (port.from, port.pause) = (0, (DAYS, 0));
            }
            let activities: Vec<f64> =
                (0..consumers).map(|place| shape.activity(place, consumers, &mut rng)).collect();
            let shares: f64 = (0..DAYS).map(|number| port.share(number)).sum();
            expected += activities.iter().sum::<f64>() * shares;
            ports.push((port, activities));
        }
        let (median, heavy) = (ports[0].0.id, ports[1].0.id);
        ports.sort_by_key(|(port, _)| port.id);
        let mut consumers: Vec<Uuid> = (0..ports.len() * 2 + 300).map(|_| id(&mut rng)).collect();
        consumers.sort();
        let domains = (0..consumers.len() / 20).map(|_| id(&mut rng)).collect();
        let mut pairs = Vec::new();
        for (number, (port, activities)) in ports.iter().enumerate() {
            let mut chosen = HashSet::new();
            while chosen.len() < activities.len() {
                chosen.insert(shape.consumer(consumers.len(), &mut rng));
            }
            let mut chosen: Vec<usize> = chosen.into_iter().collect();
            chosen.sort();
            pairs.extend(chosen.into_iter().zip(activities).map(|(consumer, &activity)| Pair {
                port: number,
                consumer,
                activity,
                favourite: rng.usize(..port.assets.len()),
                partner: None,
            }));
        }
        combine(&mut pairs, consumers.len());
        let ports = ports.into_iter().map(|(port, _)| port).collect();
        Self { seed, ports, consumers, domains, pairs, median, heavy }
    }

    pub(crate) fn consumers_of(&self, port: Uuid) -> usize {
        self.pairs.iter().filter(|pair| self.ports[pair.port].id == port).count()
    }
}

/// Each consumer's output ports, two by two: no output port is in two pairs of one consumer, so no query reads three.
fn combine(pairs: &mut [Pair], consumers: usize) {
    let mut open: Vec<Option<usize>> = vec![None; consumers];
    for index in 0..pairs.len() {
        let consumer = pairs[index].consumer;
        match open[consumer].take() {
            Some(smaller) => pairs[smaller].partner = Some(index),
            None => open[consumer] = Some(index),
        }
    }
}

fn port(rng: &mut Rng) -> Port {
    let assets = 1 + rng.usize(..8);
    // two of five are there from the first day, the others come within two and a half years
    let from = if rng.f64() < 0.4 { 0 } else { rng.u64(..900) };
    let pause = (rng.u64(..DAYS), rng.u64(..30));
    Port { id: id(rng), assets: (0..assets).map(|_| id(rng)).collect(), from, pause }
}

impl Port {
    /// The part of its usual use that a day sees.
    fn share(&self, number: u64) -> f64 {
        let paused = number >= self.pause.0 && number < self.pause.0 + self.pause.1;
        if number < self.from || paused {
            return 0.0;
        }
        let date = first_day() + Days::new(number);
        match date.weekday() {
            _ if (date.month(), date.day()) == (12, 25) => 0.0,
            Weekday::Sat => 0.25,
            Weekday::Sun => 0.15,
            _ => 1.0,
        }
    }
}

fn id(rng: &mut Rng) -> Uuid {
    Builder::from_random_bytes(rng.u128(..).to_be_bytes()).into_uuid()
}
