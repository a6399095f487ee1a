//! Trying again what may help: a server that is busy, or a connection that was cut.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use snowflake_connector_rs::{Error, ErrorKind};

use crate::interrupt::Interrupt;

/// What `attempt` gives, after as many attempts as that, each later than the one before.
///
/// When the run has to stop, the next attempt comes at once: it finds out.
pub(crate) async fn again<T, F: Future<Output = Result<T, Error>>>(
    retries: usize,
    interrupt: &Interrupt,
    attempt: impl FnMut() -> F,
) -> Result<T, Error> {
    let waits = ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(Duration::from_secs(30))
        .with_max_times(retries)
        .with_jitter();
    let interrupt = interrupt.clone();
    let wait = move |pause: Duration| {
        let interrupt = interrupt.clone();
        async move {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = interrupt.wait() => {}
            }
        }
    };
    attempt.retry(waits).sleep(wait).when(may_pass).await
}

/// Whether the same may go well a moment later.
pub(crate) fn may_pass(error: &Error) -> bool {
    error.kind() == ErrorKind::Network
        && http_status(error).is_none_or(|status| status == 429 || (500..600).contains(&status))
}

/// The status of an answer that is not Snowflake's own; none where there was no answer.
///
/// The client gives it in the text alone.
pub(crate) fn http_status(error: &Error) -> Option<u16> {
    let text = error.to_string();
    let (_, after) = text.split_once("HTTP ").filter(|_| error.kind() == ErrorKind::Network)?;
    after.split(':').next()?.parse().ok()
}
