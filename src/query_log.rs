//! The aggregation in-process, over access-history records.
//!
//! A [`Record`] is a row of Snowflake's `ACCESS_HISTORY` joined to its row of `QUERY_HISTORY`. From a
//! stream of records an [`Aggregator`] makes the same [`UsageBatch`] as the Snowflake SQL of the same
//! [`Attribution`]: this module is the executable reference of the counting rules.
//!
//! # Rules
//!
//! A record counts if all of these hold; [`LogSummary`] counts the others under the first that fails:
//!
//! 1. its `execution_status`, where it is neither absent nor empty, is `SUCCESS` in upper or lower case;
//! 2. the local date of its start is one of the days;
//! 3. its user is not excluded (a record without a user name is not);
//! 4. it is no event of the Iceberg REST catalog that [`IcebergEvents`] leaves out;
//! 5. one of its accessed objects has a domain that counts and a name that some set holds;
//! 6. its user is mapped, or else the role that ran the statement is;
//! 7. the consumer is not merely reading its own output port, where producers are given.
//!
//! What is left is a set of touches: (day, output port, tech asset, consumer, unit), where the unit is
//! the query id or, with [`CountedUnit::RootQuery`], the root query id where there is one. Being a
//! set, it holds each touch once: a self join, an object listed twice and a repeated row change
//! nothing. Queries are the distinct units of a (day, output port, consumer), touches those of a
//! (day, output port, tech asset, consumer); a combination is a unit that reads, on one day and for
//! one consumer, two output ports through two different tech assets and two different objects.
//!
//! # Example
//!
//! ```
//! use output_port_usage::query_log::{self, Aggregator};
//! use output_port_usage::{Attribution, ConsumerId, OutputPortId, TechAssetId};
//! use chrono::NaiveDate;
//! use uuid::Uuid;
//!
//! let port = OutputPortId(Uuid::from_u128(1));
//! let (a, b) = (TechAssetId(Uuid::from_u128(11)), TechAssetId(Uuid::from_u128(12)));
//! let attribution = Attribution::builder()
//!     .object("db.out.table_a", a)
//!     .object("db.out.table_b", b)
//!     .tech_asset(a, [port])
//!     .tech_asset(b, [port])
//!     .user("analyst", ConsumerId(Uuid::from_u128(21)))
//!     .build()?;
//!
//! // q1 joins Table A and Table B of one output port
//! let log = r#"{"query_id": "q1", "query_start_time": "2026-03-10 09:30:00.000 +0000", "user_name": "ANALYST",
//!     "direct_objects_accessed": [{"objectDomain": "Table", "objectName": "DB.OUT.TABLE_A"},
//!                                 {"objectDomain": "Table", "objectName": "DB.OUT.TABLE_B"}]}"#
//!     .replace('\n', "");
//!
//! let day = NaiveDate::from_ymd_opt(2026, 3, 10).unwrap();
//! let mut aggregator = Aggregator::new(&attribution, day..day.succ_opt().unwrap())?;
//! for line in query_log::json_lines(log.as_bytes()) {
//!     match line {
//!         Ok(record) => aggregator.add(&record),
//!         Err(error) if error.is_malformed() => {
//!             eprintln!("{error}");
//!             aggregator.skip_malformed_line();
//!         }
//!         Err(error) => return Err(error.into()),
//!     }
//! }
//! let (batch, summary) = aggregator.finish();
//!
//! assert_eq!(batch.queries().len(), 1); // one query for the output port,
//! assert_eq!(batch.queries()[0].query_count, 1);
//! assert_eq!(batch.touches().unwrap().len(), 2); // one touch for each table
//! assert_eq!(summary.counted, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`CountedUnit::RootQuery`]: crate::CountedUnit::RootQuery
//! [`IcebergEvents`]: crate::IcebergEvents

mod accessed;
mod aggregator;
mod counts;
mod json_lines;
mod reads;
mod record;
mod summary;
mod timestamp;
mod touches;

use std::borrow::Borrow;
use std::ops::Range;

use chrono::NaiveDate;

pub use self::accessed::AccessedObject;
pub use self::aggregator::Aggregator;
pub use self::json_lines::{JsonLines, LineError, json_lines};
pub use self::record::Record;
pub use self::summary::{IgnoredObject, LogSummary, UnmappedObject, UnmappedPrincipal};
use crate::attribution::Attribution;
use crate::error::Error;
use crate::usage::UsageBatch;

/// Aggregates records into the usage of some days.
///
/// The short form of an [`Aggregator`], for records in memory whose summary is not needed.
///
/// # Errors
///
/// Days that are empty, reversed or outside the years 1 to 9999.
pub fn aggregate<R: Borrow<Record>>(
    attribution: &Attribution,
    days: Range<NaiveDate>,
    records: impl IntoIterator<Item = R>,
) -> Result<UsageBatch, Error> {
    let mut aggregator = Aggregator::new(attribution, days)?;
    for record in records {
        aggregator.add(record.borrow());
    }
    let (batch, _) = aggregator.finish();
    Ok(batch)
}
