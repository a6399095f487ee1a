//! Starts the usage pages on a database: a throw-away one with a log's usage, or a portal's own.

mod arguments;
mod database;

use std::io::Write;
use std::process::ExitCode;

use access_log::printable;
use anyhow::{Context, Result};
use arguments::Arguments;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::from_env() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {} (--help shows the usage)", printable(&error.to_string()));
            return ExitCode::from(2);
        }
    };
    match serve(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", printable(&usage_dashboard::with_causes(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> Result<()> {
    // before a server starts and a log is read: the port may be taken
    let address = arguments.address;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;

    let database = database::open(&arguments.source).await?;
    // not println!, which panics where a pipe was closed
    writeln!(std::io::stdout(), "the pages are at http://{address}/ until Ctrl+C")?;
    let pool = database.host.pool.clone();
    let stop = async {
        // without a handler the signal ends the process all the same
        let _ = tokio::signal::ctrl_c().await;
    };
    let mut routes = usage_dashboard::routes(database.host.clone());
    if address.ip().is_loopback() {
        routes = routes.layer(axum::middleware::from_fn(usage_dashboard::of_this_machine));
    }
    axum::serve(listener, routes).with_graceful_shutdown(stop).await?;
    pool.close().await;
    Ok(())
}
