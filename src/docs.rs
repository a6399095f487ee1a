//! The guide: what takes more room than the documentation of one item, a page for each question.
//!
//! - [`drivers`]: running statements with SQLx, tokio-postgres, sea-orm or any other driver, and behind a pooler.
//! - [`migrations`]: the tables in your migration tool, the model in a file, and what happens when a parent is deleted.
//! - [`charts`]: the requests, their days, their JSON; chart libraries, CSV and OpenAPI.
//! - [`pages`]: charts of a tech asset, a consumer, a domain and the whole portal, and what they add up.
//! - [`dashboard`]: a service with these pages, and the code of it that hosts copy.
//! - [`coverage`]: a day without use and a day that nobody measured; which days to ingest again; gaps in a chart.
//! - [`alerts`]: usage that fell, and what nobody uses any more.
//! - [`counting`]: what counts as a query, a touch, a combination and a day.
//! - [`operating`]: locks, retries, back-fills, purges and changes of the mapping.
//! - [`promises`]: what is promised when things go wrong, and how it is tested.
//! - [`scale`]: how large the tables get, what the ways to read cost, when to partition or distribute the tables.
//! - [`reviewing_sql`]: every statement in your own snapshot test.
//! - [`carrying_on`]: how the source is laid out, and how to add a chart; for maintainers.
//!
//! The Rust on these pages and in the README is compiled by the crate's doc tests; that of [`dashboard`] by its program.

#[doc = include_str!("docs/drivers.md")]
pub mod drivers {}

#[doc = include_str!("docs/migrations.md")]
pub mod migrations {}

#[doc = include_str!("docs/charts.md")]
pub mod charts {}

#[doc = include_str!("docs/pages.md")]
pub mod pages {}

#[doc = include_str!("docs/dashboard.md")]
pub mod dashboard {}

#[doc = include_str!("docs/coverage.md")]
pub mod coverage {}

#[doc = include_str!("docs/alerts.md")]
pub mod alerts {}

#[doc = include_str!("docs/counting.md")]
pub mod counting {}

#[doc = include_str!("docs/operating.md")]
pub mod operating {}

#[doc = include_str!("docs/promises.md")]
pub mod promises {}

#[doc = include_str!("docs/scale.md")]
pub mod scale {}

#[doc = include_str!("docs/reviewing_sql.md")]
pub mod reviewing_sql {}

#[doc = include_str!("docs/carrying_on.md")]
pub mod carrying_on {}

/// The Rust in the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
