//! `/sources` and `/versions`: what is catalogued, and which version readers see.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use tundra_access::Action;
use tundra_core::{ErrorKind, Source, SourceId, Version, VersionNumber};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    App, Failure,
    layers::authentication::Caller,
    openapi::RunProblems,
    routes::{cursor, cut},
    wire::{
        Json as Body, PageQuery, ReceiptDocument, Rollback, RolledBack, SourceDocument, SourcePage,
        VersionDocument, VersionPage,
    },
};

/// The longest reason for which a version is chosen, in bytes.
const LONGEST_REASON: usize = 1000;

/// Returns the routes of this group.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_sources))
        .routes(routes!(get_source))
        .routes(routes!(list_versions))
        .routes(routes!(roll_back))
        .routes(routes!(get_numbered_version))
        .routes(routes!(numbered_receipt))
        .routes(routes!(get_version))
        .routes(routes!(receipt))
}

/// List the sources of the caller's organisation, by their ids.
#[utoipa::path(
    get,
    path = "/sources",
    tag = "sources",
    params(PageQuery),
    responses(
        (status = 200, description = "The sources", body = SourcePage),
        RunProblems,
    )
)]
async fn list_sources(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<SourcePage>, Failure> {
    caller.may(Action::Read)?;
    let after = cursor(query.cursor.as_deref())?;
    let page = query.page()?;
    // One more, which says whether there are others behind.
    let found = app.workshop().runs.catalog().sources(&caller.scope(), after, page + 1).await;
    let mut sources = found.map_err(|error| Failure::of(&error))?;
    let next_cursor = cut(&mut sources, page).map(|last| last.id.to_string());
    Ok(Json(SourcePage {
        sources: sources.iter().map(SourceDocument::from).collect(),
        next_cursor,
    }))
}

/// Show a source.
#[utoipa::path(
    get,
    path = "/sources/{id}",
    tag = "sources",
    params(("id" = String, Path, description = "The source")),
    responses(
        (status = 200, description = "The source", body = SourceDocument),
        RunProblems,
    )
)]
async fn get_source(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<SourceDocument>, Failure> {
    caller.may(Action::Read)?;
    let source = find_source(&app, &caller, &id).await?;
    Ok(Json(SourceDocument::from(&source)))
}

/// List the versions of a source with what changed, the newest first.
#[utoipa::path(
    get,
    path = "/sources/{id}/versions",
    tag = "sources",
    params(("id" = String, Path, description = "The source"), PageQuery),
    responses(
        (status = 200, description = "The versions", body = VersionPage),
        RunProblems,
    )
)]
async fn list_versions(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<VersionPage>, Failure> {
    caller.may(Action::Read)?;
    let before = cursor(query.cursor.as_deref())?;
    let source = find_source(&app, &caller, &id).await?;
    let page = query.page()?;
    let found = app.workshop().runs.history(&source, before, page + 1).await;
    let mut history = found.map_err(|error| Failure::of(&error))?;
    let next_cursor = cut(&mut history, page).map(|last| last.version.number.get().to_string());
    let current = source.current_version;
    Ok(Json(VersionPage {
        source_id: source.id.to_string(),
        current_version: current.map(VersionNumber::get),
        next_cursor,
        versions: history.iter().map(|it| VersionDocument::compared(it, current)).collect(),
    }))
}

/// Make an active version the one that readers see, forward or back, and record why.
///
/// Nothing is converted and nothing removed. The next conversion makes its own version the current one again.
#[utoipa::path(
    post,
    path = "/sources/{id}/rollback",
    tag = "sources",
    params(("id" = String, Path, description = "The source")),
    request_body = Rollback,
    responses(
        (status = 200, description = "Readers see the version", body = RolledBack),
        RunProblems,
    )
)]
async fn roll_back(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<Rollback>,
) -> Result<Json<RolledBack>, Failure> {
    caller.may(Action::Write)?;
    let number = VersionNumber::new(request.version)
        .ok_or_else(|| Failure::invalid("`version`: the first version is 1"))?;
    let reason = request.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    if reason.is_some_and(|reason| reason.len() > LONGEST_REASON) {
        return Err(Failure::invalid(format!("`reason` has more than {LONGEST_REASON} bytes")));
    }
    let usual = || format!("chosen by `{}`", caller.0.subject);
    let reason = reason.map_or_else(usual, str::to_owned);
    let before = find_source(&app, &caller, &id).await?;
    let selected = app.workshop().runs.catalog().select(&before, number, &reason).await;
    let after = selected.map_err(|error| Failure::of(&error))?;
    tracing::info!(source = %after.id, version = %number, "another version was made the current one");
    Ok(Json(RolledBack {
        success: true,
        previous_version: before.current_version.map(VersionNumber::get),
        source: SourceDocument::from(&after),
    }))
}

/// Show a version of a source, by its number or as `current`.
#[utoipa::path(
    get,
    path = "/sources/{id}/versions/{version}",
    tag = "sources",
    params(
        ("id" = String, Path, description = "The source"),
        ("version" = String, Path, description = "The number of a version, or `current`"),
    ),
    responses(
        (status = 200, description = "The version", body = VersionDocument),
        RunProblems,
    )
)]
async fn get_numbered_version(
    State(app): State<App>,
    caller: Caller,
    Path((id, version)): Path<(String, String)>,
) -> Result<Json<VersionDocument>, Failure> {
    caller.may(Action::Read)?;
    let (source, version) = find_numbered_version(&app, &caller, &id, &version).await?;
    Ok(Json(VersionDocument::of(&version, source.current_version)))
}

/// Show the receipt of a version of a source, by its number or as `current`; see
/// `GET /versions/{id}/receipt`.
#[utoipa::path(
    get,
    path = "/sources/{id}/versions/{version}/receipt",
    tag = "sources",
    params(
        ("id" = String, Path, description = "The source"),
        ("version" = String, Path, description = "The number of a version, or `current`"),
    ),
    responses(
        (status = 200, description = "The receipt", body = ReceiptDocument),
        RunProblems,
    )
)]
async fn numbered_receipt(
    State(app): State<App>,
    caller: Caller,
    Path((id, version)): Path<(String, String)>,
) -> Result<Response, Failure> {
    caller.may(Action::Read)?;
    let (source, version) = find_numbered_version(&app, &caller, &id, &version).await?;
    receipt_of(&app, &source, &version).await
}

/// Show a version.
#[utoipa::path(
    get,
    path = "/versions/{id}",
    tag = "sources",
    params(("id" = String, Path, description = "The version")),
    responses(
        (status = 200, description = "The version", body = VersionDocument),
        RunProblems,
    )
)]
async fn get_version(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<VersionDocument>, Failure> {
    caller.may(Action::Read)?;
    let (source, version) = find_version(&app, &caller, &id).await?;
    Ok(Json(VersionDocument::of(&version, source.current_version)))
}

/// Show the receipt of a version: what its run read, decided and wrote, byte for byte as it stands beside
/// the data, so that its SHA-256 is the version's `receipt_sha256`.
#[utoipa::path(
    get,
    path = "/versions/{id}/receipt",
    tag = "sources",
    params(("id" = String, Path, description = "The version")),
    responses(
        (status = 200, description = "The receipt", body = ReceiptDocument),
        RunProblems,
    )
)]
async fn receipt(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    caller.may(Action::Read)?;
    let (source, version) = find_version(&app, &caller, &id).await?;
    receipt_of(&app, &source, &version).await
}

async fn receipt_of(app: &App, source: &Source, version: &Version) -> Result<Response, Failure> {
    let text = app.workshop().runs.receipt_text(source, version).await;
    let text = text.map_err(|error| Failure::of(&error))?.ok_or_else(|| {
        let detail = format!("{} of `{}` has no receipt", version.number, source.label());
        Failure::of_kind(ErrorKind::NotFound, detail)
            .hint("versions that Tundra 4.0 made have none; a new conversion makes one")
    })?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// Finds a source by its id. There is none whose id is no id, and none of somebody else's.
pub(super) async fn find_source(app: &App, caller: &Caller, id: &str) -> Result<Source, Failure> {
    let id: SourceId = id.parse().map_err(|_| missing("source"))?;
    let source = app.workshop().runs.catalog().source(&caller.scope(), id).await;
    source.map_err(|error| Failure::of(&error))
}

/// Finds a version by its id.
pub(super) async fn find_version(
    app: &App,
    caller: &Caller,
    id: &str,
) -> Result<(Source, Version), Failure> {
    let id = Uuid::try_parse(id).map_err(|_| missing("version"))?;
    let found = app.workshop().runs.catalog().version_by_id(&caller.scope(), id).await;
    found.map_err(|error| Failure::of(&error))
}

/// Finds a version of a source by its number, or the current one.
pub(super) async fn find_numbered_version(
    app: &App,
    caller: &Caller,
    id: &str,
    version: &str,
) -> Result<(Source, Version), Failure> {
    let source = find_source(app, caller, id).await?;
    let number = match version {
        "current" => source.current_version,
        number => number.parse().ok(),
    };
    let number = number.ok_or_else(|| missing("version"))?;
    let version = app.workshop().runs.catalog().version(&source, number).await;
    Ok((source, version.map_err(|error| Failure::of(&error))?))
}

fn missing(what: &str) -> Failure {
    Failure::of_kind(ErrorKind::NotFound, format!("there is no such {what}"))
}
