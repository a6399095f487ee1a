//! Reads and writes on a real PostgreSQL, each beside its floor, the raw query log and the usual portal design.
//!
//! ```text
//! cargo bench --package output-port-usage-benches --bench postgres
//! cargo bench --package output-port-usage-benches --bench postgres -- --large
//! ```
//!
//! Days are loaded one after the other into every design; then every chart is read in every way, in turns, and its
//! numbers are compared: the bench fails where a design's differ from the library's. What it prints is also in
//! `target/postgres-bench`, with charts of growth.

mod answer;
mod arguments;
mod baselines;
mod charts;
mod copy;
mod cost;
mod data;
mod entries;
mod goals;
mod growth;
mod load;
mod measure;
mod plots;
mod report;
mod request;
mod schema;
mod server;
mod storage;
mod writes;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::Days;
use indicatif::{ProgressBar, ProgressStyle};
use sqlx::Connection;
use sqlx::postgres::PgConnection;

use crate::arguments::{Arguments, Asked};
use crate::data::{Portal, Shape};
use crate::growth::Checkpoint;
use crate::measure::Host;
use crate::report::{Report, thousands};

fn main() -> Result<()> {
    let arguments = match arguments::from_env()? {
        Asked::Run(arguments) => arguments,
        Asked::Print(text) => {
            print!("{text}");
            return Ok(());
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(&arguments))
}

async fn run(arguments: &Arguments) -> Result<()> {
    fs::create_dir_all(&arguments.out).with_context(|| arguments.out.display().to_string())?;
    let database = throwaway_postgres::database()?;
    let mut connection = PgConnection::connect(database.url()).await?;
    server::settle(&database, &mut connection).await?;
    let mut about = server::about(arguments, &database, &mut connection).await?;
    let portal = Arc::new(Portal::new(arguments.shape, arguments.seed, arguments.rows));
    let model = schema::model()?;
    schema::create(&mut connection, &model, &portal).await?;
    // short measurements where there is little to measure
    let patience = Duration::from_millis(if arguments.shape == Shape::Even { 400 } else { 1_000 });
    let mut host = Host { model, connection, patience };

    let mut load = load::Load::new(portal.clone(), database.url());
    let mut checkpoints = Vec::new();
    let bar = bar("loading", arguments.rows);
    for part in parts(arguments.shape) {
        let rows = if *part == 1.0 { u64::MAX } else { (arguments.rows as f64 * part) as u64 };
        load.until(rows, &host.model, &bar).await?;
        bar.set_message(format!("reading at {} rows", thousands(load.rows[0] as i64)));
        let until = data::first_day() + Days::new(load.next);
        checkpoints.push(Checkpoint::measure(load.rows[0], until, &portal, &mut host).await?);
    }
    bar.finish_and_clear();

    let [queries, touches, combinations, log] = load.rows.map(|rows| thousands(rows as i64));
    about.push(format!(
        "seed {}: {} output ports, {} pairs of output port and consumer, 3 years; {queries} rows of queries, \
         {touches} of touches, {combinations} of combinations, {log} in the raw log",
        arguments.seed,
        thousands(portal.ports.len() as i64),
        thousands(portal.pairs.len() as i64),
    ));
    let [median, heavy] = [portal.median, portal.heavy].map(|port| portal.consumers_of(port));
    about.push(format!(
        "M is a median output port with {median} consumers, H the 99th percentile with {heavy}"
    ));

    let ports = growth::ports(&portal);
    let asked: Vec<_> = ports
        .iter()
        .flat_map(|(name, port)| charts::of_port(*port).into_iter().map(move |asked| (*name, asked)))
        .collect();
    let ranges: Vec<_> = ports
        .iter()
        .flat_map(|(name, port)| charts::ranges(*port).into_iter().map(move |asked| (*name, asked)))
        .collect();
    let bar = self::bar("reading", (asked.len() + ranges.len() + 1) as u64);
    let mut report = Report {
        about,
        readings: Vec::new(),
        checkpoints,
        ranges: Vec::new(),
        storage: storage::measure(load.rows, &mut host.connection).await?,
        writes: Vec::new(),
    };
    for (port, request) in asked {
        bar.set_message(request.to_string());
        report.readings.push(host.read(request, port).await?);
        bar.inc(1);
    }
    report.readings.push(host.read(charts::of_ports(&portal), "50").await?);
    bar.inc(1);
    for (port, request) in ranges {
        bar.set_message(request.to_string());
        report.ranges.push(host.read(request, port).await?);
        bar.inc(1);
    }
    bar.finish_and_clear();

    let bar = self::bar("writing", writes::steps());
    let models = schema::models(&mut host.connection).await?;
    report.writes = writes::measure(&portal, &models, &mut host.connection, &bar).await?;
    bar.finish_and_clear();
    host.connection.close().await?;

    let text = report.markdown();
    println!("{text}");
    let path = arguments.out.join("postgres.md");
    fs::write(&path, text).with_context(|| path.display().to_string())?;
    plots::draw(&report, &arguments.out)
}

/// The parts of the rows at which growth is measured.
fn parts(shape: Shape) -> &'static [f64] {
    match shape {
        Shape::Even => &[0.125, 0.25, 0.5, 1.0],
        Shape::HeavyTail => &[0.05, 0.1, 0.25, 0.5, 1.0],
    }
}

/// A bar, or a line where nobody watches.
fn bar(what: &'static str, length: u64) -> ProgressBar {
    let style = "{prefix:8} {wide_bar} {human_pos}/{human_len} {elapsed} {msg}";
    let style = ProgressStyle::with_template(style).expect("a template of known keys");
    let bar = ProgressBar::new(length).with_style(style).with_prefix(what);
    if bar.is_hidden() {
        eprintln!("{}: {what}", chrono::Utc::now().format("%H:%M:%S"));
    }
    bar
}
