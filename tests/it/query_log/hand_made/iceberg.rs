//! Reads by external engines, which come as events of Horizon's Iceberg REST catalog.

use output_port_usage::IcebergEvents;
use output_port_usage::query_log::Record;

use super::{Case, NINE, by, case, mapping, read};

/// A call of the catalog by ANA: no statement, so `QUERY_HISTORY` knows neither role nor status.
fn event(id: &str, event_type: &str, table: &str) -> Record {
    let mut record = read(id, NINE, &[table]);
    record.event_source = Some("horizon_irc".into());
    record.irc_event_type = Some(event_type.into());
    record
}

/// A read of the governed table A, which takes a plan that the engine asks for twice; one of C, which is not
/// governed; a table that is written; and statements of SQL.
fn log() -> Vec<Record> {
    let mut statement = read("q1", NINE, &["DB.S.A"]);
    statement.event_source = Some("snowflake_sql".into());
    let mut unknown = event("e7", "", "DB.S.A");
    unknown.event_source = Some("Horizon_IRC".into());
    unknown.irc_event_type = None;
    let mut in_capitals = event("e8", "loadTable", "DB.S.A");
    in_capitals.event_source = Some("HORIZON_IRC".into());
    vec![
        event("e1", "LoadTable", "DB.S.A"),
        event("e2", "PlanTableScan", "DB.S.A"),
        event("e3", "FetchPlanningResult", "DB.S.A"),
        event("e4", "FetchPlanningResult", "DB.S.A"),
        event("e5", "LoadTable", "DB.S.C"),
        event("e6", "UpdateTable", "DB.S.B"),
        unknown,
        in_capitals,
        by(Some("EVE"), None, event("e9", "LoadTable", "DB.S.A")),
        statement,
        read("q2", NINE, &["DB.S.A"]),
    ]
}

pub(super) fn cases() -> Vec<Case> {
    vec![Case {
        iceberg_events: IcebergEvents::TableLoads,
        queries: &["2026-03-10 P1 C1 4", "2026-03-10 P2 C1 1"],
        touches: &["2026-03-10 P1 A1 C1 4", "2026-03-10 P2 A3 C1 1"],
        ..case(
            "a read by an external engine is the table that it loads",
            mapping().iceberg_events(IcebergEvents::TableLoads),
            log(),
        )
    }]
}
