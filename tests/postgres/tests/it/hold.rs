//! Another process that holds a database.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

/// How the other process ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ending {
    Return,
    Exit,
    Panic,
    Interrupt,
    Kill,
}

impl Ending {
    pub(crate) const ALL: [Self; 5] = [Self::Return, Self::Exit, Self::Panic, Self::Interrupt, Self::Kill];

    fn argument(self) -> &'static str {
        match self {
            Self::Return => "return",
            Self::Exit => "exit",
            Self::Panic => "panic",
            Self::Interrupt | Self::Kill => "wait",
        }
    }
}

/// A process that has its database.
#[derive(Debug)]
pub(crate) struct Hold {
    process: Child,
    ending: Ending,
    pub(crate) server: String,
    pub(crate) url: String,
    pub(crate) leaves: String,
}

/// `hold` with the environment of one way only.
pub(crate) fn command(forced: Option<&str>, ending: Ending) -> Command {
    let hold = env!("CARGO_BIN_EXE_hold");
    let mut command = if cfg!(target_os = "linux") {
        // A shell starts its background jobs with SIGINT ignored, which they hand on: here it must end the process.
        let mut command = Command::new("/usr/bin/env");
        command.args(["--default-signal=INT", hold]);
        command
    } else {
        Command::new(hold)
    };
    command.arg(ending.argument()).process_group(0);
    command.env_remove("OUTPUT_PORT_USAGE_POSTGRES").env_remove("OUTPUT_PORT_USAGE_DATABASE_URL");
    if let Some(forced) = forced {
        command.env("OUTPUT_PORT_USAGE_POSTGRES", forced);
    }
    command
}

/// What `hold` wrote to standard error, with a database nowhere to be had.
pub(crate) fn failure(command: &mut Command) -> String {
    let output = command.output().expect("hold was built with this test");
    assert!(!output.status.success(), "a database was made: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).expect("messages are UTF-8")
}

impl Hold {
    /// Starts a process and waits for its database; an error holds what it wrote.
    pub(crate) fn start(command: &mut Command, ending: Ending) -> Result<Self, String> {
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("hold was built with this test");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let mut line = |start: &str| Some(lines.next()?.ok()?.strip_prefix(start)?.to_owned());
        match (line("server "), line("url "), line("leaves ")) {
            (Some(server), Some(url), Some(leaves)) => Ok(Self { process, ending, server, url, leaves }),
            _ => {
                let mut text = String::new();
                process.stderr.take().expect("piped").read_to_string(&mut text).expect("UTF-8");
                process.wait().expect("our child");
                Err(text)
            }
        }
    }

    /// Ends the process as planned and says whose trace to look for.
    pub(crate) fn end(mut self) -> String {
        let process = Pid::from_child(&self.process);
        match self.ending {
            // As a terminal does: to the group, not to the process alone.
            Ending::Interrupt => rustix::process::kill_process_group(process, Signal::INT).expect("it lives"),
            Ending::Kill => rustix::process::kill_process_group(process, Signal::KILL).expect("it lives"),
            Ending::Return | Ending::Exit | Ending::Panic => {}
        }
        self.process.wait().expect("our child");
        self.leaves
    }
}

/// Waits until something holds, for at most 40 seconds.
pub(crate) fn eventually(what: impl fmt::Display, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(40);
    while !holds() {
        assert!(Instant::now() < deadline, "not within 40 seconds: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
