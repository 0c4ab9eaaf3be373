//! `GET /metrics`: what the service counts, for whoever operates it.

use std::time::Duration;

use axum::{
    extract::State,
    http::{HeaderValue, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use tokio::time::timeout;
use tundra_access::Action;
use tundra_core::ErrorKind;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App, Failure,
    layers::{authentication::Caller, metrics},
    openapi::Problems,
};

/// The form in which counts are written.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How long the catalog and the store of jobs may take to answer. Whoever gathers counts waits for ten seconds,
/// and would otherwise learn nothing just when something is slow.
const PATIENCE: Duration = Duration::from_secs(2);

/// Returns the routes of this group.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show_metrics))
}

/// Show what the service counts, as OpenMetrics.
///
/// For callers who act for all organisations and may `operate`; for everybody where nobody is asked who they
/// are.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "service",
    operation_id = "metrics",
    responses(
        (status = 200, description = "The counts", body = String, content_type = "application/openmetrics-text"),
        Problems,
    )
)]
async fn show_metrics(State(app): State<App>, caller: Caller) -> Result<Response, Failure> {
    caller.may(Action::Operate)?;
    let catalog = async {
        let answered = timeout(PATIENCE, app.workshop().runs.catalog().ping()).await;
        matches!(answered, Ok(Ok(())))
    };
    let jobs = async {
        let counts = timeout(PATIENCE, app.jobs()?.counts()).await;
        counts.ok()?.ok()
    };
    let (catalog_answers, jobs) = tokio::join!(catalog, jobs);
    let state = metrics::State {
        gate: Some(app.runner().gate().load()),
        jobs,
        jobs_here: app.jobs().map_or(0, tundra_jobs::Jobs::running),
        catalog_answers: Some(catalog_answers),
        catalog: app.workshop().runs.catalog().standing(),
        processes: app.runner().processes(),
        connections: app.connections().load(),
        event_streams: app.streams().count(),
    };
    let text = app
        .metrics()
        .written(&state)
        .map_err(|_| Failure::of_kind(ErrorKind::Internal, "the counts could not be written"))?;
    Ok(([(CONTENT_TYPE, HeaderValue::from_static(OPEN_METRICS))], text).into_response())
}
