//! What ends a statement early: nobody waits for it any more, or its time is over.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tundra_core::{ConnectorError, ErrorKind, Retry};

use super::{
    NAME,
    failure::{failed, refused},
};

/// The steps of SQLite's machine between two looks at the clock: some tens of microseconds of work.
const STEPS: i32 = 10_000;

/// Watches over the statements of one operation.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    cancelled: Arc<AtomicBool>,
    limit: Option<Duration>,
    begun: Instant,
    /// Nanoseconds in which the consumer was waited for, which are not the statement's.
    waited: Arc<AtomicU64>,
}

/// Cancels what is watched when it is dropped.
#[derive(Debug)]
pub(super) struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Watch {
    /// Returns a watch whose time begins now, and what cancels it.
    pub(super) fn new(limit: Option<Duration>) -> (Self, CancelOnDrop) {
        let cancelled = Arc::new(AtomicBool::new(false));
        let guard = CancelOnDrop(cancelled.clone());
        let waited = Arc::default();
        (Self { cancelled, limit, begun: Instant::now(), waited }, guard)
    }

    /// Returns whether nobody waits any more.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Fails when work is to end that is no statement.
    pub(super) fn stop(&self, operation: &'static str) -> Result<(), ConnectorError> {
        if self.is_cancelled() || self.is_late() {
            return Err(cancelled(operation));
        }
        Ok(())
    }

    /// Makes the connection's statements end when they are to.
    pub(super) fn attach(&self, connection: &Connection) -> Result<(), ConnectorError> {
        let watch = self.clone();
        connection
            .progress_handler(STEPS, Some(move || watch.is_cancelled() || watch.is_late()))
            .map_err(|error| failed("watch a statement", error))
    }

    /// Does what is not to be counted, because it waits for the consumer.
    pub(super) fn outside<T>(&self, wait: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let result = wait();
        let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.waited.fetch_add(nanos, Ordering::Relaxed);
        result
    }

    /// Returns the error, or what it really is when it comes from this watch.
    pub(super) fn explain(&self, error: ConnectorError) -> ConnectorError {
        match self.limit {
            Some(limit) if error.kind == ErrorKind::Cancelled && !self.is_cancelled() => {
                ConnectorError {
                    reason: format!("the statement was not done after {limit:?}"),
                    kind: ErrorKind::Timeout,
                    retry: Retry::Later,
                    hints: vec!["allow more time, or ask for less".to_owned()],
                    ..error
                }
            }
            _ => error,
        }
    }

    fn is_late(&self) -> bool {
        let waited = Duration::from_nanos(self.waited.load(Ordering::Relaxed));
        self.limit.is_some_and(|limit| self.begun.elapsed().saturating_sub(waited) > limit)
    }
}

/// Does work that blocks on a thread of its own. Dropping the future cancels the watch that the work is
/// given.
pub(super) async fn in_background<T: Send + 'static>(
    operation: &'static str,
    limit: Option<Duration>,
    work: impl FnOnce(&Watch) -> Result<T, ConnectorError> + Send + 'static,
) -> Result<T, ConnectorError> {
    let (watch, _guard) = Watch::new(limit);
    let done =
        tokio::task::spawn_blocking(move || work(&watch).map_err(|error| watch.explain(error)))
            .await;
    done.unwrap_or_else(|error| {
        Err(ConnectorError {
            source: Some(Box::new(error)),
            ..refused(operation, ErrorKind::Internal, "its thread was lost", &[])
        })
    })
}

/// Returns the error of what was given up because nobody waits for it.
pub(super) fn cancelled(operation: &'static str) -> ConnectorError {
    ConnectorError {
        connector: NAME,
        operation,
        reason: "nobody waits for it any more".to_owned(),
        kind: ErrorKind::Cancelled,
        retry: Retry::Never,
        hints: Vec::new(),
        source: None,
    }
}
