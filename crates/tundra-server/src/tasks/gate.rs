//! How many tasks are done at once, and how many wait: [`Gate`].
//!
//! A service that takes more than it can do does nothing well. What has no room is refused at once, with
//! the time after which there may be some, judged by how long tasks took lately.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    Failure,
    tasks::{QUEUE_FULL, SHUTTING_DOWN},
};

/// What a task takes when none has ended yet.
const FIRST_GUESS: Duration = Duration::from_secs(1);

/// The longest that somebody is told to wait: what takes longer says nothing about the next minute.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Lets tasks in, a few at once. Clones are the same gate.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    slots: Arc<Semaphore>,
    at_once: usize,
    most_waiting: usize,
    waiting: AtomicUsize,
    /// How long tasks took, the later ones weighing more.
    usual: Mutex<Duration>,
}

/// How full a gate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    /// Tasks that are being done.
    pub(crate) running: usize,
    /// Those that wait.
    pub(crate) waiting: usize,
    /// How many may be done at once.
    pub(crate) at_once: usize,
    /// How many may wait.
    pub(crate) most_waiting: usize,
}

/// The right to do one task, until it is dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Gate,
    began: Instant,
    _slot: OwnedSemaphorePermit,
}

/// Somebody who waits; no more, once it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Gate {
    /// Makes a gate for so many at once, one at least, and so many that wait.
    pub(crate) fn new(at_once: usize, waiting: usize) -> Self {
        let at_once = at_once.clamp(1, Semaphore::MAX_PERMITS);
        Self(Arc::new(Inner {
            slots: Arc::new(Semaphore::new(at_once)),
            at_once,
            most_waiting: waiting,
            waiting: AtomicUsize::new(0),
            usual: Mutex::new(FIRST_GUESS),
        }))
    }

    /// Waits for a turn, if there is room to wait.
    ///
    /// # Errors
    /// [`QUEUE_FULL`] when there is none, [`SHUTTING_DOWN`] once the gate is closed.
    pub(crate) async fn enter(&self) -> Result<Pass, Failure> {
        let Inner { slots, waiting, most_waiting, .. } = &*self.0;
        if let Ok(slot) = Arc::clone(slots).try_acquire_owned() {
            return Ok(self.pass(slot));
        }
        let take = |now: usize| (now < *most_waiting).then_some(now + 1);
        if waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_err() {
            return Err(if slots.is_closed() { shutting_down() } else { self.full() });
        }
        let _waiting = Waiting(waiting);
        self.wait().await
    }

    /// Waits for a turn, for as long as it takes.
    ///
    /// # Errors
    /// [`SHUTTING_DOWN`] once the gate is closed.
    pub(crate) async fn wait(&self) -> Result<Pass, Failure> {
        let slot = Arc::clone(&self.0.slots).acquire_owned().await;
        slot.map(|slot| self.pass(slot)).map_err(|_| shutting_down())
    }

    /// Lets nobody in any more; whoever waits is refused.
    pub(crate) fn close(&self) {
        self.0.slots.close();
    }

    /// Returns how full it is.
    pub(crate) fn load(&self) -> Load {
        let Inner { slots, at_once, most_waiting, waiting, .. } = &*self.0;
        Load {
            running: at_once.saturating_sub(slots.available_permits()),
            waiting: waiting.load(Ordering::Acquire),
            at_once: *at_once,
            most_waiting: *most_waiting,
        }
    }

    fn pass(&self, slot: OwnedSemaphorePermit) -> Pass {
        Pass { gate: self.clone(), began: Instant::now(), _slot: slot }
    }

    fn full(&self) -> Failure {
        let Load { at_once, most_waiting, .. } = self.load();
        let usual = *self.0.usual.lock().unwrap_or_else(PoisonError::into_inner);
        // Until half of those that wait had their turn: whoever comes back then meets a shorter queue.
        let turns = (most_waiting / 2 / at_once).saturating_add(1);
        let wait = usual.saturating_mul(u32::try_from(turns).unwrap_or(u32::MAX)).min(LONGEST_WAIT);
        let detail = format!(
            "the service is busy: {at_once} requests are being done and {most_waiting} wait, which is \
             as many as may"
        );
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, QUEUE_FULL, detail)
            .retry_after(wait)
            .hint("send the request again after the time that `Retry-After` says")
    }
}

fn shutting_down() -> Failure {
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, SHUTTING_DOWN, "the service is ending")
        .retry_after(Duration::from_secs(1))
        .hint("send the request again; another process will answer")
}

impl Drop for Pass {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        let mut usual = self.gate.0.usual.lock().unwrap_or_else(PoisonError::into_inner);
        *usual = (*usual * 7 + took) / 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_finds_no_room_is_told_when_to_come_back() {
        let gate = Gate::new(1, 1);
        let first = gate.enter().await.unwrap();
        let second = tokio::spawn({
            let gate = gate.clone();
            async move { gate.enter().await }
        });
        while gate.load().waiting == 0 {
            tokio::task::yield_now().await;
        }
        let refused = gate.enter().await.unwrap_err();
        assert_eq!((refused.status, refused.code.as_str()), (503, QUEUE_FULL));
        assert!(refused.retry_after.is_some_and(|seconds| (1..=60).contains(&seconds)));
        drop(first);
        let second = second.await.unwrap().unwrap();
        let full = Load { running: 1, waiting: 0, at_once: 1, most_waiting: 1 };
        assert_eq!(gate.load(), full);
        drop(second);
        assert_eq!(gate.load(), Load { running: 0, ..full });
    }

    #[tokio::test]
    async fn who_gives_up_makes_room() {
        let gate = Gate::new(1, 1);
        let first = gate.enter().await.unwrap();
        {
            let mut second = std::pin::pin!(gate.enter());
            assert!(futures::poll!(&mut second).is_pending());
            assert_eq!(gate.load().waiting, 1);
        }
        assert_eq!(gate.load().waiting, 0);
        drop(first);
        gate.enter().await.unwrap();
    }

    #[tokio::test]
    async fn nobody_passes_a_gate_that_is_closed() {
        let gate = Gate::new(1, 1);
        let first = gate.enter().await.unwrap();
        let mut second = std::pin::pin!(gate.enter());
        assert!(futures::poll!(&mut second).is_pending());
        gate.close();
        assert_eq!(second.await.unwrap_err().code, SHUTTING_DOWN);
        drop(first);
        assert_eq!(gate.enter().await.unwrap_err().code, SHUTTING_DOWN);
    }
}
