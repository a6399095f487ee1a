//! The aggregation in Snowflake: the statements, which days they read, and the decoding of their rows.
//!
//! An [`Aggregation`] writes the SQL that counts the usage of some days where the history is, from the
//! same [`Attribution`](crate::Attribution) that [`query_log`](crate::query_log) takes and with the same
//! results. The library runs nothing: the host's Snowflake client takes the text and the binds, and
//! [`SnowflakeStatement::decode`] makes a [`UsageBatch`](crate::UsageBatch) of the rows.
//!
//! # What is read
//!
//! - `ACCESS_HISTORY` (Snowflake's page "ACCESS_HISTORY view"): one row for each successful statement,
//!   with the objects that it read. It needs Enterprise Edition; on Standard Edition it is there and
//!   empty. A procedure's statements are rows of their own, with `root_query_id`.
//! - `QUERY_HISTORY` (page "QUERY_HISTORY view") for the role and the status, only where a role is mapped
//!   and for [`coverage`](Aggregation::coverage). The two are joined by the query id; an access whose
//!   query is not there yet does not count until it is, and the coverage report says how many there are.
//! - Rows appear up to 3 hours late and are kept for 365 days (page "Account Usage", "Data latency" and
//!   "Data retention"). A [`Window`] plans which days to read again.
//!
//! Starts are compared as absolute instants, which the library computes from the local days, daylight
//! saving included, with some hours to spare; the usage date is the start's date in the attribution's time
//! zone, by Snowflake's own rules. Neither depends on the session's time zone or date formats.
//!
//! Whole schemas and databases are found among the distinct names that were read, by what a name starts with.
//! Without them a statement compares names alone.
//!
//! An object is known by its name, which two accounts may have: see
//! [several accounts](crate::docs::counting#several-accounts).
//!
//! # Example
//!
//! ```
//! use chrono::NaiveDate;
//! use output_port_usage::snowflake::{Aggregation, Bind, ResultRow};
//! use output_port_usage::{Attribution, ConsumerId, OutputPortId, TechAssetId};
//! use uuid::Uuid;
//!
//! let (port, orders) = (OutputPortId(Uuid::from_u128(1)), TechAssetId(Uuid::from_u128(11)));
//! let attribution = Attribution::builder()
//!     .object("sales.public.orders", orders)
//!     .tech_asset(orders, [port])
//!     .user("analyst", ConsumerId(Uuid::from_u128(21)))
//!     .build()?;
//! let day = NaiveDate::from_ymd_opt(2026, 3, 10).unwrap();
//!
//! let statement = Aggregation::new(&attribution, day..day.succ_opt().unwrap()).usage()?;
//! println!("{}", statement.sql()); // the host's client runs it with the binds
//! assert!(statement.binds().any(|bind| *bind == Bind::Number(1_773_100_800)));
//!
//! let answer = r#"[{"RESULT": "output_port_queries", "USAGE_DATE": "2026-03-10",
//!     "OUTPUT_PORT_ID": "00000000-0000-0000-0000-000000000001", "OUTPUT_PORT_ID_2": null, "TECH_ASSET_ID": null,
//!     "CONSUMER_ID": "00000000-0000-0000-0000-000000000015", "QUERY_COUNT": 3}]"#;
//! let rows: Vec<ResultRow> = serde_json::from_str(answer)?;
//! let batch = statement.decode(rows)?;
//! assert_eq!(batch.queries()[0].query_count, 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it is tested
//!
//! Every statement in every form is parsed with Snowflake's grammar and run in two emulations, on
//! hand-made and on random logs, and its rows are compared with those of `query_log`. sqlglot reads it, and
//! sqlfluff has nothing to say to it. It has never run on an account of Snowflake.

mod aggregation;
mod coverage;
mod mapping;
mod objects;
mod prelude;
mod results;
mod row;
mod statement;
mod statements;
mod window;

pub use self::aggregation::Aggregation;
pub use self::coverage::{CoverageReport, UncountedDomain, UncountedObject, UncountedPrincipal};
pub use self::mapping::Mappings;
pub use self::row::ResultRow;
pub use self::statement::{Bind, SnowflakeStatement};
pub use self::window::{Window, WindowPlan};
