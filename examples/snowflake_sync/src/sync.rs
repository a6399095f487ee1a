//! One run.

use std::fs::File;
use std::io::BufReader;

use access_log::Mapping;
use chrono::{DateTime, Days, Utc};
use output_port_usage::snowflake::{Aggregation, Window, WindowPlan};
use output_port_usage::{Attribution, UsageModel};

use crate::arguments::Arguments;
use crate::database::{Database, Reached};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::model;
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
    let reached = interrupt.or(database.reached(attribution.output_ports())).await?;

    // Postgres waits for nothing while Snowflake counts
    let warehouse = Warehouse::log_in(account, interrupt.clone()).await?;
    let now = match arguments.now {
        Some(now) => now,
        None => warehouse.clock().await?,
    };
    let plan = plan(arguments, &attribution, now, Some(&reached))?;
    print!("{}", secrets.shown(&report::of_plan(&plan, &reached, &mapping)));
    let aggregation = Aggregation::new(&attribution, plan.days.clone());
    let statement = aggregation.usage().map_err(|error| unplanned().because(error))?;
    let batch = warehouse.run(&statement, "counting").await?;

    // an empty result may be true, but is more often a missing edition, grant or mapping
    let mut allow_empty = arguments.allow_empty;
    if batch.queries().is_empty() && !allow_empty {
        if !warehouse.has_history().await? {
            return Err(Failure::new(Exit::NothingToCount, "ACCESS_HISTORY is empty; nothing was written").next(
                "it is filled on Enterprise Edition or higher only: see the edition in Snowsight, account details",
            ));
        }
        if interrupt.or(database.holds_any(&batch)).await? {
            return Err(Failure::new(
                Exit::NothingToCount,
                "no query counts by the mapping, though the tables hold some for these days; nothing was written",
            )
            .next("check the mapping's names and time zone; --allow-empty writes all the same"));
        }
        allow_empty = true;
    }
    let outcome = database.replace(&batch, allow_empty, &interrupt).await?;
    print!("{}", secrets.shown(&report::of_ingest(&outcome)));

    if arguments.coverage {
        let statement = aggregation.coverage().map_err(|error| unplanned().because(error))?;
        let coverage = warehouse
            .run(&statement, "coverage")
            .await
            .map_err(|failure| failure.instead("the rows were written, but there is no coverage report"))?;
        print!("{}", secrets.shown(&report::of_coverage(&coverage)));
    }
    Ok(())
}

/// Prints what would run. The database alone is asked, if it is given; there is nothing to log in to.
async fn dry_run(
    arguments: &Arguments,
    settings: &Settings,
    attribution: &Attribution,
    model: UsageModel,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let reached = match &settings.database_url {
        Some(url) => {
            let database = Database::new(url, model)?;
            Some(interrupt.or(database.reached(attribution.output_ports())).await?)
        }
        None => None,
    };
    let plan = plan(arguments, attribution, arguments.now.unwrap_or_else(Utc::now), reached.as_ref())?;
    let aggregation = Aggregation::new(attribution, plan.days.clone());
    let usage = aggregation.usage().map_err(|error| unplanned().because(error))?;
    println!("-- usage of {}\n{usage};", report::days(&plan.days));
    if arguments.coverage {
        let coverage = aggregation.coverage().map_err(|error| unplanned().because(error))?;
        println!("\n-- what that leaves out\n{coverage};");
    }
    Ok(())
}

/// The days to read: where the tables end, unless the command line says from when on.
fn plan(
    arguments: &Arguments,
    attribution: &Attribution,
    now: DateTime<Utc>,
    reached: Option<&Reached>,
) -> Result<WindowPlan, Failure> {
    let window = Window::new(attribution);
    let planned = match arguments.since {
        Some(since) => window.trailing_days(1).plan(now, Some(since)),
        None => {
            // rows of the last day may still have been under way when it was written
            let last_day = reached.and_then(|reached| reached.last_day);
            let settled = last_day.and_then(|day| day.checked_sub_days(Days::new(1)));
            window.plan(now, settled)
        }
    };
    planned.map_err(|error| unplanned().because(error))
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
