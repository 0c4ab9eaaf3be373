//! `POST /infer/schema`.

use axum::extract::State;
use tundra_access::Action;

use crate::{
    App, Failure,
    layers::authentication::Caller,
    openapi::RunProblems,
    routes::other_answer,
    tasks::{Answer, Request, Task, TaskScope},
    wire::{Infer, Inferred, Json},
};

/// Look at a sample of a file: its columns, their types and their values.
#[utoipa::path(
    post,
    path = "/infer/schema",
    tag = "look",
    operation_id = "infer_schema",
    request_body = Infer,
    responses(
        (status = 200, description = "What was found out", body = Inferred),
        RunProblems,
    ),
)]
pub(crate) async fn infer_schema(
    State(app): State<App>,
    caller: Caller,
    Json(request): Json<Infer>,
) -> Result<axum::Json<Inferred>, Failure> {
    caller.may(Action::Convert)?;
    request.check()?;
    let scope = TaskScope::from(&caller.scope());
    let task = Task::new(scope, Request::Infer(request));
    match app.run(task).await? {
        Answer::Inferred(inferred) => Ok(axum::Json(inferred)),
        _ => Err(other_answer()),
    }
}
