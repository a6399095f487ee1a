//! "Queries over time", split by consumer, group or output port.

use sea_query::{PostgresQueryBuilder, Values};
use serde::{Deserialize, Serialize};

use super::bucket::Bucket;
use super::buckets::Buckets;
use super::comparison::{Before, Comparable, Compared, Comparison, WithPrevious};
use super::coverage::Coverage;
use super::coverage_of::CoverageOf;
use super::facts::{self, Facts};
use super::member::{self, Member};
use super::queries_over_time::QueriesOverTime;
use super::split::{self, Asked, Of};
use super::subject::Subject;
use super::who::groups_of;
use super::{Chart, sealed, series};
use crate::error::{Error, Kind};
use crate::model::UsageModel;
use crate::row::{Columnar, Columns, FlatRecord};
use crate::statement::Query;
use crate::time::Days;

/// The queries of a subject over time, one series for each of the top n members, then Other.
///
/// Made by [`QueriesOverTime::split_by_consumer`], [`split_by_group`](QueriesOverTime::split_by_group) and
/// [`split_by_port`](QueriesOverTime::split_by_port). A row is a series: by rank, Other last, each with a count for
/// every bucket of [`buckets`](Self::buckets), zero filled. The top n are those of the whole days, by count, the
/// largest first, then by id; there is an Other if there are more than n members. The series of a bucket add
/// up to the point of [`QueriesOverTime`]; without queries there are no series.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct QueriesOverTimeSplit {
    over_time: QueriesOverTime,
    by: member::Kind,
    top: u32,
}

impl QueriesOverTimeSplit {
    /// Adds each series' queries in all of the earlier days, and the change since then.
    ///
    /// Other stands for the same members in both periods; a member with queries only in the earlier days has no series.
    /// To compare bucket by bucket, see [`QueriesOverTime::compared_with`]. The query is an error if the earlier days
    /// begin before year 1.
    pub fn compared_with(self, comparison: Comparison) -> Compared<Self> {
        Compared::new(self, comparison)
    }
}

impl QueriesOverTime {
    /// One series for each of the `top` consumers of the days, then Other; zero makes the query an error.
    ///
    /// ```
    /// # use chrono::NaiveDate;
    /// # use output_port_usage::{Reference, UsageModel, OutputPortId};
    /// use output_port_usage::chart::QueriesOverTime;
    /// use output_port_usage::{Granularity, last_days};
    /// # let model = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"))
    /// #     .build()?;
    /// # let port = OutputPortId(uuid::Uuid::nil());
    /// # let today = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap();
    ///
    /// let weeks = Granularity::Week.expand_start(last_days(90, today));
    /// let chart = QueriesOverTime::new(port, weeks).granularity(Granularity::Week);
    /// let split = chart.split_by_consumer(5);
    /// let query = model.query(&split)?; // up to 6 series
    /// assert_eq!(query.sql().matches("output_port_query_stats_daily").count(), 1);
    /// assert_eq!(split.buckets()?.len(), 14); // as many counts in each
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    pub fn split_by_consumer(self, top: u32) -> QueriesOverTimeSplit {
        QueriesOverTimeSplit { over_time: self, by: member::Kind::Consumer, top }
    }

    /// One series for each of the `top` groups of consumers of the days, then Other; zero makes the query an error.
    ///
    /// The consumers without a group are a series of their own if they have queries, whatever the top n: it has no rank,
    /// comes before Other and is never part of it. The query is an error if the model's consumers have no
    /// [`group`](crate::Reference::group).
    pub fn split_by_group(self, top: u32) -> QueriesOverTimeSplit {
        QueriesOverTimeSplit { over_time: self, by: member::Kind::Group, top }
    }

    /// One series for each of the `top` output ports of the days, then Other; zero makes the query an error.
    ///
    /// For the [portal](Subject::Portal), whoever reads it, or one consumer or group; of any other subject the query is
    /// an error. For given output ports, see [`QueriesOverTime::of_ports`].
    ///
    /// ```
    /// # use chrono::NaiveDate;
    /// # use output_port_usage::{ConsumerId, Reference, UsageModel};
    /// use output_port_usage::chart::{QueriesOverTime, Subject};
    /// use output_port_usage::last_days;
    /// # let model = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"))
    /// #     .build()?;
    /// # let consumer = ConsumerId(uuid::Uuid::nil());
    /// # let today = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap();
    ///
    /// // what a data product reads, over time
    /// let chart = QueriesOverTime::new(Subject::Portal, last_days(90, today)).of_consumer(consumer).split_by_port(5);
    /// # assert_eq!(model.query(&chart)?.title(), "queries over time by day split by output port, of the portal, for a consumer");
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    pub fn split_by_port(self, top: u32) -> QueriesOverTimeSplit {
        QueriesOverTimeSplit { over_time: self, by: member::Kind::OutputPort, top }
    }
}

/// A series of [`QueriesOverTimeSplit`] or of [`QueriesOverTimeOfPorts`](super::QueriesOverTimeOfPorts).
///
/// As JSON, with `member` as [`Member`] says:
///
/// ```
/// # use output_port_usage::chart::QueriesOverTimeSeries;
/// let json = serde_json::json!({
///     "member": {"kind": "consumer", "id": "0190d3a2-5c1e-7b4a-8f00-0123456789c1", "label": "Finance"},
///     "rank": 1,
///     "query_count": 50,
///     "counts": [8, 0, 42]
/// });
/// let row: QueriesOverTimeSeries = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&row)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[cfg_attr(
    feature = "utoipa",
    derive(utoipa::ToSchema),
    schema(description = "The queries of one member, or of all others, in each bucket of the axis.")
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueriesOverTimeSeries {
    /// Whose series this is.
    pub member: Member,
    /// The series' position, from 1; `None` for Other, for those without a group, and of
    /// [many output ports](super::QueriesOverTimeOfPorts), which are not ranked.
    #[cfg_attr(feature = "utoipa", schema(required = true))]
    pub rank: Option<i64>,
    /// All its queries on the days, 0 or more.
    pub query_count: i64,
    /// Its queries on the requested days of each bucket, 0 or more, in the order of
    /// the chart's `buckets()`.
    pub counts: Vec<i64>,
    /// Whether the requested days of each bucket were measured, in the same order; that of the chart's subject, and so the
    /// same for every series of a split. `None` without [coverage](crate::UsageModelBuilder::coverage).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Vec<Coverage>>,
}

impl Columnar for QueriesOverTimeSeries {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(Self {
            member: Member::read(row)?,
            rank: row.count_or_null("rank")?,
            query_count: row.count("query_count")?,
            counts: series::read(row)?,
            coverage: Coverage::read_each(row, "coverage")?,
        })
    }

    /// The series without its buckets.
    fn write_to(&self, record: &mut FlatRecord) {
        self.member.write_to(record);
        record.count("rank", self.rank);
    }
}

impl QueriesOverTimeSeries {
    pub(super) fn records(&self, axis: &[Bucket]) -> Vec<FlatRecord> {
        series::records(axis, &self.counts, self.coverage.as_deref(), |record| self.write_to(record))
    }
}

impl sealed::Sealed for QueriesOverTimeSplit {}

impl Chart for QueriesOverTimeSplit {
    type Row = QueriesOverTimeSeries;

    fn records(&self, rows: &[Self::Row]) -> Result<Vec<FlatRecord>, Error> {
        let axis = self.buckets()?;
        Ok(rows.iter().flat_map(|series| series.records(&axis)).collect())
    }

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        let built = self.build(model, None)?;
        Ok(Query::noted(self.title(), &self.notes(model), built))
    }
}

impl Comparable for QueriesOverTimeSplit {
    fn compare(
        &self,
        model: &UsageModel,
        before: &Before,
    ) -> Result<Query<WithPrevious<QueriesOverTimeSeries>>, Error> {
        let built = self.build(model, Some(before))?;
        Ok(Query::noted(before.title(&self.title()), &self.notes(model), built))
    }

    fn compared_records(&self, rows: &[WithPrevious<Self::Row>]) -> Result<Vec<FlatRecord>, Error> {
        let axis = self.buckets()?;
        Ok(rows.iter().flat_map(|row| row.of_each(row.current.records(&axis))).collect())
    }
}

impl QueriesOverTimeSplit {
    pub(super) fn axis(&self) -> Result<Buckets, Error> {
        let days = Days::check(&self.over_time.days)?;
        // Other, and those without a group
        Buckets::new(self.over_time.granularity, days, u64::from(self.top) + 2)
    }

    fn build(&self, model: &UsageModel, before: Option<&Before>) -> Result<(String, Values), Error> {
        let split = self.asked(model, before)?.split()?;
        let parent = match self.by {
            member::Kind::Consumer => &model.0.consumers,
            member::Kind::Group => groups_of(model)?.1,
            member::Kind::OutputPort => &model.0.output_ports,
        };
        let mut select = split.rows(parent);
        split::order(&mut select);
        Ok(select.with(split.with).build(PostgresQueryBuilder))
    }

    fn asked<'a>(&self, model: &'a UsageModel, before: Option<&Before>) -> Result<Asked<'a>, Error> {
        let QueriesOverTime { subject, who, days, .. } = &self.over_time;
        if self.by == member::Kind::OutputPort && *subject != Subject::Portal {
            return Err(Kind::SplitByPortOfOther.into());
        }
        let checked = Days::check(days)?;
        let earlier = before.map(|before| before.comparison.days(days)).transpose()?;
        Ok(Asked {
            model,
            rows: Facts::new(model, *subject, *who, checked)?,
            buckets: self.axis()?,
            coverage: CoverageOf::new(model, *subject, checked).beside(before, earlier.as_ref()),
            by: self.by,
            top: self.top,
            of: Of::Series,
            before: earlier,
        })
    }

    fn notes(&self, model: &UsageModel) -> [&'static str; 2] {
        let QueriesOverTime { subject, who, granularity, .. } = self.over_time;
        [series::why(granularity), facts::way_to_read(model, subject, who)]
    }

    fn title(&self) -> String {
        let by = match self.by {
            member::Kind::Consumer => "consumer",
            member::Kind::Group => "group",
            member::Kind::OutputPort => "output port",
        };
        let QueriesOverTime { subject, who, granularity, .. } = &self.over_time;
        let (unit, subject, who) = (granularity.noun(), subject.title(), who.title());
        format!("queries over time by {unit} split by {by}{subject}{who}")
    }
}
