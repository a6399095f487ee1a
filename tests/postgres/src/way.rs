use std::env;

use crate::error::{Error, Kind};

/// How a server is come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Url,
    Local,
    Docker,
}

impl Way {
    /// Forces one way: `url`, `local` or `docker`.
    pub(crate) const VARIABLE: &str = "OUTPUT_PORT_USAGE_POSTGRES";

    /// The way that the environment forces, if any.
    pub(crate) fn forced() -> Result<Option<Self>, Error> {
        let Some(value) = env::var_os(Self::VARIABLE).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        match value.to_str() {
            Some("url") => Ok(Some(Self::Url)),
            Some("local") => Ok(Some(Self::Local)),
            Some("docker") => Ok(Some(Self::Docker)),
            _ => Err(Kind::UnknownWay { given: value.to_string_lossy().into_owned() }.into()),
        }
    }
}
