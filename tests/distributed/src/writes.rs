//! Every write, after each of which all rows of both sides are compared.

use std::time::Instant;

use anyhow::{Context, Result};
use chrono::Days;
use futures_util::stream;
use output_port_usage::{
    Backfill, Distribution, Ingest, Outcome, Purge, Removal, Scope, UsageBatch, UsageModel, Values,
};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

use crate::facts::{Size, State, Tables, batch, consumer, port};
use crate::portal::{self, DELETED};
use crate::side::Sides;

enum Write {
    Ingest(Ingest),
    Backfill(Backfill, Vec<UsageBatch>),
    Removal(Removal),
    /// An ingest and then, in the same transaction, a text of the host's own.
    WithParent(Ingest, &'static str),
}

/// Makes the tables and writes to them; what is returned is the model that they are of.
pub(crate) async fn run(sides: &mut Sides, size: Size) -> Result<UsageModel> {
    portal::create(sides, size.ports).await?;
    let model = define(sides).await?;
    println!("| write | written | removed | plain ms | distributed ms | ratio |");
    println!("| --- | --- | --- | --- | --- | --- |");
    load(sides, &model, size).await?;
    replace(sides, &model, size).await?;
    others(sides, &model, size).await?;
    foreign_keys(sides, &model).await?;
    let deleted = port(DELETED).0;
    sides.text("delete a parent", &format!("DELETE FROM portal.datasets WHERE id = '{deleted}'")).await?;
    contents(sides, "delete a parent").await?;
    sides.statements(&model.vacuum()).await?;
    Ok(model)
}

/// The tables of a first model, spread; then those that a host turned on later, and everything again.
async fn define(sides: &mut Sides) -> Result<UsageModel> {
    let builder = || match sides.distribution {
        Distribution::Citus => portal::builder().on_citus(),
        _ => portal::builder(),
    };
    let first = builder().build()?;
    let all = builder().combinations().coverage().read_by_consumer().read_by_tech_asset().build()?;
    let distribution = sides.distribution;
    for model in [&first, &all, &all] {
        sides.statements(&[model.create_schema()]).await?;
        sides.statements(&model.create_tables()).await?;
        for statement in model.distribute(distribution) {
            sides.statement(1, &statement).await?;
        }
    }
    for migration in all.migrations() {
        sides.statements(migration.up_statements()).await?;
    }
    check(sides, &all).await?;
    Ok(all)
}

/// What the catalogs say against the model.
async fn check(sides: &mut Sides, model: &UsageModel) -> Result<()> {
    let today = Size { ports: 1, days: 1 }.days().end;
    let mut found = [Vec::new(), Vec::new()];
    for (found, connection) in found.iter_mut().zip(&mut sides.both) {
        let check = model.check(today);
        let rows = check.query().into_sqlx().fetch_all(connection).await.context("check")?;
        *found = check.differences(rows)?.iter().map(ToString::to_string).collect::<Vec<_>>();
    }
    for difference in &found[1] {
        println!("the check of the distributed tables: {difference}");
    }
    Ok(())
}

async fn load(sides: &mut Sides, model: &UsageModel, size: Size) -> Result<()> {
    let days = size.days();
    let history = Scope::new(days.start..days.end - Days::new(10), size.ports())?;
    let mut batches = Vec::new();
    let mut start = days.start;
    while start < history.days().end {
        let end = (start + Days::new(30)).min(history.days().end);
        batches.push(batch(size, &Scope::new(start..end, size.ports())?, State::First, Tables::All));
        start = end;
    }
    // the keys of a distributed table stay while rows are loaded
    let backfill = model.backfill(history)?.keep_keys();
    write(sides, "back-fill, in batches of 30 days", &Write::Backfill(backfill, batches.clone())).await?;
    sides.statements(&model.vacuum()).await?;
    let again = Scope::new(days.start..days.start + Days::new(30), size.ports())?;
    let backfill = model.backfill(again)?.keep_keys().replace_existing();
    write(sides, "back-fill 30 days again", &Write::Backfill(backfill, batches[..1].to_vec())).await?;
    if sides.distribution == Distribution::TimescaleDb {
        compress(sides).await?;
    }
    Ok(())
}

/// Compresses the year before the last.
async fn compress(sides: &mut Sides) -> Result<()> {
    let compress = "SELECT compress_chunk(c) FROM show_chunks('usage.output_port_query_stats_daily', older_than => DATE '1970-01-01') AS c
        UNION ALL SELECT compress_chunk(c) FROM show_chunks('usage.tech_asset_stats_daily', older_than => DATE '1970-01-01') AS c
        UNION ALL SELECT compress_chunk(c) FROM show_chunks('usage.output_port_combined_with_daily', older_than => DATE '1970-01-01') AS c";
    let chunks = sqlx::raw_sql(compress).fetch_all(&mut sides.both[1]).await.context("compress")?;
    println!("| compress {} chunks | | | | | |", chunks.len());
    contents(sides, "compress").await
}

async fn replace(sides: &mut Sides, model: &UsageModel, size: Size) -> Result<()> {
    let all = |days| Scope::new(days, size.ports());
    let of = |scope: &Scope, state, tables| batch(size, scope, state, tables);
    let last = all(size.last(10))?;
    let three = all(size.last(3))?;
    let some = Scope::new(size.last(20), (2..=4).map(port))?;
    let long_ago = all(size.days().start + Days::new(35)..size.days().start + Days::new(38))?;
    for (what, scope, state, tables) in [
        ("replace 10 new days", &last, State::First, Tables::All),
        ("replace 10 days by the same", &last, State::First, Tables::All),
        ("replace 3 days, few changes", &three, State::Changed, Tables::All),
        ("replace 20 days of 3 output ports", &some, State::Changed, Tables::All),
        ("replace 3 days without combinations", &three, State::First, Tables::QueriesAndTouches),
        ("replace 3 days of long ago", &long_ago, State::Changed, Tables::All),
    ] {
        write(sides, what, &Write::Ingest(model.replace(&of(scope, state, tables))?)).await?;
    }
    let one = Scope::new(size.last(2), [port(5)])?;
    let empty = UsageBatch::builder(one).queries(vec![]).touches(vec![]).combinations(vec![]).build();
    write(sides, "replace by nothing", &Write::Ingest(model.replace(&empty)?.allow_empty())).await
}

async fn others(sides: &mut Sides, model: &UsageModel, size: Size) -> Result<()> {
    let scope = Scope::new(size.last(5), (1..=6).map(port))?;
    let changed = batch(size, &scope, State::Changed, Tables::All);
    write(sides, "upsert 5 days of 6 output ports", &Write::Ingest(model.upsert(&changed)?)).await?;

    let beyond = size.ports + 1;
    let unknown = Size { ports: beyond, ..size };
    let scope = Scope::new(size.last(2), [port(1), port(beyond)])?;
    let skipped = model.replace(&batch(unknown, &scope, State::First, Tables::All))?.skip_unknown();
    write(sides, "replace, skipping unknown ids", &Write::Ingest(skipped)).await?;

    let days = size.days();
    let history = Scope::new(days.start..days.start + Days::new(20), (1..=9).map(port))?;
    write(sides, "declare measured", &Write::Ingest(model.declare_measured(&history)?)).await?;
    let removal = model.delete(port(3), consumer(4), size.last(1).start)?;
    write(sides, "delete", &Write::Removal(removal)).await?;
    let removal = model.purge(&Purge::before(days.start + Days::new(7)))?;
    write(sides, "purge 7 days", &Write::Removal(removal)).await?;

    let scope = Scope::new(size.last(4), size.ports())?;
    let ingest = model.replace(&batch(size, &scope, State::Changed, Tables::All))?;
    let rename = "UPDATE portal.datasets SET name = name || ' (new)' WHERE id = '00000000-0000-0000-0000-000000000002'";
    write(sides, "replace, then rename a parent in one transaction", &Write::WithParent(ingest, rename)).await
}

async fn foreign_keys(sides: &mut Sides, model: &UsageModel) -> Result<()> {
    for statements in [model.drop_foreign_keys(), model.add_foreign_keys(), model.add_foreign_keys()] {
        sides.statements(&statements).await?;
    }
    check(sides, model).await
}

/// Runs a write on both sides and compares what it says it did, and then all rows.
async fn write(sides: &mut Sides, what: &str, write: &Write) -> Result<()> {
    let (mut outcomes, mut took) = ([Outcome::default(), Outcome::default()], [0.0; 2]);
    for side in [0, 1] {
        let start = Instant::now();
        match run_one(&mut sides.both[side], write).await {
            Ok(outcome) => outcomes[side] = outcome,
            Err(error) => {
                sides.failed(&format!("{}: {what}", ["plain", "distributed"][side]), &error);
                return Ok(());
            }
        }
        took[side] = start.elapsed().as_secs_f64() * 1e3;
    }
    sides.compare(what, &outcomes);
    let tables = [Some(outcomes[0].queries), outcomes[0].touches, outcomes[0].combinations];
    let sum = |of: fn(&output_port_usage::TableOutcome) -> u64| tables.iter().flatten().map(of).sum::<u64>();
    let (written, removed) = (sum(|table| table.written), sum(|table| table.removed));
    let ratio = took[1] / took[0];
    println!("| {what} | {written} | {removed} | {:.0} | {:.0} | {ratio:.1} |", took[0], took[1]);
    contents(sides, what).await
}

async fn run_one(connection: &mut PgConnection, write: &Write) -> Result<Outcome> {
    let mut transaction = connection.begin().await?;
    let outcome = match write {
        Write::Ingest(ingest) => ingest.clone().run_sqlx(&mut transaction).await?,
        Write::Removal(removal) => removal.clone().run_sqlx(&mut transaction).await?,
        Write::Backfill(backfill, batches) => {
            let batches = batches.iter().cloned().map(Ok::<_, std::convert::Infallible>);
            backfill.clone().run_sqlx(&mut transaction, stream::iter(batches)).await?
        }
        Write::WithParent(ingest, text) => {
            // Citus wants it beforehand; elsewhere it is a setting that nobody reads
            let sequential = "SET LOCAL citus.multi_shard_modify_mode TO 'sequential'";
            sqlx::raw_sql(sequential).execute(&mut *transaction).await?;
            let outcome = ingest.clone().run_sqlx(&mut transaction).await?;
            sqlx::raw_sql(AssertSqlSafe(*text)).execute(&mut *transaction).await?;
            outcome
        }
    };
    transaction.commit().await?;
    Ok(outcome)
}

/// Compares all rows of all tables.
async fn contents(sides: &mut Sides, after: &str) -> Result<()> {
    for (table, sql) in [
        ("queries", "SELECT * FROM usage.output_port_query_stats_daily ORDER BY 1, 2, 3"),
        ("touches", "SELECT * FROM usage.tech_asset_stats_daily ORDER BY 1, 2, 3, 4"),
        ("combinations", "SELECT * FROM usage.output_port_combined_with_daily ORDER BY 1, 2, 3, 4"),
        (
            "coverage",
            "SELECT output_port_id, measured::text, settled::text, rules, counted::text
             FROM usage.output_port_usage_coverage ORDER BY 1",
        ),
    ] {
        let [plain, distributed] = sides.rows(table, sql, &Values(Vec::new())).await?.of;
        let differ =
            plain.iter().zip(&distributed).filter(|(plain, distributed)| plain != distributed).count();
        sides.compare(
            &format!("{table} after \"{after}\", and those that differ"),
            &[(plain.len(), 0), (distributed.len(), differ)],
        );
    }
    Ok(())
}
