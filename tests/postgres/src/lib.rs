//! A PostgreSQL for examples, tests and benches, and no trace of it afterwards.
//!
//! ```no_run
//! let database = throwaway_postgres::database()?;
//! println!("using {}: {}", database.server(), database.url());
//! # Ok::<(), throwaway_postgres::Error>(())
//! ```
//!
//! The first call of a process starts a server, each call makes a database of its own. The server comes from
//! the first of these ways that is there:
//!
//! 1. `OUTPUT_PORT_USAGE_DATABASE_URL`, if set; its role needs CREATEDB. Databases named
//!    `output_port_usage_<process>_<random>_<number>` are made there and nothing else is touched. A process
//!    that is killed, or keeps a [`Database`] in a static, leaves it behind; the next start with that role drops
//!    it, since no connection bears its process's name any more. (So give a server, not a pooler.)
//! 2. Local server binaries of version 14 or newer, the newest first: a cluster in a temporary directory, on a
//!    Unix socket in it. For root it runs as the user `postgres` or `nobody`.
//! 3. Docker: `postgres:17`, or the image in `OUTPUT_PORT_USAGE_POSTGRES_IMAGE`. An image that is there is not
//!    pulled.
//!
//! `OUTPUT_PORT_USAGE_POSTGRES`, set to `url`, `local` or `docker`, forces one way. However the process ends, a
//! helper process stops and deletes the server's cluster or container. 2 and 3 are for Unix; elsewhere there is
//! only 1.
//!
//! Servers of 2 and 3 run without fsync, in UTC, with 200 connections; every database is UTF-8 with the C
//! collation.

#[cfg(unix)]
mod account;
#[cfg(unix)]
mod binaries;
#[cfg(unix)]
mod docker;
mod error;
mod given;
#[cfg(unix)]
mod local;
mod names;
mod server;
mod sql;
#[cfg(unix)]
mod standby;
#[cfg(unix)]
mod watcher;
mod way;

use crate::error::Kind;

pub use error::Error;
pub use server::{Origin, Server};
#[cfg(unix)]
pub use standby::Standby;

/// A database of its own, dropped with this value.
#[derive(Debug)]
#[must_use = "the database is dropped with this value"]
pub struct Database {
    server: &'static Server,
    name: String,
    url: String,
}

/// Makes an empty database; the first call also starts the server.
///
/// Blocks, and may be called from any tokio runtime or from none.
///
/// # Errors
///
/// If no server can be had, always the same error; or if the server makes no database.
pub fn database() -> Result<Database, Error> {
    let server = Server::get()?;
    let name = names::next_database();
    // template0 and C make the database alike on every server.
    let create =
        format!("CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
    sql::on_own_runtime(async || {
        let what = "create a database";
        let mut connection = sql::connect_as(&server.admin, names::owner())
            .await
            .map_err(|source| Kind::Sql { what, source })?;
        sql::run(&mut connection, create, what).await
    })?;
    let url = sql::with_database(&server.admin, &name).into();
    Ok(Database { server, name, url })
}

/// The version of this process's server, such as `15.18`; starts it if need be.
///
/// # Errors
///
/// If no server can be had.
pub fn server_version() -> Result<&'static str, Error> {
    Server::get().map(Server::version)
}

impl Database {
    /// A `postgres://` URL for sqlx and tokio-postgres.
    ///
    /// A local cluster's host is the percent-encoded directory of its socket.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The database's name: letters, digits and underscores.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The server that it is on.
    pub fn server(&self) -> &'static Server {
        self.server
    }

    /// Where its server comes from.
    pub fn origin(&self) -> &'static Origin {
        self.server.origin()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.name);
        // A drop cannot fail: what stays goes with the server, or by the next start at a given URL.
        let _ = sql::on_own_runtime(async || {
            let what = "drop a database";
            let mut connection = sql::connect_as(&self.server.admin, names::owner())
                .await
                .map_err(|source| Kind::Sql { what, source })?;
            sql::run(&mut connection, drop, what).await
        });
    }
}
