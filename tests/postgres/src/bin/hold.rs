//! Makes a database, says where, and ends as told: `hold wait|return|exit|panic`.

use std::io::{Write, stdout};
use std::process::ExitCode;

use throwaway_postgres::Origin;

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let database = throwaway_postgres::database()?;
    println!("server {}", database.server());
    println!("url {}", database.url());
    match database.origin() {
        Origin::Local { directory, .. } => println!("leaves {}", directory.display()),
        Origin::Docker { container, .. } => println!("leaves {container}"),
        _ => println!("leaves {}", database.name()),
    }
    stdout().flush()?;
    match std::env::args().nth(1).as_deref() {
        Some("wait") => loop {
            std::thread::park();
        },
        Some("return") => Ok(ExitCode::SUCCESS),
        // Without a drop of the database.
        Some("exit") => std::process::exit(0),
        Some("panic") => panic!("as told"),
        other => Err(format!("unknown ending {other:?}").into()),
    }
}
