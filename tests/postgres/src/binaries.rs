use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The oldest major version that is used.
const OLDEST: u32 = 14;

/// Folders of one place whose names differ by version: the parent, the start of the name, what follows.
const PLACES: [(&str, &str, &str); 6] = [
    // Debian and Ubuntu
    ("/usr/lib/postgresql", "", "bin"),
    // PGDG on Red Hat and its kin
    ("/usr", "pgsql-", "bin"),
    // Homebrew on Apple silicon, on Intel and on Linux
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    // Postgres.app
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// Folders with `initdb` and `postgres` of a supported version, newest first.
pub(crate) fn folders() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<((u32, u32), PathBuf)> = env::split_paths(&path)
        .chain(PLACES.into_iter().flat_map(|(parent, start, rest)| versions(parent, start, rest)))
        .filter(|folder| folder.join("initdb").is_file())
        .filter_map(|folder| Some((version(&folder)?, folder)))
        .filter(|((major, _), _)| *major >= OLDEST)
        .collect();
    // A stable sort: of equal versions PATH's comes first.
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, folder)| folder).collect()
}

fn versions(parent: &str, start: &str, rest: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(start))
        .map(|entry| entry.path().join(rest))
        .collect()
}

/// Major and minor version of `postgres (PostgreSQL) 15.18 (Debian …)` or `postgres (PostgreSQL) 19beta1`.
fn version(folder: &Path) -> Option<(u32, u32)> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.split_whitespace().nth(2)?.split(|c: char| !c.is_ascii_digit());
    let major = numbers.next()?.parse().ok()?;
    Some((major, numbers.next().and_then(|minor| minor.parse().ok()).unwrap_or(0)))
}
