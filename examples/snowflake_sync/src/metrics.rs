//! Metrics for Prometheus, as a file that the textfile collector of node_exporter reads.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use chrono::NaiveTime;

use crate::failure::{Exit, Failure};
use crate::summary::Summary;

const LAST_SUCCESS: &str = "snowflake_sync_last_success_timestamp_seconds";
const GAP_DAYS: &str = "snowflake_sync_gap_days";
const SETTLED_DAY: &str = "snowflake_sync_settled_day_timestamp_seconds";

/// Puts the metrics of a run in place of those of the last, all at once.
pub(crate) fn write(file: &Path, summary: &Summary, exit: u8) -> Result<(), Failure> {
    let before = fs::read_to_string(file).unwrap_or_default();
    let text = text(summary, exit, &before);
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

/// The lines of a metric, with what describes it.
fn lines_of(text: &str, metric: &str) -> String {
    let is_of_metric = |line: &&str| {
        let described = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# TYPE "));
        let rest = described.unwrap_or(line).strip_prefix(metric);
        rest.is_some_and(|rest| rest.starts_with([' ', '{']))
    };
    text.lines().filter(is_of_metric).fold(String::new(), |lines, line| lines + line + "\n")
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

/// A run that failed is no reason to forget when one last went well, and how the coverage was then.
fn text(summary: &Summary, exit: u8, before: &str) -> String {
    let mut metrics = Metrics(String::new());
    let began = summary.began.timestamp();
    metrics.one("snowflake_sync_last_run_timestamp_seconds", "When the last run began.", began);
    let success = if exit == 0 { Some(began) } else { value_of(before, LAST_SUCCESS) };
    if let Some(success) = success {
        metrics.one(LAST_SUCCESS, "When the last run began that ended with 0.", success);
    }
    metrics.one("snowflake_sync_exit_code", "How the last run ended; 0 is well.", exit).one(
        "snowflake_sync_duration_seconds",
        "How long the last run took.",
        format!("{:.3}", summary.seconds()),
    );
    if let Some(standing) = summary.standing {
        metrics
            .gauge(GAP_DAYS, "Days of output ports that are still to be counted.")
            .value(GAP_DAYS, "{reason=\"never_measured\"}", standing.never_measured)
            .value(GAP_DAYS, "{reason=\"other_rules\"}", standing.other_rules);
        if let Some(day) = standing.settled {
            let day = day.and_time(NaiveTime::MIN).and_utc().timestamp();
            let help =
                "The last settled day of the output port that is furthest behind, as its midnight in UTC.";
            metrics.one(SETTLED_DAY, help, day);
        }
    } else {
        metrics.0 += &lines_of(before, GAP_DAYS);
        metrics.0 += &lines_of(before, SETTLED_DAY);
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
        let help = "Of the last days: queries by users that no mapping knows, and reads of objects that none knows, \
            one for each query and object.";
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
    use crate::summary::Standing;

    #[test]
    fn a_failed_run_remembers_the_last_that_went_well() {
        let file = std::env::temp_dir().join(format!("snowflake-sync-{}.prom", std::process::id()));
        let mut summary = Summary::begin();
        let settled = chrono::NaiveDate::from_ymd_opt(2026, 3, 3);
        summary.standing = Some(Standing { settled, never_measured: 7, other_rules: 2 });
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
        assert_eq!(value_of(&text, "snowflake_sync_gap_days{reason=\"never_measured\"}"), Some(7));
        assert_eq!(value_of(&text, "snowflake_sync_gap_days{reason=\"other_rules\"}"), Some(2));
        // midnight of 3 March 2026
        assert_eq!(value_of(&text, SETTLED_DAY), Some(1_772_496_000));
        assert_eq!(text.matches("# HELP snowflake_sync_gap_days ").count(), 1);
        let failure = write(Path::new("/no/such/folder/sync.prom"), &later, 0).unwrap_err();
        assert!(failure.to_string().contains("/no/such/folder/sync.prom"), "{failure}");
    }
}
