//! How a request becomes a job: by `Prefer: respond-async` (RFC 7240).
//!
//! A preference may be left aside, and is where a job could not be kept: what holds secrets is done at once,
//! and the answer does not say that the preference was applied.

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use tundra_access::Action;
use tundra_core::{ErrorKind, IdempotencyKey, IdempotencyKeyError};
use tundra_jobs::{NewJob, WebhookUrl, document};

use super::told;
use crate::{
    App, Failure,
    app::jobs::{ON_INTERRUPTION, source_of},
    layers::authentication::Caller,
    tasks::Task,
    traces::note_job,
    wire::Webhook,
};

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

const RESPOND_ASYNC: &str = "respond-async";

/// Makes a job of a task whose caller prefers that: the answer says where it is found. `None` when the
/// caller does not, or the task cannot be kept: then it is to be done at once. The webhook stands beside the
/// task and not in it, because it may be somebody's secret.
///
/// # Errors
/// When the caller may not convert, when there is no such source, when a webhook is asked for that cannot
/// be called, when the key was used for another request, and when there is no room.
pub(crate) async fn respond_async(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    task: &Task,
    webhook: Option<&Webhook>,
) -> Result<Option<Response>, Failure> {
    caller.may(Action::Convert)?;
    let jobs = app.jobs().filter(|_| prefers_async(headers) && !task.has_secrets());
    let Some(jobs) = jobs else {
        return match webhook {
            None => Ok(None),
            Some(_) => Err(Failure::invalid("`webhook` is for runs that nobody waits for")
                .hint("send `Prefer: respond-async`, and name a source by its id")),
        };
    };
    let webhook = webhook.map(|webhook| webhook.url.parse::<WebhookUrl>()).transpose();
    let webhook = webhook.map_err(|error| Failure::invalid(format!("`webhook.url`: {error}")))?;
    // Looked up now, so that nobody waits for a job that can only fail. It says whose job it is, too: an
    // operator acts for whomever the source belongs to. What the job may use stays what its caller may.
    let source = source_of(app.workshop(), task).await?;
    let kept = serde_json::to_value(Task { key: None, key_request: None, ..task.clone() });
    let kept = kept.map_err(|error| {
        Failure::of_kind(ErrorKind::Internal, format!("a task is no JSON: {error}"))
    })?;
    let new = NewJob {
        idempotency_key: idempotency_key(headers)?,
        on_interruption: ON_INTERRUPTION,
        webhook,
        ..NewJob::new(source.tenant, task.kind(), kept)
    };
    let job = jobs.submit(&new).await.map_err(told)?.into_job();
    tracing::info!(job = %job.id, kind = job.kind, "took a job");
    note_job(&job.id);
    let mut response = (StatusCode::ACCEPTED, Json(document(&job))).into_response();
    let headers = response.headers_mut();
    headers.insert(PREFERENCE_APPLIED, HeaderValue::from_static(RESPOND_ASYNC));
    // The id is made of digits and dashes.
    if let Ok(location) = HeaderValue::from_str(&format!("/jobs/{}", job.id)) {
        headers.insert(LOCATION, location);
    }
    Ok(Some(response))
}

/// Reads the caller's name for the request. A text in quotes, as the draft of the header has it, is the same
/// as without.
///
/// # Errors
/// When there are several, or it is none.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Failure> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let (Some(value), others) = (values.next(), values.next()) else { return Ok(None) };
    if others.is_some() {
        return Err(Failure::invalid("`Idempotency-Key` is given more than once"));
    }
    let text = value.to_str().unwrap_or_default().trim();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    text.parse().map(Some).map_err(|error: IdempotencyKeyError| {
        Failure::invalid(format!("`Idempotency-Key`: {error}"))
    })
}

/// Returns whether the caller prefers not to wait.
fn prefers_async(headers: &HeaderMap) -> bool {
    let texts = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let mut names = texts.flat_map(preferences);
    names.any(|name| name.eq_ignore_ascii_case(RESPOND_ASYNC))
}

/// Returns the names of the preferences in a header; what they are set to may hold commas, in quotes.
fn preferences(text: &str) -> Vec<&str> {
    let mut is_quoted = false;
    let parts = text.split(move |c: char| {
        is_quoted ^= c == '"';
        c == ',' && !is_quoted
    });
    parts.map(|part| part.split([';', '=']).next().unwrap_or_default().trim()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_preference_is_found_among_others() {
        for text in [
            "respond-async",
            "Respond-Async",
            "wait=10, respond-async",
            "respond-async; x=\"y\", wait=1",
            "return=minimal; foo=\"a,b\",respond-async",
        ] {
            assert!(prefers_async(&headers(&[(PREFER, text)])), "{text}");
        }
        for text in ["", "return=minimal", "x=\", respond-async\"", "not-respond-async"] {
            assert!(!prefers_async(&headers(&[(PREFER, text)])), "{text}");
        }
        assert!(prefers_async(&headers(&[(PREFER, "wait=1"), (PREFER, "respond-async")])));
    }

    #[test]
    fn a_key_is_the_same_with_and_without_quotes() {
        let key = |text| idempotency_key(&headers(&[(IDEMPOTENCY_KEY, text)]));
        for text in ["8e03-978e", "\"8e03-978e\"", " 8e03-978e "] {
            assert_eq!(key(text).unwrap().unwrap().as_str(), "8e03-978e");
        }
        assert_eq!(idempotency_key(&HeaderMap::new()).unwrap(), None);
        for text in ["", "\"\""] {
            assert_eq!(key(text).unwrap_err().status, 400, "{text:?}");
        }
        let mut odd = HeaderMap::new();
        odd.insert(IDEMPOTENCY_KEY, HeaderValue::from_bytes(b"\xe4").unwrap());
        assert_eq!(idempotency_key(&odd).unwrap_err().status, 400);
        let twice = headers(&[(IDEMPOTENCY_KEY, "a"), (IDEMPOTENCY_KEY, "a")]);
        assert_eq!(idempotency_key(&twice).unwrap_err().status, 400);
    }
}
