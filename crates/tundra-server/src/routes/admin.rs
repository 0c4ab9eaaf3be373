//! What operators change while the service runs: `/admin/log`.
//!
//! It changes what this process does and nothing that is kept: after a restart everything is as it was
//! set up.

use axum::{Extension, Json, extract::Request};
use serde::{Deserialize, Serialize};
use tundra_access::Action;
use tundra_core::ErrorKind;
use utoipa::ToSchema;

use crate::{
    Failure,
    layers::{LogHandle, LogLevels, authentication::Caller, body::read_json},
    openapi::{Problems, RunProblems},
};

/// What is logged.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct LogDocument {
    /// A level (`off`, `error`, `warn`, `info`, `debug` or `trace`), or levels of parts of the program.
    #[schema(example = "tundra_core=debug,info")]
    levels: String,
}

/// What is logged.
#[utoipa::path(
    get,
    path = "/admin/log",
    operation_id = "getLogLevels",
    tag = "service",
    responses(
        (status = 200, description = "What is logged", body = LogDocument),
        Problems,
    ),
)]
pub(crate) async fn get_log(
    caller: Caller,
    handle: Option<Extension<LogHandle>>,
) -> Result<Json<LogDocument>, Failure> {
    caller.may(Action::Operate)?;
    document(&handle_of(handle)?)
}

/// Changes what is logged, until the service ends.
#[utoipa::path(
    put,
    path = "/admin/log",
    operation_id = "setLogLevels",
    tag = "service",
    request_body = LogDocument,
    responses(
        (status = 200, description = "What is logged from now on", body = LogDocument),
        RunProblems,
    ),
)]
pub(crate) async fn put_log(
    caller: Caller,
    handle: Option<Extension<LogHandle>>,
    request: Request,
) -> Result<Json<LogDocument>, Failure> {
    caller.may(Action::Operate)?;
    let handle = handle_of(handle)?;
    let LogDocument { levels } = read_json(request).await?;
    let levels: LogLevels =
        levels.parse().map_err(|error| Failure::invalid(format!("`levels`: {error}")))?;
    // It is logged by the old levels or the new ones, whichever are the more talkative.
    let told = levels.to_string();
    tracing::warn!(levels = told, subject = caller.0.subject, "changing what is logged");
    if !handle.set(levels) {
        return Err(gone());
    }
    document(&handle)
}

fn handle_of(handle: Option<Extension<LogHandle>>) -> Result<LogHandle, Failure> {
    handle.map(|Extension(handle)| handle).ok_or_else(gone)
}

fn document(handle: &LogHandle) -> Result<Json<LogDocument>, Failure> {
    let levels = handle.levels().ok_or_else(gone)?.to_string();
    Ok(Json(LogDocument { levels }))
}

/// Whoever embeds the service logs in a way of its own.
fn gone() -> Failure {
    Failure::of_kind(ErrorKind::NotFound, "what is logged cannot be changed through this service")
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        body::{Body, to_bytes},
        middleware::from_fn_with_state,
        routing::get,
    };
    use serde_json::{Value, json};
    use tower::ServiceExt as _;
    use tracing::level_filters::LevelFilter;
    use tracing_subscriber::{Registry, layer::SubscriberExt as _};
    use tundra_access::{Actions, Principal, Via};

    use super::*;
    use crate::{Settings, layers::body};

    async fn ask(
        handle: Option<&LogHandle>,
        tenant: Option<&str>,
        levels: Option<&str>,
    ) -> (u16, Value) {
        let tenant = tenant.map(|tenant| tenant.parse().unwrap());
        let subject = "x".to_owned();
        let principal = Principal { subject, tenant, actions: Actions::ALL, via: Via::ApiKey };
        let rules = body::Rules::json(&Settings::default());
        let router = Router::new()
            .route("/admin/log", get(get_log).put(put_log))
            .layer(from_fn_with_state(rules, body::guard))
            .layer(Extension(Caller(principal)));
        let router = match handle {
            Some(handle) => router.layer(Extension(handle.clone())),
            None => router,
        };
        let request = Request::builder().uri("/admin/log");
        let request = match levels {
            Some(levels) => request
                .method("PUT")
                .header("content-type", "application/json")
                .body(Body::from(json!({ "levels": levels }).to_string())),
            None => request.body(Body::empty()),
        };
        let response = router.oneshot(request.unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn an_operator_changes_what_is_logged_while_it_runs() {
        let (filter, handle) = LogHandle::new(LogLevels::up_to(LevelFilter::WARN));
        let _log = tracing::subscriber::set_default(Registry::default().with(filter));
        assert!(!tracing::enabled!(tracing::Level::DEBUG));
        assert_eq!(ask(Some(&handle), None, None).await, (200, json!({ "levels": "warn" })));
        let debug = (200, json!({ "levels": "debug" }));
        assert_eq!(ask(Some(&handle), None, Some("debug")).await, debug);
        assert!(tracing::enabled!(tracing::Level::DEBUG));
        assert_eq!(ask(Some(&handle), None, None).await, debug);
        let (status, body) = ask(Some(&handle), None, Some("dbug")).await;
        assert_eq!((status, &body["code"]), (400, &"invalid_request".into()));
        assert_eq!(ask(Some(&handle), None, None).await, debug);
    }

    #[tokio::test]
    async fn nobody_changes_it_for_one_organisation() {
        let (_filter, handle) = LogHandle::new(LogLevels::up_to(LevelFilter::WARN));
        for levels in [None, Some("trace")] {
            assert_eq!(ask(Some(&handle), Some("acme"), levels).await.0, 403);
        }
        assert_eq!(handle.levels().unwrap().to_string(), "warn");
    }

    #[tokio::test]
    async fn a_log_that_is_not_the_services_is_left_alone() {
        for levels in [None, Some("trace")] {
            assert_eq!(ask(None, None, levels).await.0, 404);
        }
    }
}
