//! The model: which tables hold usage, and which of the portal they refer to.

use std::error::Error;
use std::fs;
use std::path::Path;

use output_port_usage::{OutputPortId, UsageModel, UsageModelBuilder};
use uuid::Uuid;

use crate::failure::{Exit, Failure};

/// The model of a file, which the host's backend reads too; without one, that of the examples.
pub(crate) fn read(file: Option<&Path>) -> Result<UsageModel, Failure> {
    let (name, text) = match file {
        Some(file) => (format!("the model {}", file.display()), fs::read_to_string(file).map_err(Into::into)),
        None => ("the examples' model".to_owned(), Ok(access_log::MODEL.to_owned())),
    };
    let of_no_use = || Failure::new(Exit::Usage, format!("{name} is of no use"));
    let model = text.and_then(|text| parse(&text)).map_err(|error| of_no_use().because(error))?;
    // which days to read is asked of the coverage
    match model.coverage([OutputPortId(Uuid::nil())]) {
        Ok(_) => Ok(model),
        Err(error) => Err(of_no_use().because(error).next(
            "add \"coverage\": {} to it, in the backend's copy too, and run once with --create-tables",
        )),
    }
}

/// An error names the key.
fn parse(text: &str) -> Result<UsageModel, Box<dyn Error + Send + Sync>> {
    let mut json = serde_json::Deserializer::from_str(text);
    let builder: UsageModelBuilder = serde_path_to_error::deserialize(&mut json)?;
    json.end()?;
    Ok(builder.build()?)
}
