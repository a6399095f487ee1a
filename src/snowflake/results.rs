//! The counts of a statement, and how its rows become a batch.

use super::prelude::Overlap;
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

pub(super) fn output_port_queries(
    mut sql: ScriptWriter,
    empty: UsageBatch,
) -> SnowflakeStatement<UsageBatch> {
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
    sql.into_statement(empty, &[DATE, OUTPUT_PORT, CONSUMER, COUNT], |empty, rows| {
        let queries = collect(rows, |row| queries(row, empty.scope()))?;
        Ok(empty.into_builder().queries(queries).build())
    })
}

pub(super) fn tech_asset_touches(
    mut sql: ScriptWriter,
    empty: UsageBatch,
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
    sql.into_statement(empty, &[DATE, OUTPUT_PORT, TECH_ASSET, CONSUMER, COUNT], |empty, rows| {
        collect(rows, |row| touches(row, empty.scope()))
    })
}

pub(super) fn combinations(
    mut sql: ScriptWriter,
    overlap: Overlap,
    empty: UsageBatch,
) -> SnowflakeStatement<Vec<Combination>> {
    sql.text(
        "SELECT\n    \
             first_touch.usage_date,\n    \
             first_touch.output_port_id AS output_port_id_1,\n    \
             second_touch.output_port_id AS output_port_id_2,\n    \
             first_touch.consumer_id,\n    \
             COUNT(DISTINCT first_touch.usage_unit) AS query_count\n",
    );
    write_pairs(&mut sql, overlap);
    sql.text(
        "GROUP BY first_touch.usage_date, first_touch.output_port_id, second_touch.output_port_id, first_touch.consumer_id\n\
         ORDER BY first_touch.usage_date, first_touch.output_port_id, second_touch.output_port_id, first_touch.consumer_id",
    );
    sql.into_statement(empty, &[DATE, OUTPUT_PORT_1, OUTPUT_PORT_2, CONSUMER, COUNT], |empty, rows| {
        collect(rows, |row| combination(row, OUTPUT_PORT_1, empty.scope()))
    })
}

/// Writes where the combinations come from: two touches of one unit each.
fn write_pairs(sql: &mut ScriptWriter, overlap: Overlap) {
    sql.text(
        "FROM touches AS first_touch\n\
         INNER JOIN touches AS second_touch\n    \
             ON second_touch.usage_date = first_touch.usage_date\n    \
             AND second_touch.consumer_id = first_touch.consumer_id\n    \
             AND second_touch.usage_unit = first_touch.usage_unit\n    \
             AND second_touch.output_port_id > first_touch.output_port_id -- each pair once\n    \
             AND second_touch.tech_asset_id <> first_touch.tech_asset_id -- one shared asset combines nothing\n",
    );
    if overlap == Overlap::Possible {
        sql.text(
            "    AND ( -- nor does one object that is in both assets\n        \
                     second_touch.first_object <> first_touch.last_object\n        \
                     OR second_touch.last_object <> first_touch.first_object\n    \
                 )\n",
        );
    }
}

pub(super) fn usage(
    mut sql: ScriptWriter,
    overlap: Overlap,
    empty: UsageBatch,
) -> SnowflakeStatement<UsageBatch> {
    sql.text(
        "SELECT -- three results of one set of touches, which cannot contradict each other\n    \
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
             first_touch.usage_date,\n    \
             first_touch.output_port_id,\n    \
             second_touch.output_port_id AS output_port_id_2,\n    \
             NULL::VARCHAR AS tech_asset_id,\n    \
             first_touch.consumer_id,\n    \
             COUNT(DISTINCT first_touch.usage_unit) AS query_count\n",
    );
    write_pairs(&mut sql, overlap);
    sql.text(
        "GROUP BY first_touch.usage_date, first_touch.output_port_id, second_touch.output_port_id, first_touch.consumer_id\n\
         ORDER BY result, usage_date, output_port_id, output_port_id_2, tech_asset_id, consumer_id",
    );
    let columns = &[RESULT, DATE, OUTPUT_PORT, OUTPUT_PORT_2, TECH_ASSET, CONSUMER, COUNT];
    sql.into_statement(empty, columns, |empty, rows| {
        let (mut all_queries, mut all_touches, mut all_combinations) = (Vec::new(), Vec::new(), Vec::new());
        rows.each(|row| {
            match row.text(RESULT)? {
                "output_port_queries" => all_queries.push(queries(row, empty.scope())?),
                "tech_asset_touches" => all_touches.push(touches(row, empty.scope())?),
                "combinations" => all_combinations.push(combination(row, OUTPUT_PORT, empty.scope())?),
                other => return Err(row.refuse(RESULT, format!("is no result: {:?}", shown(other)))),
            }
            Ok(())
        })?;
        Ok(empty
            .into_builder()
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
    Ok(OutputPortQueries::new(
        row.date(DATE, scope)?,
        row.output_port(OUTPUT_PORT, scope)?,
        ConsumerId(row.uuid(CONSUMER)?),
        row.count(COUNT)?,
    ))
}

fn touches(row: &ResultColumns<'_>, scope: &Scope) -> Result<TechAssetTouches, Error> {
    Ok(TechAssetTouches::new(
        row.date(DATE, scope)?,
        row.output_port(OUTPUT_PORT, scope)?,
        TechAssetId(row.uuid(TECH_ASSET)?),
        ConsumerId(row.uuid(CONSUMER)?),
        row.count(COUNT)?,
    ))
}

/// The first output port's column bears two names: `usage` shares it with the other results.
fn combination(
    row: &ResultColumns<'_>,
    output_port_1: &'static str,
    scope: &Scope,
) -> Result<Combination, Error> {
    Ok(Combination::new(
        row.date(DATE, scope)?,
        row.output_port(output_port_1, scope)?,
        row.output_port(OUTPUT_PORT_2, scope)?,
        ConsumerId(row.uuid(CONSUMER)?),
        row.count(COUNT)?,
    ))
}
