//! An hourly job that brings usage from Snowflake to Postgres.
//!
//! It reads from the coverage which days are missing, counts them in Snowflake with the library's single-scan
//! statement, replaces them in one Postgres transaction, and says what changed and what was left out. It keeps no
//! state of its own, so a run that was missed, refused or killed is made up for by the next.

mod arguments;
mod database;
mod failure;
mod interrupt;
mod model;
mod plan;
mod report;
mod secret;
mod settings;
mod sync;
mod warehouse;

use std::process::ExitCode;

use arguments::Asked;
use secret::Secrets;
use settings::Settings;

#[tokio::main]
async fn main() -> ExitCode {
    let mut secrets = Secrets::default();
    match run(&mut secrets).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}", secrets.shown(&failure.to_string()));
            failure.exit().into()
        }
    }
}

async fn run(secrets: &mut Secrets) -> Result<(), failure::Failure> {
    let arguments = match arguments::parse(lexopt::Parser::from_env())? {
        Asked::Help => {
            print!("{}", arguments::HELP);
            return Ok(());
        }
        Asked::Run(arguments) => arguments,
    };
    let settings = Settings::read(|name| std::env::var_os(name), secrets)?;
    sync::run(&arguments, settings, secrets).await
}
