//! The command line.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use lexopt::prelude::*;

use crate::failure::{Exit, Failure};

pub(crate) const HELP: &str = "\
snowflake-sync: counts usage in Snowflake and keeps the usage tables in Postgres up to date

usage: snowflake-sync [OPTIONS] MAPPING.json

options:
  --model FILE      the usage tables and the portal's tables they refer to, as JSON; README describes it
  --dry-run         print the statements for Snowflake, run and write nothing
  --since DAY       read all days from this one on and none before it, whatever is measured (2026-03-01)
  --create-tables   create the usage tables first, where they are missing
  --allow-empty     write even if nothing was counted, which removes what these days hold
  --no-coverage     leave out the report on what is not counted, and its scan of the views
  --now INSTANT     plan as of this instant, not of Snowflake's clock (2026-03-12T12:00:00Z)
  -h, --help        print this

environment:
  SNOWFLAKE_ACCOUNT      the account identifier, as in its address: ORGANIZATION-NAME
  SNOWFLAKE_USER         the user
  SNOWFLAKE_PASSWORD     its password, or
  SNOWFLAKE_PRIVATE_KEY_PATH         a file with its private key (PKCS #8, PEM), and
  SNOWFLAKE_PRIVATE_KEY_PASSPHRASE   the passphrase of that file, if it has one
  SNOWFLAKE_ROLE         the role that may read the views; the user's default role if it is not set
  SNOWFLAKE_WAREHOUSE    the warehouse; the user's default warehouse if it is not set
  SNOWFLAKE_URL          another address than https://ACCOUNT.snowflakecomputing.com
  DATABASE_URL           postgres://USER:PASSWORD@HOST/DATABASE

exit codes:
  0    done: the tables hold what Snowflake counts
  1    the command line, the environment, the mapping or the model is wrong, or there are no days to read
  2    Snowflake refused the login
  3    the role lacks a privilege in Snowflake, or there is no warehouse to run in
  4    there is nothing to count in Snowflake
  5    Postgres was not reached, failed, or refused the rows
  6    Snowflake was not reached, refused a statement, or its answer was of no use
  130  interrupted by Ctrl-C or SIGTERM
The rows of a run are all written or none. Other than 0 it is none, unless the message says otherwise: that they
were written and what comes after them failed, or that the answer to the commit was lost.
";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Help,
    Run(Arguments),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) mapping: PathBuf,
    pub(crate) model: Option<PathBuf>,
    pub(crate) dry_run: bool,
    pub(crate) since: Option<NaiveDate>,
    pub(crate) create_tables: bool,
    pub(crate) allow_empty: bool,
    pub(crate) coverage: bool,
    pub(crate) now: Option<DateTime<Utc>>,
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
    let mut arguments = Arguments {
        mapping: PathBuf::new(),
        model: None,
        dry_run: false,
        since: None,
        create_tables: false,
        allow_empty: false,
        coverage: true,
        now: None,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("model") => arguments.model = Some(parser.value()?.into()),
            Long("dry-run") => arguments.dry_run = true,
            Long("since") => arguments.since = Some(parser.value()?.parse()?),
            Long("create-tables") => arguments.create_tables = true,
            Long("allow-empty") => arguments.allow_empty = true,
            Long("no-coverage") => arguments.coverage = false,
            Long("now") => {
                // RFC 3339 has an offset: an instant that depends on the machine's zone is refused
                let text = parser.value()?;
                arguments.now = Some(text.parse_with(DateTime::parse_from_rfc3339)?.to_utc());
            }
            Short('h') | Long("help") => return Ok(Asked::Help),
            Value(path) if mapping.is_none() => mapping = Some(PathBuf::from(path)),
            other => return Err(other.unexpected()),
        }
    }
    arguments.mapping = mapping.ok_or("MAPPING.json is missing")?;
    Ok(Asked::Run(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Asked, Failure> {
        parse(lexopt::Parser::from_args(line.split_whitespace()))
    }

    #[test]
    fn every_option_is_read() {
        let line = "--model model.json --dry-run --since 2026-03-01 map.json --create-tables --allow-empty --no-coverage \
            --now 2026-03-12T01:00:00+02:00";
        let expected = Arguments {
            mapping: "map.json".into(),
            model: Some("model.json".into()),
            dry_run: true,
            since: NaiveDate::from_ymd_opt(2026, 3, 1),
            create_tables: true,
            allow_empty: true,
            coverage: false,
            now: "2026-03-11T23:00:00Z".parse().ok(),
        };
        assert_eq!(parsed(line).unwrap(), Asked::Run(expected));
    }

    #[test]
    fn a_wrong_command_line_says_what_is_wrong_with_it() {
        for (line, expected) in [
            ("", "MAPPING.json is missing"),
            ("one.json two.json", "unexpected argument \"two.json\""),
            ("map.json --sinse 2026-03-01", "invalid option '--sinse'"),
            ("map.json --since yesterday", "yesterday"),
            ("map.json --now 2026-03-12T01:00:00", "2026-03-12T01:00:00"),
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
