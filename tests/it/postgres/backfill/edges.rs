//! The binary format at the edges of what it holds, read back by plain SELECT.

use chrono::NaiveDate;
use output_port_usage::*;
use uuid::Uuid;

use super::host::{by_sqlx, stated};
use crate::driver::twins_agree::twins::Twins;
use crate::portal::{Portal, consumer, day, port, scope};
use crate::tables;

const LOPSIDED: Uuid = Uuid::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10);

/// Both sides of the calendar's ends, of its reform, and of the days from which chrono, Unix and Postgres count.
const DATES: [&str; 8] = [
    "0001-01-01",
    "1582-10-10",
    "1969-12-31",
    "1970-01-01",
    "1999-12-31",
    "2000-01-01",
    "2000-02-29",
    "9999-12-31",
];

/// Parents are not enforced, so any id may be there.
fn model() -> UsageModel {
    let keep = |table| Reference::to(table).schema("portal").on_delete(OnDelete::Keep);
    UsageModel::builder()
        .schema("usage")
        .output_ports(keep("datasets"))
        .consumers(keep("data_products"))
        .tech_assets(keep("technical_assets"))
        .combinations()
        .build()
        .unwrap()
}

/// Nil and largest ids, and one whose every byte is another.
fn batch(date: NaiveDate, query_count: u64) -> UsageBatch {
    let ports = [OutputPortId(Uuid::nil()), OutputPortId(Uuid::max())];
    let (consumer_id, tech_asset_id) = (ConsumerId(LOPSIDED), TechAssetId(Uuid::max()));
    let of = |output_port_id| OutputPortQueries::new(date, output_port_id, consumer_id, query_count);
    let touch =
        |output_port_id| TechAssetTouches::new(date, output_port_id, tech_asset_id, consumer_id, query_count);
    let [output_port_id_1, output_port_id_2] = ports;
    let pair = Combination::new(date, output_port_id_1, output_port_id_2, consumer_id, query_count);
    UsageBatch::builder(scope(date..date.succ_opt().unwrap(), ports))
        .queries(ports.map(of).to_vec())
        .touches(ports.map(touch).to_vec())
        .combinations(vec![pair])
        .build()
}

#[tokio::test]
async fn values_at_the_edges_come_back_as_they_are() {
    let mut twins = Twins::with(model()).await;
    let (nil, max) = (Uuid::nil(), Uuid::max());
    for date in DATES {
        for count in [1, 0x0102_0304, 2_147_483_647] {
            let batch = [batch(date.parse().unwrap(), count)];
            twins.backfill(|model| stated(model, &batch).replace_existing(), &batch).await.unwrap();
            let row = |ids: &[Uuid]| {
                let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
                format!("({date},{},{count})", ids.join(","))
            };
            let of_ports = [row(&[nil, LOPSIDED]), row(&[max, LOPSIDED])];
            let of_assets = [row(&[nil, max, LOPSIDED]), row(&[max, max, LOPSIDED])];
            let pairs = [row(&[nil, max, LOPSIDED])];
            for portal in [&twins.sqlx, &twins.tokio] {
                let on_day = |rows: Vec<String>| -> Vec<String> {
                    rows.into_iter().filter(|row| row.starts_with(&format!("({date}"))).collect()
                };
                let [held_of_ports, held_of_assets, held_pairs] = tables::contents(portal).await.map(on_day);
                assert_eq!(held_of_ports, of_ports);
                assert_eq!(held_of_assets, of_assets);
                assert_eq!(held_pairs, pairs);
            }
        }
    }
}

#[tokio::test]
async fn batches_of_many_chunks_arrive_whole() {
    let portal = Portal::with(model()).await;
    let date = day(2026, 1, 1);
    // 62 bytes a row: 3 chunks of 64 KiB and a part, and one row more or less around the end of a chunk
    for rows in [1, 1056, 1057, 1058, 1059, 4000] {
        let queries =
            (0..rows).map(|by| crate::portal::queries(date, port(1), consumer(by), 1 + by as u64)).collect();
        let batch = UsageBatch::builder(scope(date..day(2026, 1, 2), [port(1)])).queries(queries).build();
        let backfill = stated(&portal.model, std::slice::from_ref(&batch)).replace_existing();
        let outcome = by_sqlx(&portal, backfill, vec![batch]).await.unwrap();
        assert_eq!(outcome.queries.written, rows as u64);
        let sums = "SELECT count(*) || ' ' || sum(query_count) || ' ' || count(DISTINCT consumer_id)
            FROM usage.output_port_query_stats_daily";
        let sum: u128 = (1..=rows).sum();
        assert_eq!(portal.texts(sums).await, [format!("{rows} {sum} {rows}")]);
    }
}
