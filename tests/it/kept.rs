//! Coverage as a plain set of days: what the table, the gaps and every chart's flags are held against.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::NaiveDate;
use output_port_usage::chart::Coverage;
use output_port_usage::*;
use uuid::Uuid;

use crate::fold;

/// What a portal's coverage should hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept(BTreeMap<OutputPortId, OfPort>);

#[derive(Debug, Clone, Default)]
struct OfPort {
    measured: BTreeSet<NaiveDate>,
    settled: BTreeSet<NaiveDate>,
    rules: Option<Uuid>,
    counted: BTreeSet<NaiveDate>,
}

impl Kept {
    /// A scope is stated, settled up to a day, by some rules; how many output ports that changes.
    pub(crate) fn mark(
        &mut self,
        scope: &Scope,
        unsettled_from: Option<NaiveDate>,
        rules: impl Fn(OutputPortId) -> Option<Uuid>,
    ) -> u64 {
        let mut changed = 0;
        for port in scope.output_ports() {
            let there = self.0.contains_key(port);
            let of_port = self.0.entry(*port).or_default();
            let before = format!("{of_port:?}");
            let by = rules(*port);
            if by.is_some() && of_port.rules != by {
                of_port.rules = by;
                of_port.counted.clear();
            }
            for day in fold::days(&scope.days()) {
                of_port.measured.insert(day);
                match unsettled_from.is_some_and(|from| day >= from) {
                    true => of_port.settled.remove(&day),
                    false => of_port.settled.insert(day),
                };
                match by {
                    None => of_port.counted.remove(&day),
                    Some(_) => of_port.counted.insert(day),
                };
            }
            changed += u64::from(!there || format!("{of_port:?}") != before);
        }
        changed
    }

    pub(crate) fn purge(&mut self, before: NaiveDate) -> u64 {
        let mut changed = 0;
        for of_port in self.0.values_mut() {
            changed += u64::from(of_port.measured.iter().any(|day| *day < before));
            for days in [&mut of_port.measured, &mut of_port.settled, &mut of_port.counted] {
                days.retain(|day| *day >= before);
            }
        }
        changed
    }

    pub(crate) fn of(&self, port: OutputPortId, days: &Range<NaiveDate>) -> Coverage {
        let nothing = OfPort::default();
        let of_port = self.0.get(&port).unwrap_or(&nothing);
        let all: Vec<NaiveDate> = fold::days(days).collect();
        let measured = all.iter().filter(|day| of_port.measured.contains(day)).count();
        let settled = all.iter().filter(|day| of_port.settled.contains(day)).count();
        // a leap day has no day before it
        if all.is_empty() {
            Coverage::NotMeasured
        } else if settled == all.len() {
            Coverage::Measured
        } else if measured == all.len() {
            Coverage::Unsettled
        } else if measured > 0 {
            Coverage::Partly
        } else {
            Coverage::NotMeasured
        }
    }

    /// The flag of all output ports that were ever measured, each from its first measured day on.
    pub(crate) fn of_all(&self, days: &Range<NaiveDate>) -> Coverage {
        let known: Vec<&OfPort> = self.0.values().filter(|port| !port.measured.is_empty()).collect();
        let on = |day: &NaiveDate, of: fn(&OfPort) -> &BTreeSet<NaiveDate>| {
            let fine = |port: &&OfPort| of(port).contains(day) || Some(day) < port.measured.first();
            known.iter().all(fine) && known.iter().any(|port| port.measured.contains(day))
        };
        let all: Vec<NaiveDate> = fold::days(days).collect();
        if all.is_empty() {
            Coverage::NotMeasured
        } else if all.iter().all(|day| on(day, |port| &port.settled)) {
            Coverage::Measured
        } else if all.iter().all(|day| on(day, |port| &port.measured)) {
            Coverage::Unsettled
        } else if all.iter().any(|day| known.iter().any(|port| port.measured.contains(day))) {
            Coverage::Partly
        } else {
            Coverage::NotMeasured
        }
    }

    /// The flag of each bucket, for its requested days.
    pub(crate) fn of_buckets(
        &self,
        port: OutputPortId,
        days: &Range<NaiveDate>,
        granularity: Granularity,
    ) -> Vec<Coverage> {
        buckets(days, granularity).iter().map(|days| self.of(port, days)).collect()
    }

    /// `(first, last, settled until, missing)`.
    pub(crate) fn report(
        &self,
        port: OutputPortId,
    ) -> (Option<NaiveDate>, Option<NaiveDate>, Option<NaiveDate>, i64) {
        let nothing = OfPort::default();
        let of_port = self.0.get(&port).unwrap_or(&nothing);
        let (first, last) = (of_port.measured.first().copied(), of_port.measured.last().copied());
        let missing = first.zip(last).map_or(0, |(first, last)| {
            first
                .iter_days()
                .take_while(|day| *day <= last)
                .filter(|day| !of_port.measured.contains(day))
                .count()
        });
        (first, last, of_port.settled.last().map(|day| day.succ_opt().unwrap()), missing as i64)
    }

    /// Day by day.
    pub(crate) fn gaps(
        &self,
        scope: &Scope,
        rules: impl Fn(OutputPortId) -> Option<Uuid>,
    ) -> Vec<(OutputPortId, NaiveDate, GapReason)> {
        let nothing = OfPort::default();
        let mut gaps = Vec::new();
        for port in scope.output_ports() {
            let of_port = self.0.get(port).unwrap_or(&nothing);
            for day in fold::days(&scope.days()) {
                let by = rules(*port);
                let by_other = by.is_some() && (of_port.rules != by || !of_port.counted.contains(&day));
                if !of_port.measured.contains(&day) {
                    gaps.push((*port, day, GapReason::NeverMeasured));
                } else if !of_port.settled.contains(&day) {
                    gaps.push((*port, day, GapReason::Unsettled));
                } else if by_other {
                    gaps.push((*port, day, GapReason::OtherRules));
                }
            }
        }
        gaps
    }
}

/// The requested days of each bucket.
pub(crate) fn buckets(days: &Range<NaiveDate>, granularity: Granularity) -> Vec<Range<NaiveDate>> {
    let mut buckets: BTreeMap<NaiveDate, Range<NaiveDate>> = BTreeMap::new();
    for day in fold::days(days) {
        let end = day.succ_opt().unwrap();
        buckets.entry(fold::bucket(granularity, day)).or_insert(day..end).end = end;
    }
    buckets.into_values().collect()
}
