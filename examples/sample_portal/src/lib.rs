//! A portal in a PostgreSQL, and the usage that an access log tells of it: what the quickstart and the dashboard show.
//!
//! [`Input`] is the log and its mapping, the committed sample or files. [`Log::count`] counts it; [`create_parents`] makes
//! the portal's own tables with what the mapping names, [`create_tables`] the model's, and [`ingest`] writes the counts.
//! Every step is what a host does in production, except that its parents are there already.

mod log;
mod portal;
mod usage;

pub use log::{Counted, Input, Log};
pub use portal::{create_parents, model};
pub use usage::{create_tables, ingest};
