//! What was measured of each output port, in a row.

use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{days_of, join_rows};
use crate::error::{Error, Kind};
use crate::id::OutputPortId;
use crate::model::{Column, UsageModel};
use crate::row::{Columnar, Columns, FlatRecord};
use crate::statement::{Query, SqlWriter};

/// What was measured of an output port; a row of [`UsageModel::coverage`].
///
/// As JSON:
///
/// ```
/// # use output_port_usage::PortCoverage;
/// let json = serde_json::json!({
///     "output_port_id": "0190d3a2-5c1e-7b4a-8f00-0123456789a1",
///     "first_measured": "2026-01-01",
///     "last_measured": "2026-06-30",
///     "settled_until": "2026-06-29",
///     "missing_days": 2,
///     "rules": "6c62272e-07bb-0142-62b8-21756295c58d"
/// });
/// let row: PortCoverage = serde_json::from_value(json.clone())?;
/// # assert_eq!(serde_json::to_value(&row)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PortCoverage {
    /// The output port.
    pub output_port_id: OutputPortId,
    /// The first day that was measured; `None` if none was.
    pub first_measured: Option<NaiveDate>,
    /// The last day that was measured; `None` if none was.
    pub last_measured: Option<NaiveDate>,
    /// The day after the last settled one, before which there may be unsettled days; `None` if none is.
    pub settled_until: Option<NaiveDate>,
    /// How many days between the first and the last were not measured. Days after the last are not counted.
    pub missing_days: i64,
    /// The fingerprint of the rules by which it was counted last; `None` if nobody knows them.
    #[serde(default)]
    pub rules: Option<Uuid>,
}

impl Columnar for PortCoverage {
    fn decode<C: Columns>(row: &C) -> Result<Self, C::Error> {
        Ok(Self {
            output_port_id: OutputPortId(row.uuid("output_port_id")?),
            first_measured: row.date_or_null("first_measured")?,
            last_measured: row.date_or_null("last_measured")?,
            settled_until: row.date_or_null("settled_until")?,
            missing_days: row.count("missing_days")?,
            rules: row.uuid_or_null("rules")?,
        })
    }

    fn write_to(&self, record: &mut FlatRecord) {
        record
            .id("output_port_id", self.output_port_id.0)
            .date("first_measured", self.first_measured)
            .date("last_measured", self.last_measured)
            .date("settled_until", self.settled_until)
            .count("missing_days", self.missing_days)
            .id("rules", self.rules);
    }
}

/// Only the days that dates of every driver can be: the library writes no others, but somebody may.
const CALENDAR: &str = " OPERATOR(pg_catalog.*) '{[0001-01-01,10000-01-01)}'::datemultirange";

impl UsageModel {
    /// What was measured of some output ports: one row each, in the order of their ids.
    ///
    /// # Errors
    ///
    /// A model without coverage ([`Error::is_configuration`]); an empty list ([`Error::is_request`]).
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
    /// # let port = OutputPortId(uuid::Uuid::nil());
    /// let query: Query<PortCoverage> = model.coverage([port])?;
    /// // let coverage = query.into_sqlx().fetch_all(&mut *transaction).await?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn coverage(
        &self,
        output_ports: impl IntoIterator<Item = OutputPortId>,
    ) -> Result<Query<PortCoverage>, Error> {
        let table = self.coverage_or_refuse()?;
        let mut ports: Vec<Uuid> = output_ports.into_iter().map(|port| port.0).collect();
        ports.sort_unstable();
        ports.dedup();
        if ports.is_empty() {
            return Err(Kind::NoPorts.into());
        }
        let mut sql = SqlWriter::new("coverage of output ports");
        let ports = sql.bind(Arc::<[Uuid]>::from(ports));
        sql.text("WITH port AS MATERIALIZED (\n    SELECT\n        u.id,\n        ");
        days_of(&mut sql, table, Column::Measured);
        sql.text(CALENDAR).text(" AS measured,\n        ");
        days_of(&mut sql, table, Column::Settled);
        sql.text(CALENDAR).text(" AS settled,\n        o.").ident(table.column(Column::Rules));
        sql.text(" AS rules\n    FROM pg_catalog.unnest(").param(ports).text("::uuid[]) AS u(id)\n    ");
        join_rows(&mut sql, table, ports);
        sql.text("\n)\nSELECT\n    id::uuid AS \"output_port_id\",\n    pg_catalog.lower(measured)::date AS \"first_measured\",");
        sql.text("\n    pg_catalog.upper(measured)::date - 1 AS \"last_measured\",\n    pg_catalog.upper(settled)::date AS \"settled_until\",");
        sql.text("\n    coalesce((\n        SELECT sum(pg_catalog.upper(days) - pg_catalog.lower(days))\n        FROM pg_catalog.unnest(");
        sql.text("pg_catalog.datemultirange(pg_catalog.range_merge(measured)) OPERATOR(pg_catalog.-) measured) AS days");
        sql.text(
            "\n    ), 0)::bigint AS \"missing_days\",\n    rules::uuid AS \"rules\"\nFROM port\nORDER BY id",
        );
        Ok(Query::of(sql.into_statement()))
    }
}
