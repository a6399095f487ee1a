//! The pages in a real browser, over a real PostgreSQL.
//!
//! They need chromium, its driver and axe-core, as stage `browser` of `.ci/run` installs them, and fail without.

mod accessible;
mod addresses;
mod axe;
mod browser;
mod coverage;
mod facts;
mod names;
mod nothing;
mod numbers;
mod outage;
mod site;
mod table;
