//! What can become of a job: every transition, as functions that know no store.
//!
//! Stores find the job, have it changed here, and keep it; so they cannot differ in the rules. A function
//! that changes something makes the revision greater.

use std::time::SystemTime;

use tundra_core::Version;
use uuid::Uuid;

use crate::{
    JobsError,
    job::{Delivery, Job, JobFailure, JobProgress, JobStatus, Lease, NewJob, Webhook, check_value},
    store::{Attempt, DeliveryOutcome, Hold, Outcome},
};

/// Returns the job as it is added.
pub(crate) fn queued(new: &NewJob, now: SystemTime) -> Job {
    Job {
        id: new.id,
        tenant: new.tenant.clone(),
        kind: new.kind.clone(),
        request: new.request.clone(),
        idempotency_key: new.idempotency_key.clone(),
        on_interruption: new.on_interruption,
        status: JobStatus::Queued,
        cancel_requested: false,
        attempts: 0,
        progress: JobProgress::default(),
        result: None,
        failure: None,
        lease: None,
        webhook: new.webhook.clone().map(Webhook::new),
        created_at: now,
        started_at: None,
        ended_at: None,
        revision: 1,
    }
}

/// Checks that the job asked for the same as one that is to be added.
pub(crate) fn check_same(earlier: &Job, new: &NewJob) -> Result<(), JobsError> {
    let url = earlier.webhook.as_ref().map(|webhook| &webhook.url);
    let same = earlier.tenant == new.tenant
        && earlier.kind == new.kind
        && earlier.request == new.request
        && url == new.webhook.as_ref();
    if same {
        return Ok(());
    }
    let by_key = earlier.tenant == new.tenant && earlier.idempotency_key == new.idempotency_key;
    let key = new.idempotency_key.clone().filter(|_| by_key);
    Err(JobsError::OtherRequest { key, id: earlier.id })
}

/// Gives a job that waits to somebody.
pub(crate) fn claim(job: &mut Job, owner: &str, until: SystemTime, now: SystemTime) -> Hold {
    let owner = Version::message(owner).into_owned();
    job.status = JobStatus::Running;
    job.attempts += 1;
    job.progress = JobProgress::default();
    job.started_at = Some(now);
    job.lease = Some(Lease { owner, until });
    job.revision += 1;
    Hold { id: job.id, token: Uuid::new_v4() }
}

/// Keeps a job that runs.
pub(crate) fn renew(job: &mut Job, progress: &JobProgress, until: SystemTime) {
    job.progress = *progress;
    if let Some(lease) = &mut job.lease {
        // Told late, it must not make the lease shorter.
        lease.until = lease.until.max(until);
    }
    job.revision += 1;
}

/// Ends a run.
pub(crate) fn end(
    job: &mut Job,
    progress: &JobProgress,
    outcome: &Outcome,
    now: SystemTime,
) -> Result<(), JobsError> {
    job.progress = *progress;
    match outcome {
        Outcome::Done(result) => {
            check_value("result", result)?;
            job.result = Some(result.clone());
            close(job, JobStatus::Done, now);
        }
        Outcome::Failed(failure) => {
            job.failure = Some(failure.clone());
            close(job, JobStatus::Failed, now);
        }
        Outcome::Cancelled => close(job, JobStatus::Cancelled, now),
        Outcome::Interrupted => interrupt(job, now),
    }
    Ok(())
}

/// Takes a running job from whoever ran it.
pub(crate) fn interrupt(job: &mut Job, now: SystemTime) {
    if job.cancel_requested {
        close(job, JobStatus::Cancelled, now);
    } else if job.on_interruption.allows(job.attempts) {
        job.status = JobStatus::Queued;
        job.progress = JobProgress::default();
        job.started_at = None;
        job.lease = None;
        job.revision += 1;
    } else {
        job.failure = Some(JobFailure::interrupted(job.attempts));
        close(job, JobStatus::Failed, now);
    }
}

/// Ends a job that waits, or asks to end one that runs. Returns whether that changed anything.
pub(crate) fn cancel(job: &mut Job, now: SystemTime) -> bool {
    match job.status {
        JobStatus::Queued => {
            job.cancel_requested = true;
            close(job, JobStatus::Cancelled, now);
        }
        JobStatus::Running if !job.cancel_requested => {
            job.cancel_requested = true;
            job.revision += 1;
        }
        _ => return false,
    }
    true
}

/// Begins to tell that a job has ended. Returns `None` when that is not due.
pub(crate) fn claim_delivery(job: &mut Job, until: SystemTime) -> Option<Attempt> {
    let webhook = job.webhook.as_mut()?;
    let Delivery::Due(_) = webhook.delivery else { return None };
    webhook.tries += 1;
    webhook.delivery = Delivery::Due(until);
    let number = webhook.tries;
    job.revision += 1;
    Some(Attempt { job: job.clone(), number })
}

/// Records what became of a try. Returns whether that changed anything.
pub(crate) fn settle_delivery(
    job: &mut Job,
    number: u32,
    outcome: &DeliveryOutcome,
    now: SystemTime,
) -> bool {
    let Some(webhook) = &mut job.webhook else { return false };
    if webhook.tries != number || !matches!(webhook.delivery, Delivery::Due(_)) {
        return false;
    }
    let (delivery, reason) = match outcome {
        DeliveryOutcome::Delivered => (Delivery::Delivered(now), None),
        DeliveryOutcome::Again { at, reason } => (Delivery::Due(*at), Some(reason)),
        DeliveryOutcome::GivenUp { reason } => (Delivery::GivenUp(now), Some(reason)),
    };
    webhook.delivery = delivery;
    webhook.last_error = reason.map(|reason| Version::message(reason).into_owned());
    job.revision += 1;
    true
}

fn close(job: &mut Job, status: JobStatus, now: SystemTime) {
    job.status = status;
    job.ended_at = Some(now);
    job.lease = None;
    if let Some(webhook) = &mut job.webhook {
        webhook.delivery = Delivery::Due(now);
    }
    job.revision += 1;
}
