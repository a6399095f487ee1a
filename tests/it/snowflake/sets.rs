//! The statements over whole schemas and databases.

use output_port_usage::snowflake::{Aggregation, Mappings};
use output_port_usage::{Attribution, OverlappingSets};

use super::march;
use crate::query_log::hand_made::{asset, consumer, port};

/// A table, the schema that it is in and a database, behind three output ports.
fn sets(overlapping: OverlappingSets) -> Attribution {
    Attribution::builder()
        .object("db.out.orders", asset(1))
        .schema("db.out", asset(2))
        .database("\"D.B\"", asset(3))
        .tech_asset(asset(1), [port(1)])
        .tech_asset(asset(2), [port(2)])
        .tech_asset(asset(3), [port(3)])
        .user("ana", consumer(1))
        .overlapping_sets(overlapping)
        .build()
        .unwrap()
}

#[test]
fn schemas_and_databases_are_looked_for_once_for_each_name() {
    let attribution = sets(OverlappingSets::CountAll);
    let statement =
        Aggregation::new(&attribution, march()).mappings(Mappings::Values).combinations().unwrap();
    insta::assert_snapshot!(statement.script(), @r#"
    WITH
    object_map AS ( -- an object by its name in ACCESS_HISTORY, its tech asset and output ports
        SELECT
            column1::VARCHAR AS object_name,
            column2::VARCHAR AS output_port_id,
            column3::VARCHAR AS tech_asset_id
        FROM (VALUES
            ('DB.OUT.ORDERS', '00000000-0000-0000-0000-00000000b001', '00000000-0000-0000-0000-00000000a001')
        )
    ),
    schema_map AS ( -- a schema by the prefix of every name in it, its tech asset and output ports
        SELECT
            column1::VARCHAR AS schema_prefix,
            column2::VARCHAR AS database_start,
            column3::VARCHAR AS schema_start,
            column4::VARCHAR AS output_port_id,
            column5::VARCHAR AS tech_asset_id
        FROM (VALUES
            ('DB.OUT.', 'DB', 'OUT', '00000000-0000-0000-0000-00000000b002', '00000000-0000-0000-0000-00000000a002')
        )
    ),
    database_map AS ( -- a database by the prefix of every name in it, its tech asset and output ports
        SELECT
            column1::VARCHAR AS database_prefix,
            column2::VARCHAR AS database_start,
            column3::VARCHAR AS output_port_id,
            column4::VARCHAR AS tech_asset_id
        FROM (VALUES
            ('"D.B".', '"D', '00000000-0000-0000-0000-00000000b003', '00000000-0000-0000-0000-00000000a003')
        )
    ),
    consumer_map AS ( -- a user or role by its name in the history views, and its consumer
        SELECT
            column1::VARCHAR AS principal_kind,
            column2::VARCHAR AS principal_name,
            column3::VARCHAR AS consumer_id
        FROM (VALUES
            ('user', 'ANA', '00000000-0000-0000-0000-00000000c001')
        )
    ),
    accessed AS ( -- one row for each object that a query names: a view is the view
        SELECT
            ah.query_id,
            ah.query_id AS usage_unit, -- every statement counts
            TO_DATE(CONVERT_TIMEZONE('UTC', ah.query_start_time)) AS usage_date,
            ah.user_name,
            obj.value:"objectName"::VARCHAR AS object_name
        FROM "SNOWFLAKE"."ACCOUNT_USAGE"."ACCESS_HISTORY" AS ah,
            LATERAL FLATTEN(input => ah.direct_objects_accessed) AS obj
        WHERE ah.query_start_time >= TO_TIMESTAMP_LTZ(1773100800 - 21600, 0) -- absolute instants prune the scan, the dates below decide
            AND ah.query_start_time < TO_TIMESTAMP_LTZ(1773187200 + 21600, 0)
            AND UPPER(obj.value:"objectDomain"::VARCHAR) IN (
                'DYNAMIC TABLE',
                'EVENT TABLE',
                'EXTERNAL TABLE',
                'ICEBERG TABLE',
                'MATERIALIZED VIEW',
                'STREAM',
                'TABLE',
                'VIEW'
            )
    ),
    read_objects AS ( -- every name that was read, once
        SELECT DISTINCT
            accessed.object_name,
            SPLIT_PART(accessed.object_name, '.', 1) AS database_start,
            SPLIT_PART(accessed.object_name, '.', 2) AS schema_start
        FROM accessed
    ),
    object_assets AS ( -- the tech assets of every set that holds a name
        SELECT
            read_objects.object_name,
            object_map.output_port_id,
            object_map.tech_asset_id
        FROM read_objects
        JOIN object_map
            ON object_map.object_name = read_objects.object_name
        UNION
        SELECT
            read_objects.object_name,
            schema_map.output_port_id,
            schema_map.tech_asset_id
        FROM read_objects
        JOIN schema_map
            ON schema_map.database_start = read_objects.database_start
            AND schema_map.schema_start = read_objects.schema_start
            AND STARTSWITH(read_objects.object_name, schema_map.schema_prefix)
        UNION
        SELECT
            read_objects.object_name,
            database_map.output_port_id,
            database_map.tech_asset_id
        FROM read_objects
        JOIN database_map
            ON database_map.database_start = read_objects.database_start
            AND STARTSWITH(read_objects.object_name, database_map.database_prefix)
            AND NOT STARTSWITH(
                read_objects.object_name, database_map.database_prefix || 'INFORMATION_SCHEMA.'
            )
    ),
    mapped_reads AS ( -- one row for each mapped object that a query reads, and each of its output ports
        SELECT
            accessed.query_id,
            accessed.usage_unit,
            accessed.usage_date,
            accessed.user_name,
            accessed.object_name,
            object_assets.output_port_id,
            object_assets.tech_asset_id
        FROM accessed
        JOIN object_assets
            ON object_assets.object_name = accessed.object_name
        WHERE accessed.usage_date >= TO_DATE('2026-03-10', 'YYYY-MM-DD') -- local days: a clock may go back over midnight
            AND accessed.usage_date < TO_DATE('2026-03-11', 'YYYY-MM-DD')
    ),
    reads AS ( -- the same, each with its consumer
        SELECT
            mapped_reads.usage_date,
            mapped_reads.usage_unit,
            mapped_reads.object_name,
            mapped_reads.output_port_id,
            mapped_reads.tech_asset_id,
            by_user.consumer_id
        FROM mapped_reads
        LEFT JOIN consumer_map AS by_user
            ON by_user.principal_kind = 'user'
            AND by_user.principal_name = mapped_reads.user_name
    ),
    touches AS ( -- one row for each day, output port, tech asset, consumer and unit: no repeats
        SELECT
            reads.usage_date,
            reads.output_port_id,
            reads.tech_asset_id,
            reads.consumer_id,
            reads.usage_unit,
            MIN(reads.object_name) AS first_object, -- the same as the last if it is the only one
            MAX(reads.object_name) AS last_object
        FROM reads
        WHERE reads.consumer_id IS NOT NULL
        GROUP BY
            reads.usage_date,
            reads.output_port_id,
            reads.tech_asset_id,
            reads.consumer_id,
            reads.usage_unit
    )
    SELECT
        first_touch.usage_date,
        first_touch.output_port_id AS output_port_id_1,
        second_touch.output_port_id AS output_port_id_2,
        first_touch.consumer_id,
        COUNT(DISTINCT first_touch.usage_unit) AS query_count
    FROM touches AS first_touch
    JOIN touches AS second_touch
        ON second_touch.usage_date = first_touch.usage_date
        AND second_touch.consumer_id = first_touch.consumer_id
        AND second_touch.usage_unit = first_touch.usage_unit
        AND second_touch.output_port_id > first_touch.output_port_id -- each pair once
        AND second_touch.tech_asset_id <> first_touch.tech_asset_id -- one shared asset combines nothing
        AND ( -- nor does one object that is in both assets
            second_touch.first_object <> first_touch.last_object
            OR second_touch.last_object <> first_touch.first_object
        )
    GROUP BY first_touch.usage_date, first_touch.output_port_id, second_touch.output_port_id, first_touch.consumer_id
    ORDER BY first_touch.usage_date, first_touch.output_port_id, second_touch.output_port_id, first_touch.consumer_id
    "#);
}

#[test]
fn the_most_specific_set_is_found_by_its_rank() {
    let attribution = sets(OverlappingSets::MostSpecific);
    let statement = Aggregation::new(&attribution, march()).output_port_queries().unwrap();
    let sql = statement.sql();
    let from = sql.find("holding_sets AS").unwrap();
    let until = sql.find("mapped_reads AS").unwrap();
    insta::assert_snapshot!(&sql[from..until], @"
    holding_sets AS ( -- the sets that hold each name, from the most specific on
        SELECT
            read_objects.object_name,
            object_map.output_port_id,
            object_map.tech_asset_id,
            1 AS set_rank
        FROM read_objects
        JOIN object_map
            ON object_map.object_name = read_objects.object_name
        UNION
        SELECT
            read_objects.object_name,
            schema_map.output_port_id,
            schema_map.tech_asset_id,
            2 AS set_rank
        FROM read_objects
        JOIN schema_map
            ON schema_map.database_start = read_objects.database_start
            AND schema_map.schema_start = read_objects.schema_start
            AND STARTSWITH(read_objects.object_name, schema_map.schema_prefix)
        UNION
        SELECT
            read_objects.object_name,
            database_map.output_port_id,
            database_map.tech_asset_id,
            3 AS set_rank
        FROM read_objects
        JOIN database_map
            ON database_map.database_start = read_objects.database_start
            AND STARTSWITH(read_objects.object_name, database_map.database_prefix)
            AND NOT STARTSWITH(
                read_objects.object_name, database_map.database_prefix || 'INFORMATION_SCHEMA.'
            )
    ),
    best_sets AS ( -- the rank of the most specific set that holds a name
        SELECT
            object_name,
            MIN(set_rank) AS set_rank
        FROM holding_sets
        GROUP BY object_name
    ),
    object_assets AS ( -- the tech assets of that set alone
        SELECT
            holding_sets.object_name,
            holding_sets.output_port_id,
            holding_sets.tech_asset_id
        FROM holding_sets
        JOIN best_sets
            ON best_sets.object_name = holding_sets.object_name
            AND best_sets.set_rank = holding_sets.set_rank
    ),
    ");
}

#[test]
fn objects_of_one_asset_each_are_a_map_and_nothing_more() {
    let schemas_alone = Attribution::builder()
        .schema("db.out", asset(1))
        .tech_asset(asset(1), [port(1)])
        .user("ana", consumer(1))
        .build()
        .unwrap();
    let shared_object = Attribution::builder()
        .object("db.out.orders", asset(1))
        .object("db.out.orders", asset(2))
        .tech_asset(asset(1), [port(1)])
        .tech_asset(asset(2), [port(2)])
        .user("ana", consumer(1))
        .build()
        .unwrap();
    let sql = |attribution| Aggregation::new(attribution, march()).combinations().unwrap().sql();
    let (schemas_alone, shared_object) = (sql(&schemas_alone), sql(&shared_object));
    assert!(!schemas_alone.contains("object_map") && schemas_alone.contains("schema_map"));
    assert!(!shared_object.contains("STARTSWITH"), "a name is compared as a whole");
    assert!(shared_object.contains("first_object"), "but the object may be in two assets");
}
