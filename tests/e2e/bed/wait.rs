//! Waiting for a condition of somebody else's process, with a deadline.

use std::time::Duration;

use tokio::time::Instant;

/// Asks until there is an answer.
///
/// # Panics
///
/// Names `what` when there is none in time.
pub(crate) async fn until<T>(
    what: &str,
    limit: Duration,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> T {
    const PAUSE: Duration = Duration::from_millis(25);
    let started = Instant::now();
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        let waited = started.elapsed();
        assert!(waited < limit, "waited {waited:?} for {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
