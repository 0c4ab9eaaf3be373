//! Why a job could not be taken, found or changed.

use std::time::Duration;

use tundra_core::{BoxError, Classify, ErrorKind, IdempotencyKey, Retry};

use crate::job::{JobId, WebhookUrlError};

/// Why something could not be done with jobs. Why a job itself failed is a [`crate::JobFailure`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobsError {
    /// There is no such job, or it is somebody else's.
    #[error("there is no job `{id}`")]
    NotFound {
        /// The job.
        id: JobId,
    },

    /// As many jobs wait as may.
    #[error("{limit} jobs wait already, which is as many as may{}", of_whom(*.of_tenant))]
    Full {
        /// How many may wait.
        limit: u64,
        /// Whether it is the tenant that has too many; the service has otherwise.
        of_tenant: bool,
        /// How long it may take until there is room.
        wait: Duration,
    },

    /// The key, or the id, was used before for a request that asked for something else.
    #[error("the {} was used before, for the job `{id}`, which asked for something else", used(.key))]
    OtherRequest {
        /// The key; `None` when it is the id of the job that is taken.
        key: Option<IdempotencyKey>,
        /// The job that has it.
        id: JobId,
    },

    /// The job is not, or no longer, the caller's to run.
    #[error("the job `{id}` is somebody else's to run by now, or has ended")]
    LostHold {
        /// The job.
        id: JobId,
    },

    /// What was given cannot be kept as a job.
    #[error("{reason}")]
    Invalid {
        /// What is wrong with it.
        reason: String,
    },

    /// The URL of a webhook is none, or may not be called.
    #[error(transparent)]
    WebhookUrl(#[from] WebhookUrlError),

    /// A webhook may not be called.
    #[error("the webhook at `{host}` may not be called: {reason}")]
    WebhookRefused {
        /// Its scheme and host.
        host: String,
        /// Why not.
        reason: String,
    },

    /// There are no webhooks.
    #[error("this service calls no webhooks")]
    NoWebhooks,

    /// The service is ending and takes no jobs.
    #[error("the service is ending and takes no more jobs")]
    ShuttingDown,

    /// The store of jobs could not.
    #[error(transparent)]
    Store(#[from] JobStoreError),
}

fn of_whom(of_tenant: bool) -> &'static str {
    if of_tenant { " for one organisation" } else { "" }
}

fn used(key: &Option<IdempotencyKey>) -> String {
    key.as_ref().map_or("id".to_owned(), |key| format!("idempotency key `{key}`"))
}

impl Classify for JobsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Full { of_tenant: true, .. } => ErrorKind::LimitExceeded,
            Self::Full { of_tenant: false, .. } | Self::ShuttingDown => ErrorKind::Unavailable,
            Self::OtherRequest { .. } | Self::LostHold { .. } => ErrorKind::Conflict,
            Self::Invalid { .. } | Self::WebhookUrl(_) => ErrorKind::InvalidRequest,
            Self::WebhookRefused { .. } => ErrorKind::PermissionDenied,
            Self::NoWebhooks => ErrorKind::Unsupported,
            Self::Store(error) => error.kind(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Full { wait, .. } => Retry::After(*wait),
            Self::ShuttingDown => Retry::Later,
            Self::Store(error) => error.retry(),
            _ => Retry::Never,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Full { .. } => "ask again later, or cancel jobs that are not needed any more",
            Self::OtherRequest { .. } => "use a new key for a new request",
            Self::NoWebhooks => "ask for the job's state instead, or watch its events",
            Self::ShuttingDown => "ask again; another process will answer",
            Self::Store(error) => return error.hints(),
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

/// Why a store of jobs could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("the store of jobs could not {operation}: {reason}")]
pub struct JobStoreError {
    /// What it was asked, as a verb phrase.
    pub operation: &'static str,
    /// Why not, safe to show.
    pub reason: String,
    /// What sort of failure it is.
    pub kind: ErrorKind,
    /// Whether trying again can help.
    pub retry: Retry,
    /// What can be done about it.
    pub hints: Vec<String>,
    /// The cause.
    pub source: Option<BoxError>,
}

impl JobStoreError {
    /// Makes an error that trying again does not mend, without a cause.
    pub fn new(operation: &'static str, kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self {
            operation,
            reason: reason.into(),
            kind,
            retry: Retry::Never,
            hints: Vec::new(),
            source: None,
        }
    }

    /// Adds what can be done about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl Classify for JobStoreError {
    fn kind(&self) -> ErrorKind {
        self.kind
    }

    fn retry(&self) -> Retry {
        self.retry
    }

    fn hints(&self) -> Vec<String> {
        self.hints.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_says_whose_it_is_and_when_to_come_back() {
        let wait = Duration::from_secs(7);
        let own = JobsError::Full { limit: 3, of_tenant: true, wait };
        assert_eq!(
            own.to_string(),
            "3 jobs wait already, which is as many as may for one organisation"
        );
        assert_eq!((own.kind(), own.retry()), (ErrorKind::LimitExceeded, Retry::After(wait)));
        let all = JobsError::Full { limit: 3, of_tenant: false, wait };
        assert_eq!((all.kind(), all.retry()), (ErrorKind::Unavailable, Retry::After(wait)));
    }
}
