//! The command line.

use std::path::PathBuf;

use lexopt::prelude::*;
use output_port_usage::Granularity;
use sample_portal::Input;

const USAGE: &str = "\
Charts the usage of an output port from an access log, on a throw-away PostgreSQL.

Usage: quickstart [LOG MAPPING] [options]

  LOG                 access-history records as newline-delimited JSON, plain or gzip
  MAPPING             the portal's ids and names, and what they are in the warehouse, as JSON
                      (README describes both; without them a made-up log is read)

      --port ID       the output port to chart (default: the one with the most queries)
      --granularity G day, week, month, quarter or year (default: what fits the log's days)
  -h, --help          this text
";

pub(crate) struct Arguments {
    pub(crate) input: Input,
    pub(crate) port: Option<String>,
    pub(crate) granularity: Option<Granularity>,
}

impl Arguments {
    /// What the command line asks for; `None` once it was answered with help.
    pub(crate) fn from_env() -> Result<Option<Self>, lexopt::Error> {
        let (mut port, mut granularity, mut files) = (None, None, Vec::new());
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("port") => port = Some(parser.value()?.string()?),
                Long("granularity") => granularity = Some(parser.value()?.parse_with(parse_granularity)?),
                Long("help") | Short('h') => {
                    print!("{USAGE}");
                    return Ok(None);
                }
                Value(file) => files.push(PathBuf::from(file)),
                _ => return Err(argument.unexpected()),
            }
        }
        let input = match <[PathBuf; 2]>::try_from(files) {
            Ok([log, mapping]) => Input::Files { log, mapping },
            Err(files) if files.is_empty() => Input::Sample,
            Err(files) => {
                let given = files.len();
                return Err(format!("a log and its mapping are two files, {given} given").into());
            }
        };
        Ok(Some(Self { input, port, granularity }))
    }
}

fn parse_granularity(text: &str) -> Result<Granularity, &'static str> {
    match text {
        "day" => Ok(Granularity::Day),
        "week" => Ok(Granularity::Week),
        "month" => Ok(Granularity::Month),
        "quarter" => Ok(Granularity::Quarter),
        "year" => Ok(Granularity::Year),
        _ => Err("it is none of day, week, month, quarter and year"),
    }
}
