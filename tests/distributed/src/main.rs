//! Does everything that the library does on a plain PostgreSQL and on a distributed one, and compares.
//!
//! ```text
//! cargo run --release --package distributed -- PLAIN_URL DISTRIBUTED_URL
//! ```
//!
//! Both URLs name databases without the schemas `portal` and `usage`, which the program makes and, where everything was
//! equal, drops. The second database has the extension, `citus` (with its workers added) or `timescaledb`. What follows
//! is the same on both: a portal's parent tables, the model's tables, every write, after each of which all rows are
//! compared, and every read of [`UsageModel::statements`](output_port_usage::UsageModel::statements) for several ids and
//! days, so that a new chart is compared without a line here. The output is Markdown: times, and for Citus how many
//! tasks a read takes, by `EXPLAIN`.

mod facts;
mod portal;
mod reads;
mod side;
mod writes;

use anyhow::{Result, ensure};
use lexopt::prelude::*;

use crate::facts::Size;
use crate::side::Sides;

const USAGE: &str = "\
Usage: distributed [OPTIONS] PLAIN_URL DISTRIBUTED_URL

  --ports PORTS        output ports; 60 without it
  --days DAYS          days of history; 400 without it
  --readings READINGS  ids and days for which each read is compared, 0 for writes alone; 12 without it
  -h, --help           this text
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let (mut size, mut readings, mut urls) = (Size { ports: 60, days: 400 }, 12, Vec::new());
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("ports") => size.ports = parser.value()?.parse()?,
            Long("days") => size.days = parser.value()?.parse()?,
            Long("readings") => readings = parser.value()?.parse()?,
            Long("help") | Short('h') => {
                print!("{USAGE}");
                return Ok(());
            }
            Value(url) if urls.len() < 2 => urls.push(url.string()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    ensure!(urls.len() == 2, "two URLs are needed\n{USAGE}");
    ensure!((20..=10_000).contains(&size.ports), "20 to 10,000 output ports, not {}", size.ports);
    ensure!((60..=4_000).contains(&size.days), "60 to 4,000 days, not {}", size.days);
    ensure!(readings <= 15, "at most 15 readings, not {readings}");

    let mut sides = Sides::connect(&urls[0], &urls[1]).await?;
    println!("{}\n", sides.describe());
    let model = writes::run(&mut sides, size).await?;
    if readings > 0 {
        reads::run(&mut sides, &model, readings).await?;
    }
    ensure!(sides.differences == 0, "{} differences, each named above", sides.differences);
    sides.drop_schemas().await
}
