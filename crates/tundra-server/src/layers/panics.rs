//! What becomes of a panic: [`catch`] answers the request, and [`log_panics`] tells the log.
//!
//! A panic is a bug. Its caller is told no more than that, and its message is logged only where it is
//! constant text: one that was formatted may hold values.

use std::panic::{AssertUnwindSafe, PanicHookInfo, set_hook};

use axum::{
    extract::Request,
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures::FutureExt as _;

use crate::Failure;

/// Logs every panic of this process from now on, with its place, instead of writing it to standard error. It
/// is for the program, not for libraries: there is one such hook for the whole process.
pub fn log_panics() {
    set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, text = constant_text(panic), "panicked");
    }));
}

/// Answers a request whose handler panics.
pub(super) async fn catch(request: Request, next: Next) -> Response {
    // What the handler holds is dropped with it. What it shares is behind locks, which are not poisoned
    // silently.
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => Failure::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "something went wrong in the service",
        )
        .hint("tell whoever runs the service the id of this request")
        .into_response(),
    }
}

/// Returns the message of a panic when it stands in the program as it is.
fn constant_text<'a>(panic: &'a PanicHookInfo<'_>) -> Option<&'a str> {
    panic.payload().downcast_ref::<&'static str>().copied()
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        body::{Body, to_bytes},
        middleware::from_fn,
        routing::get,
    };
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_answer_without_its_text() {
        let panicking = async |request: Request| -> &'static str {
            panic!("the password is {}", request.uri().query().unwrap_or_default())
        };
        let router = Router::new().route("/", get(panicking)).layer(from_fn(catch));
        for _ in 0..2 {
            let request = Request::builder().uri("/?hush").body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 500);
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["code"], "internal");
            assert!(!body.to_string().contains("hush"), "{body}");
        }
    }
}
