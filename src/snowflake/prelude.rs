//! The common table expressions that every statement starts with.

use super::aggregation::{ACCESS_HISTORY, Aggregation, QUERY_HISTORY};
use super::mapping::{self, Mapping};
use super::objects::ObjectTables;
use super::statement::{Bind, ScriptWriter};
use crate::attribution::{
    AccessedObjects, CountedUnit, ICEBERG_SOURCE, IcebergEvents, ObjectName, PrincipalKind, TABLE_LOAD,
    TRUNCATED,
};
use crate::error::Error;

/// Whether an object may be in two tech assets at once, which combines nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlap {
    Possible,
    Impossible,
}

/// Which accesses a statement looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Domains {
    Counted,
    All,
}

/// How a query ended, in upper case. An export that wrote NULL as an empty text says nothing of a failure.
const STATUS: &str = "COALESCE(NULLIF(UPPER(qh.execution_status), ''), 'SUCCESS')";

/// What made a row, in upper case; nothing for the rows of before there was such a column.
const ICEBERG_EVENT: &str = "COALESCE(UPPER(ah.event_source), '')";

/// The parts of a statement up to its results; the days have been checked.
pub(super) struct Prelude<'a> {
    aggregation: &'a Aggregation<'a>,
    access_history: ObjectName,
    query_history: ObjectName,
    objects: ObjectTables<'a>,
    excluded_user: Mapping<'a>,
    producer: Mapping<'a>,
    maps_users: bool,
    maps_roles: bool,
    iceberg_events: IcebergEvents,
    overlap: Overlap,
}

impl<'a> Prelude<'a> {
    pub(super) fn new(aggregation: &'a Aggregation<'a>) -> Result<Self, Error> {
        let attribution = aggregation.attribution;
        let maps = |kind| attribution.consumer_map().any(|(other, _, _)| other == kind);
        Ok(Self {
            aggregation,
            access_history: ObjectName::parse(&aggregation.access_history)?,
            query_history: ObjectName::parse(&aggregation.query_history)?,
            objects: ObjectTables::new(attribution),
            excluded_user: mapping::excluded_user(attribution),
            producer: mapping::producer(attribution),
            maps_users: maps(PrincipalKind::User),
            maps_roles: maps(PrincipalKind::Role),
            iceberg_events: attribution.iceberg_events(),
            overlap: if attribution.sets_may_overlap() { Overlap::Possible } else { Overlap::Impossible },
        })
    }

    /// Writes everything up to the deduplicated set of touches.
    ///
    /// Objects come first: what is not mapped is dropped before the other view is read.
    pub(super) fn write_for_counting(&self, sql: &mut ScriptWriter) -> Result<Overlap, Error> {
        self.write_maps(sql)?;
        if !self.producer.is_empty() {
            self.producer.write(sql, self.aggregation.mappings)?;
        }
        self.write_accessed(sql, Domains::Counted);
        self.objects.write_resolution(sql);
        let objects = self.objects.table();
        let object_name = match self.overlap {
            Overlap::Possible => "accessed.object_name,\n        ",
            Overlap::Impossible => "",
        };
        sql.text(
            "mapped_reads AS ( -- one row for each mapped object that a query reads, and each of its output ports\n    \
                 SELECT\n        \
                     accessed.query_id,\n        \
                     accessed.usage_unit,\n        \
                     accessed.usage_date,\n        \
                     accessed.user_name,\n        ",
        );
        let tells_events = self.maps_roles && self.iceberg_events == IcebergEvents::TableLoads;
        if tells_events {
            sql.text("accessed.is_iceberg_event,\n        ");
        }
        sql.text(object_name).text(objects).text(".output_port_id,\n        ").text(objects);
        sql.text(".tech_asset_id\n    FROM accessed\n    INNER JOIN ").text(objects).text("\n        ON ");
        sql.text(objects).text(".object_name = accessed.object_name\n");
        self.write_interest(sql);
        sql.text("\n),\n\n");
        if self.maps_roles {
            sql.text(
                "query_roles AS ( -- successful queries with their role, a row may be there twice, or not yet\n    \
                     SELECT\n        \
                         qh.query_id,\n        \
                         qh.role_name\n",
            );
            self.write_query_window(sql);
            sql.text("\n        AND ").text(STATUS).text(" = 'SUCCESS'\n),\n\n");
        }
        sql.text(
            "reads AS ( -- the same, each with its consumer\n    \
                 SELECT\n        \
                     mapped_reads.usage_date,\n        \
                     mapped_reads.usage_unit,\n        ",
        );
        if self.overlap == Overlap::Possible {
            sql.text("mapped_reads.object_name,\n        ");
        }
        sql.text("mapped_reads.output_port_id,\n        mapped_reads.tech_asset_id,\n        ");
        self.write_consumer(sql);
        sql.text("\n    FROM mapped_reads\n");
        if self.maps_roles {
            sql.text(if tells_events {
                "    LEFT JOIN query_roles\n"
            } else {
                "    INNER JOIN query_roles\n"
            });
            sql.text("        ON query_roles.query_id = mapped_reads.query_id\n");
        }
        if self.maps_users {
            sql.text(
                "    LEFT JOIN consumer_map AS by_user\n        \
                         ON by_user.principal_kind = 'user'\n        \
                         AND by_user.principal_name = mapped_reads.user_name\n",
            );
        }
        self.write_by_role(sql);
        if tells_events {
            sql.text(
                "    WHERE query_roles.query_id IS NOT NULL\n        \
                     OR mapped_reads.is_iceberg_event -- no statement, so QUERY_HISTORY does not have it\n",
            );
        }
        sql.text("),\n\n");
        self.write_touches(sql);
        Ok(self.overlap)
    }

    /// Writes everything up to the accesses, mapped or not.
    pub(super) fn write_for_coverage(&self, sql: &mut ScriptWriter) -> Result<(), Error> {
        self.write_maps(sql)?;
        self.write_accessed(sql, Domains::All);
        self.objects.write_resolution(sql);
        let objects = self.objects.table();
        sql.text(
            "query_roles AS ( -- every query with its role and how it ended, a row may be there twice, or not yet\n    \
                 SELECT\n        \
                     qh.query_id,\n        \
                     qh.role_name,\n        ",
        );
        sql.text(STATUS).text(" AS execution_status\n");
        self.write_query_window(sql);
        sql.text(
            "\n),\n\n\
             reads AS ( -- one row for each object that a query of a user who is not excluded reads\n    \
                 SELECT\n        \
                     accessed.query_id,\n        \
                     accessed.user_name,\n        \
                     accessed.object_name,\n        \
                     accessed.object_domain,\n        \
                     accessed.domain_kind,\n        \
                     query_roles.role_name,\n        ",
        );
        sql.text(objects).text(".tech_asset_id,\n        ");
        match self.iceberg_events {
            IcebergEvents::Every => {
                sql.text("query_roles.query_id AS arrived_query_id,\n        ");
                self.write_consumer(sql);
            }
            IcebergEvents::TableLoads => {
                self.write_consumer(sql);
                sql.text(
                    ",\n        \
                     CASE\n            \
                         WHEN accessed.is_iceberg_event THEN accessed.query_id -- QUERY_HISTORY never has it\n            \
                         ELSE query_roles.query_id\n        \
                     END AS arrived_query_id",
                );
            }
        }
        sql.text(
            "\n    FROM accessed\n    \
                 LEFT JOIN query_roles\n        \
                     ON query_roles.query_id = accessed.query_id\n    \
                 LEFT JOIN ",
        );
        sql.text(objects).text("\n        ON ").text(objects).text(".object_name = accessed.object_name\n");
        if self.maps_users {
            sql.text(
                "    LEFT JOIN consumer_map AS by_user\n        \
                         ON by_user.principal_kind = 'user'\n        \
                         AND by_user.principal_name = accessed.user_name\n",
            );
        }
        self.write_by_role(sql);
        self.write_interest(sql);
        sql.text(
            "\n        AND (query_roles.query_id IS NULL OR query_roles.execution_status = 'SUCCESS')\n)\n\n",
        );
        Ok(())
    }

    fn write_maps(&self, sql: &mut ScriptWriter) -> Result<(), Error> {
        let Aggregation { attribution, mappings, .. } = *self.aggregation;
        sql.text("WITH\n");
        self.objects.write_maps(sql, mappings)?;
        mapping::consumer_map(attribution).write(sql, mappings)?;
        if !self.excluded_user.is_empty() {
            self.excluded_user.write(sql, mappings)?;
        }
        Ok(())
    }

    /// Writes the objects that are read: those whose domain counts, or for the coverage report all of them.
    ///
    /// Six hours of slack on both sides keep the scan pruned: Snowflake's rules of a time zone, older or newer
    /// than the library's, decide which date an instant bears.
    fn write_accessed(&self, sql: &mut ScriptWriter, domains: Domains) {
        const DOMAIN: &str = "UPPER(obj.value:\"objectDomain\"::VARCHAR)";
        const NAME: &str = "obj.value:\"objectName\"::VARCHAR";
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
                "COALESCE(NULLIF(ah.root_query_id, ''), ah.query_id) AS usage_unit, -- the outermost query counts\n"
            }
        };
        sql.text(opening).text("    SELECT\n        ah.query_id,\n        ah.user_name,\n        ");
        if domains == Domains::Counted {
            sql.text(NAME).text(" AS object_name,\n        ");
        }
        sql.text(unit).text("        TO_DATE(CONVERT_TIMEZONE(").literal(attribution.time_zone().name());
        sql.text(", ah.query_start_time)) AS usage_date");
        let leaves_events_out = self.iceberg_events == IcebergEvents::TableLoads;
        if leaves_events_out && (self.maps_roles || domains == Domains::All) {
            sql.text(",\n        ").text(ICEBERG_EVENT).text(" = ").literal(ICEBERG_SOURCE);
            sql.text(" AS is_iceberg_event");
        }
        if domains == Domains::All {
            sql.text(",\n        ").text(DOMAIN).text(" AS object_domain,\n        CASE\n            WHEN ");
            sql.text(DOMAIN).text(" IN (\n");
            self.write_domains(sql, "                    ");
            sql.text("\n                ) THEN 'counted'\n            WHEN ").text(DOMAIN).text(" = ");
            sql.literal(TRUNCATED).text(" THEN 'truncated' -- names were cut off\n");
            sql.text(
                "            ELSE 'other'\n        END AS domain_kind,\n        CASE\n            WHEN ",
            );
            sql.text(DOMAIN).text(" = ").literal(TRUNCATED).text(" THEN NULL\n            ELSE ").text(NAME);
            sql.text("\n        END AS object_name");
        }
        sql.text("\n    FROM ");
        write_view(sql, &self.access_history, ACCESS_HISTORY);
        sql.text(" AS ah,\n        LATERAL FLATTEN(input => ").text(array);
        let bounds = self.bounds();
        sql.text(") AS obj\n    WHERE ah.query_start_time >= TO_TIMESTAMP_LTZ(").bind(bounds.0);
        sql.text(" - 21600, 0) -- absolute instants prune the scan, the dates below decide\n");
        sql.text("        AND ah.query_start_time < TO_TIMESTAMP_LTZ(").bind(bounds.1).text(" + 21600, 0)\n");
        if domains == Domains::Counted {
            sql.text("        AND ").text(DOMAIN).text(" IN (\n");
            self.write_domains(sql, "            ");
            sql.text("\n        )\n");
        }
        if leaves_events_out {
            sql.text(
                "        AND ( -- of calls to the Iceberg REST catalog those that load a table\n            ",
            );
            sql.text(ICEBERG_EVENT).text(" <> ").literal(ICEBERG_SOURCE);
            sql.text("\n            OR UPPER(ah.additional_properties:\"irc_event_type\"::VARCHAR) = ");
            sql.literal(TABLE_LOAD).text("\n        )\n");
        }
        sql.text("),\n\n");
    }

    fn write_domains(&self, sql: &mut ScriptWriter, indent: &'static str) {
        sql.list(",\n", self.aggregation.attribution.object_domains(), |sql, domain| {
            sql.text(indent).literal(domain);
        });
    }

    /// An hour more than for the accesses keeps the scan pruned and loses no row, should the two views' starts
    /// differ.
    fn write_query_window(&self, sql: &mut ScriptWriter) {
        let bounds = self.bounds();
        sql.text("    FROM ");
        write_view(sql, &self.query_history, QUERY_HISTORY);
        sql.text(" AS qh\n    WHERE qh.start_time >= TO_TIMESTAMP_LTZ(").bind(bounds.0);
        sql.text(" - 25200, 0) -- the two views may differ by an hour\n");
        sql.text("        AND qh.start_time < TO_TIMESTAMP_LTZ(").bind(bounds.1).text(" + 25200, 0)");
    }

    /// The user's consumer or else the role's.
    fn write_consumer(&self, sql: &mut ScriptWriter) {
        sql.text(match (self.maps_users, self.maps_roles) {
            (true, true) => "COALESCE(by_user.consumer_id, by_role.consumer_id) AS consumer_id",
            (true, false) => "by_user.consumer_id",
            (false, _) => "by_role.consumer_id",
        });
    }

    fn write_by_role(&self, sql: &mut ScriptWriter) {
        if self.maps_roles {
            sql.text(
                "    LEFT JOIN consumer_map AS by_role\n        \
                         ON by_role.principal_kind = 'role'\n        \
                         AND by_role.principal_name = query_roles.role_name\n",
            );
        }
    }

    /// Which accesses are of interest at all: those of the days by users who are not excluded.
    fn write_interest(&self, sql: &mut ScriptWriter) {
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
        const KEY: &str = "reads.usage_date,\n        \
                     reads.output_port_id,\n        \
                     reads.tech_asset_id,\n        \
                     reads.consumer_id,\n        \
                     reads.usage_unit";
        sql.text(
            "touches AS ( -- one row for each day, output port, tech asset, consumer and unit: no repeats\n    ",
        );
        match self.overlap {
            Overlap::Impossible => sql.text("SELECT DISTINCT\n        ").text(KEY),
            Overlap::Possible => sql.text("SELECT\n        ").text(KEY).text(
                ",\n        \
                         MIN(reads.object_name) AS first_object, -- the same as the last if it is the only one\n        \
                         MAX(reads.object_name) AS last_object",
            ),
        };
        sql.text("\n    FROM reads\n");
        if !self.producer.is_empty() {
            sql.text(
                "    LEFT JOIN producer\n        \
                         ON producer.output_port_id = reads.output_port_id\n        \
                         AND producer.consumer_id = reads.consumer_id\n",
            );
        }
        sql.text("    WHERE reads.consumer_id IS NOT NULL");
        if !self.producer.is_empty() {
            sql.text("\n        AND producer.consumer_id IS NULL");
        }
        if self.overlap == Overlap::Possible {
            sql.text("\n    GROUP BY\n        ").text(KEY);
        }
        sql.text("\n)\n\n");
    }

    /// The instants of the days, in seconds since the epoch, half open.
    fn bounds(&self) -> (Bind, Bind) {
        let Aggregation { attribution, days, .. } = self.aggregation;
        let bounds = attribution.local_days(days.clone()).bounds();
        (Bind::Number(bounds.start), Bind::Number(bounds.end))
    }
}

/// Writes a view's name: quoted, unless it is Snowflake's own, whose text stands here and needs no quotes.
fn write_view(sql: &mut ScriptWriter, view: &ObjectName, snowflakes: &'static str) {
    if view.to_string() == snowflakes {
        sql.text(snowflakes);
    } else {
        sql.name(view);
    }
}
