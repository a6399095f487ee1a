//! A portal that the tests know: three output ports that are read, one that is not, and an outage.

use std::ops::Range;

use chrono::NaiveDate;
use output_port_usage::{
    Combination, ConsumerId, OutputPortId, OutputPortQueries, Scope, TechAssetId, TechAssetTouches,
    UsageBatch,
};
use uuid::Uuid;

/// The last day, which is today for the pages.
pub(crate) const TODAY: &str = "2026-06-30";
/// From the first day to the outage, and from its end to the day after today.
const MEASURED: [[&str; 2]; 2] = [["2026-01-01", "2026-05-10"], ["2026-05-20", "2026-07-01"]];

pub(crate) fn date(day: &str) -> NaiveDate {
    day.parse().unwrap()
}

pub(crate) fn port(number: u128) -> OutputPortId {
    OutputPortId(Uuid::from_u128(0x100 + number))
}

pub(crate) fn asset(number: u128) -> TechAssetId {
    TechAssetId(Uuid::from_u128(0x200 + number))
}

pub(crate) fn consumer(number: u128) -> ConsumerId {
    ConsumerId(Uuid::from_u128(0x300 + number))
}

pub(crate) fn domain(number: u128) -> Uuid {
    Uuid::from_u128(0x400 + number)
}

/// As many of each: output port 4 is never read, and neither are its asset 5 and consumer 10.
pub(crate) const PORTS: u128 = 4;
pub(crate) const ASSETS: u128 = 5;
pub(crate) const CONSUMERS: u128 = 10;
pub(crate) const DOMAINS: u128 = 3;

/// The parents of the sample's model. Consumer 9 has no domain.
pub(crate) fn parents() -> Vec<(&'static str, Uuid, String)> {
    let ports = (1..=PORTS).map(|at| ("datasets", port(at).0, format!("Port {at}")));
    let assets = (1..=ASSETS).map(|at| ("technical_assets", asset(at).0, format!("Asset {at}")));
    let consumers = (1..=CONSUMERS).map(|at| ("data_products", consumer(at).0, format!("Consumer {at}")));
    let domains = (1..=DOMAINS).map(|at| ("domains", domain(at), format!("Domain {at}")));
    domains.chain(ports).chain(assets).chain(consumers).collect()
}

/// What the ingest has counted: a batch before the outage and one after it, whose last two days may still rise.
pub(crate) fn batches() -> Vec<UsageBatch> {
    let [before, after] = MEASURED.map(|[from, until]| date(from)..date(until));
    let (before, after) = (batch(before), batch(after));
    vec![before, after.with_unsettled_from(date("2026-06-29"))]
}

fn batch(days: Range<NaiveDate>) -> UsageBatch {
    let (mut queries, mut touches, mut combinations) = (Vec::new(), Vec::new(), Vec::new());
    for day in days.start.iter_days().take_while(|day| *day < days.end) {
        for at in 1..PORTS {
            for who in 1..CONSUMERS {
                let count = count(day, at, who);
                if count == 0 {
                    continue;
                }
                queries.push(OutputPortQueries::new(day, port(at), consumer(who), count));
                touches.push(TechAssetTouches::new(day, port(at), asset(at), consumer(who), count));
                // the fourth asset stands behind the first output port, too
                if at == 1 && count > 1 {
                    touches.push(TechAssetTouches::new(day, port(1), asset(4), consumer(who), count / 2));
                }
            }
        }
        for who in 1..CONSUMERS {
            let both = count(day, 1, who).min(count(day, 2, who)) / 2;
            if both > 0 {
                combinations.push(Combination::new(day, port(1), port(2), consumer(who), both));
            }
        }
    }
    let scope = Scope::new(days, (1..=PORTS).map(port)).unwrap();
    UsageBatch::builder(scope).queries(queries).touches(touches).combinations(combinations).build()
}

/// Thousands by consumer 1, few by 9, none on its Sundays; output port 3 is read less and less.
fn count(day: NaiveDate, port: u128, consumer: u128) -> u64 {
    use chrono::Datelike;
    let number = u64::from(day.num_days_from_ce().unsigned_abs());
    let (port, consumer) = (port as u64, consumer as u64);
    if number % 7 == consumer % 7 {
        return 0;
    }
    let usual = 400 / (consumer * consumer * port) + (number * consumer * 31 + port * 17) % 13;
    if port == 3 { usual * (740_000 - number.min(740_000)) / 1_000 } else { usual }
}
