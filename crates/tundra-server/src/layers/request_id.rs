//! Under which id a request is known, in the answer, in the log and in a trace: [`Identity`].
//!
//! A caller may give a request its id. What it gives is taken when it is short and plain, and is never
//! used for anything but to be repeated. [`finish`] tells it, and gives failures their form: those of our
//! own the id, those of the web framework everything.

mod trace;

use std::{convert::Infallible, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    extract::FromRequestParts,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
        request::Parts,
    },
    response::Response,
};
use tracing::Span;
use uuid::Uuid;

pub(crate) use self::trace::Trace;
use crate::Failure;

/// The header in which the id comes and goes.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How long an id may be that a caller gives.
const LONGEST: usize = 128;

/// How much is read of a text in which the web framework says what is wrong; it writes a sentence.
const LONGEST_TEXT: usize = 4096;

/// Under which id a request is known, and of which trace it is a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    id: Arc<str>,
    trace: Option<Trace>,
}

impl Identity {
    /// Takes what the headers say; makes an id when there is none that can be taken. Ids that are made sort
    /// by time.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
        let id = match given.filter(|id| is_sane(id)) {
            Some(id) => Arc::from(id),
            None => Arc::from(Uuid::now_v7().to_string()),
        };
        Self { id, trace: Trace::of(headers) }
    }

    /// Returns of which trace the request is a part, as far as its headers say so.
    pub(crate) fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    /// Puts the request into its own span of a trace.
    #[must_use]
    pub(crate) fn within(self, trace: Trace) -> Self {
        Self { trace: Some(trace), ..self }
    }

    /// Returns the id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Returns the span that everything is logged in that is done for the request. It has the highest
    /// level, so that no line loses the id because little is logged.
    pub(crate) fn span(&self) -> Span {
        let trace = self.trace.as_ref();
        tracing::error_span!(
            "request",
            request_id = self.id(),
            trace = trace.map(|trace| trace.id.as_str()),
            span_id = trace.and_then(|trace| trace.span.as_deref()),
            trace_sampled = trace.map(|trace| trace.sampled),
        )
    }
}

impl<S: Sync> FromRequestParts<S> for Identity {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let known = parts.extensions.get::<Self>().cloned();
        Ok(known.unwrap_or_else(|| Self::of(&parts.headers)))
    }
}

/// Tells the id, and gives an answer that is a failure the form that failures have.
pub(crate) async fn finish(response: Response, identity: &Identity) -> Response {
    let mut response = match response.extensions().get::<Failure>() {
        Some(failure) => {
            let failure = failure.clone();
            written(response, &failure, identity)
        }
        None if is_foreign(&response) => {
            let (parts, body) = response.into_parts();
            let text = to_bytes(body, LONGEST_TEXT).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let failure = of_framework(parts.status, &text);
            // Those of our own were logged where they became answers.
            failure.log();
            written(Response::from_parts(parts, Body::empty()), &failure, identity)
        }
        None => response,
    };
    // An id that was taken or made is a header value: it is plain.
    if let Ok(id) = HeaderValue::from_str(identity.id()) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    response
}

/// Returns whether an id can be repeated anywhere: in a header, in a log, in a search.
fn is_sane(id: &str) -> bool {
    (1..=LONGEST).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Returns whether it is a failure that the web framework answers: with a text, or with nothing.
fn is_foreign(response: &Response) -> bool {
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE);
    let is_text = kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    (status.is_client_error() || status.is_server_error()) && is_text
}

/// Writes the failure as the body of the response, which keeps its other headers.
fn written(mut response: Response, failure: &Failure, identity: &Identity) -> Response {
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.status_mut() = failure.status();
    *response.body_mut() = Body::from(failure.body(Some(identity.id())));
    response
}

/// Says in our form what the web framework said.
fn of_framework(status: StatusCode, text: &str) -> Failure {
    let text = text.trim();
    let told = |otherwise: &str| if text.is_empty() { otherwise } else { text }.to_owned();
    match status {
        StatusCode::NOT_FOUND => Failure::new(status, "not_found", "there is nothing at this path")
            .hint("`/openapi.json` says what there is, and `/docs` shows it"),
        StatusCode::METHOD_NOT_ALLOWED => {
            // Which it takes, the framework writes into a header when all layers are passed.
            let detail = "this path does not take the method of the request";
            Failure::new(status, "method_not_allowed", detail)
                .hint("the header `Allow` names those that it takes")
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            Failure::new(status, "body_too_large", told("the body is larger than it may be"))
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Failure::new(status, "unsupported_media_type", told("the body must be JSON"))
        }
        StatusCode::REQUEST_TIMEOUT => {
            Failure::new(status, "timeout", told("the request did not come in time"))
        }
        // What a field holds that does not fit is a request that makes no sense, as everywhere.
        StatusCode::UNPROCESSABLE_ENTITY => Failure::invalid(told("the request makes no sense")),
        _ if status.is_client_error() => {
            Failure::new(status, "invalid_request", told("the request makes no sense"))
        }
        // What it says of itself is not for callers.
        _ => Failure::new(status, "internal", "something went wrong in the service"),
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        Json, Router, extract::Query, http::Request, middleware::from_fn, response::IntoResponse,
        routing::get,
    };
    use serde::Deserialize;
    use serde_json::{Value, json};
    use tower::ServiceExt as _;

    use super::*;

    #[derive(Deserialize)]
    struct Wanted {
        #[expect(dead_code, reason = "it is only read, and never used")]
        number: u8,
    }

    async fn ask(method: &str, path: &str, id: Option<&'static str>) -> (Response, Value) {
        let failing = || async { Failure::invalid("no").hint("yes").into_response() };
        let broken = || async { (StatusCode::INTERNAL_SERVER_ERROR, "a secret of ours") };
        let own = || async { (StatusCode::BAD_REQUEST, Json(json!({ "success": false }))) };
        let router = Router::new()
            .route("/failing", get(failing))
            .route("/broken", get(broken))
            .route("/own", get(own))
            .route("/query", get(async |_: Query<Wanted>| ()))
            .layer(from_fn(
                async |request: axum::extract::Request, next: axum::middleware::Next| {
                    let identity = Identity::of(request.headers());
                    finish(next.run(request).await, &identity).await
                },
            ));
        let mut request = Request::builder().method(method).uri(path);
        if let Some(id) = id {
            request = request.header(X_REQUEST_ID, id);
        }
        let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let declared = parts.headers.get(CONTENT_LENGTH).map(|length| length.to_str().unwrap());
        assert!(declared.is_none_or(|length| length == bytes.len().to_string()));
        let value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        (Response::from_parts(parts, Body::empty()), value)
    }

    #[tokio::test]
    async fn a_failure_is_told_with_the_id_that_was_given() {
        let (response, body) = ask("GET", "/failing", Some("mine-7")).await;
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()[X_REQUEST_ID], "mine-7");
        assert_eq!(
            body,
            json!({
                "detail": "no", "code": "invalid_request", "request_id": "mine-7", "hints": ["yes"],
            })
        );
    }

    #[tokio::test]
    async fn an_id_that_is_not_plain_is_replaced() {
        let long: &'static str = Box::leak("x".repeat(LONGEST + 1).into_boxed_str());
        for id in [None, Some(""), Some("a b"), Some("a\tb"), Some(long)] {
            let (response, body) = ask("GET", "/failing", id).await;
            let told = response.headers()[X_REQUEST_ID].to_str().unwrap();
            assert_eq!(Uuid::parse_str(told).unwrap().get_version_num(), 7, "{id:?}");
            assert_eq!(body["request_id"], told);
        }
        assert!(is_sane(&long[1..]));
        assert!(!is_sane("ä") && !is_sane("a\u{7f}"));
    }

    #[tokio::test]
    async fn what_the_framework_refuses_has_our_form() {
        let (response, body) = ask("GET", "/nowhere", None).await;
        assert_eq!(
            (response.status(), &body["code"]),
            (StatusCode::NOT_FOUND, &json!("not_found"))
        );
        assert!(body["detail"].is_string() && body["hints"].is_array());

        let (response, body) = ask("DELETE", "/failing", None).await;
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()["allow"], "GET,HEAD");
        assert_eq!(body["code"], "method_not_allowed");

        let (response, body) = ask("GET", "/query?number=300", None).await;
        assert_eq!(response.status(), 400);
        assert_eq!(body["code"], "invalid_request");
        assert!(body["detail"].as_str().unwrap().contains("number"), "{body}");
    }

    #[tokio::test]
    async fn what_the_service_says_to_itself_is_not_told() {
        let (response, body) = ask("GET", "/broken", None).await;
        assert_eq!(
            (response.status(), &body["code"]),
            (StatusCode::INTERNAL_SERVER_ERROR, &json!("internal"))
        );
        assert!(!body.to_string().contains("secret"));
    }

    #[tokio::test]
    async fn an_answer_in_json_stays_as_it_is() {
        let (response, body) = ask("GET", "/own", None).await;
        assert_eq!(body, json!({ "success": false }));
        assert!(response.headers().contains_key(X_REQUEST_ID));
    }
}
