//! `GET /health/deep`: whether what the service needs is there.

use std::{collections::BTreeMap, fmt::Display, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::{sync::Mutex, time::Instant};
use tundra_core::ErrorKind;

use super::{SERVICE, VERSION};
use crate::{App, tasks::Workshop, wire::DeepHealth};

/// How long each of what is asked may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// For how long an answer holds: everybody may ask, and what is asked is somebody else's.
const FRESH: Duration = Duration::from_secs(2);

/// A secret that nobody has. That it is not there, or may not be read, is an answer.
const NO_SECRET: &str = "tundra-health-check";

/// The longest reason that is told, in bytes.
const LONGEST_REASON: usize = 300;

/// What was found out last. Who asks while it is being found out waits for the same.
#[derive(Debug, Default)]
pub(crate) struct DeepCheck(Mutex<Option<(Instant, Arc<Checks>)>>);

type Checks = BTreeMap<&'static str, Result<(), String>>;

/// Ask everything that the service needs whether it is there.
#[utoipa::path(
    get, path = "/health/deep", tag = "service", operation_id = "deep_health",
    responses(
        (status = 200, description = "Everything is there", body = DeepHealth),
        (status = 503, description = "Something is not there", body = DeepHealth),
    ),
)]
pub(crate) async fn deep_health(State(app): State<App>) -> Response {
    let checks = app.deep_check().of(app.workshop()).await;
    let is_healthy = checks.values().all(Result::is_ok);
    let (status, word) = match is_healthy {
        true => (StatusCode::OK, "healthy"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy"),
    };
    let shown = checks.iter().map(|(name, check)| {
        let shown = match check {
            Ok(()) => "healthy".to_owned(),
            Err(reason) => format!("unhealthy: {reason}"),
        };
        (*name, shown)
    });
    let checks = shown.collect();
    let body = DeepHealth { status: word, service: SERVICE, version: VERSION, checks };
    (status, Json(body)).into_response()
}

impl DeepCheck {
    async fn of(&self, workshop: &Workshop) -> Arc<Checks> {
        let mut last = self.0.lock().await;
        if let Some((at, checks)) = &*last
            && at.elapsed() < FRESH
        {
            return Arc::clone(checks);
        }
        let (catalog, secrets, warehouse) = tokio::join!(
            in_time(catalog(workshop)),
            in_time(secrets(workshop)),
            in_time(warehouse(workshop)),
        );
        let checks = Arc::new(BTreeMap::from([
            ("catalog", catalog),
            ("secret_manager", secrets),
            ("warehouse", warehouse),
        ]));
        *last = Some((Instant::now(), Arc::clone(&checks)));
        checks
    }
}

async fn in_time(check: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, check).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer within {PATIENCE:?}")),
    }
}

async fn catalog(workshop: &Workshop) -> Result<(), String> {
    workshop.runs.catalog().ping().await.map_err(reason)
}

async fn secrets(workshop: &Workshop) -> Result<(), String> {
    match workshop.secrets.get(NO_SECRET).await {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
            Ok(())
        }
        Err(error) => Err(reason(error)),
    }
}

async fn warehouse(workshop: &Workshop) -> Result<(), String> {
    workshop.runs.warehouse().ping().await.map_err(reason)
}

/// Returns what an error says, without its causes, which may be of anybody's making.
fn reason(error: impl Display) -> String {
    let mut text = error.to_string();
    text.truncate(text.floor_char_boundary(LONGEST_REASON));
    text
}
