//! What the tasks of a queue share.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, watch};

use super::{Executor, JobsSettings, events::Hub, shutdown::Tally};
use crate::{
    JobsError,
    job::{Job, JobId, WebhookUrl},
    store::JobStore,
};

/// How long jobs are taken to last before one has ended.
const FIRST_GUESS: Duration = Duration::from_secs(10);
/// What is told to whoever finds the queue full lies between these.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// How far the end of a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// It has not begun.
    Open,
    /// No job is taken and none begun.
    Draining,
    /// Runs are told to stop.
    Interrupting,
    /// Runs are stopped.
    Aborting,
}

pub(super) struct Inner {
    pub(super) store: Arc<dyn JobStore>,
    pub(super) executor: Arc<dyn Executor>,
    pub(super) settings: JobsSettings,
    pub(super) hub: Hub,
    /// There may be a job to run.
    pub(super) work: Notify,
    /// There may be a webhook to call.
    pub(super) ended: Notify,
    pub(super) phase: watch::Sender<Phase>,
    pub(super) tally: Tally,
    /// The runs of this process, each with the switch that says that somebody asked to end it.
    running: Mutex<HashMap<JobId, Arc<Notify>>>,
    /// A run has left `running`.
    left: Notify,
    /// How long runs took lately.
    usual: Mutex<Duration>,
}

impl Inner {
    pub(super) fn new(
        store: Arc<dyn JobStore>,
        executor: Arc<dyn Executor>,
        mut settings: JobsSettings,
    ) -> Self {
        // Without a pause nothing else would be done.
        settings.poll_every = settings.poll_every.max(SHORTEST_PAUSE);
        settings.report_every = settings.report_every.max(SHORTEST_PAUSE);
        Self {
            store,
            executor,
            settings,
            hub: Hub::default(),
            work: Notify::new(),
            ended: Notify::new(),
            phase: watch::Sender::new(Phase::Open),
            tally: Tally::default(),
            running: Mutex::default(),
            left: Notify::new(),
            usual: Mutex::new(FIRST_GUESS),
        }
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Waits until the end has come so far.
    pub(super) async fn reached(&self, phase: Phase) {
        let mut phases = self.phase.subscribe();
        // The sender is in `self`.
        let _ = phases.wait_for(|now| *now >= phase).await;
    }

    /// Tells a new state of a job to whoever waits for one.
    pub(super) fn changed(&self, job: &Job) {
        self.hub.tell(job);
        if job.status.is_final() && job.webhook.is_some() {
            self.ended.notify_one();
        }
    }

    pub(super) fn running(&self) -> MutexGuard<'_, HashMap<JobId, Arc<Notify>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the run of a job to end, if it runs here.
    pub(super) fn stop_run(&self, id: JobId) {
        if let Some(asked) = self.running().get(&id) {
            asked.notify_one();
        }
    }

    /// Enters a run, after an earlier one of the same job has left: that one lost its lease and may still
    /// be stopping. The entry goes with what is returned.
    pub(super) async fn enter(self: &Arc<Self>, id: JobId) -> Entry {
        loop {
            let left = self.left.notified();
            tokio::pin!(left);
            // From here on nobody's leaving is missed.
            left.as_mut().enable();
            {
                let mut running = self.running();
                if let std::collections::hash_map::Entry::Vacant(entry) = running.entry(id) {
                    let asked = Arc::clone(entry.insert(Arc::new(Notify::new())));
                    return Entry { inner: Arc::clone(self), id, asked };
                }
            }
            left.await;
        }
    }

    /// Learns how long a run took.
    pub(super) fn took(&self, time: Duration) {
        let mut usual = self.usual.lock().unwrap_or_else(PoisonError::into_inner);
        *usual = (*usual * 3 + time) / 4;
    }

    /// Returns how long it may take until there is room in a full queue: until a worker has ended what
    /// it does.
    pub(super) fn wait_for_room(&self) -> Duration {
        let usual = *self.usual.lock().unwrap_or_else(PoisonError::into_inner);
        let workers = u32::try_from(self.settings.workers.max(1)).unwrap_or(u32::MAX);
        (usual / workers).clamp(SHORTEST_WAIT, LONGEST_WAIT)
    }

    #[cfg(feature = "webhooks")]
    pub(super) fn check_webhook(&self, url: &WebhookUrl) -> Result<(), JobsError> {
        match &self.settings.webhooks {
            Some(webhooks) => webhooks.reach.check(url),
            None => Err(JobsError::NoWebhooks),
        }
    }

    #[cfg(not(feature = "webhooks"))]
    pub(super) fn check_webhook(&self, _url: &WebhookUrl) -> Result<(), JobsError> {
        Err(JobsError::NoWebhooks)
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("store", &self.store)
            .field("executor", &self.executor)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// A run of this process. It leaves when this is dropped.
pub(super) struct Entry {
    inner: Arc<Inner>,
    id: JobId,
    /// Somebody asked to end it.
    pub(super) asked: Arc<Notify>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.inner.running().remove(&self.id);
        self.inner.left.notify_waiters();
    }
}
