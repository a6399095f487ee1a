//! Model files.

use output_port_usage::UsageModelBuilder;

use crate::model;
use crate::text::assert_printable;

/// Bytes as the JSON of a model: refused with a message, or a builder whose model is checked.
pub fn model_files(data: &[u8]) {
    match serde_json::from_slice::<UsageModelBuilder>(data) {
        Ok(builder) => model::check(&builder),
        // serde_json's own words hold the key as it was written
        Err(error) => assert_printable(&format!("{:.400?}", error.to_string())),
    }
}
