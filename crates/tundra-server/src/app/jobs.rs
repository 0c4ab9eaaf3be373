//! Tasks as jobs: what the queue of jobs runs.
//!
//! What a job asks for is a [`Task`] as JSON, so that whichever process takes it up knows what to do. A run
//! that is begun again, because its process ended, must neither be taken for the first one, which left
//! nothing but a version that failed, nor make a second version where the first had come to its end: see
//! [`Worker::key_of`].

use std::{num::NonZeroU32, sync::Arc};

use async_trait::async_trait;
use opentelemetry::trace::FutureExt as _;
use serde_json::Value;
use tundra_core::{Control, ErrorKind, IdempotencyKey, Source, VersionStatus};
use tundra_jobs::{
    Executor, Job, JobFailure, JobId, JobStore, Jobs, JobsError, JobsSettings, OnInterruption,
    Room, WebhookSettings,
};
use tundra_runs::RunError;

use super::Runner;
use crate::{
    Failure, Place, Settings,
    tasks::{Answer, Request, SHUTTING_DOWN, Task, Workshop, cancelled},
    traces::ended,
};

/// How often a job may be begun. A process that is replaced hands its jobs back, which happens more often
/// than that a job takes its process with it; four such in a row are the job's fault.
const ATTEMPTS: NonZeroU32 = NonZeroU32::new(5).expect("five is not zero");

/// What becomes of a job whose process ends.
pub(crate) const ON_INTERRUPTION: OnInterruption = OnInterruption::Retry { at_most: ATTEMPTS };

/// Does the tasks of jobs.
#[derive(Debug)]
struct Worker {
    runner: Runner,
    workshop: Arc<Workshop>,
}

/// Begins the queue of jobs, with those that a process before this one left. As many run at once as the gate
/// lets in, where requests that wait for their answer stand in the same line.
///
/// # Errors
/// When the store does not answer, or webhooks cannot be set up.
pub(crate) async fn start(
    store: Arc<dyn JobStore>,
    runner: Runner,
    workshop: Arc<Workshop>,
    settings: &Settings,
    webhooks: Option<WebhookSettings>,
) -> Result<Jobs, JobsError> {
    let settings = JobsSettings {
        workers: settings.concurrent_runs.get(),
        room: Room {
            total: settings.queued_jobs.get(),
            per_tenant: settings.queued_jobs_per_tenant.get(),
        },
        webhooks,
        ..JobsSettings::default()
    };
    Jobs::start(store, Arc::new(Worker { runner, workshop }), settings).await
}

#[async_trait]
impl Executor for Worker {
    async fn run(&self, job: &Job, control: Control) -> Result<Value, JobFailure> {
        let task: Task = serde_json::from_value(job.request.clone()).map_err(|error| {
            let message = format!("another version of the service asked for this: {error}");
            JobFailure::new(ErrorKind::Internal, message).hint("ask for the same again")
        })?;
        let traces = self.runner.traces();
        let Some(traced) = traces.map(|traces| traces.job(&job.id, task.kind(), job.attempts))
        else {
            return self.begin(job, task, control).await;
        };
        let done = self.begin(job, task, control).with_context(traced.clone()).await;
        ended(&traced, done.as_ref().err().map(|failure| failure.kind.code()));
        done
    }
}

impl Worker {
    /// Does the task of a job.
    async fn begin(&self, job: &Job, task: Task, control: Control) -> Result<Value, JobFailure> {
        let key = self.key_of(job, &task).await?;
        let Control { reporter, cancel, .. } = control;
        let task = Task { key: Some(key), ..task };
        match self.runner.run_job(task, reporter, cancel.clone()).await {
            Ok(answer) => value_of(answer).map_err(|error| {
                JobFailure::new(ErrorKind::Internal, format!("the answer is no JSON: {error}"))
            }),
            // It had not begun. The queue hands it to another process when it stops it, and not before.
            Err(failure) if failure.code == SHUTTING_DOWN => {
                cancelled(&cancel).await;
                Err(JobFailure::new(ErrorKind::Cancelled, failure.detail))
            }
            Err(failure) => Err(job_failure(failure)),
        }
    }

    /// Returns the key of the run. Each attempt has its own, because what an earlier one reserved has failed
    /// since, or does now: its process is gone. Where an earlier one had made its version, it is that one's
    /// key, under which the run finds the version and makes no other.
    async fn key_of(&self, job: &Job, task: &Task) -> Result<String, JobFailure> {
        let own = key(job.id, job.attempts);
        if job.attempts <= 1 {
            return Ok(own);
        }
        let runs = &self.workshop.runs;
        let source = source_of(&self.workshop, task).await.map_err(job_failure)?;
        for attempt in 1..job.attempts {
            let text = key(job.id, attempt);
            let key: IdempotencyKey = text.parse().map_err(|error| {
                JobFailure::new(ErrorKind::Internal, format!("the key of a job: {error}"))
            })?;
            let reserved = runs.catalog().version_by_key(&source, &key).await;
            if reserved.map_err(|error| JobFailure::from_error(&error))?.is_none() {
                continue;
            }
            let ended = runs.bury(&source, &key, "the service ended while it ran").await;
            let ended = ended.map_err(|error: RunError| JobFailure::from_error(&error))?;
            if ended.status == VersionStatus::Active {
                return Ok(text);
            }
        }
        Ok(own)
    }
}

/// Returns the key of an attempt at a job.
fn key(id: JobId, attempt: u32) -> String {
    if attempt <= 1 { id.to_string() } else { format!("{id}.{attempt}") }
}

/// Returns the source of a task that makes a version of one.
///
/// # Errors
/// When there is none in the task's scope, or the task is about none.
pub(crate) async fn source_of(workshop: &Workshop, task: &Task) -> Result<Source, Failure> {
    let text = match &task.request {
        Request::ConvertFile(request) => request.source_id.as_deref(),
        Request::ConvertDatabase(request) => request.source_id.as_deref(),
        Request::Infer(_) | Request::TestConnection(_) | Request::Preview(_) => None,
    };
    let text = text.ok_or_else(|| Failure::invalid("`source_id` is missing"))?;
    let id = text.parse().map_err(|error: tundra_core::IdentityError| {
        Failure::invalid(format!("`source_id`: {error}"))
    })?;
    let source = workshop.runs.catalog().source(&task.scope.scope()?, id).await;
    source.map_err(|error| Failure::of(&error))
}

/// Returns what a job came to: what its caller would have been answered.
fn value_of(answer: Answer) -> serde_json::Result<Value> {
    match answer {
        Answer::Converted(converted) => serde_json::to_value(converted),
        Answer::Inferred(inferred) => serde_json::to_value(inferred),
        Answer::Connected(connected) => serde_json::to_value(connected),
        Answer::Preview(preview) => serde_json::to_value(preview),
    }
}

/// Returns why a job failed. Codes that are the service's own become the kind of their status.
fn job_failure(failure: Failure) -> JobFailure {
    let Failure { status, code, detail, hints, place, .. } = failure;
    let named = ErrorKind::ALL.into_iter().find(|kind| kind.code() == code);
    let kind = named.unwrap_or(match status {
        413 | 429 => ErrorKind::LimitExceeded,
        502 | 503 => ErrorKind::Unavailable,
        504 => ErrorKind::Timeout,
        400..500 => ErrorKind::InvalidRequest,
        _ => ErrorKind::Internal,
    });
    let mut told = JobFailure::new(kind, detail);
    told.hints = hints;
    told.place = place.map(|place| {
        let Place { code, line, byte, record, column } = *place;
        tundra_jobs::Place { code, line, byte, record, column }
    });
    told
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn a_job_fails_with_what_its_task_failed_with() {
        let failure = Failure::of_kind(ErrorKind::InvalidData, "no number").hint("mend it");
        let told = job_failure(failure);
        assert_eq!((told.kind, told.message.as_str()), (ErrorKind::InvalidData, "no number"));
        assert_eq!(told.hints, ["mend it"]);
        let own = Failure::new(StatusCode::SERVICE_UNAVAILABLE, "queue_full", "busy");
        assert_eq!(job_failure(own).kind, ErrorKind::Unavailable);
        let odd = Failure::new(StatusCode::IM_A_TEAPOT, "teapot", "no coffee");
        assert_eq!(job_failure(odd).kind, ErrorKind::InvalidRequest);
    }

    #[test]
    fn every_attempt_has_a_key_of_its_own() {
        let id = JobId::generate();
        let keys: Vec<String> = (1..=3).map(|attempt| key(id, attempt)).collect();
        assert_eq!(keys[0], id.to_string());
        assert!(keys[1] != keys[0] && keys[2] != keys[1]);
        assert!(keys.iter().all(|key| key.parse::<IdempotencyKey>().is_ok()));
    }
}
