//! Waiting for what must come, by looking.

use std::time::{Duration, Instant};

/// What everything here takes much less than.
const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks: there is nothing to be told by, and whoever looks must not keep the others from working.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks again and again until there is something to see.
pub(super) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    until_async(what, async || look()).await
}

/// As [`until`], for a look that waits itself.
pub(super) async fn until_async<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
