//! `/uploads`: a file is announced, and its bytes are sent.
//!
//! Where the warehouse is a store that signs URLs, the bytes go there and never through this service; they
//! may come here all the same. What has not come to its end, or is not what its checksums say, leaves
//! nothing.

mod checksums;

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header::CONTENT_LENGTH},
    response::{IntoResponse, Response},
};
use futures::StreamExt as _;
use tundra_access::Action;
use tundra_core::{
    ErrorKind, Format, NewSource, ObjectWriter, SchemaRule, Source, SourceId, SourceType, TenantId,
};
use url::Url;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::checksums::Checksums;
use crate::{
    App, Failure,
    layers::{authentication::Caller, body::failure_of},
    openapi::RunProblems,
    routes::sources::find_source,
    wire::{Json as Request, SourceDocument, UploadRequest, UploadTarget, UploadTicket, Uploaded},
};

/// For how long a URL is good that is signed. The upload must have begun by then.
const SIGNED_FOR: Duration = Duration::from_secs(60 * 60);

/// The longest name of a file, in bytes. File systems take 255, and a file that is being written has a
/// longer name than when it is there.
const LONGEST_FILE_NAME: usize = 200;

/// The longest name of a source, in bytes.
const LONGEST_NAME: usize = 255;

/// Whose a source is that somebody adds who acts for everybody and names nobody: as on the command line.
const OWN_TENANT: &str = "local";

/// Returns the routes whose bodies are JSON.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(begin_upload))
}

/// Returns the routes whose bodies are files.
pub(crate) fn files() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(put_file))
}

/// Announce a file: add a source for it, or name the one whose next file it is.
///
/// The answer says where the bytes are to be sent, by one PUT. When they are there, `POST /convert/file` makes
/// a version of them.
#[utoipa::path(
    post,
    path = "/uploads",
    tag = "sources",
    operation_id = "begin_upload",
    request_body = UploadRequest,
    responses(
        (status = 201, description = "Where the file is to be sent", body = UploadTicket),
        RunProblems,
    )
)]
async fn begin_upload(
    State(app): State<App>,
    caller: Caller,
    Request(request): Request<UploadRequest>,
) -> Result<Response, Failure> {
    caller.may(Action::Write)?;
    check_file_name(&request.file_name)?;
    let catalog = app.workshop().runs.catalog();
    let (source, is_new) = match &request.source_id {
        Some(id) => (existing(&app, &caller, id, &request).await?, false),
        None => {
            let new = new_source(&caller, &request)?;
            let added = catalog.add_source(&new).await;
            (added.map_err(|error| Failure::of(&error))?, true)
        }
    };
    let upload = match target(&app, &source, &request).await {
        Ok(upload) => upload,
        Err(failure) => {
            // Nobody was told of it.
            if is_new && let Err(error) = catalog.remove_source(&source).await {
                tracing::warn!(%error, source = %source.id, "could not remove a source without an upload");
            }
            return Err(failure);
        }
    };
    let ticket = UploadTicket {
        source_id: source.id.to_string(),
        source: SourceDocument::from(&source),
        upload,
    };
    Ok((StatusCode::CREATED, Json(ticket)).into_response())
}

/// Send the bytes of a file, as an upload of a source. One of the same name is replaced.
///
/// What `Content-MD5`, `Content-Digest` (with `sha-256`) or `X-Checksum-SHA256` says is held against what
/// comes.
#[utoipa::path(
    put,
    path = "/uploads/{source_id}/{file_name}",
    tag = "sources",
    operation_id = "put_file",
    params(
        ("source_id" = String, Path, description = "The source"),
        ("file_name" = String, Path, description = "What the file is called"),
    ),
    request_body(content = Option<Vec<u8>>, content_type = "application/octet-stream"),
    responses(
        (status = 201, description = "The file is there", body = Uploaded),
        RunProblems,
    )
)]
async fn put_file(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path((source_id, file_name)): Path<(String, String)>,
    body: Body,
) -> Result<Response, Failure> {
    caller.may(Action::Write)?;
    check_file_name(&file_name)?;
    let limit = most_bytes(&app);
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let announced: Option<u64> = announced.and_then(|text| text.parse().ok());
    if let (Some(limit), Some(announced)) = (limit, announced)
        && announced > limit
    {
        return Err(too_large(limit));
    }
    let mut checksums = Checksums::announced(&headers)?;
    let source = find_source(&app, &caller, &source_id).await?;
    check_takes_uploads(&source)?;
    let writer = app.workshop().runs.warehouse().upload_writer(&source, &file_name).await;
    // When this future is dropped, because the client went away, so is the writer, which leaves nothing.
    let mut writer = writer.map_err(|error| Failure::of(&error))?;
    let received = receive(body, &mut *writer, &mut checksums, limit).await;
    let checked = received.and_then(|size| Ok((size, checksums.check()?)));
    let (size_bytes, sha256) = match checked {
        Ok(checked) => checked,
        Err(failure) => {
            if let Err(error) = writer.abort().await {
                tracing::warn!(%error, source = %source.id, "could not remove a part of an upload");
            }
            return Err(failure);
        }
    };
    writer.publish().await.map_err(|error| Failure::of(&error))?;
    tracing::info!(source = %source.id, bytes = size_bytes, "took an upload");
    let uploaded =
        Uploaded { success: true, source_id: source.id.to_string(), file_name, size_bytes, sha256 };
    Ok((StatusCode::CREATED, Json(uploaded)).into_response())
}

/// Writes what comes, piece by piece, and returns how many bytes it was.
async fn receive(
    body: Body,
    writer: &mut dyn ObjectWriter,
    checksums: &mut Checksums,
    limit: Option<u64>,
) -> Result<u64, Failure> {
    let mut size = 0;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| failure_of(&error))?;
        size += piece.len() as u64;
        if let Some(limit) = limit.filter(|limit| size > *limit) {
            return Err(too_large(limit));
        }
        checksums.update(&piece);
        writer.write(piece).await.map_err(|error| Failure::of(&error))?;
    }
    Ok(size)
}

/// Finds the source whose next file it is.
async fn existing(
    app: &App,
    caller: &Caller,
    id: &str,
    request: &UploadRequest,
) -> Result<Source, Failure> {
    let of_new =
        [("name", &request.name), ("format", &request.format), ("org_id", &request.org_id)];
    if let Some((field, _)) = of_new.into_iter().find(|(_, value)| value.is_some()) {
        return Err(Failure::invalid(format!(
            "`{field}` is for a new source, not with `source_id`"
        )));
    }
    let source = find_source(app, caller, id).await?;
    check_takes_uploads(&source)?;
    Ok(source)
}

/// Checks that the next run of the source would read what is sent.
fn check_takes_uploads(source: &Source) -> Result<(), Failure> {
    let what = match (source.source_type, &source.location) {
        (SourceType::File, None) => return Ok(()),
        (SourceType::File, Some(_)) => "is read from a place of its own",
        (SourceType::Database | SourceType::Api, _) => "is no file",
    };
    let detail = format!("the source `{}` {what}, and takes no uploads", source.label());
    Err(Failure::of_kind(ErrorKind::Conflict, detail)
        .hint("leave `source_id` out for a new source"))
}

fn new_source(caller: &Caller, request: &UploadRequest) -> Result<NewSource, Failure> {
    let asked = request.org_id.as_deref().map(str::parse::<TenantId>).transpose();
    let asked = asked.map_err(|error| Failure::invalid(format!("`org_id`: {error}")))?;
    let tenant = match (&caller.0.tenant, asked) {
        (Some(own), Some(other)) if *own != other => {
            let detail = "the caller acts for another organisation than `org_id`";
            return Err(Failure::of_kind(ErrorKind::PermissionDenied, detail));
        }
        (Some(own), _) => own.clone(),
        (None, Some(asked)) => asked,
        (None, None) => OWN_TENANT.parse().map_err(|error: tundra_core::IdentityError| {
            Failure::of_kind(ErrorKind::Internal, error.to_string())
        })?,
    };
    let name = request.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    if name.is_some_and(|name| name.len() > LONGEST_NAME || name.contains(char::is_control)) {
        return Err(Failure::invalid(format!(
            "`name` has at most {LONGEST_NAME} bytes and no control characters"
        )));
    }
    let format = request.format.as_deref().map(str::parse::<Format>).transpose();
    let format = format.map_err(|error| Failure::invalid(format!("`format`: {error}")))?;
    Ok(NewSource {
        id: SourceId::generate(),
        tenant,
        name: name.map(str::to_owned),
        source_type: SourceType::File,
        connector_type: format.map_or("auto", Format::name).to_owned(),
        location: None,
        schema_rule: SchemaRule::Any,
    })
}

/// Returns the request that sends the file.
async fn target(
    app: &App,
    source: &Source,
    request: &UploadRequest,
) -> Result<UploadTarget, Failure> {
    let (warehouse, name) = (app.workshop().runs.warehouse(), &request.file_name);
    if warehouse.signs() {
        let kind = request.content_type.clone();
        let signed = warehouse.sign_upload(source, name, kind, SIGNED_FOR).await;
        let signed = signed.map_err(|error| Failure::of(&error))?;
        return Ok(UploadTarget {
            method: signed.method.to_owned(),
            url: signed.url.expose().to_owned(),
            headers: signed.headers.into_iter().collect(),
            expires_in: Some(signed.lasts.as_secs()),
            max_bytes: None,
        });
    }
    // Checked here, because nothing else is before the bytes come.
    let layout = warehouse.layout().upload(&source.tenant, source.id, name);
    layout.map_err(|error| Failure::of(&error))?;
    Ok(UploadTarget {
        method: "PUT".to_owned(),
        url: path_of(source.id, name)?,
        headers: BTreeMap::new(),
        expires_in: None,
        max_bytes: most_bytes(app),
    })
}

/// Returns the path of a file on this service, escaped.
fn path_of(source: SourceId, file_name: &str) -> Result<String, Failure> {
    let internal = || Failure::of_kind(ErrorKind::Internal, "a path could not be made");
    let mut url = Url::parse("http://here/").map_err(|_| internal())?;
    let mut path = url.path_segments_mut().map_err(|()| internal())?;
    path.pop_if_empty().extend(["uploads", source.to_string().as_str(), file_name]);
    drop(path);
    Ok(url.path().to_owned())
}

/// Returns how many bytes a file may have.
fn most_bytes(app: &App) -> Option<u64> {
    [app.settings().upload_limit, app.workshop().max_file_size].into_iter().flatten().min()
}

/// Checks what a file is to be called. That it leads nowhere else, the layout checks.
fn check_file_name(name: &str) -> Result<(), Failure> {
    let reason = if name.is_empty() || name.len() > LONGEST_FILE_NAME {
        format!("it has 1 to {LONGEST_FILE_NAME} bytes")
    } else if name.starts_with('.') {
        // Files that are being written have such names, and are not listed.
        "it does not begin with a dot".to_owned()
    } else if name.contains(['/', '\\']) || name.contains(char::is_control) {
        "it has no `/`, no `\\` and no control characters".to_owned()
    } else {
        return Ok(());
    };
    Err(Failure::invalid(format!("`file_name`: {reason}")))
}

fn too_large(limit: u64) -> Failure {
    let detail = format!("the file has more than {limit} bytes, the most that is allowed");
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_one_file_that_is_seen() {
        let longest = "x".repeat(LONGEST_FILE_NAME);
        for name in ["orders.csv", "a b ä.csv", "%2e%2e", &longest] {
            check_file_name(name).unwrap();
        }
        for name in ["", ".", "..", ".hidden", "a/b", "a\\b", "a\nb", &format!("{longest}x")] {
            assert_eq!(check_file_name(name).unwrap_err().status, 400, "{name:?}");
        }
    }

    #[test]
    fn a_path_leads_to_the_file_whatever_its_name_is() {
        let id = "0f8fad5b-d9cb-469f-a165-70867728950e";
        for (name, escaped) in
            [("orders.csv", "orders.csv"), ("a b?#%.csv", "a%20b%3F%23%25.csv"), ("ä", "%C3%A4")]
        {
            let path = path_of(id.parse().unwrap(), name).unwrap();
            assert_eq!(path, format!("/uploads/{id}/{escaped}"));
        }
    }
}
