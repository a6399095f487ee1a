//! A PgBouncer of the test's own.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::portal::Portal;

/// PgBouncer in transaction pooling, with two connections to the server; it ends with this value.
pub(super) struct PgBouncer {
    process: Child,
    pub(super) url: String,
    _directory: TempDir,
}

impl PgBouncer {
    pub(super) async fn start(portal: &Portal) -> Self {
        let config: Config = portal.database.url().parse().unwrap();
        let host = match &config.get_hosts()[0] {
            Host::Unix(directory) => directory.display().to_string(),
            Host::Tcp(host) => host.clone(),
        };
        let (user, name) = (config.get_user().unwrap_or("postgres"), config.get_dbname().unwrap());
        let server = config.get_ports().first().copied().unwrap_or(5432);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // root may not run it, and the server's socket belongs to its account
        let owner = Command::new("stat").args(["--format=%U", &host]).output().unwrap().stdout;
        let account = match String::from_utf8(owner).unwrap().trim() {
            "" | "root" => String::new(),
            owner => format!("user = {owner}\n"),
        };
        let password = config.get_password().map(|password| String::from_utf8_lossy(password).into_owned());
        let password = password.map(|password| format!(" password={password}")).unwrap_or_default();
        let settings = format!(
            "[databases]\n{name} = host={host} port={server} user={user}{password}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = transaction\ndefault_pool_size = 2\nignore_startup_parameters = extra_float_digits\n{account}"
        );
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pgbouncer.ini");
        fs::write(&file, settings).unwrap();
        let process = Command::new("pgbouncer").arg("-q").arg(&file).stderr(Stdio::null()).spawn();
        let process = process.expect("pgbouncer is not installed");
        let url = format!("postgres://{user}@127.0.0.1:{port}/{name}");
        let mut pooler = Self { process, url, _directory: directory };
        while PgConnection::connect(&pooler.url).await.is_err() {
            assert!(pooler.process.try_wait().unwrap().is_none(), "pgbouncer ended");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        pooler
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
