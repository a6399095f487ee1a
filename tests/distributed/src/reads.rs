//! Every read of the library's own list, for several ids and days.

use std::collections::BTreeSet;

use anyhow::Result;
use chrono::Days;
use output_port_usage::{Distribution, Purge, Scope, Statement, UsageModel, Values};
use sea_query::Value;
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use crate::facts::{Size, State, Tables, batch, consumer, port};
use crate::side::Sides;

/// How often a read is timed; what is shown is the median.
const ROUNDS: usize = 7;

pub(crate) async fn run(sides: &mut Sides, model: &UsageModel, readings: u32) -> Result<()> {
    let (mut equal, mut empty) = (0, 0);
    println!("\n| read | tasks | plain ms | distributed ms | ratio |\n| --- | --- | --- | --- | --- |");
    let (mut one_task, mut ratios) = (0, Vec::new());
    let reads = reads(model)?;
    for (title, statement) in &reads {
        for reading in 0..readings {
            let values = moved(&statement.values(), reading);
            match sides.rows(title, statement.sql(), &values).await {
                Ok(answer) => {
                    let same = sides.compare_rows(&format!("{title}, reading {reading}"), &answer.of);
                    equal += usize::from(same);
                    empty += usize::from(answer.of[0].is_empty());
                }
                Err(error) => {
                    sides.failed(&format!("{title}, reading {reading}"), &error);
                    break;
                }
            }
        }
        let Ok(took) = timed(sides, title, statement).await else { continue };
        let tasks = tasks(sides, statement).await?;
        one_task += usize::from(tasks == Some(1));
        ratios.push(took[1] / took[0]);
        let tasks = tasks.map_or("–".to_owned(), |tasks| tasks.to_string());
        println!("| {title} | {tasks} | {:.2} | {:.2} | {:.1} |", took[0], took[1], took[1] / took[0]);
    }
    ratios.sort_by(f64::total_cmp);
    println!("\n{equal} readings of {} reads are equal; {empty} of them have no rows.", reads.len());
    println!("{one_task} reads are one task. The median ratio is {:.1}.", ratios[ratios.len() / 2]);
    Ok(())
}

/// What is in the list and neither a definition nor a part of a write; the catalogs differ by intention.
fn reads(model: &UsageModel) -> Result<Vec<(String, Statement)>> {
    let size = Size { ports: 3, days: 60 };
    let scope = Scope::new(size.last(1), [port(1)])?;
    let facts = batch(size, &scope, State::First, Tables::All);
    let others = [
        vec![model.create_schema(), model.check(size.days().end).query().into_statement()],
        model.create_tables(),
        model.create_ways_to_read_concurrently(),
        model.drop_tables(),
        model.vacuum(),
        model.drop_foreign_keys(),
        model.add_foreign_keys(),
        model.distribute(Distribution::Citus),
        model.distribute(Distribution::TimescaleDb),
        model.replace(&facts)?.statements(),
        model.backfill(scope.clone())?.statements(),
        model.backfill(scope.clone())?.replace_existing().statements(),
        model.declare_measured(&scope)?.statements(),
        model.delete(port(1), consumer(1), size.days().start)?.statements(),
        model.purge(&Purge::before(size.days().start))?.statements(),
    ];
    let others: BTreeSet<String> = others.iter().flatten().map(|other| other.title().to_owned()).collect();
    Ok(model.statements().into_iter().filter(|(title, _)| !others.contains(title)).collect())
}

/// Other ids and days: each id is the next one, and days are some days later.
fn moved(values: &Values, reading: u32) -> Values {
    Values(values.0.iter().map(|value| moved_value(value, reading)).collect())
}

fn moved_value(value: &Value, reading: u32) -> Value {
    match value {
        Value::Uuid(Some(id)) => Uuid::from_u128(id.as_u128() + u128::from(reading)).into(),
        Value::ChronoDate(Some(day)) => (*day + Days::new(u64::from(reading))).into(),
        Value::Array(of, Some(values)) => {
            let values = values.iter().map(|value| moved_value(value, reading)).collect();
            Value::Array(of.clone(), Some(Box::new(values)))
        }
        other => other.clone(),
    }
}

/// The median milliseconds on both sides, in turns.
async fn timed(sides: &mut Sides, title: &str, statement: &Statement) -> Result<[f64; 2]> {
    let (values, mut took) = (statement.values(), [Vec::new(), Vec::new()]);
    for _ in 0..ROUNDS {
        let answer = sides.rows(title, statement.sql(), &values).await?;
        took.iter_mut().zip(answer.took).for_each(|(all, one)| all.push(one));
    }
    Ok(took.map(|mut all| {
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    }))
}

/// How many tasks Citus makes of a read, those of its parts included.
async fn tasks(sides: &mut Sides, statement: &Statement) -> Result<Option<u64>> {
    if sides.distribution != Distribution::Citus {
        return Ok(None);
    }
    let explain = format!("EXPLAIN (COSTS OFF) {statement}");
    let lines = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut sides.both[1]).await?;
    let counted = lines.iter().filter_map(|line| {
        let line: String = line.try_get(0).ok()?;
        line.trim().strip_prefix("Task Count: ")?.parse::<u64>().ok()
    });
    Ok(Some(counted.sum()))
}
