//! Whose pages may call the service from a browser: [`layer`].
//!
//! Browsers send neither keys nor tokens by themselves, so that no cookie-like credential is ever allowed
//! here. Nothing is answered to a browser unless the settings name origins.

use std::time::Duration;

use axum::http::{
    HeaderName, HeaderValue, Method,
    header::{
        AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION,
        RETRY_AFTER, WWW_AUTHENTICATE,
    },
};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{
    layers::{authentication::X_ORGANISATION, rates, request_id::X_REQUEST_ID},
    settings::CorsOrigins,
};

/// How long a browser may keep what it was told: no browser keeps it longer than two hours.
const KEPT: Duration = Duration::from_secs(2 * 60 * 60);

/// Returns the layer that tells browsers whose pages may call; nothing when nobody's may.
pub(super) fn layer(origins: &CorsOrigins) -> Option<CorsLayer> {
    let allowed = match origins {
        CorsOrigins::None => return None,
        CorsOrigins::Any => AllowOrigin::any(),
        CorsOrigins::These(origins) => {
            // One that is no header value is none that a browser could send; the settings' check says so.
            AllowOrigin::list(origins.iter().filter_map(|text| HeaderValue::from_str(text).ok()))
        }
    };
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(taken())
        .expose_headers(told())
        .max_age(KEPT);
    Some(layer)
}

/// Returns the headers that pages may send.
fn taken() -> [HeaderName; 11] {
    [
        AUTHORIZATION,
        CONTENT_TYPE,
        IF_MATCH,
        IF_NONE_MATCH,
        X_ORGANISATION,
        X_REQUEST_ID,
        HeaderName::from_static("idempotency-key"),
        HeaderName::from_static("last-event-id"),
        HeaderName::from_static("prefer"),
        HeaderName::from_static("traceparent"),
        HeaderName::from_static("x-api-key"),
    ]
}

/// Returns the headers that pages may read, besides those that they always may.
fn told() -> Vec<HeaderName> {
    let mut told = vec![
        CONTENT_LENGTH,
        ETAG,
        LOCATION,
        RETRY_AFTER,
        WWW_AUTHENTICATE,
        X_REQUEST_ID,
        HeaderName::from_static("preference-applied"),
    ];
    told.extend(rates::HEADERS);
    told
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        body::Body,
        http::{Request, Response, header},
        routing::post,
    };
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(origins: CorsOrigins, method: &str, origin: &str) -> Response<Body> {
        let router = Router::new().route("/", post(async || "yes"));
        let router = match layer(&origins) {
            Some(layer) => router.layer(layer),
            None => router,
        };
        let request = Request::builder()
            .method(method)
            .uri("/")
            .header(header::ORIGIN, origin)
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "x-api-key");
        router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    fn these() -> CorsOrigins {
        CorsOrigins::These(vec!["https://app.example.com".to_owned()])
    }

    #[tokio::test]
    async fn pages_of_origins_that_are_named_may_call_and_read() {
        let own = "https://app.example.com";
        let asked = ask(these(), "OPTIONS", own).await;
        assert_eq!(asked.status(), 200);
        assert_eq!(asked.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], own);
        let allowed = asked.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
        assert!(allowed.contains("x-api-key"), "{allowed}");
        let answered = ask(these(), "POST", own).await;
        assert_eq!(answered.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], own);
        let told = answered.headers()[header::ACCESS_CONTROL_EXPOSE_HEADERS].to_str().unwrap();
        for name in ["x-request-id", "retry-after", "ratelimit-remaining", "location"] {
            assert!(told.contains(name), "{name}: {told}");
        }
        assert!(!answered.headers().contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    }

    #[tokio::test]
    async fn pages_of_others_may_not() {
        for origin in ["https://evil.example.com", "https://app.example.com.evil.com", "null"] {
            for method in ["OPTIONS", "POST"] {
                for origins in [these(), CorsOrigins::None] {
                    let response = ask(origins, method, origin).await;
                    let allowed = response.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
                    assert_eq!(allowed, None, "{origin}");
                }
            }
        }
    }

    #[tokio::test]
    async fn everybodys_may_when_that_is_said() {
        let response = ask(CorsOrigins::Any, "POST", "https://anywhere.example.com").await;
        assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    }
}
