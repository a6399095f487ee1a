//! One run.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::ops::Range;

use access_log::Mapping;
use chrono::{DateTime, NaiveDate, Utc};
use output_port_usage::snowflake::{Aggregation, CoverageReport, SnowflakeStatement};
use output_port_usage::{Attribution, GapReason, PortCoverage, Rules, UsageBatch};
use uuid::Uuid;

use crate::arguments::Arguments;
use crate::database::{self, Database, Empty, Left, Mapped, wrote};
use crate::failure::{Exit, Failure};
use crate::fingerprint;
use crate::interrupt::Interrupt;
use crate::log::{self, Log};
use crate::model;
use crate::parts::Parts;
use crate::plan::{Asked, Plan, Readable};
use crate::report;
use crate::settings::Settings;
use crate::summary::{Standing, Summary, listed};
use crate::warehouse::{Counted, Warehouse};

/// Runs to the end, or says what failed and what was written before.
pub(crate) async fn run(
    arguments: &Arguments,
    settings: &Settings,
    log: &Log<'_>,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let result = match begin(arguments, settings, log, summary).await {
        Ok(run) => run.count(summary).await,
        Err(failure) => Err(failure),
    };
    result.map_err(|failure| failure.after(summary.written_so_far()))
}

/// What a run works with, once everything is found to be as it should.
struct Run<'a> {
    arguments: &'a Arguments,
    account: &'a str,
    log: &'a Log<'a>,
    /// What counts: without what the portal does not know.
    mapping: Mapping,
    mapped: Mapped,
    attribution: Attribution,
    rules: Rules,
    database: Database,
    warehouse: Warehouse,
}

async fn begin<'a>(
    arguments: &'a Arguments,
    settings: &'a Settings,
    log: &'a Log<'a>,
    summary: &mut Summary,
) -> Result<Run<'a>, Failure> {
    let interrupt = Interrupt::listen(arguments.limits.run);
    let mut mapping = read_mapping(arguments)?;
    // what is left out because the portal does not know it has not left
    let mapped = Mapped::by(&mapping);
    let mut attribution = attribution(arguments, &mapping)?;
    let model = model::read(arguments.model.as_deref())?;
    let account = settings.snowflake()?;
    let url = settings.database_url()?;
    let database = Database::new(url, model, arguments.limits, interrupt.clone())?;
    if arguments.create_tables {
        summary.created = database.create_tables().await?;
    }
    // whether the tables are as they should be, and whether the portal knows every id of the mapping, is known before
    // anything is asked of Snowflake
    let today = arguments.now.unwrap_or_else(Utc::now).date_naive();
    for line in database.check(today).await? {
        log.warn(&line);
    }
    let unknown = database.unknown(&mapping).await?;
    if !unknown.is_empty() {
        let named = named(&mapping, &unknown);
        if !arguments.skip_unknown {
            return Err(Failure::new(Exit::Postgres, "the portal does not know what the mapping names")
                .because(named)
                .next("correct one of them; --skip-unknown counts all others until then"));
        }
        log.warn(&format!("warning: left out, because the portal does not know it:\n{named}"));
        mapping = database::without(&mapping, &unknown);
        attribution = self::attribution(arguments, &mapping)?;
        summary.unknown = unknown;
    }
    let rules = fingerprint::rules(&attribution, &account.account);
    // Postgres waits for nothing while Snowflake counts
    let warehouse = Warehouse::log_in(account, interrupt, arguments.limits, arguments.retries).await?;
    let account = &account.account;
    Ok(Run { arguments, account, log, mapping, mapped, attribution, rules, database, warehouse })
}

/// A line for each of the ids.
fn named(mapping: &Mapping, ids: &BTreeSet<Uuid>) -> String {
    let ports = mapping.output_ports.iter().map(|port| ("output port", port.id, &port.name));
    let assets = mapping.tech_assets.iter().map(|asset| ("tech asset", asset.id, &asset.name));
    let consumers = mapping.consumers.iter().map(|consumer| ("consumer", consumer.id, &consumer.name));
    let all = ports.chain(assets).chain(consumers).filter(|(_, id, _)| ids.contains(id));
    let lines = all.map(|(what, id, name)| format!("{what} {id}  {}", report::shown(name)));
    lines.collect::<Vec<_>>().join("\n")
}

impl Run<'_> {
    async fn count(&self, summary: &mut Summary) -> Result<(), Failure> {
        let now = match self.arguments.now {
            Some(now) => now,
            None => self.warehouse.clock().await?,
        };
        let coverage = self.database.coverage(&self.attribution).await?;
        self.refuse_another(&coverage)?;
        let readable = readable(self.arguments, &self.attribution, now)?;
        let kept = readable.days();
        let gaps = self.database.gaps(&self.attribution, Some(&self.rules), kept.clone()).await?;
        let plan = readable.plan(gaps, coverage);
        self.log.say(&report::of_plan(&plan, &self.mapping));
        if let Some(expired) = &plan.expired {
            let days = report::days(expired);
            self.log.warn(&format!("warning: {days} is no longer kept by Snowflake, and stays as it is"));
        }
        summary.read = plan.days();
        self.count_all(&plan, summary).await?;
        self.see_to_what_left(&plan, summary).await?;
        self.finish(&plan, kept, summary).await?;
        self.left_undone(summary)
    }

    /// Two accounts that count the same output ports would remove each other's rows in turns.
    fn refuse_another(&self, coverage: &[PortCoverage]) -> Result<(), Failure> {
        let of_another = coverage
            .iter()
            .filter(|port| port.rules.is_some_and(|rules| fingerprint::is_of_another(rules, self.account)));
        let ids: BTreeSet<Uuid> = of_another.map(|port| port.output_port_id.0).collect();
        if ids.is_empty() || self.arguments.take_over {
            return Ok(());
        }
        let what = format!("another account or program than {} counts these output ports", self.account);
        Err(Failure::new(Exit::Usage, what).because(named(&self.mapping, &ids)).next(
            "give each account output ports of its own, or both would remove each other's rows; --take-over if \
             SNOWFLAKE_ACCOUNT only has another name now",
        ))
    }

    /// What has to be read, and after that what is read once more: however long that takes, today is written.
    async fn count_all(&self, plan: &Plan, summary: &mut Summary) -> Result<(), Failure> {
        let mut parts = Parts::new(self.arguments.rows_at_once);
        self.count_ranges(plan, &plan.ranges, &mut parts, summary).await?;
        summary.reads_once_more = !plan.once_more.is_empty();
        self.count_ranges(plan, &plan.once_more, &mut parts, summary).await?;
        summary.reads_once_more = false;
        summary.complete = summary.refused.is_empty();
        if summary.parts > 1 {
            self.log.say("in all\n");
        }
        self.log.say(&report::of_ingest(&summary.outcome));
        Ok(())
    }

    async fn count_ranges(
        &self,
        plan: &Plan,
        ranges: &[Range<NaiveDate>],
        parts: &mut Parts,
        summary: &mut Summary,
    ) -> Result<(), Failure> {
        for range in ranges {
            parts.begin(range.clone());
            while let Some(days) = parts.current() {
                let statement = usage(&self.attribution, &days)?;
                let what = format!("counting {}", report::days(&days));
                let counted = self.warehouse.run(&statement, &what, parts.most_rows(&days)).await?;
                let Counted::Rows { result: batch, rows } = counted else {
                    parts.halve(&days);
                    continue;
                };
                let rules = self.rules.clone();
                let batch =
                    batch.into_builder().rules(rules).unsettled_from(plan.unsettled_in(&days)).build();
                self.write(days.clone(), batch, summary).await?;
                parts.next(days, rows);
            }
        }
        Ok(())
    }

    /// Makes the tables hold the batch, unless it is empty and should not be.
    async fn write(
        &self,
        days: Range<NaiveDate>,
        batch: UsageBatch,
        summary: &mut Summary,
    ) -> Result<(), Failure> {
        let Some(empty) = self.may_be_empty(&batch).await? else {
            summary.refused.push(days);
            return Ok(());
        };
        let batch = self.database.with_kept_pairs(batch).await?;
        let outcome = self.database.write(self.database.ingest(&batch, empty)?).await?;
        let is_part = summary.read.as_slice() != [days.clone()];
        if is_part {
            self.log.say(&log::heading(&days));
            self.log.say(&report::of_ingest(&outcome));
        }
        summary.add(days, &outcome);
        Ok(())
    }

    /// Whether a batch may be empty: an empty result may be true, but is more often a missing edition, grant or mapping.
    async fn may_be_empty(&self, batch: &UsageBatch) -> Result<Option<Empty>, Failure> {
        if self.arguments.allow_empty {
            return Ok(Some(Empty::Allowed));
        }
        if !batch.queries().is_empty() {
            return Ok(Some(Empty::Refused));
        }
        if !self.warehouse.has_history().await? {
            return Err(Failure::new(Exit::NothingToCount, "ACCESS_HISTORY is empty").next(
                "it is filled on Enterprise Edition or higher only: see the edition in Snowsight, account details",
            ));
        }
        let is_wiped = self.database.holds_any(batch).await?;
        Ok((!is_wiped).then_some(Empty::Allowed))
    }

    /// Names the rows of what has left the mapping, or removes them.
    async fn see_to_what_left(&self, plan: &Plan, summary: &mut Summary) -> Result<(), Failure> {
        let removes = self.arguments.left == Left::Removed;
        // the whole table is looked through, so not every hour: when the mapping may have changed, and now and then
        let is_another = plan.gaps.iter().any(|gap| gap.reason != GapReason::Unsettled);
        if !removes && plan.recounted_from.is_none() && !is_another {
            return Ok(());
        }
        let left = self.database.left(&self.mapped, self.account).await?;
        if left.is_empty() {
            return Ok(());
        }
        if removes {
            summary.left_removed = self.database.remove(&left).await?;
        }
        self.log.say(&report::of_left(&left, removes.then_some(summary.left_removed)));
        summary.left = left;
        Ok(())
    }

    /// What comes after the rows: statistics, how the coverage is now, and the report on what is not counted.
    async fn finish(
        &self,
        plan: &Plan,
        kept: Range<NaiveDate>,
        summary: &mut Summary,
    ) -> Result<(), Failure> {
        if wrote(&summary.outcome) || summary.left_removed > 0 {
            self.database.vacuum().await?;
        }
        let gaps = self.database.gaps(&self.attribution, Some(&self.rules), kept).await?;
        let coverage = self.database.coverage(&self.attribution).await?;
        summary.standing = Some(Standing::of(&gaps, &coverage));
        if self.arguments.coverage
            && let Some(statement) = left_out(&self.attribution, plan)?
            && let Counted::Rows { result, .. } =
                self.warehouse.run(&statement, "what is not counted", usize::MAX).await?
        {
            self.log.say(&report::of_coverage(&result));
            summary.left_out(&result);
        }
        Ok(())
    }

    /// What the run could not do, though all else went well.
    fn left_undone(&self, summary: &Summary) -> Result<(), Failure> {
        if !summary.refused.is_empty() {
            let days = listed(&summary.refused);
            let what = format!("no query counts by the mapping on {days}, though the tables hold some");
            let failure = Failure::new(Exit::NothingToCount, what)
                .next("check the mapping's names and time zone; --allow-empty writes all the same");
            let others = "these days were not written, and all others were".to_owned();
            return Err(match summary.written.is_empty() {
                true => failure,
                false => failure.after(others + &summary.removed_so_far()),
            });
        }
        if !summary.unknown.is_empty() {
            let what = "what the portal does not know was left out, and everything else is counted";
            return Err(Failure::new(Exit::Incomplete, what)
                .next("correct the mapping or the portal; the next run then counts what is missing"));
        }
        Ok(())
    }
}

/// Prints what would run. The database alone is asked, if it is given; there is nothing to log in to.
pub(crate) async fn dry_run(arguments: &Arguments, settings: &Settings) -> Result<(), Failure> {
    let attribution = attribution(arguments, &read_mapping(arguments)?)?;
    let model = model::read(arguments.model.as_deref())?;
    let readable = readable(arguments, &attribution, arguments.now.unwrap_or_else(Utc::now))?;
    let mut text = String::new();
    let plan = match &settings.database_url {
        Some(url) => {
            let interrupt = Interrupt::listen(arguments.limits.run);
            let database = Database::new(url, model, arguments.limits, interrupt)?;
            let account = settings.snowflake.as_ref().map(|settings| &settings.account);
            let rules = account.map(|account| fingerprint::rules(&attribution, account));
            match database.coverage(&attribution).await {
                Ok(coverage) => {
                    let gaps = database.gaps(&attribution, rules.as_ref(), readable.days()).await?;
                    readable.plan(gaps, coverage)
                }
                // --create-tables comes with the first run
                Err(failure) if database::lacks_tables(&failure) => {
                    text += "-- the tables are not there yet, so this is what a first run reads\n";
                    readable.first_run()
                }
                Err(failure) => return Err(failure),
            }
        }
        None => readable.first_run(),
    };
    if plan.ranges.is_empty() {
        text += "-- nothing to read\n";
    }
    for days in plan.ranges.iter().chain(&plan.once_more) {
        text += &format!("-- usage of {}\n{};\n\n", report::days(days), usage(&attribution, days)?);
    }
    if arguments.coverage
        && let Some(statement) = left_out(&attribution, &plan)?
    {
        text += &format!("-- what that leaves out\n{statement};\n");
    }
    log::print_asked(&text)
}

/// The days that can be read: all that Snowflake keeps, unless the command line says otherwise.
fn readable<'a>(
    arguments: &'a Arguments,
    attribution: &Attribution,
    now: DateTime<Utc>,
) -> Result<Readable<'a>, Failure> {
    let Arguments { since, until, recounts, .. } = arguments;
    let asked = Asked { since: *since, until: *until, recounts };
    Readable::new(attribution, now, asked).map_err(|error| unplanned().because(error))
}

fn usage(
    attribution: &Attribution,
    days: &Range<NaiveDate>,
) -> Result<SnowflakeStatement<UsageBatch>, Failure> {
    Aggregation::new(attribution, days.clone()).usage().map_err(|error| unplanned().because(error))
}

/// The report on what is not counted on the last days that have to be read, if there are any.
fn left_out(
    attribution: &Attribution,
    plan: &Plan,
) -> Result<Option<SnowflakeStatement<CoverageReport>>, Failure> {
    let Some(days) = plan.ranges.last().cloned() else { return Ok(None) };
    let statement = Aggregation::new(attribution, days).coverage();
    statement.map(Some).map_err(|error| unplanned().because(error))
}

fn read_mapping(arguments: &Arguments) -> Result<Mapping, Failure> {
    let file = File::open(&arguments.mapping).map_err(|error| wrong_mapping(arguments).because(error))?;
    Mapping::read(BufReader::new(file)).map_err(|error| wrong_mapping(arguments).because(error))
}

fn attribution(arguments: &Arguments, mapping: &Mapping) -> Result<Attribution, Failure> {
    mapping.attribution().map_err(|error| wrong_mapping(arguments).because(error))
}

fn wrong_mapping(arguments: &Arguments) -> Failure {
    Failure::new(Exit::Usage, format!("the mapping {} is of no use", arguments.mapping.display()))
}

fn unplanned() -> Failure {
    Failure::new(Exit::Usage, "there are no such days to read")
}
