//! An hourly job that brings usage from Snowflake to Postgres.
//!
//! It reads from the coverage which days are missing, counts them in Snowflake with the library's single-scan
//! statement, replaces them in Postgres part by part, and says what changed and what was left out. It keeps no state of
//! its own, so a run that was missed, refused or killed is made up for by the next.

mod arguments;
mod database;
mod failure;
mod fingerprint;
mod interrupt;
mod limits;
mod log;
mod metrics;
mod model;
mod parts;
mod plan;
mod recount;
mod report;
mod retry;
mod secret;
mod settings;
mod summary;
mod sync;
mod warehouse;

use std::process::ExitCode;

use arguments::{Arguments, Asked};
use log::Log;
use secret::Secrets;
use settings::Settings;
use summary::Summary;

#[tokio::main]
async fn main() -> ExitCode {
    let asked = match arguments::parse(lexopt::Parser::from_env()) {
        Ok(Asked::Run(arguments)) => return run(&arguments).await,
        Ok(Asked::Help) => log::print_asked(arguments::HELP),
        Ok(Asked::Version) => log::print_asked(&format!("{}\n", arguments::VERSION)),
        Err(failure) => Err(failure),
    };
    match asked {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            log::complain(&Secrets::default().shown(&failure.to_string()));
            failure.exit().into()
        }
    }
}

async fn run(arguments: &Arguments) -> ExitCode {
    let mut summary = Summary::begin();
    let mut secrets = Secrets::default();
    let settings = Settings::read(|name| std::env::var_os(name), &mut secrets);
    let log = Log::new(arguments.log, arguments.quiet, &secrets);
    let result = match settings {
        Ok(settings) if arguments.dry_run => match sync::dry_run(arguments, &settings).await {
            Ok(()) => return ExitCode::SUCCESS,
            failed => failed,
        },
        Ok(settings) => sync::run(arguments, &settings, &log, &mut summary).await,
        Err(failure) => Err(failure),
    };
    log.end(&summary, &result);
    let exit = log::exit_of(&result);
    if let Some(file) = arguments.metrics.as_deref().filter(|_| !arguments.dry_run)
        && let Err(failure) = metrics::write(file, &summary, exit)
    {
        // the rows are there: whoever watches the metrics sees that they are old
        log::complain(&secrets.shown(&failure.to_string().replace("error: ", "warning: ")));
    }
    exit.into()
}
