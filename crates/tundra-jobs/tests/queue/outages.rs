//! A store that is away for a while, or where something happens just then.

use std::{
    future,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use tokio::time::Instant;
use tundra_core::{ErrorKind, Retry, Scope};
use tundra_jobs::{
    Attempt, Claim, Counts, DeliveryOutcome, Hold, Job, JobFilter, JobId, JobProgress, JobStatus,
    JobStore, JobStoreError, JobsError, JobsSettings, MemoryJobs, NewJob, Outcome, Room, Submitted,
};

use super::{ALL, end, run_now};
use crate::support::{Scripted, retried, settings, start, submit};

const WELL: u8 = 0;
const FAILING: u8 = 1;
const SILENT: u8 = 2;
/// Somebody asks to end each job as soon as it is taken.
const CANCELLING: u8 = 3;

/// A process's way to a store that others still reach.
#[derive(Debug)]
struct Link {
    store: Arc<MemoryJobs>,
    state: AtomicU8,
}

impl Link {
    fn new(store: &Arc<MemoryJobs>) -> Arc<Self> {
        Arc::new(Self { store: Arc::clone(store), state: AtomicU8::new(WELL) })
    }

    async fn pass(&self) -> Result<&MemoryJobs, JobsError> {
        match self.state.load(Ordering::SeqCst) {
            WELL | CANCELLING => Ok(&self.store),
            FAILING => {
                let error = JobStoreError::new("answer", ErrorKind::Unavailable, "it is away");
                Err(JobStoreError { retry: Retry::Later, ..error }.into())
            }
            _ => future::pending().await,
        }
    }
}

#[async_trait]
impl JobStore for Link {
    fn display(&self) -> String {
        "elsewhere".to_owned()
    }

    async fn submit(
        &self,
        job: &NewJob,
        room: Room,
        now: SystemTime,
    ) -> Result<Submitted, JobsError> {
        self.pass().await?.submit(job, room, now).await
    }

    async fn get(&self, scope: &Scope, id: JobId) -> Result<Job, JobsError> {
        self.pass().await?.get(scope, id).await
    }

    async fn list(&self, scope: &Scope, filter: &JobFilter) -> Result<Vec<Job>, JobsError> {
        self.pass().await?.list(scope, filter).await
    }

    async fn claim(
        &self,
        owner: &str,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<Option<Claim>, JobsError> {
        let claim = self.pass().await?.claim(owner, until, now).await?;
        if let Some(claim) = &claim
            && self.state.load(Ordering::SeqCst) == CANCELLING
        {
            self.store.cancel(&ALL, claim.job.id, now).await?;
        }
        Ok(claim)
    }

    async fn renew(
        &self,
        hold: &Hold,
        progress: &JobProgress,
        until: SystemTime,
    ) -> Result<Job, JobsError> {
        self.pass().await?.renew(hold, progress, until).await
    }

    async fn end(
        &self,
        hold: &Hold,
        progress: &JobProgress,
        outcome: &Outcome,
        now: SystemTime,
    ) -> Result<Job, JobsError> {
        self.pass().await?.end(hold, progress, outcome, now).await
    }

    async fn cancel(&self, scope: &Scope, id: JobId, now: SystemTime) -> Result<Job, JobsError> {
        self.pass().await?.cancel(scope, id, now).await
    }

    async fn recover(&self, now: SystemTime, limit: usize) -> Result<Vec<Job>, JobsError> {
        self.pass().await?.recover(now, limit).await
    }

    async fn prune(&self, before: SystemTime, limit: usize) -> Result<u64, JobsError> {
        self.pass().await?.prune(before, limit).await
    }

    async fn counts(&self) -> Result<Counts, JobsError> {
        self.pass().await?.counts().await
    }

    async fn claim_delivery(
        &self,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<Option<Attempt>, JobsError> {
        self.pass().await?.claim_delivery(until, now).await
    }

    async fn settle_delivery(
        &self,
        attempt: &Attempt,
        outcome: &DeliveryOutcome,
        now: SystemTime,
    ) -> Result<(), JobsError> {
        self.pass().await?.settle_delivery(attempt, outcome, now).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_outlives_a_short_outage() {
    let store = Arc::new(MemoryJobs::new());
    let (link, executor) = (Link::new(&store), Scripted::new());
    let jobs = start(&link, &executor, settings()).await;
    let id = submit(&jobs, &retried("gate")).await.id;
    run_now(&executor, 1).await;
    link.state.store(FAILING, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(15)).await;
    // It ends in the outage, and is recorded after it.
    executor.gate.add_permits(1);
    run_now(&executor, 0).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(store.get(&ALL, id).await.unwrap().status, JobStatus::Running);
    link.state.store(WELL, Ordering::SeqCst);
    let done = end(&jobs, id).await;
    assert_eq!((done.status, done.attempts), (JobStatus::Done, 1));
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_store_is_away_stops_before_its_lease_is_over() {
    for state in [FAILING, SILENT] {
        let store = Arc::new(MemoryJobs::new());
        let (link, executor) = (Link::new(&store), Scripted::new());
        let settings = settings();
        let cut_off = start(&link, &executor, settings.clone()).await;
        let other = JobsSettings { workers: 1, ..settings };
        let id = submit(&cut_off, &retried("stubborn")).await.id;
        run_now(&executor, 1).await;
        let other = start(&store, &executor, other).await;
        link.state.store(state, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(29)).await;
        assert_eq!(store.get(&ALL, id).await.unwrap().attempts, 1);
        // The other process takes it over, once nobody runs it.
        tokio::time::sleep(Duration::from_secs(40)).await;
        assert_eq!(other.get(&ALL, id).await.unwrap().attempts, 2);
        run_now(&executor, 1).await;
        assert_eq!(executor.most_of_one.load(Ordering::SeqCst), 1, "state {state}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_to_end_a_job_just_when_it_is_begun_is_heard_at_once() {
    let store = Arc::new(MemoryJobs::new());
    let link = Link::new(&store);
    link.state.store(CANCELLING, Ordering::SeqCst);
    let jobs = start(&link, &Scripted::new(), settings()).await;
    let began = Instant::now();
    let id = submit(&jobs, &retried("wait")).await.id;
    assert_eq!(end(&jobs, id).await.status, JobStatus::Cancelled);
    assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
}
