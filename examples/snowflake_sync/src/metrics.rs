//! Metrics for Prometheus, as a file that the textfile collector of node_exporter reads.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use chrono::NaiveTime;

use crate::failure::{Exit, Failure};
use crate::summary::Summary;

const LAST_SUCCESS: &str = "snowflake_sync_last_success_timestamp_seconds";

/// Puts the metrics of a run in place of those of the last, all at once.
pub(crate) fn write(file: &Path, summary: &Summary, exit: u8) -> Result<(), Failure> {
    // a run that failed is no reason to forget when one last went well
    let before = fs::read_to_string(file).ok().and_then(|text| value_of(&text, LAST_SUCCESS));
    let text = text(summary, exit, before);
    let mut beside = file.as_os_str().to_owned();
    // the collector reads names that end with .prom alone
    beside.push(format!(".{}", std::process::id()));
    fs::write(&beside, text).and_then(|()| fs::rename(&beside, file)).map_err(|error| {
        let _ = fs::remove_file(&beside);
        let what = format!("the metrics cannot be written to {}", file.display());
        Failure::new(Exit::Usage, what).because(error)
    })
}

fn value_of(text: &str, metric: &str) -> Option<i64> {
    let line = text.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '))?;
    line.trim().parse().ok()
}

struct Metrics(String);

impl Metrics {
    fn gauge(&mut self, name: &str, help: &str) -> &mut Self {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
        self
    }

    /// A value with labels in braces, or none.
    fn value(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) -> &mut Self {
        let _ = writeln!(self.0, "{name}{labels} {value}");
        self
    }

    fn one(&mut self, name: &str, help: &str, value: impl std::fmt::Display) -> &mut Self {
        self.gauge(name, help).value(name, "", value)
    }
}

fn text(summary: &Summary, exit: u8, last_success: Option<i64>) -> String {
    let mut metrics = Metrics(String::new());
    let began = summary.began.timestamp();
    metrics.one("snowflake_sync_last_run_timestamp_seconds", "When the last run began.", began);
    let success = if exit == 0 { Some(began) } else { last_success };
    if let Some(success) = success {
        metrics.one(LAST_SUCCESS, "When the last run began that ended with 0.", success);
    }
    metrics.one("snowflake_sync_exit_code", "How the last run ended; 0 is well.", exit).one(
        "snowflake_sync_duration_seconds",
        "How long the last run took.",
        format!("{:.3}", summary.seconds()),
    );
    if let Some(standing) = summary.standing {
        let name = "snowflake_sync_gap_days";
        metrics
            .gauge(name, "Days of output ports that are still to be counted.")
            .value(name, "{reason=\"never_measured\"}", standing.never_measured)
            .value(name, "{reason=\"other_rules\"}", standing.other_rules);
        if let Some(day) = standing.settled {
            let day = day.and_time(NaiveTime::MIN).and_utc().timestamp();
            let help = "The last day until which every output port is settled, as its midnight in UTC.";
            metrics.one("snowflake_sync_settled_day_timestamp_seconds", help, day);
        }
    }
    if !summary.written.is_empty() {
        let name = "snowflake_sync_rows";
        metrics.gauge(name, "Rows of the days that the last run wrote.");
        for (table, rows) in summary.tables() {
            for (change, count) in
                [("written", rows.written), ("unchanged", rows.unchanged), ("removed", rows.removed)]
            {
                metrics.value(name, &format!("{{table=\"{table}\",change=\"{change}\"}}"), count);
            }
        }
    }
    if let Some(count) = summary.not_counted {
        let help = "Queries of the last days that no mapping counts.";
        metrics.one("snowflake_sync_not_counted_queries", help, count);
    }
    metrics
        .one(
            "snowflake_sync_unknown_ids",
            "Ids of the mapping that the portal does not know.",
            summary.unknown.len(),
        )
        .0
        .clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_run_remembers_the_last_that_went_well() {
        let file = std::env::temp_dir().join(format!("snowflake-sync-{}.prom", std::process::id()));
        let summary = Summary::begin();
        write(&file, &summary, 0).unwrap();
        let success = summary.began.timestamp();
        let mut later = Summary::begin();
        later.began = summary.began + chrono::TimeDelta::hours(1);
        write(&file, &later, 6).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        fs::remove_file(&file).unwrap();
        assert_eq!(value_of(&text, LAST_SUCCESS), Some(success));
        assert_eq!(value_of(&text, "snowflake_sync_last_run_timestamp_seconds"), Some(success + 3600));
        assert_eq!(value_of(&text, "snowflake_sync_exit_code"), Some(6));
        let failure = write(Path::new("/no/such/folder/sync.prom"), &later, 0).unwrap_err();
        assert!(failure.to_string().contains("/no/such/folder/sync.prom"), "{failure}");
    }
}
