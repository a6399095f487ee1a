//! The command line.

use std::path::PathBuf;

use anyhow::{Context, Result};
use lexopt::prelude::*;

use crate::data::Shape;

const HELP: &str = "\
Reads and writes on a real PostgreSQL, each beside its floor, the raw query log and the usual portal design.

cargo bench --package output-port-usage-benches --bench postgres -- [options]

    --large       20 million rows of queries, another seed and another distribution of ports and consumers
    --rows N      rows of queries (600000; 20100000 with --large)
    --seed N      of the made-up data (1; 2 with --large)
    --out DIR     where the tables (Markdown) and the charts (SVG) go (target/postgres-bench)
    --help        this text
";

/// What was asked for.
#[derive(Debug)]
pub(crate) enum Asked {
    Run(Arguments),
    /// A text to print instead.
    Print(&'static str),
}

#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) rows: u64,
    pub(crate) seed: u64,
    pub(crate) shape: Shape,
    pub(crate) out: PathBuf,
    /// What to type for the same run.
    pub(crate) command: String,
}

pub(crate) fn from_env() -> Result<Asked> {
    let (mut rows, mut seed, mut out, mut shape) = (None, None, None, Shape::Even);
    let mut bench = false;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("large") => shape = Shape::HeavyTail,
            Long("rows") => rows = Some(parser.value()?.parse()?),
            Long("seed") => seed = Some(parser.value()?.parse()?),
            Long("out") => out = Some(PathBuf::from(parser.value()?)),
            // from cargo bench; cargo test gives none
            Long("bench") => bench = true,
            Long("help") | Short('h') => return Ok(Asked::Print(HELP)),
            _ => return Err(argument.unexpected()).context("see --help"),
        }
    }
    if !bench {
        return Ok(Asked::Print(
            "not run by tests: cargo bench --package output-port-usage-benches --bench postgres\n",
        ));
    }
    let (usual_rows, usual_seed) = match shape {
        Shape::Even => (600_000, 1),
        Shape::HeavyTail => (20_100_000, 2),
    };
    let (rows, seed) = (rows.unwrap_or(usual_rows), seed.unwrap_or(usual_seed));
    let mut command = "cargo bench --package output-port-usage-benches --bench postgres".to_owned();
    let large = if shape == Shape::HeavyTail { " --large" } else { "" };
    if !large.is_empty() || rows != usual_rows || seed != usual_seed {
        command.push_str(" --");
    }
    command.push_str(large);
    if rows != usual_rows {
        command.push_str(&format!(" --rows {rows}"));
    }
    if seed != usual_seed {
        command.push_str(&format!(" --seed {seed}"));
    }
    let out = out.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../target/postgres-bench").into());
    Ok(Asked::Run(Arguments { rows, seed, shape, out, command }))
}
