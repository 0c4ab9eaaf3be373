//! `POST /test/database-connection`.

use axum::extract::State;
use tundra_access::Action;

use crate::{
    App, Failure,
    failure::TestProblem,
    layers::authentication::Caller,
    openapi::RunProblems,
    routes::other_answer,
    tasks::{Answer, Request, Task, TaskScope},
    wire::{Connected, Json, TestConnection},
};

/// Try a connection to a database with credentials that are not kept.
#[utoipa::path(
    post,
    path = "/test/database-connection",
    tag = "look",
    operation_id = "test_database_connection",
    request_body = TestConnection,
    responses(
        RunProblems,
        (status = 200, description = "The database answers", body = Connected),
        (status = 400, description = "The database does not answer, or the request makes no sense",
            body = TestProblem),
    ),
)]
pub(crate) async fn test_database_connection(
    State(app): State<App>,
    caller: Caller,
    Json(request): Json<TestConnection>,
) -> Result<axum::Json<Connected>, Failure> {
    caller.may(Action::TestConnection)?;
    request.kind()?;
    let scope = TaskScope::from(&caller.scope());
    let task = Task::new(scope, Request::TestConnection(request));
    match app.run(task).await.map_err(Failure::of_connection)? {
        Answer::Connected(connected) => Ok(axum::Json(connected)),
        _ => Err(other_answer()),
    }
}
