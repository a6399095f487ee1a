//! The model: which tables hold usage, and which of the portal they refer to.

use std::error::Error;
use std::fs;
use std::path::Path;

use output_port_usage::{Column, OutputPortId, UsageModel, UsageModelBuilder};
use serde_json::Value;
use uuid::Uuid;

use crate::failure::{Exit, Failure};

/// The model, and the names of its table of coverage.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) usage: UsageModel,
    pub(crate) coverage: CoverageNames,
}

/// How the table of coverage and its columns are called.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CoverageNames {
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) output_port_id: String,
    /// Those that hold days.
    pub(crate) days: [String; 3],
}

/// The model of a file, which the host's backend reads too; without one, that of the examples.
pub(crate) fn read(file: Option<&Path>) -> Result<Model, Failure> {
    let (name, text) = match file {
        Some(file) => (format!("the model {}", file.display()), fs::read_to_string(file).map_err(Into::into)),
        None => ("the examples' model".to_owned(), Ok(access_log::MODEL.to_owned())),
    };
    let of_no_use = || Failure::new(Exit::Usage, format!("{name} is of no use"));
    let model = text.and_then(|text| parse(&text)).map_err(|error| of_no_use().because(error))?;
    // which days to read is asked of the coverage
    match model.usage.coverage([OutputPortId(Uuid::nil())]) {
        Ok(_) => Ok(model),
        Err(error) => Err(of_no_use().because(error).next(
            "add \"coverage\": {} to it, in the backend's copy too, and run once with --create-tables",
        )),
    }
}

/// An error names the key.
fn parse(text: &str) -> Result<Model, Box<dyn Error + Send + Sync>> {
    let mut json = serde_json::Deserializer::from_str(text);
    let builder: UsageModelBuilder = serde_path_to_error::deserialize(&mut json)?;
    json.end()?;
    Model::of(builder)
}

impl Model {
    pub(crate) fn of(builder: UsageModelBuilder) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let coverage = CoverageNames::of(&builder)?;
        Ok(Self { usage: builder.build()?, coverage })
    }
}

impl CoverageNames {
    /// The library tells the names of the daily tables alone, so these are read as the file has them.
    fn of(builder: &UsageModelBuilder) -> Result<Self, serde_json::Error> {
        let model = serde_json::to_value(builder)?;
        let name = |named: &Value, default: &str| named.as_str().unwrap_or(default).to_owned();
        let columns = &model["coverage"]["columns"];
        let column = |column: Column| name(&columns[column.default_name()], column.default_name());
        Ok(Self {
            schema: name(&model["schema"], "public"),
            table: name(&model["coverage"]["table"], "output_port_usage_coverage"),
            output_port_id: column(Column::OutputPortId),
            days: [Column::Measured, Column::Settled, Column::Counted].map(column),
        })
    }
}
