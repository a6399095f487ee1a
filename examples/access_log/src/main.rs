//! Writes a made-up access log and its mapping into a directory.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use access_log::{Portal, Shape, write_log};
use flate2::Compression;
use flate2::write::GzEncoder;
use lexopt::prelude::*;

const USAGE: &str = "\
Makes up an access log: DIR/log.jsonl.gz and DIR/mapping.json.

Usage: access-log --out DIR [options]

      --out DIR           where the two files go
      --force             overwrite them
      --seed N            the same seed gives the same files (default 7)
      --queries N         distinct query ids (default 22000)
      --days N            local days (default 120)
      --until DATE        the day after the last (default 2026-07-01)
      --output-ports N    (default 8)
      --tech-assets N     (default 20)
      --consumers N       (default 12)
      --domains N         (default 4)
  -h, --help              this text
";

struct Arguments {
    shape: Shape,
    out: PathBuf,
    overwrite: bool,
}

fn main() -> ExitCode {
    match arguments().and_then(|arguments| arguments.map_or(Ok(()), |arguments| write(&arguments))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("access-log: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for; `None` once it was answered with help.
fn arguments() -> Result<Option<Arguments>, Box<dyn Error>> {
    let (mut shape, mut out, mut overwrite) = (Shape::default(), None, false);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("out") => out = Some(PathBuf::from(parser.value()?)),
            Long("force") => overwrite = true,
            Long("seed") => shape.seed = parser.value()?.parse()?,
            Long("queries") => shape.queries = parser.value()?.parse()?,
            Long("days") => shape.days = parser.value()?.parse()?,
            Long("until") => shape.until = parser.value()?.parse()?,
            Long("output-ports") => shape.output_ports = parser.value()?.parse()?,
            Long("tech-assets") => shape.tech_assets = parser.value()?.parse()?,
            Long("consumers") => shape.consumers = parser.value()?.parse()?,
            Long("domains") => shape.domains = parser.value()?.parse()?,
            Long("help") | Short('h') => {
                print!("{USAGE}");
                return Ok(None);
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    let out = out.ok_or("--out DIR is missing (--help shows the options)")?;
    Ok(Some(Arguments { shape, out, overwrite }))
}

fn write(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let portal = Portal::new(arguments.shape)?;
    std::fs::create_dir_all(&arguments.out).map_err(|error| named(&arguments.out, &error))?;
    let (log, mapping) = (arguments.out.join("log.jsonl.gz"), arguments.out.join("mapping.json"));
    // Both are looked for before either is written.
    for path in [&log, &mapping] {
        if !arguments.overwrite && path.try_exists()? {
            return Err(format!("{} exists already: --force overwrites it", path.display()).into());
        }
    }
    let rows = write_rows(&portal, &log).map_err(|error| named(&log, &error))?;
    write_mapping(&portal, &mapping).map_err(|error| named(&mapping, &error))?;
    eprintln!("{rows} rows of {} queries in {}", arguments.shape.queries, log.display());
    Ok(())
}

fn write_rows(portal: &Portal, path: &Path) -> std::io::Result<u64> {
    let mut rows = GzEncoder::new(BufWriter::new(File::create(path)?), Compression::best());
    let events = portal.events().zip(1_u64..).map(|(event, row)| {
        if row % 1_000_000 == 0 {
            eprintln!("{} million rows, now {}", row / 1_000_000, event.start.date_naive());
        }
        event
    });
    let count = write_log(portal, events, &mut rows)?;
    rows.finish()?.flush()?;
    Ok(count)
}

fn write_mapping(portal: &Portal, path: &Path) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    serde_json::to_writer_pretty(&mut file, portal.mapping())?;
    file.write_all(b"\n")?;
    file.flush()
}

fn named(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
