//! One run.

use std::fs::File;
use std::io::BufReader;
use std::ops::Range;

use access_log::Mapping;
use chrono::{DateTime, NaiveDate, Utc};
use output_port_usage::snowflake::{Aggregation, CoverageReport, SnowflakeStatement};
use output_port_usage::{Attribution, UsageBatch, UsageModel};

use crate::arguments::Arguments;
use crate::database::{Database, Empty};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::model;
use crate::plan::{Plan, Readable};
use crate::report;
use crate::secret::Secrets;
use crate::settings::Settings;
use crate::warehouse::Warehouse;

pub(crate) async fn run(arguments: &Arguments, settings: Settings, secrets: &Secrets) -> Result<(), Failure> {
    let interrupt = Interrupt::listen();
    let mapping = read_mapping(arguments)?;
    let attribution = mapping.attribution().map_err(|error| wrong_mapping(arguments).because(error))?;
    let model = model::read(arguments.model.as_deref())?;
    if arguments.dry_run {
        return dry_run(arguments, &settings, &attribution, model, &interrupt).await;
    }

    let account = settings.snowflake()?;
    let database = Database::new(settings.database_url()?, model)?;
    if arguments.create_tables {
        interrupt.or(database.create_tables()).await?;
    }
    // whether the tables are as they should be is known before anything is asked of Snowflake
    check(arguments, &database, secrets, &interrupt).await?;
    let coverage = interrupt.or(database.coverage(&attribution)).await?;

    // Postgres waits for nothing while Snowflake counts
    let warehouse = Warehouse::log_in(account, interrupt.clone()).await?;
    let now = match arguments.now {
        Some(now) => now,
        None => warehouse.clock().await?,
    };
    let readable = readable(arguments, &attribution, now)?;
    let gaps = interrupt.or(database.gaps(&attribution, readable.days())).await?;
    let plan = readable.plan(gaps, coverage);
    print!("{}", secrets.shown(&report::of_plan(&plan, &mapping)));
    let mut ingests = Vec::with_capacity(plan.ranges.len());
    for days in &plan.ranges {
        let statement = usage(&attribution, days)?;
        let batch = warehouse.run(&statement, "counting").await?;
        let batch = batch.with_unsettled_from(plan.unsettled_in(days));
        let empty = match arguments.allow_empty {
            true => Empty::Allowed,
            false => may_be_empty(&batch, &warehouse, &database, &interrupt).await?,
        };
        ingests.push(database.ingest(&batch, empty)?);
    }
    let outcomes = database.write(ingests, &interrupt).await?;
    for (days, outcome) in plan.ranges.iter().zip(&outcomes) {
        if outcomes.len() > 1 {
            println!("{}", report::days(days));
        }
        print!("{}", secrets.shown(&report::of_ingest(outcome)));
    }

    if arguments.coverage {
        let statement = left_out(&attribution, &plan)?;
        let coverage = warehouse
            .run(&statement, "coverage")
            .await
            .map_err(|failure| failure.instead("the rows were written, but there is no coverage report"))?;
        print!("{}", secrets.shown(&report::of_coverage(&coverage)));
    }
    Ok(())
}

/// Says what the database has otherwise than the model, and refuses where a write would fail.
async fn check(
    arguments: &Arguments,
    database: &Database,
    secrets: &Secrets,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let today = arguments.now.unwrap_or_else(Utc::now).date_naive();
    for line in interrupt.or(database.check(today)).await? {
        eprintln!("{}", secrets.shown(&line));
    }
    Ok(())
}

/// Whether a batch may be empty: an empty result may be true, but is more often a missing edition, grant or mapping.
async fn may_be_empty(
    batch: &UsageBatch,
    warehouse: &Warehouse,
    database: &Database,
    interrupt: &Interrupt,
) -> Result<Empty, Failure> {
    if !batch.queries().is_empty() {
        return Ok(Empty::Refused);
    }
    if !warehouse.has_history().await? {
        return Err(Failure::new(Exit::NothingToCount, "ACCESS_HISTORY is empty; nothing was written").next(
            "it is filled on Enterprise Edition or higher only: see the edition in Snowsight, account details",
        ));
    }
    if interrupt.or(database.holds_any(batch)).await? {
        let days = report::days(&batch.scope().days());
        return Err(Failure::new(
            Exit::NothingToCount,
            format!(
                "no query counts by the mapping on {days}, though the tables hold some; nothing was written"
            ),
        )
        .next("check the mapping's names and time zone; --allow-empty writes all the same"));
    }
    Ok(Empty::Allowed)
}

/// Prints what would run. The database alone is asked, if it is given; there is nothing to log in to.
async fn dry_run(
    arguments: &Arguments,
    settings: &Settings,
    attribution: &Attribution,
    model: UsageModel,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let readable = readable(arguments, attribution, arguments.now.unwrap_or_else(Utc::now))?;
    let plan = match &settings.database_url {
        Some(url) => {
            let database = Database::new(url, model)?;
            let coverage = interrupt.or(database.coverage(attribution)).await?;
            let gaps = interrupt.or(database.gaps(attribution, readable.days())).await?;
            readable.plan(gaps, coverage)
        }
        None => readable.first_run(),
    };
    for days in &plan.ranges {
        println!("-- usage of {}\n{};\n", report::days(days), usage(attribution, days)?);
    }
    if arguments.coverage {
        println!("-- what that leaves out\n{};", left_out(attribution, &plan)?);
    }
    Ok(())
}

/// The days that can be read: all that Snowflake keeps, unless the command line says from when on.
fn readable(
    arguments: &Arguments,
    attribution: &Attribution,
    now: DateTime<Utc>,
) -> Result<Readable, Failure> {
    Readable::new(attribution, now, arguments.since).map_err(|error| unplanned().because(error))
}

fn usage(
    attribution: &Attribution,
    days: &Range<NaiveDate>,
) -> Result<SnowflakeStatement<UsageBatch>, Failure> {
    Aggregation::new(attribution, days.clone()).usage().map_err(|error| unplanned().because(error))
}

/// The report on what is not counted on the last days.
fn left_out(attribution: &Attribution, plan: &Plan) -> Result<SnowflakeStatement<CoverageReport>, Failure> {
    let days = plan.ranges.last().cloned().ok_or_else(unplanned)?;
    Aggregation::new(attribution, days).coverage().map_err(|error| unplanned().because(error))
}

fn read_mapping(arguments: &Arguments) -> Result<Mapping, Failure> {
    let file = File::open(&arguments.mapping).map_err(|error| wrong_mapping(arguments).because(error))?;
    Mapping::read(BufReader::new(file)).map_err(|error| wrong_mapping(arguments).because(error))
}

fn wrong_mapping(arguments: &Arguments) -> Failure {
    Failure::new(Exit::Usage, format!("the mapping {} is of no use", arguments.mapping.display()))
}

fn unplanned() -> Failure {
    Failure::new(Exit::Usage, "there are no such days to read")
}
