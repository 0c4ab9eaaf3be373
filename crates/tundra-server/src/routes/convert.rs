//! `POST /convert/file` and `POST /convert/database`.

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use tundra_access::Action;
use tundra_core::ErrorKind;

use crate::{
    App, Failure,
    layers::authentication::Caller,
    openapi::RunProblems,
    routes::{
        jobs::{idempotency_key, respond_async},
        other_answer,
    },
    tasks::{Answer, Request, Task, TaskScope},
    wire::{ConvertDatabase, ConvertFile, Converted, JobDocument, Json, Webhook},
};

/// Convert a file into the next version of its source, or from one signed URL to another.
#[utoipa::path(
    post,
    path = "/convert/file",
    tag = "convert",
    operation_id = "convert_file",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "A name for this request: the same request with the same name is answered with what the first one made, and another one with 409"),
        ("Prefer" = Option<String>, Header, description = "`respond-async` for a job", example = "respond-async"),
    ),
    request_body = ConvertFile,
    responses(
        (status = 200, description = "The file was converted", body = Converted),
        (status = 202, description = "The file will be converted", body = JobDocument,
            headers(("Location" = String, description = "The path of the job"))),
        RunProblems,
    ),
)]
pub(crate) async fn convert_file(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(mut request): Json<ConvertFile>,
) -> Result<Response, Failure> {
    caller.may(Action::Convert)?;
    request.check()?;
    let webhook = request.webhook.take();
    answer(&app, &caller, &headers, Request::ConvertFile(request), webhook).await
}

/// Extract a table or a query into the next version of its source, or to a signed URL.
#[utoipa::path(
    post,
    path = "/convert/database",
    tag = "convert",
    operation_id = "convert_database",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "A name for this request: the same request with the same name is answered with what the first one made, and another one with 409"),
        ("Prefer" = Option<String>, Header, description = "`respond-async` for a job", example = "respond-async"),
    ),
    request_body = ConvertDatabase,
    responses(
        (status = 200, description = "The table or the query was extracted", body = Converted),
        (status = 202, description = "The table or the query will be extracted", body = JobDocument,
            headers(("Location" = String, description = "The path of the job"))),
        RunProblems,
    ),
)]
pub(crate) async fn convert_database(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(mut request): Json<ConvertDatabase>,
) -> Result<Response, Failure> {
    caller.may(Action::Convert)?;
    request.check()?;
    let rules = &app.workshop().databases;
    rules.secrets.check(&caller.scope(), &request.credentials_id)?;
    let webhook = request.webhook.take();
    answer(&app, &caller, &headers, Request::ConvertDatabase(request), webhook).await
}

/// Has a conversion done, now or as a job.
async fn answer(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    request: Request,
    webhook: Option<Webhook>,
) -> Result<Response, Failure> {
    let mut task = Task::new(TaskScope::from(&caller.scope()), request);
    if let Some(key) = idempotency_key(headers)? {
        let digest = task.request.digest().map_err(|error| {
            Failure::of_kind(ErrorKind::Internal, format!("a request is no JSON: {error}"))
        })?;
        task.key = Some(key.to_string());
        task.key_request = Some(digest.as_str().to_owned());
    }
    if let Some(accepted) = respond_async(app, caller, headers, &task, webhook.as_ref()).await? {
        return Ok(accepted);
    }
    match app.run(task).await? {
        Answer::Converted(converted) => Ok(axum::Json(converted).into_response()),
        _ => Err(other_answer()),
    }
}
