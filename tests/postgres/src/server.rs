use std::fmt;
use std::path::PathBuf;
use std::sync::OnceLock;

use url::Url;

use crate::error::{Error, Kind};
use crate::given;
use crate::names;
use crate::sql;
use crate::way::Way;

/// What every server of ours is started with: speed over durability, and one time zone everywhere.
///
/// Commits stay synchronous, which costs nothing without fsync: a VACUUM right after an asynchronous commit cannot
/// mark its pages all-visible yet.
#[cfg(unix)]
pub(crate) const SETTINGS: [&str; 4] =
    ["fsync=off", "full_page_writes=off", "max_connections=200", "timezone=UTC"];

/// The one server of this process.
///
/// `Display` says in a few words what it is: `local PostgreSQL 15.18`.
#[derive(Debug)]
pub struct Server {
    pub(crate) admin: Url,
    origin: Origin,
    version: String,
    // Never dropped, as a static's part; its pipe closes with the process.
    #[cfg(unix)]
    _watcher: Option<crate::watcher::Watcher>,
}

/// Where a server comes from, and so what goes when the process ends.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// `OUTPUT_PORT_USAGE_DATABASE_URL`: the server stays, the databases go.
    Url,
    /// Local server binaries: the cluster stops and its directory goes.
    Local {
        /// The folder of `initdb` and `postgres`.
        binaries: PathBuf,
        /// The directory of data, socket and log.
        directory: PathBuf,
    },
    /// Docker: the container and its volume go.
    Docker {
        /// The image with its tag.
        image: String,
        /// The container's name.
        container: String,
    },
}

/// A server that accepts connections.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) admin: Url,
    pub(crate) origin: Origin,
    #[cfg(unix)]
    pub(crate) watcher: Option<crate::watcher::Watcher>,
}

impl Server {
    /// The server of this process, started by the first call.
    pub(crate) fn get() -> Result<&'static Self, Error> {
        static SERVER: OnceLock<Result<Server, Error>> = OnceLock::new();
        SERVER.get_or_init(|| sql::on_own_runtime(start)).as_ref().map_err(Clone::clone)
    }

    /// The version that the server states, such as `15.18` or `19beta1`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Where the server comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = &self.version;
        match &self.origin {
            Origin::Url => write!(f, "PostgreSQL {version} at {}", given::VARIABLE),
            Origin::Local { .. } => write!(f, "local PostgreSQL {version}"),
            Origin::Docker { image, .. } => write!(f, "PostgreSQL {version} in Docker ({image})"),
        }
    }
}

async fn start() -> Result<Server, Error> {
    let started = match Way::forced()? {
        Some(Way::Url) => given::start(given::url()?.ok_or(Kind::UrlUnset)?).await?,
        Some(Way::Local) => local()?,
        Some(Way::Docker) => docker().await?,
        None => match given::url()? {
            Some(url) => given::start(url).await?,
            None => local_or_docker().await?,
        },
    };
    let version = announce(&started.admin).await?;
    Ok(Server {
        admin: started.admin,
        origin: started.origin,
        version,
        #[cfg(unix)]
        _watcher: started.watcher,
    })
}

#[cfg(unix)]
fn local() -> Result<Started, Error> {
    crate::local::start()
}

#[cfg(unix)]
async fn docker() -> Result<Started, Error> {
    crate::docker::start().await
}

#[cfg(not(unix))]
fn local() -> Result<Started, Error> {
    Err(Kind::UrlOnly.into())
}

#[cfg(not(unix))]
async fn docker() -> Result<Started, Error> {
    Err(Kind::UrlOnly.into())
}

async fn local_or_docker() -> Result<Started, Error> {
    let local = match local() {
        Ok(started) => return Ok(started),
        Err(error) => error.with_causes(),
    };
    let docker = match docker().await {
        Ok(started) => return Ok(started),
        Err(error) => error.with_causes(),
    };
    Err(Kind::NoWay { local, docker }.into())
}

/// Announces this process to the server, for as long as it lives, and returns the server's version.
///
/// On every way, since a server of ours may be given to another process by its URL.
async fn announce(admin: &Url) -> Result<String, Error> {
    const VERSION: &str = "SELECT split_part(current_setting('server_version'), ' ', 1), \
         current_setting('server_version_num')::integer";
    let failed = |source| Kind::Sql { what: "ask the server's version", source };
    let mut owner = sql::connect_as(admin, names::owner()).await.map_err(failed)?;
    let (version, number): (String, i32) =
        sqlx::query_as(VERSION).fetch_one(&mut owner).await.map_err(failed)?;
    if number < 140_000 {
        return Err(Kind::TooOld { version }.into());
    }
    sql::run(&mut owner, "SET idle_session_timeout = 0", "keep a connection").await?;
    // Open until this process ends, in whatever manner: its name in pg_stat_activity says that we live.
    std::mem::forget(owner);
    Ok(version)
}
