//! Jobs as they are kept and told: [`Job`], and [`NewJob`] as it is asked for.
//!
//! Nothing here changes a job; that is `crate::state`.

mod failure;
mod id;
mod progress;
mod webhook;

use std::{num::NonZeroU32, time::SystemTime};

use serde_json::Value;
use tundra_core::{IdempotencyKey, TenantId};

#[cfg(feature = "sqlite")]
pub(crate) use self::progress::stage_named;
pub use self::{
    failure::{JobFailure, Place},
    id::{JobId, JobIdError},
    progress::{JobProgress, stage_name},
    webhook::{Delivery, Webhook, WebhookUrl, WebhookUrlError},
};
use crate::JobsError;

/// The longest kind of a job, in characters.
pub const MAX_KIND_LENGTH: usize = 64;
/// How large the request or the result of a job may be, in bytes of JSON. What is larger belongs into
/// an object store.
pub const MAX_VALUE_SIZE: usize = 1 << 20;
/// How deeply the request or the result of a job may be nested. Readers of JSON end at 128 or earlier.
pub const MAX_VALUE_DEPTH: usize = 64;

/// A run that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The job.
    pub id: JobId,
    /// Who owns it.
    pub tenant: TenantId,
    /// What sort of work it is, such as `convert_file`; its executor knows.
    pub kind: String,
    /// What was asked for. It is kept in the open and holds no secrets: those are named here, and kept
    /// in a store of secrets.
    pub request: Value,
    /// The caller's name for the request.
    pub idempotency_key: Option<IdempotencyKey>,
    /// What becomes of it when its process ends before it does.
    pub on_interruption: OnInterruption,
    /// Where it stands in its life.
    pub status: JobStatus,
    /// Whether somebody asked to end it.
    pub cancel_requested: bool,
    /// How often it was begun.
    pub attempts: u32,
    /// How far it is.
    pub progress: JobProgress,
    /// What it came to; `None` until it is done. No secrets, like the request.
    pub result: Option<Value>,
    /// Why it failed.
    pub failure: Option<JobFailure>,
    /// Who runs it; `None` while nobody does.
    pub lease: Option<Lease>,
    /// Whom to tell when it has ended.
    pub webhook: Option<Webhook>,
    /// When it was asked for.
    pub created_at: SystemTime,
    /// When its last run began; `None` while it waits.
    pub started_at: Option<SystemTime>,
    /// When it ended.
    pub ended_at: Option<SystemTime>,
    /// Grows with each change, so that of two states the later one can be told.
    pub revision: u64,
}

/// Where a job stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobStatus {
    /// It waits for its turn.
    Queued,
    /// Somebody runs it.
    Running,
    /// It did what was asked for.
    Done,
    /// It did not.
    Failed,
    /// It was ended because somebody asked for that.
    Cancelled,
}

impl JobStatus {
    /// Every status, in the order of a life.
    pub const ALL: [Self; 5] =
        [Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// Returns the name that programs see; stable.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns the status with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Returns whether the job has ended; such a job changes no more, but for its webhook.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// What becomes of a job whose process ended, or was told to end, while it ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnInterruption {
    /// It fails. For what must not be begun twice.
    #[default]
    Fail,
    /// It waits for its turn again, in its old place, until it was begun so often.
    Retry {
        /// How often it may be begun, the first time included. It bounds what a job can do that takes
        /// its process with it.
        at_most: NonZeroU32,
    },
}

impl OnInterruption {
    /// Returns whether a job that was begun so often may be begun again.
    pub const fn allows(self, attempts: u32) -> bool {
        match self {
            Self::Fail => false,
            Self::Retry { at_most } => attempts < at_most.get(),
        }
    }
}

/// For how long a job is somebody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Who runs it, for people.
    pub owner: String,
    /// Until when nobody else may, unless it is renewed.
    pub until: SystemTime,
}

/// A job to be added.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// The job.
    pub id: JobId,
    /// Who owns it.
    pub tenant: TenantId,
    /// What sort of work it is: 1 to [`MAX_KIND_LENGTH`] of `a` to `z`, `0` to `9`, `_`, `-` and `.`.
    pub kind: String,
    /// What is asked for, without secrets; at most [`MAX_VALUE_SIZE`] and [`MAX_VALUE_DEPTH`].
    pub request: Value,
    /// The caller's name for the request: the tenant's requests with the same name are the same.
    pub idempotency_key: Option<IdempotencyKey>,
    /// What becomes of it when its process ends before it does.
    pub on_interruption: OnInterruption,
    /// Where to tell that it has ended.
    pub webhook: Option<WebhookUrl>,
}

impl NewJob {
    /// Returns a job with a new id, without a key and a webhook, that fails when it is interrupted.
    pub fn new(tenant: TenantId, kind: impl Into<String>, request: Value) -> Self {
        Self {
            id: JobId::generate(),
            tenant,
            kind: kind.into(),
            request,
            idempotency_key: None,
            on_interruption: OnInterruption::Fail,
            webhook: None,
        }
    }

    /// Checks what every store of jobs checks before it takes one.
    ///
    /// # Errors
    /// [`JobsError::Invalid`] for a kind or a request that is not as said there.
    pub fn check(&self) -> Result<(), JobsError> {
        let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"_-.".contains(&c);
        let length = self.kind.len();
        if length == 0 || length > MAX_KIND_LENGTH || !self.kind.bytes().all(is_plain) {
            let reason = format!(
                "the kind of a job is 1 to {MAX_KIND_LENGTH} of `a` to `z`, `0` to `9`, `_`, `-` and `.`"
            );
            return Err(JobsError::Invalid { reason });
        }
        check_value("request", &self.request)
    }
}

/// Checks that a value can be kept and read again.
pub(crate) fn check_value(what: &str, value: &Value) -> Result<(), JobsError> {
    if depth_exceeds(value, MAX_VALUE_DEPTH) {
        let reason = format!("the {what} of a job is nested more than {MAX_VALUE_DEPTH} deep");
        return Err(JobsError::Invalid { reason });
    }
    let size = value.to_string().len();
    if size > MAX_VALUE_SIZE {
        let reason = format!(
            "the {what} of a job has {size} bytes, and {MAX_VALUE_SIZE} are taken; keep what is large \
             in a store, and name it"
        );
        return Err(JobsError::Invalid { reason });
    }
    Ok(())
}

/// Returns whether the value is nested deeper than that. It goes no deeper itself.
fn depth_exceeds(value: &Value, most: usize) -> bool {
    match value {
        Value::Array(_) | Value::Object(_) if most == 0 => true,
        Value::Array(values) => values.iter().any(|value| depth_exceeds(value, most - 1)),
        Value::Object(fields) => fields.values().any(|value| depth_exceeds(value, most - 1)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(kind: &str, request: Value) -> NewJob {
        NewJob::new("acme".parse().unwrap(), kind, request)
    }

    #[test]
    fn a_kind_is_short_and_plain() {
        let longest = "k".repeat(MAX_KIND_LENGTH);
        for kind in ["convert_file", "v2.infer-schema", &longest] {
            job(kind, Value::Null).check().unwrap();
        }
        for kind in ["", "Convert", "a b", "a/b", "ä", &format!("{longest}k")] {
            assert!(job(kind, Value::Null).check().is_err(), "{kind:?}");
        }
    }

    #[test]
    fn a_request_is_neither_deep_nor_large() {
        let nest = |depth: usize| (0..depth).fold(json!(1), |value, _| json!([value]));
        job("k", nest(MAX_VALUE_DEPTH)).check().unwrap();
        let error = job("k", nest(MAX_VALUE_DEPTH + 1)).check().unwrap_err();
        assert!(error.to_string().contains("64 deep"), "{error}");
        job("k", json!("x".repeat(MAX_VALUE_SIZE - 2))).check().unwrap();
        let error = job("k", json!("x".repeat(MAX_VALUE_SIZE))).check().unwrap_err();
        assert!(error.to_string().contains("1048578 bytes"), "{error}");
    }

    #[test]
    fn a_status_prints_as_it_parses() {
        for status in JobStatus::ALL {
            assert_eq!(JobStatus::named(status.name()), Some(status));
        }
        assert_eq!(JobStatus::named("lost"), None);
    }

    #[test]
    fn a_job_that_may_be_retried_may_be_begun_so_often() {
        let retry = OnInterruption::Retry { at_most: NonZeroU32::new(2).unwrap() };
        assert!(retry.allows(1) && !retry.allows(2));
        assert!(!OnInterruption::Fail.allows(1));
    }
}
