//! When a statement is to end before it ends by itself: nobody waits for it any more, or its time is over.
//!
//! A driver may be told to cancel a moment before the statement has reached the server, where nothing is
//! there to be cancelled yet. So it is told again until the call has returned.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use adbc_core::{
    CancelHandle,
    error::{Error, Status},
};
use tundra_core::{ConnectorError, ErrorKind, Retry};

use super::failure::refused;

/// How long to wait before telling it again.
const AGAIN: Duration = Duration::from_millis(50);

/// One piece of work with a connection.
#[derive(Debug)]
pub(super) struct Watch {
    limit: Option<Duration>,
    cancelled: AtomicBool,
    late: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Cancels the statement that runs; there is none otherwise.
    running: Option<Box<dyn CancelHandle>>,
    /// The work is over.
    over: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let running = self.running.is_some();
        f.debug_struct("State").field("running", &running).field("over", &self.over).finish()
    }
}

/// Ends the work when it is dropped, unless that is over.
#[derive(Debug)]
pub(super) struct Guard(Arc<Watch>);

impl Watch {
    /// Begins to watch, and returns the guard of whoever waits for the work.
    pub(super) fn new(limit: Option<Duration>) -> (Arc<Self>, Guard) {
        let watch = Arc::new(Self {
            limit,
            cancelled: AtomicBool::new(false),
            late: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        if let Some(limit) = limit {
            let clock = Arc::clone(&watch);
            spawn(move || clock.time(limit));
        }
        (Arc::clone(&watch), Guard(watch))
    }

    /// Returns whether nobody waits any more.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Says which statement runs from now on.
    pub(super) fn runs(&self, handle: Box<dyn CancelHandle>) {
        self.lock().running = Some(handle);
    }

    /// Says that the work is over; nothing is cancelled any more when this returns.
    pub(super) fn over(&self) {
        let mut state = self.lock();
        state.over = true;
        state.running = None;
        drop(state);
        self.changed.notify_all();
    }

    /// Returns the error, or what it really is when it comes from this watch.
    pub(super) fn explain(&self, operation: &'static str, error: ConnectorError) -> ConnectorError {
        if self.late.load(Ordering::SeqCst) {
            return late(operation, self.limit.unwrap_or_default());
        }
        if self.is_cancelled() {
            return refused(operation, ErrorKind::Cancelled, "nobody waits for it any more", &[]);
        }
        error
    }

    /// Waits for the end of the work or of its time.
    fn time(&self, limit: Duration) {
        let waited = self.changed.wait_timeout_while(self.lock(), limit, |state| !state.over);
        let (state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(state);
        if waited.timed_out() {
            self.late.store(true, Ordering::SeqCst);
            self.end();
        }
    }

    /// Tells the driver to cancel until the work is over. It blocks.
    fn end(&self) {
        let mut state = self.lock();
        while !state.over {
            if let Some(running) = &state.running
                && let Err(Error { status: Status::NotImplemented, .. }) = running.try_cancel()
            {
                // The work is over when it is.
                return;
            }
            let waited = self.changed.wait_timeout_while(state, AGAIN, |state| !state.over);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let watch = Arc::clone(&self.0);
        if watch.lock().over {
            return;
        }
        watch.cancelled.store(true, Ordering::SeqCst);
        spawn(move || watch.end());
    }
}

/// Returns the error of a statement that took too long.
pub(super) fn late(operation: &'static str, limit: Duration) -> ConnectorError {
    let reason = format!("the statement was not done after {limit:?}");
    let hints = ["allow more time, or ask for less"];
    ConnectorError { retry: Retry::Later, ..refused(operation, ErrorKind::Timeout, reason, &hints) }
}

/// Runs this on a thread of its own: whoever drops a stream cannot wait, and need not be in a runtime.
fn spawn(work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().name("tundra-adbc-watch".to_owned()).spawn(work);
    if let Err(error) = thread {
        tracing::warn!(%error, "no thread to watch a statement; it ends when it is done");
    }
}
