//! The statements that tell the events of the Iceberg REST catalog from statements.

use output_port_usage::IcebergEvents;
use output_port_usage::snowflake::Aggregation;

use super::{march, small};
use crate::query_log::hand_made::consumer;

/// The lines of a text that another one does not have, with their numbers.
fn more_lines(text: &str, than: &str) -> String {
    let known: Vec<&str> = than.lines().collect();
    let lines = text.lines().zip(1..).filter(|(line, _)| !known.contains(line));
    lines.map(|(line, number)| format!("{number:>3} {line}\n")).collect()
}

#[test]
fn events_are_left_out_by_columns_that_are_named_only_then() {
    let every = small().build().unwrap();
    let loads = small().iceberg_events(IcebergEvents::TableLoads).build().unwrap();
    let texts =
        [&every, &loads].map(|attribution| Aggregation::new(attribution, march()).usage().unwrap().sql());
    assert!(!texts[0].contains("event_source") && !texts[0].contains("additional_properties"));
    insta::assert_snapshot!(more_lines(&texts[1], &texts[0]), @r#"
    37         AND ( -- of calls to the Iceberg REST catalog those that load a table
    38             COALESCE(UPPER(ah.event_source), '') <> 'HORIZON_IRC'
    39             OR UPPER(ah.additional_properties:"irc_event_type"::VARCHAR) = 'LOADTABLE'
    "#);
}

#[test]
fn an_event_does_not_wait_for_query_history() {
    let roles = small().role("reader", consumer(2));
    let every = roles.clone().build().unwrap();
    let loads = roles.iceberg_events(IcebergEvents::TableLoads).build().unwrap();
    let [before, after] =
        [&every, &loads].map(|attribution| Aggregation::new(attribution, march()).usage().unwrap().sql());
    insta::assert_snapshot!(more_lines(&after, &before), @r#"
    22         COALESCE(UPPER(ah.event_source), '') = 'HORIZON_IRC' AS is_iceberg_event,
    38         AND ( -- of calls to the Iceberg REST catalog those that load a table
    39             COALESCE(UPPER(ah.event_source), '') <> 'HORIZON_IRC'
    40             OR UPPER(ah.additional_properties:"irc_event_type"::VARCHAR) = 'LOADTABLE'
    49         accessed.is_iceberg_event,
    75     LEFT JOIN query_roles
    83     WHERE query_roles.query_id IS NOT NULL
    84         OR mapped_reads.is_iceberg_event -- no statement, so QUERY_HISTORY does not have it
    "#);
    let [before, after] =
        [&every, &loads].map(|attribution| Aggregation::new(attribution, march()).coverage().unwrap().sql());
    insta::assert_snapshot!(more_lines(&after, &before), @r#"
    22         COALESCE(UPPER(ah.event_source), '') = 'HORIZON_IRC' AS is_iceberg_event,
    46         AND ( -- of calls to the Iceberg REST catalog those that load a table
    47             COALESCE(UPPER(ah.event_source), '') <> 'HORIZON_IRC'
    48             OR UPPER(ah.additional_properties:"irc_event_type"::VARCHAR) = 'LOADTABLE'
    49         )
    69             WHEN accessed.is_iceberg_event THEN accessed.query_id -- QUERY_HISTORY never has it
    70             ELSE query_roles.query_id
    71         END AS arrived_query_id,
    "#);
}
