//! Counting a log over as many mapped objects as `attribution` has, and over the same in a plain `HashMap`.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use chrono::NaiveDate;
use output_port_usage::query_log::{Aggregator, json_lines};
use output_port_usage::{Attribution, ConsumerId, OutputPortId, TechAssetId, UsageBatch};
use serde::Deserialize;

use crate::{OBJECTS, PORTS, compare, day, id, object_attribution, object_name, port};

const RECORDS: u64 = 300_000;
const DAYS: u64 = 30;
const CONSUMERS: u64 = 50;
/// Output ports that one consumer reads.
const READ_PORTS: u64 = 20;

/// Two ways of counting the log.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    Ours,
    Floor,
}

impl std::str::FromStr for Way {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "ours" => Ok(Self::Ours),
            "floor" => Ok(Self::Floor),
            _ => bail!("no way {text:?}: ours or floor"),
        }
    }
}

/// Measures both, and compares what they count; gives the peak memory of each in MB.
pub(crate) fn measure() -> Result<[u64; 2]> {
    let log = write_log()?;
    let names: Vec<String> = (0..OBJECTS).map(object_name).collect();
    let attribution = attribution(&names)?;
    let (mut ours, mut floor) = ([0; 3], [0; 3]);
    compare(
        "300,000 records of three objects each counted, of 1,000,000 objects mapped",
        "the lines by serde, the names in a `HashMap`, the counts in others",
        || {
            let batch = count(&attribution, &log)?;
            ours = totals(&batch);
            Ok(())
        },
        || {
            let names = (0..).zip(&names).map(|(number, name)| (name.as_str(), place(number))).collect();
            floor = fold(&names, &log)?.totals();
            Ok(())
        },
    )?;
    ensure!(ours == floor && ours[0] > RECORDS, "ours counts {ours:?}, the floor {floor:?}");
    drop((names, attribution));
    let peaks = [peak_of_another(Way::Ours, &log)?, peak_of_another(Way::Floor, &log)?];
    fs::remove_file(log)?;
    Ok(peaks)
}

/// Counts the log in this process, which does nothing else, and says how much memory that takes at most.
pub(crate) fn print_peak(way: Way, log: &Path) -> Result<()> {
    match way {
        Way::Ours => {
            let attribution = attribution((0..OBJECTS).map(object_name))?;
            black_box(count(&attribution, log)?);
        }
        Way::Floor => {
            let names = (0..OBJECTS).map(|number| (object_name(number), place(number))).collect();
            black_box(fold::<String>(&names, log)?);
        }
    }
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.context("no VmHWM in /proc/self/status")?;
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse()?;
    println!("{}", kib * 1024 / 1_000_000);
    Ok(())
}

/// The peak of a process of its own, in MB.
fn peak_of_another(way: Way, log: &Path) -> Result<u64> {
    let way = match way {
        Way::Ours => "ours",
        Way::Floor => "floor",
    };
    let arguments = ["--bench", "--peak-of", way, "--log"];
    let output = Command::new(std::env::current_exe()?).args(arguments).arg(log).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

fn attribution(names: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Attribution> {
    let mut builder = object_attribution(names);
    for number in 0..CONSUMERS {
        builder = builder.user(user(number), consumer(number));
    }
    Ok(builder.build()?)
}

fn user(number: u64) -> String {
    format!("USER_{number}")
}

fn consumer(number: u64) -> ConsumerId {
    ConsumerId(id(2, number))
}

/// What the floor knows of an object.
fn place(object: u64) -> (OutputPortId, TechAssetId) {
    (port(object / 100), TechAssetId(id(3, object / 10)))
}

/// Each consumer reads some output ports again and again: two tables of one, and one of the next.
fn write_log() -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sizes.jsonl");
    let mut file = BufWriter::new(File::create(&path)?);
    for number in 0..RECORDS {
        let random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let of = number % CONSUMERS;
        let port = (of * 199 + random % READ_PORTS * 7) % (PORTS - 1);
        let table = port * 100 + random / READ_PORTS % 90;
        let objects = [table, table + 5, table + 100].map(|table| {
            serde_json::json!({
                "columns": [{"columnId": 2 * table, "columnName": "KEY"}, {"columnId": 2 * table + 1, "columnName": "VALUE"}],
                "objectDomain": "Table", "objectId": table, "objectName": object_name(table),
            })
        });
        let line = serde_json::json!({
            "query_id": id(5, number),
            "query_start_time": format!("{} 09:30:00.000 +0000", day(number / CONSUMERS % DAYS)),
            "user_name": user(of), "role_name": "READER", "execution_status": "SUCCESS",
            "direct_objects_accessed": objects, "base_objects_accessed": objects,
        });
        serde_json::to_writer(&mut file, &line)?;
        file.write_all(b"\n")?;
    }
    file.flush()?;
    Ok(path)
}

fn count(attribution: &Attribution, log: &Path) -> Result<UsageBatch> {
    let mut aggregator = Aggregator::new(attribution, day(0)..day(DAYS))?;
    for record in json_lines(BufReader::new(File::open(log)?)) {
        aggregator.add(&record?);
    }
    Ok(aggregator.finish().0)
}

fn totals(batch: &UsageBatch) -> [u64; 3] {
    let queries = batch.queries().iter().map(|row| row.query_count);
    let touches = batch.touches().unwrap_or_default().iter().map(|row| row.query_count);
    let combinations = batch.combinations().unwrap_or_default().iter().map(|row| row.query_count);
    [queries.sum(), touches.sum(), combinations.sum()]
}

/// What the floor reads of a line.
#[derive(Deserialize)]
struct Line {
    query_start_time: String,
    user_name: String,
    direct_objects_accessed: Vec<LineObject>,
}

#[derive(Deserialize)]
struct LineObject {
    #[serde(rename = "objectName")]
    object_name: String,
}

/// What the floor counts. It takes every line for a query of its own, and knows neither repeats nor time zones.
#[derive(Default)]
struct Fold {
    queries: HashMap<(NaiveDate, OutputPortId, ConsumerId), u64>,
    touches: HashMap<(NaiveDate, OutputPortId, TechAssetId, ConsumerId), u64>,
    combinations: HashMap<(NaiveDate, OutputPortId, OutputPortId, ConsumerId), u64>,
}

impl Fold {
    fn totals(&self) -> [u64; 3] {
        [self.queries.values().sum(), self.touches.values().sum(), self.combinations.values().sum()]
    }
}

fn fold<Name>(names: &HashMap<Name, (OutputPortId, TechAssetId)>, log: &Path) -> Result<Fold>
where
    Name: std::borrow::Borrow<str> + std::hash::Hash + Eq,
{
    let consumers: HashMap<String, ConsumerId> =
        (0..CONSUMERS).map(|number| (user(number), consumer(number))).collect();
    let mut fold = Fold::default();
    let mut lines = BufReader::new(File::open(log)?);
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        let read: Line = serde_json::from_str(&line)?;
        line.clear();
        let date: NaiveDate = read.query_start_time[..10].parse()?;
        let by = consumers[&read.user_name];
        let objects = read.direct_objects_accessed.iter();
        let read: HashSet<_> = objects.filter_map(|object| names.get(object.object_name.as_str())).collect();
        let mut ports: Vec<OutputPortId> = read.iter().map(|(port, _)| *port).collect();
        ports.sort_unstable();
        ports.dedup();
        for (port, asset) in read {
            *fold.touches.entry((date, *port, *asset, by)).or_default() += 1;
        }
        for (place, port) in ports.iter().enumerate() {
            *fold.queries.entry((date, *port, by)).or_default() += 1;
            for other in &ports[place + 1..] {
                *fold.combinations.entry((date, *port, *other, by)).or_default() += 1;
            }
        }
    }
    Ok(fold)
}
