//! Mapping files, as the quickstart reads them.

use access_log::Mapping;
use output_port_usage::OutputPortId;

use crate::attribution;
use crate::text::assert_printable;

/// Bytes as a mapping: refused with a message that names the entry, or read again as it is written.
pub fn mapping_files(data: &[u8]) {
    let mapping = match Mapping::read(data) {
        Ok(mapping) => mapping,
        Err(error) => {
            let message = error.to_string();
            let obeyed = message.chars().find(|char| char.is_control());
            assert!(obeyed.is_none(), "a message holds {obeyed:?}: {message:?}");
            return;
        }
    };
    let written = serde_json::to_vec(&mapping).expect("a mapping is JSON");
    assert_eq!(Mapping::read(&*written).expect("its own JSON is a mapping"), mapping);
    match mapping.attribution() {
        Ok(attribution) => {
            let ports = mapping.tech_assets.iter().flat_map(|asset| &asset.output_ports);
            assert_eq!(attribution.output_ports(), ports.copied().map(OutputPortId).collect());
            attribution::check(&attribution, &[]);
        }
        Err(error) => {
            assert!(error.is_mapping(), "{error}");
            assert_printable(&error.to_string());
        }
    }
}
