//! Prints every statement of a model, or writes its migrations, without a database.
//!
//! ```text
//! cargo run --features pretty --example render
//! cargo run --features pretty --example render -- MODEL.json --literals
//! cargo run --features pretty --example render -- MODEL.json --migrations DIR
//! ```
//!
//! What it prints, SQL reviewers keep as a snapshot.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use lexopt::prelude::*;
use output_port_usage::{UsageModel, UsageModelBuilder};

const USAGE: &str = "\
Prints every statement of a model, or writes its migrations.

Usage: render [MODEL.json] [options]

  MODEL.json          the model, as JSON of the library's `UsageModelBuilder`
                      (default: the model of a made-up portal, examples/sample/model.json)

      --literals      with every value as a literal, to paste into psql; not with $1, $2
      --migrations D  write NNNN_name.up.sql and NNNN_name.down.sql to the directory D instead; a file that
                      says something else is an error, and stays
  -h, --help          this text
";

const SAMPLE_MODEL: &str = include_str!("../sample/model.json");

#[derive(Default)]
struct Arguments {
    model: Option<PathBuf>,
    literals: bool,
    migrations: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("error: {error} (--help shows the usage)");
            return ExitCode::from(2);
        }
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // the causes behind it, each after a colon
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for; `None` is help.
fn arguments() -> Result<Option<Arguments>, lexopt::Error> {
    let mut arguments = Arguments::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("literals") => arguments.literals = true,
            Long("migrations") => arguments.migrations = Some(parser.value()?.into()),
            Long("help") | Short('h') => return Ok(None),
            Value(file) if arguments.model.is_none() => arguments.model = Some(file.into()),
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Some(arguments))
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let model = match &arguments.model {
        None => model(SAMPLE_MODEL).context("the sample's model")?,
        Some(file) => {
            let name = || format!("model {}", file.display());
            let text = fs::read_to_string(file).with_context(name)?;
            model(&text).with_context(name)?
        }
    };
    match arguments.migrations {
        None => match print(&model, arguments.literals) {
            // a reader such as `head` that has seen enough
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            printed => Ok(printed?),
        },
        Some(directory) => {
            for migration in model.migrations() {
                for file in migration.write_to(&directory)? {
                    println!("{}", file.display());
                }
            }
            Ok(())
        }
    }
}

/// A model from JSON; an error names the key.
fn model(json: &str) -> anyhow::Result<UsageModel> {
    let mut json = serde_json::Deserializer::from_str(json);
    let builder: UsageModelBuilder = serde_path_to_error::deserialize(&mut json)?;
    json.end()?;
    Ok(builder.build()?)
}

fn print(model: &UsageModel, literals: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for (title, statement) in model.statements() {
        let text = if literals { statement.pretty_with_literals() } else { statement.pretty() };
        writeln!(out, "-- {title}\n{text};\n")?;
    }
    Ok(())
}
