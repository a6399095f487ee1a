//! "Most used output ports": the ranking of the whole portal, or of a list.

mod of_some;
mod ranking;

use std::collections::BTreeSet;
use std::ops::Range;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use self::ranking::PortRanking;
use super::comparison::{Before, Comparable, Compared, Comparison, Ranking, WithPrevious};
use super::coverage::Coverage;
use super::subject::Subject;
use super::who::Who;
use super::{Chart, facts, sealed, sql};
use crate::error::Error;
use crate::id::OutputPortId;
use crate::model::UsageModel;
use crate::row::{Columnar, Columns, FlatRecord};
use crate::statement::Query;

/// The output ports of the portal, or of a list, the most queried first.
///
/// Only output ports with queries on the days have a row; [`Unused`](super::Unused) lists the others. Shares are of all
/// queries of the portal or of the list, including output ports outside the top n. Rows are ordered by queries, the most
/// first, then by id.
///
/// The ids come from the parent table, or, where usage outlives its parents
/// ([`OnDelete::Keep`](crate::OnDelete::Keep)), from the usage itself. An id that no parent knows has a row without a
/// label if it has queries, and none otherwise.
///
/// ```
/// # use chrono::NaiveDate;
/// # use output_port_usage::{Reference, UsageModel};
/// use output_port_usage::chart::{Comparison, MostUsedPorts, PortOrder};
/// use output_port_usage::last_days;
/// # let model = UsageModel::builder()
/// #     .output_ports(Reference::to("datasets"))
/// #     .consumers(Reference::to("data_products"))
/// #     .tech_assets(Reference::to("technical_assets"))
/// #     .build()?;
/// # let today = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap();
///
/// let leaders = MostUsedPorts::new(last_days(30, today)).top(20);
/// assert_eq!(model.query(&leaders)?.title(), "most used output ports");
/// let fallers = leaders.compared_with(Comparison::PreviousPeriod).order(PortOrder::Fallers);
/// assert_eq!(model.query(&fallers)?.title(), "output ports that fell, compared with the previous period");
/// # Ok::<(), output_port_usage::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct MostUsedPorts {
    ports: Option<BTreeSet<OutputPortId>>,
    who: Who,
    days: Range<NaiveDate>,
    /// `None` for all.
    top: Option<u32>,
    order: PortOrder,
}

/// The order of a [ranking of output ports](MostUsedPorts) that is compared with earlier days.
///
/// In JSON and in query strings the values are `queries`, `risers` and `fallers`.
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PortOrder {
    /// By queries, the most first.
    #[default]
    Queries,
    /// Only output ports with more queries than in the earlier days, by how many more, the most first.
    Risers,
    /// Only output ports with fewer queries than in the earlier days, by how many fewer, the most first.
    ///
    /// Those that have no queries any more are among them.
    Fallers,
}

impl MostUsedPorts {
    /// The most output ports that a list may have.
    pub const MAX_PORTS: usize = 10_000;

    /// Asks for the half-open `days` of every output port.
    pub fn new(days: Range<NaiveDate>) -> Self {
        Self { ports: None, who: Who::Anyone, days, top: Some(sql::DEFAULT_TOP), order: PortOrder::Queries }
    }

    /// Ranks these output ports alone, for instance those of a domain. Defaults to every output port.
    ///
    /// 1 to 10,000 of them; any other number makes the query an error. One that is named twice counts once.
    pub fn of_ports(mut self, ports: impl IntoIterator<Item = OutputPortId>) -> Self {
        self.ports = Some(ports.into_iter().collect());
        self
    }

    /// The most output ports to return. Defaults to 10; zero makes the query an error.
    pub fn top(mut self, top: u32) -> Self {
        self.top = Some(top);
        self
    }

    /// Returns every output port that has a row, however many.
    pub fn all(mut self) -> Self {
        self.top = None;
        self
    }

    /// Adds each output port's queries in the earlier days, and the change since then.
    ///
    /// Output ports with queries in the earlier days alone have no row, unless
    /// [`include_gone`](Compared::include_gone) is called or the [order](Compared::order) is that of fallers. The query
    /// is an error if the earlier days begin before year 1.
    pub fn compared_with(self, comparison: Comparison) -> Compared<Self> {
        Compared::new(self, comparison)
    }
}

super::who::of_consumers!(MostUsedPorts, who);

impl Compared<MostUsedPorts> {
    /// Which output ports come first. Defaults to [`PortOrder::Queries`].
    ///
    /// Equal ones come by id. Fallers hold what is [gone](Self::include_gone) in any case, and risers never do. Over a
    /// model with coverage, risers and fallers of which a day of either period was not measured come after all others:
    /// how much they rose or fell is unknown.
    pub fn order(mut self, order: PortOrder) -> Self {
        self.chart.order = order;
        self
    }
}

/// An output port of [`MostUsedPorts`].
///
/// As JSON:
///
/// ```
/// # use output_port_usage::chart::MostUsedPort;
/// let json = serde_json::json!({
///     "output_port_id": "0190d3a2-5c1e-7b4a-8f00-0123456789a1",
///     "label": "Orders",
///     "query_count": 42,
///     "share": 0.25,
///     "rank": 1,
///     "percentile_rank": 100.0,
///     "consumers": 5,
///     "last_used": "2026-06-30"
/// });
/// let row: MostUsedPort = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&row)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[cfg_attr(
    feature = "utoipa",
    derive(utoipa::ToSchema),
    schema(description = "One output port of a ranking of output ports.")
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MostUsedPort {
    /// The output port.
    pub output_port_id: OutputPortId,
    /// Its label, where the model's reference has one and the row still exists.
    #[cfg_attr(feature = "utoipa", schema(required = true))]
    pub label: Option<String>,
    /// Its queries on the days; 0 only where it had queries in the earlier days alone.
    pub query_count: i64,
    /// The share of all queries of the portal or of the list that are counted on the days, a fraction from 0 to 1.
    pub share: f64,
    /// The row's position, from 1.
    pub rank: i64,
    /// How many of the other output ports with queries on the days have fewer, in percent, from 0 to 100.
    ///
    /// It is PostgreSQL's `percent_rank` times 100, whatever the order of the rows: equal counts have the same, and one
    /// alone has 0, as have output ports without queries.
    pub percentile_rank: f64,
    /// How many consumers queried it on the days.
    pub consumers: i64,
    /// The last of the days on which it was queried; `None` where it was not.
    #[cfg_attr(feature = "utoipa", schema(required = true))]
    pub last_used: Option<NaiveDate>,
    /// Whether its days were measured; `None` without [coverage](crate::UsageModelBuilder::coverage).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
}

impl Columnar for MostUsedPort {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(Self {
            output_port_id: OutputPortId(row.uuid("output_port_id")?),
            label: row.text_or_null("label")?,
            query_count: row.count("query_count")?,
            share: row.share("share")?,
            rank: row.count("rank")?,
            percentile_rank: row.share("percentile_rank")?,
            consumers: row.count("consumers")?,
            last_used: row.date_or_null("last_used")?,
            coverage: Coverage::read(row, "coverage")?,
        })
    }

    fn write_to(&self, record: &mut FlatRecord) {
        record
            .id("output_port_id", self.output_port_id.0)
            .text("label", self.label.as_deref())
            .count("query_count", self.query_count)
            .share("share", self.share)
            .count("rank", self.rank)
            .share("percentile_rank", self.percentile_rank)
            .count("consumers", self.consumers)
            .date("last_used", self.last_used);
        if let Some(coverage) = self.coverage {
            record.text("coverage", coverage.word());
        }
    }
}

impl sealed::Sealed for MostUsedPorts {}

impl Chart for MostUsedPorts {
    type Row = MostUsedPort;

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        Ok(Query::noted(self.title(), &[self.way(model)], PortRanking::new(self, model, None)?.build()))
    }
}

impl Comparable for MostUsedPorts {
    fn compare(
        &self,
        model: &UsageModel,
        before: &Before,
    ) -> Result<Query<WithPrevious<MostUsedPort>>, Error> {
        let built = PortRanking::new(self, model, Some(before))?.build();
        Ok(Query::noted(before.title(&self.title()), &[self.way(model)], built))
    }
}

impl Ranking for MostUsedPorts {}

impl MostUsedPorts {
    fn way(&self, model: &UsageModel) -> &'static str {
        facts::way_to_read(model, Subject::Portal, self.who)
    }

    fn title(&self) -> String {
        let mut title = match self.order {
            PortOrder::Queries => "most used output ports".to_owned(),
            PortOrder::Risers => "output ports that rose".to_owned(),
            PortOrder::Fallers => "output ports that fell".to_owned(),
        };
        if self.ports.is_some() {
            title.push_str(" of a list");
        }
        if self.top.is_none() {
            title.push_str(", all of them");
        }
        title.push_str(self.who.title());
        title
    }
}
