//! Orders to servers to end what nobody waits for any more.
//!
//! A stream that is dropped tells the server so on another connection, in the background. A process that
//! is about to end gives these orders the time to leave, with [`orders_sent`].

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// How many are on their way.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// How long a task may take to notice that nobody waits for it.
const NOTICING: Duration = Duration::from_millis(20);

/// How often it is looked whether all have left.
const LOOK: Duration = Duration::from_millis(5);

/// An order that is on its way for as long as this is there.
#[cfg(feature = "net")]
#[derive(Debug)]
pub(crate) struct Order(());

#[cfg(feature = "net")]
impl Order {
    pub(crate) fn begin() -> Self {
        UNDER_WAY.fetch_add(1, Ordering::AcqRel);
        Self(())
    }
}

#[cfg(feature = "net")]
impl Drop for Order {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Waits until the servers of dropped streams were told to end their queries, but no longer than this.
/// For a process that ends after a failure.
pub async fn orders_sent(within: Duration) {
    let all = async {
        tokio::time::sleep(NOTICING).await;
        while UNDER_WAY.load(Ordering::Acquire) > 0 {
            tokio::time::sleep(LOOK).await;
        }
    };
    // What has not left by then never will.
    let _ = tokio::time::timeout(within, all).await;
}
