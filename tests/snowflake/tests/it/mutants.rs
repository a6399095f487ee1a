//! Wrong statements, each one edit away from a shipped one: the logs have to notice every one of them.

use std::collections::BTreeSet;

use output_port_usage::snowflake::Mappings;
use snowflake_emulation::Account;

use crate::case::{self, Case, Form};
use crate::random::RULES;

/// An edit of the shipped text that breaks a rule.
struct Mutant {
    /// A rule of the random logs, or what else is broken.
    rule: &'static str,
    from: &'static str,
    to: &'static str,
}

const fn mutant(rule: &'static str, from: &'static str, to: &'static str) -> Mutant {
    Mutant { rule, from, to }
}

const MUTANTS: &[Mutant] = &[
    // what counts once
    mutant(
        "a unit reads an asset twice",
        "SELECT DISTINCT\n        reads.usage_date",
        "SELECT\n        reads.usage_date",
    ),
    mutant(
        "two assets of one port in a query",
        "COUNT(DISTINCT usage_unit) AS query_count",
        "COUNT(usage_unit) AS query_count",
    ),
    mutant("a pair counts once", "COUNT(DISTINCT first_touch.usage_unit)", "COUNT(first_touch.usage_unit)"),
    mutant(
        "the unit is the statement",
        "ah.query_id AS usage_unit",
        "COALESCE(ah.root_query_id, ah.query_id) AS usage_unit",
    ),
    mutant("an empty root query", "NULLIF(ah.root_query_id, '')", "ah.root_query_id"),
    mutant("an empty status", "NULLIF(UPPER(qh.execution_status), '')", "UPPER(qh.execution_status)"),
    mutant(
        "a root query with two statements",
        "COALESCE(NULLIF(ah.root_query_id, ''), ah.query_id) AS usage_unit",
        "ah.query_id AS usage_unit",
    ),
    mutant(
        "a root query is its own root",
        "COALESCE(NULLIF(ah.root_query_id, ''), ah.query_id) AS usage_unit",
        "ah.root_query_id AS usage_unit",
    ),
    // combinations
    mutant(
        "two ports combined",
        "second_touch.output_port_id > first_touch.output_port_id",
        "second_touch.output_port_id <> first_touch.output_port_id",
    ),
    mutant(
        "a pair is of two ports",
        "second_touch.output_port_id > first_touch.output_port_id",
        "second_touch.output_port_id >= first_touch.output_port_id",
    ),
    mutant("one asset behind two ports", "AND second_touch.tech_asset_id <> first_touch.tech_asset_id", ""),
    mutant("a root query over two days", "second_touch.usage_date = first_touch.usage_date\n    AND", ""),
    mutant("a pair is of one consumer", "AND second_touch.consumer_id = first_touch.consumer_id", ""),
    mutant("a pair is of one unit", "AND second_touch.usage_unit = first_touch.usage_unit", ""),
    // objects
    mutant(
        "direct and base differ",
        "input => ah.direct_objects_accessed",
        "input => ah.base_objects_accessed",
    ),
    mutant(
        "base objects, not direct ones",
        "input => ah.base_objects_accessed",
        "input => ah.direct_objects_accessed",
    ),
    mutant(
        "another domain",
        "AND UPPER(obj.value:\"objectDomain\"::VARCHAR) IN (",
        "AND 'TABLE' IN ('TABLE', ",
    ),
    mutant(
        "domains in any case",
        "AND UPPER(obj.value:\"objectDomain\"::VARCHAR)",
        "AND obj.value:\"objectDomain\"::VARCHAR",
    ),
    mutant("the JSON key's case", "obj.value:\"objectName\"", "obj.value:\"objectname\""),
    mutant(
        "no object name",
        "    INNER JOIN object_map\n        ON object_map.object_name = accessed.object_name",
        "    LEFT JOIN object_map\n        ON object_map.object_name = accessed.object_name",
    ),
    mutant(
        "object names keep their case",
        "object_map.object_name = accessed.object_name",
        "UPPER(object_map.object_name) = UPPER(accessed.object_name)",
    ),
    // sets
    mutant(
        "a schema holds an object",
        "    UNION DISTINCT\n    SELECT\n        read_objects.object_name,\n        schema_map",
        "    EXCEPT\n    SELECT\n        read_objects.object_name,\n        schema_map",
    ),
    mutant(
        "a schema holds an object",
        "STARTSWITH(read_objects.object_name, schema_map.schema_prefix)",
        "read_objects.object_name = schema_map.schema_prefix",
    ),
    mutant(
        "a database holds an object",
        "        AND STARTSWITH(read_objects.object_name, database_map.database_prefix)",
        "        AND read_objects.object_name = database_map.database_prefix",
    ),
    // the prefix without its dot
    mutant(
        "a name that only starts like a schema's",
        "        ON schema_map.database_start = read_objects.database_start
        AND schema_map.schema_start = read_objects.schema_start
        AND STARTSWITH(read_objects.object_name, schema_map.schema_prefix)",
        "        ON STARTSWITH(read_objects.object_name, RTRIM(schema_map.schema_prefix, '.'))",
    ),
    mutant(
        "a name that only starts like a schema's",
        "        ON database_map.database_start = read_objects.database_start
        AND STARTSWITH(read_objects.object_name, database_map.database_prefix)",
        "        ON STARTSWITH(read_objects.object_name, RTRIM(database_map.database_prefix, '.'))",
    ),
    // the prefix of names without their quotes
    mutant(
        "a name that only starts like a schema's",
        "        ON schema_map.database_start = read_objects.database_start
        AND schema_map.schema_start = read_objects.schema_start
        AND STARTSWITH(read_objects.object_name, schema_map.schema_prefix)",
        "        ON STARTSWITH(REPLACE(read_objects.object_name, '\"', ''), REPLACE(schema_map.schema_prefix, '\"', ''))",
    ),
    mutant(
        "a name that only starts like a schema's",
        "        ON database_map.database_start = read_objects.database_start
        AND STARTSWITH(read_objects.object_name, database_map.database_prefix)",
        "        ON STARTSWITH(REPLACE(read_objects.object_name, '\"', ''), REPLACE(database_map.database_prefix, '\"', ''))",
    ),
    mutant(
        "a name that only starts like a schema's",
        "        AND STARTSWITH(read_objects.object_name, database_map.database_prefix)",
        "",
    ),
    mutant(
        "a name that only starts like a schema's",
        "        AND STARTSWITH(read_objects.object_name, schema_map.schema_prefix)",
        "",
    ),
    mutant(
        "an object of INFORMATION_SCHEMA",
        "        AND NOT STARTSWITH(
            read_objects.object_name, database_map.database_prefix || 'INFORMATION_SCHEMA.'
        )",
        "",
    ),
    mutant(
        "one object in two assets",
        "    AND ( -- nor does one object that is in both assets
        second_touch.first_object <> first_touch.last_object
        OR second_touch.last_object <> first_touch.first_object
    )",
        "",
    ),
    mutant("one object in two assets", "OR second_touch.last_object <> first_touch.first_object", ""),
    mutant(
        "one object in two assets",
        "second_touch.first_object <> first_touch.last_object
        OR ",
        "",
    ),
    mutant(
        "one object in two assets",
        "second_touch.first_object <> first_touch.last_object",
        "second_touch.first_object <> first_touch.first_object",
    ),
    mutant("the most specific set alone", "        AND best_sets.set_rank = holding_sets.set_rank", ""),
    mutant("the most specific set alone", "MIN(set_rank) AS set_rank", "MAX(set_rank) AS set_rank"),
    // principals
    mutant(
        "a user goes before a role",
        "COALESCE(by_user.consumer_id, by_role.consumer_id)",
        "COALESCE(by_role.consumer_id, by_user.consumer_id)",
    ),
    mutant(
        "a role maps an unmapped user",
        "COALESCE(by_user.consumer_id, by_role.consumer_id)",
        "by_user.consumer_id",
    ),
    mutant(
        "a mapped user needs no mapped role",
        "LEFT JOIN consumer_map AS by_role",
        "JOIN consumer_map AS by_role",
    ),
    mutant(
        "an unmapped user may have a role",
        "LEFT JOIN consumer_map AS by_user",
        "JOIN consumer_map AS by_user",
    ),
    mutant("a role is no user", "by_user.principal_kind = 'user'\n        AND", ""),
    mutant("a user is no role", "by_role.principal_kind = 'role'\n        AND", ""),
    mutant(
        "user names keep their case",
        "by_user.principal_name = mapped_reads.user_name",
        "by_user.principal_name = UPPER(mapped_reads.user_name)",
    ),
    mutant("an unmapped principal", "WHERE reads.consumer_id IS NOT NULL", "WHERE TRUE"),
    mutant("an excluded user", "AND excluded_user.user_name IS NULL", ""),
    mutant(
        "no user name",
        "ON excluded_user.user_name = accessed.user_name",
        "ON excluded_user.user_name = COALESCE(accessed.user_name, excluded_user.user_name)",
    ),
    mutant("a producer's own read", "AND producer.consumer_id IS NULL", ""),
    mutant(
        "a producer reads other ports",
        "ON producer.output_port_id = reads.output_port_id\n        AND",
        "ON",
    ),
    mutant("others read a producer's port", "\n        AND producer.consumer_id = reads.consumer_id", ""),
    // days
    mutant(
        "the attribution's time zone",
        "CONVERT_TIMEZONE('UTC', ah.query_start_time)",
        "ah.query_start_time",
    ),
    mutant(
        "the attribution's time zone",
        "CONVERT_TIMEZONE('Asia/Kolkata', ah.query_start_time)",
        "ah.query_start_time",
    ),
    mutant(
        "bounds are in seconds",
        "ah.query_start_time < TO_TIMESTAMP_LTZ(? + 21600, 0)",
        "ah.query_start_time < TO_TIMESTAMP_LTZ(? + 21600, 3)",
    ),
    mutant(
        "outside the days",
        "accessed.usage_date >= TO_DATE(?, 'YYYY-MM-DD')",
        "TO_DATE(?, 'YYYY-MM-DD') IS NOT NULL",
    ),
    mutant(
        "a date from after the window",
        "accessed.usage_date < TO_DATE(?, 'YYYY-MM-DD')",
        "TO_DATE(?, 'YYYY-MM-DD') IS NOT NULL",
    ),
    mutant("the window is half open", "accessed.usage_date < TO_DATE", "accessed.usage_date <= TO_DATE"),
    mutant(
        "the first day is in the window",
        "accessed.usage_date >= TO_DATE",
        "accessed.usage_date > TO_DATE",
    ),
    // external engines
    mutant(
        "an event that loads no table",
        "OR UPPER(ah.additional_properties:\"irc_event_type\"::VARCHAR) = 'LOADTABLE'",
        "OR TRUE",
    ),
    mutant(
        "an event that loads no table",
        "OR UPPER(ah.additional_properties:\"irc_event_type\"::VARCHAR) = 'LOADTABLE'",
        "OR COALESCE(UPPER(ah.additional_properties:\"irc_event_type\"::VARCHAR), 'LOADTABLE') = 'LOADTABLE'",
    ),
    mutant(
        "an external engine loads a table",
        "OR UPPER(ah.additional_properties:\"irc_event_type\"::VARCHAR) = 'LOADTABLE'",
        "",
    ),
    mutant(
        "an event's type in any case",
        "OR UPPER(ah.additional_properties:\"irc_event_type\"::VARCHAR) = 'LOADTABLE'",
        "OR ah.additional_properties:\"irc_event_type\"::VARCHAR = 'LoadTable'",
    ),
    mutant(
        "an event's source in any case",
        "COALESCE(UPPER(ah.event_source), '') <> 'HORIZON_IRC'",
        "COALESCE(ah.event_source, '') <> 'horizon_irc'",
    ),
    mutant(
        "a statement from before there was a source",
        "COALESCE(UPPER(ah.event_source), '') <> 'HORIZON_IRC'",
        "UPPER(ah.event_source) <> 'HORIZON_IRC'",
    ),
    mutant(
        "an event is not in QUERY_HISTORY",
        "WHERE query_roles.query_id IS NOT NULL
        OR mapped_reads.is_iceberg_event",
        "WHERE query_roles.query_id IS NOT NULL",
    ),
    mutant(
        "a query that has not arrived",
        "WHERE query_roles.query_id IS NOT NULL
        OR mapped_reads.is_iceberg_event",
        "WHERE TRUE",
    ),
    mutant(
        "coverage knows that an event never arrives",
        "WHEN accessed.is_iceberg_event THEN accessed.query_id",
        "WHEN accessed.is_iceberg_event THEN NULL",
    ),
    mutant(
        "coverage knows which queries are late",
        "WHEN accessed.is_iceberg_event THEN accessed.query_id -- QUERY_HISTORY never has it
            ELSE query_roles.query_id",
        "WHEN TRUE THEN accessed.query_id",
    ),
    // QUERY_HISTORY
    mutant(
        "not successful",
        "AND COALESCE(NULLIF(UPPER(qh.execution_status), ''), 'SUCCESS') = 'SUCCESS'",
        "",
    ),
    mutant(
        "a status in any case",
        "NULLIF(UPPER(qh.execution_status), '')",
        "NULLIF(qh.execution_status, '')",
    ),
    mutant("slack before the window", "? - 25200, 0", "?, 0"),
    mutant("slack after the window", "? + 25200, 0", "?, 0"),
    mutant("a query that has not arrived", "    INNER JOIN query_roles", "    LEFT JOIN query_roles"),
    mutant("a query that has not arrived", "    LEFT JOIN query_roles", "    JOIN query_roles"),
    // coverage
    mutant(
        "coverage names principals of mapped objects",
        "    AND tech_asset_id IS NOT NULL
    AND consumer_id IS NULL",
        "    AND consumer_id IS NULL",
    ),
    mutant("coverage names unmapped principals", "\n    AND consumer_id IS NULL", ""),
    mutant(
        "coverage names principals by counted domains",
        "    AND domain_kind = 'counted'
    AND tech_asset_id IS NOT NULL
    AND consumer_id IS NULL",
        "    AND tech_asset_id IS NOT NULL
    AND consumer_id IS NULL",
    ),
    mutant(
        "coverage names objects of mapped principals",
        "    AND tech_asset_id IS NULL
    AND consumer_id IS NOT NULL",
        "    AND tech_asset_id IS NULL",
    ),
    mutant("coverage names unmapped objects", "    AND tech_asset_id IS NULL\n", ""),
    mutant("coverage leaves objects of other domains unnamed", "    AND domain_kind <> 'other'\n", ""),
    mutant(
        "coverage says that names were cut off",
        "    AND domain_kind <> 'other'",
        "    AND domain_kind = 'counted'",
    ),
    mutant(
        "coverage names no object TRUNCATED",
        " = 'TRUNCATED' THEN NULL",
        " = 'TRUNCATED' THEN 'TRUNCATED'",
    ),
    mutant(
        "coverage names mapped objects of other domains",
        "    AND domain_kind = 'other'
    AND tech_asset_id IS NOT NULL",
        "    AND domain_kind = 'other'",
    ),
    mutant("coverage names other domains", "    AND domain_kind = 'other'\n", ""),
    mutant(
        "coverage names other domains of mapped principals",
        "    AND domain_kind = 'other'
    AND tech_asset_id IS NOT NULL
    AND consumer_id IS NOT NULL",
        "    AND domain_kind = 'other'
    AND tech_asset_id IS NOT NULL",
    ),
    mutant("coverage tells missing keys from a missing name", "    AND object_domain IS NULL\n", ""),
    mutant("coverage tells missing keys from a missing domain", "    AND object_name IS NULL\n", ""),
    mutant(
        "coverage tells missing keys to mapped principals alone",
        "    AND object_name IS NULL
    AND consumer_id IS NOT NULL",
        "    AND object_name IS NULL",
    ),
    mutant(
        "coverage leaves out failed queries",
        "\n        AND (query_roles.query_id IS NULL OR query_roles.execution_status = 'SUCCESS')",
        "",
    ),
    mutant(
        "coverage keeps what has not arrived",
        "query_roles.query_id IS NULL OR query_roles.execution_status",
        "query_roles.execution_status",
    ),
    mutant(
        "coverage counts late queries of mapped objects",
        "WHERE arrived_query_id IS NULL
    AND domain_kind = 'counted'
    AND tech_asset_id IS NOT NULL",
        "WHERE arrived_query_id IS NULL
    AND domain_kind = 'counted'",
    ),
    mutant(
        "coverage counts late queries of counted domains",
        "WHERE arrived_query_id IS NULL
    AND domain_kind = 'counted'",
        "WHERE arrived_query_id IS NULL",
    ),
    mutant(
        "coverage counts a principal's queries, not its reads",
        "    NULL::VARCHAR AS object_name,
    COUNT(DISTINCT query_id) AS query_count
FROM reads
WHERE arrived_query_id IS NOT NULL
    AND domain_kind = 'counted'",
        "    NULL::VARCHAR AS object_name,
    COUNT(query_id) AS query_count
FROM reads
WHERE arrived_query_id IS NOT NULL
    AND domain_kind = 'counted'",
    ),
    mutant(
        "coverage counts an object's queries, not its reads",
        "    NULL::VARCHAR AS object_domain,
    object_name,
    COUNT(DISTINCT query_id)",
        "    NULL::VARCHAR AS object_domain,
    object_name,
    COUNT(query_id)",
    ),
    mutant(
        "coverage counts a domain's queries, not its reads",
        "    object_domain,
    object_name,
    COUNT(DISTINCT query_id)",
        "    object_domain,
    object_name,
    COUNT(query_id)",
    ),
    mutant(
        "coverage counts late queries, not their reads",
        "COUNT(DISTINCT query_id) AS query_count
FROM reads
WHERE arrived_query_id IS NULL",
        "COUNT(query_id) AS query_count
FROM reads
WHERE arrived_query_id IS NULL",
    ),
];

enum Verdict {
    DoesNotApply,
    Survives,
    Killed,
}

/// Runs a mutant on each case until one notices.
fn judge(mutant: &Mutant, account: &Account, cases: &[Case]) -> Verdict {
    let mut verdict = Verdict::DoesNotApply;
    for case in cases {
        account.load(&case.log).unwrap();
        let agreed = case.disagreement(&case.aggregation(Mappings::Json), &mut |statement: &dyn Form| {
            let sql = statement.sql();
            match sql.matches(mutant.from).count() {
                0 => {}
                1 => verdict = Verdict::Survives,
                more => panic!("{}: {more} edits, not one\n{sql}", mutant.rule),
            }
            let wrong = sql.replace(mutant.from, mutant.to);
            let answer = account.run(&wrong, &statement.binds()).unwrap_or_else(|error| {
                panic!("{}: the edit makes no statement: {error}\n{wrong}", mutant.rule)
            });
            case::as_maps(&answer)
        });
        if agreed.is_err() {
            return Verdict::Killed;
        }
    }
    verdict
}

#[test]
fn the_logs_notice_every_wrong_statement() {
    let account = case::account();
    let mut cases = case::hand_made();
    cases.extend(case::random(60).into_iter().flat_map(|(_, cases)| cases));
    let mut failures = String::new();
    for mutant in MUTANTS {
        let failure = match judge(mutant, &account, &cases) {
            Verdict::Killed => continue,
            Verdict::Survives => "survives",
            Verdict::DoesNotApply => "does not apply",
        };
        failures += &format!("{} {failure}:\n- {}\n+ {}\n", mutant.rule, mutant.from, mutant.to);
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn every_rule_has_a_mutant() {
    let broken: BTreeSet<_> = MUTANTS.iter().map(|mutant| mutant.rule).collect();
    let missing: Vec<_> = RULES.iter().filter(|rule| !broken.contains(*rule)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
