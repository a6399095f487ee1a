//! What is left out for want of a mapping, and what has not arrived yet.

use serde::{Deserialize, Serialize};

use super::statement::{ScriptWriter, SnowflakeStatement};
use crate::error::shown;
use crate::usage::UsageBatch;

/// What the counts of some days leave out.
///
/// The lists name what would count if one more name were mapped (principals that read mapped objects, and
/// objects that mapped principals read) or if one more domain counted. They leave out excluded users and
/// queries that have not arrived, and are in the order of the counts, largest first, then of the names.
/// Numbers are of distinct queries, whatever the counted unit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub struct CoverageReport {
    /// Users with their roles, neither of them mapped, that read mapped objects.
    pub unmapped_principals: Vec<UncountedPrincipal>,
    /// Unmapped objects of domains that count, read by mapped principals.
    pub unmapped_objects: Vec<UncountedObject>,
    /// Mapped objects of domains that do not count, read by mapped principals.
    pub uncounted_domains: Vec<UncountedDomain>,
    /// Queries of mapped principals that list something with neither `objectDomain` nor `objectName`, as in a
    /// copy of the view that spells the keys differently.
    pub objects_without_keys: u64,
    /// Queries on mapped objects that `QUERY_HISTORY` does not have yet.
    ///
    /// Where a role is mapped they do not count until it does; otherwise counting does not ask it.
    pub not_in_query_history: u64,
}

/// A user with a role, neither of which is mapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub struct UncountedPrincipal {
    /// The user, as Snowflake stores the name.
    pub user_name: Option<String>,
    /// The role, as Snowflake stores the name.
    pub role_name: Option<String>,
    /// Queries left out for it.
    pub query_count: u64,
}

/// An object that is not mapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub struct UncountedObject {
    /// The name as Snowflake prints it; `None` where `ACCESS_HISTORY` gives none or has cut it off.
    pub object_name: Option<String>,
    /// Queries that read it.
    pub query_count: u64,
}

/// A mapped object whose domain does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub struct UncountedDomain {
    /// The domain in upper case; `None` where `ACCESS_HISTORY` gives none.
    pub object_domain: Option<String>,
    /// The name as Snowflake prints it.
    pub object_name: String,
    /// Queries that read it.
    pub query_count: u64,
}

const RESULT: &str = "result";
const USER: &str = "user_name";
const ROLE: &str = "role_name";
const DOMAIN: &str = "object_domain";
const OBJECT: &str = "object_name";
const COUNT: &str = "query_count";

/// One reason a result, from the accesses that are not counted.
const SELECT: &str = "SELECT\n    \
             'unmapped_principal' AS result,\n    \
             user_name,\n    \
             role_name,\n    \
             NULL::VARCHAR AS object_domain,\n    \
             NULL::VARCHAR AS object_name,\n    \
             COUNT(DISTINCT query_id) AS query_count\n\
         FROM reads\n\
         WHERE arrived_query_id IS NOT NULL\n    \
             AND domain_kind = 'counted'\n    \
             AND tech_asset_id IS NOT NULL\n    \
             AND consumer_id IS NULL\n\
         GROUP BY user_name, role_name\n\
         UNION ALL\n\
         SELECT\n    \
             'unmapped_object' AS result,\n    \
             NULL::VARCHAR AS user_name,\n    \
             NULL::VARCHAR AS role_name,\n    \
             NULL::VARCHAR AS object_domain,\n    \
             object_name,\n    \
             COUNT(DISTINCT query_id) AS query_count\n\
         FROM reads\n\
         WHERE arrived_query_id IS NOT NULL\n    \
             AND domain_kind <> 'other'\n    \
             AND tech_asset_id IS NULL\n    \
             AND consumer_id IS NOT NULL\n\
         GROUP BY object_name\n\
         UNION ALL\n\
         SELECT\n    \
             'uncounted_domain' AS result,\n    \
             NULL::VARCHAR AS user_name,\n    \
             NULL::VARCHAR AS role_name,\n    \
             object_domain,\n    \
             object_name,\n    \
             COUNT(DISTINCT query_id) AS query_count\n\
         FROM reads\n\
         WHERE arrived_query_id IS NOT NULL\n    \
             AND domain_kind = 'other'\n    \
             AND tech_asset_id IS NOT NULL\n    \
             AND consumer_id IS NOT NULL\n\
         GROUP BY object_domain, object_name\n\
         UNION ALL\n\
         SELECT\n    \
             'without_keys' AS result,\n    \
             NULL::VARCHAR AS user_name,\n    \
             NULL::VARCHAR AS role_name,\n    \
             NULL::VARCHAR AS object_domain,\n    \
             NULL::VARCHAR AS object_name,\n    \
             COUNT(DISTINCT query_id) AS query_count\n\
         FROM reads\n\
         WHERE arrived_query_id IS NOT NULL\n    \
             AND object_domain IS NULL\n    \
             AND object_name IS NULL\n    \
             AND consumer_id IS NOT NULL\n\
         UNION ALL\n\
         SELECT\n    \
             'not_in_query_history' AS result,\n    \
             NULL::VARCHAR AS user_name,\n    \
             NULL::VARCHAR AS role_name,\n    \
             NULL::VARCHAR AS object_domain,\n    \
             NULL::VARCHAR AS object_name,\n    \
             COUNT(DISTINCT query_id) AS query_count\n\
         FROM reads\n\
         WHERE arrived_query_id IS NULL\n    \
             AND domain_kind = 'counted'\n    \
             AND tech_asset_id IS NOT NULL\n\
         ORDER BY\n    \
             result ASC,\n    \
             query_count DESC,\n    \
             user_name ASC NULLS FIRST,\n    \
             role_name ASC NULLS FIRST,\n    \
             object_domain ASC NULLS FIRST,\n    \
             object_name ASC NULLS FIRST";

pub(super) fn statement(mut sql: ScriptWriter, empty: UsageBatch) -> SnowflakeStatement<CoverageReport> {
    sql.text(SELECT);
    sql.into_statement(empty, &[RESULT, USER, ROLE, DOMAIN, OBJECT, COUNT], |_, rows| {
        let mut coverage = CoverageReport::default();
        rows.each(|row| {
            let query_count = row.count(COUNT)?;
            let name = |column| row.text_or_null(column).map(|name| name.map(str::to_owned));
            match row.text(RESULT)? {
                "unmapped_principal" => coverage.unmapped_principals.push(UncountedPrincipal {
                    user_name: name(USER)?,
                    role_name: name(ROLE)?,
                    query_count,
                }),
                "unmapped_object" => coverage
                    .unmapped_objects
                    .push(UncountedObject { object_name: name(OBJECT)?, query_count }),
                "uncounted_domain" => coverage.uncounted_domains.push(UncountedDomain {
                    object_domain: name(DOMAIN)?,
                    object_name: row.text(OBJECT)?.to_owned(),
                    query_count,
                }),
                "without_keys" => coverage.objects_without_keys = query_count,
                "not_in_query_history" => coverage.not_in_query_history = query_count,
                other => return Err(row.refuse(RESULT, format!("is no result: {:?}", shown(other)))),
            }
            Ok(())
        })?;
        Ok(coverage)
    })
}
