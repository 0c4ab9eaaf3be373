//! Short forms of what every behaviour does; what fails names the behaviour.

use std::{
    error::Error as StdError,
    fmt::Debug,
    num::NonZeroU32,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use tundra_core::{Classify, ErrorKind, Scope, TenantId};

use crate::{
    JobsError,
    job::{Job, JobId, JobProgress, JobStatus, NewJob, OnInterruption},
    store::{Claim, JobStore, Outcome, Room, Submitted},
};

/// Room for every job of a behaviour.
pub(super) const ROOM: Room = Room { total: 1000, per_tenant: 1000 };

/// One behaviour being tested on one store.
pub(super) struct Test<'a> {
    pub(super) store: &'a dyn JobStore,
    behaviour: &'static str,
}

impl<'a> Test<'a> {
    pub(super) fn new(store: &'a dyn JobStore, behaviour: &'static str) -> Self {
        Self { store, behaviour }
    }

    #[track_caller]
    pub(super) fn fail(&self, what: &str) -> ! {
        panic!("conformance of stores of jobs, `{}`: {what}", self.behaviour)
    }

    #[track_caller]
    pub(super) fn ok<T>(&self, step: &str, result: Result<T, JobsError>) -> T {
        result.unwrap_or_else(|error| self.fail(&format!("could not {step}: {}", chain(&error))))
    }

    #[track_caller]
    pub(super) fn some<T>(&self, what: &str, value: Option<T>) -> T {
        value.unwrap_or_else(|| self.fail(&format!("there should be {what}")))
    }

    #[track_caller]
    pub(super) fn same<T: PartialEq + Debug>(&self, what: &str, actual: &T, expected: &T) {
        if actual != expected {
            self.fail(&format!("{what} should be {expected:?} but is {actual:?}"));
        }
    }

    #[track_caller]
    pub(super) fn refused<T: Debug>(
        &self,
        what: &str,
        result: Result<T, JobsError>,
        kind: ErrorKind,
    ) {
        match result {
            Ok(done) => self.fail(&format!("{what} was not refused but gave {done:?}")),
            Err(error) if error.kind() != kind => {
                let chain = chain(&error);
                self.fail(&format!("{what} was not `{kind}` but `{}`: {chain}", error.kind()));
            }
            Err(_) => {}
        }
    }

    pub(super) fn tenant(&self, name: &str) -> TenantId {
        name.parse().unwrap_or_else(|error| self.fail(&format!("the suite is wrong: {error}")))
    }

    /// Returns a job of this tenant that is not added yet.
    pub(super) fn new_job(&self, tenant: &str) -> NewJob {
        NewJob::new(self.tenant(tenant), "convert_file", json!({ "path": "orders.csv" }))
    }

    pub(super) async fn add(&self, new: &NewJob) -> Job {
        match self.ok("add a job", self.store.submit(new, ROOM, at(0)).await) {
            Submitted::New(job) => job,
            Submitted::Earlier(job) => self.fail(&format!("a new job gave the earlier {job:?}")),
        }
    }

    /// Adds a job of this tenant without anything particular.
    pub(super) async fn job(&self, tenant: &str) -> Job {
        self.add(&self.new_job(tenant)).await
    }

    /// Adds a job that may be begun so often.
    pub(super) async fn retried_job(&self, at_most: u32) -> Job {
        let at_most = self.some("a number above zero", NonZeroU32::new(at_most));
        let on_interruption = OnInterruption::Retry { at_most };
        self.add(&NewJob { on_interruption, ..self.new_job("acme") }).await
    }

    /// Reads the job again.
    pub(super) async fn again(&self, id: JobId) -> Job {
        self.ok("read a job", self.store.get(&Scope::All, id).await)
    }

    /// Claims the next job at this second, for ten more.
    pub(super) async fn claim_at(&self, second: u64) -> Option<Claim> {
        let claimed = self.store.claim("test", at(second + 10), at(second)).await;
        self.ok("take a job", claimed)
    }

    pub(super) async fn claim(&self, second: u64) -> Claim {
        let claimed = self.claim_at(second).await;
        self.some("a job to take", claimed)
    }

    /// Ends a run at this second.
    pub(super) async fn end(&self, claim: &Claim, outcome: Outcome, second: u64) -> Job {
        let ended = self.store.end(&claim.hold, &progress(1), &outcome, at(second)).await;
        self.ok("end a run", ended)
    }

    pub(super) async fn done(&self, claim: &Claim, second: u64) -> Job {
        self.end(claim, Outcome::Done(Value::Null), second).await
    }

    #[track_caller]
    pub(super) fn is(&self, job: &Job, status: JobStatus) {
        self.same("the status", &job.status, &status);
        self.same("whether it has ended", &job.ended_at.is_some(), &status.is_final());
        let runs = status == JobStatus::Running;
        self.same("whether somebody has it", &job.lease.is_some(), &runs);
    }
}

/// Returns a moment so many seconds after the first, with microseconds.
pub(super) fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(1_760_000_000_000_001 + second * 1_000_000)
}

/// Returns progress that tells the number.
pub(super) fn progress(number: u64) -> JobProgress {
    JobProgress { rows: number * 1000, bytes: number * 4096, ..JobProgress::default() }
}

/// Returns the error's text with those of its causes.
fn chain(error: &JobsError) -> String {
    let mut text = format!("`{error}`");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(", caused by `{error}`"));
        cause = error.source();
    }
    text
}
