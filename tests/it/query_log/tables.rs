//! Batches in the words of the hand-worked tables.

use output_port_usage::{ConsumerId, OutputPortId, TechAssetId, UsageBatch};

fn port_name(id: OutputPortId) -> String {
    format!("P{}", id.as_uuid().as_u128() - 0xB000)
}

fn asset_name(id: TechAssetId) -> String {
    format!("A{}", id.as_uuid().as_u128() - 0xA000)
}

fn consumer_name(id: ConsumerId) -> String {
    format!("C{}", id.as_uuid().as_u128() - 0xC000)
}

/// The three tables of a batch, as hand-worked ones are written.
pub(crate) fn tables(batch: &UsageBatch) -> [Vec<String>; 3] {
    let queries = batch.queries().iter().map(|row| {
        let (port, consumer) = (port_name(row.output_port_id), consumer_name(row.consumer_id));
        format!("{} {port} {consumer} {}", row.date, row.query_count)
    });
    let touches = batch.touches().unwrap().iter().map(|row| {
        let (port, consumer) = (port_name(row.output_port_id), consumer_name(row.consumer_id));
        format!("{} {port} {} {consumer} {}", row.date, asset_name(row.tech_asset_id), row.query_count)
    });
    let combinations = batch.combinations().unwrap().iter().map(|row| {
        let ports = [row.output_port_id_1, row.output_port_id_2].map(port_name).join(" ");
        format!("{} {ports} {} {}", row.date, consumer_name(row.consumer_id), row.query_count)
    });
    [queries.collect(), touches.collect(), combinations.collect()]
}
