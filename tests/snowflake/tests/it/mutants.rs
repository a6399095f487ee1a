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
    mutant("a pair counts once", "COUNT(DISTINCT one.usage_unit)", "COUNT(one.usage_unit)"),
    mutant(
        "the unit is the statement",
        "ah.query_id AS usage_unit",
        "COALESCE(ah.root_query_id, ah.query_id) AS usage_unit",
    ),
    mutant(
        "a root query with two statements",
        "COALESCE(ah.root_query_id, ah.query_id) AS usage_unit",
        "ah.query_id AS usage_unit",
    ),
    mutant(
        "a root query is its own root",
        "COALESCE(ah.root_query_id, ah.query_id) AS usage_unit",
        "ah.root_query_id AS usage_unit",
    ),
    // combinations
    mutant(
        "two ports combined",
        "other.output_port_id > one.output_port_id",
        "other.output_port_id <> one.output_port_id",
    ),
    mutant(
        "a pair is of two ports",
        "other.output_port_id > one.output_port_id",
        "other.output_port_id >= one.output_port_id",
    ),
    mutant("one asset behind two ports", "AND other.tech_asset_id <> one.tech_asset_id", ""),
    mutant("a root query over two days", "other.usage_date = one.usage_date\n    AND", ""),
    mutant("a pair is of one consumer", "AND other.consumer_id = one.consumer_id", ""),
    mutant("a pair is of one unit", "AND other.usage_unit = one.usage_unit", ""),
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
    mutant("another domain", "UPPER(obj.value:\"objectDomain\"::VARCHAR) IN (", "'TABLE' IN ('TABLE', "),
    mutant(
        "domains in any case",
        "UPPER(obj.value:\"objectDomain\"::VARCHAR)",
        "obj.value:\"objectDomain\"::VARCHAR",
    ),
    mutant("the JSON key's case", "obj.value:\"objectName\"", "obj.value:\"objectname\""),
    mutant(
        "no object name",
        "JOIN object_map\n        ON object_map.object_name = reads.object_name",
        "LEFT JOIN object_map\n        ON object_map.object_name = reads.object_name",
    ),
    mutant(
        "object names keep their case",
        "object_map.object_name = reads.object_name",
        "UPPER(object_map.object_name) = UPPER(reads.object_name)",
    ),
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
        "by_user.principal_name = accessed.user_name",
        "by_user.principal_name = UPPER(accessed.user_name)",
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
        "ON producer.output_port_id = object_map.output_port_id\n        AND",
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
        "the first instant of the window",
        "ah.query_start_time >= TO_TIMESTAMP_LTZ(?, 0)",
        "ah.query_start_time > TO_TIMESTAMP_LTZ(?, 0)",
    ),
    mutant(
        "bounds are in seconds",
        "ah.query_start_time < TO_TIMESTAMP_LTZ(?, 0)",
        "ah.query_start_time < TO_TIMESTAMP_LTZ(?, 3)",
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
    // QUERY_HISTORY
    mutant("not successful", "AND UPPER(qh.execution_status) = 'SUCCESS'", ""),
    mutant(
        "a status in any case",
        "UPPER(qh.execution_status) = 'SUCCESS'",
        "qh.execution_status = 'SUCCESS'",
    ),
    mutant("a status in any case", "UPPER(qh.execution_status) AS", "qh.execution_status AS"),
    mutant("slack before the window", "? - 3600, 0", "?, 0"),
    mutant("slack after the window", "? + 3600, 0", "?, 0"),
    mutant("a query that has not arrived", "    JOIN queries", "    LEFT JOIN queries"),
    mutant("a query that has not arrived", "    LEFT JOIN queries", "    JOIN queries"),
    // coverage
    mutant(
        "coverage names principals of mapped objects",
        "AND tech_asset_id IS NOT NULL\n    AND consumer_id IS NULL",
        "AND consumer_id IS NULL",
    ),
    mutant("coverage names unmapped principals", "\n    AND consumer_id IS NULL", ""),
    mutant("coverage names objects of mapped principals", "\n    AND consumer_id IS NOT NULL", ""),
    mutant("coverage names unmapped objects", "AND tech_asset_id IS NULL\n", ""),
    mutant(
        "coverage leaves out failed queries",
        "\n        AND (queries.query_id IS NULL OR queries.execution_status = 'SUCCESS')",
        "",
    ),
    mutant(
        "coverage keeps what has not arrived",
        "queries.query_id IS NULL OR queries.execution_status",
        "queries.execution_status",
    ),
    mutant(
        "coverage counts late queries of mapped objects",
        "WHERE arrived_query_id IS NULL\n    AND tech_asset_id IS NOT NULL",
        "WHERE arrived_query_id IS NULL",
    ),
    mutant(
        "coverage counts a principal's queries, not its reads",
        "NULL::VARCHAR AS object_name,
    COUNT(DISTINCT query_id) AS query_count
FROM reads
WHERE arrived_query_id IS NOT NULL",
        "NULL::VARCHAR AS object_name,
    COUNT(query_id) AS query_count
FROM reads
WHERE arrived_query_id IS NOT NULL",
    ),
    mutant(
        "coverage counts an object's queries, not its reads",
        "    object_name,
    COUNT(DISTINCT query_id)",
        "    object_name,
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
