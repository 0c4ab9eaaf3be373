//! Jobs as the API shows and takes them.
//!
//! What is answered is the document of `tundra_jobs::document`, the same that a webhook carries.
//! [`JobDocument`] says of what form that is; a test holds the two together.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::limit::limit;
use crate::Failure;

/// How many jobs are listed when nothing is said, and at most.
const USUAL_PAGE: usize = 50;
const LARGEST_PAGE: usize = 500;

/// Whom to tell when a job has ended. Only with `Prefer: respond-async`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    /// Where to: an `https` URL of a public host. It gets a POST that is signed by the rules of Standard
    /// Webhooks, and again when it does not answer with a success.
    #[schema(example = "https://example.com/hooks/tundra")]
    pub url: String,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A path or a query may be somebody's secret.
        f.write_str("Webhook(…)")
    }
}

/// Which jobs are listed.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct JobsQuery {
    /// Only those with this status: `queued`, `running`, `done`, `failed` or `cancelled`.
    #[param(example = "running")]
    pub status: Option<String>,
    /// At most so many, from 1 to 500; 50 when nothing is said.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<usize>,
    /// Only those behind a page: its `next_cursor`.
    pub cursor: Option<String>,
}

impl JobsQuery {
    /// Returns how many are listed at most.
    ///
    /// # Errors
    /// When none or too many are asked for.
    pub fn page(&self) -> Result<usize, Failure> {
        limit(self.limit, USUAL_PAGE, LARGEST_PAGE)
    }
}

/// Jobs, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobPage {
    /// The jobs.
    #[schema(value_type = Vec<JobDocument>)]
    pub jobs: Vec<Value>,
    /// What to ask for as `cursor` to get those behind; `null` when these are the last.
    pub next_cursor: Option<String>,
}

/// A run that was asked for and is tracked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobDocument {
    /// The job.
    #[schema(example = "01890a5d-ac96-774b-bcce-b302099a8057")]
    pub id: String,
    /// What is done.
    #[schema(example = "convert_file")]
    pub kind: String,
    /// Where it stands: `queued`, `running`, `done`, `failed` or `cancelled`.
    #[schema(example = "running")]
    pub status: String,
    /// Whether somebody asked to end it.
    pub cancel_requested: bool,
    /// How often it was begun.
    pub attempts: u32,
    /// How far it is.
    pub progress: JobProgressDocument,
    /// What it came to: the answer that the request would have got without `Prefer: respond-async`. `null`
    /// until it is done.
    pub result: Option<Value>,
    /// Why it failed; `null` when it did not.
    pub error: Option<JobErrorDocument>,
    /// When it was asked for, in RFC 3339.
    #[schema(example = "2026-01-02T03:04:05.678901Z")]
    pub created_at: String,
    /// When its last run began; `null` while it waits.
    pub started_at: Option<String>,
    /// When it ended; `null` until then.
    pub ended_at: Option<String>,
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobProgressDocument {
    /// What it is doing; `null` before it says so.
    #[schema(example = "converting")]
    pub stage: Option<String>,
    /// Records that were read in this stage.
    pub rows: u64,
    /// Bytes of the input that were read in this stage.
    pub bytes: u64,
    /// Bytes of the whole input, when they are known.
    pub total_bytes: Option<u64>,
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobErrorDocument {
    /// What sort of failure it is; stable.
    #[schema(example = "invalid_data")]
    pub code: String,
    /// What happened, with its causes.
    pub message: String,
    /// What can be done about it.
    pub hints: Vec<String>,
    /// Where in the input it is, when it is about the input.
    pub place: Option<JobPlaceDocument>,
}

/// Where in an input something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobPlaceDocument {
    /// What is wrong there; stable.
    #[schema(example = "too_few_fields")]
    pub code: String,
    /// The line on which the record begins, counted from 1.
    pub line: u64,
    /// The offset of the record's first byte.
    pub byte: u64,
    /// The record, counted from 1 behind the header; 0 for the header itself.
    pub record: u64,
    /// The column's name, when it is about one.
    pub column: Option<String>,
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use serde_json::json;
    use tundra_core::ErrorKind;
    use tundra_jobs::{
        JobFailure, JobProgress, JobStore, MemoryJobs, NewJob, Outcome, Place, Room, document,
    };

    use super::*;

    #[tokio::test]
    async fn a_job_is_of_the_form_that_the_api_documents() {
        let (jobs, now) = (MemoryJobs::new(), SystemTime::now());
        let room = Room { total: 9, per_tenant: 9 };
        let new = NewJob::new("acme".parse().unwrap(), "convert_file", json!({}));
        let queued = jobs.submit(&new, room, now).await.unwrap().into_job();
        let claim = jobs.claim("here", now, now).await.unwrap().unwrap();
        let mut failure = JobFailure::new(ErrorKind::InvalidData, "no number").hint("mend it");
        failure.place = Some(Place {
            code: "bad_value".to_owned(),
            line: 9,
            byte: 120,
            record: 7,
            column: Some("price".to_owned()),
        });
        let progress = JobProgress { rows: 7, ..JobProgress::default() };
        let failed =
            jobs.end(&claim.hold, &progress, &Outcome::Failed(failure), now).await.unwrap();
        for job in [queued, claim.job, failed] {
            let told = document(&job);
            let read: JobDocument = serde_json::from_value(told.clone()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), told);
        }
    }

    #[test]
    fn a_webhook_does_not_print() {
        let webhook = Webhook { url: "https://h.example/hunter2".to_owned() };
        assert!(!format!("{webhook:?}").contains("hunter2"));
    }
}
