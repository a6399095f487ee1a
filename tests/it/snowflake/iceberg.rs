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
    39         AND ( -- of calls to the Iceberg REST catalog those that load a table
    40             COALESCE(UPPER(ah.event_source), '') <> 'HORIZON_IRC'
    41             OR UPPER(ah.additional_properties:"irc_event_type"::VARCHAR) = 'LOADTABLE'
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
    24         TO_DATE(CONVERT_TIMEZONE('UTC', ah.query_start_time)) AS usage_date,
    25         COALESCE(UPPER(ah.event_source), '') = 'HORIZON_IRC' AS is_iceberg_event
    40         AND ( -- of calls to the Iceberg REST catalog those that load a table
    41             COALESCE(UPPER(ah.event_source), '') <> 'HORIZON_IRC'
    42             OR UPPER(ah.additional_properties:"irc_event_type"::VARCHAR) = 'LOADTABLE'
    52         accessed.is_iceberg_event,
    80     LEFT JOIN query_roles
    88     WHERE query_roles.query_id IS NOT NULL
    89         OR mapped_reads.is_iceberg_event -- no statement, so QUERY_HISTORY does not have it
    "#);
    let [before, after] =
        [&every, &loads].map(|attribution| Aggregation::new(attribution, march()).coverage().unwrap().sql());
    insta::assert_snapshot!(more_lines(&after, &before), @r#"
    24         COALESCE(UPPER(ah.event_source), '') = 'HORIZON_IRC' AS is_iceberg_event,
    48         AND ( -- of calls to the Iceberg REST catalog those that load a table
    49             COALESCE(UPPER(ah.event_source), '') <> 'HORIZON_IRC'
    50             OR UPPER(ah.additional_properties:"irc_event_type"::VARCHAR) = 'LOADTABLE'
    51         )
    73         COALESCE(by_user.consumer_id, by_role.consumer_id) AS consumer_id,
    75             WHEN accessed.is_iceberg_event THEN accessed.query_id -- QUERY_HISTORY never has it
    76             ELSE query_roles.query_id
    77         END AS arrived_query_id
    "#);
}
