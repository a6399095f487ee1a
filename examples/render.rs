//! Prints every statement of a model, or writes its migrations, without a database.
//!
//! ```text
//! cargo run --features pretty --example render
//! cargo run --features pretty --example render -- migrations DIR
//! ```
//!
//! What it prints, SQL reviewers keep as a snapshot. For your own tables, copy it and change `model()`.

#[path = "render/migration_files.rs"]
mod migration_files;

use std::path::PathBuf;

use chrono::NaiveDate;
use lexopt::prelude::*;
use output_port_usage::chart::{
    Comparison, MostOftenCombinedWith, MostPopularAssets, Overview, QueriesOverTime, QueryDistribution,
    Summary,
};
use output_port_usage::{
    Chart, Combination, ConsumerId, Distribution, Error, Granularity, OnDelete, OutputPortId,
    OutputPortQueries, Purge, Reference, Scope, Statement, TechAssetId, TechAssetTouches, UsageBatch,
    UsageModel,
};
use uuid::Uuid;

const USAGE: &str = "\
Prints every statement of a model, or writes its migrations.

Usage: render [migrations DIR]

  migrations DIR      write NNNN_name.up.sql and NNNN_name.down.sql to DIR; a file that says something else stays
  -h, --help          this text
";

enum Task {
    Statements,
    Migrations { directory: PathBuf },
}

fn main() -> anyhow::Result<()> {
    let model = model()?;
    match task()? {
        Some(Task::Statements) => statements(&model)?,
        Some(Task::Migrations { directory }) => migration_files::write(&directory, &model.migrations())?,
        None => print!("{USAGE}"),
    }
    Ok(())
}

/// What the command line asks for; `None` is help.
fn task() -> Result<Option<Task>, lexopt::Error> {
    let mut parser = lexopt::Parser::from_env();
    let mut words = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(None),
            Value(word) => words.push(word),
            _ => return Err(argument.unexpected()),
        }
    }
    match words.as_slice() {
        [] => Ok(Some(Task::Statements)),
        [word, directory] if word == "migrations" => {
            Ok(Some(Task::Migrations { directory: directory.into() }))
        }
        [word] if word == "migrations" => Err("migrations: to which directory?".into()),
        [word, ..] => Err(lexopt::Error::UnexpectedArgument(word.clone())),
    }
}

fn statements(model: &UsageModel) -> Result<(), Error> {
    let day = |day| NaiveDate::from_ymd_opt(2026, 1, day).unwrap_or_default();
    let days = day(1)..day(31);
    let port = OutputPortId(Uuid::from_u128(1));
    let other = OutputPortId(Uuid::from_u128(2));

    group("Tables");
    show("The schema", &[model.create_schema()]);
    show("Every table, index and comment", &model.create_tables());
    show("Back to nothing", &model.drop_tables());

    group("Ingest");
    let batch = batch(day(1), port, other)?;
    show("Replace a scope", &model.replace(&batch)?.statements());
    show("Upsert rows", &model.upsert(&batch)?.statements());
    show("Vacuum after an ingest, outside a transaction", &[model.vacuum()]);

    group("Back-fill");
    show("Load a history", &model.backfill(batch.scope().clone())?.statements());

    group("Upkeep");
    show(
        "Delete one consumer's day on an output port",
        &model.delete(port, consumer(), day(1))?.statements(),
    );
    show("Purge before a date", &model.purge(&Purge::before(day(1)))?.statements());
    show("Drop the foreign keys for a long load", &model.drop_foreign_keys());
    show("Add and validate them afterwards", &model.add_foreign_keys());
    show("Spread the tables over Citus", &model.distribute(Distribution::Citus));
    show("Spread the tables over TimescaleDB", &model.distribute(Distribution::TimescaleDb));
    let reconcile = model.reconcile(days.clone())?.pretty();
    println!("-- What the tables contradict each other in\n{reconcile};\n");

    group("Charts");
    let over_time = QueriesOverTime::new(port, days.clone());
    chart(model, "Queries over time, by day", &over_time)?;
    chart(model, "Queries over time, by week", &over_time.granularity(Granularity::Week))?;
    let distribution = QueryDistribution::new(port, days.clone());
    chart(model, "Query distribution", &distribution)?;
    chart(model, "Query distribution, by group", &distribution.by_group())?;
    chart(model, "Most popular assets", &MostPopularAssets::new(port, days.clone()))?;
    chart(model, "Most often combined with", &MostOftenCombinedWith::new(port, days.clone()))?;

    group("Charts that compare, split and join");
    let over_time = || QueriesOverTime::new(port, days.clone()).granularity(Granularity::Week);
    let before = Comparison::PreviousPeriod;
    chart(model, "Queries over time, split by consumer", &over_time().split_by_consumer(5))?;
    chart(model, "Queries over time, with the previous period", &over_time().compared_with(before))?;
    let of_ports = QueriesOverTime::of_ports([port, other], days.clone()).granularity(Granularity::Week);
    chart(model, "Queries over time, of many output ports", &of_ports)?;
    let distribution = QueryDistribution::new(port, days.clone());
    chart(model, "Query distribution, with the previous period", &distribution.compared_with(before))?;
    let assets = MostPopularAssets::new(port, days.clone());
    chart(model, "Most popular assets, with the previous period", &assets.compared_with(before))?;
    chart(model, "Summary", &Summary::new(port, days.clone()))?;
    chart(model, "Overview", &Overview::new(port, days).granularity(Granularity::Week))?;
    Ok(())
}

fn model() -> Result<UsageModel, Error> {
    let portal = |table| Reference::to(table).schema("portal").label("name");
    UsageModel::builder()
        .schema("usage")
        .output_ports(portal("datasets").on_delete(OnDelete::Cascade))
        .consumers(portal("data_products").group("domain_id", portal("domains")))
        .tech_assets(portal("technical_assets").on_delete(OnDelete::Cascade))
        .combinations()
        .build()
}

fn consumer() -> ConsumerId {
    ConsumerId(Uuid::from_u128(3))
}

/// One row for each table: the text of an ingest does not depend on how many there are.
fn batch(date: NaiveDate, port: OutputPortId, other: OutputPortId) -> Result<UsageBatch, Error> {
    let consumer_id = consumer();
    let tech_asset_id = TechAssetId(Uuid::from_u128(4));
    let scope = Scope::new(date..date.succ_opt().unwrap_or(date), [port])?;
    let queries = OutputPortQueries::new(date, port, consumer_id, 1);
    let touches = TechAssetTouches::new(date, port, tech_asset_id, consumer_id, 1);
    let combination = Combination::new(date, port, other, consumer_id, 1);
    Ok(UsageBatch::builder(scope)
        .queries(vec![queries])
        .touches(vec![touches])
        .combinations(vec![combination])
        .build())
}

fn group(title: &str) {
    println!("-- {title}\n-- {}\n", "=".repeat(title.len()));
}

fn show(title: &str, statements: &[Statement]) {
    println!("-- {title}");
    for statement in statements {
        println!("{};\n", statement.pretty());
    }
}

fn chart<C: Chart>(model: &UsageModel, title: &str, chart: &C) -> Result<(), Error> {
    println!("-- {title}\n{};\n", model.query(chart)?.pretty());
    Ok(())
}
