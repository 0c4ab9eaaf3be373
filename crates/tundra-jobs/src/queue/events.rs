//! Telling whoever watches a job what becomes of it.
//!
//! What happens in this process is heard at once; what other processes do to a job is found in the store.
//! Of two states the one with the greater revision is the later one, whichever way it came.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{Stream, stream};
use tokio::sync::watch;
use tundra_core::{Classify, ErrorKind, Scope};

use crate::{
    JobsError,
    job::{Job, JobId},
    store::JobStore,
};

/// Who watches which job.
#[derive(Debug, Default)]
pub(super) struct Hub {
    watched: Mutex<HashMap<JobId, watch::Sender<Arc<Job>>>>,
    closed: Arc<AtomicBool>,
}

impl Hub {
    /// Tells a new state of a job to those who watch it.
    pub(super) fn tell(&self, job: &Job) {
        let mut watched = self.watched();
        let Some(sender) = watched.get(&job.id) else { return };
        sender.send_if_modified(|known| {
            let is_news = job.revision > known.revision;
            if is_news {
                *known = Arc::new(job.clone());
            }
            is_news
        });
        if job.status.is_final() || sender.receiver_count() == 0 {
            // Who watches still gets what was sent last.
            watched.remove(&job.id);
        }
    }

    /// Begins to watch a job that was in this state.
    pub(super) fn watch(
        &self,
        job: Job,
        store: Arc<dyn JobStore>,
        poll_every: Duration,
    ) -> JobEvents {
        let id = job.id;
        let receiver = if job.status.is_final() {
            watch::channel(Arc::new(job)).1
        } else {
            let mut watched = self.watched();
            let sender = watched.entry(id).or_insert_with(|| watch::channel(Arc::new(job)).0);
            sender.subscribe()
        };
        JobEvents {
            id,
            store,
            receiver,
            is_open: true,
            poll_every,
            told: None,
            is_over: false,
            closed: Arc::clone(&self.closed),
        }
    }

    /// Forgets jobs that nobody watches any more.
    pub(super) fn tidy(&self) {
        self.watched().retain(|_, sender| sender.receiver_count() > 0);
    }

    /// Ends all watching.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.watched().clear();
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<JobId, watch::Sender<Arc<Job>>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The states of one job: the present one first, then changes, and at last the final one.
///
/// Who is slow skips states between, but never the last. It ends early only when the queue is shut down,
/// or with an error when the job is removed.
#[derive(Debug)]
pub struct JobEvents {
    id: JobId,
    store: Arc<dyn JobStore>,
    receiver: watch::Receiver<Arc<Job>>,
    is_open: bool,
    poll_every: Duration,
    /// The revision that was told last.
    told: Option<u64>,
    is_over: bool,
    closed: Arc<AtomicBool>,
}

impl JobEvents {
    /// Returns the next state, as soon as there is one; `None` behind the last. What is dropped before it
    /// returns has taken nothing away.
    ///
    /// # Errors
    /// When the store says so for good, such as for a job that was removed. Nothing comes after that.
    pub async fn next(&mut self) -> Option<Result<Arc<Job>, JobsError>> {
        while !self.is_over {
            let known = Arc::clone(&self.receiver.borrow_and_update());
            if let Some(job) = self.news(known) {
                return Some(Ok(job));
            }
            if self.closed.load(Ordering::Acquire) {
                break;
            }
            tokio::select! {
                changed = self.receiver.changed(), if self.is_open => self.is_open = changed.is_ok(),
                () = tokio::time::sleep(self.poll_every) => {
                    match self.store.get(&Scope::All, self.id).await {
                        Ok(job) => {
                            if let Some(job) = self.news(Arc::new(job)) {
                                return Some(Ok(job));
                            }
                        }
                        Err(error) if error.kind() == ErrorKind::NotFound => {
                            self.is_over = true;
                            return Some(Err(error));
                        }
                        // It is asked again.
                        Err(error) => {
                            tracing::warn!(job = %self.id, error = %error, "could not look at a job");
                        }
                    }
                }
            }
        }
        self.is_over = true;
        None
    }

    /// Waits for the final state; `None` when the queue is shut down before.
    ///
    /// # Errors
    /// As [`JobEvents::next`].
    pub async fn last(mut self) -> Option<Result<Arc<Job>, JobsError>> {
        while let Some(event) = self.next().await {
            match event {
                Ok(job) if !job.status.is_final() => {}
                event => return Some(event),
            }
        }
        None
    }

    /// Returns the states as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Arc<Job>, JobsError>> + Send + 'static {
        stream::unfold(self, async |mut events| Some((events.next().await?, events)))
    }

    /// Returns the state if it is one to be told.
    fn news(&mut self, job: Arc<Job>) -> Option<Arc<Job>> {
        if self.told.is_some_and(|told| job.revision <= told) {
            return None;
        }
        self.told = Some(job.revision);
        // The webhook of a job that has ended may change, which nobody is told.
        self.is_over = job.status.is_final();
        Some(job)
    }
}
