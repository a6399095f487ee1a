//! Model files.

use output_port_usage::UsageModelBuilder;

use crate::model;

/// Bytes as the JSON of a model: refused, or a builder whose model is checked.
pub fn model_files(data: &[u8]) {
    if let Ok(builder) = serde_json::from_slice::<UsageModelBuilder>(data) {
        model::check(&builder);
    }
}
