//! `GET /jobs/{id}/events`: what becomes of a job, as server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{Path, State},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{StreamExt as _, future};
use tundra_access::Action;
use tundra_jobs::{Job, document};
use utoipa::ToSchema;

use super::{job_id, jobs_of, told};
use crate::{
    App, Failure,
    layers::{authentication::Caller, rates::Key},
    openapi::RunProblems,
};

/// How often something is sent when there is no news: more often than proxies give up on a silent
/// connection, of which the strictest in use do so after 30 seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// An event of the stream, by the names of its fields there.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is written field by field")]
pub(super) struct JobEvent {
    /// A number that grows.
    id: String,
    #[schema(example = "job")]
    event: String,
    /// The job as `GET /jobs/{id}` answers it, as a text of JSON.
    data: String,
}

/// Tell what becomes of a job: its present state first, then each change, and at last how it ended.
///
/// Each event is called `job`, its data is the job as `GET /jobs/{id}` answers it, and its id grows. A client
/// that comes back with `Last-Event-ID` gets what is newer; when that was the end, 204, which tells it not to
/// come back. A stream that ends without a final state was ended by the service: come back then.
#[utoipa::path(
    get,
    path = "/jobs/{id}/events",
    tag = "jobs",
    params(
        ("id" = String, Path, description = "The job"),
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was heard"),
    ),
    responses(
        (status = 200, description = "The events", body = JobEvent, content_type = "text/event-stream"),
        (status = 204, description = "There is no more to tell"),
        RunProblems,
    )
)]
pub(super) async fn job_events(
    State(app): State<App>,
    caller: Caller,
    about: Extensions,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    caller.may(Action::Read)?;
    let (jobs, id, scope) = (jobs_of(&app)?, job_id(&id)?, caller.scope());
    let heard = last_heard(&headers);
    let job = jobs.get(&scope, id).await.map_err(told)?;
    if job.status.is_final() && heard.is_some_and(|heard| heard >= job.revision) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    // It is kept as long as the stream is.
    let place = app.streams().open(Key::of(&about))?;
    let events = jobs.watch(&scope, id).await.map_err(told)?.into_stream();
    let events = events.filter_map(move |state| {
        let _place = &place;
        // An error is that the job was removed, behind which nothing comes.
        let news = state.ok().filter(|job| heard.is_none_or(|heard| job.revision > heard));
        future::ready(news.map(|job| Ok::<_, Infallible>(event_of(&job))))
    });
    let mut response =
        Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    // Proxies in front that gather answers would keep the news back.
    let name = HeaderName::from_static("x-accel-buffering");
    response.headers_mut().insert(name, HeaderValue::from_static("no"));
    Ok(response)
}

/// Returns the state of a job as an event.
fn event_of(job: &Job) -> Event {
    Event::default().id(job.revision.to_string()).event("job").data(document(job).to_string())
}

/// Reads the id of the event that was heard last. What is none of ours was heard from somebody else.
fn last_heard(headers: &HeaderMap) -> Option<u64> {
    headers.get(LAST_EVENT_ID)?.to_str().ok()?.trim().parse().ok()
}
