//! Rules of a time zone that Snowflake and the library know in different versions.

use chrono::{NaiveDate, TimeDelta};
use output_port_usage::query_log;
use output_port_usage::snowflake::Aggregation;
use snowflake_emulation::Access;

use crate::case;
use crate::hand_made::{mapping, read};

/// British Columbia keeps the time of its summers since 2026. The emulation's rules are of 2025, so there the
/// winter of that year is still an hour further from UTC.
#[test]
fn the_dates_of_the_warehouse_decide_and_pruning_loses_none_of_them() {
    let start = "2026-12-10T07:30:00Z";
    let record = read("q1", start, &["DB.S.A"]);
    let access = Access { record: record.clone(), query_rows: 1, delay: TimeDelta::zero() };
    let attribution = mapping().time_zone("America/Vancouver").build().unwrap();
    let account = case::account();
    account.load([&access]).unwrap();
    let counted = |day: &str, edit: fn(String) -> String| {
        let day: NaiveDate = day.parse().unwrap();
        let days = day..day.succ_opt().unwrap();
        let statement = Aggregation::new(&attribution, days.clone()).usage().unwrap();
        let answer = account.run(&edit(statement.sql()), statement.binds()).unwrap();
        let in_warehouse = statement.decode(case::as_maps(&answer)).unwrap();
        let in_process = query_log::aggregate(&attribution, days, [&record]).unwrap();
        (in_warehouse.queries().len(), in_process.queries().len())
    };
    assert_eq!(counted("2026-12-09", |sql| sql), (1, 0));
    assert_eq!(counted("2026-12-10", |sql| sql), (0, 1));
    let without_slack = |sql: String| sql.replace(" + 21600", "").replace(" - 21600", "");
    assert_eq!(counted("2026-12-09", without_slack), (0, 0), "neither day would have the query");
}
