//! Work that must end in order, whoever waits for it: [`Ongoing`].
//!
//! A handler's future is dropped when its client goes away, and a run whose future is dropped would leave a
//! version pending. So runs are tasks of their own here: who stops waiting cancels them, and they end in
//! their own time.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    task::JoinHandle,
    time::{Instant, timeout_at},
};
use tokio_util::task::TaskTracker;
use tundra_core::{Cancel, ErrorKind};

use crate::{Failure, tasks::SHUTTING_DOWN};

/// What a run needs to end after it was told to: a second to hear of it, and the time to tell the catalog.
const TO_STOP: Duration = Duration::from_secs(3);

/// The work that is being done. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ongoing {
    tracker: TaskTracker,
    /// Stops all of it.
    stop: Cancel,
}

/// Work that somebody waits for. When it is dropped, the work is cancelled, and goes on until it has ended.
pub(crate) struct Handle<T> {
    work: JoinHandle<Result<T, Failure>>,
    cancel: Cancel,
}

impl Ongoing {
    /// Begins work, which is given what tells it to stop.
    ///
    /// # Errors
    /// Once the end has begun.
    pub(crate) fn spawn<T, W>(&self, work: impl FnOnce(Cancel) -> W) -> Result<Handle<T>, Failure>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        if self.tracker.is_closed() {
            let status = axum::http::StatusCode::SERVICE_UNAVAILABLE;
            return Err(Failure::new(status, SHUTTING_DOWN, "the service is ending")
                .retry_after(Duration::from_secs(1)));
        }
        let cancel = self.stop.child();
        let work = self.tracker.spawn(work(cancel.clone()));
        Ok(Handle { work, cancel })
    }

    /// Begins no more work, and waits for what is being done: it is told to stop when three seconds are left,
    /// or half of a shorter time. Returns how much of it did not end by the deadline.
    pub(crate) async fn shutdown(&self, deadline: Duration) -> usize {
        let began = Instant::now();
        self.tracker.close();
        let patience = deadline.saturating_sub(TO_STOP).max(deadline / 2);
        if timeout_at(began + patience, self.tracker.wait()).await.is_ok() {
            return 0;
        }
        tracing::info!(runs = self.tracker.len(), "stopping the runs that have not ended");
        self.stop.cancel();
        match timeout_at(began + deadline, self.tracker.wait()).await {
            Ok(()) => 0,
            Err(_) => self.tracker.len(),
        }
    }
}

impl<T> Future for Handle<T> {
    type Output = Result<T, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.work).poll(context).map(|ended| {
            // Nobody aborts it, so it is a panic; what it says is in the log and not for callers.
            ended.unwrap_or_else(|_| {
                Err(Failure::of_kind(ErrorKind::Internal, "the run ended in a way that is a bug")
                    .hint("please report it with the id of the request"))
            })
        })
    }
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    async fn until_cancelled(cancel: Cancel) -> Result<(), Failure> {
        crate::tasks::cancelled(&cancel).await;
        Err(Failure::of_kind(ErrorKind::Cancelled, "cancelled"))
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_cancelled_and_ends_by_itself() {
        let ongoing = Ongoing::default();
        let (told, ended) = oneshot::channel();
        let handle = ongoing
            .spawn(|cancel| async move {
                let result = until_cancelled(cancel).await;
                // Somebody has to tell the catalog, after it was cancelled.
                tokio::task::yield_now().await;
                told.send(()).unwrap();
                result
            })
            .unwrap();
        drop(handle);
        ended.await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error_and_no_more() {
        let ongoing = Ongoing::default();
        let panics = |_| async { panic!("a secret") };
        let failure = ongoing.spawn::<(), _>(panics).unwrap().await.unwrap_err();
        assert_eq!(failure.status, 500);
        assert!(!failure.detail.contains("secret"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_waits_and_then_stops_what_is_left() {
        let ongoing = Ongoing::default();
        let quick = ongoing
            .spawn(|_| async {
                tokio::time::sleep(Duration::from_secs(5)).await;
                Ok(1)
            })
            .unwrap();
        let slow = ongoing.spawn(until_cancelled).unwrap();
        let (left, quick, slow) =
            tokio::join!(ongoing.shutdown(Duration::from_secs(9)), quick, slow);
        assert_eq!((left, quick.unwrap()), (0, 1));
        assert_eq!(slow.unwrap_err().code, "cancelled");
        let refused = ongoing.spawn(until_cancelled).unwrap_err();
        assert_eq!(refused.code, SHUTTING_DOWN);
    }
}
