//! Buffers, heap fetches and temporary blocks of a statement, from EXPLAIN.

use anyhow::{Context, Result};
use output_port_usage::{SqlxValues, Values};
use sqlx::postgres::PgConnection;
use sqlx::types::{Json, JsonValue};
use sqlx::{AssertSqlSafe, Row};

use crate::baselines::Way;
use crate::measure::Spread;
use crate::request::Request;

/// Runs of a statement after the first.
const TURNS: usize = 7;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Every buffer of the execution, hit or read.
    pub(crate) buffers: u64,
    /// Those of them that scans of the library's tables take; the others are of labels.
    pub(crate) of_facts: u64,
    pub(crate) heap_fetches: u64,
    pub(crate) temp_blocks: u64,
    /// Milliseconds of the server: planning is not in them, nor are the network and the driver.
    pub(crate) execution: f64,
}

impl Cost {
    fn read(explained: &JsonValue) -> Self {
        let plan = &explained["Plan"];
        let number = |node: &JsonValue, key: &str| node[key].as_u64().unwrap_or(0);
        let buffers = |node| number(node, "Shared Hit Blocks") + number(node, "Shared Read Blocks");
        let temp_blocks = number(plan, "Temp Read Blocks") + number(plan, "Temp Written Blocks");
        let execution = explained["Execution Time"].as_f64().unwrap_or(0.0);
        let mut cost = Cost { buffers: buffers(plan), temp_blocks, execution, ..Cost::default() };
        let mut open = vec![plan];
        while let Some(node) = open.pop() {
            if node["Relation Name"].as_str().is_some_and(|relation| relation.ends_with("_daily")) {
                cost.of_facts += buffers(node);
                cost.heap_fetches += number(node, "Heap Fetches");
            }
            open.extend(node["Plans"].as_array().into_iter().flatten());
        }
        cost
    }

    fn add(&mut self, other: Self) {
        self.buffers += other.buffers;
        self.of_facts += other.of_facts;
        self.heap_fetches += other.heap_fetches;
        self.temp_blocks += other.temp_blocks;
        self.execution += other.execution;
    }
}

/// The costs of some statements, run in turns; the first run also reads catalogs into the session's caches.
///
/// The execution time is the median.
pub(crate) async fn of<const N: usize>(
    statements: [(&str, &Values); N],
    to: &mut PgConnection,
) -> Result<[Cost; N]> {
    let mut times: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    let mut costs = [Cost::default(); N];
    for turn in 0..=TURNS {
        for (place, (text, values)) in statements.iter().enumerate() {
            costs[place] = once(text, values, to).await?;
            if turn > 0 {
                times[place].push(costs[place].execution);
            }
        }
    }
    for (cost, times) in costs.iter_mut().zip(times) {
        cost.execution = Spread::of(times).median;
    }
    Ok(costs)
}

/// The cost of all statements of a way; once, because a log takes its time.
pub(crate) async fn of_way(request: &Request, way: Way, to: &mut PgConnection) -> Result<Option<Cost>> {
    let Some(statements) = request.statements(way) else { return Ok(None) };
    let mut cost = Cost::default();
    for sql in statements {
        cost.add(once(sql.text, &sql.values, to).await?);
    }
    Ok(Some(cost))
}

async fn once(text: &str, values: &Values, to: &mut PgConnection) -> Result<Cost> {
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {text}");
    let query = sqlx::query_with(AssertSqlSafe(explain), SqlxValues(values.clone()));
    // a custom plan, as the first five executions of any prepared statement have
    let row = query.persistent(false).fetch_one(to).await.with_context(|| format!("EXPLAIN {text}"))?;
    let plan: Json<JsonValue> = row.try_get(0)?;
    Ok(Cost::read(&plan[0]))
}
