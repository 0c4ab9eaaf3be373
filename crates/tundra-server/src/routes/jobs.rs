//! `/jobs`: runs that were asked for and are tracked.
//!
//! How a request becomes a job, `asking` knows; what is told while one runs, `events`.

mod asking;
mod events;

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tundra_access::Action;
use tundra_core::{Classify, ErrorKind};
use tundra_jobs::{JobFilter, JobId, JobStatus, Jobs, JobsError, document};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use self::asking::{idempotency_key, respond_async};
use crate::{
    App, Failure,
    layers::authentication::Caller,
    openapi::RunProblems,
    routes::{cursor, cut},
    tasks::{IDEMPOTENCY_CONFLICT, QUEUE_FULL, SHUTTING_DOWN},
    wire::{JobDocument, JobPage, JobsQuery},
};

/// Returns the routes of this group.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_jobs))
        .routes(routes!(get_job, cancel_job))
        .routes(routes!(events::job_events))
}

/// List the jobs of the caller's organisation, the newest first.
#[utoipa::path(
    get,
    path = "/jobs",
    tag = "jobs",
    params(JobsQuery),
    responses(
        (status = 200, description = "The jobs", body = JobPage),
        RunProblems,
    )
)]
async fn list_jobs(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<JobsQuery>,
) -> Result<Json<JobPage>, Failure> {
    caller.may(Action::Read)?;
    let status = query.status.as_deref().map(status_named).transpose()?;
    let before = cursor(query.cursor.as_deref())?;
    let page = query.page()?;
    // One more, which says whether there are others behind.
    let filter = JobFilter { status, before, limit: page + 1 };
    let mut jobs = jobs_of(&app)?.list(&caller.scope(), &filter).await.map_err(told)?;
    let next_cursor = cut(&mut jobs, page).map(|last| last.id.to_string());
    Ok(Json(JobPage { jobs: jobs.iter().map(document).collect(), next_cursor }))
}

/// Show a job as it is now.
#[utoipa::path(
    get,
    path = "/jobs/{id}",
    tag = "jobs",
    params(("id" = String, Path, description = "The job")),
    responses(
        (status = 200, description = "The job", body = JobDocument),
        RunProblems,
    )
)]
async fn get_job(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    caller.may(Action::Read)?;
    let job = jobs_of(&app)?.get(&caller.scope(), job_id(&id)?).await.map_err(told)?;
    Ok(Json(document(&job)).into_response())
}

/// End a job: at once when it waits, and soon when it runs. A job that has ended stays as it is.
#[utoipa::path(
    delete,
    path = "/jobs/{id}",
    tag = "jobs",
    params(("id" = String, Path, description = "The job")),
    responses(
        (status = 200, description = "The job has ended", body = JobDocument),
        (status = 202, description = "The job runs, and is told to end", body = JobDocument),
        RunProblems,
    )
)]
async fn cancel_job(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    // Whoever may ask for a run may ask to end it.
    caller.may(Action::Convert)?;
    let job = jobs_of(&app)?.cancel(&caller.scope(), job_id(&id)?).await.map_err(told)?;
    let status = if job.status.is_final() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(document(&job))).into_response())
}

/// Returns the queue; a service without one has no jobs.
fn jobs_of(app: &App) -> Result<&Jobs, Failure> {
    app.jobs().ok_or_else(|| {
        Failure::of_kind(ErrorKind::NotFound, "this service keeps no jobs")
            .hint("ask without `Prefer: respond-async`, and wait for the answer")
    })
}

/// Reads the id of a job. There is no job whose id is none.
fn job_id(text: &str) -> Result<JobId, Failure> {
    text.parse().map_err(|_| Failure::of_kind(ErrorKind::NotFound, "there is no such job"))
}

fn status_named(text: &str) -> Result<JobStatus, Failure> {
    JobStatus::named(text).ok_or_else(|| {
        let names: Vec<&str> = JobStatus::ALL.into_iter().map(JobStatus::name).collect();
        Failure::invalid(format!("`status` is none of {}", names.join(", ")))
    })
}

/// Returns what a caller is told of an error of the queue.
fn told(error: JobsError) -> Failure {
    let (status, code) = match &error {
        JobsError::Full { of_tenant: true, .. } => (StatusCode::TOO_MANY_REQUESTS, QUEUE_FULL),
        JobsError::Full { of_tenant: false, .. } => (StatusCode::SERVICE_UNAVAILABLE, QUEUE_FULL),
        JobsError::ShuttingDown => (StatusCode::SERVICE_UNAVAILABLE, SHUTTING_DOWN),
        JobsError::OtherRequest { .. } => (StatusCode::CONFLICT, IDEMPOTENCY_CONFLICT),
        _ => return Failure::of(&error),
    };
    let mut failure = Failure::new(status, code, error.to_string());
    failure.hints = error.hints();
    match &error {
        JobsError::Full { wait, .. } => failure.retry_after(*wait),
        JobsError::ShuttingDown => failure.retry_after(Duration::from_secs(1)),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_says_whose_it_is_and_when_to_come_back() {
        let full =
            |of_tenant| JobsError::Full { limit: 3, of_tenant, wait: Duration::from_secs(7) };
        for (error, status) in
            [(full(true), 429), (full(false), 503), (JobsError::ShuttingDown, 503)]
        {
            let failure = told(error);
            assert_eq!(failure.status, status);
            assert!(failure.retry_after.is_some() && !failure.hints.is_empty());
        }
        assert_eq!(told(full(true)).retry_after, Some(7));
    }

    #[test]
    fn a_key_that_was_used_for_something_else_has_a_code_of_its_own() {
        let failure = told(JobsError::OtherRequest { key: None, id: JobId::generate() });
        assert_eq!((failure.status, failure.code.as_str()), (409, "idempotency_conflict"));
        assert_eq!(told(JobsError::NotFound { id: JobId::generate() }).status, 404);
    }

    #[test]
    fn what_is_no_id_is_no_job() {
        for text in ["", "x", "../jobs", "01890a5d-ac96-774b-bcce-b302099a805"] {
            assert_eq!(job_id(text).unwrap_err().status, 404, "{text}");
        }
        assert_eq!(status_named("lost").unwrap_err().status, 400);
    }
}
