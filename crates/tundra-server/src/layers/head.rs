//! How large the head of a request may be: [`check`].
//!
//! Hyper refuses by itself what it cannot hold, with a bare 431, and closes the connection. So it is given
//! twice the room, and what is larger than it may be is refused here, in the form of every failure.

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::Failure;

/// How many headers a request may have. Browsers behind proxies send some thirty.
pub(crate) const MOST_HEADERS: usize = 100;

/// What stands around a header besides its name and its value: a colon, a space and the end of the line.
const AROUND: usize = 4;

/// Refuses a request whose head has more bytes than this, or more headers than a request needs.
pub(crate) async fn check(State(limit): State<usize>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if headers.len() > MOST_HEADERS {
        return refusal(format!("the request has more than {MOST_HEADERS} headers"))
            .into_response();
    }
    let lines = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + AROUND);
    let path = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    if path + lines.sum::<usize>() > limit {
        let detail = format!("the head of the request is larger than {} KiB", limit >> 10);
        return refusal(detail).into_response();
    }
    next.run(request).await
}

fn refusal(detail: String) -> Failure {
    Failure::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", detail)
        .hint("send fewer or shorter headers, and what is long in the body")
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware::from_fn_with_state, routing::get};
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_head_has_so_many_bytes_and_headers() {
        let router =
            Router::new().route("/", get(async || "done")).layer(from_fn_with_state(1000, check));
        let ask = async |headers: &[(&str, usize)], query: usize| {
            let uri = format!("/?{}", "q".repeat(query));
            let mut request = Request::builder().uri(uri);
            for (name, length) in headers {
                request = request.header(*name, "v".repeat(*length));
            }
            let request = request.body(Body::empty()).unwrap();
            router.clone().oneshot(request).await.unwrap().status().as_u16()
        };
        assert_eq!(ask(&[("a", 900)], 50).await, 200);
        assert_eq!(ask(&[("a", 1000)], 0).await, 431);
        assert_eq!(ask(&[("a", 500), ("a", 500)], 0).await, 431);
        assert_eq!(ask(&[], 1000).await, 431);
        assert_eq!(ask(&[("a", 0); MOST_HEADERS], 0).await, 200);
        assert_eq!(ask(&[("a", 0); MOST_HEADERS + 1], 0).await, 431);
    }
}
