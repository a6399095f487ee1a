//! The command line.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use access_log::Zone;
use lexopt::prelude::*;
use sample_portal::Input;

const USAGE: &str = "\
Shows the usage of a portal's output ports as pages in a browser.

Usage: usage-dashboard [LOG MAPPING] [options]
       usage-dashboard --database URL --model FILE [options]

  LOG                 access-history records as newline-delimited JSON, plain or gzip
  MAPPING             the portal's ids and names, and what they are in the warehouse, as JSON
                      (without them a made-up log is read; both go to a throw-away PostgreSQL)

      --database URL  a portal's own database, which is only read
      --model FILE    the model of its usage, as JSON (the library's guide describes it)
      --time-zone Z   the zone whose days the usage is counted in (default: UTC)

      --port N        the port to listen on, 0 for any that is free (default: 8080)
      --listen IP     the address to listen on (default: 127.0.0.1, which only this machine reaches)
      --openapi       prints the OpenAPI document of the API, and no more
  -h, --help          this text
";

#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) source: Source,
    pub(crate) address: SocketAddr,
}

/// Where the usage comes from.
#[derive(Debug)]
pub(crate) enum Source {
    /// A log, counted into a throw-away database.
    Log(Input),
    /// A portal's own database.
    Database { url: String, model: PathBuf, zone: Zone },
}

impl Arguments {
    /// What the command line asks for; `None` once it was answered right here.
    pub(crate) fn from_env() -> Result<Option<Self>, lexopt::Error> {
        Self::parse(lexopt::Parser::from_env())
    }

    fn parse(mut parser: lexopt::Parser) -> Result<Option<Self>, lexopt::Error> {
        let (mut database, mut model, mut zone, mut files) = (None, None, None, Vec::new());
        let mut address = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        while let Some(argument) = parser.next()? {
            match argument {
                Long("database") => database = Some(parser.value()?.string()?),
                Long("model") => model = Some(PathBuf::from(parser.value()?)),
                Long("time-zone") => zone = Some(parser.value()?.parse_with(named)?),
                Long("port") => address.set_port(parser.value()?.parse()?),
                Long("listen") => address.set_ip(parser.value()?.parse::<IpAddr>()?),
                Long("openapi") => {
                    println!(
                        "{}",
                        usage_dashboard::document().to_pretty_json().map_err(|error| error.to_string())?
                    );
                    return Ok(None);
                }
                Long("help") | Short('h') => {
                    print!("{USAGE}");
                    return Ok(None);
                }
                Value(file) => files.push(file),
                _ => return Err(argument.unexpected()),
            }
        }
        let source = match (database, model, zone) {
            (None, None, None) => Source::Log(input(files)?),
            (Some(url), Some(model), zone) if files.is_empty() => {
                Source::Database { url, model, zone: zone.unwrap_or_default() }
            }
            (Some(_), Some(_), _) => {
                return Err("a log goes to a throw-away database, not to --database".into());
            }
            (Some(_), None, _) => return Err("--database needs --model, the model of its usage".into()),
            (None, ..) => return Err("--model and --time-zone are for --database".into()),
        };
        Ok(Some(Self { source, address }))
    }
}

fn input(files: Vec<OsString>) -> Result<Input, lexopt::Error> {
    match <[OsString; 2]>::try_from(files) {
        Ok([log, mapping]) => Ok(Input::Files { log: log.into(), mapping: mapping.into() }),
        Err(files) if files.is_empty() => Ok(Input::Sample),
        Err(files) => Err(format!("a log and its mapping are two files, {} given", files.len()).into()),
    }
}

fn named(name: &str) -> Result<Zone, &'static str> {
    Zone::named(name).ok_or("it is no time zone, such as Europe/Brussels")
}
