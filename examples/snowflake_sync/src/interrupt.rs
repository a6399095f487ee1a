//! Ctrl-C, a scheduler's request to stop, and the end of the time that a run has.

use std::time::Duration;

use tokio::sync::watch;

use crate::failure::{Exit, Failure};

/// Why a run has to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Asked,
    OutOfTime(Duration),
}

impl Stop {
    fn failure(self) -> Failure {
        match self {
            Self::Asked => Failure::new(Exit::Interrupted, "interrupted"),
            Self::OutOfTime(limit) => {
                Failure::new(Exit::OutOfTime, format!("the run took longer than {limit:?}"))
                    .next("the next run reads what is still missing; --time-limit gives a run more time")
            }
        }
    }
}

/// Whether the run has to stop.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(watch::Receiver<Option<Stop>>);

impl Interrupt {
    /// Listens from now on, and keeps what it hears first.
    pub(crate) fn listen(limit: Duration) -> Self {
        let (sender, receiver) = watch::channel(None);
        tokio::spawn(async move {
            let stop = tokio::select! {
                () = asked() => Stop::Asked,
                () = tokio::time::sleep(limit) => Stop::OutOfTime(limit),
            };
            let _ = sender.send(Some(stop));
            // whoever waits later hears it too
            std::future::pending::<()>().await;
        });
        Self(receiver)
    }

    /// Ends when the run has to stop, with the reason.
    pub(crate) async fn wait(&self) -> Failure {
        let mut receiver = self.0.clone();
        let stop = receiver.wait_for(Option::is_some).await.map(|stop| *stop);
        match stop {
            Ok(Some(stop)) => stop.failure(),
            _ => std::future::pending().await,
        }
    }

    /// The result of `work`, unless the run has to stop before.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        tokio::select! {
            result = work => result,
            failure = self.wait() => Err(failure),
        }
    }

    /// The same, unless the work takes longer than `limit`: `late` says what that means.
    pub(crate) async fn within<T>(
        &self,
        limit: Duration,
        late: impl FnOnce() -> Failure,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let work = async {
            match tokio::time::timeout(limit, work).await {
                Ok(result) => result,
                Err(_) => Err(late()),
            }
        };
        self.or(work).await
    }
}

#[cfg(unix)]
async fn asked() {
    use tokio::signal::unix::{SignalKind, signal};
    let on = |kind| async move {
        match signal(kind) {
            Ok(mut signal) => _ = signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = on(SignalKind::terminate()) => {}
        () = on(SignalKind::interrupt()) => {}
        // the terminal is gone
        () = on(SignalKind::hangup()) => {}
    }
}

#[cfg(not(unix))]
async fn asked() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
