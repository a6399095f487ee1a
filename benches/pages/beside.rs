//! A chart beside its floor.

use std::time::Instant;

use anyhow::{Result, ensure};
use output_port_usage::{Chart, SqlxValues, UsageModel, Values};
use sqlx::postgres::PgConnection;
use sqlx::types::{Json, JsonValue};
use sqlx::{AssertSqlSafe, Row};

/// Rounds of each, after as many to warm up as a driver makes before it may keep a plan for any values.
const ROUNDS: usize = 41;
const WARM_UP: usize = 6;
/// Rounds of what reads whole tables.
const FEW_ROUNDS: usize = 5;

/// What a chart cannot be faster than.
pub(crate) struct Floor {
    pub(crate) sql: String,
    pub(crate) values: Vec<sea_query::Value>,
}

/// The goal: so many times the floor, and so many milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Goal(pub(crate) f64, pub(crate) f64);

/// Medians.
struct Times {
    ours: f64,
    floor: f64,
    ratio: f64,
    is_met: bool,
}

pub(crate) struct Beside {
    pub(crate) model: UsageModel,
    pub(crate) to: PgConnection,
}

impl Beside {
    pub(crate) fn head(&self, of: &str) {
        println!("\n| {of} | ms | floor, ms | ratio | any values, ms | ratio | buffers | floor | goal |");
        println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |");
    }

    /// Both kinds of plans: that which the server chooses, and that for any values.
    pub(crate) async fn row<C: Chart>(
        &mut self,
        what: &str,
        chart: &C,
        floor: &Floor,
        goal: Option<Goal>,
    ) -> Result<()> {
        let Some(goal) = goal else { return self.cost(what, chart).await };
        let chosen = self.times(what, chart, floor, goal).await?;
        sqlx::raw_sql("SET plan_cache_mode = force_generic_plan").execute(&mut self.to).await?;
        let any = self.times(what, chart, floor, goal).await?;
        sqlx::raw_sql("RESET plan_cache_mode").execute(&mut self.to).await?;
        let (sql, values) = self.model.query(chart)?.into_parts();
        let buffers = self.buffers(&sql, values).await?;
        let floor_buffers = self.buffers(&floor.sql, Values(floor.values.clone())).await?;
        let goal = if chosen.is_met && any.is_met { "met" } else { "**missed**" };
        println!(
            "| {what} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {buffers} | {floor_buffers} | {goal} |",
            chosen.ours, chosen.floor, chosen.ratio, any.ours, any.ratio
        );
        Ok(())
    }

    /// A chart without a floor, because the floor would be the key that is not there.
    async fn cost<C: Chart>(&mut self, what: &str, chart: &C) -> Result<()> {
        let mut times = Vec::new();
        for _ in 0..FEW_ROUNDS {
            let query = self.model.query(chart)?;
            let start = Instant::now();
            ensure!(
                !query.into_sqlx().persistent(true).fetch_all(&mut self.to).await?.is_empty(),
                "{what}: no rows"
            );
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        let (sql, values) = self.model.query(chart)?.into_parts();
        let buffers = self.buffers(&sql, values).await?;
        println!("| {what} | {:.1} | – | – | – | – | {buffers} | – | – |", median(times));
        Ok(())
    }

    async fn times<C: Chart>(
        &mut self,
        what: &str,
        chart: &C,
        floor: &Floor,
        Goal(most, more): Goal,
    ) -> Result<Times> {
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..WARM_UP + ROUNDS {
            for place in 0..2 {
                // neither is always right after the other
                let is_ours = (place == 0) == (round % 2 == 0);
                let query = self.model.query(chart)?;
                let values = SqlxValues(Values(floor.values.clone()));
                let floor = sqlx::query_with(AssertSqlSafe(floor.sql.clone()), values);
                let start = Instant::now();
                let rows = match is_ours {
                    true => query.into_sqlx().persistent(true).fetch_all(&mut self.to).await?.len(),
                    false => floor.fetch_all(&mut self.to).await?.len(),
                };
                let time = start.elapsed().as_secs_f64() * 1e3;
                ensure!(rows > 0, "{what}: no rows");
                if round >= WARM_UP {
                    times[usize::from(!is_ours)].push(time);
                }
            }
        }
        // round by round, because what else the machine does changes from one to the next
        let pairs = || times[0].iter().zip(&times[1]);
        let ratio = median(pairs().map(|(ours, floor)| ours / floor).collect());
        let is_met = median(pairs().map(|(ours, floor)| ours - most * floor).collect()) <= more;
        let [ours, floor] = times.map(median);
        Ok(Times { ours, floor, ratio, is_met })
    }

    /// Every buffer of an execution, hit or read; of the second, because the first also reads catalogs.
    async fn buffers(&mut self, sql: &str, values: Values) -> Result<u64> {
        let mut buffers = 0;
        for _ in 0..2 {
            let sql = AssertSqlSafe(format!("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {sql}"));
            let query = sqlx::query_with(sql, SqlxValues(values.clone())).persistent(false);
            let plan: Json<JsonValue> = query.fetch_one(&mut self.to).await?.try_get(0)?;
            let number = |key: &str| plan[0]["Plan"][key].as_u64().unwrap_or(0);
            buffers = number("Shared Hit Blocks") + number("Shared Read Blocks");
        }
        Ok(buffers)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
