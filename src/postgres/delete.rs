//! Deleting the usage of one consumer on one output port on one day.

use chrono::NaiveDate;

use super::Removal;
use crate::error::Error;
use crate::id::{ConsumerId, OutputPortId};
use crate::model::{Column, UsageModel};
use crate::time;

impl UsageModel {
    /// Deletes one consumer's usage of one output port on one day, from every table.
    ///
    /// Combinations are deleted whichever side of the pair the output port is on. The usage of the other output ports
    /// stays, and so does the coverage: the day counts as measured.
    ///
    /// # Errors
    ///
    /// A day outside the years 1 to 9999 ([`Error::is_request`]).
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
    /// # let (port, consumer) = (OutputPortId(uuid::Uuid::nil()), ConsumerId(uuid::Uuid::nil()));
    /// let day = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
    /// let removal = model.delete(port, consumer, day)?;
    /// // let outcome = removal.run_sqlx(&mut transaction).await?;
    /// assert_eq!(
    ///     removal.statements()[2].sql(),
    ///     r#"DELETE /* output-port-usage: delete one day of queries */ FROM "public"."output_port_query_stats_daily"
    /// WHERE "output_port_id" = $1 AND "date" = $2 AND "consumer_id" = $3
    /// RETURNING 1"#
    /// );
    /// # Ok::<(), Error>(())
    /// ```
    pub fn delete(&self, port: OutputPortId, consumer: ConsumerId, day: NaiveDate) -> Result<Removal, Error> {
        time::check_day(day)?;
        Ok(Removal::new("delete one day of", self, |sql, table| {
            let port = sql.bind(port.0);
            let day = sql.bind(day);
            let consumer = sql.bind(consumer.0);
            let (open, close) = if table.stats.ports().count() > 1 { ("(", ")") } else { ("", "") };
            sql.text(open).list(" OR ", table.stats.ports(), |sql, column| {
                sql.ident(table.column(column)).text(" = ").param(port);
            });
            sql.text(close).text(" AND ").ident(table.column(Column::Date)).text(" = ").param(day);
            sql.text(" AND ").ident(table.column(Column::ConsumerId)).text(" = ").param(consumer);
        }))
    }
}
