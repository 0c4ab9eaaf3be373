//! Jobs as documents of JSON: what an API answers and what a webhook carries.
//!
//! Fields may be added; none goes and none changes its meaning. A document holds neither the request nor
//! the tenant: whoever gets it asked for the job.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::job::{Job, JobFailure, stage_name};

/// Returns the job as it is seen from outside. Moments are in RFC 3339.
///
/// # Example
/// ```
/// # use tundra_jobs::{JobStore, MemoryJobs, NewJob, Room, document};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let jobs = MemoryJobs::new();
/// let new = NewJob::new("acme".parse().unwrap(), "convert_file", serde_json::json!({}));
/// let room = Room { total: 10, per_tenant: 10 };
/// let job = jobs.submit(&new, room, std::time::SystemTime::now()).await?.into_job();
/// assert_eq!(document(&job)["status"], "queued");
/// # Ok::<(), tundra_jobs::JobsError>(())
/// # }).unwrap();
/// ```
pub fn document(job: &Job) -> Value {
    json!({
        "id": job.id.to_string(),
        "kind": job.kind,
        "status": job.status.name(),
        "cancel_requested": job.cancel_requested,
        "attempts": job.attempts,
        "progress": {
            "stage": job.progress.stage.map(stage_name),
            "rows": job.progress.rows,
            "bytes": job.progress.bytes,
            "total_bytes": job.progress.total_bytes,
        },
        "result": job.result,
        "error": job.failure.as_ref().map(error),
        "created_at": moment(job.created_at),
        "started_at": job.started_at.map(moment),
        "ended_at": job.ended_at.map(moment),
    })
}

/// Returns the event that a webhook carries when the job has ended: `type` is `job.` and its status,
/// `timestamp` the moment of its end, and `data` its document. It is the same for every try, as the id is
/// under which it is sent.
pub fn event(job: &Job) -> Value {
    json!({
        "type": format!("job.{}", job.status.name()),
        "timestamp": moment(job.ended_at.unwrap_or(job.created_at)),
        "data": document(job),
    })
}

fn error(failure: &JobFailure) -> Value {
    let place = failure.place.as_ref();
    json!({
        "code": failure.kind.code(),
        "message": failure.message,
        "hints": failure.hints,
        "place": place.map(|place| json!({
            "code": place.code,
            "line": place.line,
            "byte": place.byte,
            "record": place.record,
            "column": place.column,
        })),
    })
}

fn moment(moment: SystemTime) -> String {
    humantime::format_rfc3339_micros(moment).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tundra_core::ErrorKind;

    use super::*;
    use crate::{
        job::{JobProgress, NewJob, Place},
        state,
        store::Outcome,
    };

    #[test]
    fn a_document_says_everything_but_what_was_asked() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_micros(1_760_000_000_123_456);
        let request = json!({ "source_id": "hunter2" });
        let new = NewJob::new("acme".parse().unwrap(), "convert_file", request);
        let mut job = state::queued(&new, now);
        state::claim(&mut job, "here", now, now);
        let mut failure = JobFailure::new(ErrorKind::InvalidData, "no number").hint("mend it");
        failure.place = Some(Place {
            code: "bad_value".to_owned(),
            line: 9,
            byte: 120,
            record: 7,
            column: None,
        });
        let progress = JobProgress { rows: 7, bytes: 130, ..JobProgress::default() };
        state::end(&mut job, &progress, &Outcome::Failed(failure), now).unwrap();
        assert_eq!(
            event(&job),
            json!({
                "type": "job.failed",
                "timestamp": "2025-10-09T08:53:20.123456Z",
                "data": {
                    "id": job.id.to_string(),
                    "kind": "convert_file",
                    "status": "failed",
                    "cancel_requested": false,
                    "attempts": 1,
                    "progress": { "stage": null, "rows": 7, "bytes": 130, "total_bytes": null },
                    "result": null,
                    "error": {
                        "code": "invalid_data",
                        "message": "no number",
                        "hints": ["mend it"],
                        "place": {
                            "code": "bad_value", "line": 9, "byte": 120, "record": 7, "column": null
                        },
                    },
                    "created_at": "2025-10-09T08:53:20.123456Z",
                    "started_at": "2025-10-09T08:53:20.123456Z",
                    "ended_at": "2025-10-09T08:53:20.123456Z",
                },
            })
        );
        assert!(!event(&job).to_string().contains("hunter2"));
    }
}
