use super::{Table, spread, thousands};
use crate::goals::{self, Verdict};
use crate::measure::Spread;
use crate::writes::{Method, Series, Task};

pub(super) fn table(series: &[Series]) -> String {
    let mut table = Table::new(&[
        "what",
        "how",
        "rows",
        "rows/s",
        "× COPY into the keyed table",
        "× COPY into a bare heap",
        "WAL bytes a row",
        "row versions",
        "goal",
        "",
    ]);
    let compared = |of: &&Series| !matches!((of.task, of.method), (Task::Again { .. }, Method::CopyKeyed));
    for of in series.iter().filter(compared) {
        let median = |value: fn(&crate::writes::Sample) -> f64| {
            Spread::of(of.samples.iter().map(value).collect()).median
        };
        let keyed = ratio(of, find(series, of.task, Method::CopyKeyed));
        let heap = ratio(of, find(series, of.task, Method::CopyHeap));
        let wal = median(|sample| sample.wal_bytes as f64 / sample.rows as f64);
        let [goal, result] = goals::cell(&verdicts(of, keyed, wal));
        table.row([
            what(of.task),
            of.method.to_string(),
            thousands(of.samples[0].rows as i64),
            thousands(median(|sample| sample.rows as f64 / sample.seconds) as i64),
            keyed.map_or_else(|| "–".to_owned(), spread),
            heap.map_or_else(|| "–".to_owned(), spread),
            format!("{wal:.0}"),
            thousands(median(|sample| sample.versions as f64) as i64),
            goal,
            result,
        ]);
    }
    table.text
}

fn what(task: Task) -> String {
    match task {
        Task::First { days: 1 } => "first load of 1 day".to_owned(),
        Task::First { days } => format!("first load of {days} days"),
        Task::History { days } => format!("{days} days into empty tables"),
        Task::Again { changed } => format!("3 days again, {changed} % changed"),
    }
}

/// The re-ingests have no heap of their own: their 3 days are as many rows as the first load's.
fn find(series: &[Series], task: Task, method: Method) -> Option<&Series> {
    let of = |task| series.iter().find(|series| (series.task, series.method) == (task, method));
    of(task).or_else(|| of(Task::First { days: 3 }))
}

/// Rows a second ÷ rows a second of the same round.
fn ratio(of: &Series, to: Option<&Series>) -> Option<Spread> {
    let rate = |sample: &crate::writes::Sample| sample.rows as f64 / sample.seconds;
    let pairs = of.samples.iter().zip(&to?.samples);
    Some(Spread::of(pairs.map(|(of, to)| rate(of) / rate(to)).collect()))
}

fn verdicts(of: &Series, keyed: Option<Spread>, wal: f64) -> Vec<Verdict> {
    let Some(keyed) = keyed.map(|spread| spread.median) else { return Vec::new() };
    let at_least =
        |least: f64| Verdict::new(format!("≥ {least:.1} × COPY into the keyed table"), keyed >= least);
    match (of.task, of.method) {
        (Task::First { .. }, Method::Upsert { foreign_keys: false }) => vec![at_least(0.5)],
        (Task::Again { changed: 100 }, Method::Replace { foreign_keys: false }) => vec![at_least(0.8)],
        (Task::Again { changed: 2 }, Method::Replace { foreign_keys: false }) => {
            vec![at_least(1.0), Verdict::new("≤ 10 WAL bytes a row", wal <= 10.0)]
        }
        _ => Vec::new(),
    }
}
