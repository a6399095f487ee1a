//! Why a run stopped, and what to do next.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// What a scheduler can branch on. The command line's help documents it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Usage = 1,
    Login = 2,
    Privilege = 3,
    NothingToCount = 4,
    Postgres = 5,
    Snowflake = 6,
    Interrupted = 130,
}

impl Exit {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 7] = [
        Self::Usage,
        Self::Login,
        Self::Privilege,
        Self::NothingToCount,
        Self::Postgres,
        Self::Snowflake,
        Self::Interrupted,
    ];
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

type Cause = Box<dyn Error + Send + Sync>;

/// What failed, why, and what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    what: String,
    cause: Option<Cause>,
    next: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), cause: None, next: None }
    }

    pub(crate) fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted; nothing was written")
    }

    /// The error underneath, whose own causes are printed too.
    pub(crate) fn because(mut self, cause: impl Into<Cause>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// What to do about it.
    pub(crate) fn next(mut self, step: impl Into<String>) -> Self {
        self.next = Some(step.into());
        self
    }

    /// Says something else failed, for the same reason.
    pub(crate) fn instead(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }
}

/// A line for what failed, one for each cause, and one for the next step.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        let mut cause = self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static));
        let mut said = String::new();
        while let Some(error) = cause {
            let text = error.to_string();
            // many errors repeat their cause
            if !said.contains(&text) {
                write!(f, "\n  {}", text.replace('\n', "\n  "))?;
            }
            said = text;
            cause = error.source();
        }
        match &self.next {
            Some(step) => write!(f, "\nnext: {step}"),
            None => Ok(()),
        }
    }
}
