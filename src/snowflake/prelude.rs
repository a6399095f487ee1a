//! The common table expressions that every statement starts with.

use super::aggregation::Aggregation;
use super::mapping::{self, Mapping};
use super::statement::{Bind, ScriptWriter};
use crate::attribution::{AccessedObjects, CountedUnit, ObjectName, PrincipalKind};
use crate::error::Error;

/// The parts of a statement up to its results; the days have been checked.
pub(super) struct Prelude<'a> {
    aggregation: &'a Aggregation<'a>,
    access_history: ObjectName,
    query_history: ObjectName,
    excluded_user: Mapping<'a>,
    producer: Mapping<'a>,
    maps_users: bool,
    maps_roles: bool,
}

impl<'a> Prelude<'a> {
    pub(super) fn new(aggregation: &'a Aggregation<'a>) -> Result<Self, Error> {
        let maps = |kind| aggregation.attribution.consumer_map().any(|(other, _, _)| other == kind);
        Ok(Self {
            aggregation,
            access_history: ObjectName::parse(&aggregation.access_history)?,
            query_history: ObjectName::parse(&aggregation.query_history)?,
            excluded_user: mapping::excluded_user(aggregation.attribution),
            producer: mapping::producer(aggregation.attribution),
            maps_users: maps(PrincipalKind::User),
            maps_roles: maps(PrincipalKind::Role),
        })
    }

    /// Writes everything up to the deduplicated set of touches.
    pub(super) fn write_for_counting(&self, sql: &mut ScriptWriter) -> Result<(), Error> {
        self.write_maps(sql)?;
        if !self.producer.is_empty() {
            self.producer.write(sql, self.aggregation.mappings)?;
        }
        self.write_accessed(sql);
        if self.maps_roles {
            sql.text(
                "queries AS ( -- successful queries with their role; a row may be there twice, or not yet\n    \
                     SELECT\n        \
                         qh.query_id,\n        \
                         qh.role_name\n",
            );
            self.write_query_window(sql);
            sql.text("\n        AND UPPER(qh.execution_status) = 'SUCCESS'\n),\n");
        }
        sql.text(
            "reads AS ( -- one row for each object that a query of a user who is not excluded reads\n    \
                 SELECT\n        \
                     accessed.usage_date,\n        \
                     accessed.usage_unit,\n        \
                     accessed.object_name,\n        ",
        );
        self.write_consumer(sql);
        if self.maps_roles {
            sql.text("    JOIN queries\n        ON queries.query_id = accessed.query_id\n");
        }
        self.write_principals(sql);
        sql.text("\n),\n");
        self.write_touches(sql);
        Ok(())
    }

    /// Writes everything up to the accesses, mapped or not.
    pub(super) fn write_for_coverage(&self, sql: &mut ScriptWriter) -> Result<(), Error> {
        self.write_maps(sql)?;
        self.write_accessed(sql);
        sql.text(
            "queries AS ( -- every query with its role and how it ended; a row may be there twice, or not yet\n    \
                 SELECT\n        \
                     qh.query_id,\n        \
                     qh.role_name,\n        \
                     UPPER(qh.execution_status) AS execution_status\n",
        );
        self.write_query_window(sql);
        sql.text(
            "\n),\n\
             reads AS ( -- one row for each object that a query of a user who is not excluded reads\n    \
                 SELECT\n        \
                     accessed.query_id,\n        \
                     accessed.user_name,\n        \
                     accessed.object_name,\n        \
                     queries.role_name,\n        \
                     queries.query_id AS arrived_query_id,\n        \
                     object_map.tech_asset_id,\n        ",
        );
        self.write_consumer(sql);
        sql.text(
            "    LEFT JOIN queries\n        \
                     ON queries.query_id = accessed.query_id\n    \
                 LEFT JOIN object_map\n        \
                     ON object_map.object_name = accessed.object_name\n",
        );
        self.write_principals(sql);
        sql.text("\n        AND (queries.query_id IS NULL OR queries.execution_status = 'SUCCESS')\n)\n");
        Ok(())
    }

    fn write_maps(&self, sql: &mut ScriptWriter) -> Result<(), Error> {
        let Aggregation { attribution, mappings, .. } = *self.aggregation;
        sql.text("WITH\n");
        mapping::object_map(attribution).write(sql, mappings)?;
        mapping::consumer_map(attribution).write(sql, mappings)?;
        if !self.excluded_user.is_empty() {
            self.excluded_user.write(sql, mappings)?;
        }
        Ok(())
    }

    fn write_accessed(&self, sql: &mut ScriptWriter) {
        let attribution = self.aggregation.attribution;
        let (opening, array) = match attribution.accessed_objects() {
            AccessedObjects::Direct => (
                "accessed AS ( -- one row for each object that a query names: a view is the view\n",
                "ah.direct_objects_accessed",
            ),
            AccessedObjects::Base => (
                "accessed AS ( -- one row for each table underneath what a query names\n",
                "ah.base_objects_accessed",
            ),
        };
        let unit = match attribution.counted_unit() {
            CountedUnit::Statement => "ah.query_id AS usage_unit, -- every statement counts\n",
            CountedUnit::RootQuery => {
                "COALESCE(ah.root_query_id, ah.query_id) AS usage_unit, -- the outermost query counts\n"
            }
        };
        sql.text(opening).text("    SELECT\n        ah.query_id,\n        ").text(unit);
        sql.text("        TO_DATE(CONVERT_TIMEZONE(").literal(attribution.time_zone().name());
        sql.text(
            ", ah.query_start_time)) AS usage_date,\n        \
                     ah.user_name,\n        \
                     obj.value:\"objectName\"::VARCHAR AS object_name\n    \
                 FROM ",
        );
        sql.name(&self.access_history).text(" AS ah,\n        LATERAL FLATTEN(input => ").text(array);
        let bounds = self.bounds();
        sql.text(") AS obj\n    WHERE ah.query_start_time >= TO_TIMESTAMP_LTZ(").bind(bounds.0);
        sql.text(", 0) -- absolute instants prune the scan\n");
        sql.text("        AND ah.query_start_time < TO_TIMESTAMP_LTZ(").bind(bounds.1);
        sql.text(", 0)\n        AND UPPER(obj.value:\"objectDomain\"::VARCHAR) IN (\n");
        sql.list(",\n", attribution.object_domains(), |sql, domain| {
            sql.text("            ").literal(domain);
        });
        sql.text("\n        )\n),\n");
    }

    /// An hour of slack keeps the scan pruned and loses no row, should the two views' starts differ.
    fn write_query_window(&self, sql: &mut ScriptWriter) {
        let bounds = self.bounds();
        sql.text("    FROM ").name(&self.query_history);
        sql.text(" AS qh\n    WHERE qh.start_time >= TO_TIMESTAMP_LTZ(").bind(bounds.0);
        sql.text(" - 3600, 0) -- an hour of slack between the views\n");
        sql.text("        AND qh.start_time < TO_TIMESTAMP_LTZ(").bind(bounds.1).text(" + 3600, 0)");
    }

    /// The user's consumer or else the role's, and where from.
    fn write_consumer(&self, sql: &mut ScriptWriter) {
        sql.text(match (self.maps_users, self.maps_roles) {
            (true, true) => "COALESCE(by_user.consumer_id, by_role.consumer_id) AS consumer_id",
            (true, false) => "by_user.consumer_id",
            (false, _) => "by_role.consumer_id",
        });
        sql.text("\n    FROM accessed\n");
    }

    /// The joins that find a read's consumer, and which reads are of interest at all.
    fn write_principals(&self, sql: &mut ScriptWriter) {
        if self.maps_users {
            sql.text(
                "    LEFT JOIN consumer_map AS by_user\n        \
                         ON by_user.principal_kind = 'user'\n        \
                         AND by_user.principal_name = accessed.user_name\n",
            );
        }
        if self.maps_roles {
            sql.text(
                "    LEFT JOIN consumer_map AS by_role\n        \
                         ON by_role.principal_kind = 'role'\n        \
                         AND by_role.principal_name = queries.role_name\n",
            );
        }
        if !self.excluded_user.is_empty() {
            sql.text(
                "    LEFT JOIN excluded_user\n        \
                         ON excluded_user.user_name = accessed.user_name\n",
            );
        }
        let days = &self.aggregation.days;
        let day = |day: chrono::NaiveDate| Bind::Text(day.to_string());
        sql.text("    WHERE accessed.usage_date >= TO_DATE(").bind(day(days.start));
        sql.text(", 'YYYY-MM-DD') -- local days: a clock may go back over midnight\n");
        sql.text("        AND accessed.usage_date < TO_DATE(").bind(day(days.end)).text(", 'YYYY-MM-DD')");
        if !self.excluded_user.is_empty() {
            sql.text("\n        AND excluded_user.user_name IS NULL");
        }
    }

    fn write_touches(&self, sql: &mut ScriptWriter) {
        sql.text(
            "touches AS ( -- one row for each day, output port, tech asset, consumer and unit: no repeats\n    \
                 SELECT DISTINCT\n        \
                     reads.usage_date,\n        \
                     object_map.output_port_id,\n        \
                     object_map.tech_asset_id,\n        \
                     reads.consumer_id,\n        \
                     reads.usage_unit\n    \
                 FROM reads\n    \
                 JOIN object_map\n        \
                     ON object_map.object_name = reads.object_name\n",
        );
        if !self.producer.is_empty() {
            sql.text(
                "    LEFT JOIN producer\n        \
                         ON producer.output_port_id = object_map.output_port_id\n        \
                         AND producer.consumer_id = reads.consumer_id\n",
            );
        }
        sql.text("    WHERE reads.consumer_id IS NOT NULL");
        if !self.producer.is_empty() {
            sql.text("\n        AND producer.consumer_id IS NULL");
        }
        sql.text("\n)\n");
    }

    /// The instants of the days, in seconds since the epoch, half open.
    fn bounds(&self) -> (Bind, Bind) {
        let Aggregation { attribution, days, .. } = self.aggregation;
        let bounds = attribution.local_days(days.clone()).bounds();
        (Bind::Number(bounds.start), Bind::Number(bounds.end))
    }
}
