//! Purging what is older than anybody asks for.

use chrono::NaiveDate;

use super::{Removal, coverage};
use crate::error::{Error, Kind};
use crate::model::{Column, UsageModel};
use crate::time;
use crate::usage::Scope;

/// Which days to purge: all before a date, in every table.
///
/// ```
/// use chrono::NaiveDate;
/// use output_port_usage::Purge;
///
/// let purge = Purge::before(NaiveDate::from_ymd_opt(2023, 1, 1).unwrap());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a removal"]
pub struct Purge {
    before: NaiveDate,
    keeping: Option<Scope>,
}

impl Purge {
    /// Purges everything before `date`; that day itself stays.
    pub fn before(date: NaiveDate) -> Self {
        Self { before: date, keeping: None }
    }

    /// Refuses to remove days of a scope that is still to be replaced. Defaults to no such check.
    ///
    /// The replace would bring those days back. [`UsageModel::purge`] then fails if the date lies after the scope's
    /// first day.
    pub fn keeping(mut self, scope: Scope) -> Self {
        self.keeping = Some(scope);
        self
    }
}

impl UsageModel {
    /// Removes the days that a purge names, from every table and output port.
    ///
    /// They are no longer measured, where the model has [coverage](crate::UsageModelBuilder::coverage). It finds them through the small index on the date. Run [`vacuum`](Self::vacuum) afterwards.
    ///
    /// # Errors
    ///
    /// Both are [`Error::is_request`]: a date outside the years 1 to 9999, or after the first day of the scope to keep.
    ///
    /// # Example
    ///
    /// ```
    /// # use chrono::NaiveDate;
    /// # use output_port_usage::*;
    /// # let model = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"))
    /// #     .build()?;
    /// # let port = OutputPortId(uuid::Uuid::nil());
    /// let today = NaiveDate::from_ymd_opt(2026, 1, 3).unwrap();
    /// let window = Scope::new(last_days(3, today), [port])?;
    /// let removal = model.purge(&Purge::before(window.days().start).keeping(window.clone()))?;
    /// assert_eq!(
    ///     removal.statements()[2].sql(),
    ///     r#"DELETE /* output-port-usage: purge queries */ FROM "public"."output_port_query_stats_daily"
    /// WHERE "date" < $1
    /// RETURNING 1"#
    /// );
    /// assert!(model.purge(&Purge::before(today).keeping(window)).is_err());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn purge(&self, purge: &Purge) -> Result<Removal, Error> {
        time::check_day(purge.before)?;
        if let Some(days) = purge.keeping.as_ref().map(Scope::days).filter(|days| days.start < purge.before) {
            return Err(
                Kind::PurgeOfKeptDays { before: purge.before, from: days.start, until: days.end }.into()
            );
        }
        let coverage = self.0.coverage.as_ref().map(|table| coverage::purge(table, purge.before));
        let removal = Removal::new("purge", self, |sql, table| {
            let before = sql.bind(purge.before);
            sql.ident(table.column(Column::Date)).text(" < ").param(before);
        });
        Ok(removal.with_coverage(coverage))
    }
}
