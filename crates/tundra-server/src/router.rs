//! Which paths there are, and what stands before each group of them.

use axum::{
    Extension, Router,
    http::{HeaderValue, header},
    middleware::from_fn_with_state,
    response::IntoResponse,
    routing::get,
};
use bytes::Bytes;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    layers::{
        self,
        authentication::{Door, authenticate},
        body::{Rules, guard},
        metrics::measure,
        rates::{Limiter, limit},
    },
    openapi::{Document, finished},
    routes::{
        admin, connection, convert, docs, infer, jobs, metrics, preview, service, sources, uploads,
    },
};

/// Where the description of the API is.
const OPENAPI: &str = "/openapi.json";

/// Returns the service over HTTP.
pub(crate) fn router(app: &App) -> Router {
    let (router, document) = api(app).split_for_parts();
    let document = finished(document);
    let router = router
        .merge(openapi(&document))
        .with_state(app.clone())
        .merge(docs::router())
        // Around requests to unknown paths, too.
        .layer(from_fn_with_state(app.metrics().clone(), measure));
    let router = match app.log() {
        Some(log) => router.layer(Extension(log.clone())),
        None => router,
    };
    layers::around(router, app.settings(), app.asking(), app.traces().cloned())
}

/// Returns the routes with their descriptions.
fn api(app: &App) -> OpenApiRouter<App> {
    let settings = app.settings();
    let rates = settings.rates;
    let door = Door::new(app.authenticator());
    let closed = |routes: OpenApiRouter<App>, rules: Rules, limiter: Option<_>| {
        // The last layer is the first to see a request.
        let routes = routes.route_layer(from_fn_with_state(rules, guard));
        let routes = match limiter {
            Some(limiter) => routes.route_layer(from_fn_with_state(limiter, limit)),
            None => routes,
        };
        routes.route_layer(from_fn_with_state(door.clone(), authenticate))
    };
    let json = Rules::json(settings);
    let limited = |routes: OpenApiRouter<App>, group, rate| {
        closed(routes, json, Some(Limiter::new(group, rate)))
    };
    let new = OpenApiRouter::default;
    let unlimited = new()
        .merge(jobs::router())
        .merge(sources::router())
        .merge(preview::router())
        .merge(uploads::router())
        .merge(metrics::router())
        .routes(routes!(admin::get_log, admin::put_log));
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(service::index))
        .routes(routes!(service::health))
        .routes(routes!(service::deep::deep_health))
        .routes(routes!(service::info))
        .routes(routes!(service::connectors))
        // Each path has a limit of its own, as in 4.0.
        .merge(limited(new().routes(routes!(convert::convert_file)), "convert_file", rates.convert))
        .merge(limited(
            new().routes(routes!(convert::convert_database)),
            "convert_database",
            rates.convert,
        ))
        .merge(limited(new().routes(routes!(infer::infer_schema)), "infer_schema", rates.infer))
        .merge(limited(
            new().routes(routes!(connection::test_database_connection)),
            "test_connection",
            rates.test_connection,
        ))
        .merge(closed(unlimited, json, None))
        .merge(closed(uploads::files(), Rules::upload(settings), None))
}

/// Serves the description, which is made once.
fn openapi(document: &utoipa::openapi::OpenApi) -> Router<App> {
    let text = match document.to_pretty_json() {
        Ok(text) => Bytes::from(text),
        Err(error) => {
            tracing::error!(%error, "the description of the API is no JSON");
            Bytes::from_static(b"{}")
        }
    };
    let json = HeaderValue::from_static("application/json");
    let serve = async move || ([(header::CONTENT_TYPE, json)], text).into_response();
    Router::new().route(OPENAPI, get(serve))
}
