//! The queue: jobs are taken, run a few at once, watched, cancelled, and handed back when the process ends.
//!
//! Start at [`Jobs`]. What it knows of a job stands in its [`JobStore`], which several processes may
//! share; what it does not know is what a job does, which is its [`Executor`]'s.

mod dispatch;
mod events;
mod inner;
mod report;
mod run;
mod settings;
mod shutdown;
mod upkeep;

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use serde_json::Value;
use tokio::task::JoinSet;
use tundra_core::{Control, Scope};

use self::inner::{Inner, Phase};
pub use self::{events::JobEvents, settings::JobsSettings, shutdown::ShutdownReport};
use crate::{
    JobsError,
    job::{Job, JobFailure, JobId, NewJob},
    store::{Counts, JobFilter, JobStore, Submitted},
};

/// Does what jobs ask for.
///
/// # Contract
/// - A run ends within a second after its [`tundra_core::Cancel`] is set, with a failure of the kind
///   [`tundra_core::ErrorKind::Cancelled`] unless it was done before that. It may also be dropped.
/// - A run leaves nothing behind that a second run of the same job would trip over, if the job may be
///   retried: it reserves what it makes under the job's id, such as by an idempotency key.
/// - A panic fails the job and nothing else.
/// - What it returns holds no secrets.
#[async_trait]
pub trait Executor: Debug + Send + Sync + 'static {
    /// Runs the job, tells the reporter of `control` how far it is, and returns what it came to, which is
    /// no larger than [`crate::MAX_VALUE_SIZE`].
    async fn run(&self, job: &Job, control: Control) -> Result<Value, JobFailure>;
}

/// The queue of jobs. Dropping it stops all runs at once, without recording how they ended: their jobs are
/// recovered when their leases are over. [`Jobs::shutdown`] ends it in order.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use serde_json::{Value, json};
/// use tundra_core::{Control, Scope};
/// use tundra_jobs::{Executor, Job, JobFailure, Jobs, JobsSettings, MemoryJobs, NewJob};
///
/// #[derive(Debug)]
/// struct Echo;
///
/// #[async_trait::async_trait]
/// impl Executor for Echo {
///     async fn run(&self, job: &Job, _control: Control) -> Result<Value, JobFailure> {
///         Ok(job.request.clone())
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let store = Arc::new(MemoryJobs::new());
/// let jobs = Jobs::start(store, Arc::new(Echo), JobsSettings::default()).await?;
/// let new = NewJob::new("acme".parse().unwrap(), "echo", json!({ "say": "hello" }));
/// let job = jobs.submit(&new).await?.into_job();
/// let ended = jobs.watch(&Scope::All, job.id).await?.last().await.unwrap()?;
/// assert_eq!(ended.result, Some(json!({ "say": "hello" })));
/// # Ok::<(), tundra_jobs::JobsError>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct Jobs {
    inner: Arc<Inner>,
    /// The task that runs jobs, which owns the runs, and those for upkeep and webhooks.
    tasks: tokio::sync::Mutex<JoinSet<()>>,
}

impl Jobs {
    /// Takes back what a dead process left whose leases are over, and begins to run what waits.
    ///
    /// # Errors
    /// When the store does not answer, or there can be no client for webhooks.
    pub async fn start(
        store: Arc<dyn JobStore>,
        executor: Arc<dyn Executor>,
        settings: JobsSettings,
    ) -> Result<Self, JobsError> {
        #[cfg(feature = "webhooks")]
        let courier = match &settings.webhooks {
            Some(webhooks) => Some(crate::webhook::Courier::new(webhooks.clone())?),
            None => None,
        };
        let inner = Arc::new(Inner::new(store, executor, settings));
        upkeep::recover(&inner).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(dispatch::dispatch(Arc::clone(&inner)));
        tasks.spawn(upkeep::keep_up(Arc::clone(&inner)));
        #[cfg(feature = "webhooks")]
        if let Some(courier) = courier {
            tasks.spawn(upkeep::tell_ends(Arc::clone(&inner), Arc::new(courier)));
        }
        Ok(Self { inner, tasks: tokio::sync::Mutex::new(tasks) })
    }

    /// Adds a job; see [`JobStore::submit`].
    ///
    /// # Errors
    /// As there. [`JobsError::Full`] says how long it may take until there is room, judged by how long jobs
    /// took lately. [`JobsError::WebhookRefused`] and [`JobsError::NoWebhooks`] for a webhook that is never
    /// called, and [`JobsError::ShuttingDown`] once the end has begun.
    pub async fn submit(&self, new: &NewJob) -> Result<Submitted, JobsError> {
        let inner = &self.inner;
        if inner.phase() != Phase::Open {
            return Err(JobsError::ShuttingDown);
        }
        if let Some(url) = &new.webhook {
            inner.check_webhook(url)?;
        }
        let now = inner.settings.clock.now();
        match inner.store.submit(new, inner.settings.room, now).await {
            Ok(submitted) => {
                inner.work.notify_one();
                Ok(submitted)
            }
            Err(JobsError::Full { limit, of_tenant, .. }) => {
                Err(JobsError::Full { limit, of_tenant, wait: inner.wait_for_room() })
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the job.
    ///
    /// # Errors
    /// [`JobsError::NotFound`], also for that of another tenant.
    pub async fn get(&self, scope: &Scope, id: JobId) -> Result<Job, JobsError> {
        self.inner.store.get(scope, id).await
    }

    /// Returns jobs, the newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list(&self, scope: &Scope, filter: &JobFilter) -> Result<Vec<Job>, JobsError> {
        self.inner.store.list(scope, filter).await
    }

    /// Ends a job that waits, and asks a run to end, here or in another process; see [`JobStore::cancel`].
    /// Returns the job as it is then: one that runs ends soon after, and whoever wants to know how, watches.
    ///
    /// # Errors
    /// [`JobsError::NotFound`], also for that of another tenant.
    pub async fn cancel(&self, scope: &Scope, id: JobId) -> Result<Job, JobsError> {
        let inner = &self.inner;
        let job = inner.store.cancel(scope, id, inner.settings.clock.now()).await?;
        inner.stop_run(id);
        inner.changed(&job);
        Ok(job)
    }

    /// Watches the job.
    ///
    /// # Errors
    /// [`JobsError::NotFound`], also for that of another tenant.
    pub async fn watch(&self, scope: &Scope, id: JobId) -> Result<JobEvents, JobsError> {
        let inner = &self.inner;
        let job = inner.store.get(scope, id).await?;
        let events = inner.hub.watch(job, Arc::clone(&inner.store), inner.settings.poll_every);
        // What became of it between the question and the watching.
        inner.hub.tell(&inner.store.get(scope, id).await?);
        Ok(events)
    }

    /// Returns how many jobs wait and run, in every process.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn counts(&self) -> Result<Counts, JobsError> {
        self.inner.store.counts().await
    }

    /// Returns how many jobs wait.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn depth(&self) -> Result<u64, JobsError> {
        Ok(self.counts().await?.queued)
    }

    /// Returns how many jobs run in this process.
    pub fn running(&self) -> usize {
        self.inner.running().len()
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.inner.hub.close();
    }
}
