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
    insta::assert_snapshot!(statement.script());
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
        INNER JOIN object_map
            ON object_map.object_name = read_objects.object_name
        UNION DISTINCT
        SELECT
            read_objects.object_name,
            schema_map.output_port_id,
            schema_map.tech_asset_id,
            2 AS set_rank
        FROM read_objects
        INNER JOIN schema_map
            ON schema_map.database_start = read_objects.database_start
            AND schema_map.schema_start = read_objects.schema_start
            AND STARTSWITH(read_objects.object_name, schema_map.schema_prefix)
        UNION DISTINCT
        SELECT
            read_objects.object_name,
            database_map.output_port_id,
            database_map.tech_asset_id,
            3 AS set_rank
        FROM read_objects
        INNER JOIN database_map
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
        INNER JOIN best_sets
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
