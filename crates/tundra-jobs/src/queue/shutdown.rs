//! The end of a queue, in order and in time.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::time::{Instant, sleep_until, timeout_at};

use super::{Jobs, inner::Phase};
use crate::job::Job;

/// What is left of the deadline for recording how runs ended, however short the deadline is.
const RECORDING: Duration = Duration::from_millis(500);

/// How runs of this process ended.
#[derive(Debug, Default)]
pub(super) struct Tally {
    ended: AtomicUsize,
    handed_back: AtomicUsize,
}

impl Tally {
    /// Counts a run that left its job like this.
    pub(super) fn count(&self, job: &Job) {
        let which = if job.status.is_final() { &self.ended } else { &self.handed_back };
        which.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> (usize, usize) {
        (self.ended.load(Ordering::Relaxed), self.handed_back.load(Ordering::Relaxed))
    }
}

/// What became of the runs of a queue that was shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Jobs that ended, one way or the other.
    pub ended: usize,
    /// Jobs that wait again, for another process.
    pub handed_back: usize,
    /// Jobs of which nothing could be recorded in time. They are recovered when their leases are over.
    pub left: usize,
}

impl Jobs {
    /// Ends the queue by the deadline: takes and begins no more jobs, gives runs two thirds of the time to
    /// end by themselves, tells the others to stop, and stops those that do not. A job that was stopped
    /// is queued again or failed, as its [`crate::OnInterruption`] says. Whoever watches jobs hears no more
    /// after that.
    ///
    /// It may take half a second longer than a deadline that leaves no time to record anything. Called a
    /// second time, it finds nothing to do.
    pub async fn shutdown(&self, deadline: Duration) -> ShutdownReport {
        let began = Instant::now();
        let inner = &self.inner;
        let before = inner.tally.read();
        let advance = |to: Phase| {
            inner.phase.send_if_modified(|phase| {
                let is_further = *phase < to;
                *phase = (*phase).max(to);
                is_further
            });
        };
        advance(Phase::Draining);
        let mut tasks = self.tasks.lock().await;
        let is_over = {
            let over = async { while tasks.join_next().await.is_some() {} };
            tokio::pin!(over);
            let mut is_over = false;
            for (phase, at) in
                [(Phase::Interrupting, deadline * 2 / 3), (Phase::Aborting, deadline * 9 / 10)]
            {
                tokio::select! {
                    biased;
                    () = &mut over, if !is_over => is_over = true,
                    () = sleep_until(began + at), if !is_over => {}
                    else => {}
                }
                advance(phase);
            }
            let end = (began + deadline).max(Instant::now() + RECORDING);
            is_over || timeout_at(end, over).await.is_ok()
        };
        inner.hub.close();
        let left = inner.running().len();
        if !is_over {
            tasks.shutdown().await;
        }
        let after = inner.tally.read();
        let report =
            ShutdownReport { ended: after.0 - before.0, handed_back: after.1 - before.1, left };
        let ShutdownReport { ended, handed_back, left } = report;
        tracing::info!(ended, handed_back, left, "ended the queue of jobs");
        report
    }
}
