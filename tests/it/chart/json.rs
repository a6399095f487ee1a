//! The JSON of everything that a host puts on the wire.

use std::fmt::Debug;

use output_port_usage::chart::*;
use output_port_usage::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::portal::{Portal, asset, builder, consumer, day, port, queries, scope, touches};
use crate::rows;

/// One day of port 1, by consumers 1 and 2 of the domain 1, 2 of the domain 0 and 4 of none.
fn batch() -> UsageBatch {
    let first = day(2026, 1, 1);
    UsageBatch::builder(scope(first..day(2026, 1, 2), [port(1), port(2)]))
        .queries(vec![
            queries(first, port(1), consumer(1), 4),
            queries(first, port(1), consumer(2), 2),
            queries(first, port(1), consumer(4), 2),
            queries(first, port(2), consumer(1), 1),
        ])
        .touches(vec![
            touches(first, port(1), asset(1), consumer(1), 4),
            touches(first, port(1), asset(2), consumer(2), 2),
            touches(first, port(1), asset(1), consumer(4), 2),
            touches(first, port(2), asset(2), consumer(1), 1),
        ])
        .combinations(vec![Combination::new(first, port(1), port(2), consumer(1), 1)])
        .build()
}

/// The JSON of `values`, one a line, after reading it back.
fn lines<T: Serialize + DeserializeOwned + PartialEq + Debug>(values: &[T]) -> String {
    values.iter().map(|value| rows::json(value) + "\n").collect()
}

#[test]
fn every_row_type_goes_through_its_json() {
    for row in rows::list() {
        for sample in row.samples {
            assert_eq!((row.by_json)(&sample.json), sample.json);
        }
    }
}

#[tokio::test]
async fn rows_have_a_stable_json() {
    let portal = Portal::with(builder().combinations().build().unwrap()).await;
    let outcome = portal.replace(&batch()).await;
    let days = || day(2026, 1, 1)..day(2026, 1, 3);

    let points = portal.rows(&QueriesOverTime::new(port(1), days()).granularity(Granularity::Week)).await;
    insta::assert_snapshot!(lines(&points), @r#"{"bucket":"2025-12-29","query_count":8,"partial":true}"#);
    let slices = portal.rows(&QueryDistribution::new(port(1), days()).top(1)).await;
    insta::assert_snapshot!(lines(&slices), @r#"
    {"member":{"kind":"consumer","id":"00000000-0000-0000-0000-0000c0000001","label":"consumer 1"},"query_count":4,"share":0.5,"rank":1}
    {"member":{"kind":"other","members":2},"query_count":4,"share":0.5,"rank":null}
    "#);
    let groups = portal.rows(&QueryDistribution::new(port(1), days()).by_group()).await;
    insta::assert_snapshot!(lines(&groups), @r#"
    {"member":{"kind":"group","id":"00000000-0000-0000-0000-0000d0000001","label":"domain 1"},"query_count":4,"share":0.5,"rank":1}
    {"member":{"kind":"group","id":"00000000-0000-0000-0000-0000d0000000","label":"domain 0"},"query_count":2,"share":0.25,"rank":2}
    {"member":{"kind":"no_group"},"query_count":2,"share":0.25,"rank":null}
    "#);
    let folded = portal.rows(&QueryDistribution::new(port(1), days()).top(1).by_group()).await;
    insta::assert_snapshot!(lines(&folded), @r#"
    {"member":{"kind":"group","id":"00000000-0000-0000-0000-0000d0000001","label":"domain 1"},"query_count":4,"share":0.5,"rank":1}
    {"member":{"kind":"no_group"},"query_count":2,"share":0.25,"rank":null}
    {"member":{"kind":"other","members":1},"query_count":2,"share":0.25,"rank":null}
    "#);
    let assets = portal.rows(&MostPopularAssets::new(port(1), days())).await;
    insta::assert_snapshot!(lines(&assets), @r#"
    {"tech_asset_id":"00000000-0000-0000-0000-0000e0000001","label":"asset 1","touches":6,"share":0.75,"rank":1,"consumers":2,"last_used":"2026-01-01"}
    {"tech_asset_id":"00000000-0000-0000-0000-0000e0000002","label":"asset 2","touches":2,"share":0.25,"rank":2,"consumers":1,"last_used":"2026-01-01"}
    "#);
    let combined = portal.rows(&MostOftenCombinedWith::new(port(1), days())).await;
    insta::assert_snapshot!(lines(&combined), @r#"{"output_port_id":"00000000-0000-0000-0000-0000a0000002","label":"port 2","query_count":1,"share":0.125,"rank":1}"#);
    insta::assert_snapshot!(lines(&[outcome]), @r#"{"queries":{"written":4,"unchanged":0,"removed":0,"skipped":0},"touches":{"written":4,"unchanged":0,"removed":0,"skipped":0},"combinations":{"written":1,"unchanged":0,"removed":0,"skipped":0},"unknown":{"output_ports":[],"tech_assets":[],"consumers":[]}}"#);
}

#[tokio::test]
async fn rows_of_derived_charts_have_a_stable_json() {
    let portal = Portal::with(builder().combinations().build().unwrap()).await;
    portal.replace(&batch()).await;
    let days = || day(2026, 1, 1)..day(2026, 1, 2);
    let over_time = || QueriesOverTime::new(port(1), days());
    let before = Comparison::PreviousPeriod;

    let split = portal.rows(&over_time().split_by_consumer(1)).await;
    insta::assert_snapshot!(lines(&split), @r#"
    {"member":{"kind":"consumer","id":"00000000-0000-0000-0000-0000c0000001","label":"consumer 1"},"rank":1,"query_count":4,"counts":[4]}
    {"member":{"kind":"other","members":2},"rank":null,"query_count":4,"counts":[4]}
    "#);
    let ports = portal.rows(&QueriesOverTime::of_ports([port(2), port(90)], days())).await;
    insta::assert_snapshot!(lines(&ports), @r#"
    {"member":{"kind":"output_port","id":"00000000-0000-0000-0000-0000a0000002","label":"port 2"},"rank":null,"query_count":1,"counts":[1]}
    {"member":{"kind":"output_port","id":"00000000-0000-0000-0000-0000a000005a","label":null},"rank":null,"query_count":0,"counts":[0]}
    "#);
    let totals = portal.rows(&Summary::new(port(1), days())).await;
    insta::assert_snapshot!(lines(&totals), @r#"{"query_count":8,"consumers":3,"active_days":1,"last_used":"2026-01-01"}"#);
    let overview = Overview::new(port(1), days()).top(1);
    let rows = portal.rows(&overview).await;
    insta::assert_snapshot!(lines(&rows), @r#"
    {"kind":"total","query_count":8,"consumers":3,"active_days":1,"last_used":"2026-01-01"}
    {"kind":"series","member":{"kind":"consumer","id":"00000000-0000-0000-0000-0000c0000001","label":"consumer 1"},"rank":1,"query_count":4,"counts":[4]}
    {"kind":"series","member":{"kind":"other","members":2},"rank":null,"query_count":4,"counts":[4]}
    "#);
    let charts = overview.charts(rows).unwrap();
    insta::assert_snapshot!(lines(&[charts]), @r#"{"over_time":[{"bucket":"2026-01-01","query_count":8,"partial":false}],"split":[{"member":{"kind":"consumer","id":"00000000-0000-0000-0000-0000c0000001","label":"consumer 1"},"rank":1,"query_count":4,"counts":[4]},{"member":{"kind":"other","members":2},"rank":null,"query_count":4,"counts":[4]}],"distribution":[{"member":{"kind":"consumer","id":"00000000-0000-0000-0000-0000c0000001","label":"consumer 1"},"query_count":4,"share":0.5,"rank":1},{"member":{"kind":"other","members":2},"query_count":4,"share":0.5,"rank":null}],"summary":{"query_count":8,"consumers":3,"active_days":1,"last_used":"2026-01-01"}}"#);

    let points = portal.rows(&over_time().compared_with(before)).await;
    insta::assert_snapshot!(lines(&points), @r#"{"bucket":"2026-01-01","query_count":8,"partial":false,"previous":0,"change":null}"#);
    let slices = portal.rows(&QueryDistribution::new(port(1), days()).top(1).compared_with(before)).await;
    insta::assert_snapshot!(lines(&slices), @r#"
    {"member":{"kind":"consumer","id":"00000000-0000-0000-0000-0000c0000001","label":"consumer 1"},"query_count":4,"share":0.5,"rank":1,"previous":0,"change":null}
    {"member":{"kind":"other","members":2},"query_count":4,"share":0.5,"rank":null,"previous":0,"change":null}
    "#);
    let groups = QueryDistribution::new(port(1), days()).top(1).by_group();
    let groups = portal.rows(&groups.compared_with(before)).await;
    insta::assert_snapshot!(lines(&groups), @r#"
    {"member":{"kind":"group","id":"00000000-0000-0000-0000-0000d0000001","label":"domain 1"},"query_count":4,"share":0.5,"rank":1,"previous":0,"change":null}
    {"member":{"kind":"no_group"},"query_count":2,"share":0.25,"rank":null,"previous":0,"change":null}
    {"member":{"kind":"other","members":1},"query_count":2,"share":0.25,"rank":null,"previous":0,"change":null}
    "#);
    let assets = portal.rows(&MostPopularAssets::new(port(2), days()).compared_with(before)).await;
    insta::assert_snapshot!(lines(&assets), @r#"{"tech_asset_id":"00000000-0000-0000-0000-0000e0000002","label":"asset 2","touches":1,"share":1.0,"rank":1,"consumers":1,"last_used":"2026-01-01","previous":0,"change":null}"#);
    let totals = portal.rows(&Summary::new(port(9), days()).compared_with(before)).await;
    insta::assert_snapshot!(lines(&totals), @r#"{"query_count":0,"consumers":0,"active_days":0,"last_used":null,"previous":0,"change":null}"#);
}

#[tokio::test]
async fn skipped_ids_have_a_stable_json() {
    let portal = Portal::new().await;
    let first = day(2026, 1, 1);
    let of = |output_port| scope(first..day(2026, 1, 2), [output_port]);
    let unknown = UsageBatch::builder(of(port(90)))
        .queries(vec![queries(first, port(90), consumer(91), 1)])
        .touches(vec![touches(first, port(90), asset(92), consumer(91), 1)])
        .build();
    let outcome = portal.try_ingest(portal.model.upsert(&unknown).unwrap().skip_unknown()).await.unwrap();
    insta::assert_snapshot!(lines(std::slice::from_ref(&outcome.unknown)), @r#"{"output_ports":["00000000-0000-0000-0000-0000a000005a"],"tech_assets":["00000000-0000-0000-0000-0000e000005c"],"consumers":["00000000-0000-0000-0000-0000c000005b"]}"#);
    insta::assert_snapshot!(lines(&[outcome]), @r#"{"queries":{"written":0,"unchanged":0,"removed":0,"skipped":1},"touches":{"written":0,"unchanged":0,"removed":0,"skipped":1},"combinations":null,"unknown":{"output_ports":["00000000-0000-0000-0000-0000a000005a"],"tech_assets":["00000000-0000-0000-0000-0000e000005c"],"consumers":["00000000-0000-0000-0000-0000c000005b"]}}"#);
}

#[tokio::test]
async fn a_row_without_a_label_has_a_null_label() {
    let unlabelled = builder().tech_assets(Reference::to("technical_assets").schema("portal"));
    let portal = Portal::with(unlabelled.build().unwrap()).await;
    portal.replace(&batch().without_combinations()).await;
    let assets = portal.rows(&MostPopularAssets::new(port(2), day(2026, 1, 1)..day(2026, 1, 2))).await;
    insta::assert_snapshot!(lines(&assets), @r#"{"tech_asset_id":"00000000-0000-0000-0000-0000e0000002","label":null,"touches":1,"share":1.0,"rank":1,"consumers":1,"last_used":"2026-01-01"}"#);
}

#[test]
fn facts_have_a_stable_json() {
    let batch = batch();
    insta::assert_snapshot!(lines(&batch.queries()[..1]), @r#"{"date":"2026-01-01","output_port_id":"00000000-0000-0000-0000-0000a0000001","consumer_id":"00000000-0000-0000-0000-0000c0000001","query_count":4}"#);
    insta::assert_snapshot!(lines(&batch.touches().unwrap()[..1]), @r#"{"date":"2026-01-01","output_port_id":"00000000-0000-0000-0000-0000a0000001","tech_asset_id":"00000000-0000-0000-0000-0000e0000001","consumer_id":"00000000-0000-0000-0000-0000c0000001","query_count":4}"#);
    insta::assert_snapshot!(lines(batch.combinations().unwrap()), @r#"{"date":"2026-01-01","output_port_id_1":"00000000-0000-0000-0000-0000a0000001","output_port_id_2":"00000000-0000-0000-0000-0000a0000002","consumer_id":"00000000-0000-0000-0000-0000c0000001","query_count":1}"#);
    let granularities =
        [Granularity::Day, Granularity::Week, Granularity::Month, Granularity::Quarter, Granularity::Year];
    insta::assert_snapshot!(lines(&granularities), @r#"
    "day"
    "week"
    "month"
    "quarter"
    "year"
    "#);
    let comparisons = [Comparison::PreviousPeriod, Comparison::YearBefore, Comparison::YearBeforeByWeekday];
    insta::assert_snapshot!(lines(&comparisons), @r#"
    "previous_period"
    "year_before"
    "year_before_by_weekday"
    "#);
    insta::assert_snapshot!(lines(&[AccessedObjects::Direct, AccessedObjects::Base]), @r#"
    "direct"
    "base"
    "#);
    insta::assert_snapshot!(lines(&[CountedUnit::Statement, CountedUnit::RootQuery]), @r#"
    "statement"
    "root_query"
    "#);
    let smallest = UsageBatch::builder(scope(day(2026, 1, 1)..day(2026, 1, 2), [port(1)])).build();
    insta::assert_snapshot!(lines(&[smallest]), @r#"{"scope":{"days":{"start":"2026-01-01","end":"2026-01-02"},"output_ports":["00000000-0000-0000-0000-0000a0000001"]},"queries":[],"touches":null,"combinations":null}"#);
}
