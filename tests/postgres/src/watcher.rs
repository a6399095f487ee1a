use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use crate::account::Account;

/// A shell that outlives this process and clears up after it.
///
/// Its standard input is a pipe whose other end only this process holds (close-on-exec, so that no child
/// inherits it). However this process ends, the kernel closes that end; the shell reads end-of-file and does
/// what its script says. It is the head of a process group of its own, so an interrupt from the terminal,
/// which goes to our group, does not reach it.
#[derive(Debug)]
pub(crate) struct Watcher(Child);

impl Watcher {
    /// Starts a script. What varies is passed as `$1` and following, never put into its text.
    pub(crate) fn start<A: AsRef<OsStr>>(
        script: &'static str,
        arguments: impl IntoIterator<Item = A>,
        account: Option<Account>,
        output: Stdio,
        errors: Stdio,
    ) -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script).arg("output-port-usage-watcher").args(arguments);
        command.current_dir("/").env("LC_ALL", "C").process_group(0);
        command.stdin(Stdio::piped()).stdout(output).stderr(errors);
        if let Some(account) = account {
            command.uid(account.user).gid(account.group);
        }
        command.spawn().map(Self)
    }

    /// Sends the script a line on its standard input.
    pub(crate) fn tell(&mut self, line: &str) -> io::Result<()> {
        match &mut self.0.stdin {
            Some(pipe) => writeln!(pipe, "{line}"),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Whether the script is over, which while we live means that it failed.
    pub(crate) fn is_over(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    /// Closes the pipe and waits until the script has cleared up.
    pub(crate) fn dismiss(mut self) {
        drop(self.0.stdin.take());
        // The caller reports why the server failed; that matters more than a failed wait.
        let _ = self.0.wait();
    }
}
