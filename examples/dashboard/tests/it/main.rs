//! The API over HTTP, on a real PostgreSQL.

mod availability;
mod bad_input;
mod browser;
mod by_hand;
mod caching;
mod guide;
mod openapi;
mod program;
mod proxy;
mod same_rows;
mod spreadsheet;
mod world;
