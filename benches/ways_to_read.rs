//! What the ways to read cost: replaces day by day into tables with them beside the same into tables without, and the
//! bytes of each index afterwards.
//!
//! ```text
//! cargo bench --package output-port-usage-benches --bench ways_to_read [-- DAYS]
//! ```
//!
//! The four kinds of tables take each day in turns. The first half of the days only fills them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::{Days, NaiveDate};
use output_port_usage::{
    ConsumerId, OnDelete, OutputPortId, OutputPortQueries, Reference, Scope, TechAssetId, TechAssetTouches,
    UsageBatch, UsageModel,
};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};
use uuid::Uuid;

const PORTS: usize = 300;
const CONSUMERS: usize = 1_000;
/// Of each output port.
const CONSUMERS_A_DAY: usize = 15;
/// Of each output port, of which a consumer reads two a day.
const ASSETS: usize = 5;
const DAYS: u32 = 180;

/// What is turned on, by the schema of its tables.
const WAYS: [&str; 4] = ["neither", "by_consumer", "by_tech_asset", "both"];

fn main() -> Result<()> {
    // `cargo bench` adds an argument of its own
    let days = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(DAYS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        for (keys, on_delete) in [("with foreign keys", None), ("without", Some(OnDelete::Keep))] {
            println!("{keys}, {days} days");
            measure(days, on_delete).await?;
        }
        Ok(())
    })
}

/// Ids that lie anywhere, as random ones do.
struct Portal {
    ports: Vec<OutputPortId>,
    assets: Vec<TechAssetId>,
    consumers: Vec<ConsumerId>,
}

impl Portal {
    fn new(random: &mut fastrand::Rng) -> Self {
        let mut ids = |count| (0..count).map(|_| Uuid::from_u128(random.u128(..))).collect::<Vec<_>>();
        Self {
            ports: ids(PORTS).into_iter().map(OutputPortId).collect(),
            assets: ids(PORTS * ASSETS).into_iter().map(TechAssetId).collect(),
            consumers: ids(CONSUMERS).into_iter().map(ConsumerId).collect(),
        }
    }

    async fn create(&self, to: &mut PgConnection) -> Result<()> {
        for (table, ids) in [
            ("datasets", self.ports.iter().map(|id| id.0).collect::<Vec<_>>()),
            ("technical_assets", self.assets.iter().map(|id| id.0).collect()),
            ("data_products", self.consumers.iter().map(|id| id.0).collect()),
        ] {
            let create = format!("CREATE TABLE {table} (id uuid PRIMARY KEY)");
            sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut *to).await?;
            let insert = format!("INSERT INTO {table} SELECT unnest($1::uuid[])");
            sqlx::query(AssertSqlSafe(insert)).bind(ids).execute(&mut *to).await?;
        }
        Ok(())
    }

    /// A day of every output port, most of whose consumers come back the next day.
    fn batch(&self, day: NaiveDate, random: &mut fastrand::Rng) -> Result<UsageBatch> {
        let (mut queries, mut touches) = (Vec::new(), Vec::new());
        for (number, &port) in self.ports.iter().enumerate() {
            for nth in 0..CONSUMERS_A_DAY {
                // one of thirty that are this port's own
                let of_port = number * 37 + 2 * nth + random.usize(..2);
                let consumer = self.consumers[of_port % CONSUMERS];
                queries.push(OutputPortQueries::new(day, port, consumer, 3));
                for asset in [nth % ASSETS, (nth + 1) % ASSETS] {
                    let asset = self.assets[number * ASSETS + asset];
                    touches.push(TechAssetTouches::new(day, port, asset, consumer, 2));
                }
            }
        }
        let end = day.checked_add_days(Days::new(1)).context("the end of the calendar")?;
        let scope = Scope::new(day..end, self.ports.iter().copied())?;
        Ok(UsageBatch::builder(scope).queries(queries).touches(touches).build())
    }
}

fn models(on_delete: Option<OnDelete>) -> Result<Vec<UsageModel>> {
    let parent = |table| {
        let reference = Reference::to(table);
        match on_delete {
            Some(on_delete) => reference.on_delete(on_delete),
            None => reference,
        }
    };
    let with = |ways: &str| {
        let builder = UsageModel::builder()
            .schema(ways)
            .output_ports(parent("datasets"))
            .consumers(parent("data_products"))
            .tech_assets(parent("technical_assets"));
        match ways {
            "neither" => builder,
            "by_consumer" => builder.read_by_consumer(),
            "by_tech_asset" => builder.read_by_tech_asset(),
            _ => builder.read_by_consumer().read_by_tech_asset(),
        }
    };
    WAYS.into_iter().map(|ways| with(ways).build().context("the bench's model")).collect()
}

async fn measure(days: u32, on_delete: Option<OnDelete>) -> Result<()> {
    let database = throwaway_postgres::database()?;
    let mut connection = PgConnection::connect(database.url()).await?;
    let mut random = fastrand::Rng::with_seed(12);
    let portal = Portal::new(&mut random);
    portal.create(&mut connection).await?;
    let models = models(on_delete)?;
    for model in &models {
        for statement in [vec![model.create_schema()], model.create_tables()].concat() {
            statement.into_sqlx().execute(&mut connection).await?;
        }
    }
    let first = NaiveDate::from_ymd_opt(2026, 1, 1).context("a day")?;
    let mut took = [Duration::ZERO; WAYS.len()];
    for number in 0..days {
        let batch = portal.batch(first + Days::new(number.into()), &mut random)?;
        for turn in 0..WAYS.len() {
            let of = (turn + number as usize) % WAYS.len();
            let start = Instant::now();
            let mut transaction = connection.begin().await?;
            models[of].replace(&batch)?.run_sqlx(&mut transaction).await?;
            transaction.commit().await?;
            if number >= days / 2 {
                took[of] += start.elapsed();
            }
        }
    }
    for (ways, time) in WAYS.iter().zip(took) {
        let ratio = time.as_secs_f64() / took[0].as_secs_f64();
        println!("{ways:>14} {:>8.0} ms a day, {ratio:.2} times", time.as_secs_f64() * 2e3 / f64::from(days));
    }
    let sizes = "SELECT relname || ': ' || round(pg_relation_size(c.oid) / rows) || ' bytes a row'
        FROM pg_class AS c JOIN pg_index AS i ON i.indexrelid = c.oid,
            LATERAL (SELECT CASE WHEN c.relname ~ '^tech' THEN (SELECT count(*) FROM \"both\".tech_asset_stats_daily)
                ELSE (SELECT count(*) FROM \"both\".output_port_query_stats_daily) END) AS r(rows)
        WHERE relnamespace = 'both'::regnamespace ORDER BY 1";
    for size in sqlx::query_scalar::<_, String>(sizes).fetch_all(&mut connection).await? {
        println!("{size}");
    }
    Ok(())
}
