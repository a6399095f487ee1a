//! The counts of a statement, and how its rows become a batch.

use super::row::{ResultColumns, ResultRows};
use super::statement::{ScriptWriter, SnowflakeStatement};
use crate::error::{Error, shown};
use crate::id::{ConsumerId, TechAssetId};
use crate::usage::{Combination, OutputPortQueries, Scope, TechAssetTouches, UsageBatch};

const DATE: &str = "usage_date";
const OUTPUT_PORT: &str = "output_port_id";
const OUTPUT_PORT_1: &str = "output_port_id_1";
const OUTPUT_PORT_2: &str = "output_port_id_2";
const TECH_ASSET: &str = "tech_asset_id";
const CONSUMER: &str = "consumer_id";
const COUNT: &str = "query_count";
const RESULT: &str = "result";

pub(super) fn output_port_queries(mut sql: ScriptWriter, scope: Scope) -> SnowflakeStatement<UsageBatch> {
    sql.text(
        "SELECT\n    \
             usage_date,\n    \
             output_port_id,\n    \
             consumer_id,\n    \
             COUNT(DISTINCT usage_unit) AS query_count -- once, however many assets it joins\n\
         FROM touches\n\
         GROUP BY usage_date, output_port_id, consumer_id\n\
         ORDER BY usage_date, output_port_id, consumer_id",
    );
    sql.into_statement(scope, &[DATE, OUTPUT_PORT, CONSUMER, COUNT], |scope, rows| {
        let queries = collect(rows, |row| queries(row, &scope))?;
        Ok(UsageBatch::builder(scope).queries(queries).build())
    })
}

pub(super) fn tech_asset_touches(
    mut sql: ScriptWriter,
    scope: Scope,
) -> SnowflakeStatement<Vec<TechAssetTouches>> {
    sql.text(
        "SELECT\n    \
             usage_date,\n    \
             output_port_id,\n    \
             tech_asset_id,\n    \
             consumer_id,\n    \
             COUNT(*) AS query_count\n\
         FROM touches\n\
         GROUP BY usage_date, output_port_id, tech_asset_id, consumer_id\n\
         ORDER BY usage_date, output_port_id, tech_asset_id, consumer_id",
    );
    sql.into_statement(scope, &[DATE, OUTPUT_PORT, TECH_ASSET, CONSUMER, COUNT], |scope, rows| {
        collect(rows, |row| touches(row, &scope))
    })
}

pub(super) fn combinations(mut sql: ScriptWriter, scope: Scope) -> SnowflakeStatement<Vec<Combination>> {
    sql.text(
        "SELECT\n    \
             one.usage_date,\n    \
             one.output_port_id AS output_port_id_1,\n    \
             other.output_port_id AS output_port_id_2,\n    \
             one.consumer_id,\n    \
             COUNT(DISTINCT one.usage_unit) AS query_count\n",
    );
    sql.text(PAIRS).text(
        "GROUP BY one.usage_date, one.output_port_id, other.output_port_id, one.consumer_id\n\
         ORDER BY one.usage_date, one.output_port_id, other.output_port_id, one.consumer_id",
    );
    sql.into_statement(scope, &[DATE, OUTPUT_PORT_1, OUTPUT_PORT_2, CONSUMER, COUNT], |scope, rows| {
        collect(rows, |row| combination(row, OUTPUT_PORT_1, &scope))
    })
}

/// Two touches of one unit that make a combination.
const PAIRS: &str = "FROM touches AS one\n\
     JOIN touches AS other\n    \
         ON other.usage_date = one.usage_date\n    \
         AND other.consumer_id = one.consumer_id\n    \
         AND other.usage_unit = one.usage_unit\n    \
         AND other.output_port_id > one.output_port_id -- each pair once\n    \
         AND other.tech_asset_id <> one.tech_asset_id -- one shared asset combines nothing\n";

pub(super) fn usage(mut sql: ScriptWriter, scope: Scope) -> SnowflakeStatement<UsageBatch> {
    sql.text(
        "SELECT -- three results, so that the views are read once\n    \
             'output_port_queries' AS result,\n    \
             usage_date,\n    \
             output_port_id,\n    \
             NULL::VARCHAR AS output_port_id_2,\n    \
             NULL::VARCHAR AS tech_asset_id,\n    \
             consumer_id,\n    \
             COUNT(DISTINCT usage_unit) AS query_count -- once, however many assets it joins\n\
         FROM touches\n\
         GROUP BY usage_date, output_port_id, consumer_id\n\
         UNION ALL\n\
         SELECT\n    \
             'tech_asset_touches' AS result,\n    \
             usage_date,\n    \
             output_port_id,\n    \
             NULL::VARCHAR AS output_port_id_2,\n    \
             tech_asset_id,\n    \
             consumer_id,\n    \
             COUNT(*) AS query_count\n\
         FROM touches\n\
         GROUP BY usage_date, output_port_id, tech_asset_id, consumer_id\n\
         UNION ALL\n\
         SELECT\n    \
             'combinations' AS result,\n    \
             one.usage_date,\n    \
             one.output_port_id,\n    \
             other.output_port_id AS output_port_id_2,\n    \
             NULL::VARCHAR AS tech_asset_id,\n    \
             one.consumer_id,\n    \
             COUNT(DISTINCT one.usage_unit) AS query_count\n",
    );
    sql.text(PAIRS).text(
        "GROUP BY one.usage_date, one.output_port_id, other.output_port_id, one.consumer_id\n\
         ORDER BY result, usage_date, output_port_id, output_port_id_2, tech_asset_id, consumer_id",
    );
    let columns = &[RESULT, DATE, OUTPUT_PORT, OUTPUT_PORT_2, TECH_ASSET, CONSUMER, COUNT];
    sql.into_statement(scope, columns, |scope, rows| {
        let (mut all_queries, mut all_touches, mut all_combinations) = (Vec::new(), Vec::new(), Vec::new());
        rows.each(|row| {
            match row.text(RESULT)? {
                "output_port_queries" => all_queries.push(queries(row, &scope)?),
                "tech_asset_touches" => all_touches.push(touches(row, &scope)?),
                "combinations" => all_combinations.push(combination(row, OUTPUT_PORT, &scope)?),
                other => return Err(row.refuse(RESULT, format!("is no result: {:?}", shown(other)))),
            }
            Ok(())
        })?;
        Ok(UsageBatch::builder(scope)
            .queries(all_queries)
            .touches(all_touches)
            .combinations(all_combinations)
            .build())
    })
}

fn collect<T>(
    rows: ResultRows<'_>,
    read: impl Fn(&ResultColumns<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut all = Vec::new();
    rows.each(|row| {
        all.push(read(row)?);
        Ok(())
    })?;
    Ok(all)
}

fn queries(row: &ResultColumns<'_>, scope: &Scope) -> Result<OutputPortQueries, Error> {
    Ok(OutputPortQueries {
        date: row.date(DATE, scope)?,
        output_port_id: row.output_port(OUTPUT_PORT, scope)?,
        consumer_id: ConsumerId(row.uuid(CONSUMER)?),
        query_count: row.count(COUNT)?,
    })
}

fn touches(row: &ResultColumns<'_>, scope: &Scope) -> Result<TechAssetTouches, Error> {
    Ok(TechAssetTouches {
        date: row.date(DATE, scope)?,
        output_port_id: row.output_port(OUTPUT_PORT, scope)?,
        tech_asset_id: TechAssetId(row.uuid(TECH_ASSET)?),
        consumer_id: ConsumerId(row.uuid(CONSUMER)?),
        query_count: row.count(COUNT)?,
    })
}

/// The first output port's column bears two names: `usage` shares it with the other results.
fn combination(
    row: &ResultColumns<'_>,
    output_port_1: &'static str,
    scope: &Scope,
) -> Result<Combination, Error> {
    Ok(Combination {
        date: row.date(DATE, scope)?,
        output_port_id_1: row.output_port(output_port_1, scope)?,
        output_port_id_2: row.output_port(OUTPUT_PORT_2, scope)?,
        consumer_id: ConsumerId(row.uuid(CONSUMER)?),
        query_count: row.count(COUNT)?,
    })
}
