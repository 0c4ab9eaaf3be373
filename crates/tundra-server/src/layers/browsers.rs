//! Keeps the pages of others from using the service of whoever looks at them.
//!
//! Where nobody is asked who they are, a browser on the machine is let in like everybody else there, and
//! with it every page that it shows. Such a page cannot read answers, but what it asks for is done. So
//! requests that a browser says come from another origin are refused, and where only this machine is
//! listened to, so are those that reach it under a name: a page can have its own name lead here, and is
//! then of the same origin. Callers that are no browsers notice nothing, and where credentials are needed
//! there is nothing to keep out, because browsers send none by themselves.

use std::net::IpAddr;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{StatusCode, header::HOST, uri::Authority},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tundra_access::Asking;

use crate::{
    Failure,
    settings::{CorsOrigins, Settings},
};

/// Puts it around the routes, where it is needed: where nobody is asked when the service begins. Pages of
/// other origins are kept out as long as it runs; the names by which it is reached are free once callers are
/// asked.
pub(super) fn keep_out_pages_of_others(
    router: Router,
    settings: &Settings,
    asking: Option<Asking>,
) -> Router {
    let mut layer = CsrfLayer::new();
    match &settings.cors {
        _ if asking.as_ref().is_some_and(Asking::is_on) => return router,
        CorsOrigins::Any => return router,
        CorsOrigins::None => {}
        CorsOrigins::These(origins) => {
            for origin in origins {
                // One that cannot be trusted is refused by the settings' check; left out, it stays shut.
                layer = layer.clone().add_trusted_origin(origin).unwrap_or(layer);
            }
        }
    }
    let router = router.layer(layer.with_rejection_response(refuse_origin));
    // Who opened the service to others gave it a name.
    if settings.allow_public_without_authentication {
        router
    } else {
        router.layer(from_fn_with_state(asking, refuse_names))
    }
}

fn refuse_origin(_: ProtectionError) -> Response<Body> {
    Failure::new(
        StatusCode::FORBIDDEN,
        "permission_denied",
        "a page of another origin asks for this, and the service asked nobody who they are when it began",
    )
    .hint(
        "name the origin of the page in the service's settings, or set up authentication and start the \
         service again",
    )
    .into_response()
}

async fn refuse_names(
    State(asking): State<Option<Asking>>,
    request: Request,
    next: Next,
) -> Response {
    if asking.is_some_and(|asking| asking.is_on()) {
        return next.run(request).await;
    }
    let in_target = request.uri().authority().cloned();
    let in_header = || request.headers().get(HOST)?.to_str().ok()?.parse::<Authority>().ok();
    match in_target.or_else(in_header) {
        Some(authority) if !is_this_machine(authority.host()) => Failure::new(
            StatusCode::FORBIDDEN,
            "permission_denied",
            format!(
                "the request is for `{}`, and the service, which asks nobody who they are, is there \
                 for this machine only",
                authority.host()
            ),
        )
        .hint("set up authentication, or say `--allow-public-without-authentication`")
        .into_response(),
        _ => next.run(request).await,
    }
}

/// Returns whether no name server can be told to lead this name somewhere: it is an address, or the name
/// that every machine has for itself.
fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    bare.parse::<IpAddr>().is_ok() || name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::SystemTime};

    use axum::{
        http::request::Builder,
        routing::{get, post},
    };
    use tower::ServiceExt as _;
    use tundra_access::{Actions, Authenticator, MemoryKeys, NewKey, issue};

    use super::*;

    async fn status(settings: &Settings, asks_who: bool, request: Builder) -> u16 {
        let router = Router::new().route("/", post(async || "done").get(async || "seen"));
        let asking = asks_who.then(Asking::default);
        let router = keep_out_pages_of_others(router, settings, asking);
        let request = request.body(Body::empty()).unwrap();
        router.oneshot(request).await.unwrap().status().as_u16()
    }

    fn post_with(headers: &[(&'static str, &'static str)]) -> Builder {
        let request = Request::builder().method("POST").uri("/");
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    }

    #[tokio::test]
    async fn a_page_of_another_origin_gets_nothing_done() {
        let settings = Settings::default();
        let foreign = [("host", "127.0.0.1:8080"), ("origin", "https://evil.example.com")];
        assert_eq!(status(&settings, false, post_with(&foreign)).await, 403);
        let by_site = [("host", "localhost"), ("sec-fetch-site", "cross-site")];
        assert_eq!(status(&settings, false, post_with(&by_site)).await, 403);
        let same = [("host", "localhost:8080"), ("origin", "http://localhost:8080")];
        assert_eq!(status(&settings, false, post_with(&same)).await, 200);
        assert_eq!(status(&settings, true, post_with(&foreign)).await, 200);

        let trusted = CorsOrigins::These(vec!["https://evil.example.com".to_owned()]);
        let settings = Settings { cors: trusted, ..Settings::default() };
        assert_eq!(status(&settings, false, post_with(&foreign)).await, 200);
    }

    #[tokio::test]
    async fn who_is_no_browser_notices_nothing() {
        let settings = Settings::default();
        assert_eq!(status(&settings, false, post_with(&[])).await, 200);
        for host in ["127.0.0.1:8080", "[::1]:8080", "localhost", "tundra.localhost:80"] {
            assert_eq!(status(&settings, false, post_with(&[("host", host)])).await, 200, "{host}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_here_is_not_this_machines() {
        let settings = Settings::default();
        for host in ["evil.example.com:8080", "localhost.evil.com", "127.0.0.1.nip.io"] {
            let request = || post_with(&[("host", host)]);
            assert_eq!(status(&settings, false, request()).await, 403, "{host}");
            assert_eq!(status(&settings, true, request()).await, 200, "{host}");
            let open = Settings { allow_public_without_authentication: true, ..settings.clone() };
            assert_eq!(status(&open, false, request()).await, 200, "{host}");
        }
        let seen = Request::builder().uri("http://evil.example.com/");
        assert_eq!(status(&settings, false, seen).await, 403);
    }

    #[tokio::test]
    async fn a_name_may_lead_here_once_callers_are_asked() {
        let keys = Arc::new(MemoryKeys::default());
        let door = Authenticator::new().with_keys(keys.clone()).from_the_first_key();
        let router = Router::new().route("/", get(async || "seen"));
        let settings = Settings::default();
        let router = keep_out_pages_of_others(router, &settings, Some(door.asking()));
        let ask = async || {
            let request = Request::builder().uri("/").header("host", "tundra.example.com");
            let request = request.body(Body::empty()).unwrap();
            router.clone().oneshot(request).await.unwrap().status().as_u16()
        };
        assert_eq!(ask().await, 403);
        let new = NewKey {
            name: "first".to_owned(),
            tenant: None,
            actions: Actions::MEMBER,
            expires_at: None,
        };
        issue(&*keys, &new, SystemTime::now()).await.unwrap();
        door.look_for_keys(SystemTime::now()).await.unwrap();
        assert_eq!(ask().await, 200);
    }
}
