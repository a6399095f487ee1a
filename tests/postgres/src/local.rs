use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use url::Url;

use crate::account::Account;
use crate::binaries;
use crate::error::{Error, Kind};
use crate::server::{Origin, SETTINGS, Started};
use crate::watcher::Watcher;

/// `$1` holds the binaries, `$2` is the directory; the rest are the server's arguments.
///
/// The watcher is the server's parent, so there is no moment at which a server runs unwatched. It runs as the
/// server's user, who owns the directory. `trap ''` is inherited; the server sets its own handlers, but not at
/// once, hence the loop: an early SIGQUIT is lost.
///
/// `$3` is empty, or the directory of the server whose standby this is.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM
binaries=$1 directory=$2 primary=$3
shift 3
make_data() {
    if [ -z "$primary" ]
    then "$binaries/initdb" -D "$directory/data" -U postgres -A trust -E UTF8 --locale=C --no-sync --no-instructions
    else "$binaries/pg_basebackup" -h "$primary" -p 5432 -U postgres -D "$directory/data" -R -c fast --no-sync
    fi
}
if make_data </dev/null >/dev/null
then
    "$binaries/postgres" -D "$directory/data" -k "$directory" -p 5432 "$@" </dev/null &
    server=$!
    cat >/dev/null
    while kill -QUIT "$server" 2>/dev/null
    do sleep 0.1
    done
fi
rm -rf -- "$directory"
"#;

const READY: &str = "database system is ready to accept";

const PATIENCE: Duration = Duration::from_secs(60);

/// Starts a throw-away cluster with the newest binaries that can.
pub(crate) fn start() -> Result<Started, Error> {
    let account = Account::for_server()?;
    let mut failure = Kind::NoBinaries.into();
    for folder in binaries::folders() {
        match start_with(folder, account, None) {
            Ok(started) => return Ok(started),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Starts a standby of the server in that directory.
pub(crate) fn start_standby(binaries: &Path, primary: &Path) -> Result<Started, Error> {
    // a folder may have links to some of the programs only
    let linked = fs::canonicalize(binaries.join("postgres")).ok();
    let folders = [Some(binaries), linked.as_deref().and_then(Path::parent)];
    let binaries = folders.into_iter().flatten().find(|folder| folder.join("pg_basebackup").is_file());
    let binaries = binaries.ok_or(Kind::NoBaseBackup)?;
    start_with(binaries.to_owned(), Account::for_server()?, Some(primary))
}

fn start_with(binaries: PathBuf, account: Option<Account>, primary: Option<&Path>) -> Result<Started, Error> {
    let (directory, watcher) =
        prepare(&binaries, account, primary).map_err(|source| Kind::Prepare { source })?;
    match wait_until_ready(watcher, &directory.log) {
        Ok(watcher) => {
            let url = socket_url(&directory.path)?;
            let origin = Origin::Local { binaries, directory: directory.path };
            Ok(Started { admin: url, origin, watcher: Some(watcher) })
        }
        Err(log) => Err(Kind::Local { binaries, log }.into()),
    }
}

/// A cluster's directory, and its log, which stays readable when the directory is gone.
#[derive(Debug)]
struct Directory {
    path: PathBuf,
    log: File,
}

fn prepare(
    binaries: &Path,
    account: Option<Account>,
    primary: Option<&Path>,
) -> io::Result<(Directory, Watcher)> {
    // Only its owner can enter it, so the socket needs no password. The watcher deletes it.
    let path = tempfile::Builder::new().prefix("output-port-usage-").tempdir_in(parent(account))?.keep();
    let watched = (|| {
        if let Some(account) = account {
            chown(&path, Some(account.user), Some(account.group))?;
        }
        let output = File::options().create(true).append(true).open(path.join("log"))?;
        let log = File::open(path.join("log"))?;
        let primary = primary.map_or(OsStr::new(""), Path::as_os_str);
        let mut arguments = vec![binaries.as_os_str(), path.as_os_str(), primary];
        for setting in ["listen_addresses="].iter().chain(&SETTINGS) {
            arguments.extend([OsStr::new("-c"), OsStr::new(setting)]);
        }
        let watcher = Watcher::start(SCRIPT, arguments, account, output.try_clone()?.into(), output.into())?;
        Ok((log, watcher))
    })();
    match watched {
        Ok((log, watcher)) => Ok((Directory { path, log }, watcher)),
        Err(error) => {
            // There is no watcher yet to do it.
            let _ = fs::remove_dir_all(&path);
            Err(error)
        }
    }
}

/// Where the directory goes: somewhere that lets the server's user delete it.
fn parent(account: Option<Account>) -> PathBuf {
    let parent = env::temp_dir();
    let closed = |metadata: fs::Metadata| metadata.mode() & 0o003 != 0o003;
    if account.is_some() && fs::metadata(&parent).is_ok_and(closed) { "/tmp".into() } else { parent }
}

/// Waits for the server's own word; a failure ends the watcher and returns the end of the log.
fn wait_until_ready(mut watcher: Watcher, log: &File) -> Result<Watcher, String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let over = watcher.is_over();
        let text = read_from_start(log).unwrap_or_default();
        // a standby says `read-only connections` (14 and newer)
        if ["connections", "read-only connections"]
            .iter()
            .any(|what| text.contains(&format!("{READY} {what}")))
        {
            return Ok(watcher);
        }
        // Nobody connects before the server is ready, so a FATAL is the server's own end.
        if over || text.contains("FATAL:") || Instant::now() > deadline {
            watcher.dismiss();
            let text = read_from_start(log).unwrap_or_default();
            return Err(last_lines(&text));
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn read_from_start(log: &File) -> io::Result<String> {
    let mut bytes = vec![0; usize::try_from(log.metadata()?.len()).unwrap_or(0)];
    let read = log.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The part of a server's log that says why it failed.
pub(crate) fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.trim_end().lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

/// A URL that both sqlx and tokio-postgres read as a socket: the directory, percent-encoded, as the host.
fn socket_url(directory: &Path) -> Result<Url, Error> {
    let host: String = directory
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(*byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    let url = format!("postgres://postgres@{host}:5432/postgres");
    Url::parse(&url).map_err(|source| Kind::UrlInvalid { source: Some(source) }.into())
}
