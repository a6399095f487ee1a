use std::error::Error as _;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::way::Way;

/// Why there is no database.
///
/// `Display` prints the message alone; `Debug`, which `unwrap` and `main` print, adds the causes.
#[derive(Clone)]
pub struct Error(Arc<Kind>);

#[derive(Debug, thiserror::Error)]
pub(crate) enum Kind {
    #[error("{} is {given:?}: it must be url, local or docker", Way::VARIABLE)]
    UnknownWay { given: String },
    #[error("{}=url needs a server's URL in {}", Way::VARIABLE, crate::given::VARIABLE)]
    UrlUnset,
    #[error("{} is not a postgres:// URL", crate::given::VARIABLE)]
    UrlInvalid { source: Option<url::ParseError> },
    #[error("the server of {} does not answer", crate::given::VARIABLE)]
    Given { source: sqlx::Error },
    #[error("PostgreSQL {version} is too old: 14 or newer is needed")]
    TooOld { version: String },
    #[cfg(unix)]
    #[error(
        "no server binaries (initdb and postgres, version 14 or newer) in PATH, /usr/lib/postgresql/*/bin, /usr/pgsql-*/bin or Homebrew's places"
    )]
    NoBinaries,
    #[cfg(unix)]
    #[error("PostgreSQL may not run as root, and there is no user postgres or nobody to run it as")]
    NoAccount,
    #[cfg(unix)]
    #[error("cannot prepare a directory or a helper process for a server")]
    Prepare { source: std::io::Error },
    #[cfg(unix)]
    #[error("the server of {} did not start; its log ends:\n{log}", binaries.display())]
    Local { binaries: PathBuf, log: String },
    #[cfg(unix)]
    #[error("a standby needs a server of local server programs, not {server}")]
    NoStandby { server: String },
    #[cfg(unix)]
    #[error("a standby needs pg_basebackup beside the server programs")]
    NoBaseBackup,
    #[cfg(unix)]
    #[error("neither docker nor curl is in PATH: one of them has to remove the container afterwards")]
    NoRemover,
    #[cfg(unix)]
    #[error("Docker does not start {image}")]
    Docker { image: String, source: testcontainers::TestcontainersError },
    #[cfg(unix)]
    #[error("the server of {image} in Docker cannot be reached ({failure}); its log ends:\n{log}")]
    DockerSilent { image: String, failure: String, log: String },
    #[error(
        "no PostgreSQL for examples, tests and benches; one of three ways is needed: \
         set {} to a server's URL, install PostgreSQL's server binaries ({local}), or start Docker ({docker})",
        crate::given::VARIABLE
    )]
    NoWay { local: String, docker: String },
    #[cfg(not(unix))]
    #[error("{} is needed: local binaries and Docker are for Unix only", crate::given::VARIABLE)]
    UrlOnly,
    #[error("cannot start a runtime")]
    Runtime { source: std::io::Error },
    #[error("cannot {what}")]
    Sql { what: &'static str, source: sqlx::Error },
}

impl Error {
    /// The message and its causes in one line, to be quoted in another message.
    pub(crate) fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self(Arc::new(kind))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_causes())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
