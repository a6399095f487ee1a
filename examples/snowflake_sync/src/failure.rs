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
    OutOfTime = 7,
    Incomplete = 8,
    Interrupted = 130,
}

impl Exit {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 9] = [
        Self::Usage,
        Self::Login,
        Self::Privilege,
        Self::NothingToCount,
        Self::Postgres,
        Self::Snowflake,
        Self::OutOfTime,
        Self::Incomplete,
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
    written: Written,
    cause: Option<Cause>,
    next: Option<String>,
}

/// What a failed run has written.
#[derive(Debug, PartialEq, Eq)]
enum Written {
    /// There was nothing to write yet, or nobody has said so far.
    Unsaid,
    /// As the text says it.
    Said(String),
    /// Whether a commit took place is not known, and the failure says so itself.
    Unknown,
}

impl Failure {
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), written: Written::Unsaid, cause: None, next: None }
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

    /// Nobody knows what was written: what failed is the answer to a commit.
    pub(crate) fn undecided(mut self) -> Self {
        self.written = Written::Unknown;
        self
    }

    /// Says what the run has written before it failed, unless that is not known.
    pub(crate) fn after(mut self, written: impl Into<String>) -> Self {
        if self.written == Written::Unsaid {
            self.written = Written::Said(written.into());
        }
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The error underneath.
    pub(crate) fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }

    /// What failed, in a line.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }
}

/// A line for what failed, one for each cause, and one for the next step.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        if let Written::Said(written) = &self.written {
            write!(f, "; {written}")?;
        }
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
