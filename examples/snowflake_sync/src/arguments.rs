//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use lexopt::prelude::*;

use crate::database::Left;
use crate::failure::{Exit, Failure};
use crate::limits::Limits;
use crate::log::Format;
use crate::recount::Recount;

pub(crate) const HELP: &str = include_str!("help.txt");
pub(crate) const VERSION: &str = concat!("snowflake-sync ", env!("CARGO_PKG_VERSION"));

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Help,
    Version,
    Run(Box<Arguments>),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) mapping: PathBuf,
    pub(crate) model: Option<PathBuf>,
    pub(crate) dry_run: bool,
    pub(crate) since: Option<NaiveDate>,
    pub(crate) until: Option<NaiveDate>,
    pub(crate) recounts: Vec<Recount>,
    pub(crate) create_tables: bool,
    pub(crate) allow_empty: bool,
    pub(crate) skip_unknown: bool,
    pub(crate) take_over: bool,
    pub(crate) left: Left,
    pub(crate) coverage: bool,
    pub(crate) rows_at_once: usize,
    pub(crate) limits: Limits,
    pub(crate) retries: usize,
    pub(crate) log: Option<Format>,
    pub(crate) quiet: bool,
    pub(crate) metrics: Option<PathBuf>,
    pub(crate) now: Option<DateTime<Utc>>,
}

impl Arguments {
    fn of(mapping: PathBuf) -> Self {
        Self {
            mapping,
            model: None,
            dry_run: false,
            since: None,
            until: None,
            recounts: Recount::defaults().to_vec(),
            create_tables: false,
            allow_empty: false,
            skip_unknown: false,
            take_over: false,
            left: Left::Kept,
            coverage: true,
            rows_at_once: 150_000,
            limits: Limits::default(),
            retries: 4,
            log: None,
            quiet: false,
            metrics: None,
            now: None,
        }
    }
}

pub(crate) fn parse(parser: lexopt::Parser) -> Result<Asked, Failure> {
    read(parser).map_err(|error| {
        Failure::new(Exit::Usage, "the command line is wrong")
            .because(error)
            .next("snowflake-sync --help lists the options")
    })
}

fn read(mut parser: lexopt::Parser) -> Result<Asked, lexopt::Error> {
    let mut mapping = None;
    let mut recounts: Option<Vec<Recount>> = None;
    let mut arguments = Arguments::of(PathBuf::new());
    while let Some(argument) = parser.next()? {
        match argument {
            Long("model") => arguments.model = Some(parser.value()?.into()),
            Long("dry-run") => arguments.dry_run = true,
            Long("since") => arguments.since = Some(parser.value()?.parse()?),
            Long("until") => arguments.until = Some(parser.value()?.parse()?),
            Long("recount") => {
                recounts.get_or_insert_default().extend(parser.value()?.parse_with(Recount::parse)?);
            }
            Long("create-tables") => arguments.create_tables = true,
            Long("allow-empty") => arguments.allow_empty = true,
            Long("skip-unknown") => arguments.skip_unknown = true,
            Long("take-over") => arguments.take_over = true,
            Long("remove-left") => arguments.left = Left::Removed,
            Long("no-coverage") => arguments.coverage = false,
            Long("rows-at-once") => arguments.rows_at_once = parser.value()?.parse()?,
            Long("connect-limit") => arguments.limits.connect = duration(&mut parser)?,
            Long("statement-limit") => arguments.limits.statement = duration(&mut parser)?,
            Long("lock-limit") => arguments.limits.lock = duration(&mut parser)?,
            Long("time-limit") => arguments.limits.run = duration(&mut parser)?,
            Long("retries") => arguments.retries = parser.value()?.parse()?,
            Long("log") => arguments.log = Some(parser.value()?.parse_with(Format::named)?),
            Long("quiet") => arguments.quiet = true,
            Long("metrics") => arguments.metrics = Some(parser.value()?.into()),
            Long("now") => {
                // RFC 3339 has an offset: an instant that depends on the machine's zone is refused
                let text = parser.value()?;
                arguments.now = Some(text.parse_with(DateTime::parse_from_rfc3339)?.to_utc());
            }
            Short('h') | Long("help") => return Ok(Asked::Help),
            Short('V') | Long("version") => return Ok(Asked::Version),
            Value(path) if mapping.is_none() => mapping = Some(PathBuf::from(path)),
            other => return Err(other.unexpected()),
        }
    }
    arguments.mapping = mapping.ok_or("MAPPING.json is missing")?;
    arguments.recounts = recounts.unwrap_or(arguments.recounts);
    Ok(Asked::Run(Box::new(arguments)))
}

/// Such as `90s`, `20m` or `1h`.
fn duration(parser: &mut lexopt::Parser) -> Result<Duration, lexopt::Error> {
    let positive = |text: &str| match text.parse::<jiff::SignedDuration>() {
        Ok(duration) if duration.is_positive() => Ok(duration.unsigned_abs()),
        Ok(_) => Err("it is not longer than nothing".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    parser.value()?.parse_with(positive)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recount::Period;

    fn parsed(line: &str) -> Result<Asked, Failure> {
        parse(lexopt::Parser::from_args(line.split_whitespace()))
    }

    #[test]
    fn every_option_is_read() {
        let line = "--model model.json --dry-run --since 2026-03-01 map.json --create-tables --allow-empty --no-coverage \
            --now 2026-03-12T01:00:00+02:00 --until 2026-03-10 --recount 30/day --recount all/week --skip-unknown \
            --remove-left --take-over --rows-at-once 5 --connect-limit 5s --statement-limit 10m --lock-limit 90s --time-limit 2h \
            --retries 1 --log json --quiet --metrics sync.prom";
        let expected = Arguments {
            model: Some("model.json".into()),
            dry_run: true,
            since: NaiveDate::from_ymd_opt(2026, 3, 1),
            until: NaiveDate::from_ymd_opt(2026, 3, 10),
            recounts: vec![Recount::of(30, Period::Day), Recount::of_all(Period::Week)],
            create_tables: true,
            allow_empty: true,
            skip_unknown: true,
            take_over: true,
            left: Left::Removed,
            coverage: false,
            rows_at_once: 5,
            limits: Limits {
                connect: Duration::from_secs(5),
                statement: Duration::from_secs(600),
                lock: Duration::from_secs(90),
                run: Duration::from_secs(7200),
            },
            retries: 1,
            log: Some(Format::Json),
            quiet: true,
            metrics: Some("sync.prom".into()),
            now: "2026-03-11T23:00:00Z".parse().ok(),
            ..Arguments::of("map.json".into())
        };
        assert_eq!(parsed(line).unwrap(), Asked::Run(Box::new(expected)));
        let never = Arguments { recounts: Vec::new(), ..Arguments::of("map.json".into()) };
        assert_eq!(parsed("map.json --recount never").unwrap(), Asked::Run(Box::new(never)));
        assert_eq!(parsed("--version").unwrap(), Asked::Version);
    }

    #[test]
    fn a_wrong_command_line_says_what_is_wrong_with_it() {
        for (line, expected) in [
            ("", "MAPPING.json is missing"),
            ("one.json two.json", "unexpected argument \"two.json\""),
            ("map.json --sinse 2026-03-01", "invalid option '--sinse'"),
            ("map.json --since yesterday", "yesterday"),
            ("map.json --now 2026-03-12T01:00:00", "2026-03-12T01:00:00"),
            ("map.json --recount 30", "30"),
            ("map.json --recount 0/day", "0/day"),
            ("map.json --time-limit 0s", "not longer than nothing"),
            ("map.json --time-limit soon", "soon"),
            ("map.json --log xml", "xml"),
        ] {
            let failure = parsed(line).unwrap_err();
            assert_eq!(failure.exit(), Exit::Usage);
            assert!(failure.to_string().contains(expected), "{line}: {failure}");
        }
    }

    #[test]
    fn help_lists_every_exit_code() {
        for exit in Exit::ALL {
            assert!(HELP.contains(&format!("\n  {:<5}", exit as u8)), "{exit:?}");
        }
    }
}
