//! What stands between a connection and a route.
//!
//! Requests pass it in this order, and answers in the other:
//!
//! 1. [`around`], which every request passes, those for unknown paths too:
//!    [`client`] (whose request it is), [`request_id`] (under which id it is known; the outermost, so that
//!    everything else is told with it), [`access_log`] (one line for each), [`request_id::finish`] (the form
//!    of failures), [`cors`], [`panics`], [`browsers`] where nobody is asked who they are, and [`head`] (how
//!    large that may be).
//! 2. The layers of groups of routes, which the router names. They stand in this order, so that in code,
//!    where the last layer that is added is the first to see a request, they are added from the last to the
//!    first: [`authentication::authenticate`] (who asks), [`rates::limit`] (how often they did), and
//!    [`body::guard`] (how large and how slow a body may be).
//!
//! Nothing here knows what a request asks for. Paths are the router's: which of them are open to
//! everybody is said there, by not adding a layer.

pub(crate) mod access_log;
pub(crate) mod authentication;
pub(crate) mod body;
mod browsers;
pub(crate) mod client;
mod cors;
pub(crate) mod head;
pub(crate) mod metrics;
mod panics;
pub(crate) mod rates;
pub(crate) mod request_id;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn, from_fn_with_state},
    response::Response,
};
use opentelemetry::trace::FutureExt as _;
use tracing::Instrument as _;
use tundra_access::Asking;

use self::{client::Proxies, request_id::Identity};
use crate::{
    settings::{LEAST_HEAD, Settings},
    traces::{RequestSpan, Traces},
};

pub use self::{
    access_log::{LogHandle, LogLevels, LogLevelsError, json_log},
    panics::log_panics,
};

/// Puts around all routes what every request passes. `asking` is whether callers are asked who they are;
/// nobody ever is for `None`.
pub(crate) fn around(
    router: Router,
    settings: &Settings,
    asking: Option<Asking>,
    traces: Option<Traces>,
) -> Router {
    let limit = settings.header_limit.max(LEAST_HEAD);
    let router = router.layer(from_fn_with_state(limit, head::check));
    let router = browsers::keep_out_pages_of_others(router, settings, asking);
    let router = router.layer(from_fn(panics::catch));
    let router = match cors::layer(&settings.cors) {
        Some(cors) => router.layer(cors),
        None => router,
    };
    let entrance = Entrance { proxies: Proxies::of(settings), traces };
    router.layer(from_fn_with_state(Arc::new(entrance), pass))
}

/// What is known of all requests before they come.
struct Entrance {
    proxies: Proxies,
    traces: Option<Traces>,
}

/// Finds out whose request it is and what it is called, logs it, and gives its answer the form that
/// answers have.
async fn pass(State(entrance): State<Arc<Entrance>>, mut request: Request, next: Next) -> Response {
    let client = entrance.proxies.client(&request);
    let mut identity = Identity::of(request.headers());
    let traces = entrance.traces.as_ref();
    let traced = traces.map(|traces| traces.request(&request, identity.trace()));
    if let Some(traced) = &traced {
        identity = identity.within(traced.trace());
    }
    let context = traced.as_ref().map(RequestSpan::context).unwrap_or_default();
    let span = identity.span();
    let entry = access_log::Entry::begin(&request, client, span.clone(), traced);
    let extensions = request.extensions_mut();
    extensions.insert(entry.noted());
    extensions.insert(identity.clone());
    if let Some(client) = client {
        extensions.insert(client);
    }
    let serve = async {
        let response = next.run(request).await;
        request_id::finish(response, &identity).await
    };
    entry.answered(serve.with_context(context).instrument(span).await)
}
