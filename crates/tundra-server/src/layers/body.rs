//! How large, how slow and how deep the body of a request may be.
//!
//! Start at [`guard`], the layer, which every reader of a body stands behind, and at [`read_json`]. Nothing
//! of a body is repeated in an answer or in the log but the names of its fields: bodies hold credentials.

mod guarded;
mod json;

use std::{num::NonZeroU32, time::Duration};

use axum::{
    body::{Body, HttpBody as _, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;

use self::guarded::{BodyFault, Guarded};
use crate::{Failure, settings::Settings};

/// What the bodies of a group of routes may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// How many bytes.
    limit: u64,
    /// Within which time all of it must have come; nothing for files, which take what they take.
    timeout: Option<Duration>,
    /// How many bytes must come in a second.
    least_rate: NonZeroU32,
    /// How deeply JSON may be nested.
    json_depth: usize,
}

impl Rules {
    /// Returns what bodies of JSON may be.
    pub(crate) fn json(settings: &Settings) -> Self {
        Self {
            limit: settings.body_limit as u64,
            timeout: Some(settings.body_timeout),
            least_rate: settings.least_body_rate,
            json_depth: settings.json_depth,
        }
    }

    /// Returns what files may be that come as a body.
    pub(crate) fn upload(settings: &Settings) -> Self {
        let limit = settings.upload_limit.unwrap_or(u64::MAX);
        Self { limit, timeout: None, ..Self::json(settings) }
    }
}

/// Holds the body to the rules, whoever reads it.
pub(crate) async fn guard(State(rules): State<Rules>, request: Request, next: Next) -> Response {
    // What says that it is too large need not be read.
    if request.body().size_hint().lower() > rules.limit {
        return BodyFault::TooLarge { limit: rules.limit }.failure().into_response();
    }
    let mut request = request.map(|body| Body::new(Guarded::new(body, rules)));
    request.extensions_mut().insert(rules);
    next.run(request).await
}

/// Returns what is told of a body that could not be read to its end.
pub(crate) fn failure_of(error: &(dyn std::error::Error + 'static)) -> Failure {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    match causes.find_map(|cause| cause.downcast_ref::<BodyFault>()) {
        Some(fault) => fault.failure(),
        // Who is told this has mostly gone away.
        None => Failure::invalid("the body of the request ended before it was complete"),
    }
}

/// Reads the body as JSON.
///
/// # Errors
/// 400 for what is no JSON, has a key twice, is nested too deeply, or has a field that is not as it must be,
/// which is named with its path; 408, 413 and 415.
pub(crate) async fn read_json<T: DeserializeOwned>(request: Request) -> Result<T, Failure> {
    let (parts, body) = request.into_parts();
    check_type(&parts.headers)?;
    let Some(rules) = parts.extensions.get::<Rules>() else {
        tracing::error!("a route reads a body without a limit");
        return Err(Failure::of_kind(tundra_core::ErrorKind::Internal, "the route has no limits"));
    };
    let bytes = to_bytes(body, usize::MAX).await.map_err(|error| failure_of(&error))?;
    json::read(&bytes, rules.json_depth)
}

/// Checks that it is said to be JSON. A browser asks before it sends that for a page of another origin, and
/// sends anything else without asking.
fn check_type(headers: &HeaderMap) -> Result<(), Failure> {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = match essence.strip_prefix("application/") {
        Some(kind) => kind == "json" || kind.ends_with("+json"),
        None => false,
    };
    if is_json {
        return Ok(());
    }
    let detail = "the body is not said to be JSON";
    Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
        .hint("send `Content-Type: application/json`"))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::{
        Router,
        middleware::{from_fn, from_fn_with_state},
        routing::post,
    };
    use serde_json::Value;
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(content_type: Option<&str>, body: Body) -> (u16, Value) {
        let settings = Settings { body_limit: 64, ..Settings::default() };
        let read = async |request: Request| read_json::<Value>(request).await.map(axum::Json);
        let router = Router::new()
            .route("/", post(read))
            .route_layer(from_fn_with_state(Rules::json(&settings), guard));
        let mut request = Request::builder().method("POST").uri("/");
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let response = router.oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn json_must_be_said_to_be_json() {
        for kind in ["application/json", "Application/JSON; charset=utf-8", "application/a+json"] {
            assert_eq!(ask(Some(kind), Body::from("{}")).await.0, 200, "{kind}");
        }
        for kind in [None, Some(""), Some("text/plain"), Some("application/jsonl"), Some("json")] {
            let (status, body) = ask(kind, Body::from("{}")).await;
            assert_eq!(
                (status, &body["code"]),
                (415, &"unsupported_media_type".into()),
                "{kind:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_body_is_too_large_whether_or_not_it_says_so() {
        let json = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
        let kind = Some("application/json");
        let streamed = |text: String| {
            let pieces: Vec<_> = text.chars().map(|c| Ok::<_, Infallible>(c.to_string())).collect();
            Body::from_stream(futures::stream::iter(pieces))
        };
        assert_eq!(ask(kind, Body::from(json(64))).await.0, 200);
        assert_eq!(ask(kind, streamed(json(64))).await.0, 200);
        for body in [Body::from(json(65)), streamed(json(65))] {
            let (status, body) = ask(kind, body).await;
            assert_eq!((status, &body["code"]), (413, &"body_too_large".into()));
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_the_callers() {
        let pieces = [Ok("{"), Err(std::io::Error::other("gone"))];
        let body = Body::from_stream(futures::stream::iter(pieces));
        let (status, body) = ask(Some("application/json"), body).await;
        assert_eq!((status, &body["code"]), (400, &"invalid_request".into()));
    }

    #[tokio::test]
    async fn a_route_without_limits_reads_nothing() {
        let read = async |request: Request| read_json::<Value>(request).await.map(axum::Json);
        let pass = async |request: Request, next: Next| next.run(request).await;
        let router = Router::new().route("/", post(read)).layer(from_fn(pass));
        let request = Request::builder().method("POST").uri("/");
        let request = request.header(CONTENT_TYPE, "application/json").body(Body::from("{}"));
        assert_eq!(router.oneshot(request.unwrap()).await.unwrap().status(), 500);
    }
}
