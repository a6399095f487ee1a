//! The goals of the library's design, and whether a reading meets them.

use crate::answer;
use crate::measure::Reading;
use crate::request::Kind;
use output_port_usage::Granularity;

/// A goal in words, and whether it was met.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) goal: String,
    pub(crate) met: bool,
}

impl Verdict {
    pub(crate) fn new(goal: impl Into<String>, met: bool) -> Self {
        Self { goal: goal.into(), met }
    }
}

/// Queries over time have a goal for their time from so many rows on.
const ENOUGH_ROWS: i64 = 3_000;

pub(crate) fn of(reading: &Reading) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let ratio = reading.floor.ratio.median;
    let (ours, floor) = (reading.ours.median, reading.floor.time.median);
    match reading.request.kind {
        Kind::OverTime if reading.tuples >= ENOUGH_ROWS => {
            verdicts.push(Verdict::new("≤ 1.3 × floor", ratio <= 1.3));
        }
        Kind::Distribution | Kind::ByGroup | Kind::Assets => {
            verdicts.push(Verdict::new("≤ 2 × floor + 0.25 ms", ours <= 2.0 * floor + 0.25));
        }
        Kind::Split | Kind::Overview => {
            if let Some(bare) = &reading.bare {
                let goal = format!("≤ 1.0 × bare GROUP BY ({:.2} ms)", bare.time.median);
                verdicts.push(Verdict::new(goal, bare.ratio.median <= 1.0));
            }
        }
        Kind::OfPorts => verdicts.push(Verdict::new("≤ 1.8 × floor", ratio <= 1.8)),
        _ => {}
    }
    let more = reading.cost.of_facts.saturating_sub(reading.floor.cost.buffers);
    let buckets = match reading.request.granularity {
        // one range
        Granularity::Day => 1,
        granularity => answer::buckets(&reading.request.days, granularity).len() as u64,
    };
    let allowed = match reading.request.kind {
        Kind::OverTime => Some((4 * buckets, "buffers ≤ floor + 4 a bucket")),
        Kind::Split => Some((4 * buckets, "no second scan")),
        Kind::Distribution | Kind::ByGroup | Kind::Assets => Some((5, "buffers ≤ floor + 5")),
        _ => None,
    };
    if let Some((most, goal)) = allowed {
        verdicts.push(Verdict::new(goal, more <= most));
    }
    let cost = reading.cost;
    if (cost.heap_fetches, cost.temp_blocks) != (0, 0) {
        verdicts.push(Verdict::new("no heap fetch, no temporary block", false));
    }
    verdicts
}

/// `met`, or what was missed.
pub(crate) fn cell(verdicts: &[Verdict]) -> [String; 2] {
    let goals: Vec<&str> = verdicts.iter().map(|verdict| verdict.goal.as_str()).collect();
    let missed: Vec<&str> =
        verdicts.iter().filter(|verdict| !verdict.met).map(|verdict| verdict.goal.as_str()).collect();
    let result = match missed.as_slice() {
        [] if verdicts.is_empty() => "–".to_owned(),
        [] => "met".to_owned(),
        missed => format!("**missed** {}", missed.join("; ")),
    };
    [goals.join("; "), result]
}
