//! The tables that say which tech assets and output ports an object stands for.

use super::mapping::{self, Mapping, Mappings};
use super::statement::ScriptWriter;
use crate::attribution::{Attribution, OverlappingSets};
use crate::error::Error;

/// The maps of the attribution's sets, and the resolution of the names that were read.
pub(super) struct ObjectTables<'a> {
    object_map: Mapping<'a>,
    schema_map: Mapping<'a>,
    database_map: Mapping<'a>,
    overlapping: OverlappingSets,
}

impl<'a> ObjectTables<'a> {
    pub(super) fn new(attribution: &'a Attribution) -> Self {
        Self {
            object_map: mapping::object_map(attribution),
            schema_map: mapping::schema_map(attribution),
            database_map: mapping::database_map(attribution),
            overlapping: attribution.overlapping_sets(),
        }
    }

    /// Writes the maps that have rows.
    pub(super) fn write_maps(&self, sql: &mut ScriptWriter, mappings: Mappings) -> Result<(), Error> {
        for map in [&self.object_map, &self.schema_map, &self.database_map] {
            if !map.is_empty() {
                map.write(sql, mappings)?;
            }
        }
        Ok(())
    }

    /// The table to join names with: `object_name`, `output_port_id` and `tech_asset_id`.
    pub(super) fn table(&self) -> &'static str {
        if self.has_sets() { "object_assets" } else { "object_map" }
    }

    fn has_sets(&self) -> bool {
        !self.schema_map.is_empty() || !self.database_map.is_empty()
    }

    /// Writes the table of the names that were read, where the map of objects alone is not enough.
    ///
    /// Sets are looked for once for each name and not for each read. A name is in a schema or database if it
    /// starts with the printed name and the dot behind it, which is exact because Snowflake prints quotes;
    /// what stands before the first dots is compared as well, so that a join need not try every pair.
    pub(super) fn write_resolution(&self, sql: &mut ScriptWriter) {
        if !self.has_sets() {
            return;
        }
        sql.text(
            "read_names AS ( -- every name that was read, once\n    \
                 SELECT DISTINCT accessed.object_name\n    \
                 FROM accessed\n\
             ),\n\n\
             read_objects AS ( -- the same, with what stands before the first two dots\n    \
                 SELECT\n        \
                     read_names.object_name,\n        \
                     SPLIT_PART(read_names.object_name, '.', 1) AS database_start,\n        \
                     SPLIT_PART(read_names.object_name, '.', 2) AS schema_start\n    \
                 FROM read_names\n\
             ),\n\n",
        );
        let ranked = self.overlapping == OverlappingSets::MostSpecific;
        sql.text(match ranked {
            true => "holding_sets AS ( -- the sets that hold each name, from the most specific on\n",
            false => "object_assets AS ( -- the tech assets of every set that holds a name\n",
        });
        let branches = [
            (&self.object_map, OBJECTS, ",\n        1 AS set_rank"),
            (&self.schema_map, SCHEMAS, ",\n        2 AS set_rank"),
            (&self.database_map, DATABASES, ",\n        3 AS set_rank"),
        ];
        let branches = branches.into_iter().filter(|(map, ..)| !map.is_empty());
        sql.list("    UNION DISTINCT\n", branches, |sql, (_, [map, condition], rank)| {
            sql.text("    SELECT\n        read_objects.object_name,\n        ").text(map);
            sql.text(".output_port_id,\n        ").text(map).text(".tech_asset_id");
            if ranked {
                sql.text(rank);
            }
            sql.text("\n    FROM read_objects\n    INNER JOIN ")
                .text(map)
                .text("\n        ON ")
                .text(condition);
        });
        sql.text("),\n\n");
        if ranked {
            sql.text(
                "best_sets AS ( -- the rank of the most specific set that holds a name\n    \
                     SELECT\n        \
                         object_name,\n        \
                         MIN(set_rank) AS set_rank\n    \
                     FROM holding_sets\n    \
                     GROUP BY object_name\n\
                 ),\n\n\
                 object_assets AS ( -- the tech assets of that set alone\n    \
                     SELECT\n        \
                         holding_sets.object_name,\n        \
                         holding_sets.output_port_id,\n        \
                         holding_sets.tech_asset_id\n    \
                     FROM holding_sets\n    \
                     INNER JOIN best_sets\n        \
                         ON best_sets.object_name = holding_sets.object_name\n        \
                         AND best_sets.set_rank = holding_sets.set_rank\n\
                 ),\n\n",
            );
        }
    }
}

/// A map, and when it holds a name.
const OBJECTS: [&str; 2] = ["object_map", "object_map.object_name = read_objects.object_name\n"];
const SCHEMAS: [&str; 2] = [
    "schema_map",
    "schema_map.database_start = read_objects.database_start\n        \
         AND schema_map.schema_start = read_objects.schema_start\n        \
         AND STARTSWITH(read_objects.object_name, schema_map.schema_prefix)\n",
];
const DATABASES: [&str; 2] = [
    "database_map",
    "database_map.database_start = read_objects.database_start\n        \
         AND STARTSWITH(read_objects.object_name, database_map.database_prefix)\n        \
         AND NOT STARTSWITH(\n            \
             read_objects.object_name, database_map.database_prefix || 'INFORMATION_SCHEMA.'\n        \
         )\n",
];
