//! The Snowflake statements as text.
//!
//! What the statements count is proven by `snowflake-emulation`, which runs them.

mod iceberg;
mod rows;
mod sets;

use std::ops::Range;

use chrono::NaiveDate;
use output_port_usage::snowflake::{Aggregation, Bind, Mappings};
use output_port_usage::{AccessedObjects, Attribution, AttributionBuilder, CountedUnit, OverlappingSets};

use crate::query_log::hand_made::{asset, consumer, port};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn march() -> Range<NaiveDate> {
    day("2026-03-10")..day("2026-03-11")
}

/// One table of one output port, read by one user.
fn small() -> AttributionBuilder {
    Attribution::builder().object("db.s.a", asset(1)).tech_asset(asset(1), [port(1)]).user("ana", consumer(1))
}

/// Every rule that changes the text.
fn every_rule() -> Attribution {
    small()
        .object("db.out.\"it's\\\"", asset(2))
        .tech_asset(asset(2), [port(1), port(2)])
        .role("reader", consumer(2))
        .exclude_user("scanner")
        .producer(port(1), consumer(1))
        .object_domains(["table", "view"])
        .time_zone("Europe/Brussels")
        .accessed_objects(AccessedObjects::Base)
        .counted_unit(CountedUnit::RootQuery)
        .build()
        .unwrap()
}

#[test]
fn the_smallest_statement_asks_access_history_alone() {
    let attribution = small().build().unwrap();
    let statement = Aggregation::new(&attribution, march()).output_port_queries().unwrap();
    insta::assert_snapshot!(statement.sql());
    insta::assert_debug_snapshot!(statement.binds().collect::<Vec<_>>());
}

#[test]
fn one_statement_with_every_rule_gives_all_three_results() {
    let attribution = every_rule();
    let statement = Aggregation::new(&attribution, march()).usage().unwrap();
    insta::assert_snapshot!(statement.numbered_sql());
    insta::assert_debug_snapshot!(statement.binds().collect::<Vec<_>>());
}

#[test]
fn a_script_for_a_worksheet_carries_its_values() {
    let attribution = every_rule();
    let aggregation = Aggregation::new(&attribution, march())
        .access_history("audit.\"copies\".access_history")
        .query_history("audit.\"copies\".query_history")
        .mappings(Mappings::Values);
    insta::assert_snapshot!(aggregation.combinations().unwrap().script());
}

#[test]
fn snowflakes_own_views_go_without_quotes_and_no_others() {
    let attribution = small().build().unwrap();
    let sql = Aggregation::new(&attribution, march()).usage().unwrap().sql();
    let of = |view: &str| Aggregation::new(&attribution, march()).access_history(view).usage().unwrap().sql();
    assert_eq!(of("\"SNOWFLAKE\".account_usage.access_history"), sql);
    let other = "\"SNOWFLAKE\".\"ACCOUNT_USAGE\".\"access_history\"";
    assert_eq!(of(other), sql.replace("SNOWFLAKE.ACCOUNT_USAGE.ACCESS_HISTORY", other));
}

#[test]
fn touches_are_counted_by_tech_asset() {
    let attribution = small().build().unwrap();
    let statement = Aggregation::new(&attribution, march()).tech_asset_touches().unwrap();
    insta::assert_snapshot!(statement, @r#"
    WITH
    object_map AS ( -- an object by its name in ACCESS_HISTORY, its tech asset and output ports
        SELECT
            entry.value:"object_name"::VARCHAR AS object_name,
            entry.value:"output_port_id"::VARCHAR AS output_port_id,
            entry.value:"tech_asset_id"::VARCHAR AS tech_asset_id
        FROM TABLE(FLATTEN(input => PARSE_JSON('[{"object_name":"DB.S.A","output_port_id":"00000000-0000-0000-0000-00000000b001","tech_asset_id":"00000000-0000-0000-0000-00000000a001"}]'))) AS entry
    ),

    consumer_map AS ( -- a user or role by its name in the history views, and its consumer
        SELECT
            entry.value:"principal_kind"::VARCHAR AS principal_kind,
            entry.value:"principal_name"::VARCHAR AS principal_name,
            entry.value:"consumer_id"::VARCHAR AS consumer_id
        FROM TABLE(FLATTEN(input => PARSE_JSON('[{"principal_kind":"user","principal_name":"ANA","consumer_id":"00000000-0000-0000-0000-00000000c001"}]'))) AS entry
    ),

    accessed AS ( -- one row for each object that a query names: a view is the view
        SELECT
            ah.query_id,
            ah.user_name,
            obj.value:"objectName"::VARCHAR AS object_name,
            ah.query_id AS usage_unit, -- every statement counts
            TO_DATE(CONVERT_TIMEZONE('UTC', ah.query_start_time)) AS usage_date
        FROM SNOWFLAKE.ACCOUNT_USAGE.ACCESS_HISTORY AS ah,
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

    mapped_reads AS ( -- one row for each mapped object that a query reads, and each of its output ports
        SELECT
            accessed.query_id,
            accessed.usage_unit,
            accessed.usage_date,
            accessed.user_name,
            object_map.output_port_id,
            object_map.tech_asset_id
        FROM accessed
        INNER JOIN object_map
            ON object_map.object_name = accessed.object_name
        WHERE accessed.usage_date >= TO_DATE('2026-03-10', 'YYYY-MM-DD') -- local days: a clock may go back over midnight
            AND accessed.usage_date < TO_DATE('2026-03-11', 'YYYY-MM-DD')
    ),

    reads AS ( -- the same, each with its consumer
        SELECT
            mapped_reads.usage_date,
            mapped_reads.usage_unit,
            mapped_reads.output_port_id,
            mapped_reads.tech_asset_id,
            by_user.consumer_id
        FROM mapped_reads
        LEFT JOIN consumer_map AS by_user
            ON by_user.principal_kind = 'user'
            AND by_user.principal_name = mapped_reads.user_name
    ),

    touches AS ( -- one row for each day, output port, tech asset, consumer and unit: no repeats
        SELECT DISTINCT
            reads.usage_date,
            reads.output_port_id,
            reads.tech_asset_id,
            reads.consumer_id,
            reads.usage_unit
        FROM reads
        WHERE reads.consumer_id IS NOT NULL
    )

    SELECT
        usage_date,
        output_port_id,
        tech_asset_id,
        consumer_id,
        COUNT(*) AS query_count
    FROM touches
    GROUP BY usage_date, output_port_id, tech_asset_id, consumer_id
    ORDER BY usage_date, output_port_id, tech_asset_id, consumer_id
    "#);
}

#[test]
fn coverage_asks_both_views() {
    let attribution = every_rule();
    let statement = Aggregation::new(&attribution, march()).coverage().unwrap();
    insta::assert_snapshot!(statement.sql());
}

#[test]
fn the_text_depends_on_the_rules_alone_and_not_on_names_or_days() {
    let attributions = [small(), small().object("db.s.b", asset(1)).user("bob", consumer(2))];
    let [one, other] = attributions.map(|attribution| attribution.build().unwrap());
    let one = Aggregation::new(&one, march()).usage().unwrap();
    let other = Aggregation::new(&other, day("2026-10-25")..day("2026-10-27")).usage().unwrap();
    assert_eq!(one.sql(), other.sql());
    assert_eq!(one.numbered_sql(), other.numbered_sql());
    assert_ne!(one, other);
}

#[test]
fn no_client_takes_a_part_of_a_text_for_a_placeholder_an_end_or_a_quote() {
    let sets = small().schema("db.s", asset(1)).database("db", asset(1));
    let most_specific = sets.clone().overlapping_sets(OverlappingSets::MostSpecific);
    for attribution in [every_rule(), sets.build().unwrap(), most_specific.build().unwrap()] {
        let aggregation = Aggregation::new(&attribution, march());
        for sql in [
            aggregation.usage().unwrap().sql(),
            aggregation.output_port_queries().unwrap().sql(),
            aggregation.tech_asset_touches().unwrap().sql(),
            aggregation.combinations().unwrap().sql(),
            aggregation.coverage().unwrap().sql(),
        ] {
            assert!(!sql.contains(['%', ';']), "{sql}");
            for comment in sql.lines().filter_map(|line| line.split_once("--")) {
                assert!(!comment.1.contains(['\'', '"', '?', '$']), "{}", comment.1);
            }
        }
    }
}

#[test]
fn bounds_follow_the_clock_of_the_time_zone() {
    // Brussels: from 23:00 UTC to 22:00 UTC the next day, 23 hours
    let attribution = small().time_zone("Europe/Brussels").build().unwrap();
    let statement =
        Aggregation::new(&attribution, day("2026-03-29")..day("2026-03-30")).output_port_queries().unwrap();
    let bounds: Vec<i64> = statement.binds().filter_map(number).collect();
    assert_eq!(bounds, [1_774_738_800, 1_774_738_800 + 23 * 3600]);
}

fn number(bind: &Bind) -> Option<i64> {
    match bind {
        Bind::Number(number) => Some(*number),
        _ => None,
    }
}

#[test]
fn values_lists_hold_512_rows_and_an_empty_map_has_none() {
    let objects = |count: u32| {
        (1..count)
            .fold(small(), |map, number| map.object(format!("db.s.t{number}"), asset(1)))
            .build()
            .unwrap()
    };
    let values = |attribution: &Attribution| {
        Aggregation::new(attribution, march())
            .mappings(Mappings::Values)
            .usage()
            .map(|statement| statement.script())
    };
    let script = values(&objects(512)).unwrap();
    assert_eq!(
        script.matches("        VALUES\n").count(),
        2,
        "two maps, and none for excluded users and producers"
    );
    let error = values(&objects(513)).unwrap_err();
    assert!(error.is_mapping());
    insta::assert_snapshot!(error, @"513 pairs of object and output port are more than the 512 rows of a VALUES list: bind them as JSON");
    assert!(Aggregation::new(&objects(513), march()).usage().is_ok());
}

#[test]
fn days_that_are_none_and_views_without_a_name_are_refused() {
    let attribution = small().build().unwrap();
    for days in [march().end..march().start, march().start..march().start, day("0000-01-01")..march().end] {
        let aggregation = Aggregation::new(&attribution, days);
        assert!(aggregation.usage().unwrap_err().is_request());
        assert!(aggregation.coverage().unwrap_err().is_request());
    }
    for view in ["", "access_history", "a.b.c; drop table d", "a.b.\"c", "a.b.\"c\0\""] {
        let aggregation = Aggregation::new(&attribution, march());
        assert!(aggregation.clone().access_history(view).usage().unwrap_err().is_mapping());
        assert!(aggregation.query_history(view).coverage().unwrap_err().is_mapping());
    }
}

#[test]
fn days_that_are_no_longer_kept_are_a_warning() {
    let attribution = small().build().unwrap();
    let now = "2026-03-12T12:00:00Z".parse().unwrap();
    let expired = |from, until| Aggregation::new(&attribution, day(from)..day(until)).expired_days(now);
    assert_eq!(expired("2025-03-13", "2026-03-13"), None);
    assert_eq!(expired("2025-03-10", "2025-03-20"), Some(day("2025-03-10")..day("2025-03-13")));
    assert_eq!(expired("2024-01-01", "2024-01-02"), Some(day("2024-01-01")..day("2024-01-02")));
    let old = Aggregation::new(&attribution, day("2024-01-01")..day("2024-01-02"));
    assert!(old.usage().is_ok(), "a warning, not a failure");
}
