//! Which output port of the portal to chart.

use std::collections::BTreeMap;

use access_log::{Mapping, printable};
use anyhow::{Result, bail};
use output_port_usage::{Attribution, OutputPortId, UsageBatch};
use uuid::Uuid;

/// The output port of an id on the command line, if the log can say anything about it.
pub(crate) fn port_of(text: &str, mapping: &Mapping, attribution: &Attribution) -> Result<OutputPortId> {
    let measured = attribution.output_ports();
    let port = text.parse().ok();
    if let Some(port) = port.filter(|port| measured.contains(port)) {
        return Ok(port);
    }
    let mut message = format!("--port {text}: no output port with a tech asset has this id; there are");
    for port in mapping.output_ports.iter().filter(|port| measured.contains(&OutputPortId(port.id))) {
        message += &format!("\n  {}  {}", port.id, printable(&port.name));
    }
    bail!(message)
}

/// The output port with the most queries; the batch has some.
pub(crate) fn busiest(batch: &UsageBatch) -> OutputPortId {
    let mut queries: BTreeMap<OutputPortId, u64> = BTreeMap::new();
    for row in batch.queries() {
        *queries.entry(row.output_port_id).or_default() += row.query_count;
    }
    let busiest = queries.into_iter().max_by_key(|&(_, queries)| queries);
    busiest.map_or(OutputPortId(Uuid::nil()), |(port, _)| port)
}
