//! The rows of the daily tables.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::{ConsumerId, OutputPortId, TechAssetId};
use crate::model::Stats;

/// The queries of one consumer on one output port on one day.
///
/// As JSON: an object with the fields' names, the date as `2026-07-01`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OutputPortQueries {
    /// The local day of the queries' start.
    pub date: NaiveDate,
    /// The output port that was read.
    pub output_port_id: OutputPortId,
    /// The consumer that read it.
    pub consumer_id: ConsumerId,
    /// Distinct queries, 1 to `i32::MAX`; a zero means the same as no row.
    pub query_count: u64,
}

impl OutputPortQueries {
    /// The queries of `consumer_id` on `output_port_id` on the local day `date`.
    pub const fn new(
        date: NaiveDate,
        output_port_id: OutputPortId,
        consumer_id: ConsumerId,
        query_count: u64,
    ) -> Self {
        Self { date, output_port_id, consumer_id, query_count }
    }
}

/// The touches of one consumer on one tech asset of one output port on one day.
///
/// As JSON: an object with the fields' names, the date as `2026-07-01`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TechAssetTouches {
    /// The local day of the queries' start.
    pub date: NaiveDate,
    /// The output port that the tech asset stands behind.
    pub output_port_id: OutputPortId,
    /// The tech asset that was read.
    pub tech_asset_id: TechAssetId,
    /// The consumer that read it.
    pub consumer_id: ConsumerId,
    /// Distinct queries that read the tech asset, 1 to `i32::MAX`; a zero means the same as no row.
    pub query_count: u64,
}

impl TechAssetTouches {
    /// The queries of `consumer_id` that read `tech_asset_id`, as part of `output_port_id`, on the local day `date`.
    pub const fn new(
        date: NaiveDate,
        output_port_id: OutputPortId,
        tech_asset_id: TechAssetId,
        consumer_id: ConsumerId,
        query_count: u64,
    ) -> Self {
        Self { date, output_port_id, tech_asset_id, consumer_id, query_count }
    }
}

/// The queries of one consumer on one day that read two output ports.
///
/// Each query reads them through two different tech assets.
///
/// As JSON: an object with the fields' names, the date as `2026-07-01`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Combination {
    /// The local day of the queries' start.
    pub date: NaiveDate,
    /// The smaller of the two output port ids.
    pub output_port_id_1: OutputPortId,
    /// The larger of the two output port ids.
    pub output_port_id_2: OutputPortId,
    /// The consumer that read both.
    pub consumer_id: ConsumerId,
    /// Distinct queries, 1 to `i32::MAX`; a zero means the same as no row.
    pub query_count: u64,
}

impl Combination {
    /// The queries of `consumer_id` that read both output ports on the local day `date`.
    ///
    /// The smaller id comes first; a write refuses a pair that is the other way round.
    pub const fn new(
        date: NaiveDate,
        output_port_id_1: OutputPortId,
        output_port_id_2: OutputPortId,
        consumer_id: ConsumerId,
        query_count: u64,
    ) -> Self {
        Self { date, output_port_id_1, output_port_id_2, consumer_id, query_count }
    }
}

/// What the three kinds of rows have in common: a day, ids in the order of the table's key, a count.
pub(crate) trait Fact {
    /// An array.
    type Ids: AsRef<[Uuid]> + Copy + Ord;
    const STATS: Stats;

    fn date(&self) -> NaiveDate;
    fn ids(&self) -> Self::Ids;
    fn count(&self) -> u64;
    fn of(date: NaiveDate, ids: Self::Ids, count: u64) -> Self;

    /// The order of the primary key: output port, date, the other ids.
    fn key(&self) -> (Uuid, NaiveDate, Self::Ids) {
        (self.ids().as_ref()[0], self.date(), self.ids())
    }

    /// The key as errors show it.
    fn named(&self) -> String {
        let ids: Vec<String> = self.ids().as_ref().iter().map(Uuid::to_string).collect();
        format!("{}, {}", self.date(), ids.join(", "))
    }
}

impl Fact for OutputPortQueries {
    type Ids = [Uuid; 2];
    const STATS: Stats = Stats::Queries;

    fn date(&self) -> NaiveDate {
        self.date
    }

    fn ids(&self) -> [Uuid; 2] {
        [self.output_port_id.0, self.consumer_id.0]
    }

    fn count(&self) -> u64 {
        self.query_count
    }

    fn of(date: NaiveDate, [port, consumer]: [Uuid; 2], count: u64) -> Self {
        Self::new(date, OutputPortId(port), ConsumerId(consumer), count)
    }
}

impl Fact for TechAssetTouches {
    type Ids = [Uuid; 3];
    const STATS: Stats = Stats::Touches;

    fn date(&self) -> NaiveDate {
        self.date
    }

    fn ids(&self) -> [Uuid; 3] {
        [self.output_port_id.0, self.tech_asset_id.0, self.consumer_id.0]
    }

    fn count(&self) -> u64 {
        self.query_count
    }

    fn of(date: NaiveDate, [port, asset, consumer]: [Uuid; 3], count: u64) -> Self {
        Self::new(date, OutputPortId(port), TechAssetId(asset), ConsumerId(consumer), count)
    }
}

impl Fact for Combination {
    type Ids = [Uuid; 3];
    const STATS: Stats = Stats::Combinations;

    fn date(&self) -> NaiveDate {
        self.date
    }

    fn ids(&self) -> [Uuid; 3] {
        [self.output_port_id_1.0, self.output_port_id_2.0, self.consumer_id.0]
    }

    fn count(&self) -> u64 {
        self.query_count
    }

    fn of(date: NaiveDate, [smaller, larger, consumer]: [Uuid; 3], count: u64) -> Self {
        Self::new(date, OutputPortId(smaller), OutputPortId(larger), ConsumerId(consumer), count)
    }
}
