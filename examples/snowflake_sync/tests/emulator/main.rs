//! The statements and the job against `fakesnow -s`, an emulation of Snowflake that is nobody's here.
//!
//! Run by `.ci/snowflake-emulator`, which installs the emulation in an environment of its own.

mod account;
mod agreement;
mod ending;
mod grammars;
mod healing;
mod histories;
mod job;
mod pipeline;
mod refusals;
mod weeks;

// The cases that the root package and the emulation in SQLite are held against.
#[allow(dead_code)] // without their helpers for SQLite
#[path = "../../../../tests/snowflake/tests/it/case.rs"]
mod case;
#[path = "../../../../tests/it/query_log/hand_made/mod.rs"]
mod hand_made;
#[path = "../../../../tests/it/query_log/random.rs"]
mod random;
#[path = "../../../../tests/it/query_log/tables.rs"]
mod tables;
