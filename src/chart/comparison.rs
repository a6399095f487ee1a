//! Comparing the days of a chart with earlier days.

use std::ops::Range;

use chrono::{Datelike, Months, NaiveDate};
use sea_query::{CaseStatement, Expr, ExprTrait, Func, SelectStatement};
use serde::{Deserialize, Serialize};

use super::coverage::Coverage;
use super::sql::{self, FLOAT};
use super::{Chart, sealed};
use crate::error::{Error, Kind};
use crate::model::UsageModel;
use crate::row::{Columnar, Columns, FlatRecord, Row};
use crate::statement::Query;
use crate::time::Days;

/// Which days a chart is compared with.
///
/// In JSON and in query strings the values are `previous_period`, `year_before` and `year_before_by_weekday`; other
/// days are `{"days": {"start": "2026-01-01", "end": "2026-02-01"}}`, the end exclusive.
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Comparison {
    /// As many days, immediately before.
    PreviousPeriod,
    /// The same dates of the year before.
    ///
    /// 29 February has none: it is compared with no day, so that it has no change. Of a leap year, 29 February counts with
    /// 28 February.
    YearBefore,
    /// The same weekdays of the year before.
    ///
    /// Both bounds go back by 364 days.
    YearBeforeByWeekday,
    /// Any other half-open days, as many or not, before or after: `Comparison::from(days)`.
    ///
    /// A chart over time moves each bucket by the distance of the first days. If the other days are fewer, its last
    /// buckets are compared with nothing, so that they have no change, and the bucket in which they end is compared with
    /// fewer days than it has; if they are more, those beyond the last requested day are in none. Empty or reversed days make the query an error.
    Days {
        /// The first day.
        start: NaiveDate,
        /// The day after the last.
        end: NaiveDate,
    },
}

impl From<Range<NaiveDate>> for Comparison {
    fn from(days: Range<NaiveDate>) -> Self {
        Self::Days { start: days.start, end: days.end }
    }
}

impl Comparison {
    /// The days that `days` are compared with.
    ///
    /// ```
    /// use chrono::NaiveDate;
    /// use output_port_usage::chart::Comparison;
    ///
    /// let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap();
    /// let march = day(2026, 3, 1)..day(2026, 4, 1);
    /// assert_eq!(Comparison::PreviousPeriod.days(&march)?, day(2026, 1, 29)..day(2026, 3, 1));
    /// assert_eq!(Comparison::YearBefore.days(&march)?, day(2025, 3, 1)..day(2025, 4, 1));
    /// assert_eq!(Comparison::YearBeforeByWeekday.days(&march)?, day(2025, 3, 2)..day(2025, 4, 2));
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    ///
    /// They are empty for the year before of 29 February alone.
    ///
    /// # Errors
    ///
    /// Days that are empty, reversed or outside the years 1 to 9999, or that would be compared with days before year 1
    /// or with such days ([`Error::is_request`]).
    pub fn days(self, days: &Range<NaiveDate>) -> Result<Range<NaiveDate>, Error> {
        let days = Days::check(days)?;
        if let Self::Days { start, end } = self {
            return Ok(Days::check(&(start..end))?.range());
        }
        match (self.back(days, days.start()), self.back(days, days.end())) {
            (Some(from), Some(until)) if from.year() >= 1 => Ok(from..until),
            _ => Err(Kind::ComparedBeforeCalendar { from: days.start(), until: days.end() }.into()),
        }
    }

    /// The days that the buckets of `days` are compared with: of other days that are more, as many.
    pub(super) fn days_of_buckets(self, days: &Range<NaiveDate>) -> Result<Range<NaiveDate>, Error> {
        let before = self.days(days)?;
        Ok(match self {
            Self::Days { start, end } => {
                start..Ord::min(end, start + days.end.signed_duration_since(days.start))
            }
            _ => before,
        })
    }

    /// The day that a bound is compared with, as [`bound`](Self::bound) has it in SQL.
    pub(super) fn back(self, days: Days, bound: NaiveDate) -> Option<NaiveDate> {
        let back = |days: u32| bound.checked_sub_days(chrono::Days::new(days.into()));
        match self {
            Self::PreviousPeriod => back(days.count()),
            // 29 February begins where 1 March does
            Self::YearBefore => match (bound.month(), bound.day()) {
                (2, 29) => NaiveDate::from_ymd_opt(bound.year() - 1, 3, 1),
                _ => bound.checked_sub_months(Months::new(12)),
            },
            Self::YearBeforeByWeekday => back(WEEKS),
            Self::Days { start, .. } => bound.checked_add_signed(start - days.start()),
        }
    }

    /// The title of a chart that is compared.
    pub(super) fn title(self, chart: &str) -> String {
        let before = match self {
            Self::PreviousPeriod => "the previous period",
            Self::YearBefore => "the year before",
            Self::YearBeforeByWeekday => "the year before by weekday",
            Self::Days { .. } => "other days",
        };
        format!("{chart}, compared with {before}")
    }

    /// The day that a bound of a bucket is compared with.
    pub(super) fn bound(self, days: Days, bound: Expr) -> Expr {
        match self {
            Self::PreviousPeriod => bound.sub(Expr::val(days.count() as i32).cast_as("integer")),
            // 29 February begins where 1 March does
            Self::YearBefore => {
                let back = |day: Expr| day.sub(Expr::cust("INTERVAL '1 year'")).cast_as("date");
                let day_before = bound.clone().sub(Expr::cust("1"));
                Func::greatest([back(bound), back(day_before).add(Expr::cust("1"))]).into()
            }
            Self::YearBeforeByWeekday => bound.sub(Expr::cust("364")),
            Self::Days { start, .. } => bound.sub(distance(days, start)),
        }
    }

    /// The day that a day before is compared with: the one whose [`bound`](Self::bound)s hold it.
    pub(super) fn compared(self, days: Days, before: Expr) -> Expr {
        match self {
            Self::PreviousPeriod => before.add(Expr::val(days.count() as i32).cast_as("integer")),
            // of a leap year, 28 February holds 29 February, too
            Self::YearBefore => before.add(Expr::cust("INTERVAL '1 year'")).cast_as("date"),
            Self::YearBeforeByWeekday => before.add(Expr::cust("364")),
            Self::Days { start, .. } => before.add(distance(days, start)),
        }
    }
}

/// How many days before the first of `days` another day lies; fewer than none if it comes later.
fn distance(days: Days, other: NaiveDate) -> Expr {
    let distance = days.start().signed_duration_since(other).num_days();
    Expr::val(i32::try_from(distance).unwrap_or(i32::MAX)).cast_as("integer")
}

/// 52 weeks.
const WEEKS: u32 = 364;

/// A chart whose rows also carry the count of earlier days.
///
/// Made by a chart's `compared_with`, for instance [`MostPopularAssets::compared_with`]. The rows are those of the
/// chart itself, in the same order; a member with queries only in the earlier days has no row, unless a ranking is told
/// to [include what is gone](Self::include_gone).
///
/// [`MostPopularAssets::compared_with`]: super::MostPopularAssets::compared_with
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct Compared<C> {
    pub(super) chart: C,
    pub(super) before: Before,
}

/// What a chart is compared with.
///
/// Public in a private module, as [`Comparable`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    pub(super) comparison: Comparison,
    pub(super) gone: Gone,
}

/// Whether a ranking has rows for members with queries only in the earlier days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    LeftOut,
    Included,
}

impl<C: Comparable> Compared<C> {
    pub(super) fn new(chart: C, comparison: Comparison) -> Self {
        Self { chart, before: Before { comparison, gone: Gone::LeftOut } }
    }
}

impl<C: Ranking> Compared<C> {
    /// Adds rows for the members that had queries only in the earlier days: a drop to zero is then seen.
    ///
    /// Their count and share are 0, their change is -1, and they come after all others. They take part in the top n, and
    /// Other stands for those outside it, too. Defaults to leaving them out.
    ///
    /// ```
    /// # use chrono::NaiveDate;
    /// # use output_port_usage::{OutputPortId, Reference, UsageModel};
    /// use output_port_usage::chart::{Comparison, QueryDistribution};
    /// use output_port_usage::last_days;
    /// # let model = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"))
    /// #     .build()?;
    /// # let port = OutputPortId(uuid::Uuid::nil());
    /// # let today = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap();
    ///
    /// let consumers = QueryDistribution::new(port, last_days(30, today)).compared_with(Comparison::PreviousPeriod);
    /// let lost_ones_too = model.query(&consumers.include_gone())?;
    /// # assert!(lost_ones_too.title().ends_with("gone ones included"));
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    pub fn include_gone(mut self) -> Self {
        self.before.gone = Gone::Included;
        self
    }
}

impl Before {
    /// The title of a chart that is compared.
    pub(super) fn title(&self, chart: &str) -> String {
        let title = self.comparison.title(chart);
        match self.gone {
            Gone::LeftOut => title,
            Gone::Included => format!("{title}, gone ones included"),
        }
    }
}

/// A row of [`Compared`]: the chart's own row, and the count of the earlier days.
///
/// As JSON: the fields of the row, then `previous` and `change`.
///
/// ```
/// # use output_port_usage::chart::{QueriesOverTimePoint, WithPrevious};
/// let json = serde_json::json!({
///     "bucket": "2026-06-29",
///     "query_count": 42,
///     "partial": true,
///     "previous": 84,
///     "change": -0.5
/// });
/// let row: WithPrevious<QueriesOverTimePoint> = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&row)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[cfg_attr(
    feature = "utoipa",
    derive(utoipa::ToSchema),
    schema(description = "A row, and the same count for the days that they are compared with.")
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WithPrevious<R> {
    /// The row for the requested days.
    #[serde(flatten)]
    pub current: R,
    /// The same count in the earlier days, 0 or more.
    pub previous: i64,
    /// (now - `previous`) / `previous`, a fraction, -1 or more.
    ///
    /// `None` where `previous` is 0, and, with coverage, where a day of either period was not measured.
    #[cfg_attr(feature = "utoipa", schema(required = true))]
    pub change: Option<f64>,
    /// Whether the earlier days were measured; `None` without [coverage](crate::UsageModelBuilder::coverage).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_coverage: Option<Coverage>,
}

impl<R: Columnar> Columnar for WithPrevious<R> {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(Self {
            current: R::decode(row)?,
            previous: row.count("previous")?,
            change: row.share_or_null("change")?,
            previous_coverage: Coverage::read(row, "previous_coverage")?,
        })
    }

    fn write_to(&self, record: &mut FlatRecord) {
        self.current.write_to(record);
        self.write_previous(record);
    }
}

impl<R> WithPrevious<R> {
    fn write_previous(&self, record: &mut FlatRecord) {
        record.count("previous", self.previous).share("change", self.change);
        if let Some(coverage) = self.previous_coverage {
            record.text("previous_coverage", coverage.word());
        }
    }

    /// The records of the row, each with what the comparison adds.
    pub(super) fn of_each(&self, mut records: Vec<FlatRecord>) -> Vec<FlatRecord> {
        records.iter_mut().for_each(|record| self.write_previous(record));
        records
    }
}

/// A chart that can also count other days.
///
/// Public in a private module: hosts meet it in bounds and cannot name it.
pub trait Comparable: Chart {
    fn compare(&self, model: &UsageModel, before: &Before) -> Result<Query<WithPrevious<Self::Row>>, Error>;

    /// The rows as flat records; see [`Chart::records`].
    fn compared_records(&self, rows: &[WithPrevious<Self::Row>]) -> Result<Vec<FlatRecord>, Error> {
        Ok(rows.iter().map(Row::record).collect())
    }
}

/// A chart whose rows are members in the order of their counts.
///
/// Public in a private module, as [`Comparable`] is.
pub trait Ranking: Comparable {}

impl<C: Comparable> sealed::Sealed for Compared<C> {}

impl<C: Comparable> Chart for Compared<C> {
    type Row = WithPrevious<C::Row>;

    fn records(&self, rows: &[Self::Row]) -> Result<Vec<FlatRecord>, Error> {
        self.chart.compared_records(rows)
    }

    fn render(&self, model: &UsageModel) -> Result<Query<Self::Row>, Error> {
        self.chart.compare(model, &self.before)
    }
}

/// Whether a member has queries, or had some in the earlier days of a ranking that includes what is gone.
pub(super) fn shown(before: Option<&Before>) -> Expr {
    // a sum of sums is numeric, which PostgreSQL compares with no integer: an operator of another schema might
    let any = |column: &'static str| Expr::col(column).cast_as("bigint").gt(Expr::cust("0"));
    match before {
        Some(Before { gone: Gone::Included, .. }) => any("query_count").or(any("previous")),
        _ => any("query_count"),
    }
}

/// A count's share of a total, which is none where everything is gone.
pub(super) fn share(count: Expr, total: Expr, before: Option<&Before>) -> Expr {
    match before {
        Some(Before { gone: Gone::Included, .. }) => {
            let total = Func::cust("nullif").args([total.cast_as("bigint"), Expr::cust("0")]);
            let share = sql::share(count, total.into());
            Expr::from(Func::coalesce([share, Expr::cust("0")])).cast_as(FLOAT)
        }
        _ => sql::share(count, total),
    }
}

/// The columns `previous` and `change` of a row whose counts these are; a NULL before is zero.
///
/// There is no change where the days were not all measured, which `complete` says of a model with coverage.
pub(super) fn change(select: &mut SelectStatement, now: Expr, before: Expr, complete: Option<Expr>) {
    let before = || Expr::from(Func::coalesce([before.clone(), Expr::cust("0")])).cast_as("bigint");
    let none_is_null = Expr::from(Func::cust("nullif").args([before(), Expr::cust("0")])).cast_as(FLOAT);
    let mut change = now.cast_as(FLOAT).sub(before().cast_as(FLOAT)).div(none_is_null);
    if let Some(complete) = complete {
        change = CaseStatement::new().case(complete, change).into();
    }
    select.expr_as(before(), "previous").expr_as(change.cast_as(FLOAT), "change");
}
