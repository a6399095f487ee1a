//! The model: which tables hold usage, and which of the portal they refer to.

use std::error::Error;
use std::fs;
use std::path::Path;

use output_port_usage::{UsageModel, UsageModelBuilder};

use crate::failure::{Exit, Failure};

/// The model of a file, which the host's backend reads too; without one, that of the examples.
pub(crate) fn read(file: Option<&Path>) -> Result<UsageModel, Failure> {
    let Some(file) = file else {
        return parse(access_log::MODEL)
            .map_err(|error| Failure::new(Exit::Usage, "the examples' model is of no use").because(error));
    };
    let read = fs::read_to_string(file).map_err(Into::into).and_then(|text| parse(&text));
    read.map_err(|error| {
        Failure::new(Exit::Usage, format!("the model {} is of no use", file.display())).because(error)
    })
}

/// An error names the key.
fn parse(text: &str) -> Result<UsageModel, Box<dyn Error + Send + Sync>> {
    let mut json = serde_json::Deserializer::from_str(text);
    let builder: UsageModelBuilder = serde_path_to_error::deserialize(&mut json)?;
    json.end()?;
    Ok(builder.build()?)
}
