//! The facts of one day, and the query log that they are the counts of.

use chrono::{Days, NaiveDate};
use fastrand::Rng;
use uuid::{Builder, Uuid};

use super::{Pair, Port, Portal, first_day};

/// One day's rows, each table's in the order of its key, the log's in the order of time.
#[derive(Debug)]
pub(crate) struct Day {
    pub(crate) date: NaiveDate,
    pub(crate) queries: Vec<Fact<2>>,
    pub(crate) touches: Vec<Fact<3>>,
    pub(crate) combinations: Vec<Fact<3>>,
    pub(crate) log: Vec<LogEntry>,
}

/// Ids and a count: port and consumer; port, asset and consumer; port, port and consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fact<const N: usize> {
    pub(crate) ids: [Uuid; N],
    pub(crate) count: u32,
}

/// One query reading one asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LogEntry {
    /// Seconds since midnight, UTC.
    pub(crate) second: u32,
    pub(crate) query: Uuid,
    pub(crate) port: Uuid,
    pub(crate) asset: Uuid,
    pub(crate) consumer: Uuid,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    second: u32,
    query: Uuid,
}

impl Portal {
    /// The day with this number; of a number past the last day too.
    pub(crate) fn day(&self, number: u64) -> Day {
        let date = first_day() + Days::new(number);
        let mut rng = Rng::with_seed(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
        let counts = self.counts(number, &mut rng);
        // pairs' runs one after the other: `starts[pair]..starts[pair + 1]`
        let mut runs: Vec<Run> = Vec::new();
        let mut starts = Vec::with_capacity(self.pairs.len());
        let mut shared: Vec<u32> = vec![0; self.pairs.len()];
        let mut from: Vec<usize> = vec![0; self.pairs.len()];
        let mut combinations = Vec::new();
        for (index, pair) in self.pairs.iter().enumerate() {
            let count = counts[index];
            starts.push(runs.len());
            for place in 0..count {
                let of_partner = (place < shared[index]).then(|| runs[from[index] + place as usize]);
                runs.push(of_partner.unwrap_or_else(|| run(number, &mut rng)));
            }
            let Some(partner) = pair.partner.filter(|&partner| count > 0 && counts[partner] > 0) else {
                continue;
            };
            if rng.f64() < 0.7 {
                let both = 1 + rng.u32(..count.min(counts[partner]));
                (shared[partner], from[partner]) = (both, starts[index]);
                let ports = [pair.port, self.pairs[partner].port].map(|port| self.ports[port].id);
                let ids = [ports[0], ports[1], self.consumers[pair.consumer]];
                combinations.push(Fact { ids, count: both });
            }
        }
        combinations.sort_unstable();
        let mut day = Day { date, queries: Vec::new(), touches: Vec::new(), combinations, log: Vec::new() };
        for (index, pair) in self.pairs.iter().enumerate().filter(|(index, _)| counts[*index] > 0) {
            let count = counts[index];
            let (port, consumer) = (&self.ports[pair.port], self.consumers[pair.consumer]);
            day.queries.push(Fact { ids: [port.id, consumer], count });
            let runs = &runs[starts[index]..starts[index] + count as usize];
            day.read_assets(port, pair, consumer, runs, &mut rng);
        }
        day.touches.sort_unstable();
        day.log.sort_unstable();
        day
    }

    /// The queries of each pair.
    fn counts(&self, number: u64, rng: &mut Rng) -> Vec<u32> {
        let shares: Vec<f64> = self.ports.iter().map(|port| port.share(number)).collect();
        let mut count = |pair: &Pair| {
            let mut count = u32::from(rng.f64() < pair.activity * shares[pair.port]);
            while count > 0 && count < 50 && rng.f64() < 0.41 {
                count += 1;
            }
            count
        };
        self.pairs.iter().map(&mut count).collect()
    }
}

impl Day {
    /// Most queries read the consumer's usual asset, some another, some a second one.
    fn read_assets(&mut self, port: &Port, pair: &Pair, consumer: Uuid, runs: &[Run], rng: &mut Rng) {
        let mut counts = [0_u32; 8];
        for run in runs {
            let any = |rng: &mut Rng| rng.usize(..port.assets.len());
            let first = if rng.f64() < 0.9 { pair.favourite } else { any(rng) };
            let second = if rng.f64() < 0.15 { any(rng) } else { first };
            for asset in [Some(first), (second != first).then_some(second)].into_iter().flatten() {
                counts[asset] += 1;
                self.log.push(LogEntry {
                    second: run.second,
                    query: run.query,
                    port: port.id,
                    asset: port.assets[asset],
                    consumer,
                });
            }
        }
        for (asset, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            self.touches.push(Fact { ids: [port.id, port.assets[asset], consumer], count });
        }
    }
}

/// A query's second and id; ids grow with time, as Snowflake's do.
fn run(number: u64, rng: &mut Rng) -> Run {
    // two thirds in working hours
    let second = if rng.f64() < 0.67 { 28_800 + rng.u32(..36_000) } else { rng.u32(..86_400) };
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(number * 86_400 + u64::from(second)).to_be_bytes());
    bytes[8..].copy_from_slice(&rng.u64(..).to_be_bytes());
    Run { second, query: Builder::from_bytes(bytes).into_uuid() }
}
