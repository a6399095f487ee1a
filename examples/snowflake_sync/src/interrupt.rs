//! Ctrl-C, and a scheduler's request to stop.

use tokio::sync::watch;

use crate::failure::Failure;

/// Whether the run was asked to stop.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Listens from now on, and keeps what it hears.
    pub(crate) fn listen() -> Self {
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            asked().await;
            let _ = sender.send(true);
        });
        Self(receiver)
    }

    /// Ends when the run was asked to stop.
    pub(crate) async fn wait(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The result of `work`, unless the run is asked to stop before.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        tokio::select! {
            result = work => result,
            () = self.wait() => Err(Failure::interrupted()),
        }
    }
}

#[cfg(unix)]
async fn asked() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return wait_for_ctrl_c().await };
    tokio::select! {
        _ = terminate.recv() => {}
        () = wait_for_ctrl_c() => {}
    }
}

#[cfg(not(unix))]
async fn asked() {
    wait_for_ctrl_c().await;
}

async fn wait_for_ctrl_c() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
