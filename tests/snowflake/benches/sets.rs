//! What whole schemas cost beside the same objects by their names: 5,000 schemas and 100,000 objects, mapped at once.
//!
//! ```text
//! cargo bench --package snowflake-emulation --bench sets
//! cargo bench --package snowflake-emulation --bench sets -- --tables 20
//! ```
//!
//! Times are processor time, medians of rounds in turns, so that other work on the machine does not count. Linux only,
//! for `/proc`.

use std::collections::HashMap;
use std::fs;
use std::hint::black_box;
use std::io::{self, Write as _};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use output_port_usage::query_log::{AccessedObject, Aggregator, Record};
use output_port_usage::snowflake::{Aggregation, Bind, SnowflakeStatement};
use output_port_usage::{Attribution, AttributionBuilder, ConsumerId, OutputPortId, TechAssetId, UsageBatch};
use snowflake_emulation::{Access, Account, Answer};
use uuid::Uuid;

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

const SCHEMAS: u64 = 5_000;
const OBJECTS: u64 = 100_000;
const PORTS: u64 = 1_000;
const QUERIES: u64 = 50_000;
const DAYS: u64 = 3;
/// Odd, so that there is a round in the middle.
const ROUNDS: usize = 5;
/// Objects of each record whose names are looked up in-process.
const LOOKED_UP: u64 = 16;

fn main() -> Result<()> {
    let (mut is_bench, mut tables) = (false, 4);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match &*argument {
            // from cargo bench; cargo test gives none
            "--bench" => is_bench = true,
            "--tables" => tables = arguments.next().ok_or("--tables takes a number")?.parse()?,
            other => return Err(format!("no argument {other:?}: --tables TABLES_OF_EACH_SCHEMA").into()),
        }
    }
    if !is_bench {
        println!("not run by tests: cargo bench --package snowflake-emulation --bench sets");
        return Ok(());
    }
    let names = Names::new(tables);
    println!(
        "{SCHEMAS} schemas and {OBJECTS} objects; by their names alone, {} objects more, {tables} of each schema\n",
        names.of_schemas.len()
    );
    let mapped = builds(&names)?;
    sizes(&names, &mapped)?;
    emulated(&names, &mapped)?;
    looked_up(&names, &mapped)
}

/// The names that the log reads and that attributions map.
struct Names {
    schemas: Vec<String>,
    /// Those of one schema beside each other.
    of_schemas: Vec<String>,
    by_themselves: Vec<String>,
    tables: u64,
}

impl Names {
    fn new(tables: u64) -> Self {
        let schemas: Vec<String> =
            (0..SCHEMAS).map(|number| format!("DB_{}.SCHEMA_{number}", number % 20)).collect();
        let of_schema = |schema: &String| {
            let schema = schema.clone();
            (0..tables).map(move |number| format!("{schema}.TABLE_{number}"))
        };
        Self {
            of_schemas: schemas.iter().flat_map(of_schema).collect(),
            schemas,
            by_themselves: (0..OBJECTS)
                .map(|number| format!("DB_{}.SINGLE_{}.TABLE_{number}", number % 20, number % 500))
                .collect(),
            tables,
        }
    }

    /// The objects of both kinds with their places.
    fn mapped_by_name(&self) -> impl Iterator<Item = (&str, (TechAssetId, OutputPortId))> {
        let of_schemas =
            (0..).zip(&self.of_schemas).map(|(number, name)| (name, asset(number / self.tables)));
        let by_themselves =
            (0..).zip(&self.by_themselves).map(|(number, name)| (name, objects_asset(number)));
        of_schemas.chain(by_themselves).map(|(name, place)| (name.as_str(), place))
    }

    /// One of every three is no table of a schema, and every eighth is not mapped at all.
    fn read(&self, random: u64) -> String {
        let find = |names: &[String]| names[(random / 24) as usize % names.len()].clone();
        match (random % 8, random % 3) {
            (0, _) => format!("DB_{}.UNKNOWN.TABLE_{}", random % 20, random % 10_000),
            (_, 0) => find(&self.by_themselves),
            _ => find(&self.of_schemas),
        }
    }
}

/// The same objects in the same tech assets: with whole schemas, and by their names alone.
struct Mapped {
    sets: Attribution,
    names: Attribution,
}

/// A schema's tech asset, or that of ten objects, and its output port.
fn asset(number: u64) -> (TechAssetId, OutputPortId) {
    (TechAssetId(id(3, number)), OutputPortId(id(1, number % PORTS)))
}

fn objects_asset(object: u64) -> (TechAssetId, OutputPortId) {
    asset(SCHEMAS + object / 10)
}

/// What every attribution has.
fn builder() -> AttributionBuilder {
    let mut builder =
        Attribution::builder().role("READER", ConsumerId(id(2, 0))).time_zone("Europe/Brussels");
    for number in 1..50 {
        builder = builder.user(format!("USER_{number}"), ConsumerId(id(2, number)));
    }
    builder
}

fn with_assets(builder: AttributionBuilder, numbers: std::ops::Range<u64>) -> AttributionBuilder {
    numbers.map(asset).fold(builder, |builder, (asset, port)| builder.tech_asset(asset, [port]))
}

fn with_objects(builder: AttributionBuilder, names: &Names) -> AttributionBuilder {
    let objects = (0..).zip(&names.by_themselves);
    let builder =
        objects.fold(builder, |builder, (number, name)| builder.object(name, objects_asset(number).0));
    with_assets(builder, SCHEMAS..SCHEMAS + OBJECTS / 10)
}

fn with_schemas(builder: AttributionBuilder, names: &Names) -> AttributionBuilder {
    let schemas = (0..).zip(&names.schemas);
    let builder = schemas.fold(builder, |builder, (number, name)| builder.schema(name, asset(number).0));
    with_assets(builder, 0..SCHEMAS)
}

fn with_their_tables(builder: AttributionBuilder, names: &Names) -> AttributionBuilder {
    let tables = (0..).zip(&names.of_schemas);
    let builder =
        tables.fold(builder, |builder, (number, name)| builder.object(name, asset(number / names.tables).0));
    with_assets(builder, 0..SCHEMAS)
}

fn builds(names: &Names) -> Result<Mapped> {
    let (mut sets, mut by_name) = (None, None);
    let [of_sets, of_names, floor] = in_turns([
        &mut || {
            sets = Some(with_schemas(with_objects(builder(), names), names).build()?);
            Ok(())
        },
        &mut || {
            by_name = Some(with_their_tables(with_objects(builder(), names), names).build()?);
            Ok(())
        },
        &mut || {
            let copied = names.mapped_by_name().map(|(name, place)| (name.to_owned(), place));
            black_box(copied.collect::<HashMap<_, _>>());
            Ok(())
        },
    ])?;
    println!("| an attribution built | ms |\n| --- | --- |");
    println!("| schemas and objects | {of_sets:.0} |\n| names alone | {of_names:.0} |");
    println!("| floor: names alone, copied, in a `HashMap` | {floor:.0} |\n");
    let built = "it has been built in each round";
    Ok(Mapped { sets: sets.ok_or(built)?, names: by_name.ok_or(built)? })
}

/// What Snowflake's limit of 1 MB, compressed, is for.
fn sizes(names: &Names, mapped: &Mapped) -> Result<()> {
    println!("| bound values of a statement | MB | compressed, MB |\n| --- | --- | --- |");
    let schemas = with_schemas(builder(), names).build()?;
    let attributions =
        [("schemas and objects", &mapped.sets), ("names alone", &mapped.names), ("schemas alone", &schemas)];
    for (what, attribution) in attributions {
        let statement = Aggregation::new(attribution, day(0)..day(DAYS)).usage()?;
        let mut all = GzEncoder::new(Vec::new(), Compression::default());
        let mut bytes = 0;
        for bind in statement.binds() {
            if let Bind::Text(text) = bind {
                all.write_all(text.as_bytes())?;
                bytes += text.len();
            }
        }
        println!("| {what} | {:.1} | {:.2} |", bytes as f64 / 1e6, all.finish()?.len() as f64 / 1e6);
    }
    println!();
    Ok(())
}

/// The emulated account's time for the same log, and whether both answers are the same.
fn emulated(names: &Names, mapped: &Mapped) -> Result<()> {
    let account = Account::new(
        chrono_tz::America::Los_Angeles,
        "SNOWFLAKE.ACCOUNT_USAGE.ACCESS_HISTORY",
        "SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY",
    )?;
    account.load(&log(names))?;
    println!("| emulated, {QUERIES} queries | schemas and objects, ms | names alone, ms | ratio |");
    println!("| --- | --- | --- | --- |");
    let [sets, by_name] = [&mapped.sets, &mapped.names].map(|by| Aggregation::new(by, day(0)..day(DAYS)));
    compare("usage", &account, [sets.usage()?, by_name.usage()?])?;
    compare("output_port_queries", &account, [sets.output_port_queries()?, by_name.output_port_queries()?])?;
    println!();
    Ok(())
}

fn compare(what: &str, account: &Account, statements: [SnowflakeStatement<UsageBatch>; 2]) -> Result<()> {
    let [sets, names] = &statements;
    let (mut of_sets, mut of_names) = (None, None);
    let mut ratios = Vec::new();
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        let [of_sets, of_names] =
            [(sets, &mut of_sets), (names, &mut of_names)].map(|(statement, answer)| {
                timed(&mut || {
                    *answer = Some(account.run(&statement.sql(), statement.binds())?);
                    Ok(())
                })
            });
        let (of_sets, of_names) = (of_sets?, of_names?);
        times[0].push(of_sets);
        times[1].push(of_names);
        ratios.push(of_sets / of_names);
    }
    if of_sets != of_names || of_sets.is_none_or(|answer: Answer| answer.rows.is_empty()) {
        return Err(format!("{what}: not the same rows").into());
    }
    let [of_sets, of_names] = times.map(median);
    ratios.sort_by(f64::total_cmp);
    let (least, most) = (ratios[0], ratios[ROUNDS - 1]);
    println!("| {what} | {of_sets:.0} | {of_names:.0} | {:.2} ({least:.2}–{most:.2}) |", median(ratios));
    Ok(())
}

/// What a name's lookup takes, from records that nothing else is counted of: they have no user.
fn looked_up(names: &Names, mapped: &Mapped) -> Result<()> {
    let records: Vec<Record> = (0..QUERIES / 4)
        .map(|number| {
            let reads = (0..LOOKED_UP).map(|read| names.read(random(number * LOOKED_UP + read)));
            record(number, reads)
        })
        .collect();
    let plain: HashMap<&str, (TechAssetId, OutputPortId)> = names.mapped_by_name().collect();
    let [mut of_sets, mut of_names] = [
        Aggregator::new(&mapped.sets, day(0)..day(DAYS))?,
        Aggregator::new(&mapped.names, day(0)..day(DAYS))?,
    ];
    let mut found = 0;
    let times = in_turns([
        &mut || {
            records.iter().for_each(|record| of_sets.add(record));
            Ok(())
        },
        &mut || {
            records.iter().for_each(|record| of_names.add(record));
            Ok(())
        },
        &mut || {
            let objects = records.iter().flat_map(|record| &record.direct_objects_accessed);
            let names = objects.filter_map(|object| object.object_name.as_deref());
            found += black_box(names.filter_map(|name| plain.get(name)).count());
            Ok(())
        },
    ])?;
    let has_found = [of_sets, of_names].map(|aggregator| aggregator.finish().1.unmapped_principal);
    if has_found[0] != has_found[1] || found == 0 {
        return Err(format!("records with mapped objects: {has_found:?}").into());
    }
    println!("| in-process, of a record of {LOOKED_UP} objects | ns a name |\n| --- | --- |");
    let ways = [
        "an aggregator, schemas and objects",
        "an aggregator, names alone",
        "a plain `HashMap` of the names",
    ];
    for (way, ms) in ways.iter().zip(times) {
        println!("| {way} | {:.0} |", ms * 1e6 / (QUERIES / 4 * LOOKED_UP) as f64);
    }
    Ok(())
}

/// Each read is one of three of a query.
fn log(names: &Names) -> Vec<Access> {
    (0..QUERIES)
        .map(|number| {
            let reads = (0..3).map(|read| names.read(random(3 * number + read)));
            let mut record = record(number, reads);
            record.user_name = Some(format!("USER_{}", number % 80));
            record.role_name = Some(if number % 3 == 0 { "OTHER" } else { "READER" }.to_owned());
            Access { record, query_rows: 1, delay: TimeDelta::zero() }
        })
        .collect()
}

fn record(number: u64, names: impl Iterator<Item = String>) -> Record {
    let start = day(0).and_hms_opt(0, 30, 0).expect("a time of the day").and_utc();
    let seconds = i64::try_from(number % (DAYS * 86_400)).expect("seconds of three days");
    let start: DateTime<Utc> = start + TimeDelta::seconds(seconds);
    let mut record = Record::new(id(5, number).to_string(), start);
    record.direct_objects_accessed = names.map(|name| AccessedObject::new("Table", name)).collect();
    record
}

/// The medians of some ways in turns, in milliseconds.
fn in_turns<const WAYS: usize>(mut ways: [&mut dyn FnMut() -> Result<()>; WAYS]) -> Result<[f64; WAYS]> {
    let mut times = [(); WAYS].map(|()| Vec::new());
    for _ in 0..ROUNDS {
        for (way, times) in ways.iter_mut().zip(&mut times) {
            times.push(timed(way)?);
        }
    }
    Ok(times.map(median))
}

/// The processor time of this thread in milliseconds.
fn timed(way: &mut dyn FnMut() -> Result<()>) -> Result<f64> {
    let nanos = || -> io::Result<u64> {
        let schedule = fs::read_to_string("/proc/thread-self/schedstat")?;
        let nanos = schedule.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
        nanos.ok_or_else(|| io::Error::other("no time in /proc/thread-self/schedstat"))
    };
    let start = nanos()?;
    way()?;
    Ok((nanos()? - start) as f64 / 1e6)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn day(number: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 10).expect("a date of the calendar") + chrono::Days::new(number)
}

/// The same number for a number every time, and no pattern in them.
fn random(number: u64) -> u64 {
    let mixed = (number ^ 0x5851_f42d_4c95_7f2d).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 8
}

/// Ids without order, as portals have them: the same for a number every time.
fn id(space: u128, number: u64) -> Uuid {
    Uuid::from_u128(
        (space << 64 | u128::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
    )
}
