//! A record of jobs: the [`JobStore`] trait, and what its calls take and give.
//!
//! Nothing here knows how jobs are kept or what they do. Each implementation passes the suite in
//! [`crate::testing`].

use std::{
    fmt::Debug,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use serde_json::Value;
use tundra_core::Scope;
use uuid::Uuid;

use crate::{
    JobsError,
    job::{Job, JobFailure, JobId, JobProgress, JobStatus, NewJob},
};

/// A record of jobs, shared by whoever runs them.
///
/// # Contract
/// - **Never lost.** A job that was added is there, in one state, until [`JobStore::prune`] removes it
///   after its end. What a call answered outlives the process, where the store outlives it.
/// - **Never twice at once.** [`JobStore::claim`] gives a job to one caller, who has it until its lease
///   ends or the job does. Every claim gives a [`Hold`] of its own, and what is told with one that is
///   over is refused with [`JobsError::LostHold`]. Who cannot renew a lease must stop before it ends.
/// - **Forward.** A job moves from queued to running to one final status, and then no more. The one way
///   back is from running to queued, by [`Outcome::Interrupted`] or [`JobStore::recover`], where its
///   [`crate::OnInterruption`] allows it.
/// - **Revisions.** Each change of a job makes [`Job::revision`] greater; what changes nothing does not.
/// - **Tenants.** A job of another tenant is [`JobsError::NotFound`], as if it were not there. What takes
///   a [`Hold`] trusts that it came from a claim.
/// - **Time.** Moments come from the caller, and are kept to the microsecond at least. The clocks of those
///   who share a store may differ by a small part of a lease.
/// - **Dropped futures.** A call whose future is dropped may still take effect. A claim that nobody
///   hears of is recovered when its lease is over.
#[async_trait]
pub trait JobStore: Debug + Send + Sync + 'static {
    /// Returns the store's place as a person would write it, without credentials.
    fn display(&self) -> String;

    /// Adds a job as queued.
    ///
    /// When the tenant has a job with the same idempotency key, or there is one with the same id, and
    /// that asked for the same (kind, request and webhook), it is returned as it is now, also from a full
    /// queue: a call whose answer was lost may be repeated.
    ///
    /// # Errors
    /// [`JobsError::OtherRequest`] when that job asked for something else, [`JobsError::Full`] when there
    /// is no room, [`JobsError::Invalid`] as [`NewJob::check`].
    async fn submit(
        &self,
        job: &NewJob,
        room: Room,
        now: SystemTime,
    ) -> Result<Submitted, JobsError>;

    /// Returns the job.
    async fn get(&self, scope: &Scope, id: JobId) -> Result<Job, JobsError>;

    /// Returns jobs, the newest first.
    async fn list(&self, scope: &Scope, filter: &JobFilter) -> Result<Vec<Job>, JobsError>;

    /// Takes the next job to run it: of the tenants with the fewest running jobs, the job with the
    /// smallest id. `None` when nothing waits.
    async fn claim(
        &self,
        owner: &str,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<Option<Claim>, JobsError>;

    /// Keeps the job until then, and records how far it is. Returns the job, which says whether somebody
    /// asked to end it.
    async fn renew(
        &self,
        hold: &Hold,
        progress: &JobProgress,
        until: SystemTime,
    ) -> Result<Job, JobsError>;

    /// Ends a run, and returns what became of the job. May be repeated when the answer was lost: the
    /// second time is [`JobsError::LostHold`].
    async fn end(
        &self,
        hold: &Hold,
        progress: &JobProgress,
        outcome: &Outcome,
        now: SystemTime,
    ) -> Result<Job, JobsError>;

    /// Ends a job that waits as cancelled, and asks whoever runs it to end it. One that has ended stays as
    /// it is. Returns the job as it is then.
    async fn cancel(&self, scope: &Scope, id: JobId, now: SystemTime) -> Result<Job, JobsError>;

    /// Takes jobs back whose lease was over before `now`: each is queued again, failed, or cancelled if
    /// that was asked for. Returns them; at most `limit`.
    async fn recover(&self, now: SystemTime, limit: usize) -> Result<Vec<Job>, JobsError>;

    /// Removes jobs that ended before a moment and whose webhook is not due any more, at most `limit`, and
    /// with them their idempotency keys. Returns how many.
    async fn prune(&self, before: SystemTime, limit: usize) -> Result<u64, JobsError>;

    /// Returns how many jobs wait and run.
    async fn counts(&self) -> Result<Counts, JobsError>;

    /// Takes the webhook that is due for the longest time, counts the try, and lets nobody else try until
    /// `until`. `None` when none is due.
    async fn claim_delivery(
        &self,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<Option<Attempt>, JobsError>;

    /// Records what became of a try. Nothing happens when another try was begun since, or the job is gone.
    async fn settle_delivery(
        &self,
        attempt: &Attempt,
        outcome: &DeliveryOutcome,
        now: SystemTime,
    ) -> Result<(), JobsError>;
}

/// How many jobs may wait at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Of all tenants.
    pub total: u64,
    /// Of one tenant.
    pub per_tenant: u64,
}

/// What became of a job that was to be added.
#[derive(Debug, Clone, PartialEq)]
pub enum Submitted {
    /// It waits for its turn.
    New(Job),
    /// It was added before, and is now like this.
    Earlier(Job),
}

impl Submitted {
    /// Returns the job.
    pub fn into_job(self) -> Job {
        match self {
            Self::New(job) | Self::Earlier(job) => job,
        }
    }
}

/// Which jobs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobFilter {
    /// Only those with this status.
    pub status: Option<JobStatus>,
    /// Only those that are older than this.
    pub before: Option<JobId>,
    /// At most so many.
    pub limit: usize,
}

/// A job that is the caller's to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The job.
    pub job: Job,
    /// The right to tell what becomes of it.
    pub hold: Hold,
}

/// The right to run a job. It is lost when its lease ends and somebody else takes the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// The job.
    pub id: JobId,
    /// Tells this claim from every other one of the same job.
    pub token: Uuid,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It did what was asked for, with this result.
    Done(Value),
    /// It did not.
    Failed(JobFailure),
    /// It was ended because somebody asked for that.
    Cancelled,
    /// It was ended because its process is. The job is queued again or fails, as its
    /// [`crate::OnInterruption`] says.
    Interrupted,
}

/// How many jobs have not ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that wait.
    pub queued: u64,
    /// Those that run, whoever runs them.
    pub running: u64,
}

/// One try of telling that a job has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The job, whose webhook counts this try.
    pub job: Job,
    /// Which try it is; the first is 1.
    pub number: u32,
}

/// What became of a try of telling that a job has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// It was answered with a success.
    Delivered,
    /// It is to be tried again from this moment on.
    Again {
        /// When.
        at: SystemTime,
        /// Why this try failed.
        reason: String,
    },
    /// It will not be tried again.
    GivenUp {
        /// Why the last try failed.
        reason: String,
    },
}

impl Room {
    /// Checks that there is room for one more where so many wait, of all tenants and of the one.
    ///
    /// # Errors
    /// [`JobsError::Full`], with a second to wait: who knows how fast jobs end says more.
    pub fn check(self, waiting: u64, of_tenant: u64) -> Result<(), JobsError> {
        let full = |limit, of_tenant| {
            Err(JobsError::Full { limit, of_tenant, wait: Duration::from_secs(1) })
        };
        if of_tenant >= self.per_tenant {
            return full(self.per_tenant, true);
        }
        if waiting >= self.total {
            return full(self.total, false);
        }
        Ok(())
    }
}
