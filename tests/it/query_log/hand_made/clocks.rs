//! Which day a start belongs to.

use output_port_usage::query_log::Record;

use super::{Case, case, days, mapping, read};

/// One read of A at each start, with its position as query id.
fn reads_at(starts: &[&str]) -> Vec<Record> {
    starts.iter().enumerate().map(|(i, start)| read(&format!("q{i}"), start, &["DB.S.A"])).collect()
}

/// The edges of a window, and days that are not 24 hours from midnight to midnight.
pub(super) fn cases() -> Vec<Case> {
    [windows(), clocks(), calendars()].into_iter().flatten().collect()
}

fn windows() -> Vec<Case> {
    vec![
        Case {
            queries: &["2026-03-10 P1 C1 2"],
            touches: &["2026-03-10 P1 A1 C1 2"],
            ..case(
                "the first instant of the window is in it and the last is not",
                mapping(),
                reads_at(&[
                    "2026-03-09T23:59:59.999999999Z",
                    "2026-03-10T00:00:00Z",
                    "2026-03-10T23:59:59.999999999Z",
                    "2026-03-11T00:00:00Z",
                ]),
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 1"],
            touches: &["2026-03-10 P1 A1 C1 1"],
            ..case(
                "the usage date is the local day, whatever offset the log is written in",
                mapping().time_zone("Europe/Brussels"),
                reads_at(&["2026-03-10T23:30:00Z", "2026-03-09T15:30:00-08:00"]),
            )
        },
    ]
}

/// Days on which clocks are put forward or back.
fn clocks() -> Vec<Case> {
    vec![
        Case {
            days: days("2026-03-29", "2026-03-30"),
            queries: &["2026-03-29 P1 C1 2"],
            touches: &["2026-03-29 P1 A1 C1 2"],
            ..case(
                "a day of 23 hours",
                mapping().time_zone("Europe/Brussels"),
                reads_at(&[
                    "2026-03-28T22:59:59Z",
                    "2026-03-28T23:00:00Z",
                    "2026-03-29T21:59:59Z",
                    "2026-03-29T22:00:00Z",
                ]),
            )
        },
        Case {
            days: days("2026-10-25", "2026-10-26"),
            queries: &["2026-10-25 P1 C1 2"],
            touches: &["2026-10-25 P1 A1 C1 2"],
            ..case(
                "a day of 25 hours",
                mapping().time_zone("Europe/Brussels"),
                reads_at(&[
                    "2026-10-24T21:59:59Z",
                    "2026-10-24T22:00:00Z",
                    "2026-10-25T22:59:59Z",
                    "2026-10-25T23:00:00Z",
                ]),
            )
        },
        Case {
            days: days("2026-03-07", "2026-03-09"),
            queries: &["2026-03-07 P1 C1 1", "2026-03-08 P1 C1 2"],
            touches: &["2026-03-07 P1 A1 C1 1", "2026-03-08 P1 A1 C1 2"],
            ..case(
                "in Havana a day starts at 01:00",
                mapping().time_zone("America/Havana"),
                reads_at(&[
                    "2026-03-08T04:59:59Z",
                    "2026-03-08T05:00:00Z",
                    "2026-03-09T03:59:59Z",
                    "2026-03-09T04:00:00Z",
                ]),
            )
        },
        Case {
            days: days("2025-11-02", "2025-11-03"),
            queries: &["2025-11-02 P1 C1 3"],
            touches: &["2025-11-02 P1 A1 C1 3"],
            ..case(
                "in Havana a day has two midnights",
                mapping().time_zone("America/Havana"),
                reads_at(&[
                    "2025-11-02T03:59:59Z",
                    "2025-11-02T04:00:00Z",
                    "2025-11-02T05:00:00Z",
                    "2025-11-03T04:59:59Z",
                    "2025-11-03T05:00:00Z",
                ]),
            )
        },
        Case {
            days: days("2026-04-24", "2026-04-25"),
            queries: &["2026-04-24 P1 C1 2"],
            touches: &["2026-04-24 P1 A1 C1 2"],
            ..case(
                "in Cairo a day has no midnight",
                mapping().time_zone("Africa/Cairo"),
                reads_at(&[
                    "2026-04-23T21:59:59Z",
                    "2026-04-23T22:00:00Z",
                    "2026-04-24T20:59:59Z",
                    "2026-04-24T21:00:00Z",
                ]),
            )
        },
        Case {
            days: days("2026-10-29", "2026-10-30"),
            queries: &["2026-10-29 P1 C1 2"],
            touches: &["2026-10-29 P1 A1 C1 2"],
            ..case(
                "in Cairo the clock is put back at midnight into the day that ends",
                mapping().time_zone("Africa/Cairo"),
                reads_at(&[
                    "2026-10-28T20:59:59Z",
                    "2026-10-29T21:00:00Z", // 23:00 once more
                    "2026-10-29T21:59:59Z",
                    "2026-10-29T22:00:00Z",
                ]),
            )
        },
    ]
}

/// Zones that left out a day, or went back over midnight.
fn calendars() -> Vec<Case> {
    vec![
        Case {
            days: days("2011-12-29", "2012-01-01"),
            queries: &["2011-12-29 P1 C1 1", "2011-12-31 P1 C1 1"],
            touches: &["2011-12-29 P1 A1 C1 1", "2011-12-31 P1 A1 C1 1"],
            ..case(
                "in Apia one day follows the day before yesterday",
                mapping().time_zone("Pacific/Apia"),
                reads_at(&["2011-12-30T09:59:59Z", "2011-12-30T10:00:00Z"]),
            )
        },
        Case {
            days: days("2011-12-30", "2011-12-31"),
            ..case(
                "in Apia the day that never was has no queries",
                mapping().time_zone("Pacific/Apia"),
                reads_at(&["2011-12-30T09:59:59Z", "2011-12-30T10:00:00Z"]),
            )
        },
        Case {
            days: days("2010-11-07", "2010-11-08"),
            queries: &["2010-11-07 P1 C1 2"],
            touches: &["2010-11-07 P1 A1 C1 2"],
            ..case(
                "in St. John's an hour of yesterday comes back after today has begun",
                mapping().time_zone("America/St_Johns"),
                reads_at(&[
                    "2010-11-07T02:29:59Z", // 23:59:59 of the 6th
                    "2010-11-07T02:30:30Z", // 00:00:30 of the 7th
                    "2010-11-07T02:31:00Z", // 23:01:00 of the 6th
                    "2010-11-07T03:30:00Z", // 00:00:00 of the 7th
                ]),
            )
        },
    ]
}
