//! Where the tables contradict each other, row by row.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::id::{ConsumerId, OutputPortId, TechAssetId};
use crate::row::{Columnar, Columns, FlatRecord};

/// Rows of two tables that cannot both be right.
///
/// Batches that measure everything leave none. A batch without touches or combinations leaves the earlier ones in
/// place, which may then exceed its queries; upserts of single rows and tables filled by other means can have the same
/// effect. To mend them, replace the days again with a batch that measures all three.
///
/// As JSON:
///
/// ```
/// # use output_port_usage::Violation;
/// let json = serde_json::json!([
///     {"kind": "touches_above_queries", "date": "2026-06-30",
///         "output_port_id": "0190d3a2-5c1e-7b4a-8f00-0123456789a1",
///         "tech_asset_id": "0190d3a2-5c1e-7b4a-8f00-0123456789e1",
///         "consumer_id": "0190d3a2-5c1e-7b4a-8f00-0123456789c1",
///         "touches": 9,
///         "queries": 8},
///     {"kind": "combination_above_queries", "date": "2026-06-30",
///         "output_port_id": "0190d3a2-5c1e-7b4a-8f00-0123456789a1",
///         "other_output_port_id": "0190d3a2-5c1e-7b4a-8f00-0123456789a2",
///         "consumer_id": "0190d3a2-5c1e-7b4a-8f00-0123456789c1",
///         "combinations": 9,
///         "queries": 8},
///     {"kind": "pair_out_of_order", "date": "2026-06-30",
///         "output_port_id_1": "0190d3a2-5c1e-7b4a-8f00-0123456789a2",
///         "output_port_id_2": "0190d3a2-5c1e-7b4a-8f00-0123456789a1",
///         "consumer_id": "0190d3a2-5c1e-7b4a-8f00-0123456789c1",
///         "combinations": 9},
///     {"kind": "settled_not_measured", "date": "2026-06-30",
///         "output_port_id": "0190d3a2-5c1e-7b4a-8f00-0123456789a1",
///         "days": 2}
/// ]);
/// let violations: Vec<Violation> = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&violations)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Violation {
    /// A tech asset was touched by more queries than its output port had.
    #[non_exhaustive]
    TouchesAboveQueries {
        /// The day.
        date: NaiveDate,
        /// The output port.
        output_port_id: OutputPortId,
        /// The tech asset.
        tech_asset_id: TechAssetId,
        /// The consumer.
        consumer_id: ConsumerId,
        /// The touches of the tech asset.
        touches: i64,
        /// The output port's queries, 0 where the table has no row.
        queries: i64,
    },
    /// A pair was combined by more queries than one of its output ports had.
    #[non_exhaustive]
    CombinationAboveQueries {
        /// The day.
        date: NaiveDate,
        /// The output port that has fewer queries than the pair has combinations.
        output_port_id: OutputPortId,
        /// The other output port of the pair.
        other_output_port_id: OutputPortId,
        /// The consumer.
        consumer_id: ConsumerId,
        /// The queries that combine both.
        combinations: i64,
        /// The queries of that output port, 0 where the table has no row.
        queries: i64,
    },
    /// A pair whose first output port is not the smaller one.
    ///
    /// Only a table without the library's constraint can hold it.
    #[non_exhaustive]
    PairOutOfOrder {
        /// The day.
        date: NaiveDate,
        /// The first output port of the pair.
        output_port_id_1: OutputPortId,
        /// The second output port of the pair, smaller than the first or the same.
        output_port_id_2: OutputPortId,
        /// The consumer.
        consumer_id: ConsumerId,
        /// The queries that combine both.
        combinations: i64,
    },
    /// An output port has settled days that were not measured.
    ///
    /// Only a table of coverage without the library's constraint can hold it. Charts call these days measured.
    #[non_exhaustive]
    SettledNotMeasured {
        /// The first of them.
        date: NaiveDate,
        /// The output port.
        output_port_id: OutputPortId,
        /// How many there are.
        days: i64,
    },
}

impl Columnar for Violation {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        let date = row.date("date")?;
        let output_port_id = OutputPortId(row.uuid("output_port_id")?);
        let counted = row.count("counted")?;
        let [consumer, asset, other] = ["consumer_id", "tech_asset_id", "other_output_port_id"];
        let ids = [row.uuid_or_null(consumer)?, row.uuid_or_null(asset)?, row.uuid_or_null(other)?];
        if ids == [None; 3] {
            return Ok(Self::SettledNotMeasured { date, output_port_id, days: counted });
        }
        let consumer_id = ConsumerId(row.uuid(consumer)?);
        let Some(other) = row.uuid_or_null("other_output_port_id")?.map(OutputPortId) else {
            return Ok(Self::TouchesAboveQueries {
                date,
                output_port_id,
                tech_asset_id: TechAssetId(row.uuid("tech_asset_id")?),
                consumer_id,
                touches: counted,
                queries: row.count("queries")?,
            });
        };
        Ok(match row.count_or_null("queries")? {
            Some(queries) => Self::CombinationAboveQueries {
                date,
                output_port_id,
                other_output_port_id: other,
                consumer_id,
                combinations: counted,
                queries,
            },
            None => Self::PairOutOfOrder {
                date,
                output_port_id_1: output_port_id,
                output_port_id_2: other,
                consumer_id,
                combinations: counted,
            },
        })
    }

    fn write_to(&self, record: &mut FlatRecord) {
        let kind = match self {
            Self::TouchesAboveQueries { .. } => "touches_above_queries",
            Self::CombinationAboveQueries { .. } => "combination_above_queries",
            Self::PairOutOfOrder { .. } => "pair_out_of_order",
            Self::SettledNotMeasured { .. } => "settled_not_measured",
        };
        let (date, port, counted) = match self {
            Self::TouchesAboveQueries { date, output_port_id, touches, .. } => {
                (date, output_port_id, touches)
            }
            Self::CombinationAboveQueries { date, output_port_id, combinations, .. } => {
                (date, output_port_id, combinations)
            }
            Self::PairOutOfOrder { date, output_port_id_1, combinations, .. } => {
                (date, output_port_id_1, combinations)
            }
            Self::SettledNotMeasured { date, output_port_id, days } => (date, output_port_id, days),
        };
        let (other, asset, consumer, queries) = match self {
            Self::TouchesAboveQueries { tech_asset_id, consumer_id, queries, .. } => {
                (None, Some(tech_asset_id.0), Some(consumer_id.0), Some(*queries))
            }
            Self::CombinationAboveQueries { other_output_port_id, consumer_id, queries, .. } => {
                (Some(other_output_port_id.0), None, Some(consumer_id.0), Some(*queries))
            }
            Self::PairOutOfOrder { output_port_id_2, consumer_id, .. } => {
                (Some(output_port_id_2.0), None, Some(consumer_id.0), None)
            }
            Self::SettledNotMeasured { .. } => (None, None, None, None),
        };
        record
            .text("kind", kind)
            .date("date", *date)
            .id("output_port_id", port.0)
            .id("other_output_port_id", other)
            .id("tech_asset_id", asset)
            .id("consumer_id", consumer)
            .count("counted", *counted)
            .count("queries", queries);
    }
}
