//! The first rows of a version, as JSON or as a stream of Arrow.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use tundra_access::Action;
use tundra_core::{ErrorKind, Source, Version};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App, Failure,
    layers::authentication::Caller,
    openapi::RunProblems,
    routes::sources::{find_numbered_version, find_version},
    tasks::{Answer, PreviewTask, Request, Task, TaskScope},
    wire::{Preview, PreviewForm, PreviewParameters, PreviewQuery, PreviewRows},
};

/// The media type of a stream of Arrow.
const ARROW_STREAM: &str = "application/vnd.apache.arrow.stream";

/// Returns the routes of this group.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(preview_version)).routes(routes!(preview_numbered_version))
}

/// Show the first rows of a version: as JSON, or as a stream of Arrow with
/// `Accept: application/vnd.apache.arrow.stream`.
///
/// In JSON no value is changed by the way it is written: decimals, and integers that not every reader of JSON
/// keeps, are texts; moments are texts of ISO 8601, bytes of base64.
#[utoipa::path(
    get,
    path = "/versions/{id}/preview",
    tag = "sources",
    params(
        ("id" = String, Path, description = "The version"),
        PreviewParameters,
    ),
    responses(
        (status = 200, description = "The rows", content(
            (PreviewRows = "application/json"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"),
        )),
        RunProblems,
    )
)]
async fn preview_version(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(parameters): Query<PreviewParameters>,
) -> Result<Response, Failure> {
    caller.may(Action::Read)?;
    let found = find_version(&app, &caller, &id).await?;
    preview(&app, &caller, &headers, found, &parameters).await
}

/// Show the first rows of a version of a source, by its number or as `current`; see
/// `GET /versions/{id}/preview`.
#[utoipa::path(
    get,
    path = "/sources/{id}/versions/{version}/preview",
    tag = "sources",
    params(
        ("id" = String, Path, description = "The source"),
        ("version" = String, Path, description = "The number of a version, or `current`"),
        PreviewParameters,
    ),
    responses(
        (status = 200, description = "The rows", content(
            (PreviewRows = "application/json"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"),
        )),
        RunProblems,
    )
)]
async fn preview_numbered_version(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path((id, version)): Path<(String, String)>,
    Query(parameters): Query<PreviewParameters>,
) -> Result<Response, Failure> {
    caller.may(Action::Read)?;
    let found = find_numbered_version(&app, &caller, &id, &version).await?;
    preview(&app, &caller, &headers, found, &parameters).await
}

async fn preview(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    (source, version): (Source, Version),
    parameters: &PreviewParameters,
) -> Result<Response, Failure> {
    let form = if wants_arrow(headers) { PreviewForm::Arrow } else { PreviewForm::Json };
    let request = Request::Preview(PreviewTask {
        source: source.id.to_string(),
        version: Some(version.number.get()),
        query: PreviewQuery { limit: parameters.rows()?, form },
    });
    let task = Task::new(TaskScope::from(&caller.scope()), request);
    let internal = |detail: String| Failure::of_kind(ErrorKind::Internal, detail);
    let mut response = match app.run(task).await? {
        Answer::Preview(Preview::Rows(rows)) => Json(rows).into_response(),
        Answer::Preview(Preview::Arrow(stream)) => {
            let stream = BASE64_STANDARD
                .decode(stream)
                .map_err(|error| internal(format!("the stream of rows is damaged: {error}")))?;
            let kind = HeaderValue::from_static(ARROW_STREAM);
            ([(header::CONTENT_TYPE, kind)], stream).into_response()
        }
        other => return Err(internal(format!("rows were asked for, and this came: {other:?}"))),
    };
    // It depends on it, for whoever keeps answers.
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    let total = HeaderName::from_static("x-total-rows");
    if let Some(facts) = &version.facts {
        response.headers_mut().insert(total, HeaderValue::from(facts.rows));
    }
    Ok(response)
}

/// Returns whether the caller would rather have Arrow than JSON: it names that, and does not refuse it.
fn wants_arrow(headers: &HeaderMap) -> bool {
    let quality = |kind: &str| {
        let texts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let ranges = texts.flat_map(|text| text.split(','));
        let found = ranges.filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let is_it = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(kind));
            let weight = parts.find_map(|part| part.strip_prefix("q="));
            is_it.then(|| weight.map_or(1.0, |weight| weight.parse::<f64>().unwrap_or(0.0)))
        });
        found.fold(None::<f64>, |best, quality| Some(best.map_or(quality, |it| it.max(quality))))
    };
    quality(ARROW_STREAM)
        .is_some_and(|arrow| arrow > 0.0 && arrow >= quality("application/json").unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrow_is_for_those_who_ask_for_it() {
        let wants = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(text));
            wants_arrow(&headers)
        };
        for text in [
            ARROW_STREAM,
            "application/json;q=0.5, application/vnd.apache.arrow.stream",
            "*/*, Application/vnd.Apache.Arrow.Stream;q=0.9",
        ] {
            assert!(wants(text), "{text}");
        }
        for text in [
            "*/*",
            "application/json",
            "application/json, application/vnd.apache.arrow.stream;q=0.1",
            "application/vnd.apache.arrow.stream;q=0",
            "application/vnd.apache.arrow.file",
        ] {
            assert!(!wants(text), "{text}");
        }
        assert!(!wants_arrow(&HeaderMap::new()));
    }
}
