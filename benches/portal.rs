//! The charts of a whole portal of 2,000 output ports, each beside a floor: rankings, and what is unused.
//!
//! ```text
//! cargo bench --package output-port-usage-benches --bench portal
//! cargo bench --package output-port-usage-benches --bench portal -- --days 1096
//! ```
//!
//! With three years there are 20 million rows of queries, which take 12 GB of disk. Rounds of a chart and its floor
//! alternate.

use std::ops::Range;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use chrono::{Days, NaiveDate};
use lexopt::prelude::*;
use output_port_usage::chart::{Comparison, MostUsedPorts, PortOrder, Unused};
use output_port_usage::{Chart, OutputPortId, Reference, SqlxValues, UsageModel, UsageModelBuilder, Values};
use sqlx::postgres::PgConnection;
use sqlx::types::{Json, JsonValue};
use sqlx::{AssertSqlSafe, Connection, Row};
use uuid::Uuid;

/// Rounds of each, after as many to warm up as a driver makes before it may keep a plan for any values.
const ROUNDS: usize = 15;
const WARM_UP: usize = 6;

fn main() -> Result<()> {
    let (mut days, mut bench) = (120, false);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("days") => days = parser.value()?.parse()?,
            // from cargo bench; cargo test gives none
            Long("bench") => bench = true,
            _ => return Err(argument.unexpected()).context("--days N, and nothing else"),
        }
    }
    if !bench {
        return Ok(());
    }
    ensure!(days >= 90, "charts of 30 days are compared with the 30 before, and some have been unused since");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(days))
}

async fn run(days: u32) -> Result<()> {
    let database = throwaway_postgres::database()?;
    let mut connection = PgConnection::connect(database.url()).await?;
    let (plain, keyed) = (builder().build()?, builder().read_by_consumer().read_by_tech_asset().build()?);
    fill(&plain, days, &mut connection).await?;
    let until = first_day() + Days::new(days.into());
    let mut portal = Portal { model: plain, to: connection, until };
    portal.rankings().await?;
    portal.unused("without ways to read").await?;
    portal.add_keys(keyed).await?;
    portal.unused("with ways to read").await
}

fn builder() -> UsageModelBuilder {
    UsageModel::builder()
        .output_ports(Reference::to("datasets").label("name"))
        .consumers(Reference::to("data_products").label("name"))
        .tech_assets(Reference::to("technical_assets").label("name"))
}

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2023, 1, 1).expect("a date of the calendar")
}

/// 2,000 output ports with 19 consumers in the middle and 137 at the 99th percentile, 4,300 consumers, ten tech assets
/// an output port. Three of five output ports come in the first half of the days, one of twenty ends in the second; half
/// as many tech assets are read as there are.
const PARENTS: &str = "
SELECT setseed(0.42);
CREATE TABLE datasets (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE data_products (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE technical_assets (id uuid PRIMARY KEY, name text NOT NULL);
CREATE FUNCTION made_up(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE RETURN md5(kind || n)::uuid;
INSERT INTO datasets SELECT made_up('port', n), 'Output port ' || n FROM generate_series(1, 2000) AS n;
INSERT INTO data_products SELECT made_up('consumer', n), 'Consumer ' || n FROM generate_series(1, 4300) AS n;
INSERT INTO technical_assets SELECT made_up('asset', n), 'Asset ' || n FROM generate_series(1, 20000) AS n;
CREATE TABLE pair AS
SELECT port.id AS port, c.id AS consumer, 0.25 + 0.6 * random() AS activity, starts, ends,
    made_up('asset', port.n * 10 - (port.n + c.place) % 5) AS asset
FROM (
    SELECT n, made_up('port', n) AS id,
        least(400, greatest(1, round(19 * exp(0.849 * ln(r / (1 - r)) / 1.975))))::int AS consumers,
        CASE WHEN random() < 0.4 THEN 0 ELSE 0.5 * random() END AS starts,
        CASE WHEN random() < 0.05 THEN 0.5 + 0.5 * random() ELSE 1 END AS ends
    FROM (SELECT n, 0.001 + 0.998 * random() AS r FROM generate_series(1, 2000) AS n) AS sizes
) AS port,
LATERAL (
    SELECT id, row_number() OVER () AS place FROM (
        SELECT id FROM data_products WHERE name <> 'Consumer 1' ORDER BY md5(id::text || port.id) LIMIT port.consumers
    ) AS chosen
) AS c";

/// Day by day, as daily ingests leave them; weekends see a fifth.
const FACTS: [&str; 2] = [
    "INSERT INTO output_port_query_stats_daily (date, output_port_id, consumer_id, query_count)
    SELECT $1::date + n, port, consumer, 1 + floor(3 * random())::int
    FROM generate_series(0, $2 - 1) AS n, pair
    WHERE n >= starts * $2 AND n < ends * $2 AND random() < activity * CASE WHEN n % 7 > 4 THEN 0.2 ELSE 1 END
    ORDER BY n, port, consumer",
    "INSERT INTO tech_asset_stats_daily (date, output_port_id, tech_asset_id, consumer_id, query_count)
    SELECT q.date, q.output_port_id, pair.asset, q.consumer_id, q.query_count
    FROM output_port_query_stats_daily AS q
    JOIN pair ON pair.port = q.output_port_id AND pair.consumer = q.consumer_id
    WHERE q.date >= $1::date AND q.date < $1::date + $2
    ORDER BY q.date, q.output_port_id, pair.asset, q.consumer_id",
];

async fn fill(model: &UsageModel, days: u32, to: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql(PARENTS).execute(&mut *to).await?;
    for statement in model.create_tables() {
        statement.into_sqlx().execute(&mut *to).await?;
    }
    // a load of this size leaves foreign keys out
    sqlx::raw_sql("SET session_replication_role = replica").execute(&mut *to).await?;
    for facts in FACTS {
        sqlx::query(facts).bind(first_day()).bind(i32::try_from(days)?).execute(&mut *to).await?;
    }
    sqlx::raw_sql("RESET session_replication_role").execute(&mut *to).await?;
    for statement in model.vacuum() {
        statement.into_sqlx().execute(&mut *to).await?;
    }
    sqlx::raw_sql("VACUUM ANALYZE datasets, data_products, technical_assets").execute(&mut *to).await?;
    let rows: (i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM output_port_query_stats_daily), (SELECT count(*) FROM tech_asset_stats_daily)",
    )
    .fetch_one(to)
    .await?;
    println!("2,000 output ports, {days} days, {} rows of queries, {} of touches\n", rows.0, rows.1);
    Ok(())
}

/// An index-only sum of each output port on some days.
const SUM: &str = "SELECT id, (SELECT sum(query_count) FROM output_port_query_stats_daily
    WHERE output_port_id = id AND date >= $1 AND date < $2) FROM datasets";
/// The same on the days and on those before.
const SUMS: &str = "SELECT id, (SELECT sum(query_count) FROM output_port_query_stats_daily
    WHERE output_port_id = id AND date >= $1 AND date < $2), (SELECT sum(query_count)
    FROM output_port_query_stats_daily WHERE output_port_id = id AND date >= $3 AND date < $4) FROM datasets";
/// Those of which no row since a day is found, by one look each where there is a key.
const LOOKS: [&str; 3] = [
    "SELECT id FROM datasets WHERE NOT EXISTS (SELECT FROM output_port_query_stats_daily
    WHERE output_port_id = id AND date >= $1 AND query_count > 0)",
    "SELECT id FROM data_products WHERE NOT EXISTS (SELECT FROM output_port_query_stats_daily
    WHERE consumer_id = id AND date >= $1 AND query_count > 0)",
    "SELECT id FROM technical_assets WHERE NOT EXISTS (SELECT FROM tech_asset_stats_daily
    WHERE tech_asset_id = id AND date >= $1 AND query_count > 0)",
];

struct Portal {
    model: UsageModel,
    to: PgConnection,
    until: NaiveDate,
}

impl Portal {
    fn last(&self, days: u64) -> Range<NaiveDate> {
        self.until - Days::new(days)..self.until
    }

    async fn rankings(&mut self) -> Result<()> {
        let days = self.last(30);
        let before = days.start - Days::new(30)..days.start;
        let now = Floor { sql: SUM, values: vec![days.start.into(), days.end.into()] };
        let bounds = [days.start, days.end, before.start, before.end];
        let both = Floor { sql: SUMS, values: bounds.map(Into::into).into() };
        let ports = MostUsedPorts::new(days);
        let compared = ports.clone().compared_with(Comparison::PreviousPeriod);
        let all = ports.clone().all();
        let ids: Vec<Uuid> =
            sqlx::query_scalar("SELECT id FROM datasets ORDER BY id").fetch_all(&mut self.to).await?;
        let list = ids.iter().step_by(10).map(|id| OutputPortId(*id));
        let list = ports.clone().of_ports(list);
        println!("| output ports, 30 days | ms | floor, ms | ratio | buffers | floor |");
        println!("| --- | ---: | ---: | ---: | ---: | ---: |");
        self.row("top 10", &ports, &now).await?;
        self.row("top 10 of 200", &list, &now).await?;
        self.row("all", &all, &now).await?;
        self.row("top 10, with previous", &compared, &now).await?;
        self.row("top 10, gone ones included", &compared.clone().include_gone(), &both).await?;
        self.row("10 risers", &compared.clone().order(PortOrder::Risers), &both).await?;
        self.row("10 fallers", &compared.order(PortOrder::Fallers), &both).await?;
        let all = all.compared_with(Comparison::PreviousPeriod).order(PortOrder::Fallers);
        self.row("all fallers", &all, &both).await
    }

    async fn add_keys(&mut self, keyed: UsageModel) -> Result<()> {
        let start = Instant::now();
        for statement in keyed.create_tables() {
            statement.into_sqlx().execute(&mut self.to).await?;
        }
        println!("\nMaking the keys took {:.0} s.", start.elapsed().as_secs_f64());
        self.model = keyed;
        for statement in self.model.vacuum() {
            statement.into_sqlx().execute(&mut self.to).await?;
        }
        Ok(())
    }

    async fn unused(&mut self, how: &str) -> Result<()> {
        println!("\n| unused for 30 days, {how} | ms | floor, ms | ratio | buffers | floor |");
        println!("| --- | ---: | ---: | ---: | ---: | ---: |");
        let days = self.last(30);
        let [ports, consumers, assets] = LOOKS.map(|sql| Floor { sql, values: vec![days.start.into()] });
        self.row("of 2,000 output ports", &Unused::output_ports(days.clone()), &ports).await?;
        self.row("of 4,300 consumers", &Unused::consumers(days.clone()), &consumers).await?;
        self.row("of 20,000 tech assets", &Unused::tech_assets(days), &assets).await
    }

    async fn row<C: Chart>(&mut self, what: &str, chart: &C, floor: &Floor) -> Result<()> {
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..WARM_UP + ROUNDS {
            for place in 0..2 {
                // neither is always right after the other
                let is_ours = (place == 0) == (round % 2 == 0);
                let query = self.model.query(chart)?;
                let start = Instant::now();
                let rows = match is_ours {
                    true => query.into_sqlx().persistent(true).fetch_all(&mut self.to).await?.len(),
                    false => floor.query().fetch_all(&mut self.to).await?.len(),
                };
                let time = start.elapsed().as_secs_f64() * 1e3;
                ensure!(rows > 0, "{what}: no rows");
                if round >= WARM_UP {
                    times[usize::from(!is_ours)].push(time);
                }
            }
        }
        let ratios = times[0].iter().zip(&times[1]).map(|(ours, floor)| ours / floor).collect();
        let [ours, of_floor] = times.map(median);
        let (sql, values) = self.model.query(chart)?.into_parts();
        let buffers = self.buffers(&sql, values).await?;
        let floor_buffers = self.buffers(floor.sql, Values(floor.values.clone())).await?;
        let ratio = median(ratios);
        println!("| {what} | {ours:.1} | {of_floor:.1} | {ratio:.2} | {buffers} | {floor_buffers} |");
        Ok(())
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

/// What a chart cannot be faster than.
struct Floor {
    sql: &'static str,
    values: Vec<sea_query::Value>,
}

impl Floor {
    fn query(&self) -> sqlx::query::Query<'static, sqlx::Postgres, SqlxValues> {
        sqlx::query_with(self.sql, SqlxValues(Values(self.values.clone())))
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
