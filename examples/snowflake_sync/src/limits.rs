//! How long each step of a run may take.

use std::time::Duration;

/// The time that each step has. What the command line does not set suits a job of every hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// A connection to Postgres, and one attempt at a login to Snowflake.
    pub(crate) connect: Duration,
    /// One statement, in Snowflake or in Postgres.
    pub(crate) statement: Duration,
    /// A lock in Postgres that somebody else holds.
    pub(crate) lock: Duration,
    /// The whole run.
    pub(crate) run: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self { connect: minutes(1), statement: minutes(20), lock: minutes(5), run: minutes(50) }
    }
}
