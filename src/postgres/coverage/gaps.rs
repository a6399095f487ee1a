//! Which days of which output ports to ingest again, and why.

use std::ops::Range;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::mark::NO_RULES;
use super::{days_of, join_rows};
use crate::error::{Error, Kind};
use crate::id::OutputPortId;
use crate::model::{Column, UsageModel};
use crate::row::{Columnar, Columns, FlatRecord};
use crate::statement::{Query, SqlWriter};
use crate::usage::{Rules, Scope};

/// Asks which days of a scope are to be ingested again; for [`UsageModel::gaps`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a model turns it into a query"]
pub struct Gaps {
    scope: Scope,
    rules: Rules,
}

impl Gaps {
    /// Asks for the days of the scope that were never measured or are not settled.
    pub fn of(scope: Scope) -> Self {
        Self { scope, rules: Rules::default() }
    }

    /// Also asks for settled days that were counted by other rules than these. Defaults to not asking.
    ///
    /// Days of which nobody knows the rules are such days, too. Of an output port that `rules` has no fingerprint for,
    /// only days that were never measured or are not settled come.
    pub fn counted_by(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }
}

/// Days of an output port to ingest again; a row of [`UsageModel::gaps`].
///
/// As JSON:
///
/// ```
/// # use output_port_usage::Gap;
/// let json = serde_json::json!({
///     "output_port_id": "0190d3a2-5c1e-7b4a-8f00-0123456789a1",
///     "days": {"start": "2026-06-01", "end": "2026-06-04"},
///     "reason": "never_measured"
/// });
/// let gap: Gap = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&gap)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Gap {
    /// The output port.
    pub output_port_id: OutputPortId,
    /// The days, half open.
    pub days: Range<NaiveDate>,
    /// Why they are to be ingested again.
    pub reason: GapReason,
}

/// Why days are to be ingested again.
///
/// In JSON the values are `never_measured`, `unsettled` and `other_rules`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GapReason {
    /// No batch has stated them, or they were purged since.
    NeverMeasured,
    /// They were measured while they could still change.
    Unsettled,
    /// They are settled, but were counted by other rules than those asked for, or by rules that nobody knows.
    OtherRules,
}

impl Gap {
    /// The days of some gaps, of whatever output port: ranges that do not touch, in order.
    ///
    /// To heal all of them, ingest each range for all output ports.
    ///
    /// ```
    /// # use output_port_usage::Gap;
    /// # fn ingest(gaps: &[Gap]) {
    /// for days in Gap::days(gaps) {
    ///     // aggregate these days, and replace them
    /// #   let _ = days;
    /// }
    /// # }
    /// ```
    pub fn days(gaps: &[Gap]) -> Vec<Range<NaiveDate>> {
        let mut days: Vec<Range<NaiveDate>> = gaps.iter().map(|gap| gap.days.clone()).collect();
        days.sort_unstable_by_key(|days| (days.start, days.end));
        let mut apart: Vec<Range<NaiveDate>> = Vec::new();
        for next in days {
            match apart.last_mut() {
                Some(last) if next.start <= last.end => last.end = last.end.max(next.end),
                _ => apart.push(next),
            }
        }
        apart
    }
}

impl Columnar for Gap {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(Self {
            output_port_id: OutputPortId(row.uuid("output_port_id")?),
            days: row.date("from")?..row.date("until")?,
            reason: match row.count("reason")? {
                0 => GapReason::NeverMeasured,
                1 => GapReason::Unsettled,
                _ => GapReason::OtherRules,
            },
        })
    }

    fn write_to(&self, record: &mut FlatRecord) {
        record
            .id("output_port_id", self.output_port_id.0)
            .date("from", self.days.start)
            .date("until", self.days.end)
            .text(
                "reason",
                match self.reason {
                    GapReason::NeverMeasured => "never_measured",
                    GapReason::Unsettled => "unsettled",
                    GapReason::OtherRules => "other_rules",
                },
            );
    }
}

/// The ranges of the CTE `port`, by reason. The conditions only tell the planner that few output ports have any.
const RANGES: &str = r#"
),
gap AS (
    SELECT id, 0 AS reason, pg_catalog.unnest(asked OPERATOR(pg_catalog.-) measured) AS days
    FROM port
    WHERE asked OPERATOR(pg_catalog.&&) ('{(,)}'::datemultirange OPERATOR(pg_catalog.-) measured)
    UNION ALL
    SELECT id, 1, pg_catalog.unnest(asked OPERATOR(pg_catalog.*) measured OPERATOR(pg_catalog.-) settled)
    FROM port
    WHERE asked OPERATOR(pg_catalog.&&) (measured OPERATOR(pg_catalog.-) settled)
    UNION ALL
    SELECT id, 2, pg_catalog.unnest(asked OPERATOR(pg_catalog.*) settled OPERATOR(pg_catalog.-) counted)
    FROM port
    WHERE by_rules AND asked OPERATOR(pg_catalog.&&) (settled OPERATOR(pg_catalog.-) counted)
)
SELECT
    id::uuid AS "output_port_id",
    pg_catalog.lower(days)::date AS "from",
    pg_catalog.upper(days)::date AS "until",
    reason::bigint AS "reason"
FROM gap
ORDER BY id, "from""#;

impl UsageModel {
    /// Which days of a scope are to be ingested again: ranges for each output port, in the order of port and day.
    ///
    /// No day comes twice. A day that is unsettled and was counted by other rules comes as unsettled.
    ///
    /// # Errors
    ///
    /// A model without coverage ([`Error::is_configuration`]); a scope without output ports ([`Error::is_request`]).
    ///
    /// # Example
    ///
    /// ```
    /// # use output_port_usage::*;
    /// # let model = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"))
    /// #     .coverage()
    /// #     .build()?;
    /// # let asset = TechAssetId(uuid::Uuid::from_u128(1));
    /// # let attribution = Attribution::builder()
    /// #     .object("sales.public.orders", asset)
    /// #     .tech_asset(asset, [OutputPortId(uuid::Uuid::from_u128(2))])
    /// #     .role("finance", ConsumerId(uuid::Uuid::from_u128(3)))
    /// #     .build()?;
    /// let today = chrono::NaiveDate::from_ymd_opt(2026, 7, 1).unwrap();
    /// let scope = Scope::new(last_days(365, today), attribution.output_ports())?;
    /// let query = model.gaps(&Gaps::of(scope).counted_by(attribution.rules()))?;
    /// // let gaps = query.into_sqlx().fetch_all(&mut *transaction).await?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn gaps(&self, gaps: &Gaps) -> Result<Query<Gap>, Error> {
        let table = self.coverage_or_refuse()?;
        let ports = gaps.scope.output_ports();
        if ports.is_empty() {
            return Err(Kind::NoPorts.into());
        }
        let mut sql = SqlWriter::new("gaps in the coverage");
        let ids = sql.bind(ports.iter().map(|port| port.0).collect::<Arc<[Uuid]>>());
        let rules = ports.iter().map(|port| gaps.rules.of(*port).unwrap_or_default());
        let rules = sql.bind(rules.collect::<Arc<[Uuid]>>());
        let days = gaps.scope.days();
        let (from, until) = (sql.bind(days.start), sql.bind(days.end));

        sql.text(
            "WITH port AS MATERIALIZED (\n    SELECT\n        u.id,\n        pg_catalog.datemultirange(",
        );
        sql.text("pg_catalog.daterange(").param(from).text("::date, ").param(until);
        sql.text("::date)) AS asked,\n        ");
        days_of(&mut sql, table, Column::Measured);
        sql.text(" AS measured,\n        ");
        days_of(&mut sql, table, Column::Settled);
        sql.text(" AS settled,\n        CASE WHEN u.rules = o.")
            .ident(table.column(Column::Rules))
            .text(" THEN ");
        days_of(&mut sql, table, Column::Counted);
        sql.text(" ELSE '{}'::datemultirange END AS counted,\n        ");
        sql.text("u.rules <> '").text(NO_RULES).text("'::uuid AS by_rules\n    FROM unnest(");
        sql.param(ids).text("::uuid[], ").param(rules).text("::uuid[]) AS u(id, rules)\n    ");
        join_rows(&mut sql, table, ids);
        sql.text(RANGES);
        Ok(Query::of(sql.into_statement()))
    }
}
