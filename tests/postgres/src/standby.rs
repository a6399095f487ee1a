use crate::error::{Error, Kind};
use crate::server::{Origin, Server, Started};
use crate::{Database, names, sql};

/// A standby that streams from this process's server; stopped and deleted with this value.
///
/// It holds every database of the server, also those that are made later.
#[derive(Debug)]
#[must_use = "the standby ends with this value"]
pub struct Standby(Started);

impl Standby {
    /// Copies the server's cluster, starts it as a standby, and returns when it answers.
    ///
    /// Blocks, and may be called from any tokio runtime or from none.
    ///
    /// # Errors
    ///
    /// If the server is not one of local server programs, if these have no `pg_basebackup`, or if it does not start.
    pub fn of(server: &Server) -> Result<Self, Error> {
        match server.origin() {
            Origin::Local { binaries, directory } => {
                keep_wal(server)?;
                crate::local::start_standby(binaries, directory).map(Self)
            }
            _ => Err(Kind::NoStandby { server: server.to_string() }.into()),
        }
    }

    /// A `postgres://` URL of the database on the standby.
    pub fn url(&self, database: &Database) -> String {
        sql::with_database(&self.0.admin, database.name()).into()
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        if let Some(watcher) = self.0.watcher.take() {
            watcher.dismiss();
        }
    }
}

/// Until a standby has read it: checkpoints, of which each copy of the cluster makes one, would drop it.
fn keep_wal(server: &Server) -> Result<(), Error> {
    sql::on_own_runtime(async || {
        let what = "keep the write-ahead log";
        let connection = sql::connect_as(&server.admin, names::owner()).await;
        let mut connection = connection.map_err(|source| Kind::Sql { what, source })?;
        sql::run(&mut connection, "ALTER SYSTEM SET wal_keep_size = '1GB'", what).await?;
        sql::run(&mut connection, "SELECT pg_reload_conf()", what).await
    })
}
