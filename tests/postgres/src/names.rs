use std::hash::{BuildHasher, RandomState};
use std::process;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

static OWNER: LazyLock<String> =
    LazyLock::new(|| format!("output_port_usage_{}_{:016x}", process::id(), random()));
static DATABASES: AtomicU64 = AtomicU64::new(0);

/// The name of this process, which starts the names of all that it makes.
pub(crate) fn owner() -> &'static str {
    &OWNER
}

/// A name for the next database: letters, digits and underscores only.
pub(crate) fn next_database() -> String {
    format!("{}_{}", owner(), DATABASES.fetch_add(1, Ordering::Relaxed))
}

/// A number that another process does not guess; the standard library seeds its hashers from the system.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(process::id())
}
