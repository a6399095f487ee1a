//! The Snowflake statements, executed and compared with the in-process aggregation.

mod agreement;
mod case;
mod coverage;
mod literals;
mod mutants;
mod zones;

// The log that the root package holds against hand-worked tables, and its random logs.
#[path = "../../../it/query_log/hand_made/mod.rs"]
mod hand_made;
#[path = "../../../it/query_log/random.rs"]
mod random;
#[path = "../../../it/query_log/tables.rs"]
mod tables;
