#![cfg_attr(docsrs, feature(doc_cfg))]

//! Usage charts for the output ports of a data-product portal.
//!
//! A portal's output ports are read by data products, its consumers, in Snowflake. This crate counts how often, keeps
//! the counts in daily tables of the host's Postgres, and charts them. The host gives a small configuration and keeps
//! its pool, its transactions and its clock; the crate renders statements and decodes rows.
//!
//! # What is counted
//!
//! Query `q1` joins Table A and Table B of one output port: 1 query for the output port, 1 touch for A,
//! 1 touch for B.
//!
//! ```
//! use chrono::NaiveDate;
//! use output_port_usage::query_log::{self, AccessedObject, Record};
//! use output_port_usage::{Attribution, ConsumerId, OutputPortId, TechAssetId, last_days};
//! use uuid::Uuid;
//!
//! let port = OutputPortId(Uuid::from_u128(1));
//! let (table_a, table_b) = (TechAssetId(Uuid::from_u128(11)), TechAssetId(Uuid::from_u128(12)));
//! let attribution = Attribution::builder()
//!     .object("SALES_DB.OUT.TABLE_A", table_a)
//!     .object("SALES_DB.OUT.TABLE_B", table_b)
//!     .tech_asset(table_a, [port])
//!     .tech_asset(table_b, [port])
//!     .role("SALES_ANALYST", ConsumerId(Uuid::from_u128(21)))
//!     .build()?;
//!
//! // SELECT … FROM table_a JOIN table_b …
//! let mut q1 = Record::new("q1", "2026-03-10T09:30:00Z".parse()?);
//! q1.role_name = Some("SALES_ANALYST".to_owned());
//! q1.direct_objects_accessed = vec![
//!     AccessedObject::new("Table", "SALES_DB.OUT.TABLE_A"),
//!     AccessedObject::new("Table", "SALES_DB.OUT.TABLE_B"),
//! ];
//!
//! let today: NaiveDate = "2026-03-10".parse()?;
//! let batch = query_log::aggregate(&attribution, last_days(1, today), [q1])?;
//!
//! let queries: Vec<u64> = batch.queries().iter().map(|row| row.query_count).collect();
//! assert_eq!(queries, [1]); // the output port
//! let touches = batch.touches().unwrap_or_default();
//! let touches: Vec<_> = touches.iter().map(|row| (row.tech_asset_id, row.query_count)).collect();
//! assert_eq!(touches, [(table_a, 1), (table_b, 1)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # From a log to a chart
//!
//! 1. A [`UsageModel`] says in which tables the portal keeps its output ports, consumers and tech assets.
//!    It renders [its own tables](UsageModel::create_tables).
//! 2. An [`Attribution`] says which warehouse objects belong to which tech asset, which output ports that stands
//!    behind, and which user or role is which consumer. [`query_log`] counts a log by it, or [`snowflake`] writes the
//!    SQL that counts in the warehouse and decodes its rows; both give a [`UsageBatch`].
//! 3. [`UsageModel::replace`] makes the batch's days and output ports hold exactly its rows, in the host's
//!    transaction. [`UsageModel::backfill`] loads years of batches at once.
//! 4. [`UsageModel::query`] turns a request from the module [`chart`] into one statement with typed rows. With
//!    [coverage](docs::coverage), these tell a day without use from one that nobody measured, and
//!    [`UsageModel::gaps`] lists the days to ingest again.
//!
#![cfg_attr(feature = "sqlx", doc = "```no_run")]
#![cfg_attr(not(feature = "sqlx"), doc = "```ignore")]
//! use output_port_usage::chart::QueriesOverTime;
//! use output_port_usage::{Granularity, Reference, UsageModel, last_days};
//!
//! # async fn host(
//! #     pool: sqlx::PgPool,
//! #     batch: output_port_usage::UsageBatch,
//! #     port: output_port_usage::OutputPortId,
//! #     today: chrono::NaiveDate,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let portal = |table| Reference::to(table).schema("portal").label("name");
//! let model = UsageModel::builder()
//!     .schema("usage")
//!     .output_ports(portal("datasets"))
//!     .consumers(portal("data_products").group("domain_id", portal("domains")))
//!     .tech_assets(portal("technical_assets"))
//!     .combinations()
//!     .build()?;
//!
//! let mut transaction = pool.begin().await?;
//! let outcome = model.replace(&batch)?.run_sqlx(&mut transaction).await?;
//! println!("{} rows written, {} unchanged", outcome.queries.written, outcome.queries.unchanged);
//!
//! let weeks = Granularity::Week.expand_start(last_days(90, today));
//! let chart = QueriesOverTime::new(port, weeks).granularity(Granularity::Week);
//! for point in model.query(&chart)?.into_sqlx().fetch_all(&mut *transaction).await? {
//!     println!("{}: {}", point.bucket, point.query_count);
//! }
//! transaction.commit().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Words
//!
//! | word | meaning |
//! | --- | --- |
//! | output port | the dataset that a data product exposes: [`OutputPortId`] |
//! | consumer | the data product that queries an output port: [`ConsumerId`] |
//! | tech asset | what stands behind output ports in the warehouse, such as a table, a view or a schema: [`TechAssetId`] |
//! | query | one statement in the warehouse; counts once for each (day, output port, consumer) |
//! | touch | one query reading one tech asset; counts once, a self join included |
//! | combination | one query that reads two output ports through two different tech assets and objects |
//! | usage date | the local day of the query's start, in the attribution's time zone |
//! | days | half-open `Range<NaiveDate>`, everywhere; see [`last_days`] |
//!
//! # Charts, drivers and features
//!
//! [`docs::charts`] lists the charts and says which days to ask for. [`docs::drivers`] shows how to run them, with SQLx,
//! tokio-postgres or any other driver. What each feature adds stands in the README; none is on by default.
//!
//! # What it does not do
//!
//! It has no pool, no runtime, no clock and no migration history. It does not connect to Snowflake, and it keeps no
//! query, text or user name: only daily counts by id.

mod attribution;
pub mod chart;
// Its Rust needs every feature: without them doc tests leave it out.
#[cfg(any(
    not(doctest),
    all(feature = "pretty", feature = "sqlx", feature = "tokio-postgres", feature = "utoipa")
))]
pub mod docs;
mod driver;
mod error;
mod hash;
mod id;
mod ident;
mod model;
// Drivers run writes; without one that code has no caller.
#[cfg_attr(not(any(feature = "sqlx", feature = "tokio-postgres")), allow(dead_code, unused_imports))]
mod postgres;
#[cfg(feature = "pretty")]
mod pretty;
pub mod query_log;
mod review;
mod row;
pub mod snowflake;
mod statement;
mod time;
mod usage;

pub use attribution::{
    AccessedObjects, Attribution, AttributionBuilder, CountedUnit, IcebergEvents, OverlappingSets,
    time_zone_version,
};
pub use chart::Chart;
#[cfg(feature = "tokio-postgres")]
pub use driver::{DecodeError, TokioPostgresQuery, TokioPostgresStatement};
pub use error::{Error, UnknownIds};
pub use id::{ConsumerId, GroupId, OutputPortId, TechAssetId};
pub use model::{Column, DailyTable, OnDelete, Reference, TableNames, UsageModel, UsageModelBuilder};
pub use postgres::{
    Backfill, BackfillProgress, BackfillStep, CatalogRow, Check, Difference, DifferenceKind, Distribution,
    Gap, GapReason, Gaps, Ingest, Migration, Outcome, PortCoverage, Purge, Removal, Role, Severity,
    TableOutcome, Violation, WriteError,
};
/// The values of a [`Statement`] or a [`Query`], a type of sea-query 1.
#[doc(no_inline)]
pub use sea_query::Values;
/// The same values in the type of `into_sqlx()`, a type of sea-query-sqlx 0.9.
#[cfg(feature = "sqlx")]
#[doc(no_inline)]
pub use sea_query_binder::SqlxValues;
pub use statement::{Query, Statement};
pub use time::{Granularity, last_days};
pub use usage::{
    Combination, OutputPortQueries, Rules, Scope, TechAssetTouches, UsageBatch, UsageBatchBuilder,
};
